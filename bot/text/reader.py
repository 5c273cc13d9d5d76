"""Who reads: with which separators numbers are written, and in whose time moments are told.

Formatting asks for the reader here, in one place, instead of being handed one through every view: whoever answers or
delivers says ``with reading_as(style):`` around it. Without that it is English separators and UTC, as in logs.
Digits are always 0 to 9, a minus is always ``-``: what is typed back is understood.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberStyle:
    """How numbers are separated.

    Attributes:
        locale: Name of whose way it is, such as ``de`` or ``en_IN``.
        decimal: Before the decimals, one column wide; so is ``group``, between groups of digits.
        last_group: How many digits the last group has, and ``groups`` the ones before it; 0 where nothing is grouped.
    """

    locale: str = "en"
    decimal: str = "."
    group: str = ","
    last_group: int = 3
    groups: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingStyle:
    """How somebody reads.

    Attributes:
        zone: Where their clock stands.
        twelve_hours: Whether hours count to twelve.
    """

    numbers: NumberStyle = NumberStyle()
    zone: tzinfo = UTC
    twelve_hours: bool = False


PLAIN: Final = ReadingStyle()

_CURRENT: ContextVar[ReadingStyle] = ContextVar("reader", default=PLAIN)


def reader() -> ReadingStyle:
    """Whoever what is being written now is for."""
    return _CURRENT.get()


@contextmanager
def reading_as(style: ReadingStyle) -> Iterator[None]:
    """Within, everything is written for a reader; also in tasks that begin there.

    A thread of an executor does not know of it, unless it runs in a copy of the context.
    """
    before = _CURRENT.set(style)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def figure(plain: str) -> str:
    """A number in the reader's way.

    Args:
        plain: Digits with at most one point and a minus, as ``format(decimal, "f")`` writes them.

    >>> figure("-1234567.50")
    '-1,234,567.50'
    >>> with reading_as(ReadingStyle(numbers=NumberStyle(decimal=",", group=" ", last_group=3, groups=2))):
    ...     figure("1234567.5")
    '12 34 567,5'
    """
    style = reader().numbers
    sign, digits = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
    whole, point, decimals = digits.partition(".")
    return f"{sign}{_grouped(whole, style)}{style.decimal if point else ''}{decimals}"


def _grouped(whole: str, style: NumberStyle) -> str:
    if not style.last_group or len(whole) <= style.last_group:
        return whole
    head, tail = whole[: -style.last_group], whole[-style.last_group :]
    size = style.groups or len(head)
    first = len(head) % size
    groups = [head[:first]] if first else []
    groups += [head[at : at + size] for at in range(first, len(head), size)]
    return style.group.join([*groups, tail])
