"""Cases once more, through the whole application as keel replay plays them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.alert_quality.cases import Case
from benchmarks.alert_quality.outcome import PAGES, Outcome
from bot.replay import play
from bot.replaying.report import ReplayReport
from venues.replay import Bars, BookPosition, PositionSide, ReplayBook, read_bars, record

COLLATERAL_USD = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How many cases were played both ways, and those that differ."""

    played: int
    differ: tuple[str, ...]


class Recordings:
    """Bars by asset, read once."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._bars: dict[str, Bars] = {}

    def bars(self, asset: str, since_s: int, until_s: int) -> Bars:
        """Those that open within [since, until)."""
        if asset not in self._bars:
            self._bars[asset] = read_bars(self._folders[asset], asset)
        whole = self._bars[asset]
        kept = (whole.opened_s >= since_s) & (whole.opened_s < until_s)
        return Bars(
            asset=asset, opened_s=whole.opened_s[kept], prices_usd=whole.prices_usd[kept], length_s=whole.length_s
        )


def replayed(case: Case, recordings: Recordings) -> ReplayReport:
    """The report of keel replay for a case."""
    book = ReplayBook(
        collateral_usd=COLLATERAL_USD,
        positions=tuple(
            BookPosition(
                market=f"{asset}-PERP", side=PositionSide.LONG if leverage > 0 else PositionSide.SHORT,
                leverage=abs(leverage),
            )
            for asset, leverage in zip(case.assets, case.leverages, strict=True)
        ),
    )  # fmt: skip
    recording = record(book, [recordings.bars(asset, case.opened_s, case.until_s) for asset in case.assets])
    return asyncio.run(play(recording))


def agreement(pairs: Sequence[tuple[Case, Outcome]], recordings: Recordings) -> Agreement:
    """Whether the application says what the tables say: when each tier first stood, the end, the false alarms."""
    differ = []
    for case, outcome in pairs:
        report = replayed(case, recordings)
        first_s = {tier: at.timestamp() for tier, at in report.first_at.items()}
        liquidated_s = None if report.liquidated_at is None else report.liquidated_at.timestamp()
        same = (
            first_s == outcome.first_s
            and liquidated_s == outcome.liquidated_s
            and (report.alarms.rung, report.alarms.false)
            == (outcome.alarms[PAGES[0]].rung, outcome.alarms[PAGES[0]].false)
        )
        if not same:
            differ.append(case.name)
    return Agreement(played=len(pairs), differ=tuple(differ))


def sample(pairs: Sequence[tuple[Case, Outcome]], n: int, *, longest_s: float, seed: int) -> list[tuple[Case, Outcome]]:
    """So many of the cases that are over within a time, drawn at random."""
    short = [pair for pair in pairs if pair[1].watched_s <= longest_s]
    chosen = np.random.default_rng(seed).choice(len(short), min(n, len(short)), replace=False)
    return [short[number] for number in sorted(chosen.tolist())]
