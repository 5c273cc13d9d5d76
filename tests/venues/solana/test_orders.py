"""Batches as calls, the accounts they touch, and reading them back."""

from dataclasses import replace

import pytest
from solders.compute_budget import request_heap_frame, set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import AdvanceNonceAccountParams, TransferParams, advance_nonce_account, transfer

from risk.model.account import Side
from risk.model.trading import OrderBatch, OrderStyle, OrderTerms
from tests.support import addresses
from tests.support.drift_accounts import OrderSlot
from tests.support.drift_trading import account_id, trading_world
from tests.support.order_terms import agreed, halting, make_terms
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.reading import DRIFT, fetched_of, users_of
from venues.errors import VenueRejected
from venues.solana.orders import (
    CancelOrders,
    PlaceOrders,
    TakeOrder,
    calls_of,
    check_against_market,
    params_of,
    remaining_accounts,
)
from venues.solana.orders_read import BudgetCaps, read_message, require_exactly
from venues.solana.profiles import TradingFacts

ACCOUNT = account_id()
SIGNER = addresses.address("ann's bot")
CAPS = BudgetCaps(units=1_000_000, price_micro=200_000)
STOP = make_terms(
    ACCOUNT, style=OrderStyle.TRIGGER_MARKET, limit=0, trigger=120_000_000, triggers_above=False, expires_at_s=0
)


def facts() -> TradingFacts:
    assert DRIFT.trading is not None
    return DRIFT.trading


def test_an_immediate_order_is_taken_at_its_limit_and_never_rests() -> None:
    order = params_of(facts(), make_terms(ACCOUNT, side=Side.BUY, expires_at_s=99))
    assert (order.order_type, order.bit_flags, order.direction) == ("Limit", 1, "Long")
    assert (order.price, order.max_ts, order.reduce_only, order.post_only) == (160_000_000, 99, True, "None")


@pytest.mark.parametrize(("style", "order_type", "post_only"), [
    (OrderStyle.LIMIT, "Limit", "None"), (OrderStyle.POST_ONLY, "Limit", "MustPostOnly"),
])  # fmt: skip
def test_a_resting_order_has_no_flag_that_the_program_refuses_there(
    style: OrderStyle, order_type: str, post_only: str
) -> None:
    order = params_of(facts(), make_terms(ACCOUNT, style=style))
    assert (order.order_type, order.post_only, order.bit_flags) == (order_type, post_only, 0)


@pytest.mark.parametrize(("above", "condition"), [(True, "Above"), (False, "Below")])
def test_a_stop_waits_on_its_own_side_of_the_price(above: bool, condition: str) -> None:
    order = params_of(facts(), replace(STOP, triggers_above=above))
    assert (order.order_type, order.trigger_price, order.trigger_condition) == ("TriggerMarket", 120_000_000, condition)
    assert (order.price, order.max_ts) == (0, None)
    limited = replace(STOP, style=OrderStyle.TRIGGER_LIMIT, limit_raw_1e6=119_000_000)
    assert params_of(facts(), limited).order_type == "TriggerLimit"


@pytest.mark.parametrize("terms", [
    make_terms(ACCOUNT, size=0), make_terms(ACCOUNT, limit=0), replace(STOP, limit_raw_1e6=5),
    replace(STOP, trigger_raw_1e6=0),
    replace(STOP, triggers_above=None), make_terms(ACCOUNT, trigger=5), make_terms(ACCOUNT, triggers_above=True),
    make_terms(ACCOUNT, expires_at_s=0), replace(STOP, style=OrderStyle.TRIGGER_LIMIT),
])  # fmt: skip
def test_terms_that_no_order_can_have_are_refused(terms: OrderTerms) -> None:
    with pytest.raises(VenueRejected):
        params_of(facts(), terms)


def test_calls_keep_the_order_of_a_batch_and_cancel_first() -> None:
    ioc, limit = make_terms(ACCOUNT), make_terms(ACCOUNT, style=OrderStyle.LIMIT)
    calls = calls_of(facts(), agreed(ACCOUNT, ioc, STOP, limit, ioc, cancels=[4, 2]))
    assert [type(call) for call in calls] == [CancelOrders, TakeOrder, PlaceOrders, TakeOrder]
    assert isinstance(calls[0], CancelOrders)
    assert calls[0].order_ids == (4, 2)
    assert isinstance(calls[2], PlaceOrders)
    assert [order.order_type for order in calls[2].orders] == ["TriggerMarket", "Limit"]


