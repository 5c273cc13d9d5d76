"""What the signer writes, read by others: the project's own reader, the venue's software, and the recorded facts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.message import Message
from solders.pubkey import Pubkey

from bot.signer import encoding
from bot.signer.intent import Intent, IntentSide, IntentStyle, ModifyIntent
from tests.bot.signer.asking import ACCOUNT, NOW_S, OWNER, REMAINING, SIGNER_KEY, make_intent, make_order, make_stop
from tests.bot.signer.drawing import intents
from tests.bot.signer.terms import terms_of
from tests.support import addresses
from venues.solana import profiles
from venues.solana.addresses import perp_market_address, spot_market_address, state_address, user_stats_address
from venues.solana.borsh import Choice, Maybe, Record, read_exactly
from venues.solana.orders_read import read_message
from venues.solana.profiles._drift_orders import ORDER_PARAMS, TRADING

DRIFT = profiles.load("drift")
_CHOICES = dict(ORDER_PARAMS.fields)
MODIFY_PARAMS = Record(
    order_id=Maybe("u32"), direction=Maybe(_CHOICES["direction"]), base_asset_amount=Maybe("u64"), price=Maybe("u64"),
    reduce_only=Maybe("bool"), post_only=Maybe(_CHOICES["post_only"]), bit_flags=Maybe("u8"), max_ts=Maybe("i64"),
    trigger_price=Maybe("u64"), trigger_condition=Maybe(_CHOICES["trigger_condition"]),
    oracle_price_offset=Maybe("i32"), auction_duration=Maybe("u8"), auction_start_price=Maybe("i64"),
    auction_end_price=Maybe("i64"), policy=Maybe("u8"),
)  # fmt: skip


@given(intent=intents(modifies=False))
def test_what_the_signer_writes_reads_back_as_what_was_meant(intent: Intent) -> None:
    found = read_message(DRIFT, intent.message)

    assert found.strangers == ()
    assert found.signers == (str(SIGNER_KEY),)
    assert found.accounts == {ACCOUNT}
    assert found.orders == tuple(terms_of(one) for one in intent.orders)
    assert found.cancels == intent.cancels
    assert intent.chain is not None
    assert (found.unit_limit, found.unit_price_micro) == (intent.chain.unit_limit, intent.chain.unit_price_micro)
    taken = {one.market_index for one in intent.orders if one.style is IntentStyle.IOC}
    behind = {addresses.perp_market_address(index) for index in taken} & set(intent.chain.remaining)
    assert found.writable == {ACCOUNT} | behind


@given(intent=intents(modifies=True))
def test_a_changed_order_states_everything_it_has(intent: Intent) -> None:
    message = Message.from_bytes(intent.message)
    calls = [bytes(one.data) for one in message.instructions if bytes(one.data).startswith(encoding.MODIFY)]

    assert len(calls) == len(intent.modifies)
    for call, change in zip(calls, intent.modifies, strict=True):
        found, order = read_exactly("modify_order", MODIFY_PARAMS, call[8:]), change.order
        assert found.maybe_number("order_id") == change.order_id
        assert found.maybe_choice("direction") == ("Long" if order.side is IntentSide.BUY else "Short")
        assert found.maybe_number("base_asset_amount") == order.size_raw_1e9
        assert found.maybe_number("price") == order.limit_raw_1e6
        assert found.flag("reduce_only") is order.reduce_only
        assert found.maybe_choice("post_only") == ("MustPostOnly" if order.style is IntentStyle.POST_ONLY else "None")
        assert found.maybe_number("max_ts") == order.expires_at_s
        assert found.maybe_number("trigger_price") == order.trigger_raw_1e6
        assert found.maybe_choice("trigger_condition") == ("Below" if order.triggers_above is False else "Above")
        assert (found.maybe_number("bit_flags"), found.maybe_number("oracle_price_offset")) == (0, 0)
        assert found.maybe_number("policy") == 1  # must be there, or nothing is changed
        assert all(found.maybe_number(f"auction_{name}") is None for name in ("duration", "start_price", "end_price"))


@given(intent=intents())
def test_only_the_two_programs_are_called_and_only_by_the_calls_of_the_grammar(intent: Intent) -> None:
    message = Message.from_bytes(intent.message)
    called = {str(message.account_keys[one.program_id_index]) for one in message.instructions}
    known = {encoding.PLACE, encoding.TAKE, encoding.CANCEL, encoding.MODIFY}

    assert called == {str(encoding.PROGRAM), str(encoding.COMPUTE_BUDGET)}
    assert message.instructions[0].data == b"\2" + message.instructions[0].data[1:]  # units first: no nonce can be
    assert {bytes(one.data)[:8] for one in message.instructions[2:]} <= known
    assert (message.header.num_required_signatures, message.header.num_readonly_signed_accounts) == (1, 0)


def test_the_facts_of_the_program_are_those_of_the_venue_s_profile() -> None:
    calls = {one.name: one.discriminator for one in TRADING.instructions.values()}
    owner = bytes(Pubkey.from_string(OWNER))

    assert str(encoding.PROGRAM) == DRIFT.program_id
    assert calls == {
        "place_orders": encoding.PLACE,
        "place_and_take_perp_order": encoding.TAKE,
        "cancel_orders_by_ids": encoding.CANCEL,
    }
    assert encoding.state_address() == state_address(DRIFT)
    assert encoding.user_address(Pubkey.from_string(OWNER), 7) == Pubkey.from_string(addresses.user_address(OWNER, 7))
    assert encoding.user_stats_address(Pubkey.from_string(OWNER)) == user_stats_address(DRIFT, owner)
    for index in (0, 1, 77, 511):
        assert encoding.perp_market_address(index) == perp_market_address(DRIFT, index)
        assert encoding.spot_market_address(index) == spot_market_address(DRIFT, index)


def test_the_facts_of_the_program_are_the_recorded_ones(material: Path) -> None:
    facts = json.loads((material / "data/layouts/velocity_v1.json").read_text(encoding="utf-8"))
    drift: dict[str, Any] = facts["drift_v2_instructions"]
    first = {one["name"]: one["discriminator"] for one in drift["instructions"]}

    assert encoding.MODIFY.hex() == first["modify_order"]
    assert encoding.TAKE.hex() == first["place_and_take_perp_order"]
    assert encoding.PLACE.hex() == first["place_orders"]
    assert encoding.CANCEL.hex() == first["cancel_orders_by_ids"]
    assert str(encoding.state_address()) == drift["pda_addresses"]["state"]
    assert str(encoding.perp_market_address(3)) == drift["pda_addresses"]["perp_market_3"]
    assert str(encoding.spot_market_address(1)) == drift["pda_addresses"]["spot_market_1"]
    assert [name for name, _ in MODIFY_PARAMS.fields[1:]] == [
        name for name, _ in facts["args"]["ModifyOrderParams"]["drift_v2"]
    ]
    assert _CHOICES["direction"] == Choice(*facts["enums"]["PositionDirection"])
    assert _CHOICES["post_only"] == Choice(*facts["enums"]["PostOnlyParam"])
    assert _CHOICES["trigger_condition"] == Choice(*facts["enums"]["OrderTriggerCondition"])


@pytest.mark.parametrize(
    "intent",
    [
        make_intent(cancels=(3, 4)),
        make_intent(make_order(), make_stop(), make_order(style=IntentStyle.LIMIT), cancels=(9,)),
        make_intent(make_order(side=IntentSide.BUY), make_order(style=IntentStyle.POST_ONLY, reduce_only=False)),
        make_intent(make_stop(style=IntentStyle.TRIGGER_LIMIT, limit_raw_1e6=10**8, expires_at_s=NOW_S)),
        make_intent(
            modifies=[
                ModifyIntent(order_id=2**32 - 1, order=make_order(style=IntentStyle.LIMIT)),
                ModifyIntent(order_id=0, order=make_stop()),
            ]
        ),
    ],
    ids=["cancels", "all kinds", "buys", "triggers", "changes"],
)
def test_the_venue_s_own_software_writes_the_same_bytes(intent: Intent) -> None:
    from tests.bot.signer.sdk import message_of_sdk  # seconds, so only here

    assert message_of_sdk(intent) == intent.message


@given(
    first=intents(),
    changed=st.sampled_from(["size_raw_1e9", "limit_raw_1e6", "side", "reduce_only", "expires_at_s", "market_index"]),
)
def test_two_orders_that_differ_are_two_messages(first: Intent, changed: str) -> None:
    orders = list(first.orders)
    if not orders:
        return
    value: object = getattr(orders[0], changed)
    if isinstance(value, bool):
        other: object = not value
    elif isinstance(value, IntentSide):
        other = IntentSide.BUY if value is IntentSide.SELL else IntentSide.SELL
    else:
        other = int(str(value)) ^ 1
    orders[0] = replace(orders[0], **{changed: other})  # type: ignore[arg-type]  # of the field's own type

    assert (
        make_intent(*orders, cancels=first.cancels, modifies=first.modifies, remaining=REMAINING).message
        != first.message
    )
