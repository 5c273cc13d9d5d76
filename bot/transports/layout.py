"""Text made safe and tables made straight, the same for every transport."""

import unicodedata

import wcwidth

from bot.messages import Table

TABLE_COLUMNS = 34
ELLIPSIS = "…"
_GAP = 1
_LABEL_COLUMNS = 3  # what is left of a first column that has to give way to figures


def clean(text: str) -> str:
    """``text`` without what can disguise it or disturb a terminal.

    Controls, direction marks and zero-width characters are dropped, every kind of line break is a newline, a tab is a
    space, and half a surrogate pair, which no wire can carry, is the replacement character.

    >>> clean("a\\u202eb\\x1b[31mc")
    'ab[31mc'
    """
    if text.isprintable():
        return text
    return "".join(_cleaned(character) for character in text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Clean text on a single line, for labels and cells."""
    return " ".join(clean(text).split("\n"))


def columns(text: str) -> int:
    """How many columns clean text takes in a fixed-width font."""
    return max(0, wcwidth.wcswidth(text))


def cut(text: str, width: int) -> str:
    """Clean text in at most ``width`` columns, an ellipsis showing that something is missing.

    >>> cut("BTC-PERP", 5)
    'BTC-…'
    """
    if columns(text) <= width:
        return text
    kept, used = "", 0
    for grapheme in wcwidth.iter_graphemes(text):
        used += columns(grapheme)
        if used > width - 1:
            break
        kept += grapheme
    return kept + ELLIPSIS


def table_lines(table: Table, width: int = TABLE_COLUMNS) -> tuple[str, ...]:
    """The rows of a table, header first, as lines of at most ``width`` columns.

    A row too wide first gives up characters of its label: a cut figure reads like a smaller figure. Only a row whose
    figures alone do not fit is cut at its end.

    >>> table_lines(Table((("SOL", "1.5"), ("BTC", "0.25"))))
    ('SOL  1.5', 'BTC 0.25')
    """
    rows = [[one_line(cell) for cell in row] for row in ((table.header, *table.rows) if table.header else table.rows)]
    count = max((len(row) for row in rows), default=0)
    if not count:
        return ()
    rows = [row + [""] * (count - len(row)) for row in rows]
    widths = [max(columns(row[number]) for row in rows) for number in range(count)]
    excess = sum(widths) + _GAP * (count - 1) - width
    if excess > 0:
        widths[0] = max(min(_LABEL_COLUMNS, widths[0]), widths[0] - excess)
    return tuple(cut(_row(row, widths), width) for row in rows)


def _row(cells: list[str], widths: list[int]) -> str:
    label, *figures = (cut(cell, width) for cell, width in zip(cells, widths, strict=True))
    padded = [label + " " * (widths[0] - columns(label))]
    padded += [" " * (width - columns(cell)) + cell for cell, width in zip(figures, widths[1:], strict=True)]
    return (" " * _GAP).join(padded).rstrip()


def _cleaned(character: str) -> str:
    if character in "\n\r\u2028\u2029\x0b\x0c\x85":
        return "\n"
    if character == "\t":
        return " "
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    return "" if category in ("Cc", "Cf") else character
