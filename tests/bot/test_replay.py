"""Would it have warned? History through the very same tiers, incidents and delivery."""

import itertools
import json
import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app import assemble
from bot.clock import ScriptClock
from bot.replay import NO_LIMITS, play
from bot.replaying.report import WARNINGS, as_json, as_text, chart
from bot.replaying.transport import CountingTransport
from bot.roster import Roster, Watched
from risk.decisions.incidents import Cause, CauseKind, Incident, LastNotice, RepeatIntervals, advance, needs_notice
from risk.decisions.nearness import nearness, trusted_prices_usd
from risk.decisions.tiers import LADDER, Tier, TierReading, TierState, TierThresholds, classify
from risk.decisions.volatility import DailyMoves
from risk.margin.evaluate import evaluate
from storage import Receiver, Store
from tests.risk.builders import RATIO_ALONE
from tests.venues.replaying import START_S, Bar, flat, long, recorded, short
from venues.replay import (
    ACCOUNT_ID,
    BookPosition,
    PositionSide,
    Recording,
    ReplayBook,
    ReplayVenue,
    read_bars,
    record,
)

START = datetime.fromtimestamp(START_S, UTC)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


async def test_a_fall_is_warned_of_at_every_tier_before_it_liquidates() -> None:
    # 5x long from 100: the ratio falls below 250, 200, 150, 120 and 100 % at 91.4, 88.9, 86.5, 85.1 and 84.2.
    falling: list[Bar] = [(100, 100, 91, 95), (95, 95, 88, 90), (90, 90, 86, 87), (87, 87, 85, 86), (86, 86, 80, 81)]
    report = await play(recorded(falling), RATIO_ALONE)
    assert report.first_at == {
        Tier.WATCH: after(20), Tier.WARNING: after(80), Tier.HIGH: after(140), Tier.CRITICAL: after(200),
        Tier.LIQUIDATING: after(260),
    }  # fmt: skip
    assert report.liquidated_at == after(260)
    assert [report.lead_s(tier) for tier in LADDER] == [14_400, 10_800, 7_200, 3_600, 0]
    assert report.played == 4 * 4 + 2  # nothing is played after the end


async def test_a_short_meets_its_high_first() -> None:
    rising: list[Bar] = [(100, 109, 100, 108), (108, 115, 60, 100)]
    report = await play(recorded(rising, short()), RATIO_ALONE)
    assert report.first_at[Tier.WATCH] == after(20)
    assert report.liquidated_at == after(80)


async def test_a_tier_that_was_jumped_over_was_not_warned_of() -> None:
    report = await play(recorded([(100, 100, 100, 100), (100, 100, 50, 60)]), RATIO_ALONE)
    assert report.first_at == {Tier.LIQUIDATING: after(80)}
    assert (report.lead_s(Tier.HIGH), report.lead_s(Tier.LIQUIDATING)) == (None, 0)
    assert report.messages == 1


async def test_a_missing_bar_is_unknown_and_its_end_is_told() -> None:
    report = await play(recorded(flat(100, 100, 100), missing=[1]), RATIO_ALONE)
    assert report.first_at == {Tier.UNKNOWN: after(60)}
    # Told at 60, repeated after 30 minutes with the price at 100, resolved at 120.
    assert report.messages == 3
    assert report.liquidated_at is None
    assert report.lead_s(Tier.UNKNOWN) is None


PRICED, BLANK = "100,100,100,100,1", "nan,,NaN,null,"
ROWS = {
    "every second one": ([PRICED, BLANK] * 4, 60),
    "one between two": ([PRICED, BLANK, PRICED], 60),
    "the last six": ([PRICED, PRICED, *[BLANK] * 6], 120),
}


@pytest.mark.parametrize("case", ROWS)
async def test_lines_without_prices_are_unknown_wherever_they_stand(case: str, tmp_path: Path) -> None:
    rows, unknown_after = ROWS[case]
    lines = [f"{START_S + at * 3_600},{row}" for at, row in enumerate(rows)]
    (tmp_path / "SOL.csv").write_text("\n".join(["ts,open,high,low,close,volume", *lines]))
    recording = record(ReplayBook(collateral_usd=10_000.0, positions=(long(),)), [read_bars(tmp_path, "SOL")])
    report = await play(recording, RATIO_ALONE)
    assert report.first_at == {Tier.UNKNOWN: after(unknown_after)}


