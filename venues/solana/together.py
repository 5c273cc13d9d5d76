"""Lookups that are asked for at the same moment, as one question."""

import asyncio
from collections.abc import Mapping

from solders.pubkey import Pubkey

from venues.solana.accounts import RawAccount
from venues.solana.client import ClientManager


class Together:
    """Looks accounts up one by one for whoever asks, and all at once for the node: a thousand requests side by side
    are answered later than ten, or not at all."""

    def __init__(self, client: ClientManager) -> None:
        self._client = client
        self._wanted: dict[Pubkey, None] = {}
        self._asking: asyncio.Task[Mapping[Pubkey, RawAccount]] | None = None

    async def account(self, key: Pubkey) -> RawAccount | None:
        """The account at an address; None where there is none. Raises: VenueUnavailable."""
        self._wanted[key] = None
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="lookup")
            # Where everybody has given up, nobody is left to hear why it failed.
            self._asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        # Whoever gives up does not take the others' answer along.
        return (await asyncio.shield(self._asking)).get(key)

    async def _ask(self) -> Mapping[Pubkey, RawAccount]:
        await asyncio.sleep(0)  # the others of this moment
        keys, self._wanted, self._asking = tuple(self._wanted), {}, None
        return (await self._client.accounts(keys)).accounts
