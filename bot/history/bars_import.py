"""keel history import: bars from files into the store, each file whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from risk.model.candles import Candles, Interval
from risk.ports import Clock
from storage import CandleLog, Store
from venues.replay.bars import Bars, read_file
from venues.replay.errors import BadRecording

_ENDINGS = (".csv.gz", ".csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One file that was taken in."""

    file: str
    candles: Candles

    @property
    def sentence(self) -> str:
        """What came of it, such as ``SOL.csv: 1,490 bars of SOL, 1d, 2021-10-15 to 2025-11-12, 3 missing``."""
        first, last = (str(at)[:10] for at in (self.candles.at[0], self.candles.at[-1]))
        holes = f", {self.candles.missing:,} missing" if self.candles.missing else ""
        length = self.candles.interval.value
        return f"{self.file}: {len(self.candles):,} bars of {self.candles.asset}, {length}, {first} to {last}{holes}"


async def import_files(
    database: Path, files: Sequence[Path], *, asset: str, interval: str | None, clock: Clock
) -> tuple[Imported, ...]:
    """Read every file before anything is stored. Raises: BadRecording, StorageError."""
    if asset and len(files) > 1:
        raise BadRecording("--asset names one asset: import one file at a time with it")
    named = _asset_named(asset)
    if asset and not named:
        raise BadRecording(f"--asset {asset!r} names no asset; write such as SOL")
    read = [_candles(file, named or _asset_of(file), interval) for file in files]
    async with await Store.open(database) as store:
        log = CandleLog(store)
        for one in read:
            await log.save(one.candles, one.file, clock.now())
    return tuple(read)


def _asset_named(text: str) -> str:
    """As lookups ask for it, such as SOL of ``sol`` and of ``SOL-PERP``."""
    return text.strip().upper().removesuffix("-PERP")


def _asset_of(file: Path) -> str:
    for ending in _ENDINGS:
        if file.name.endswith(ending):
            return _asset_named(file.name.removesuffix(ending))
    raise BadRecording(f"{file.name} is neither .csv nor .csv.gz; export it as one of them")


def _candles(file: Path, asset: str, interval: str | None) -> Imported:
    bars = read_file(file, asset)
    length = _interval_of(file, bars, interval)
    prices = bars.prices_usd
    candles = Candles(
        asset=asset, interval=length, at=bars.opened_s.view("datetime64[s]"), open_usd=prices[:, 0],
        high_usd=prices[:, 1], low_usd=prices[:, 2], close_usd=prices[:, 3],
        volume=np.full(len(prices), np.nan) if bars.volume is None else bars.volume,
    )  # fmt: skip
    return Imported(file=file.name, candles=candles)


def _interval_of(file: Path, bars: Bars, interval: str | None) -> Interval:
    """The interval that fits the bars. Raises: BadRecording where none does, or another one was named."""
    for known in Interval:
        if bars.length_s == known.span.total_seconds() and interval in (None, known.value):
            return known
    wanted = interval or " or ".join(known.value for known in Interval)
    raise BadRecording(f"{file.name} has bars of {bars.length_s} s, and {wanted} is wanted; export it with such bars")
