"""Recorded bars, one CSV a asset, checked to the last line before anything is played.

``SOL.csv`` or ``SOL.csv.gz`` with the columns ts, open, high, low, close; a column volume is read where there is one,
and others are not looked at.
``ts`` is the bar's open: ISO 8601, in UTC where no zone is given, or whole Unix seconds. Bars stand in order of time.
They are as long as the step that most lines make; a longer step means that bars are missing, and so does a line whose
four prices are empty or nan. A step that no number of bars explains is refused: played, it would make them all unknown.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from risk.margin.book import FloatArray, IntArray
from venues.replay.errors import BadRecording
from venues.replay.text_file import text_of

_ENDINGS = (".csv", ".csv.gz")
_NO_PRICE = frozenset({"", "nan", "null", "none"})
_PRICES = ("open", "high", "low", "close")
_VOLUME = "volume"
_JITTER_FRAC = 1 / 8  # of a bar: daylight saving of daily bars, months, clocks that are a little off
_LAST_S = 253_402_300_799  # the end of the year 9999


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Bars of one asset, oldest first, at least two of them.

    Attributes:
        opened_s: Unix seconds at which each bar opens, rising.
        prices_usd: Open, high, low and close of each, shape (n_bars, 4).
        length_s: Of every bar.
        from_s: When lines without prices begin that stand before the first bar; None where there are none.
        until_s: When those end that stand behind the last bar; None likewise.
        volume: Of each in units, NaN where unknown; None without such a column.
    """

    asset: str
    opened_s: IntArray
    prices_usd: FloatArray
    length_s: int
    from_s: int | None = None
    until_s: int | None = None
    volume: FloatArray | None = None

    @property
    def begin_s(self) -> int:
        """When the recording begins, with or without a price."""
        return int(self.opened_s[0]) if self.from_s is None else self.from_s

    @property
    def end_s(self) -> int:
        """When it ends, likewise."""
        return int(self.opened_s[-1]) + self.length_s if self.until_s is None else self.until_s


def read_bars(folder: Path, asset: str) -> Bars:
    """The bars of an asset. Raises: BadRecording."""
    return read_file(_file_of(folder, asset), asset)


def read_file(path: Path, asset: str) -> Bars:
    """The bars of one file, .csv or .csv.gz. Raises: BadRecording."""
    rows = csv.reader(io.StringIO(text_of(path), newline=""))
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        columns = _columns(path, header)
        moments, numbers = list[int](), list[int]()
        prices: list[list[float] | None] = []
        volumes = list[float]()
        volume_at = header.index(_VOLUME) if _VOLUME in header else None
        for row in rows:
            if not row:
                continue
            line = f"{path.name}, line {rows.line_num}"
            if len(row) < len(header):
                raise BadRecording(f"{line} has {len(row)} of {len(header)} columns; write it whole or leave it out")
            if len(row) > len(header):
                raise BadRecording(
                    f"{line} has {len(row)} columns and the first line names {len(header)}; write numbers without"
                    " thousands separators, one value a column"
                )
            moment, cells = _moment(row[columns[0]], line), [row[at] for at in columns[1:]]
            _check_order(moments, moment, line)
            moments.append(moment)
            numbers.append(rows.line_num)
            volumes.append(math.nan if volume_at is None else _volume(row[volume_at], line))
            prices.append(None if all(cell.strip().lower() in _NO_PRICE for cell in cells) else _bar(cells, line))
    except csv.Error as exc:
        raise BadRecording(f"{path.name} is not a CSV file ({exc}); export it again") from exc
    known = [at for at, bar in enumerate(prices) if bar is not None]
    if len(known) < 2:
        raise BadRecording(f"{path.name} has {len(known)} bars; give two or more, for their distance is their length")
    length_s = _length_s(path, moments, numbers)
    return Bars(
        asset=asset,
        opened_s=np.array(moments, np.int64)[known],
        prices_usd=np.array([bar for bar in prices if bar is not None], np.float64),
        length_s=length_s,
        from_s=moments[0] if known[0] else None,
        until_s=moments[-1] + length_s if known[-1] < len(moments) - 1 else None,
        volume=None if volume_at is None else np.array(volumes, np.float64)[known],
    )


