"""What can go wrong with a venue. The type says what the caller can do.

VenueError
├── VenueUnavailable   asking again may help: down, slow, rate-limited, behind
├── VenueRejected      asking again will not: no such account, foreign program, refused request
│   └── BadAccountData   the bytes are not what they claim to be; the account is left out, never guessed
└── OutcomeUnknown     it may have happened: reconcile, never repeat
"""

from risk.errors import ReadFailed


class VenueError(Exception):
    """Base of every error a venue raises on purpose. The text is one sentence that says what to do."""


class VenueUnavailable(VenueError, ReadFailed):
    """The venue did not answer properly. Retry."""


class VenueRejected(VenueError, ReadFailed):
    """The venue answered, and the answer is no. Do not retry unchanged."""


class BadAccountData(VenueRejected):
    """Account data that fails a check of its owner, length, address or contents."""


class OutcomeUnknown(VenueError):
    """An order may or may not have been accepted. Reconcile by its signature; never sign again before expiry."""
