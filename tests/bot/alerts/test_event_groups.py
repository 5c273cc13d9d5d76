"""What is told together, and when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.alerts.event_group_words import words
from bot.alerts.event_groups import Group, Waiting, groups
from risk.decisions.tiers import Tier
from risk.model.account import Side
from risk.model.event_kinds import EventKind
from risk.model.events import AccountEvent, FundingPaidEvent, LiquidationEvent
from tests.bot.alerts.every_event import EVERY, flow, interest, order, position, taken
from tests.risk.builders import NOW, SLOT

K = EventKind


def waiting(*events: AccountEvent, tier: Tier = Tier.OK, at: datetime = NOW, apart_s: float = 0.0) -> list[Waiting]:
    return [
        Waiting(
            event_id=number, event=event, tier=tier, happened_at=at + timedelta(seconds=apart_s * number),
            logged_at=at + timedelta(seconds=apart_s * number),
        )
        for number, event in enumerate(events, start=1)
    ]  # fmt: skip


def only(*events: AccountEvent, tier: Tier = Tier.OK) -> Group:
    (group,) = groups(waiting(*events, tier=tier), {})
    return group


def wait_s(group: Group) -> float:
    return (group.due_at - NOW).total_seconds()


def fill(size: float, *, rest: float = 0.0, **more: object) -> AccountEvent:
    kind = K.ORDER_PARTIALLY_FILLED if rest else K.ORDER_FILLED
    return order(kind, size, **{"rest_base": rest, "fill_price_usd": 100.0, "fee_usd": 0.1, **more})


@pytest.mark.parametrize(
    ("events", "seconds"),
    [
        ([position(K.POSITION_OPENED, 0.0, 5.0)], 0),
        ([fill(5.0)], 3),  # for the reading that shows where it led
        ([fill(5.0), position(K.POSITION_OPENED, 0.0, 5.0)], 0),
        ([fill(2.0, rest=3.0), position(K.POSITION_OPENED, 0.0, 2.0)], 60),
        ([fill(2.0, rest=3.0), fill(3.0)], 3),  # the order is done
        ([order(K.ORDER_EXPIRED)], 0),
        ([flow(K.DEPOSIT)], 0),
        ([taken()], 0),
        ([LiquidationEvent(kind=K.LIQUIDATION_BEGUN, account_id="main", slot=SLOT, observed_at=NOW)], 5),
        ([interest()], 12 * 3_600),
        (
            [FundingPaidEvent(kind=K.FUNDING_PAID, account_id="main", slot=SLOT, observed_at=NOW, market="SOL-PERP",
                              size_base=1.0, amount_usd=1.0)],
            12 * 3_600,
        ),
    ],
)  # fmt: skip
def test_each_is_told_when_waiting_longer_adds_nothing(events: list[AccountEvent], seconds: float) -> None:
    assert wait_s(only(*events)) == seconds


def test_takings_after_the_first_wait_until_a_minute_has_passed() -> None:
    def due(last_s: float) -> float:
        (group,) = groups(waiting(taken()), {"main": NOW - timedelta(seconds=last_s)})
        return wait_s(group)

    assert [due(10), due(59), due(60), due(600)] == [50, 1, 0, 0]


def test_trades_of_two_markets_are_two_messages_and_of_two_accounts_too() -> None:
    other = position(K.POSITION_OPENED, 0.0, 1.0, market="BTC-PERP")
    elsewhere = replace(position(K.POSITION_OPENED, 0.0, 1.0), account_id="other")

    assert len(groups(waiting(position(K.POSITION_OPENED, 0.0, 1.0), other, elsewhere), {})) == 3


def test_what_is_urgent_is_told_alone_and_what_is_not_together() -> None:
    assert len(groups(waiting(*[flow(K.WITHDRAWAL)] * 5, tier=Tier.CRITICAL), {})) == 5
    (deposits,) = groups(waiting(*[flow(K.DEPOSIT)] * 5), {})
    assert words(deposits, NOW) == "; ".join(["deposit of 1,500.25 USD"] * 3) + "; and 2 more like these"


def test_a_group_is_about_its_loudest_member_and_of_equals_about_where_they_led() -> None:
    members = waiting(fill(5.0), position(K.POSITION_OPENED, 0.0, 5.0))
    assert groups(members, {})[0].kind is K.POSITION_OPENED
    louder = [replace(members[0], tier=Tier.WATCH), members[1]]
    assert groups(louder, {})[0].kind is K.ORDER_FILLED
    assert groups(louder, {})[0].tier is Tier.WATCH


def test_several_moves_are_one_from_where_it_was_to_where_it_is() -> None:
    group = only(
        position(K.POSITION_CLOSED, 5.0, 0.0, recorded_base=-5.0), position(K.POSITION_OPENED, 0.0, -2.0), fill(5.0)
    )
    assert words(group, NOW).startswith("SOL-PERP long 5 -> short 2: flipped, fill at 100.00 USD, fee 0.10 USD")


def test_what_no_record_explains_of_a_move_is_said() -> None:
    group = only(fill(3.0), position(K.POSITION_OPENED, 0.0, 5.0, recorded_base=3.0))
    assert words(group, NOW).endswith("; 2 of it without a record")


def test_fills_that_led_nowhere_say_both_sides() -> None:
    group = only(fill(3.0), fill(3.0, side=Side.SELL, order_id=43, fill_price_usd=101.0))
    assert words(group, NOW) == (
        "SOL-PERP, 2 orders: bought 3 at 100.00 USD and sold 3 at 101.00 USD in 2 fills, fee 0.20 USD"
    )


def test_many_orders_are_counted() -> None:
    group = only(*[order(K.ORDER_EXPIRED, order_id=number) for number in range(10, 60)])
    assert words(group, NOW) == "50 SOL-PERP orders expired: #10, #11, #12 and 47 more"


def test_funding_of_a_day_is_added_up() -> None:
    one = FundingPaidEvent(
        kind=K.FUNDING_PAID, account_id="main", slot=SLOT, observed_at=NOW, market="SOL-PERP", size_base=1.0,
        amount_usd=-0.25,
    )  # fmt: skip
    assert words(only(one, one, one), NOW) == "SOL-PERP funding: paid 0.75 USD in 3 payments"


def test_what_lies_back_says_when_it_was() -> None:
    group = only(flow(K.DEPOSIT))
    assert words(group, NOW + timedelta(minutes=5)) == "deposit of 1,500.25 USD"
    assert words(group, NOW + timedelta(hours=3)) == "deposit of 1,500.25 USD, 5 Jan 2026 12:00 UTC"


def test_two_takings_of_one_size_are_told_in_two_different_sentences() -> None:
    first, second = (words(groups(waiting(taken(), at=at), {})[0], at) for at in (NOW, NOW + timedelta(seconds=61)))
    assert first != second


def test_a_liquidation_that_is_over_when_it_is_seen_is_told_at_once_and_as_one() -> None:
    begun, ended = (
        LiquidationEvent(kind=kind, account_id="main", slot=SLOT, observed_at=NOW)
        for kind in (K.LIQUIDATION_BEGUN, K.LIQUIDATION_ENDED)
    )
    group = only(begun, ended)
    assert wait_s(group) == 0
    assert group.ends
    assert words(group, NOW) == "liquidation has begun; liquidation has ended"


@pytest.mark.parametrize("event", EVERY, ids=lambda event: event.kind.value)
def test_everything_can_be_told_in_a_group_of_one_or_many(event: AccountEvent) -> None:
    for count in (1, 2, 100):
        for group in groups(waiting(*[event] * count), {}):
            text = words(group, datetime(2026, 1, 5, 12, 0, tzinfo=UTC))
            assert 0 < len(text) < 600
            assert "\n" not in text