async def test_lines_without_prices_before_the_first_are_said(tmp_path: Path) -> None:
    lines = [f"{START_S + at * 3_600},{row}" for at, row in enumerate((BLANK, PRICED, PRICED))]
    (tmp_path / "SOL.csv").write_text("\n".join(["ts,open,high,low,close,volume", *lines]))
    recording = record(ReplayBook(collateral_usd=10_000.0, positions=(long(),)), [read_bars(tmp_path, "SOL")])
    text = as_text(await play(recording, RATIO_ALONE))
    assert "UNKNOWN from 9 Oct 2025 09:00 UTC on: no book opens without a price, so it begins at the first." in text


async def test_who_is_warned_of_a_worse_tier_is_warned_of_the_milder_ones() -> None:
    report = await play(recorded([(100, 100, 86, 90), *flat(90)]), RATIO_ALONE)
    # HIGH at once at 86; where WARNING begins at 40 minutes, which is believed at the next price; 90 is not yet WATCH.
    assert report.first_at == dict.fromkeys((Tier.WATCH, Tier.WARNING, Tier.HIGH), after(20))
    assert report.told == ((after(0), Tier.OK), (after(20), Tier.HIGH), (after(60), Tier.WARNING))


async def test_a_calm_book_says_nothing() -> None:
    report = await play(recorded(flat(100, 101, 99, 100), long(leverage=2)))
    assert (report.first_at, report.messages, report.alarms.rung) == ({}, 0, 0)
    assert report.days == pytest.approx(4 / 24)


async def test_an_alarm_that_comes_to_nothing_is_counted_by_thirty_days() -> None:
    # HIGH at 86 with 1.9 % to go; back at 100 from the high of the same bar on.
    dip: list[Bar] = [*flat(100), (100, 100, 86, 100), *flat(100, 100)]
    report = await play(recorded(dip), RATIO_ALONE)
    assert (report.alarms.rung, report.alarms.false) == (1, 1)
    assert report.false_alarms_per_30d == pytest.approx(30 * 6)


async def test_an_alarm_that_came_within_half_its_distance_was_none() -> None:
    # HIGH at 86, then 84.9, beyond half the way to 84.2.
    dip: list[Bar] = [*flat(100), (100, 100, 86, 86.3), (86.3, 86.4, 84.9, 86), *flat(100, 100)]
    report = await play(recorded(dip), RATIO_ALONE)
    assert (report.alarms.rung, report.alarms.false, report.false_alarms_per_30d) == (1, 0, 0)


async def test_the_last_fall_is_told_apart_from_earlier_ones() -> None:
    twice: list[Bar] = [*flat(100), (100, 100, 86, 100), *flat(100, 100), (100, 100, 88, 90), (90, 90, 80, 80)]
    report = await play(recorded(twice), RATIO_ALONE)
    assert report.lead_s(Tier.HIGH) == 4 * 3_600
    assert report.last_lead_s(Tier.HIGH) is None
    assert report.last_lead_s(Tier.WARNING) == report.last_lead_s(Tier.WATCH) == 3_600


async def test_the_same_bars_give_the_same_report() -> None:
    bars: list[Bar] = [*flat(100), (100, 101, 86, 90), (90, 95, 84.9, 87), *flat(99, 100)]
    first, second = [await play(recorded(bars)) for _ in range(2)]
    assert as_json(first) == as_json(second)
    assert as_text(first) == as_text(second)
    assert first.messages > 3
    assert first.alerts_sha256 == second.alerts_sha256, "word for word"


async def test_the_same_prices_met_by_a_bot_that_looks_by_itself_give_the_same_alerts() -> None:
    """One that asks the venue at every price, as keel run does without a stream, and delivers as it does."""
    recording = recorded([*flat(100), (100, 101, 86, 90), (90, 95, 84.9, 87), *flat(99, 100)], missing=[4])
    clock = ScriptClock(recording.at(0))
    transport = CountingTransport(now=clock.now)
    roster = Roster([Watched(account_id=ACCOUNT_ID, nickname="book", thresholds=TierThresholds())])
    with ThreadPoolExecutor(max_workers=1) as executor:
        async with await Store.open(":memory:") as store:
            app = assemble(
                store=store, reader=ReplayVenue(recording, clock=clock), roster=roster, transports=[transport],
                clock=clock, venue="replay", executor=executor,
                console=Receiver(transport=transport.name, chat="a person"), stream=False,
            )  # fmt: skip
            await app.services.accounts.save_limits(ACCOUNT_ID, NO_LIMITS)
            await app.prepare()
            for number in range(len(recording)):
                await clock.sleep(recording.offset_s(number) - clock.monotonic_s())
                await app.watch.check()
                await app.deliveries[transport.name].drain()
    report = await play(recording)
    assert transport.messages == report.messages > 3
    assert transport.digest.hexdigest() == report.alerts_sha256


