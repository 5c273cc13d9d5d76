"""What happened is told once: whatever was read, recorded, listed late, or missed while nobody looked."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from risk.decisions.incidents import CauseKind
from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, Side
from risk.model.events import AccountEvent, EventKind
from risk.model.market import MarketStatus
from storage import StorageError
from tests.bot.alerts.event_world import MAIN, EventWorld, event_world, standing
from tests.bot.alerts.happenings import filled, flow, taken
from tests.risk.builders import NOW, make_account, make_balance, make_perp_market, make_position
from tests.support.bot_world import HOME
from tests.support.clock import FakeClock

K = EventKind


def resting(order_id: int = 7, size: float = 10.0) -> OpenOrder:
    return OpenOrder(
        order_id=order_id, market_kind=MarketKind.PERP, market_index=0, side=Side.SELL, kind=OrderKind.LIMIT,
        size_base=size, price_usd=151.2, reduce_only=False,
    )  # fmt: skip


async def closes(world: EventWorld) -> None:
    """The position is closed by one fill."""
    world.bot.clock.pass_s(1)
    world.put(standing(0.0))
    world.venue.record(filled(10.0))


async def test_what_stands_at_the_first_look_is_no_news() -> None:
    async with event_world() as world:
        assert await world.heard() == []
        assert await world.log() == ()
        assert world.venue.questions == []  # nor is anybody asked about the past


async def test_a_fill_is_told_with_what_it_led_to_its_price_and_its_fee() -> None:
    async with event_world() as world:
        await closes(world)

        (sent,) = await world.look()

        assert "SOL-PERP long 10 -> 0: closed, fill at 151.20 USD, fee 1.20 USD" in sent.text
        assert await world.heard() == []
        assert [row.kind for row in await world.log()] == [K.ORDER_FILLED, K.POSITION_CLOSED]


async def test_a_withdrawal_nobody_announced_is_critical_until_somebody_has_seen_it() -> None:
    async with event_world() as world:
        world.change(net_deposits_usd=-500.0)
        world.venue.record(flow(K.WITHDRAWAL, 500.0))

        (sent,) = await world.look()

        assert sent.first.startswith("CRITICAL main: ")
        assert "500 USDC" in sent.text
        (incident,) = await world.bot.app.services.incidents.open_incidents()
        await world.bot.say(f"/ack {incident.incident_id}")
        assert await world.bot.app.services.incidents.open_incidents() == ()


async def test_without_a_history_the_readings_tell_it() -> None:
    async with event_world() as world:
        world.venue.silent = True
        world.change(net_deposits_usd=-500.0)

        heard = [await world.heard(1.0) for _ in range(4)]

        (told,) = [one for messages in heard for one in messages]
        assert told.startswith("CRITICAL main: ")
        assert "500.00 USD" in told or "$500" in told


async def test_a_record_that_is_listed_late_is_waited_for_and_told_once() -> None:
    async with event_world() as world:
        world.venue.unlisted = True
        await closes(world)
        assert await world.heard(1.0) == []
        world.venue.unlisted = False

        heard = [one for _ in range(5) for one in await world.heard(1.0)]

        assert len(heard) == 1
        assert "fill at 151.20 USD" in heard[0]


async def test_a_record_that_comes_when_the_readings_have_told_it_is_not_told_again() -> None:
    async with event_world() as world:
        world.venue.silent = True
        await closes(world)
        told = [one for _ in range(10) for one in await world.heard(2.0)]
        assert len(told) == 1
        world.venue.silent = False

        assert [one for _ in range(10) for one in await world.heard(10.0)] == []
        assert world.venue.questions[-1] == MAIN  # it was asked again all the same


async def test_what_no_reading_could_show_is_told_when_the_history_answers_again() -> None:
    async with event_world() as world:
        world.venue.silent = True
        await closes(world)
        world.bot.clock.pass_s(1)
        world.venue.record(filled(3.0, Side.BUY, order_id=8))
        world.venue.record(filled(3.0, Side.SELL, order_id=9))
        assert len([one for _ in range(10) for one in await world.heard(2.0)]) == 1
        world.venue.silent = False

        heard = [one for _ in range(10) for one in await world.heard(10.0)]

        assert len(heard) == 1
        assert "bought 3" in heard[0]  # the sale of 3 may be part of what was told: the close


async def test_an_order_filled_in_parts_within_a_minute_is_one_message() -> None:
    async with event_world(accounts=[standing(0.0, open_orders=(resting(),))]) as world:
        heard = []
        for done in range(1, 6):
            world.bot.clock.pass_s(1)
            rest = 10.0 - 2 * done
            world.put(standing(-2.0 * done, open_orders=(resting(size=rest),) if rest else ()))
            world.venue.record(filled(2.0, rest=rest))
            heard += await world.look(4.0)

        (sent,) = heard
        assert "SOL-PERP 0 -> short 10: opened, 5 fills at 151.20 USD, fee 6.00 USD" in sent.text


async def test_parts_that_go_on_for_longer_are_told_once_a_minute() -> None:
    async with event_world(accounts=[standing(0.0, open_orders=(resting(size=100.0),))]) as world:
        heard = []
        for done in range(1, 31):
            world.bot.clock.pass_s(1)
            world.put(standing(-float(done), open_orders=(resting(size=100.0 - done),)))
            world.venue.record(filled(1.0, rest=100.0 - done))
            heard += await world.look(4.0)  # 150 s in all

        assert len(heard) == 2


async def test_a_burst_of_a_hundred_fills_is_a_summary() -> None:
    async with event_world(accounts=[standing(0.0)]) as world:
        for number in range(100):
            world.venue.record(filled(0.5, Side.BUY, order_id=number, fill_price_usd=100.0 + number / 100))
        world.bot.clock.pass_s(1)
        world.put(standing(50.0))

        (sent,) = await world.look()

        assert "SOL-PERP 0 -> long 50: opened, 100 fills at 100.50 USD on average (100.00 to 100.99)" in sent.text
        assert len(sent.text.split("\n")) < 6


@pytest.mark.parametrize("kills", ["before it is told", "before it is looked at"])
async def test_a_fill_while_the_bot_is_down_is_told_once(tmp_path: Path, kills: str) -> None:
    clock, database = FakeClock(), tmp_path / "keel.sqlite3"
    async with event_world(database=database, clock=clock) as world:
        venue = world.venue
        await closes(world)
        if kills == "before it is told":
            dies = pytest.MonkeyPatch()

            async def settle(*_: object) -> None:
                raise StorageError("the process is killed here")

            clock.pass_s(1)
            await world.bot.app.watch.check()
            dies.setattr(world.bot.app.desk, "settle", settle)
            with pytest.raises(StorageError):
                await world.bot.app.events.watch.look()
            dies.undo()
            assert [row.told_at for row in await world.log()] == [None, None]
    clock.pass_s(3_600)

    async with event_world(database=database, clock=clock, venue=venue, linked=False) as world:
        heard = [one for _ in range(20) for one in await world.heard()]
        assert len(heard) == 1
        assert "long 10 -> 0: closed, fill at 151.20 USD" in heard[0]

    async with event_world(database=database, clock=clock, venue=venue, linked=False) as world:
        assert [one for _ in range(5) for one in await world.heard()] == []


@pytest.mark.parametrize("dies", [False, True])
async def test_of_the_slot_of_the_first_reading_only_that_is_told_which_it_does_not_hold(
    tmp_path: Path, dies: bool
) -> None:
    clock, database = FakeClock(), tmp_path / "keel.sqlite3"
    async with event_world(database=database, clock=clock) as world:
        venue, slot = world.venue, world.venue.slot
        venue.record(filled(10.0, Side.BUY, order_id=1))
        venue.record(filled(4.0, Side.BUY, order_id=2))
        venue.records = [replace(one, slot=slot) for one in venue.records]
        world.change(net_deposits_usd=-500.0)
        assert await world.heard(1.0) == []  # nobody can tell which of them it holds: something else has no record yet
        world.put(standing(14.0, net_deposits_usd=-500.0))
        clock.pass_s(1)
        venue.record(flow(K.WITHDRAWAL, 500.0))
        text = "" if dies else "\n".join([one for _ in range(3) for one in await world.heard(1.0)])
    if dies:
        async with event_world(database=database, clock=clock, venue=venue, linked=False) as world:
            text = "\n".join([one for _ in range(3) for one in await world.heard(1.0)])

    assert "long 10 -> long 14: grown, fill at 151.20 USD, fee 1.20 USD" in text
    assert text.count("withdrawal of") == 1


async def test_what_came_and_went_while_the_bot_was_down_is_told(tmp_path: Path) -> None:
    """The position is what it was: only the slot it was last active in, and the history, know better."""
    clock, database = FakeClock(), tmp_path / "keel.sqlite3"
    async with event_world(database=database, clock=clock) as world:
        venue = world.venue
    venue.record(filled(4.0, Side.BUY, order_id=1))
    venue.record(filled(4.0, Side.SELL, order_id=2))
    venue.record(taken(1.0))
    venue.record(filled(1.0, Side.BUY, order_id=3))
    clock.pass_s(600)
    venue.accounts[MAIN] = replace(venue.accounts[MAIN], last_active_slot=venue.slot - 100)

    async with event_world(database=database, clock=clock, venue=venue, linked=False) as world:
        text = "\n".join([sent.text for _ in range(3) for sent in await world.look()])

        assert "bought 5 at 151.20 USD and sold 4 at 151.20 USD in 3 fills, fee 3.60 USD" in text
        assert "liquidation took 1 of SOL-PERP at 92.10 USD, fee 4.60 USD; long 9 remains" in text


async def test_a_record_that_comes_after_a_restart_when_the_readings_have_told_it_is_no_news(tmp_path: Path) -> None:
    clock, database = FakeClock(), tmp_path / "keel.sqlite3"
    async with event_world(database=database, clock=clock) as world:
        venue = world.venue
        venue.silent = True
        world.change(net_deposits_usd=-500.0)
        venue.record(flow(K.WITHDRAWAL, 500.0))
        assert len([one for _ in range(10) for one in await world.heard(2.0)]) == 1
    venue.silent = False
    venue.record(filled(1.0, Side.BUY))
    clock.pass_s(1)
    venue.accounts[MAIN] = replace(venue.accounts[MAIN], perp_positions=standing(11.0).perp_positions)

    async with event_world(database=database, clock=clock, venue=venue, linked=False) as world:
        text = "\n".join([one for _ in range(10) for one in await world.heard(2.0)])
        assert "long 10 -> long 11: grown" in text
        assert "withdrawal" not in text


async def test_a_long_history_is_waited_for_as_long_as_it_comes() -> None:
    async with event_world(accounts=[standing(0.0)]) as world:
        for number in range(1_000):
            world.venue.record(filled(0.5, Side.BUY, order_id=number))
        world.bot.clock.pass_s(1)
        world.put(standing(500.0))

        text = "\n".join([one for _ in range(6) for one in await world.heard(4.0)])

        assert "0 -> long 500: opened" in text
        assert "without a record" not in text
        assert [row.kind for row in await world.log()].count(K.ORDER_FILLED) == 1_000


async def test_a_market_that_closes_is_told_once_to_all_who_are_in_it() -> None:
    async with event_world("main", "other", "third") as world:
        closing = {0: make_perp_market(status=MarketStatus.REDUCE_ONLY)}
        for account_id in ("account-of-main", "account-of-other", "account-of-third"):
            account = world.venue.accounts[account_id]
            world.change(account_id, perp_markets={**account.perp_markets, **closing})

        (sent,) = await world.look()

        assert "SOL-PERP is reduce only" in sent.text
        assert await world.heard() == []


async def test_a_market_that_closed_while_the_bot_was_down_is_told(tmp_path: Path) -> None:
    clock, database = FakeClock(), tmp_path / "keel.sqlite3"
    async with event_world(database=database, clock=clock) as world:
        venue = world.venue
    account = venue.accounts[MAIN]
    closing = {0: make_perp_market(status=MarketStatus.SETTLEMENT)}
    venue.accounts[MAIN] = replace(account, perp_markets={**account.perp_markets, **closing})

    async with event_world(database=database, clock=clock, venue=venue, linked=False) as world:
        (told,) = await world.heard()
        assert told.startswith("HIGH")
        assert "SOL-PERP is in settlement" in told


def seized(size: float, *, flagged: bool = True) -> AccountSnapshot:
    """In liquidation, with so much left."""
    return make_account(make_position(size), usdc=-size * 60 if flagged else 0.0, being_liquidated=flagged)


async def test_a_liquidation_says_what_was_taken_and_what_remains_and_that_it_is_over() -> None:
    async with event_world() as world:
        world.put(seized(10.0))
        begun = await world.heard()
        assert len(begun) == 1  # the health says it, and nothing else
        assert begun[0].startswith("LIQUIDATING main: now")

        world.bot.clock.pass_s(1)
        world.put(seized(6.0))
        world.venue.record(taken(4.0))
        (first,) = [one for one in await world.heard() if "took" in one]
        assert "liquidation took 4 of SOL-PERP at 92.10 USD, fee 4.60 USD; long 6 remains" in first

        for left in (5.0, 4.0):
            world.bot.clock.pass_s(1)
            world.put(seized(left))
            world.venue.record(taken(1.0, fee_usd=left))
            assert [one for one in await world.heard() if "took" in one] == []  # that can wait for a minute
        (more,) = [one for one in await world.heard(60.0) if "took" in one]
        assert "fee 5.00 USD; long 5 remains; liquidation took 1" in more
        standing_now = await world.bot.app.services.incidents.open_incidents()
        # The last one ended the one before.
        assert len([one for one in standing_now if one.cause.kind is CauseKind.EVENT]) == 1

        world.bot.clock.pass_s(1)
        world.put(standing(4.0))
        assert any("liquidation has ended" in one for one in await world.heard())


async def test_what_a_liquidation_took_is_told_from_the_readings_where_no_history_answers() -> None:
    async with event_world() as world:
        world.put(seized(10.0))
        await world.look()
        world.venue.silent = True
        world.bot.clock.pass_s(1)
        world.put(seized(6.0))

        heard = [one for _ in range(5) for one in await world.heard(1.0)]

        assert any("liquidation took 4 of SOL-PERP; long 6 remains" in one for one in heard)


async def test_what_is_told_on_request_alone_is_told_to_those_who_asked() -> None:
    async with event_world() as world:
        world.bot.clock.pass_s(1)
        world.put(standing(open_orders=(resting(),)))
        assert await world.heard() == []
        await world.bot.say("/events on orders", chat=HOME)
        world.bot.clock.pass_s(1)
        world.put(standing(open_orders=(resting(), resting(8))))

        heard = [one for _ in range(8) for one in await world.heard(1.0)]

        assert len(heard) == 1
        assert "order #8 placed: sell 10 at 151.20" in heard[0]
        assert [row.kind for row in await world.log()] == [K.ORDER_PLACED, K.ORDER_PLACED]


def earning(share_value: float, slot_active: int = 0) -> AccountSnapshot:
    balance = make_balance(1_000.0 * share_value, market_index=0, shares=1_000.0)
    return make_account(make_position(), balances=[balance], last_active_slot=slot_active)


async def test_interest_is_one_row_a_day_and_told_when_the_day_is_over() -> None:
    async with event_world(accounts=[earning(1.0)]) as world:
        await world.bot.say("/events on interest")
        world.bot.transport.sent.clear()
        for hour in range(1, 10):
            world.put(earning(1.0 + hour / 1_000, slot_active=hour))  # somebody does something every hour
            assert await world.heard(3_600.0) == []
        (row,) = await world.log()
        assert row.kind is K.INTEREST

        heard = [one for _ in range(4) for one in await world.heard(3_600.0)]

        assert len(heard) == 1
        assert "interest: earned 9 USDC" in heard[0]


async def test_interest_goes_on_in_the_same_row_after_a_restart(tmp_path: Path) -> None:
    clock, database = FakeClock(), tmp_path / "keel.sqlite3"
    async with event_world(database=database, clock=clock, accounts=[earning(1.0)]) as world:
        venue = world.venue
        world.put(earning(1.001, slot_active=1))
        await world.look(600.0)
    async with event_world(database=database, clock=clock, venue=venue, linked=False) as world:
        world.put(earning(1.003, slot_active=2))
        await world.look(600.0)
        (row,) = await world.log()
        assert '"amount_tokens": 3.0' in row.body_json or '"amount_tokens": 2.99999' in row.body_json


async def test_an_account_that_is_gone_is_asked_of_once_more() -> None:
    async with event_world() as world:
        world.bot.clock.pass_s(1)
        world.venue.record(AccountEvent(kind=K.ACCOUNT_CLOSED, account_id=MAIN, slot=0, observed_at=NOW))
        world.venue.problems = {MAIN: ("there is no such account",)}

        heard = await world.heard()

        assert any("HIGH main: " in one and "closed" in one for one in heard)
        asked = len(world.venue.questions)
        assert not [one for _ in range(20) for one in await world.heard() if "closed" in one]
        assert len(world.venue.questions) == asked


async def test_an_account_that_comes_back_is_followed_from_where_it_was() -> None:
    async with event_world() as world:
        world.venue.problems = {MAIN: ("its data cannot be read",)}
        await world.look()
        await closes(world)
        await world.look()
        world.venue.problems = {}

        text = "\n".join([sent.text for _ in range(5) for sent in await world.look()])

        assert text.count("fill at 151.20 USD") + text.count("sold 10 at 151.20 USD") == 1


async def test_of_an_account_nobody_watches_any_more_nothing_is_told_and_later_it_begins_anew() -> None:
    async with event_world("main", "other") as world:
        roster, fleet = world.bot.app.services.roster, world.bot.app.services.fleet
        other = roster.find("other")
        world.bot.clock.pass_s(1)
        world.put(standing(0.0), other.account_id)
        roster.remove(other.account_id)
        fleet.watch(roster.account_ids)
        assert await world.heard() == []
        roster.add(other)
        fleet.watch(roster.account_ids)
        assert await world.heard() == []
        assert await world.log(other.account_id) == ()


async def test_of_many_accounts_only_that_is_asked_of_which_something_happened_to() -> None:
    names = [f"n{number}" for number in range(60)]
    async with event_world(*names) as world:
        world.bot.clock.pass_s(1)
        world.put(standing(0.0), "account-of-n17")
        world.venue.record(filled(10.0, account_id="account-of-n17"))

        (told,) = await world.heard()

        assert told.startswith("WATCH n17: ")
        assert set(world.venue.questions) == {"account-of-n17"}


async def test_when_everything_moves_at_once_the_most_urgent_is_told_first() -> None:
    names = [f"n{number}" for number in range(40)]
    async with event_world(*names) as world:
        world.bot.clock.pass_s(1)
        for name in names:
            world.put(standing(0.0), f"account-of-{name}")
            world.venue.record(filled(10.0, account_id=f"account-of-{name}"))
        world.change("account-of-n39", net_deposits_usd=-500.0)
        world.venue.record(flow(K.WITHDRAWAL, 500.0, account_id="account-of-n39"))

        first = await world.heard()
        rest = [one for _ in range(20) for one in await world.heard(0.5)]

        assert any(one.startswith("CRITICAL n39") for one in first)
        assert rest
        for name in names:
            log = await world.log(f"account-of-{name}")
            assert {K.ORDER_FILLED, K.POSITION_CLOSED} <= {row.kind for row in log if row.told_at is not None}


async def test_a_standby_follows_in_silence_and_tells_what_may_not_have_been_told() -> None:
    async with event_world() as world:
        teller = world.bot.app.events.watch
        quiet = pytest.MonkeyPatch()
        quiet.setattr(teller._teller, "_quiet", lambda: True)
        await closes(world)
        assert await world.heard() == []
        world.bot.clock.pass_s(3_600)
        assert await world.heard() == []
        world.put(standing(2.0))
        world.venue.record(filled(2.0, Side.BUY))
        assert await world.heard() == []
        quiet.undo()

        heard = [one for _ in range(3) for one in await world.heard()]

        assert len(heard) == 1
        assert "0 -> long 2: opened" in heard[0]


async def test_nothing_is_written_where_nothing_happens() -> None:
    async with event_world() as world:
        await world.look()
        before = await world.bot.writes()
        for _ in range(5):
            await world.look(read=False)
            await world.look(1.0)
        assert await world.bot.writes() == before


async def test_funding_that_stays_heavy_is_told_once_an_hour_at_most() -> None:
    async with event_world() as world:
        light = world.venue.accounts[MAIN]
        heavy = replace(light, perp_markets={**light.perp_markets, 0: make_perp_market(funding_long_usd=0.05)})
        heard = []
        for _ in range(10):
            for account in (heavy, light):
                world.put(account)
                heard += await world.heard(60.0)
        assert len(heard) == 1
        world.bot.clock.pass_s(timedelta(hours=1).total_seconds())
        world.put(heavy)
        assert len(await world.heard()) == 1