def _length_s(path: Path, moments: Sequence[int], numbers: Sequence[int]) -> int:
    """The most frequent step, the shortest of equals. Raises: BadRecording for a step that is no multiple of it."""
    steps = [later - earlier for earlier, later in pairwise(moments)]
    length_s = min(Counter(steps).items(), key=lambda found: (-found[1], found[0]))[0]
    for step, number in zip(steps, numbers[1:], strict=True):
        bars = max(1, round(step / length_s))
        if abs(step - bars * length_s) > _JITTER_FRAC * length_s:
            raise BadRecording(
                f"{path.name}, line {number} comes {step:,} s after the line before, and bars are {length_s:,} s long;"
                " remove it if it is a stray one, and write a missing bar as a line without prices"
            )
    return length_s


def assets_in(folder: Path) -> frozenset[str]:
    """Assets that a folder has bars of. Raises: BadRecording."""
    return frozenset(name.partition(".csv")[0] for name in _files_in(folder))


def _files_in(folder: Path) -> dict[str, Path]:
    try:
        return {path.name: path for path in folder.iterdir() if path.name.endswith(_ENDINGS)}
    except OSError as exc:
        raise BadRecording(
            f"the folder {folder} cannot be read ({exc.strerror}); name one with a CSV per asset"
        ) from exc


def _file_of(folder: Path, asset: str) -> Path:
    # Looked up in the listing, never built from the name: a market may be called anything.
    there = _files_in(folder)
    found = [there[asset + ending] for ending in _ENDINGS if asset + ending in there]
    if len(found) > 1:
        raise BadRecording(f"{folder} has both {asset}.csv and {asset}.csv.gz; remove one")
    if not found:
        assets = sorted({name.partition(".csv")[0] for name in there})
        raise BadRecording(
            f"there are no bars of {asset} in {folder}: it needs {asset}.csv or {asset}.csv.gz, and has "
            f"{', '.join(assets) or 'none of any asset'}"
        )
    return found[0]


def _columns(path: Path, header: Sequence[str]) -> list[int]:
    """Where ts and the four prices stand."""
    wanted = ("ts", *_PRICES)
    missing = [name for name in wanted if name not in header]
    if missing:
        raise BadRecording(
            f"{path.name} lacks the column {', '.join(missing)}; its first line must be ts,open,high,low,close,volume"
        )
    return [header.index(name) for name in wanted]


def _moment(text: str, line: str) -> int:
    text = text.strip()
    if text.isascii() and text.removeprefix("-").isdigit():
        seconds = int(text[:20])
        if not 0 <= seconds <= _LAST_S:
            raise BadRecording(f"{line}: {text[:20]} is no time in seconds; milliseconds must be divided by 1000")
        return seconds
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadRecording(
            f"{line}: {text[:40]!r} is no time; write 2025-10-10T21:00:00Z or whole seconds since 1970"
        ) from None
    seconds_float = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if seconds_float != int(seconds_float):
        raise BadRecording(f"{line}: {text[:40]} is no whole second; bars open at whole seconds")
    return int(seconds_float)


def _check_order(moments: Sequence[int], moment: int, line: str) -> None:
    if not moments or moment > moments[-1]:
        return
    if moment == moments[-1]:
        raise BadRecording(f"{line} has the time of the line before; remove one of the two")
    raise BadRecording(f"{line} is older than the line before; sort the file by ts, oldest first")


def _volume(cell: str, line: str) -> float:
    """NaN where it is not known."""
    if cell.strip().lower() in _NO_PRICE:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise BadRecording(f"{line}: volume {cell[:40]!r} is none; write units from 0 up, or nothing where unknown")
    return value


def _bar(cells: Iterable[str], line: str) -> list[float]:
    values: list[float] = []
    for name, cell in zip(_PRICES, cells, strict=True):
        try:
            value = float(cell)
        except ValueError:
            raise BadRecording(f"{line}: {name} {cell[:40]!r} is no price; leave out bars that are not known") from None
        if not (math.isfinite(value) and value > 0):
            raise BadRecording(f"{line}: {name} {value:g} cannot be a price; leave out bars that are not known")
        values.append(value)
    if values[2] > values[1]:
        raise BadRecording(f"{line}: low {values[2]:g} is above high {values[1]:g}; check the file")
    for name, value in (("open", values[0]), ("close", values[3])):
        if not values[2] <= value <= values[1]:
            raise BadRecording(
                f"{line}: {name} {value:g} is outside low {values[2]:g} to high {values[1]:g}; check the file"
            )
    return values
