"""Messages as lines of a terminal: pure. Text is cleaned before any colour is added, so it cannot add its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.messages import Button, File, Line, Message, Picture, Table, Tone
from bot.text.tables import lines as table_lines
from bot.transports.layout import clean, one_line

_INDENT = "  "
_RESET = "\x1b[0m"
_BOLD = "\x1b[1m"
_DIM = "\x1b[2m"
_ALARM = "\x1b[1;31m"
_BUTTON = "\x1b[36m"
_UPDATED = "updated: "


@dataclass(frozen=True, slots=True)
class Row:
    """One line and how it stands out: ``strong``, or as part of the ``buttons``."""

    text: str
    strong: bool = False
    buttons: bool = False


def rows_of(message: Message, *, saved: Mapping[int, str], numbers: Mapping[Button, int]) -> tuple[Row, ...]:
    """A message line by line.

    Args:
        message: What to show.
        saved: For a picture or a file, by its position among the blocks: where it lies, or why it does not.
        numbers: What to type for each button.
    """
    rows: list[Row] = []
    for position, block in enumerate(message.blocks):
        match block:
            case Line(text=text, strong=strong):
                rows += [Row(line, strong=strong) for line in clean(text).split("\n")]
            case Table():
                rows += [Row(_INDENT + line) for line in table_lines(block)]
            case Picture(alt=alt):
                where = saved.get(position)
                rows.append(Row(f"[picture: {one_line(alt)}]" + (f" {where}" if where else "")))
            case File(alt=alt):
                where = saved.get(position, "not saved")
                rows.append(Row(f"[file: {one_line(alt)}] {where}"))
    for buttons in message.buttons:
        rows.append(
            Row(_INDENT.join(f"[{numbers[button]}] {one_line(button.label)}" for button in buttons), buttons=True)
        )
    return tuple(rows)


def changes(before: tuple[Row, ...], after: tuple[Row, ...]) -> tuple[Row, ...]:
    """What an edit shows: the answer, marked as updated, and the lines that were not there before. None if the same."""
    if before == after or not after:
        return ()
    known = set(before)
    return (Row(_UPDATED + after[0].text, strong=after[0].strong), *(row for row in after[1:] if row not in known))


def painted(rows: tuple[Row, ...], *, tone: Tone, colours: bool) -> str:
    """Rows as text with a blank line after them, in colours where the terminal has them."""
    lines = [_painted(row, tone) for row in rows] if colours else [row.text for row in rows]
    return "\n".join([*lines, "", ""])


def _painted(row: Row, tone: Tone) -> str:
    if row.buttons:
        colour = _BUTTON
    elif row.strong:
        colour = _ALARM if tone is Tone.URGENT else _BOLD
    elif tone is Tone.QUIET:
        colour = _DIM
    else:
        return row.text
    return f"{colour}{row.text}{_RESET}"
