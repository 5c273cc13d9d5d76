"""What can be wrong with a recording or with the book that is to be played over it."""

from venues.errors import VenueRejected


class BadRecording(VenueRejected):
    """A file or folder of bars that cannot be played; the text names the file, the line and what to do."""


class BadReplayBook(VenueRejected):
    """A book that cannot be played; the text names the part that is wrong."""
