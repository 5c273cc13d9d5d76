"""Two readings of an account and the events between them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.events import DEFAULT_TIERS, EventThresholds, diff, sub_accounts_created
from risk.decisions.tiers import Tier
from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, Side
from risk.model.events import (
    AccountEvent,
    BorrowEvent,
    DelegateEvent,
    EventKind,
    FlowEvent,
    FundingEvent,
    LiquidationEvent,
    MarketEvent,
    PositionEvent,
)
from risk.model.market import MarketStatus, PerpMarket
from tests.risk.builders import (
    NOW,
    SLOT,
    make_account,
    make_balance,
    make_btc_market,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
    repriced,
)
from tests.risk.generated import Universe, universes

K = EventKind
T = TypeVar("T")


def later(account: AccountSnapshot) -> AccountSnapshot:
    return replace(account, slot=SLOT + 12, observed_at=NOW + timedelta(seconds=5))


def events(before: AccountSnapshot, after: AccountSnapshot) -> tuple[AccountEvent, ...]:
    return diff(before, later(after))


def kinds(before: AccountSnapshot, after: AccountSnapshot) -> list[EventKind]:
    return [event.kind for event in events(before, after)]


LONG, NOTHING = make_account(make_position(2.0), usdc=500.0), make_account(usdc=500.0)


@pytest.mark.parametrize(
    ("before", "after", "expected", "why"),
    [
        (0.0, 2.0, K.POSITION_OPENED, "there was none"),
        (0.0, -2.0, K.POSITION_OPENED, "a short is a position"),
        (2.0, 3.0, K.POSITION_CHANGED, "grown"),
        (2.0, 0.5, K.POSITION_CHANGED, "shrunk"),
        (-2.0, -2.5, K.POSITION_CHANGED, "a short that grew"),
        (2.0, 0.0, K.POSITION_CLOSED, "nothing is left"),
        (2.0, -1.0, K.POSITION_FLIPPED, "other side"),
        (-2.0, 1.0, K.POSITION_FLIPPED, "other side"),
    ],
)
def test_a_size_that_changed_is_one_event(before: float, after: float, expected: EventKind, why: str) -> None:
    (event,) = events(*(make_account(*(make_position(size),) * bool(size), usdc=9.0) for size in (before, after)))
    assert isinstance(event, PositionEvent), why
    assert (event.kind, event.market, event.by_orders_base) == (expected, "SOL-PERP", 0.0), why
    assert (event.before_base, event.after_base, event.change_base) == (before, after, after - before)
    assert (event.account_id, event.slot, event.observed_at) == ("main", SLOT + 12, NOW + timedelta(seconds=5))


def test_an_empty_slot_and_a_missing_one_are_the_same_nothing() -> None:
    leftover = make_account(make_position(0.0, quote_usd=3.0), usdc=500.0)
    assert kinds(leftover, NOTHING) == []
    assert kinds(NOTHING, leftover) == []


def test_a_closed_position_keeps_the_name_of_a_market_the_later_reading_no_longer_brings() -> None:
    (event,) = events(LONG, replace(NOTHING, perp_markets={}))
    assert isinstance(event, PositionEvent)
    assert event.market == "SOL-PERP"


@pytest.mark.parametrize(
    ("flow_usd", "expected", "amount_usd"),
    [(250.0, K.DEPOSIT, 250.0), (-0.01, K.WITHDRAWAL, 0.01), (1e-6, K.DEPOSIT, 1e-6)],
)
def test_money_that_came_or_went_is_told_as_the_venue_valued_it(
    flow_usd: float, expected: EventKind, amount_usd: float
) -> None:
    (event,) = events(LONG, replace(LONG, net_deposits_usd=flow_usd))
    assert isinstance(event, FlowEvent)
    assert event.kind is expected
    assert event.amount_usd == pytest.approx(amount_usd)


def test_a_withdrawal_or_delegate_nobody_announced_is_critical() -> None:
    assert DEFAULT_TIERS[K.WITHDRAWAL] is Tier.CRITICAL
    assert DEFAULT_TIERS[K.DELEGATE_CHANGED] is Tier.CRITICAL


def test_every_kind_has_a_tier_and_none_is_unknown() -> None:
    assert set(DEFAULT_TIERS) == set(EventKind)
    assert Tier.UNKNOWN not in DEFAULT_TIERS.values()


@pytest.mark.parametrize(("before", "after"), [("", "thief"), ("bot", ""), ("bot", "thief")])
def test_a_delegate_that_changed_names_both(before: str, after: str) -> None:
    (event,) = events(replace(LONG, delegate=before), replace(LONG, delegate=after))
    assert isinstance(event, DelegateEvent)
    assert (event.kind, event.before, event.after) == (K.DELEGATE_CHANGED, before, after)


@pytest.mark.parametrize(
    ("before", "after", "expected", "why"),
    [
        (5.0, -1.0, [K.BORROW_BEGUN], "below zero"),
        (0.0, -1.0, [K.BORROW_BEGUN], "from nothing"),
        (-1.0, -2.0, [], "a borrow that grows is no new one"),
        (-1.0, 0.0, [K.BORROW_REPAID], "nothing is owed"),
        (-1.0, 3.0, [K.BORROW_REPAID], "more than repaid"),
        (3.0, 1.0, [], "a deposit that shrinks is no borrow"),
    ],
)
def test_a_borrow_begins_below_zero_and_ends_at_it(
    before: float, after: float, expected: list[EventKind], why: str
) -> None:
    found = events(*(make_account(balances=[make_balance(amount)]) for amount in (before, after)))
    assert [event.kind for event in found] == expected, why
    for event in found:
        assert isinstance(event, BorrowEvent)
        assert (event.token, event.before_tokens, event.after_tokens) == ("SOL", before, after)


def funded(size: float, *, long_usd: float = 0.0, short_usd: float = 0.0) -> AccountSnapshot:
    market = make_perp_market(funding_long_usd=long_usd, funding_short_usd=short_usd)
    return make_account(make_position(size), usdc=500.0, perp_markets=[market])


@pytest.mark.parametrize(
    ("before", "after", "expected", "why"),
    [
        (funded(2, long_usd=-0.001), funded(2, long_usd=0.001), [K.FUNDING_FLIPPED], "a long pays now"),
        (funded(2, long_usd=0.001), funded(2, long_usd=-0.001), [K.FUNDING_FLIPPED], "a long is paid now"),
        (funded(-2, short_usd=0.001), funded(-2, short_usd=-0.001), [K.FUNDING_FLIPPED], "a short pays now"),
        (funded(2, long_usd=0.0), funded(2, long_usd=0.001), [], "zero is no side"),
        (funded(2, short_usd=-0.001), funded(2, short_usd=0.001), [], "the other side's rate"),
        (funded(2, long_usd=0.001), funded(2, long_usd=0.0099), [], "still below heavy"),
        (funded(2, long_usd=0.001), funded(2, long_usd=0.01), [K.FUNDING_HEAVY], "0.01 % of 100 USD an hour"),
        (funded(2, long_usd=0.02), funded(2, long_usd=0.03), [], "heavy already"),
        (funded(2, long_usd=0.001), funded(2, long_usd=-0.5), [K.FUNDING_FLIPPED], "what is received is not heavy"),
        (funded(2, long_usd=-0.02), funded(2, long_usd=0.02), [K.FUNDING_FLIPPED, K.FUNDING_HEAVY], "both"),
        (NOTHING, funded(2, long_usd=0.02), [K.POSITION_OPENED, K.FUNDING_HEAVY], "opened into it"),
        (NOTHING, funded(2, long_usd=-0.02), [K.POSITION_OPENED], "no side before"),
        (funded(2, long_usd=0.02), funded(-2, short_usd=-0.02), [K.POSITION_FLIPPED, K.FUNDING_HEAVY], "pays anew"),
        (funded(2, long_usd=0.001), repriced(funded(2, long_usd=0.02), sol=math.nan), [], "no price, no fraction"),
    ],
)
def test_funding_is_told_when_it_changes_sides_or_becomes_heavy(
    before: AccountSnapshot, after: AccountSnapshot, expected: list[EventKind], why: str
) -> None:
    assert kinds(before, after) == expected, why


def test_funding_is_a_fraction_of_the_notional_paid_by_the_holder() -> None:
    (event,) = events(funded(-2, short_usd=0.001), funded(-2, short_usd=-0.002))
    assert isinstance(event, FundingEvent)
    assert (event.before_hourly_frac, event.after_hourly_frac) == pytest.approx((-1e-5, 2e-5))
    assert diff(
        funded(2, long_usd=0.001), later(funded(2, long_usd=0.002)), EventThresholds(heavy_funding_hourly_frac=1.5e-5)
    )


FLAGGED = replace(LONG, being_liquidated=True)


def test_a_liquidation_begins_takes_and_ends() -> None:
    cut = replace(FLAGGED, perp_positions=(make_position(0.5),))
    safe = replace(cut, being_liquidated=False)

    assert kinds(LONG, FLAGGED) == [K.LIQUIDATION_BEGUN]
    taken, changed = events(FLAGGED, cut)
    assert isinstance(taken, LiquidationEvent)
    assert (taken.market, taken.taken_base, taken.remaining_base) == ("SOL-PERP", 1.5, 0.5)
    assert changed.kind is K.POSITION_CHANGED
    assert kinds(cut, safe) == [K.LIQUIDATION_ENDED]


def test_a_liquidation_that_begins_and_takes_between_two_readings_is_told_whole() -> None:
    assert kinds(LONG, replace(NOTHING, being_liquidated=True)) == [
        K.LIQUIDATION_BEGUN, K.LIQUIDATION_TAKEN, K.POSITION_CLOSED,
    ]  # fmt: skip
    # And one whose end is all that can be seen.
    assert kinds(FLAGGED, NOTHING) == [K.LIQUIDATION_ENDED, K.LIQUIDATION_TAKEN, K.POSITION_CLOSED]


def test_a_position_that_grows_was_not_taken() -> None:
    assert kinds(FLAGGED, replace(FLAGGED, perp_positions=(make_position(3.0),))) == [K.POSITION_CHANGED]


def test_a_liquidation_takes_tokens_too_but_the_quote_token_may_have_settled_a_loss() -> None:
    before = make_account(usdc=500.0, balances=[make_balance(10.0)], being_liquidated=True)
    after = make_account(usdc=100.0, balances=[make_balance(4.0)], being_liquidated=True)
    (event,) = events(before, after)
    assert isinstance(event, LiquidationEvent)
    assert (event.market, event.market_kind, event.taken_base, event.remaining_base) == (
        "SOL", MarketKind.SPOT, 6.0, 4.0,
    )  # fmt: skip


def test_an_isolated_position_is_liquidated_by_itself() -> None:
    own = make_position(2.0, isolated=True)
    other = make_position(1.0, market_index=1, entry_usd=50_000.0)
    calm = make_account(own, other, usdc=500.0)
    flagged = make_account(replace(own, being_liquidated=True), other, usdc=500.0)
    cut = make_account(replace(own, size_base=1.0, being_liquidated=True), replace(other, size_base=0.5), usdc=500.0)

    (begun,) = events(calm, flagged)
    assert isinstance(begun, LiquidationEvent)
    assert (begun.kind, begun.market) == (K.LIQUIDATION_BEGUN, "SOL-PERP")
    taken = [event for event in events(flagged, cut) if isinstance(event, LiquidationEvent)]
    assert [(event.market, event.taken_base) for event in taken] == [("SOL-PERP", 1.0)]


def test_bankruptcy_is_told_once() -> None:
    bankrupt = replace(NOTHING, bankrupt=True)
    assert kinds(NOTHING, bankrupt) == [K.BANKRUPT]
    assert kinds(bankrupt, bankrupt) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (MarketStatus.ACTIVE, MarketStatus.FILL_PAUSED, K.MARKET_PAUSED),
        (MarketStatus.ACTIVE, MarketStatus.FUNDING_PAUSED, K.MARKET_PAUSED),
        (MarketStatus.ACTIVE, MarketStatus.REDUCE_ONLY, K.MARKET_REDUCE_ONLY),
        (MarketStatus.REDUCE_ONLY, MarketStatus.SETTLEMENT, K.MARKET_SETTLING),
        (MarketStatus.SETTLEMENT, MarketStatus.DELISTED, K.MARKET_SETTLING),
        (MarketStatus.FILL_PAUSED, MarketStatus.ACTIVE, K.MARKET_ACTIVE),
    ],
)
def test_a_market_that_allows_less_or_everything_again_is_told(
    before: MarketStatus, after: MarketStatus, expected: EventKind
) -> None:
    def perp(status: MarketStatus) -> AccountSnapshot:
        return make_account(make_position(2.0), perp_markets=[make_perp_market(status=status)])

    def spot(status: MarketStatus) -> AccountSnapshot:
        return make_account(
            balances=[make_balance()], spot_markets=[make_usdc_market(), make_spot_market(status=status)]
        )

    for build, kind, name in ((perp, MarketKind.PERP, "SOL-PERP"), (spot, MarketKind.SPOT, "SOL")):
        (event,) = events(build(before), build(after))
        assert isinstance(event, MarketEvent)
        assert (event.kind, event.market_kind, event.market) == (expected, kind, name)
        assert (event.before, event.after) == (before, after)


def test_a_market_the_account_has_just_entered_has_no_before() -> None:
    without: Sequence[PerpMarket] = [make_btc_market()]
    paused = make_account(usdc=1.0, perp_markets=[make_btc_market(), make_perp_market(status=MarketStatus.REDUCE_ONLY)])
    assert kinds(make_account(usdc=1.0, perp_markets=without), paused) == []


def test_sub_accounts_of_known_owners_are_told_and_those_of_strangers_are_not() -> None:
    first = replace(LONG, account_id="a-0", authority="ann")
    second, other = replace(first, account_id="a-1"), replace(first, account_id="b-0", authority="bob")

    (event,) = sub_accounts_created([first], [other, second, first])
    assert (event.kind, event.account_id) == (K.SUB_ACCOUNT_CREATED, "a-1")
    assert sub_accounts_created([], [first]) == ()
    nameless = replace(first, authority="")
    assert sub_accounts_created([nameless], [replace(nameless, account_id="x")]) == ()


def test_readings_of_two_accounts_or_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="two accounts"):
        diff(LONG, replace(later(LONG), account_id="other"))
    with pytest.raises(ValueError, match="older"):
        diff(later(LONG), LONG)


# Properties, over generated accounts with generated orders.


def with_orders(account: AccountSnapshot, random: Random) -> AccountSnapshot:
    perps, spots = sorted(account.perp_markets), sorted(set(account.spot_markets) - {0})
    places = [(MarketKind.PERP, index) for index in perps] + [(MarketKind.SPOT, index) for index in spots]
    count = random.randint(0, 5) if places else 0
    orders = []
    for order_id in random.sample(range(1, 9), count):
        kind, index = random.choice(places)
        orders.append(
            OpenOrder(
                order_id=order_id, market_kind=kind, market_index=index, side=random.choice(list(Side)),
                kind=random.choice(list(OrderKind)), size_base=random.randint(1, 10**12) / 10**9,
                price_usd=random.choice((None, random.randint(1, 10**9) / 10**6)), reduce_only=random.random() < 0.5,
                trigger_price_usd=random.choice((None, random.randint(1, 10**9) / 10**6)),
            )
        )  # fmt: skip
    return replace(account, open_orders=tuple(orders))


def one_reading(universe: Universe, random: Random) -> AccountSnapshot:
    account = with_orders(universe.account(), random)
    positions = tuple(replace(p, being_liquidated=random.random() < 0.2) for p in account.perp_positions)
    return replace(
        account,
        perp_positions=positions,
        being_liquidated=random.random() < 0.2,
        bankrupt=random.random() < 0.1,
        delegate=random.choice(("", "bot", "thief")),
        net_deposits_usd=random.choice((0.0, account.net_deposits_usd)),
    )


def pairs() -> st.SearchStrategy[tuple[AccountSnapshot, AccountSnapshot]]:
    def pair(universe: Universe, random: Random) -> tuple[AccountSnapshot, AccountSnapshot]:
        return one_reading(universe, random), later(one_reading(universe, random))

    return st.builds(pair, universes(), st.randoms(use_true_random=False))


@given(pairs())
def test_nothing_happened_between_a_reading_and_itself(pair: tuple[AccountSnapshot, AccountSnapshot]) -> None:
    for account in pair:
        assert diff(account, account) == ()


@given(pairs())
def test_position_events_explain_every_change_of_size_and_no_other(
    pair: tuple[AccountSnapshot, AccountSnapshot],
) -> None:
    before, after = ({p.market_index: p.size_base for p in one.perp_positions} for one in pair)
    names = {index: market.name for one in pair for index, market in one.perp_markets.items()}
    told = [event for event in diff(*pair) if isinstance(event, PositionEvent)]

    assert len({event.market for event in told}) == len(told)
    changes = {names[i]: after.get(i, 0.0) - before.get(i, 0.0) for i in before.keys() | after.keys()}
    assert {event.market: event.change_base for event in told} == {m: base for m, base in changes.items() if base}


@given(pairs())
def test_what_a_liquidation_took_was_there_and_is_gone(pair: tuple[AccountSnapshot, AccountSnapshot]) -> None:
    held = {pair[0].perp_markets[p.market_index].name: p.size_base for p in pair[0].perp_positions}
    found = diff(*pair)
    shrunk = {e.market: e for e in found if isinstance(e, PositionEvent)}
    for event in found:
        if event.kind is K.LIQUIDATION_TAKEN and isinstance(event, LiquidationEvent):
            assert event.taken_base > 0
            if event.market_kind is MarketKind.PERP:
                assert event.taken_base <= abs(held[event.market])
                assert event.remaining_base == pytest.approx(shrunk[event.market].after_base)


@given(pairs(), st.randoms(use_true_random=False))
def test_the_order_in_which_a_venue_lists_things_changes_nothing(
    pair: tuple[AccountSnapshot, AccountSnapshot], random: Random
) -> None:
    def shuffled(items: Iterable[T]) -> list[T]:
        return random.sample(listed := list(items), len(listed))

    def other_order(account: AccountSnapshot) -> AccountSnapshot:
        return replace(
            account,
            perp_positions=tuple(shuffled(account.perp_positions)),
            spot_balances=tuple(shuffled(account.spot_balances)),
            open_orders=tuple(shuffled(account.open_orders)),
            perp_markets=dict(shuffled(account.perp_markets.items())),
            spot_markets=dict(shuffled(account.spot_markets.items())),
        )

    before, after = map(other_order, pair)
    assert repr(diff(before, after)) == repr(diff(*pair))  # by repr, for NaN is a figure here


@given(pairs())
def test_every_event_is_of_this_account_and_of_the_later_reading(
    pair: tuple[AccountSnapshot, AccountSnapshot],
) -> None:
    for event in diff(*pair):
        assert (event.account_id, event.slot, event.observed_at) == (
            pair[1].account_id,
            pair[1].slot,
            pair[1].observed_at,
        )
