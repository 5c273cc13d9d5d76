"""What can go wrong with a picture.

ChartError
└── NotEnoughPoints   there is nothing to draw yet; the sentence says what to do, and no picture is made
"""


class ChartError(Exception):
    """Base of every error this package raises on purpose. The text is one sentence that says what to do."""


class NotEnoughPoints(ChartError):
    """Not a single known value, or nothing at risk to show."""
