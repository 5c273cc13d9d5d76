"""An account followed by readings and records: everything once, whatever comes late, and nothing lost if none comes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.event_following import NO_HISTORY, Following, Heard, Look, Patience, Rules, forget, look
from risk.decisions.event_merge import _covers
from risk.model.account import AccountSnapshot, MarketKind, Side
from risk.model.events import (
    AccountEvent,
    EventKind,
    FlowEvent,
    LiquidationEvent,
    OrderEvent,
    PositionEvent,
)
from tests.risk.builders import NOW, SLOT, make_account, make_position
from tests.risk.decisions.chain_of_events import Chain, at

K = EventKind
RULES = Rules()
COVERABLE = (OrderEvent, FlowEvent, LiquidationEvent)


@dataclass(slots=True)
class Watcher:
    """Looks as the event watch does: reads, asks the history, tells."""

    following: Following
    told: list[AccountEvent] = field(default_factory=list)
    absorbed: list[AccountEvent] = field(default_factory=list)
    settled: bool = True

    def look(self, reading: AccountSnapshot, heard: Heard, rules: Rules = RULES) -> Look:
        outcome = look(self.following, reading, heard, reading.observed_at, rules)
        self.following, self.settled = outcome.following, outcome.settled
        self.told += outcome.news
        self.absorbed += outcome.absorbed
        return outcome

    def moved(self, market: str) -> float:
        """What was told of a perp position's moves, each once."""
        total = 0.0
        for event in self.told:
            match event:
                case OrderEvent(market=name) if name == market and event.is_fill and event.recorded:
                    total += event.signed_base
                case PositionEvent(market=name) if name == market:
                    total += event.change_base - event.recorded_base
        return total


def up_to(records: Sequence[AccountEvent], slot: int) -> tuple[AccountEvent, ...]:
    return tuple(record for record in records if record.slot <= slot)


@given(st.randoms(use_true_random=False), st.integers(1, 25))
def test_with_records_in_time_each_is_told_once_and_nothing_else_is(random: Random, steps: int) -> None:
    chain = Chain(random)
    watcher = Watcher(Following(base=chain.reading()))
    for _ in range(steps):
        chain.happen()
        if random.random() < 0.5:
            watcher.look(chain.reading(), Heard(events=up_to(chain.records, chain.slot)))
            assert watcher.settled
    watcher.look(chain.reading(), Heard(events=up_to(chain.records, chain.slot)))

    assert Counter(event.source for event in watcher.told if event.recorded) == Counter(
        {record.source: 1 for record in chain.records}
    )
    for event in watcher.told:
        if not event.recorded:  # a summary of where the fills have led, and nothing besides
            assert isinstance(event, PositionEvent)
            assert event.recorded_base == pytest.approx(event.change_base)
    assert not watcher.absorbed


@given(st.randoms(use_true_random=False), st.integers(1, 25), st.integers(0, 4))
def test_records_a_node_lists_late_are_waited_for(random: Random, steps: int, lag: int) -> None:
    """The node's list is some slots behind what its readings show; every look comes a second later."""
    chain = Chain(random)
    watcher = Watcher(Following(base=chain.reading()))
    patience = Rules(patience=Patience(loud=timedelta(seconds=6), quiet=timedelta(seconds=6)))
    for _ in range(steps):
        chain.happen()
        for wait in range(lag + 1):
            reading = replace(chain.reading(), observed_at=NOW + at(chain.slot) + timedelta(seconds=0.1 * wait))
            listed = chain.slot if wait == lag else chain.slot - 1
            watcher.look(reading, Heard(events=up_to(chain.records, listed)), patience)
        assert watcher.settled
    told = Counter(event.source for event in watcher.told if event.recorded)
    assert told == Counter({record.source: 1 for record in chain.records})
    assert not [e for e in watcher.told if isinstance(e, COVERABLE) and not e.recorded]


