"""Numbers as people type them: figures that look the same to everybody, and nothing a computer alone takes for one."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,30})?|\.\d{1,30})(?:e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)


def number_typed(text: str) -> float | None:
    """A number; None for a word that is none, for what is infinite, and for digits of other scripts: five in one of
    them looks like zero in ours.

    >>> number_typed("1.5"), number_typed("1e3"), number_typed("inf"), number_typed("1_0"), number_typed("1\\u0665")
    (1.5, 1000.0, None, None, None)
    """
    return float(text) if _NUMBER.fullmatch(text) else None
