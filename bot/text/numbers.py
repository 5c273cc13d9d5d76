"""Numbers as people read them: pure, and the same in every command, alert and chart.

A figure about danger is never shown better than it is. Which way that is depends on the figure:

    health ratio, distance to liquidation              down   health_ratio, distance
    leverage, drawdown, a loss                         up     leverage, percent_of_fraction(..., rounding=Rounding.UP)
    what would help: to deposit, to cut                up     usd(..., rounding=Rounding.UP), size(..., same)
    a liquidation price                                toward today's price: UP below it, DOWN above it

Everything else rounds to the nearest, halves away from zero. What is not known (None, NaN) is ``-``, what has no bound
is the sign of infinity; the words nan and inf are never shown. Rounding works on the shortest decimal that means the
same float, and what arithmetic left behind the 13th digit is no reason to round: 0.19999999999999996 is 20 %.

How digits are separated is the reader's way; see reader.py. The examples are written for nobody in particular.
"""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from enum import Enum
from typing import Final

from bot.text.reader import figure

UNKNOWN: Final = "-"
UNBOUNDED: Final = "∞"

_CONTEXT: Final = Context(prec=64)
_MEANT: Final = Context(prec=13, rounding=ROUND_HALF_EVEN)
_TOO_LONG: Final = 1e15  # no figure of ours comes near; beyond it digits say nothing
_UNITS: Final = (("K", 3), ("M", 6), ("B", 9), ("T", 12))
_SIGNIFICANT: Final = 5  # 0.01 % at worst: enough to place an order by
_MOST_RATIO_PERCENT: Final = 99_999


class Rounding(Enum):
    """Which way a figure is rounded: DOWN is toward minus infinity, UP toward plus infinity."""

    NEAREST = ROUND_HALF_UP
    DOWN = ROUND_FLOOR
    UP = ROUND_CEILING


def usd(value: float | None, *, cents: bool = False, rounding: Rounding = Rounding.NEAREST) -> str:
    """Dollars: whole from 100 on, with cents below or where asked for.

    >>> usd(1234.4), usd(12.34), usd(-820), usd(0), usd(1234.5, cents=True), usd(None)
    ('$1,234', '$12.34', '-$820', '$0', '$1,234.50', '-')
    """
    if (sign := _without_digits(value, prefix="$")) is not None:
        return sign
    exact = _exact(value)
    amount = _round(exact, 2, rounding)
    if not cents and (amount == 0 or abs(amount) >= 100):
        amount = _round(exact, 0 if exact == 0 or abs(amount) >= 100 else 2, rounding)
    return _dollars(amount)


def signed_usd(value: float | None, *, cents: bool = False, rounding: Rounding = Rounding.NEAREST) -> str:
    """Dollars of a change, a plus included.

    >>> signed_usd(820), signed_usd(-820), signed_usd(0), signed_usd(0.001)
    ('+$820', '-$820', '$0', '$0.00')
    """
    return _with_plus(usd(value, cents=cents, rounding=rounding))


def usd_compact(value: float | None, *, rounding: Rounding = Rounding.NEAREST) -> str:
    """Dollars where width matters: from 1,000 on one decimal and a unit, at most eight characters below 1e15.

    >>> usd_compact(1_234_567), usd_compact(-12_345), usd_compact(999_960), usd_compact(820)
    ('$1.2M', '-$12.3K', '$1.0M', '$820')
    """
    if (sign := _without_digits(value, prefix="$")) is not None:
        return sign
    exact = _exact(value)
    if abs(_round(exact, 0, rounding)) < 1000:
        return usd(value, rounding=rounding)
    scaled = [(_round(exact.scaleb(-power), 1, rounding), unit) for unit, power in _UNITS]
    amount, unit = next((one for one in scaled if abs(one[0]) < 1000), scaled[-1])
    return f"{_dollars(amount)}{unit}"


