"""Everything the page says, computed."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.alert_quality.cases import A_DAY_S, LEVERAGES, Case, Kind, Part, mixed, moment, singles
from benchmarks.alert_quality.history import History, history_of, read_history
from benchmarks.alert_quality.ladders import CHOSEN, RATIO_ALONE, Choice, critical_alone, families
from benchmarks.alert_quality.machine import Agreement, Recordings, agreement, sample
from benchmarks.alert_quality.outcome import Outcome, outcome
from benchmarks.alert_quality.score import TIME_TO_ACT_S, Score, avoidable, score
from benchmarks.alert_quality.walk import walk
from risk.decisions.tiers import Tier
from venues.replay import Bars, read_bars

HOURLY, CRASH, DAILY = "hourly_binance_perp", "hourly_crash_2025_10", "daily_bybit_perp"
CHOSEN_ON, NEVER_SEEN = ("SOL", "ETH", "LINK", "SUI"), ("BTC", "BNB", "DOGE", "WIF")
CRASH_ONLY = ("AVAX", "JUP")
DAILY_ASSETS = ("BTC", "ETH", "SOL", "AVAX", "BNB", "DOGE", "LINK")
SEED = 20_251_010
_SPLIT, _HOURLY_BEGINS = datetime(2024, 4, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC)
_END, _DAILY_BEGINS = datetime(2026, 3, 25, tzinfo=UTC), datetime(2020, 11, 16, tzinfo=UTC)
_CRASH_OPENED, _CRASH_UNTIL = datetime(2025, 10, 3, tzinfo=UTC), datetime(2025, 10, 13, tzinfo=UTC)
_WAITS_S = (0.0, 3_600.0, 6 * 3_600.0, 86_400.0)
_CRASH_LEVERAGES = (2.0, 3.0, 5.0, 8.0, 10.0)

TRAIN = Part(name="chosen on", assets=CHOSEN_ON, since=_SPLIT, until=_END)
OTHER_ASSETS = Part(name="other assets", assets=NEVER_SEEN, since=_SPLIT, until=_END)
EARLIER = Part(name="earlier", assets=CHOSEN_ON + NEVER_SEEN, since=_HOURLY_BEGINS, until=_SPLIT)
FALLS = Part(name="the falls of 2021 and 2022", assets=DAILY_ASSETS, since=_DAILY_BEGINS, until=_HOURLY_BEGINS)
CRASH_PART = Part(
    name="the crash of 2025-10-10", assets=(*CHOSEN_ON, *NEVER_SEEN, *CRASH_ONLY), since=_CRASH_OPENED,
    until=_CRASH_UNTIL,
)  # fmt: skip

Scored = tuple[Choice, Score]
Said = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much to play.

    Attributes:
        every_days: Days between two openings of a book; ``curve_days`` for the curves.
        of_each: Mixed books of each kind and part.
        machine: Cases that are played through the application as well.
    """

    every_days: int
    curve_days: int
    of_each: int
    machine: int