def test_more_orders_than_an_account_holds_are_refused() -> None:
    with pytest.raises(VenueRejected, match="32"):
        calls_of(facts(), agreed(ACCOUNT, *[make_terms(ACCOUNT)] * 33))


def touched(
    batch: OrderBatch, builder_world: WorldBuilder | None = None
) -> dict[frozenset[int], tuple[AccountMeta, ...]]:
    fetched = fetched_of(trading_world() if builder_world is None else builder_world.build())
    return remaining_accounts(DRIFT, users_of(fetched, [batch.account_id]), fetched, batch)


def test_accounts_cover_every_market_an_account_is_in_and_the_traded_one_each_once() -> None:
    builder = WorldBuilder()
    bid = OrderSlot(order_id=3, market_index=2, base_raw=10**9, price_1e6=10**6)
    user = builder.add_user(
        "ann",
        spots=[builder.deposit("USDC", "10"), builder.deposit("SOL", "5")],
        perps=[builder.position("SOL-PERP", "1")],
        orders=[bid],
    )
    batch = agreed(user, make_terms(user, market="BTC-PERP", market_index=1))
    both = touched(batch, builder)
    plain, taking = both[frozenset()], both[frozenset({1})]
    keys = [str(one.pubkey) for one in plain]
    assert len(set(keys)) == len(keys)
    perps = [addresses.perp_market_address(index) for index in (0, 1, 2)]
    spots = [addresses.spot_market_address(index) for index in (0, 1)]
    assert keys[-3:] == perps
    assert keys[-5:-3] == spots
    oracles = set(keys[:-5])
    assert {builder.oracle_address("SOL"), builder.oracle_address("BTC")} <= oracles
    assert oracles <= {builder.oracle_address(feed.name) for feed in builder.catalogue.feeds}
    assert not any(one.is_writable or one.is_signer for one in plain)
    assert [str(one.pubkey) for one in taking] == keys
    assert [str(one.pubkey) for one in taking if one.is_writable] == [perps[1]]


def test_an_account_in_nothing_still_names_the_quote_market_and_the_traded_one() -> None:
    builder = WorldBuilder()
    user = builder.add_user("ann")
    keys = [str(one.pubkey) for one in touched(agreed(user, make_terms(user)), builder)[frozenset({0})]]
    assert addresses.spot_market_address(0) in keys
    assert keys[-1] == addresses.perp_market_address(0)


@pytest.mark.parametrize(("terms", "words"), [
    (make_terms(ACCOUNT, market="BTC-PERP"), "not BTC-PERP"),
    (make_terms(ACCOUNT, size=2 * 10**9 + 1), "multiples"),
    (make_terms(ACCOUNT, limit=140_000_001), "multiples"),
    (replace(STOP, trigger_raw_1e6=120_000_050), "multiples"),
    (make_terms(ACCOUNT, market="NOSUCH-PERP", market_index=999), "does not exist"),
])  # fmt: skip
def test_what_a_market_cannot_take_is_refused_before_anybody_is_asked(terms: OrderTerms, words: str) -> None:
    with pytest.raises(VenueRejected, match=words):
        check_against_market(DRIFT, fetched_of(trading_world()), agreed(ACCOUNT, terms))


# One call of each kind, built by hand, for the reader alone.
def placing(
    *, account: str = ACCOUNT, authority: str = SIGNER, state: str = "", tail: bytes = b"", **changes: int
) -> Instruction:
    values = {
        "type": 1, "market_type": 1, "direction": 1, "own_id": 0, "size": 2 * 10**9, "price": 140_000_000, "market": 0,
        "reduce_only": 1, "post_only": 0, "flags": 1, "max_ts": 4_000_000_000, **changes,
    }  # fmt: skip
    data = bytes.fromhex("d53301bb6cdce6e0")
    data += bytes([values["type"], values["market_type"], values["direction"], values["own_id"]])
    data += values["size"].to_bytes(8, "little") + values["price"].to_bytes(8, "little")
    data += values["market"].to_bytes(2, "little")
    data += bytes([values["reduce_only"], values["post_only"], values["flags"]])
    data += b"\1" + values["max_ts"].to_bytes(8, "little", signed=True) + bytes(1 + 1 + 4 + 1) + tail
    keys = [
        state or addresses.state_address(),
        account,
        addresses.user_stats_address(addresses.address("ann")),
        authority,
    ]
    flags = [(False, False), (False, True), (False, True), (True, False)]
    metas = [AccountMeta(Pubkey.from_string(key), *flag) for key, flag in zip(keys, flags, strict=True)]
    metas.append(AccountMeta(Pubkey.from_string(addresses.perp_market_address(0)), False, True))
    return Instruction(Pubkey.from_string(addresses.DRIFT_PROGRAM), data, metas)


