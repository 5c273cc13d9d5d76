"""Names and sentences that others wrote, made safe to show: one line, what is seen is what is there, and not too long.

Account names, nicknames, display names and error texts of servers come from outside. A control character can clear a
terminal, a bidirectional override can turn 4.1% into 1.4%, and an invisible one makes two names look alike.
Escaping for a platform's markup is not done here: that belongs to its transport.
"""

import re
import unicodedata
from typing import Final

from wcwidth import iter_graphemes, wcwidth, width

ELLIPSIS: Final = "…"

NAME_COLUMNS: Final = 24
SENTENCE_COLUMNS: Final = 200

_MARKS_PER_LETTER: Final = 2  # real writing needs no more; towers of marks run into the lines around them
_CALLS: Final = re.compile(r"(?<!\w)@(?=\w)")  # the beginning of a mention, for which Telegram knows no escape
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols that show nothing
_IGNORABLE_MARKS: Final = frozenset(
    chr(point)
    for first, last in ((0x034F, 0x034F), (0x17B4, 0x17B5), (0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for point in range(first, last + 1)
)


def name(text: str, *, columns: int = NAME_COLUMNS, fallback: str = "?") -> str:
    """A foreign name in at most ``columns`` of a fixed-width font; ``fallback`` where nothing visible is left.

    >>> name("main"), name("ma\\u202ein\\n\\x1b[2J"), name("\\u200b"), name("a very long nickname", columns=8)
    ('main', 'main [2J', '?', 'a very…')
    """
    return cut(_visible(text), columns) or fallback


def sentence(text: str, *, columns: int = SENTENCE_COLUMNS) -> str:
    """A foreign text, such as a server's error, on one line; may be empty.

    >>> sentence(" rate\\tlimit\\r\\nreached ")
    'rate limit reached'
    """
    return cut(_visible(text), columns)


def cut(text: str, columns: int) -> str:
    """Text that fits so many columns, with an ellipsis where something is missing; whole letters only.

    >>> cut("liquidation", 6), cut("liq", 6)
    ('liqui…', 'liq')
    """
    if width(text) <= columns:
        return text
    kept, used = "", 0
    for letter in iter_graphemes(text):
        used += width(letter)
        if used > columns - 1:
            break
        kept += letter
    return f"{kept.rstrip()}{ELLIPSIS}" if columns > 0 else ""


def _visible(text: str) -> str:
    # Composed first and cut after: what is invisible may stand between a letter and its mark.
    shown = unicodedata.normalize("NFC", "".join(_shown(character) for character in text))
    kept: list[str] = []
    marks = _MARKS_PER_LETTER  # nothing to sit on yet
    for character in shown:
        if unicodedata.category(character).startswith("M"):
            marks += 1
            if marks > _MARKS_PER_LETTER:
                continue
        else:
            marks = _MARKS_PER_LETTER if character == " " else 0
            if character == " " and (not kept or kept[-1] == " "):
                continue
        kept.append(character)
    return _CALLS.sub("\uff20", "".join(kept).rstrip(" "))


def _shown(character: str) -> str:
    """The character, a space for anything that separates, or nothing."""
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category.startswith("C") or character in _BLANK or character in _IGNORABLE_MARKS:
        return ""
    if not category.startswith("M") and wcwidth(character) < 1:
        return ""
    return character
