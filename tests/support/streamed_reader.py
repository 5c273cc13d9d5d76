"""A venue that streams what a test tells it to; implements risk.ports.AccountReader and AccountStream."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from risk.margin.book import FleetBook
from risk.ports import Clock
from tests.support.tuned_reader import TunedReader


class StreamedReader(TunedReader):
    """As TunedReader; its streams send a first book, and another whenever they are told to.

    Attributes:
        streams: Accounts of every stream that was begun; when, in ``begun_s``.
        refuses: What the next streams end with before their first book; None while they begin well.
    """

    def __init__(self, clock: Clock, *account_ids: str) -> None:
        super().__init__(clock, *account_ids)
        self.streams: list[tuple[str, ...]] = []
        self.begun_s: list[float] = []
        self.refuses: Exception | None = None
        self._told: asyncio.Queue[Exception | None] = asyncio.Queue()

    async def stream(self, account_ids: Sequence[str]) -> AsyncGenerator[FleetBook, None]:
        self.streams.append(tuple(account_ids))
        self.begun_s.append(self._clock.monotonic_s())
        if self.refuses is not None:
            raise self.refuses
        while not self._told.empty():
            self._told.get_nowait()
        while True:
            yield self._book(account_ids)
            error = await self._told.get()
            if error is not None:
                raise error

    def tell(self, error: Exception | None = None) -> None:
        """Send the accounts as they are now, or end the stream."""
        self._told.put_nowait(error)
