"""Recordings for tests: bars with defaults, books in one line, files as people have them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from venues.replay import Bars, BookPosition, PositionSide, Recording, ReplayBook, record

START_S = 1_760_000_400  # 2025-10-09T09:00:00Z
HOUR_S = 3_600
Bar = tuple[float, float, float, float]


def flat(*prices: float) -> list[Bar]:
    """Bars in which nothing happens."""
    return [(price, price, price, price) for price in prices]


def make_bars(
    bars: Sequence[Bar],
    *,
    asset: str = "SOL",
    missing: Sequence[int] = (),
    start_s: int = START_S,
    step_s: int = HOUR_S,
) -> Bars:
    """Open, high, low and close of consecutive bars; those of ``missing`` are left out."""
    kept = [at for at in range(len(bars)) if at not in missing]
    return Bars(
        asset=asset,
        opened_s=np.array([start_s + at * step_s for at in kept], np.int64),
        prices_usd=np.array([bars[at] for at in kept], np.float64),
        length_s=step_s,
    )


def long(market: str = "SOL-PERP", leverage: float = 5.0, **changes: float) -> BookPosition:
    return BookPosition(market=market, side=PositionSide.LONG, leverage=leverage, **changes)


def short(market: str = "SOL-PERP", leverage: float = 5.0, **changes: float) -> BookPosition:
    return BookPosition(market=market, side=PositionSide.SHORT, leverage=leverage, **changes)


def recorded(
    bars: Sequence[Bar], *positions: BookPosition, collateral_usd: float = 10_000.0, missing: Sequence[int] = ()
) -> Recording:
    """A book over some bars, every asset at the same prices; 5x long SOL where no position is given."""
    book = ReplayBook(collateral_usd=collateral_usd, positions=positions or (long(),))
    return record(book, [make_bars(bars, asset=position.asset, missing=missing) for position in book.positions])


def write_bars(folder: Path, bars: Sequence[Bar], *, asset: str = "SOL") -> Path:
    """The same as a CSV file."""
    made = make_bars(bars, asset=asset)
    lines = [
        f"{at},{','.join(map(str, prices))},1"
        for at, prices in zip(made.opened_s.tolist(), made.prices_usd.tolist(), strict=True)
    ]
    file = folder / f"{asset}.csv"
    file.write_text("\n".join(["ts,open,high,low,close,volume", *lines]) + "\n", encoding="utf-8")
    return file