@given(st.randoms(use_true_random=False), st.integers(1, 25))
def test_whenever_records_come_each_is_told_or_was_told_by_the_readings_and_never_twice(
    random: Random, steps: int
) -> None:
    chain = Chain(random)
    watcher = Watcher(Following(base=chain.reading()))
    listed = SLOT
    for _ in range(steps):
        chain.happen()
        down = random.random() < 0.4
        if not down:
            listed = random.randint(listed, chain.slot)
        heard = Heard(events=() if down else up_to(chain.records, listed), complete=not down)
        hours = timedelta(hours=random.choice((0, 0, 1)))  # all patience is over, or none
        reading = chain.reading()
        watcher.look(replace(reading, observed_at=reading.observed_at + hours), heard)
    last = chain.reading()
    for later in (timedelta(hours=5), timedelta(hours=10)):
        late_reading = replace(last, observed_at=last.observed_at + later)
        watcher.look(late_reading, Heard(events=up_to(chain.records, chain.slot)))
    assert watcher.settled

    told = Counter(event.source for event in watcher.told if event.recorded)
    absorbed = Counter(event.source for event in watcher.absorbed)
    alone = [event for event in watcher.told if not event.recorded]
    for record in chain.records:
        assert told[record.source] + absorbed[record.source] == 1, record
        if absorbed[record.source]:
            assert any(_covers(event, record) for event in alone), record
    seized = [record for record in chain.records if isinstance(record, LiquidationEvent)]
    assert all(told[record.source] for record in seized)  # no flag was raised, so no reading could tell of them


@given(st.randoms(use_true_random=False), st.integers(1, 25))
def test_without_any_history_the_readings_tell_every_move(random: Random, steps: int) -> None:
    chain = Chain(random)
    first = chain.reading()
    watcher = Watcher(Following(base=first))
    for _ in range(steps):
        chain.happen()
        watcher.look(chain.reading(), NO_HISTORY)
        assert watcher.settled
    for market, size in chain.sizes.items():
        assert watcher.moved(("SOL-PERP", "BTC-PERP")[market]) == pytest.approx(size / 1e9)
    flows = [event for event in watcher.told if isinstance(event, FlowEvent)]
    signed = sum(e.amount_usd if e.kind is K.DEPOSIT else -e.amount_usd for e in flows)
    assert signed == pytest.approx(chain.flow_1e6 / 1e6, abs=1e-6 * len(flows) + 1e-9)


# Small stories.


def reading(
    size: float = 0.0, *, seconds: float = 1.0, slot: int = SLOT + 10, flow_usd: float = 0.0
) -> AccountSnapshot:
    account = make_account(*(make_position(size),) * bool(size), usdc=500.0, net_deposits_usd=flow_usd)
    return replace(account, slot=slot, observed_at=NOW + timedelta(seconds=seconds))


def filled(size: float, *, slot: int = SLOT + 5, order_id: int = 1, side: Side = Side.BUY) -> OrderEvent:
    return OrderEvent(
        kind=K.ORDER_FILLED, account_id="main", slot=slot, observed_at=NOW, market="SOL-PERP",
        market_kind=MarketKind.PERP, order_id=order_id, side=side, order_kind=None, size_base=size, rest_base=0.0,
        price_usd=None, fill_price_usd=100.0, fee_usd=0.1, source=f"tx/{order_id}",
    )  # fmt: skip


def withdrawn(amount_usd: float, *, slot: int = SLOT + 5) -> FlowEvent:
    return FlowEvent(
        kind=K.TRANSFER_OUT, account_id="main", slot=slot, observed_at=NOW, amount_usd=amount_usd, token="USDC",
        source="tx/9",
    )  # fmt: skip


def start() -> Watcher:
    return Watcher(Following(base=reading(slot=SLOT, seconds=0.0)))


def kinds(outcome: Look) -> list[EventKind]:
    return [event.kind for event in outcome.news]


def test_a_change_without_its_record_waits_and_is_told_when_the_record_comes() -> None:
    watcher = start()
    assert kinds(watcher.look(reading(2.0, seconds=1), Heard())) == []
    assert not watcher.settled
    outcome = watcher.look(reading(2.0, seconds=2, slot=SLOT + 12), Heard(events=(filled(2.0),)))
    assert kinds(outcome) == [K.ORDER_FILLED, K.POSITION_OPENED]
    assert watcher.settled
    assert kinds(watcher.look(reading(2.0, seconds=3, slot=SLOT + 15), Heard(events=(filled(2.0),)))) == []


