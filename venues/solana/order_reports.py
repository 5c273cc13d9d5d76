"""Reads at the venue how the orders of a landed batch stand; see standing for what is made of it."""

import asyncio
from datetime import UTC, datetime

from solders.pubkey import Pubkey

from risk.model.trading import OrderBatch, PlacedOrder, Signed
from venues.errors import VenueUnavailable
from venues.solana.account_state import AccountState
from venues.solana.addresses import parse_key
from venues.solana.answers import LandedTransaction
from venues.solana.client import ClientManager
from venues.solana.mark import Mark
from venues.solana.order_stories import Stories, stories_of
from venues.solana.profiles import Profile
from venues.solana.program_records import Transaction
from venues.solana.standing import Evidence, order_ids, standing_of
from venues.solana.tasks import end

_MOST_LATER = 100  # transactions looked through for how a resting order ended
_LOG_LAG_SLOTS = 50  # some 20 s, within which a node may know that a transaction landed and not yet what it did


class OrderReports:
    """Of one venue."""

    def __init__(self, profile: Profile, client: ClientManager) -> None:
        self._profile, self._client = profile, client

    async def placed(self, signed: Signed, batch: OrderBatch, *, landed_slot: int) -> tuple[PlacedOrder, ...]:
        """One for each of the terms.

        Raises: VenueUnavailable, also where the node is behind the landing, or does not have its log yet.
        """
        if not batch.terms:
            return ()
        mark, key = Mark.of(signed.mark), parse_key(batch.account_id)
        asked = (
            asyncio.create_task(self._account(key, landed_slot)),
            asyncio.create_task(self._client.transaction(signed.signature)),
        )
        try:
            now, landed = await asyncio.gather(*asked)
        finally:
            await end(asked)
        own = _with_log(signed.signature, landed_slot, landed, now_slot=now.slot)
        stories = stories_of(self._profile, bytes(key), [own])
        evidence = Evidence(mark=mark, now=now, stories=stories)
        if self._went_on(batch, evidence):
            await self._read_on(stories, key, signed, now_slot=now.slot)
        return standing_of(batch.terms, evidence)

    async def _account(self, key: Pubkey, landed_slot: int) -> AccountState:
        fetched = await self._client.accounts([key])
        if fetched.slot < landed_slot:
            raise VenueUnavailable(f"the node stands at slot {fetched.slot}, and it landed in {landed_slot}; ask again")
        return AccountState.of(self._profile, key, fetched)

    def _went_on(self, batch: OrderBatch, evidence: Evidence) -> bool:
        """Whether an order that was to rest does so no longer, or has been filled in part by now."""
        for terms, order_id in zip(batch.terms, order_ids(batch.terms, evidence), strict=True):
            if not terms.style.rests or order_id is None:
                continue
            open_now, story = evidence.now.orders.get(order_id), evidence.stories.by_id.get(order_id)
            told = 0 if story is None else story.filled_raw_1e9
            if told < (terms.size_raw_1e9 if open_now is None else open_now.filled_raw_1e9):
                return True
        return False

    async def _read_on(self, stories: Stories, key: Pubkey, signed: Signed, *, now_slot: int) -> None:
        """What happened to the account since, as far as the node tells."""
        rows = await self._client.signatures(key, until=signed.signature, limit=_MOST_LATER)
        stories.whole = stories.whole and len(rows) < _MOST_LATER
        for row in reversed(rows):
            if not row.failed:
                landed = await self._client.transaction(row.signature)
                log = _with_log(row.signature, row.slot, landed, now_slot=now_slot)
                stories.add(self._profile, bytes(key), log)


def _with_log(signature: str, slot: int, landed: LandedTransaction | None, *, now_slot: int) -> Transaction:
    """Raises: VenueUnavailable for one that landed so lately that its log may still come."""
    if landed is None and now_slot - slot < _LOG_LAG_SLOTS:
        raise VenueUnavailable("it has landed, and the node does not have its log yet; ask again")
    # An empty log is one that was not kept: the runtime itself writes a line for every call.
    logs = landed.logs or None if landed is not None else None
    at_s = None if landed is None else landed.at_s
    at = None if at_s is None else datetime.fromtimestamp(at_s, UTC)
    return Transaction(signature=signature, slot=slot, at=at, logs=logs)
