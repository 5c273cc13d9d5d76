"""The figures of docs/alert-quality.md: what computes them agrees with the bot; the page states what is in force."""

import math
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from benchmarks.alert_quality.cases import Case, Kind
from benchmarks.alert_quality.history import History, history_of
from benchmarks.alert_quality.ladders import CHOSEN, families
from benchmarks.alert_quality.machine import COLLATERAL_USD
from benchmarks.alert_quality.outcome import PAGES, Outcome, outcome
from benchmarks.alert_quality.page import page
from benchmarks.alert_quality.picture import picture
from benchmarks.alert_quality.score import avoidable, score
from benchmarks.alert_quality.study import QUICK, study
from benchmarks.alert_quality.walk import walk
from bot.replay import play
from bot.replaying.alarms import Alarms
from risk.decisions.nearness import nearness, trusted_prices_usd
from risk.decisions.tiers import LADDER, Tier, TierThresholds
from risk.decisions.volatility import DailyMoves
from risk.margin.evaluate import evaluate
from tests.venues.replaying import HOUR_S, Bar, make_bars
from venues.replay import Bars, BookPosition, PositionSide, Recording, ReplayBook, record

ROOT = Path(__file__).resolve().parents[2]
MIDNIGHT_S = 1_760_054_400


def wild(seed: int, n: int, *, asset: str = "SOL", step_s: int = HOUR_S) -> Bars:
    """A market that moves by a few percent a bar, with a fall in the middle."""
    random = np.random.default_rng(seed)
    closes = 100 * np.exp(np.cumsum(random.normal(0, 0.012, n)) - 0.25 * (np.arange(n) > n // 2))
    opens = np.concatenate([[100.0], closes[:-1]])
    spread = np.abs(random.normal(0, 0.01, (2, n)))
    bars: list[Bar] = [
        (first, max(first, last) * (1 + up), min(first, last) * (1 - down), last)
        for first, last, up, down in zip(opens, closes, spread[0], spread[1], strict=True)
    ]
    return make_bars(bars, asset=asset, start_s=MIDNIGHT_S, step_s=step_s)


def case(*leverages: float, first: int = 0, bars: int = 96, step_s: int = HOUR_S) -> Case:
    names = ("SOL", "BTC", "ETH")[: len(leverages)]
    kind = Kind.TILT if len(leverages) > 1 else Kind.LONG if leverages[0] > 0 else Kind.SHORT
    opened_s = MIDNIGHT_S + first * step_s
    return Case(kind=kind, assets=names, leverages=leverages, opened_s=opened_s, until_s=opened_s + bars * step_s)


def recorded(one: Case, every: dict[str, Bars]) -> Recording:
    """The same as keel replay would play it."""
    positions = tuple(
        BookPosition(
            market=f"{asset}-PERP", side=PositionSide.LONG if leverage > 0 else PositionSide.SHORT,
            leverage=abs(leverage),
        )
        for asset, leverage in zip(one.assets, one.leverages, strict=True)
    )  # fmt: skip
    kept = []
    for asset in one.assets:
        inside = (every[asset].opened_s >= one.opened_s) & (every[asset].opened_s < one.until_s)
        kept.append(
            Bars(asset=asset, opened_s=every[asset].opened_s[inside], prices_usd=every[asset].prices_usd[inside],
                 length_s=every[asset].length_s)
        )  # fmt: skip
    return record(ReplayBook(collateral_usd=COLLATERAL_USD, positions=positions), kept)


CASES = [
    case(4.0), case(-4.0), case(9.0, first=20), case(-2.0, first=3), case(3.0, 2.0), case(3.0, -3.0),
    case(2.0, -1.0, -3.0), case(5.0, bars=12, step_s=86_400),
]  # fmt: skip


def histories(step_s: int) -> tuple[dict[str, Bars], dict[str, History]]:
    bars = {asset: wild(seed, 120, asset=asset, step_s=step_s) for seed, asset in enumerate(("SOL", "BTC", "ETH"))}
    return bars, {asset: history_of(one) for asset, one in bars.items()}


def step_of(one: Case) -> int:
    return {HOUR_S * 96: HOUR_S, 86_400 * 12: 86_400}[one.until_s - one.opened_s]


@pytest.mark.parametrize("one", CASES, ids=[str(one.leverages) for one in CASES])
def test_a_walk_is_what_the_engine_and_the_volatility_of_the_bot_say(one: Case) -> None:
    bars, known = histories(step_of(one))
    walked, recording, moves = walk(one, known), recorded(one, bars), DailyMoves()
    end = len(recording) if recording.liquidated is None else recording.liquidated + 1
    assert (walked.at_s.size, walked.liquidated) == (end, recording.liquidated is not None)
    assert walked.at_s == pytest.approx(recording.ticks.at_s[:end])
    assert walked.excess * COLLATERAL_USD == pytest.approx(recording.excess_usd[:end], rel=1e-6, abs=1e-3)
    assert walked.ratio_percent == pytest.approx(recording.ratio_percent[:end], rel=1e-6)
    for number in range(end):
        at = recording.at(number)
        book = recording.reading(number, at)
        moves = moves.after(book.oracles.ids, trusted_prices_usd(book), at.timestamp())
        near = float(nearness(evaluate(book), moves.daily_frac(), moves.measured()).sigmas[0])
        if math.isnan(near):
            assert (number <= 2, walked.sigmas[number]) == (True, math.inf)
            continue
        assert walked.sigmas[number] == pytest.approx(near, rel=1e-6, abs=1e-6), number


@pytest.mark.parametrize("one", CASES[:6], ids=[str(one.leverages) for one in CASES[:6]])
async def test_an_outcome_is_what_the_whole_application_says(one: Case) -> None:
    bars, known = histories(step_of(one))
    found, report = outcome(walk(one, known), TierThresholds()), await play(recorded(one, bars))
    assert {tier: at.timestamp() for tier, at in report.first_at.items()} == found.first_s
    assert (None if report.liquidated_at is None else report.liquidated_at.timestamp()) == found.liquidated_s
    high = found.alarms[Tier.HIGH]
    assert (report.alarms.rung, report.alarms.false) == (high.rung, high.false)
    assert (report.page_lead_s or 0.0) == found.lead_s(Tier.HIGH)


def ended(*, liquidated_s: float | None = 86_400.0, page_s: float | None = None, last_s: float = 85_200.0,
          reach: float = 0.02, false: int = 0) -> Outcome:  # fmt: skip
    return Outcome(
        liquidated_s=liquidated_s, first_s={}, page_s=dict.fromkeys(PAGES, page_s),
        alarms={tier: Alarms(tier=tier, false=false) for tier in PAGES}, watched_s=86_400.0,
        standing_s=dict.fromkeys(PAGES, 8_640.0), last_look_s=last_s, last_reach_frac=reach,
    )  # fmt: skip


NAMED = Case(kind=Kind.LONG, assets=("SOL",), leverages=(5.0,), opened_s=0, until_s=7_862_400)


@pytest.mark.parametrize(
    ("found", "expected", "why"),
    [
        (ended(), True, "somebody could have looked 20 minutes before, at 2 %"),
        (ended(liquidated_s=None), False, "nothing happened"),
        (ended(last_s=0.0), False, "the look before was the opening"),
        (ended(last_s=86_000.0), False, "the look before was too late"),
        (ended(reach=0.11), False, "it jumped over more than 10 %"),
        (ended(reach=0.10), True, "ten percent exactly"),
    ],
)
def test_what_was_avoidable(found: Outcome, expected: bool, why: str) -> None:
    assert avoidable(NAMED, found) is expected, why


def test_a_score_by_hand() -> None:
    found = [
        ended(page_s=0.0), ended(page_s=85_500.0), ended(page_s=86_399.0), ended(reach=0.5),
        ended(liquidated_s=None, false=2),
    ]  # fmt: skip
    scored = score([NAMED] * 5, found)
    assert (scored.cases, scored.liquidated, scored.avoidable) == (5, 4, 3)
    assert [scored.paged, scored.paged_avoidable] == pytest.approx([0.5, 2 / 3])
    assert scored.lead_s == (1.0, 1.0, 900.0)
    assert scored.false_per_30d == pytest.approx(2 / 5 * 30)
    assert scored.false_critical_per_quarter == pytest.approx(2 / 5 * 91)
    per_account = [scored.false_critical_per_account, scored.more_than_one, scored.high_share]
    assert per_account == pytest.approx([0.4, 0.2, 0.1])


def test_what_is_compared_falls_from_tier_to_tier_and_holds_the_choice() -> None:
    every = [choice for family in families() for choice in family]
    assert all(choice.thresholds for choice in every)
    assert CHOSEN.thresholds.distance_sigmas in [choice.thresholds.distance_sigmas for choice in every]


def test_the_page_states_the_thresholds_that_are_in_force() -> None:
    text = (ROOT / "docs" / "alert-quality.md").read_text(encoding="utf-8")
    thresholds = TierThresholds()
    for tier in LADDER:
        (row,) = re.findall(rf"^\| {tier.name} +\| (.+?) +\| (.+?) +\|$", text, re.MULTILINE)
        moves = thresholds.distance_sigmas.get(tier)
        assert row == (f"below {thresholds.ratio_percent[tier]:g} %", "-" if moves is None else f"below {moves:g}")


def test_the_page_keeps_its_promise() -> None:
    """At least 99 % of the avoidable cases, at most one false CRITICAL per account and quarter."""
    text = (ROOT / "docs" / "alert-quality.md").read_text(encoding="utf-8")
    (paged,) = re.findall(r"liquidation in ([\d.]+) % or more of the avoidable", text)
    (false,) = re.findall(r"False CRITICAL alarms: ([\d.]+) per account and quarter", text)
    assert float(paged) >= 99.0
    assert float(false) <= 1.0
    (agreed,) = re.findall(r"(\d+ of \d+) books, the crash among them", text)
    assert len(set(agreed.split(" of "))) == 1, "the tables and the application disagree"


def test_the_command_writes_a_page_of_what_it_found(material: Path) -> None:
    found, day = study(material / "data" / "prices", QUICK, lambda _: None), date(2026, 1, 5)
    text = page(found, QUICK, day)
    assert "on 2026-01-05" in text
    assert all(f"{one.part.name}, {one.kind}" in text for one in found.scores)
    assert not re.search(r"\b(nan|inf|None)\b", text)
    assert not found.agreement.differ
    first, second = (picture(found.curves, *found.on_curve) for _ in range(2))
    assert first == second
    assert first.startswith(b"\x89PNG")