def test_a_change_whose_record_never_comes_is_told_alone_after_a_while_and_its_late_record_is_not() -> None:
    watcher = start()
    heard = Heard(complete=False)
    assert kinds(watcher.look(reading(2.0, seconds=1), heard)) == []
    assert kinds(watcher.look(reading(2.0, seconds=6), heard)) == []
    assert kinds(watcher.look(reading(2.0, seconds=7), heard)) == [K.POSITION_OPENED]
    late = watcher.look(reading(2.0, seconds=60, slot=SLOT + 99), Heard(events=(filled(2.0),)))
    assert (kinds(late), [event.source for event in late.absorbed]) == ([], ["tx/1"])


def test_a_late_sale_that_the_sum_hid_is_told() -> None:
    watcher = start()
    for seconds in (1, 10):
        watcher.look(reading(2.0, seconds=seconds), Heard(complete=False))
    buy, sell = filled(5.0), filled(3.0, order_id=2, side=Side.SELL)
    late = watcher.look(reading(2.0, seconds=60, slot=SLOT + 99), Heard(events=(buy, sell)))
    assert [event.source for event in late.news] == ["tx/2"]
    assert [event.source for event in late.absorbed] == ["tx/1"]


def test_what_is_urgent_waits_less() -> None:
    watcher = start()
    assert kinds(watcher.look(reading(flow_usd=-500.0, seconds=1), Heard())) == []
    assert kinds(watcher.look(reading(flow_usd=-500.0, seconds=4), Heard())) == [K.WITHDRAWAL]


def test_a_record_says_that_money_stayed_with_its_owner() -> None:
    watcher = start()
    watcher.look(reading(flow_usd=-500.0, seconds=1), Heard())
    outcome = watcher.look(reading(flow_usd=-500.0, seconds=2), Heard(events=(withdrawn(500.0),)))
    assert kinds(outcome) == [K.TRANSFER_OUT]
    assert watcher.settled


def test_a_reading_behind_its_records_is_waited_for_and_the_records_are_told_at_once() -> None:
    """A stream may tell a slot before it tells what an account became in it."""
    watcher = start()
    outcome = watcher.look(reading(0.0, seconds=1), Heard(events=(filled(2.0),)))
    assert kinds(outcome) == [K.ORDER_FILLED]
    assert not watcher.settled
    assert kinds(watcher.look(reading(0.0, seconds=20), Heard(events=(filled(2.0),)))) == []
    assert not watcher.settled  # it costs nothing to wait: there is nothing else to tell
    outcome = watcher.look(reading(2.0, seconds=21, slot=SLOT + 11), Heard(events=(filled(2.0),)))
    assert kinds(outcome) == [K.POSITION_OPENED]
    assert watcher.settled


def test_a_history_that_has_not_come_to_its_end_is_waited_for_even_where_both_agree() -> None:
    """Fills that cancel out leave nothing to see, and would be lost with the place in the history."""
    watcher = start()
    watcher.look(reading(0.0, seconds=1), Heard(complete=False))
    assert not watcher.settled
    buy, sell = filled(5.0), filled(5.0, order_id=2, side=Side.SELL)
    outcome = watcher.look(reading(0.0, seconds=2), Heard(events=(buy, sell)))
    assert kinds(outcome) == [K.ORDER_FILLED, K.ORDER_FILLED]
    assert watcher.settled


def test_records_that_cannot_come_again_are_forgotten() -> None:
    watcher = start()
    watcher.look(reading(2.0), Heard(events=(filled(2.0),)))
    assert set(watcher.following.heard) == {"tx/1"}
    assert set(forget(watcher.following, SLOT + 5).heard) == {"tx/1"}
    assert not forget(watcher.following, SLOT + 6).heard


