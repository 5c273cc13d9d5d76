"""Which of several endpoints is tried next."""

from venues.errors import VenueError, VenueRejected, VenueUnavailable
from venues.solana.endpoint import RateLimited


class Turns:
    """Endpoints take turns: whoever failed is last in the line.

    Args:
        count: How many there are.
    """

    def __init__(self, count: int) -> None:
        self._count, self.next = count, 0
        self._rejected: set[int] = set()
        self._pause_until_s = [0.0] * count

    def works(self, index: int) -> None:
        """An endpoint does what it should."""
        self._rejected.discard(index)

    def failed(self, index: int, problem: VenueError, now_s: float) -> VenueError:
        """The error to end with: VenueRejected only where no endpoint is left that might do better."""
        self.next = (index + 1) % self._count
        if isinstance(problem, RateLimited):
            self._pause_until_s[index] = now_s + problem.pause_s
        if isinstance(problem, VenueRejected):
            self._rejected.add(index)
            if len(self._rejected) < self._count:
                return VenueUnavailable(str(problem))
        return problem

    def take(self, now_s: float) -> int:
        """The endpoint whose turn it is. Raises: VenueUnavailable while all of them asked for a pause."""
        for index in ((self.next + step) % self._count for step in range(self._count)):
            if self._pause_until_s[index] <= now_s:
                return index
        raise VenueUnavailable("every endpoint allows no more websockets for now (429)")