def signed_usd_compact(value: float | None, *, rounding: Rounding = Rounding.NEAREST) -> str:
    """Dollars of a change where width matters, a plus included.

    >>> signed_usd_compact(12_345), signed_usd_compact(-820), signed_usd_compact(0)
    ('+$12.3K', '-$820', '$0')
    """
    return _with_plus(usd_compact(value, rounding=rounding))


def price(value: float | None, *, width: int | None = None, rounding: Rounding = Rounding.NEAREST) -> str:
    """A price without its currency: five significant digits or more, at least two decimals.

    Args:
        width: Decimals are spared to fit so many characters; digits before the point never are, nor the first two
            significant digits of a price below 1.

    >>> price(101533.25), price(152.3), price(0.00001234), price(1.234567), price(101533.25, width=7)
    ('101,533.25', '152.30', '0.00001234', '1.2346', '101,533')
    """
    if (sign := _without_digits(value)) is not None:
        return sign
    exact = _exact(value)
    if exact == 0:
        return "0"
    places = max(2, _places(exact))
    rounded = _round(exact, places, rounding)
    text = "0" if rounded == 0 else _trimmed(rounded, keep=2)
    fewest = 0 if abs(exact) >= 1 else 1 - exact.adjusted()
    while width is not None and len(text) > width and places > fewest:
        places -= 1
        text = _trimmed(_round(exact, places, rounding), keep=0)
    return text


def size(value: float | None, *, rounding: Rounding = Rounding.NEAREST) -> str:
    """A quantity in base units: five significant digits or more, no idle zeros, nine decimals at most.

    >>> size(-0.25), size(1_250_000), size(1.23456789), size(0.0001)
    ('-0.25', '1,250,000', '1.2346', '0.0001')
    """
    if (sign := _without_digits(value)) is not None:
        return sign
    exact = _exact(value)
    return _trimmed(_round(exact, min(9, _places(exact)), rounding), keep=0)


def count(value: int | None) -> str:
    """A whole number, such as a slot.

    >>> count(348900662)
    '348,900,662'
    """
    return UNKNOWN if value is None else figure(f"{value:d}")


def percent_of_fraction(
    value: float | None, *, decimals: int = 1, signed: bool = False, rounding: Rounding = Rounding.NEAREST
) -> str:
    """A fraction in percent; from 100 % on without decimals.

    >>> percent_of_fraction(0.041), percent_of_fraction(0.024, signed=True), percent_of_fraction(-12.5)
    ('4.1%', '+2.4%', '-1,250%')
    """
    if (sign := _without_digits(value, suffix="%")) is not None:
        return sign
    text = _percent(_exact(value).scaleb(2), decimals, rounding, whole_from=100)
    return _with_plus(text) if signed else text


def distance(fraction: float | None) -> str:
    """How far a price is from liquidating, rounded down; two decimals below one percent.

    >>> distance(0.0419), distance(0.00419), distance(0.5), distance(None)
    ('4.1%', '0.41%', '50.0%', '-')
    """
    if (sign := _without_digits(fraction, suffix="%")) is not None:
        return sign
    percent = _exact(fraction).scaleb(2)
    return _percent(percent, 1 if abs(percent) >= 1 else 2, Rounding.DOWN, whole_from=100)


def health_percent(value: float | None) -> str:
    """The venue's health of 0 to 100: to the nearest as on its own pages, so both agree; below ten one decimal, down.

    The health ratio beside it is never rounded up.

    >>> health_percent(41.226), health_percent(94.995), health_percent(4.19), health_percent(9.99), health_percent(0)
    ('41%', '95%', '4.1%', '9.9%', '0%')
    """
    if (sign := _without_digits(value, suffix="%")) is not None:
        return sign
    exact = _exact(value)
    if exact != 0 and abs(exact) < 10:
        return _percent(exact, 1, Rounding.DOWN, whole_from=100)
    return _percent(exact, 0, Rounding.NEAREST, whole_from=100)


