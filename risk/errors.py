"""What can go wrong in the numbers.

RiskError
├── CannotAssess      the data does not allow a statement; carries the reasons
├── BadBook           columns that contradict each other; a defect of the venue adapter, never of the market
├── UnknownAccount    the account is not in the book that was read
├── ReadFailed        the account reader has no answer; venues say more in their own subclasses
├── NotProposed       the trade desk refused a plan; carries why, and the nearest thing that would work
├── BadParameter      a question that has no answer, such as a confidence of 1; ask another
└── BadSeries         a series no statistic may be made of: NaN, infinite, unsorted, a price that is not positive
    └── NotEnoughData too few observations; carries how many there are and how many it takes
"""

from collections.abc import Sequence


class RiskError(Exception):
    """Base of every error this package raises on purpose."""


class CannotAssess(RiskError):
    """No statement about health is possible: stale, invalid or missing data. Never read as healthy.

    Attributes:
        reasons: One sentence for each cause, in the words a person can act on.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


class BadBook(RiskError, ValueError):
    """A FleetBook whose columns do not fit together."""


class UnknownAccount(RiskError, LookupError):
    """The account was not part of the reading."""


class ReadFailed(RiskError):
    """An account reader could not read. The last good view stays valid for what it is: old."""


class NotProposed(RiskError):
    """A plan that was not even proposed. Nothing went out.

    Attributes:
        reason: One sentence.
        nearest: What would work; empty where nothing would.
    """

    def __init__(self, reason: str, nearest: str = "") -> None:
        self.reason, self.nearest = reason, nearest
        super().__init__(f"{reason}; {nearest}" if nearest else reason)


class BadParameter(RiskError, ValueError):
    """An argument outside what can be computed. The text says what is accepted."""


class BadSeries(RiskError, ValueError):
    """A series that no statistic may be made of. The text says what is wrong with it and what to do."""


class NotEnoughData(BadSeries):
    """Too few observations for a statement.

    Attributes:
        found: How many there are.
        needed: How many it takes.
    """

    def __init__(self, what: str, *, found: int, needed: int) -> None:
        self.found, self.needed = found, needed
        super().__init__(f"{what}: {found} of {needed} observations; import or wait for more history")
