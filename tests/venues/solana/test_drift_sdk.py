"""Instructions as driftpy builds them: against recorded bytes, the published layout, and two readers of our own."""

import importlib.util
import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from risk.model.account import Side
from risk.model.trading import OrderStyle, OrderTerms
from tests.support import addresses
from tests.support.drift_program import arrived
from tests.support.order_terms import agreed, make_terms
from tests.venues.solana.reading import DRIFT
from venues.solana.gateway import InstructionBuilder
from venues.solana.orders import (
    Call,
    CallAccounts,
    CancelOrders,
    OrderParams,
    PlaceOrders,
    TakeOrder,
    calls_of,
)
from venues.solana.orders_read import read_message
from venues.solana.profiles import TradingFacts

pytestmark = pytest.mark.skipif(importlib.util.find_spec("driftpy") is None, reason="orders on drift need driftpy")

OWNER, SIGNER = addresses.address("ann"), addresses.keypair("ann's bot")
ACCOUNT = addresses.user_address(OWNER, 3)
ACCOUNTS = CallAccounts(authority=Pubkey.from_string(OWNER), sub_account=3, signer=SIGNER.pubkey())
PLAIN = OrderParams(
    order_type="Limit", direction="Long", market_index=0, base_asset_amount=5, price=7, reduce_only=False
)
# Published as the output of another SDK for Velocity, whose orders have two fields more.
RECORDED = bytes.fromhex(
    "d53301bb6cdce6e000010000002d310100000000000000000000000000000100000000000000000000000102640000"
)


def facts() -> TradingFacts:
    assert DRIFT.trading is not None
    return DRIFT.trading


@cache
def sdk() -> InstructionBuilder:
    from venues.solana.drift_sdk import DriftInstructions

    return DriftInstructions()


def built(call: Call) -> bytes:
    return bytes(sdk().build(call, ACCOUNTS, ()).data)


def message_of(*terms: OrderTerms, cancels: tuple[int, ...] = ()) -> Message:
    calls = calls_of(facts(), agreed(ACCOUNT, *terms, cancels=cancels))
    instructions = [sdk().build(call, ACCOUNTS, ()) for call in calls]
    return Message.new_with_blockhash(instructions, SIGNER.pubkey(), Hash.default())


def test_an_order_is_written_as_it_was_recorded() -> None:
    order = OrderParams(
        order_type="Market", direction="Long", market_index=0, base_asset_amount=20_000_000, price=0, reduce_only=True
    )
    ours = built(TakeOrder(order=order))
    assert ours[:-1] == RECORDED[: len(ours) - 1]
    assert ours[-1:] == b"\0"  # no condition of success


def test_building_reads_no_wallet_of_whoever_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    sdk.cache_clear()
    assert built(CancelOrders(order_ids=(7,)))


@pytest.mark.parametrize("call", [
    TakeOrder(order=PLAIN), PlaceOrders(orders=(PLAIN, PLAIN)), CancelOrders(order_ids=(1, 2)),
], ids=["place_and_take_perp_order", "place_orders", "cancel_orders_by_ids"])  # fmt: skip
def test_calls_are_the_published_ones(material: Path, call: Call, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.id
    document = json.loads((material / "data" / "layouts" / "velocity_v1.json").read_text())["drift_v2_instructions"]
    published = next(one for one in document["instructions"] if one["name"] == name)
    instruction = sdk().build(call, ACCOUNTS, ())
    assert instruction.data[:8].hex() == published["discriminator"]
    flags = [
        (account, "s" if meta.is_signer else "w" if meta.is_writable else "r")
        for (account, _), meta in zip(published["accounts"], instruction.accounts, strict=True)
    ]
    assert flags == [tuple(one) for one in published["accounts"]]
    ours = facts().instructions[bytes(instruction.data[:8])]
    assert (ours.name, [account for account, _ in ours.accounts]) == (name, [one for one, _ in published["accounts"]])


def test_order_parameters_are_the_published_ones(material: Path) -> None:
    from venues.solana.borsh import Choice, Maybe, Record

    document = json.loads((material / "data" / "layouts" / "velocity_v1.json").read_text())
    take = next(one for one in facts().instructions.values() if one.name == "place_and_take_perp_order")
    params = dict(take.arguments.fields)["params"]
    assert isinstance(params, Record)
    ours = [(name, f"option<{kind.of}>" if isinstance(kind, Maybe) else kind) for name, kind in params.fields]
    published = [tuple(one) for one in document["args"]["OrderParams"]["drift_v2"]]
    assert [name for name, _ in ours] == [name for name, _ in published]
    for (name, kind), (_, wanted) in zip(ours, published, strict=True):
        assert isinstance(kind, Choice) or kind == wanted, name


def test_the_names_of_the_programs_errors_come_with_it() -> None:
    assert sdk().errors[6_003][0] == "InsufficientCollateral"


@st.composite
def any_terms(draw: st.DrawFn) -> OrderTerms:
    style = draw(st.sampled_from(OrderStyle))
    u64 = st.integers(1, 2**64 - 1)
    return make_terms(
        ACCOUNT,
        market="SOL-PERP",
        market_index=draw(st.integers(0, 2**16 - 1)),
        side=draw(st.sampled_from(Side)),
        style=style,
        size=draw(u64),
        limit=0 if style is OrderStyle.TRIGGER_MARKET else draw(u64),
        reduce_only=draw(st.booleans()),
        expires_at_s=draw(st.integers(0 if style.is_trigger else 1, 2**63 - 1)),
        trigger=draw(u64) if style.is_trigger else 0,
        triggers_above=draw(st.booleans()) if style.is_trigger else None,
    )


@given(st.lists(any_terms(), min_size=1, max_size=4), st.lists(st.integers(0, 2**32 - 1), max_size=4))
def test_what_is_built_reads_back_as_what_was_agreed_on(terms: list[OrderTerms], cancels: list[int]) -> None:
    message = message_of(*terms, cancels=tuple(cancels))
    found = read_message(DRIFT, bytes(message))
    assert found.orders == tuple(
        make_terms(
            ACCOUNT, market="", market_index=one.market_index, side=one.side, style=one.style, size=one.size_raw_1e9,
            limit=one.limit_raw_1e6, reduce_only=one.reduce_only, expires_at_s=one.expires_at_s,
            trigger=one.trigger_raw_1e6, triggers_above=one.triggers_above,
        )
        for one in terms
    )  # fmt: skip
    assert found.cancels == tuple(cancels)
    assert found.strangers == ()
    assert found.accounts == {ACCOUNT}
    assert found.signers == (str(SIGNER.pubkey()),)
    # And as the tests' own program sees it.
    calls = arrived(bytes(VersionedTransaction(message, [SIGNER])))
    orders = [order for call in calls for order in call.orders]
    assert {call.user for call in calls} == {ACCOUNT}
    assert [one.base_1e9 for one in orders] == [one.size_raw_1e9 for one in terms]
    assert [one.price_1e6 for one in orders] == [one.limit_raw_1e6 for one in terms]
    assert [one.max_ts or 0 for one in orders] == [one.expires_at_s for one in terms]
    assert all(one.rest == (None,) * 4 for one in orders)