def health_ratio(percent: float | None) -> str:
    """Collateral over requirement in percent, rounded down, so a ratio below a threshold never reads as equal to it.

    >>> health_ratio(119.96), health_ratio(120.0), health_ratio(12345.6), health_ratio(1e9), health_ratio(float("inf"))
    ('119.9%', '120.0%', '12,345%', '>99,999%', '∞')
    """
    if percent is not None and math.isfinite(percent) and percent > _MOST_RATIO_PERCENT:
        return f">{count(_MOST_RATIO_PERCENT)}%"
    if (sign := _without_digits(percent, suffix="%")) is not None:
        return sign
    return _percent(_exact(percent), 1, Rounding.DOWN, whole_from=1000)


def multiple(value: float | None, *, rounding: Rounding = Rounding.NEAREST) -> str:
    """So many times something; from 100 on without decimals.

    >>> multiple(3.24), multiple(125.4), multiple(float("inf"))
    ('3.2x', '125x', '∞')
    """
    if (sign := _without_digits(value, suffix="x")) is not None:
        return sign
    exact = _exact(value)
    amount = _round(exact, 1, rounding)
    return f"{_plain(amount if abs(amount) < 100 else _round(exact, 0, rounding))}x"


def leverage(value: float | None) -> str:
    """A multiple, rounded up: 5.01 against a limit of 5 never reads as 5.0x.

    >>> leverage(5.01), leverage(5.0)
    ('5.1x', '5.0x')
    """
    return multiple(value, rounding=Rounding.UP)


def daily_moves(value: float | None) -> str:
    """A distance in daily moves, rounded down; two decimals below one.

    >>> daily_moves(2.69), daily_moves(0.749), daily_moves(float("inf")), daily_moves(None)
    ('2.6', '0.74', '∞', '-')
    """
    if (sign := _without_digits(value)) is not None:
        return sign
    exact = _exact(value)
    return _plain(_round(exact, 1 if abs(exact) >= 1 else 2, Rounding.DOWN))


def _without_digits(value: float | None, *, prefix: str = "", suffix: str = "") -> str | None:
    """What stands for a value that digits cannot show; None where they can. Units go with digits only."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return UNBOUNDED if value > 0 else f"-{UNBOUNDED}"
    if abs(value) >= _TOO_LONG:
        digits, _, power = f"{abs(value):.1e}".partition("e")
        return f"{'-' if value < 0 else ''}{prefix}{figure(digits)}e{power}{suffix}"
    return None


def _exact(value: float | None) -> Decimal:
    if value is None:
        raise ValueError("a missing number has no digits")
    return Decimal(repr(float(value)))


def _round(value: Decimal, places: int, rounding: Rounding) -> Decimal:
    if rounding is not Rounding.NEAREST:
        value = _MEANT.plus(value)
    return value.quantize(Decimal(1).scaleb(-places), rounding=rounding.value, context=_CONTEXT)


def _places(value: Decimal) -> int:
    """Decimals that show the significant digits, at most twelve."""
    return 0 if value == 0 else min(12, max(0, _SIGNIFICANT - 1 - value.adjusted()))


def _plain(value: Decimal) -> str:
    """Digits with separators; zero has no sign."""
    return figure(_digits(value))


def _digits(value: Decimal) -> str:
    return f"{abs(value) if value == 0 else value:f}"


def _trimmed(value: Decimal, *, keep: int) -> str:
    """Digits without trailing zeros, but with ``keep`` decimals where there are any to keep."""
    whole, point, decimals = _digits(value).partition(".")
    decimals = decimals.rstrip("0")
    if point and keep:
        decimals = decimals.ljust(keep, "0")
    return figure(f"{whole}.{decimals}" if decimals else whole)


def _dollars(value: Decimal) -> str:
    return f"{'-' if value < 0 else ''}${_plain(abs(value))}"


def _percent(percent: Decimal, decimals: int, rounding: Rounding, *, whole_from: int) -> str:
    amount = _round(percent, decimals, rounding)
    return f"{_plain(amount if abs(amount) < whole_from else _round(percent, 0, rounding))}%"


def _with_plus(text: str) -> str:
    return text if text.startswith("-") or not any(digit in text for digit in "123456789") else f"+{text}"