THOROUGH = Effort(every_days=10, curve_days=30, of_each=250, machine=24)
QUICK = Effort(every_days=365, curve_days=730, of_each=2, machine=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One part of the data under the chosen thresholds and under the health ratio alone."""

    part: Part
    kind: str
    chosen: Score
    ratio_alone: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Liquidations at one moment that no page came 15 minutes ahead of."""

    at: str
    asset: str
    kind: Kind
    cases: int
    leverages: tuple[float, ...]
    reach_frac: float
    avoidable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """One book in the crash."""

    case: Case
    outcome: Outcome


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Study:
    """All results.

    Attributes:
        held_out: The family of the choice in the data it has not seen.
        waits: The choice in all data, by how many seconds daily moves wait for prices to be watched.
    """

    scores: tuple[Scores, ...]
    by_leverage: tuple[tuple[float, Score], ...]
    curves: tuple[tuple[Scored, ...], ...]
    on_curve: tuple[Scored, Scored]
    held_out: tuple[Scored, ...]
    critical_alone: Score
    waits: tuple[tuple[float, Score], ...]
    losses: tuple[Loss, ...]
    falls: tuple[Fall, ...]
    agreement: Agreement


def study(prices: Path, effort: Effort, said: Said) -> Study:
    """Play everything."""
    said("reading")
    hourly = {asset: read_history(prices / HOURLY, asset) for asset in (*CHOSEN_ON, *NEVER_SEEN)}
    crash = hourly | {asset: read_history(prices / CRASH, asset) for asset in CRASH_ONLY}
    daily = {asset: history_of(_without_ends(read_bars(prices / DAILY, asset))) for asset in DAILY_ASSETS}
    scores, losses, told = list[Scores](), list[tuple[Case, Outcome]](), list[tuple[Case, Outcome]]()
    by_leverage: dict[float, list[tuple[Case, Outcome]]] = {leverage: [] for leverage in LEVERAGES}
    for part, histories in ((TRAIN, hourly), (OTHER_ASSETS, hourly), (EARLIER, hourly), (FALLS, daily)):
        for kind, cases in (
            ("one market", list(singles(histories, part, every_days=effort.every_days))),
            ("several", list(mixed(histories, part, of_each=effort.of_each, seed=SEED))),
        ):
            said(f"{part.name}, {kind}: {len(cases):,} books")
            chosen, ratio_alone = _played(cases, histories, (CHOSEN, RATIO_ALONE))
            pairs = list(zip(cases, chosen, strict=True))
            scores.append(
                Scores(part=part, kind=kind, chosen=score(cases, chosen), ratio_alone=score(cases, ratio_alone))
            )
            if part is not FALLS:
                losses += [pair for pair in pairs if _lost(pair[1])]
                told += pairs
            if part is not FALLS and kind == "one market":
                for pair in pairs:
                    by_leverage[pair[0].leverage].append(pair)
    said("curves")
    cases = list(singles(hourly, TRAIN, every_days=effort.curve_days))
    choices = [choice for family in families() for choice in family]
    scored = dict(zip(map(id, choices), _scored(cases, hourly, choices), strict=True))
    others = list(singles(hourly, OTHER_ASSETS, every_days=effort.curve_days))
    others += singles(hourly, EARLIER, every_days=effort.curve_days)
    moves = families()[-1]
    curves = tuple(tuple((choice, scored[id(choice)]) for choice in family) for family in _families_of(choices))
    at_choice, at_ratio, alone = _scored(cases, hourly, (CHOSEN, RATIO_ALONE, critical_alone()))
    held_out = tuple(zip(moves, _scored(others, hourly, moves), strict=True))
    said("waits")
    everywhere = [*cases, *others]
    waits = [
        (
            wait_s,
            score(everywhere, [outcome(walk(one, hourly, watched_s=wait_s), CHOSEN.thresholds) for one in everywhere]),
        )
        for wait_s in _WAITS_S
    ]
    said("the crash")
    falls = [Fall(case=case, outcome=_played([case], crash, (CHOSEN,))[0][0]) for case in _crash_cases(crash)]
    said("the whole application")
    folders = {asset: prices / (CRASH if asset in CRASH_ONLY else HOURLY) for asset in crash}
    checked = sample(told, effort.machine, longest_s=20 * A_DAY_S, seed=SEED)
    checked += [(fall.case, fall.outcome) for fall in falls[:: 1 if effort is THOROUGH else 25]]
    return Study(
        scores=tuple(scores),
        by_leverage=tuple(
            (leverage, score(*_unzipped(pairs))) for leverage, pairs in by_leverage.items()
        ),
        curves=curves,
        on_curve=((CHOSEN, at_choice), (RATIO_ALONE, at_ratio)),
        held_out=held_out,
        critical_alone=alone,
        waits=tuple(waits),
        losses=_losses(losses),
        falls=tuple(falls),
        agreement=agreement(checked, Recordings(folders)),
    )  # fmt: skip


def _families_of(choices: Sequence[Choice]) -> list[list[Choice]]:
    named: dict[str, list[Choice]] = {}
    for choice in choices:
        named.setdefault(choice.family, []).append(choice)
    return list(named.values())


def _without_ends(bars: Bars) -> Bars:
    """Daily bars: the first is of the day of listing, the last may not be over."""
    return Bars(
        asset=bars.asset, opened_s=bars.opened_s[1:-1], prices_usd=bars.prices_usd[1:-1], length_s=bars.length_s
    )


def _played(cases: Sequence[Case], histories: Mapping[str, History], choices: Sequence[Choice]) -> list[list[Outcome]]:
    """Outcomes by choice; a walk is forgotten once all choices have seen it."""
    found: list[list[Outcome]] = [[] for _ in choices]
    for case in cases:
        one = walk(case, histories)
        for outcomes, choice in zip(found, choices, strict=True):
            outcomes.append(outcome(one, choice.thresholds))
    return found


def _scored(cases: Sequence[Case], histories: Mapping[str, History], choices: Sequence[Choice]) -> list[Score]:
    return [score(cases, outcomes) for outcomes in _played(cases, histories, choices)]


def _unzipped(pairs: Iterable[tuple[Case, Outcome]]) -> tuple[list[Case], list[Outcome]]:
    listed = list(pairs)
    return [case for case, _ in listed], [outcome for _, outcome in listed]


def _lost(outcome: Outcome) -> bool:
    return outcome.liquidated_s is not None and outcome.lead_s(Tier.HIGH) < TIME_TO_ACT_S


def _losses(pairs: Sequence[tuple[Case, Outcome]]) -> tuple[Loss, ...]:
    """By moment and market, the most frequent first."""
    groups: dict[tuple[str, str, Kind], list[tuple[Case, Outcome]]] = {}
    for case, one in pairs:
        groups.setdefault((moment(one.liquidated_s or 0.0), ", ".join(case.assets), case.kind), []).append((case, one))
    counts = Counter({key: len(group) for key, group in groups.items()})
    return tuple(
        Loss(
            at=key[0], asset=key[1], kind=key[2], cases=n,
            leverages=tuple(sorted({case.leverage for case, _ in groups[key]})),
            reach_frac=min(one.last_reach_frac for _, one in groups[key]),
            avoidable=any(avoidable(case, one) for case, one in groups[key]),
        )
        for key, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )  # fmt: skip


def _crash_cases(histories: Mapping[str, History]) -> list[Case]:
    opened_s, until_s = int(_CRASH_OPENED.timestamp()), int(_CRASH_UNTIL.timestamp())
    return [
        Case(kind=kind, assets=(asset,), leverages=(sign * leverage,), opened_s=opened_s, until_s=until_s)
        for kind, sign in ((Kind.LONG, 1.0), (Kind.SHORT, -1.0))
        for asset in CRASH_PART.assets
        for leverage in _CRASH_LEVERAGES
        if asset in histories
    ]