async def test_thresholds_of_ones_own_are_used() -> None:
    early = TierThresholds(ratio_percent={Tier.HIGH: 390.0}, distance_sigmas={})
    report = await play(recorded([(100, 100, 99, 100), *flat(100)]), early)
    assert report.told == ((after(0), Tier.OK), (after(20), Tier.HIGH))


async def test_a_market_that_begins_to_move_warns_of_a_ratio_that_looks_fine() -> None:
    """3x long at 480 % and more, after a fall of 12 % in hours: three daily moves are further than its liquidation."""
    day: list[Bar] = [*flat(*[100] * 20), (100, 100, 95, 96), (96, 97, 93, 95), (95, 95, 88, 90), (90, 91, 68, 85)]
    report = await play(recorded(day, long(leverage=3)))
    alone = await play(recorded(day, long(leverage=3)), RATIO_ALONE)
    assert report.liquidated_at == alone.liquidated_at == after(23 * 60 + 20)
    assert (report.lead_s(Tier.HIGH), alone.lead_s(Tier.HIGH)) == (3_600, None)


@given(
    leverage=st.floats(2, 10), is_long=st.booleans(), step=st.floats(0.002, 0.004), maintenance=st.floats(0.02, 0.08)
)
@settings(max_examples=6)
async def test_a_fall_in_small_steps_is_announced_tier_by_tier(
    leverage: float, is_long: bool, step: float, maintenance: float
) -> None:
    """Whichever tier it is in once daily moves count: no worse one is left out, and liquidation is the last."""
    factor, prices = 1 - step if is_long else 1 + step, [100.0]
    while 0.45 < prices[-1] / 100 < 1.6:
        prices.append(prices[-1] * factor)
    bars: list[Bar] = [(first, max(first, last), min(first, last), last) for first, last in itertools.pairwise(prices)]
    side = long if is_long else short
    report = await play(recorded(bars, side(leverage=leverage, maintenance_ratio=maintenance, initial_ratio=0.1)))
    assert report.liquidated_at is not None
    for (_, before), (at, now) in itertools.pairwise(report.told):
        if now.worse_than(before) and at > after(60):
            assert now.value == before.value + 1
    assert report.told[-1][1] is Tier.LIQUIDATING
    assert report.told[-1][0] == report.liquidated_at


# A second opinion: the pure decisions alone, without a venue, a database or a clock.


def reference(recording: Recording) -> tuple[dict[Tier, datetime], int]:
    """(when each tier first stood, messages), from the prices of the recording."""
    state, messages, moves = TierState(), 0, DailyMoves()
    first: dict[Tier, datetime] = {}
    causes = {
        CauseKind.HEALTH: Cause(kind=CauseKind.HEALTH, account_id="x"),
        CauseKind.DATA: Cause(kind=CauseKind.DATA, account_id="x"),
    }
    standing: dict[CauseKind, Incident | None] = dict.fromkeys(causes)
    heard: dict[CauseKind, LastNotice | None] = dict.fromkeys(causes)
    end = len(recording) if recording.liquidated is None else recording.liquidated + 1
    for number in range(end):
        now, ratio = recording.at(number), float(recording.ratio_percent[number])
        book = recording.reading(number, now)
        moves = moves.after(book.oracles.ids, trusted_prices_usd(book), now.timestamp())
        near = float(nearness(evaluate(book), moves.daily_frac(), moves.measured()).sigmas[0])
        reading = TierReading(ratio_percent=ratio, distance_sigmas=near, liquidating=number == recording.liquidated)
        state = classify(state, reading, TierThresholds(), now)
        for step in LADDER if state.tier not in (Tier.LIQUIDATING, Tier.UNKNOWN) else (state.tier,):
            if step.value <= state.tier.value:
                first.setdefault(step, now)
        unknown = state.tier is Tier.UNKNOWN
        looks = {CauseKind.DATA: Tier.UNKNOWN if unknown else Tier.OK}
        if not unknown:
            looks[CauseKind.HEALTH] = state.tier
        said = False
        for kind, cause in causes.items():
            incident = standing[kind]  # what no look is about goes on as it stands
            if kind in looks:
                incident, _ = advance(incident, cause, looks[kind], fact="", now=now, new_id=1)
            standing[kind] = incident
            if incident is None:
                continue
            if needs_notice(heard[kind], incident, RepeatIntervals(), now) is not None:
                said = True
                heard[kind] = LastNotice(tier=incident.tier, at=now)
            if incident.tier is Tier.OK:
                standing[kind] = heard[kind] = None
        messages += said  # what is found at one look is one message
    return first, messages


