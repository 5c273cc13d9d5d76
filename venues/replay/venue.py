"""Recorded history behind the port of a venue, driven by a clock."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from risk.margin.book import FleetBook
from risk.ports import Clock
from venues.errors import VenueRejected
from venues.replay.recording import ACCOUNT_ID, AUTHORITY, Recording

_EARLY_S = 1e-6  # a clock that counts in floats reaches a moment a hair early


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySettings:
    """What to play: a folder with one CSV of bars per asset, and a book as JSON."""

    bars_folder: Path
    book_file: Path


class ReplayVenue:
    """An AccountReader over a Recording. Its first moment is the moment of construction; history then takes its time.

    A reading shows the last price that is due. Where two are due at one moment, a bar's close and the next one's open,
    the first reading at that moment shows the one, the second reading the other. After the end the slot stands still.
    """

    def __init__(self, recording: Recording, *, clock: Clock) -> None:
        self._recording, self._clock = recording, clock
        self._started_s = clock.monotonic_s()
        self._offsets_s = recording.ticks.at_s - recording.ticks.at_s[0]
        self._at = -1

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        """The account of the recording. Raises: VenueRejected for any other."""
        for account_id in account_ids:
            _require_known(account_id)
        if list(account_ids) != [ACCOUNT_ID]:
            raise VenueRejected(f"a recording has one account; ask for {ACCOUNT_ID} once")
        return self._book(with_orders=with_orders)

    async def sweep(self, *, batch_accounts: int = 10_000) -> AsyncIterator[FleetBook]:
        """The one account there is, without orders."""
        yield self._book(with_orders=False)

    async def resolve(self, reference: str) -> str:
        """The id for itself or for replay:0. Raises: VenueRejected for any other."""
        account_id = ACCOUNT_ID if reference == f"{AUTHORITY}:0" else reference
        _require_known(account_id)
        return account_id

    async def sub_accounts(self, authority: str) -> list[str]:
        return [ACCOUNT_ID] if authority == AUTHORITY else []

    async def close(self) -> None:
        """Nothing is open."""

    def _book(self, *, with_orders: bool) -> FleetBook:
        self._catch_up()
        book = self._recording.reading(self._at, self._clock.now())
        return book if with_orders else replace(book, orders=None)

    def _catch_up(self) -> None:
        elapsed_s = self._clock.monotonic_s() - self._started_s
        past = int(np.searchsorted(self._offsets_s, elapsed_s - _EARLY_S))
        due = int(np.searchsorted(self._offsets_s, elapsed_s + _EARLY_S, side="right"))
        # Of what is past only the last counts; of what is due right now, the next.
        self._at = max(past - 1, min(max(self._at + 1, past), due - 1), self._at)


def _require_known(account_id: str) -> None:
    if account_id != ACCOUNT_ID:
        raise VenueRejected(f"there is no account {account_id} in a recording; its account is {ACCOUNT_ID}")
