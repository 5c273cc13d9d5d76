"""Whose way of writing numbers is meant, and what it is. The one module that asks babel."""

import difflib
from functools import cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.localedata import locale_identifiers
from wcwidth import width

from bot.text.clean import name as clean_name
from bot.text.reader import NumberStyle

_LATIN_DIGITS: Final = "latn"
# What people write for a country; babel's own reading of these is an outdated code of another language.
_MEANT: Final = {"in": "en_IN", "uk": "en_GB", "us": "en_US", "ch": "de_CH", "at": "de_AT", "br": "pt_BR"}
_ANY_SPACE: Final = "\N{NO-BREAK SPACE}"  # one column in every font, and no line breaks there
_UNGROUPED: Final = 100
_LONGEST: Final = 40


class UnknownNumbers(ValueError):
    """Nobody writes numbers so. The text says what comes near.

    Attributes:
        nearest: Names that exist, best first; may be empty.
    """

    def __init__(self, text: str, nearest: tuple[str, ...]) -> None:
        self.nearest = nearest
        known = f"did you mean {' or '.join(nearest)}?" if nearest else "write it like en, de, fr or in"
        super().__init__(f"no numbers are known as {clean_name(text)}; {known}")


def number_style(text: str) -> NumberStyle:
    """How numbers are written in a language or a country: ``de``, ``en-IN``, ``fr_CH``, ``in`` for India.

    Raises: UnknownNumbers.

    >>> number_style("de"), number_style("IN").locale
    (NumberStyle(locale='de', decimal=',', group='.', last_group=3, groups=3), 'en_IN')
    """
    wanted = "_".join(text[:_LONGEST].strip().replace("-", "_").split())
    known = _known()
    found = known.get(_MEANT.get(wanted.lower(), wanted).lower())
    if found is None:
        raise UnknownNumbers(text[:_LONGEST], _nearest(wanted))
    return _style(found)


@cache
def _style(identifier: str) -> NumberStyle:
    locale = Locale.parse(identifier)
    symbols = locale.number_symbols[_LATIN_DIGITS]
    last, before = locale.decimal_formats[None].grouping
    return NumberStyle(
        locale=identifier,
        decimal=symbols["decimal"],
        group=_one_column(symbols["group"]),
        last_group=last if last < _UNGROUPED else 0,
        groups=before if before < _UNGROUPED else 0,
    )


def _one_column(separator: str) -> str:
    return _ANY_SPACE if separator.isspace() or width(separator) != 1 else separator


@cache
def _known() -> dict[str, str]:
    found = {}
    for identifier in locale_identifiers():
        try:
            Locale.parse(identifier)
        except (UnknownLocaleError, ValueError):  # data for building other locales on
            continue
        found[identifier.lower()] = identifier
    return found


def _nearest(wanted: str) -> tuple[str, ...]:
    language = wanted.partition("_")[0].lower()
    same = [identifier for identifier in (language,) if identifier in _known()]
    close = difflib.get_close_matches(wanted.lower(), _known(), n=3, cutoff=0.6)
    return tuple(dict.fromkeys(_known()[one] for one in (*same, *close)))[:3]