def test_readings_of_two_accounts_or_in_the_wrong_order_are_refused() -> None:
    watcher = start()
    with pytest.raises(ValueError, match="two accounts"):
        watcher.look(replace(reading(), account_id="other"), NO_HISTORY)
    with pytest.raises(ValueError, match="older"):
        watcher.look(reading(slot=SLOT - 1), NO_HISTORY)


# The base was read somewhere within its slot: some of what was done in that slot lies behind it.


def begun(size: float = 0.0, *, flow_usd: float = 0.0) -> Watcher:
    """Of an account that is read for the first time."""
    return Watcher(Following(base=reading(size, slot=SLOT, seconds=0.0, flow_usd=flow_usd), first=True))


def sources(outcome: Look) -> list[str]:
    return [event.source for event in outcome.news if event.recorded]


def test_what_the_first_reading_does_not_hold_of_its_own_slot_is_told_with_its_price() -> None:
    watcher = begun()
    outcome = watcher.look(reading(2.0), Heard(events=(filled(2.0, slot=SLOT),)))
    fill, opened = outcome.news
    assert isinstance(fill, OrderEvent)
    assert fill.fill_price_usd == 100.0
    assert isinstance(opened, PositionEvent)
    assert opened.recorded_base == 2.0
    assert watcher.settled
    assert sources(watcher.look(reading(2.0, seconds=2), Heard(events=(filled(2.0, slot=SLOT),)))) == []


def test_what_the_first_reading_holds_of_its_own_slot_is_no_news() -> None:
    watcher = begun(2.0)
    held, later = filled(2.0, slot=SLOT), withdrawn(500.0)
    outcome = watcher.look(reading(2.0, flow_usd=-500.0), Heard(events=(held, later)))
    assert kinds(outcome) == [K.TRANSFER_OUT]
    assert watcher.settled
    assert kinds(watcher.look(reading(2.0, seconds=2, flow_usd=-500.0), Heard(events=(held, later)))) == []


def test_of_one_slot_the_first_reading_may_hold_the_beginning() -> None:
    watcher = begun(2.0)
    held, news = filled(2.0, slot=SLOT), filled(3.0, slot=SLOT, order_id=2)
    outcome = watcher.look(reading(5.0), Heard(events=(held, news)))
    assert (sources(outcome), kinds(outcome)) == (["tx/2"], [K.ORDER_FILLED, K.POSITION_CHANGED])
    assert watcher.settled


def test_while_nobody_can_tell_whether_the_first_reading_holds_it_a_later_look_decides() -> None:
    """The reading lags behind another record, so that both do not agree yet, with this one or without."""
    mine, later = filled(2.0, slot=SLOT), withdrawn(500.0)
    for held in (False, True):
        watcher = begun(2.0 if held else 0.0)
        outcome = watcher.look(reading(2.0), Heard(events=(mine, later)))
        assert sources(outcome) == ["tx/9"]
        assert not watcher.settled
        # A history that is read on from where it was left does not say it again.
        outcome = watcher.look(reading(2.0, seconds=2, slot=SLOT + 12, flow_usd=-500.0), Heard())
        assert sources(outcome) == ([] if held else ["tx/1"])
        assert watcher.settled


def test_a_first_reading_that_nothing_explains_is_given_up_without_what_it_may_hold() -> None:
    watcher = begun()
    told = [
        kinds(watcher.look(reading(7.0, seconds=seconds), Heard(events=(filled(2.0, slot=SLOT),))))
        for seconds in (1, 10)
    ]
    assert told == [[], [K.POSITION_OPENED]]
    assert watcher.settled


def test_what_is_recorded_in_the_slot_of_a_later_base_is_told_at_once_and_not_again_by_the_readings() -> None:
    watcher = start()
    outcome = watcher.look(reading(2.0), Heard(events=(filled(2.0, slot=SLOT), withdrawn(500.0))))
    assert sources(outcome) == ["tx/1", "tx/9"]
    assert not watcher.settled
    outcome = watcher.look(reading(2.0, seconds=2, slot=SLOT + 12, flow_usd=-500.0), Heard())
    (opened,) = outcome.news
    assert isinstance(opened, PositionEvent)
    assert opened.recorded_base == 2.0
    assert watcher.settled
