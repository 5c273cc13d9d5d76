"""Books that are opened again and again through the history: one market long or short, baskets, pairs and tilts."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from benchmarks.alert_quality.history import History

LEVERAGES = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
WATCHED_DAYS = 91  # a quarter
A_DAY_S = 86_400


class Kind(StrEnum):
    """What a book holds."""

    LONG = "long"
    SHORT = "short"
    BASKET = "three alike"
    PAIR = "long and short"
    TILT = "two against one"


MIXED = (Kind.BASKET, Kind.PAIR, Kind.TILT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One book, opened at a moment and left alone.

    Attributes:
        leverages: Notional over collateral at the open, one an asset, below 0 short.
        until_s: When the watch ends, unless the book is liquidated before.
    """

    kind: Kind
    assets: tuple[str, ...]
    leverages: tuple[float, ...]
    opened_s: int
    until_s: int

    @property
    def leverage(self) -> float:
        """Of all positions, whatever their side."""
        return sum(map(abs, self.leverages))

    @property
    def name(self) -> str:
        """Such as ``SOL 3x long``."""
        if len(self.assets) == 1:
            return f"{self.assets[0]} {self.leverage:g}x {self.kind.value}"
        sides = ", ".join(f"{lev:+.3g}x {asset}" for asset, lev in zip(self.assets, self.leverages, strict=True))
        return f"{self.leverage:g}x {self.kind.value} ({sides})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the data: some assets over some time, ends exclusive."""

    name: str
    assets: tuple[str, ...]
    since: datetime
    until: datetime


def singles(
    histories: Mapping[str, History], part: Part, *, every_days: int, leverages: Sequence[float] = LEVERAGES
) -> Iterator[Case]:
    """Every asset, side and leverage, opened every so many days."""
    for asset in part.assets:
        for opened_s, until_s in _openings([histories[asset]], part, every_days):
            for kind, sign in ((Kind.LONG, 1.0), (Kind.SHORT, -1.0)):
                for leverage in leverages:
                    yield Case(
                        kind=kind, assets=(asset,), leverages=(sign * leverage,), opened_s=opened_s, until_s=until_s
                    )


def mixed(histories: Mapping[str, History], part: Part, *, of_each: int, seed: int) -> Iterator[Case]:
    """Books of several markets, drawn at random."""
    draw = random.Random(f"{seed} {part.name}")  # noqa: S311  # a sample, not a secret
    for kind in MIXED:
        for _ in range(of_each):
            assets = tuple(draw.sample(part.assets, 2 if kind is Kind.PAIR else 3))
            leverage, sign = draw.choice(LEVERAGES), draw.choice((1.0, -1.0))
            shares = {Kind.BASKET: (1 / 3, 1 / 3, 1 / 3), Kind.PAIR: (0.5, -0.5), Kind.TILT: (0.5, 0.25, -0.25)}[kind]
            openings = list(_openings([histories[asset] for asset in assets], part, 1))
            opened_s, until_s = draw.choice(openings)
            yield Case(
                kind=kind, assets=assets, leverages=tuple(sign * leverage * share for share in shares),
                opened_s=opened_s, until_s=until_s,
            )  # fmt: skip


def _openings(histories: Sequence[History], part: Part, every_days: int) -> Iterator[tuple[int, int]]:
    """(opened, until) at midnights at which all assets have bars, with five days to go at least."""
    since = max(int(part.since.timestamp()), *(int(one.opened_s[0]) for one in histories))
    until = min(int(part.until.timestamp()), *(int(one.opened_s[-1]) + one.length_s for one in histories))
    first = -(-since // A_DAY_S) * A_DAY_S
    for opened_s in range(first, until - 5 * A_DAY_S, every_days * A_DAY_S):
        yield opened_s, min(opened_s + WATCHED_DAYS * A_DAY_S, until)


def moment(at_s: float) -> str:
    """As the tables write it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M")
