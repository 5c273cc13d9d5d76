"""Tables that fit a phone: 34 columns of a fixed-width font."""

from collections.abc import Sequence
from typing import Final

from wcwidth import width as width_of

from bot.messages import Table
from bot.text.clean import ELLIPSIS, cut, sentence

TABLE_COLUMNS: Final = 34

_LABEL: Final = 3  # what is left of a label that has to give way to figures
_READABLE: Final = 4  # what a shrunk name keeps before the next column is asked


def fit(
    rows: Sequence[Sequence[str]],
    *,
    header: Sequence[str] = (),
    shrink: Sequence[int] = (0,),
    columns: int = TABLE_COLUMNS,
) -> Table:
    """A table no wider than ``columns``, one space between columns.

    Where it is too wide, the columns named in ``shrink`` are cut with an ellipsis, in that order, each down to four
    characters before the next. Only when that is not enough do the others give way, widest first, and there a cell
    that does not fit becomes an ellipsis as a whole: half a number is a wrong number. Short rows are filled up.

    Raises: ValueError, for more columns than could ever fit.

    >>> for line in lines(fit([["a rather long nickname", "$1,234,567.00", "4.1%"]])): print(line)
    a rather long… $1,234,567.00 4.1%
    """
    grid = [[sentence(cell, columns=4 * columns) for cell in row] for row in (header, *rows)]
    n = max(map(len, grid))
    if 2 * n - 1 > columns:
        raise ValueError(f"{n} columns do not fit {columns} characters: leave some out")
    grid = [row + [""] * (n - len(row)) for row in grid]
    wanted = [max(map(width_of, column)) for column in zip(*grid, strict=True)]
    given = _shares(wanted, [index for index in shrink if index < n], columns - (n - 1))
    fitted = [
        tuple(_cell(cell, given[at], name=at in shrink or line == 0) for at, cell in enumerate(row))
        for line, row in enumerate(grid)
    ]
    return Table(rows=tuple(fitted[1:]), header=fitted[0] if header else ())


def lines(table: Table, *, columns: int = TABLE_COLUMNS) -> tuple[str, ...]:
    """A table as lines of equal columns: the first left-aligned, the others right, the header on top.

    A row too wide first gives up characters of its label: a cut figure reads like a smaller figure. Only a row whose
    figures alone do not fit is cut at its end, and says so by its ellipsis.

    >>> lines(Table(rows=(("SOL", "1.5"), ("BTC", "0.25"))))
    ('SOL  1.5', 'BTC 0.25')
    """
    grid = [[sentence(cell, columns=4 * columns) for cell in row] for row in (table.header, *table.rows) if row]
    n = max(map(len, grid), default=0)
    if not n:
        return ()
    grid = [row + [""] * (n - len(row)) for row in grid]
    widths = [max(map(width_of, column)) for column in zip(*grid, strict=True)]
    excess = sum(widths) + (n - 1) - columns
    if excess > 0:
        widths[0] = max(min(_LABEL, widths[0]), widths[0] - excess)
    return tuple(cut(" ".join(_aligned(row, widths)).rstrip(), columns) for row in grid)


def _shares(wanted: list[int], shrink: list[int], room: int) -> list[int]:
    given = list(wanted)
    for index in shrink:
        given[index] -= max(0, min(sum(given) - room, given[index] - _READABLE))
    while (excess := sum(given) - room) > 0:
        widest = max(range(len(given)), key=given.__getitem__)
        given[widest] = max(1, given[widest] - excess)
    return given


def _cell(text: str, columns: int, *, name: bool) -> str:
    if width_of(text) <= columns:
        return text
    return cut(text, columns) if name else ELLIPSIS


def _aligned(row: list[str], widths: list[int]) -> list[str]:
    label, *figures = (cut(cell, width) for cell, width in zip(row, widths, strict=True))
    padded = [" " * (width - width_of(cell)) + cell for cell, width in zip(figures, widths[1:], strict=True)]
    return [label + " " * (widths[0] - width_of(label)), *padded]
