"""From a reading to what people hear: once, in order, and never better than what is known."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.alerts.desk import Finding
from bot.app import TEST_ALARM
from risk.decisions.incidents import Cause, CauseKind, IncidentStatus
from risk.decisions.tiers import Tier, TierThresholds
from risk.errors import BadBook
from risk.model.market import OracleValidity
from storage import Incidents, Outdated, Role, Stored
from tests.risk.builders import make_account, make_perp_market, make_position
from tests.support.bot_world import bot_world
from tests.support.clock import FakeClock
from tests.support.tuned_reader import TunedReader
from venues.errors import VenueUnavailable

FALL = {400.0: None, 240.0: "WATCH", 190.0: "WARNING", 140.0: "HIGH", 110.0: "CRITICAL", 90.0: "LIQUIDATING"}


async def test_every_tier_of_a_fall_is_announced_once_and_in_order() -> None:
    async with bot_world() as world:
        for ratio, tier in FALL.items():
            assert await world.check(ratio) == ([tier] if tier else [])
            assert await world.check(ratio) == []

        assert len({alert.text.split("alert #")[-1][0] for alert in world.alerts}) == 1


async def test_a_crash_is_announced_at_its_tier_at_once() -> None:
    async with bot_world() as world:
        assert await world.check(400) == []
        assert await world.check(110) == ["CRITICAL"]


async def test_easing_waits_for_where_the_milder_tier_begins_and_the_dwell() -> None:
    async with bot_world() as world:
        await world.check(110)

        assert await world.checks(120, 145) == [], "145 % is past 120 % but not where HIGH begins"
        assert await world.checks(60, 160) == []
        assert await world.check(160) == ["HIGH"]
        assert "Eased from CRITICAL." in world.alerts[-1].text


async def test_a_dip_while_easing_starts_no_new_alarm_and_the_dwell_goes_to_the_worst_step_seen() -> None:
    async with bot_world() as world:
        await world.check(110)
        await world.checks(30, 400)
        await world.check(160)

        assert await world.checks(60, 400) == ["HIGH"]


async def test_recovery_resolves_and_a_new_fall_is_a_new_alert() -> None:
    async with bot_world() as world:
        await world.check(140)
        assert await world.checks(65, 400) == ["RESOLVED"]

        assert await world.check(140) == ["HIGH"]
        assert "alert #1" in world.alerts[1].text
        assert "alert #2" in world.alerts[2].text


async def test_ack_silences_repeats_but_not_escalation() -> None:
    async with bot_world() as world:
        await world.check(110)
        await world.press(world.alerts[0].data("Ack"))

        assert await world.checks(900, 110) == []
        assert await world.check(90) == ["LIQUIDATING"]


async def test_an_escalation_after_an_ack_is_repeated_again() -> None:
    async with bot_world() as world:
        await world.check(140)
        await world.press(world.alerts[0].data("Ack"))
        assert await world.check(110) == ["CRITICAL"]

        assert await world.checks(300, 110) == ["CRITICAL"]


@pytest.mark.parametrize(
    ("ratio", "tier", "again_after_min"),
    [
        (140.0, "HIGH", [30, 60]),
        (110.0, "CRITICAL", [5, 10, 20, 40]),
        (90.0, "LIQUIDATING", [2, 4, 8, 16, 32]),
        (190.0, "WARNING", []),
        (240.0, "WATCH", []),
    ],
)
async def test_what_nobody_acknowledges_is_said_again_by_tier(
    ratio: float, tier: str, again_after_min: list[int]
) -> None:
    async with bot_world() as world:
        await world.check(ratio)
        heard = [await world.check(ratio, after_s=60) for _ in range(61)]

        said_at = [minute for minute, heads in enumerate(heard, start=1) if heads]
        assert said_at == again_after_min
        assert set(world.heads) == {tier}
        assert len({alert.text.split("alert #")[-1] for alert in world.alerts}) == 1


async def test_snooze_holds_repeats_back_but_not_an_escalation() -> None:
    async with bot_world() as world:
        await world.check(110)
        await world.press(world.alerts[0].data("Snooze 1 h"))

        assert await world.checks(3_590, 110) == []
        assert await world.check(110, after_s=60) == ["CRITICAL"]
        await world.press(world.alerts[0].data("Snooze 1 h"))
        assert await world.check(90) == ["LIQUIDATING"]


async def test_a_venue_that_falls_silent_is_one_alert_and_not_one_for_each_account() -> None:
    async with bot_world("main", "second") as world:
        await world.check()
        world.reader.error = VenueUnavailable("no endpoint answers; try later")

        assert await world.check() == [], "one failed check may be a hiccup"
        assert await world.check() == ["UNKNOWN"]
        assert world.alerts[0].first == "UNKNOWN all accounts: no fresh data"
        assert "no endpoint answers; try later" in world.alerts[0].text
        assert await world.checks(60) == []


async def test_a_slot_that_stands_still_is_unknown() -> None:
    async with bot_world() as world:
        await world.check()
        world.reader.freeze()

        assert await world.checks(15) == ["UNKNOWN"]
        assert "has not moved for" in world.alerts[0].text


async def test_before_the_first_reading_nothing_is_healthy() -> None:
    async with bot_world() as world:
        world.reader.error = VenueUnavailable("down")

        assert await world.check() == ["UNKNOWN"]
        assert world.app.watch.tier(world.account).tier is Tier.UNKNOWN


async def test_an_invalid_oracle_concerns_the_accounts_that_need_it() -> None:
    async with bot_world("main", "second") as world:
        stale = make_perp_market(oracle_validity=OracleValidity.STALE)
        usdc_only = make_account(usdc=100.0, perp_markets=())
        world.reader.accounts["account-of-second"] = make_account(make_position(10.0), usdc=200.0, perp_markets=[stale])
        world.reader.accounts["account-of-main"] = usdc_only

        assert await world.check() == ["UNKNOWN"]
        assert world.alerts[0].first == "UNKNOWN second: data cannot be trusted"
        assert "The oracle of SOL-PERP has not been updated lately." in world.alerts[0].text


async def test_unknown_ends_with_the_data_and_neither_repeats_nor_hides_the_tier() -> None:
    async with bot_world() as world:
        await world.check(140)
        world.reader.problems[world.account] = ("its account data is truncated",)
        assert await world.check() == ["UNKNOWN"]
        world.reader.problems.clear()

        assert await world.check(140) == ["RESOLVED"]
        assert "data is back, HIGH" in world.alerts[-1].text
        assert await world.check(110) == ["CRITICAL"]


async def test_a_fall_behind_stale_data_is_told_when_the_data_is_back() -> None:
    async with bot_world() as world:
        await world.check(400)
        world.reader.error = VenueUnavailable("down")
        await world.checks(20)
        world.reader.error = None

        assert await world.check(110) == ["CRITICAL"]
        assert "RESOLVED all accounts: the venue answers and moves again" in world.alerts[-1].text


async def test_the_resolved_alert_of_health_has_its_figures_when_the_data_came_back_as_well() -> None:
    async with bot_world(thresholds=TierThresholds(distance_sigmas={}, ease_dwell=timedelta(0))) as world:
        await world.check(140)
        world.reader.problems[world.account] = ("its account data is truncated",)
        await world.check()
        world.reader.problems.clear()

        assert await world.check(400) == ["RESOLVED"]
        assert world.alerts[-1].first == "RESOLVED main: health ratio 400.0%"
        assert "RESOLVED main: data is back, OK · alert #2" in world.alerts[-1].text


async def test_closing_every_position_resolves_although_the_ratio_is_infinite() -> None:
    async with bot_world() as world:
        await world.check(140)
        world.reader.accounts[world.account] = make_account(usdc=70.0)

        assert await world.checks(65) == ["RESOLVED"]
        assert world.alerts[-1].first == "RESOLVED main: health ratio ∞, nothing needs margin"


async def test_a_threshold_on_the_distance_moves_the_tier_too() -> None:
    async with bot_world(thresholds=TierThresholds(distance_frac={Tier.HIGH: 0.5}, distance_sigmas={})) as world:
        assert await world.check(400) == ["HIGH"]  # liquidates 16 % lower


async def test_an_unchanged_tick_writes_nothing() -> None:
    async with bot_world("main", "second") as world:
        await world.check(140)
        await world.check(140)
        before = await world.writes()

        for _ in range(5):
            world.clock.pass_s(5)
            await world.app.watch.check()
            await world.app.limits.check()

        assert await world.writes() == before


async def test_an_ack_in_the_middle_of_a_check_is_kept_and_the_check_decides_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with bot_world() as world:
        await world.check(140)
        plain = Incidents.apply_assessment
        outcomes: list[Stored | Outdated] = []

        async def slowly(self: Incidents, **given: object) -> Stored | Outdated:
            if not outcomes:
                await world.press(world.alerts[0].data("Ack"))
            outcomes.append(await plain(self, **given))  # type: ignore[arg-type]  # as they came
            return outcomes[-1]

        monkeypatch.setattr(Incidents, "apply_assessment", slowly)
        assert await world.check(110) == ["CRITICAL"]

        assert [type(outcome) for outcome in outcomes] == [Outdated, Stored]
        (incident,) = await world.app.services.incidents.open_incidents()
        assert incident.status is IncidentStatus.OPEN, "a warning that was acknowledged is not what it turned into"


async def test_two_jobs_that_open_incidents_at_once_number_them_apart() -> None:
    async with bot_world() as world:
        causes = [Cause(kind=CauseKind.SYSTEM, subject=f"subject {number}") for number in range(5)]
        await asyncio.gather(
            *(world.app.desk.settle([Finding(cause=cause, tier=Tier.HIGH, fact="a test")]) for cause in causes)
        )

        opened = await world.app.services.incidents.open_incidents()
        assert [incident.incident_id for incident in opened] == [1, 2, 3, 4, 5]


async def test_a_restart_neither_repeats_nor_hides_a_warning(tmp_path: Path) -> None:
    clock = FakeClock()
    reader = TunedReader(clock, "account-of-main")
    async with bot_world(database=tmp_path / "keel.db", clock=clock, reader=reader) as world:
        assert await world.check(140) == ["HIGH"]
    async with bot_world(database=tmp_path / "keel.db", clock=clock, reader=reader, linked=False) as world:
        assert await world.check(140) == []
        assert world.app.watch.tier(world.account).tier is Tier.HIGH
        assert await world.check(110) == ["CRITICAL"]
        assert "alert #1" in world.alerts[0].text


async def test_a_fall_while_the_bot_was_down_is_told_at_its_first_check(tmp_path: Path) -> None:
    clock = FakeClock()
    reader = TunedReader(clock, "account-of-main")
    async with bot_world(database=tmp_path / "keel.db", clock=clock, reader=reader) as world:
        await world.check(400)
    async with bot_world(database=tmp_path / "keel.db", clock=clock, reader=reader, linked=False) as world:
        assert await world.check(90, after_s=3_600) == ["LIQUIDATING"]


async def test_an_alert_that_was_queued_and_not_sent_survives_the_process(tmp_path: Path) -> None:
    clock = FakeClock()
    reader = TunedReader(clock, "account-of-main")
    async with bot_world(database=tmp_path / "keel.db", clock=clock, reader=reader) as world:
        world.put(110)
        await world.app.watch.check()
        await world.app.services.outbox.claim(clock.now(), "chat", most=10, lease=timedelta(hours=1))
    async with bot_world(database=tmp_path / "keel.db", clock=clock, reader=reader, linked=False) as world:
        await world.deliver()

        assert world.heads == ["CRITICAL"]


async def test_a_chat_linked_during_an_incident_hears_of_it_at_the_next_check() -> None:
    async with bot_world() as world:
        await world.check(140)
        await world.link("late", Role.VIEWER)

        assert await world.check(140) == ["HIGH"]
        assert world.alerts[-1].chat == "late"


async def test_incidents_of_accounts_nobody_watches_any_more_end_at_the_start(tmp_path: Path) -> None:
    database = tmp_path / "keel.db"
    async with bot_world("main", "gone", database=database) as world:
        world.put(140, "account-of-gone")
        await world.check(140)
    async with bot_world("main", database=database, linked=False) as world:
        standing = await world.app.services.incidents.open_incidents()
        await world.deliver()

        assert [one.cause.account_id for one in standing] == ["account-of-main"]
        assert [alert.first for alert in world.alerts] == ["RESOLVED acco…gone: no longer watched"]


async def test_a_test_alarm_of_an_interrupted_setup_ends_at_the_start(tmp_path: Path) -> None:
    async with bot_world(database=tmp_path / "keel.db") as world:
        await world.app.desk.settle([Finding(cause=TEST_ALARM, tier=Tier.CRITICAL, fact="a test")])
    async with bot_world(database=tmp_path / "keel.db", linked=False) as world:
        assert await world.app.services.incidents.open_incidents() == ()


async def test_a_reading_that_makes_no_sense_fails_the_check_and_leaves_the_last_state() -> None:
    async with bot_world() as world:
        await world.check(140)
        world.reader.error = BadBook("columns contradict each other")

        with pytest.raises(BadBook):
            await world.check()
        assert world.app.watch.tier(world.account).tier is Tier.HIGH
        assert {one.cause.kind for one in await world.app.services.incidents.open_incidents()} == {CauseKind.HEALTH}
