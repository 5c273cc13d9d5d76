"""What can go wrong in the numbers.

RiskError
├── CannotAssess      the data does not allow a statement; carries the reasons
├── BadBook           columns that contradict each other; a defect of the venue adapter, never of the market
├── UnknownAccount    the account is not in the book that was read
└── ReadFailed        the account reader has no answer; venues say more in their own subclasses
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