def message(*instructions: Instruction, payer: str = SIGNER) -> bytes:
    return bytes(Message.new_with_blockhash(list(instructions), Pubkey.from_string(payer), Hash.default()))


BATCH = agreed(ACCOUNT, make_terms(ACCOUNT))
OWN = Pubkey.from_string(SIGNER)
STRANGER = Pubkey.from_string(addresses.address("stranger"))
PAYMENT = transfer(TransferParams(from_pubkey=OWN, to_pubkey=STRANGER, lamports=1))
NONCE = advance_nonce_account(AdvanceNonceAccountParams(nonce_pubkey=STRANGER, authorized_pubkey=OWN))
UNKNOWN_CALL = Instruction(Pubkey.from_string(addresses.DRIFT_PROGRAM), bytes(8), [])


def test_exactly_the_batch_passes_with_a_compute_budget() -> None:
    found = require_exactly(
        DRIFT, message(set_compute_unit_limit(7), set_compute_unit_price(9), placing()), BATCH, signer=SIGNER, caps=CAPS
    )
    assert (found.unit_limit, found.unit_price_micro) == (7, 9)
    assert found.orders == (make_terms(ACCOUNT, market=""),)


@pytest.mark.parametrize(("budget", "fits"), [
    ([set_compute_unit_limit(1_000_000), set_compute_unit_price(200_000)], True),
    ([set_compute_unit_limit(1_000_000)], True),
    ([set_compute_unit_limit(1), set_compute_unit_price(200_001)], False),
    ([set_compute_unit_limit(1_000_000), set_compute_unit_price(2**63)], False),
    ([set_compute_unit_limit(1_000_001), set_compute_unit_price(0)], False),
    ([set_compute_unit_price(1)], False),
])  # fmt: skip
def test_no_more_is_paid_than_is_allowed(budget: list[Instruction], fits: bool) -> None:
    for call, batch in ((placing(), BATCH), (cancelling(3), halting(ACCOUNT, 3))):
        if fits:
            require_exactly(DRIFT, message(*budget, call), batch, signer=SIGNER, caps=CAPS)
        else:
            with pytest.raises(VenueRejected, match=r"not signed.* compute unit"):
                require_exactly(DRIFT, message(*budget, call), batch, signer=SIGNER, caps=CAPS)


@pytest.mark.parametrize("instructions", [
    pytest.param([], id="nothing"),
    pytest.param([placing(size=3 * 10**9)], id="another size"),
    pytest.param([placing(price=139_000_000)], id="another limit"),
    pytest.param([placing(direction=0)], id="the other side"),
    pytest.param([placing(reduce_only=0)], id="not reduce-only"),
    pytest.param([placing(max_ts=4_000_000_001)], id="another last second"),
    pytest.param([placing(market=1)], id="another market"),
    pytest.param([placing(flags=0)], id="an order that would rest"),
    pytest.param([placing(flags=3)], id="another margin mode"),
    pytest.param([placing(type=0)], id="a market order"),
    pytest.param([placing(type=4)], id="an oracle order"),
    pytest.param([placing(market_type=0)], id="a spot order"),
    pytest.param([placing(own_id=1)], id="a number of its own"),
    pytest.param([placing(post_only=2)], id="post-only perhaps"),
    pytest.param([placing(reduce_only=2)], id="neither yes nor no"),
    pytest.param([placing(tail=b"\0")], id="bytes behind it"),
    pytest.param([placing(), placing()], id="twice"),
    pytest.param([placing(account=addresses.user_address(addresses.address("ann"), 1))], id="another sub-account"),
    pytest.param([placing(authority=str(STRANGER))], id="in another name"),
    pytest.param([placing(state=str(STRANGER))], id="another state"),
    pytest.param([placing(), PAYMENT], id="a transfer"),
    pytest.param([NONCE, placing()], id="a durable nonce"),
    pytest.param([placing(), request_heap_frame(262_144)], id="a larger heap"),
    pytest.param([set_compute_unit_price(1), set_compute_unit_price(2), placing()], id="two prices"),
    pytest.param([placing(), UNKNOWN_CALL], id="another call"),
    pytest.param([placing(), Instruction(STRANGER, b"", [])], id="another program"),
])  # fmt: skip
def test_anything_else_is_never_signed(instructions: list[Instruction]) -> None:
    with pytest.raises(VenueRejected, match="not signed"):
        require_exactly(DRIFT, message(*instructions), BATCH, signer=SIGNER, caps=CAPS)