@given(
    moves=st.lists(st.floats(0.93, 1.07), min_size=4, max_size=30),
    leverage=st.floats(2, 12),
    is_long=st.booleans(),
    gone=st.sets(st.integers(1, 25), max_size=4),
)
@settings(max_examples=25)
async def test_the_whole_machine_decides_as_its_pure_parts_do(
    moves: list[float], leverage: float, is_long: bool, gone: set[int]
) -> None:
    price, bars = 100.0, []
    for move in moves:
        close = price * move
        bars.append((price, max(price, close) * 1.01, min(price, close) * 0.99, close))
        price = close
    position = long(leverage=leverage) if is_long else short(leverage=leverage)
    recording = recorded(bars, position, missing=[at for at in gone if at < len(bars) - 1])
    report = await play(recording)
    assert (report.first_at, report.messages) == reference(recording)


# What is shown.


async def test_json_has_exactly_these_fields() -> None:
    body = json.loads(as_json(await play(recorded([(100, 100, 86, 90), (90, 90, 80, 81)]), RATIO_ALONE)))
    assert list(body) == ["first_at", "liquidated_at", "lead_s", "false_alarms_per_30d", "messages"]
    assert list(body["first_at"]) == list(body["lead_s"]) == [tier.name for tier in WARNINGS]
    assert body["liquidated_at"] == body["first_at"]["LIQUIDATING"] == "2025-10-09T10:20:00Z"
    assert body["first_at"]["HIGH"] == "2025-10-09T09:20:00Z"
    assert body["lead_s"]["HIGH"] == 3_600
    assert body["lead_s"]["CRITICAL"] is body["first_at"]["CRITICAL"] is None
    assert body["messages"] >= 2


async def test_the_text_says_how_it_ended() -> None:
    fell = as_text(await play(recorded([(100, 100, 86, 90), (90, 90, 80, 81)]), RATIO_ALONE))
    assert "SOL-PERP long 500 at 100.00, 5.0x" in fell
    assert "Liquidated at 9 Oct 2025 10:20 UTC." in fell
    assert "1 h 00 min" in fell
    calm = as_text(await play(recorded(flat(100, 100)), RATIO_ALONE))
    assert "It was not liquidated." in calm
    assert "Messages to one person who answers none: 0." in calm


async def test_the_chart_is_a_picture_of_what_was_watched() -> None:
    png = chart(await play(recorded([(100, 100, 86, 90), (90, 90, 80, 81), *flat(50, 50)])))
    assert png.startswith(b"\x89PNG")


# The recorded crash, where the material is at hand.


def crash(material: Path, *positions: BookPosition) -> Recording:
    folder = material / "data" / "prices" / "hourly_crash_2025_10"
    return record(
        ReplayBook(collateral_usd=10_000.0, positions=positions), [read_bars(folder, one.asset) for one in positions]
    )


async def test_the_crash_of_october_2025_is_warned_of(material: Path) -> None:
    report = await play(crash(material, long()))
    assert report.liquidated_at == datetime(2025, 10, 10, 21, 20, tzinfo=UTC)
    lead_s = report.last_lead_s(Tier.HIGH)
    assert lead_s is not None
    assert lead_s >= 3_600
    assert report.messages > 0


async def test_a_short_lives_through_the_crash_and_a_hedged_book_hears_little(material: Path) -> None:
    assert (await play(crash(material, short(leverage=3)))).liquidated_at is None
    hedged = await play(
        crash(material, long(leverage=3), BookPosition(market="ETH-PERP", side=PositionSide.SHORT, leverage=3))
    )
    assert hedged.liquidated_at is None
    assert not math.isnan(hedged.false_alarms_per_30d)
