"""Probabilities of what nobody wants: never shown smaller than they are."""

from typing import Final

from bot.text import numbers
from bot.text.numbers import UNKNOWN, Rounding

RARE: Final = 0.0001


def probability(value: float | None, *, down: bool = False) -> str:
    """A probability, rounded up unless it is the lower end of an interval; what is too rare to count says so.

    >>> probability(0.0312), probability(0.00004), probability(0.00004, down=True), probability(None)
    ('3.2%', '<0.01%', '0%', '-')
    """
    if value is None:
        return UNKNOWN
    if 0 < value < RARE and not down:
        return "<0.01%"
    if value < RARE:
        return "0%"
    rounding = Rounding.DOWN if down else Rounding.UP
    return numbers.percent_of_fraction(value, decimals=2 if value < 0.01 else 1, rounding=rounding)