def cancelling(*ids: int, account: str = ACCOUNT) -> Instruction:
    data = bytes.fromhex("861390a55ef0d25e") + len(ids).to_bytes(4, "little")
    data += b"".join(one.to_bytes(4, "little") for one in ids)
    keys = [addresses.state_address(), account, SIGNER]
    flags = [(False, False), (False, True), (True, False)]
    metas = [AccountMeta(Pubkey.from_string(key), *flag) for key, flag in zip(keys, flags, strict=True)]
    return Instruction(Pubkey.from_string(addresses.DRIFT_PROGRAM), data, metas)


def test_only_the_cancellations_agreed_on_are_signed_for_the_own_account_and_before_the_orders() -> None:
    batch, both = agreed(ACCOUNT, cancels=[3, 5]), agreed(ACCOUNT, make_terms(ACCOUNT), cancels=[3])
    require_exactly(DRIFT, message(cancelling(3, 5)), batch, signer=SIGNER, caps=CAPS)
    require_exactly(DRIFT, message(cancelling(3), placing()), both, signer=SIGNER, caps=CAPS)
    other = addresses.user_address(addresses.address("ann"), 1)
    for wrong in (cancelling(3), cancelling(5, 3), cancelling(3, 5, 7), cancelling(3, 5, account=other)):
        with pytest.raises(VenueRejected, match="not signed"):
            require_exactly(DRIFT, message(wrong), batch, signer=SIGNER, caps=CAPS)
    with pytest.raises(VenueRejected, match="not signed"):
        require_exactly(DRIFT, message(placing(), cancelling(3)), both, signer=SIGNER, caps=CAPS)


def test_accounts_that_orders_do_not_change_must_not_be_writable() -> None:
    order = placing()
    order.accounts = [*order.accounts, AccountMeta(STRANGER, False, True)]
    with pytest.raises(VenueRejected, match="could change"):
        require_exactly(DRIFT, message(order), BATCH, signer=SIGNER, caps=CAPS)


def test_a_message_of_another_payer_is_never_signed() -> None:
    with pytest.raises(VenueRejected, match="not signed"):
        require_exactly(DRIFT, message(placing(), payer=str(STRANGER)), BATCH, signer=SIGNER, caps=CAPS)


@pytest.mark.parametrize("raw", [b"", b"\0", bytes(100), message(placing()) + b"\0", message(placing())[:-1]])
def test_bytes_that_are_no_message_are_refused(raw: bytes) -> None:
    with pytest.raises(VenueRejected):
        read_message(DRIFT, raw)


def test_a_message_that_takes_accounts_from_a_table_is_refused() -> None:
    versioned = MessageV0.try_compile(OWN, [placing()], [], Hash.default())
    with pytest.raises(VenueRejected, match="version"):
        read_message(DRIFT, bytes([128]) + bytes(versioned))
    with pytest.raises(VenueRejected):
        read_message(DRIFT, bytes(versioned))


def test_a_flipped_bit_never_passes_as_the_batch() -> None:
    raw = message(placing())
    keys = [str(key) for key in Message.from_bytes(raw).account_keys]
    key_at = {key: 4 + 32 * number for number, key in enumerate(keys)}
    # What may be anything: the blockhash, the statistics, which the program checks to be the owner's, and which of the
    # accounts that may be looked at are looked at.
    hash_at = 4 + 32 * len(keys)
    stats_at = key_at[addresses.user_stats_address(addresses.address("ann"))]
    looked_at = hash_at + 32 + 1 + 1 + 1 + 4  # behind the count, the program, the count and four accounts of its own
    free = {*range(hash_at, hash_at + 32), *range(stats_at, stats_at + 32), looked_at}
    for at in set(range(len(raw))) - free:
        for bit in range(8):
            changed = bytearray(raw)
            changed[at] ^= 1 << bit
            with pytest.raises(VenueRejected):
                require_exactly(DRIFT, bytes(changed), BATCH, signer=SIGNER, caps=CAPS)
