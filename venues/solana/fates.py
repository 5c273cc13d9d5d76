"""What became of bytes that were sent: by their signature, at every endpoint, and by the account they were for.

GONE is what allows new bytes to be signed, so nobody who is silent, behind or forgetful may bring it about.
"""

import asyncio
from dataclasses import dataclass

from solders.commitment_config import CommitmentLevel
from solders.rpc.config import RpcContextConfig, RpcSignatureStatusConfig
from solders.rpc.requests import GetEpochInfo, GetSignatureStatuses
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from risk.model.trading import Fate, FateKind, Signed
from venues.errors import VenueError, VenueRejected, VenueUnavailable
from venues.solana.account_state import AccountState
from venues.solana.addresses import parse_key
from venues.solana.agreement import Agreement
from venues.solana.client import ClientManager
from venues.solana.landing import Heights, Status, read_heights, read_status
from venues.solana.mark import Mark
from venues.solana.orders_read import read_message
from venues.solana.profiles import Profile
from venues.solana.refusals import NO_NAMES, ErrorNames, sentence

_LOOK = "look at the venue before asking again"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What one endpoint says of a signature. ``final`` was read before, and is not ahead of what it says."""

    index: int
    status: Status | None
    final: Heights


@dataclass(frozen=True, slots=True, kw_only=True)
class BySignature:
    """What the endpoints say of a signature alone.

    Attributes:
        slot: Newest final slot any of them had seen before it said so.
    """

    fate: Fate
    slot: int


class Fates:
    """Of one venue's transactions."""

    def __init__(self, profile: Profile, client: ClientManager) -> None:
        self._profile, self._client = profile, client
        self._agreement = Agreement(client.hosts, resign_after_s=client.resign_after_s)
        self.errors: ErrorNames = NO_NAMES

    async def of(self, signed: Signed) -> Fate:
        """See OrderGateway. GONE comes with a reason where not everybody says so, or the account has moved since."""
        found = await self.by_signature(signed)
        if found.fate.kind is not FateKind.GONE or found.fate.reason:
            return found.fate
        return Fate(kind=FateKind.GONE, reason=await self._doubt(signed, found.slot))

    async def by_signature(self, signed: Signed) -> BySignature:
        """GONE takes every endpoint: one that has finalised a later block than the last that could hold it, and does
        not know it; see Agreement for how far they are believed.

        Raises: VenueUnavailable.
        """
        told, problems = await self._ask(signed)
        if not told:
            raise VenueUnavailable(f"no endpoint says what became of it: {'; '.join(problems)}")
        newest = max((one.final for one in told), key=lambda final: final.height)
        return BySignature(fate=self._judged(signed, told), slot=newest.slot)

    def _judged(self, signed: Signed, told: list[_Told]) -> Fate:
        known = [one.status for one in told if one.status is not None]
        settled = next((status for status in known if status.settled), None)
        if settled is not None:
            if settled.error is not None:
                return Fate(kind=FateKind.FAILED, reason=sentence(settled.error, self.errors), slot=settled.slot)
            return Fate(kind=FateKind.LANDED, slot=settled.slot)
        heights = [0] * self._client.count
        for one in told:
            heights[one.index] = one.final.height
        now_s = self._client.clock.monotonic_s()
        verdict = self._agreement.verdict(signed.signature, signed.last_valid_height, heights, now_s)
        if known or not verdict.over:
            return Fate(kind=FateKind.PENDING)
        return Fate(kind=FateKind.GONE, reason=verdict.doubt)

    async def _doubt(self, signed: Signed, slot: int) -> str:
        """Why it may have landed all the same, forgotten by every endpoint; empty where nothing says so.

        Raises: VenueUnavailable.
        """
        try:
            message = VersionedTransaction.from_bytes(signed.raw).message
            found = read_message(self._profile, bytes(message))
            if not found.orders:
                return ""  # an order is cancelled once, however often it is asked for
            mark, (account,) = Mark.of(signed.mark), found.accounts
            key = parse_key(account)
            fetched = await self._client.accounts([key])
            if fetched.slot < slot:
                raise VenueUnavailable(f"the node stands at slot {fetched.slot}, and others at {slot}; ask again")
            now = AccountState.of(self._profile, key, fetched)
        except (ValueError, VenueRejected) as problem:
            return f"how the account stands since is not known: {problem}; {_LOOK}"
        if now.next_order_id != mark.next_order_id:
            return f"orders were placed on the account since; {_LOOK}"
        if any(now.base_raw_1e9(index) != base for index, base in mark.bases_raw_1e9.items()):
            return f"the position has changed since; {_LOOK}"
        return ""

    async def _ask(self, signed: Signed) -> tuple[list[_Told], list[str]]:
        """(what each endpoint answers, why others do not)."""
        answers: list[_Told] = []
        problems: list[str] = []

        async def one(index: int) -> None:
            try:
                answers.append(await self._told(index, signed))
            except VenueError as problem:
                problems.append(str(problem))

        await asyncio.gather(*(one(index) for index in range(self._client.count)))
        return answers, problems

    async def _told(self, index: int, signed: Signed) -> _Told:
        # The height first: whatever lands between the two questions is then in the second answer.
        unknown = Heights(slot=0, height=0)
        finalized = RpcContextConfig(CommitmentLevel.Finalized)
        try:
            final = await self._client.ask_one(index, GetEpochInfo(finalized), read_heights)
        except VenueError:
            final = unknown  # it may know the signature all the same
        question = GetSignatureStatuses(
            [Signature.from_string(signed.signature)], RpcSignatureStatusConfig(search_transaction_history=True)
        )
        slot, status = await self._client.ask_one(index, question, read_status)
        # Behind one address there may be several nodes: one that is behind must not speak for one that is not.
        return _Told(index=index, status=status, final=final if slot >= final.slot else unknown)
