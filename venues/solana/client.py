"""ClientManager: a list of RPC endpoints, asked with failover, or every one of them. It signs nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

import stamina
from solders.account_decoder import UiAccountEncoding
from solders.commitment_config import CommitmentLevel
from solders.pubkey import Pubkey
from solders.rpc.config import (
    RpcAccountInfoConfig,
    RpcProgramAccountsConfig,
    RpcSignaturesForAddressConfig,
    RpcTransactionConfig,
)
from solders.rpc.filter import Memcmp
from solders.rpc.requests import (
    GetFirstAvailableBlock,
    GetGenesisHash,
    GetMultipleAccounts,
    GetProgramAccounts,
    GetSignaturesForAddress,
    GetTransaction,
)
from solders.signature import Signature
from solders.transaction_status import UiTransactionEncoding

from risk.ports import Clock
from venues.errors import VenueError, VenueRejected, VenueUnavailable
from venues.solana.accounts import Fetched
from venues.solana.addresses import base58
from venues.solana.answers import (
    LandedTransaction,
    ProgramAccounts,
    SignatureRow,
    read_accounts,
    read_program_accounts,
    read_signatures,
    read_slot,
    read_text,
    read_transaction,
)
from venues.solana.endpoint import Endpoint, NotTaken, Question, RateLimited
from venues.solana.profiles import Layout
from venues.solana.settings import SolanaSettings

LARGEST_REQUEST = 100  # keys that one getMultipleAccounts takes
MOST_SIGNATURES = 1_000  # that one getSignaturesForAddress lists
_SPREAD_ATTEMPTS = 3
_LARGEST_SLOT_JUMP = 200_000  # about a day; an answer further ahead of all before it is damaged, not new
_ACCOUNT_CONFIG = RpcAccountInfoConfig(encoding=UiAccountEncoding.Base64, commitment=CommitmentLevel.Confirmed)

Result = TypeVar("Result")


@dataclass(slots=True)
class _Standing:
    """One endpoint and what is known of it."""

    endpoint: Endpoint
    cluster_checked: bool = False
    pause_until_s: float = 0.0


class ClientManager:
    """Asks the endpoint that answered last, and the others in order when it fails.

    Every method raises VenueUnavailable when no endpoint answered properly, VenueRejected when all of them refuse.
    """

    def __init__(self, settings: SolanaSettings, *, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._standings = [_Standing(Endpoint(url, timeout_s=settings.timeout_s)) for url in settings.rpc_urls]
        self._good = 0
        self._newest_slot = 0

    @property
    def host(self) -> str:
        """Host of the endpoint that is asked first."""
        return self._standings[self._good].endpoint.host

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(standing.endpoint.host for standing in self._standings)

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def resign_after_s(self) -> float:
        """See SolanaSettings."""
        return self._settings.resign_after_s

    @property
    def newest_slot(self) -> int:
        """Highest slot any answer was of; 0 before the first."""
        return self._newest_slot

    async def vouch(self, index: int) -> None:
        """Make sure that this endpoint serves the right cluster. Raises: VenueUnavailable, VenueRejected."""
        standing = self._standings[index]
        self._check_pause(standing)
        await self._check_cluster(standing)

    async def accounts(self, keys: Sequence[Pubkey]) -> Fetched:
        """The given accounts at one slot; more than 100 come in several answers, read again until close together."""
        parts = [keys[first : first + LARGEST_REQUEST] for first in range(0, len(keys), LARGEST_REQUEST)]
        fetched = await self._all_parts(parts)
        for _ in range(_SPREAD_ATTEMPTS - 1):
            if fetched.slot_spread <= self._settings.slot_spread:
                break
            fetched = await self._all_parts(parts)
        return fetched

    async def _all_parts(self, parts: Sequence[Sequence[Pubkey]]) -> Fetched:
        answers = await asyncio.gather(*(self._part(part) for part in parts))
        accounts = {key: account for answer in answers for key, account in answer.accounts.items()}
        slots = [answer.slot for answer in answers]
        asked = frozenset(key for part in parts for key in part)
        return Fetched(asked=asked, accounts=accounts, slot=min(slots), slot_spread=max(slots) - min(slots))

    async def _part(self, keys: Sequence[Pubkey]) -> Fetched:
        body = GetMultipleAccounts(list(keys), _ACCOUNT_CONFIG)
        known = self._newest_slot

        async def ask(endpoint: Endpoint) -> Fetched:
            slot, values = await endpoint.ask(
                body,
                read_accounts,
                timeout_s=self._settings.timeout_s,
                max_bytes=self._settings.max_answer_bytes,
            )
            if len(values) != len(keys):
                raise VenueUnavailable(f"{endpoint.host} answered {len(values)} accounts for {len(keys)}")
            self._check_slot(endpoint, slot, known)
            accounts = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
            return Fetched(asked=frozenset(keys), accounts=accounts, slot=slot)

        return await self._anyone(ask)

    async def program_accounts(self, program: Pubkey, layout: Layout) -> ProgramAccounts:
        """Every account of one type that a program owns. A large answer; many providers refuse it."""
        filters: list[int | Memcmp] = [Memcmp(0, base58(layout.discriminator))]
        if layout.size_filter is not None:
            filters.insert(0, layout.size_filter)
        body = GetProgramAccounts(program, RpcProgramAccountsConfig(_ACCOUNT_CONFIG, filters, with_context=True))
        known = self._newest_slot

        async def ask(endpoint: Endpoint) -> ProgramAccounts:
            listed = await endpoint.ask(
                body,
                read_program_accounts,
                timeout_s=self._settings.sweep_timeout_s,
                max_bytes=self._settings.max_sweep_bytes,
            )
            self._check_slot(endpoint, listed.slot, known)
            return listed

        return await self._anyone(ask)

    async def signatures(
        self, account: Pubkey, *, before: str = "", until: str = "", limit: int = MOST_SIGNATURES, at_slot: int = 0
    ) -> list[SignatureRow]:
        """Transactions that mention an account, newest first.

        Args:
            before: Only those before this one.
            until: Only those behind this one.
            at_slot: A node that does not know this slot yet is not believed.
        """
        config = RpcSignaturesForAddressConfig(
            before=Signature.from_string(before) if before else None,
            until=Signature.from_string(until) if until else None,
            limit=limit, commitment=CommitmentLevel.Confirmed, min_context_slot=at_slot or None,
        )  # fmt: skip
        return await self.ask(GetSignaturesForAddress(account, config), read_signatures)

    async def transaction(self, signature: str) -> LandedTransaction | None:
        """One transaction with its log; None where the node does not have it."""
        config = RpcTransactionConfig(UiTransactionEncoding.Json, CommitmentLevel.Confirmed, 0)
        return await self.ask(GetTransaction(Signature.from_string(signature), config), read_transaction)

    async def first_slot(self) -> int:
        """The oldest slot whose transactions the node still has."""
        return await self.ask(GetFirstAvailableBlock(), read_slot)

    async def ask(self, body: Question, read: Callable[[object], Result]) -> Result:
        """What any endpoint answers. Only for what may be asked again."""
        settings = self._settings

        async def ask(endpoint: Endpoint) -> Result:
            return await endpoint.ask(body, read, timeout_s=settings.timeout_s, max_bytes=settings.max_answer_bytes)

        return await self._anyone(ask)

    @property
    def count(self) -> int:
        """How many endpoints there are."""
        return len(self._standings)

    async def ask_one(self, index: int, body: Question, read: Callable[[object], Result]) -> Result:
        """What this endpoint answers, asked once.

        Raises: as Endpoint.ask; NotTaken also where it was not asked, being paused or of another cluster.
        """
        settings, standing = self._settings, self._standings[index]
        try:
            await self.vouch(index)
        except VenueError as problem:
            raise NotTaken(str(problem)) from problem
        try:
            return await standing.endpoint.ask(
                body, read, timeout_s=settings.timeout_s, max_bytes=settings.max_answer_bytes
            )
        except RateLimited as problem:
            standing.pause_until_s = max(standing.pause_until_s, self._clock.monotonic_s() + problem.pause_s)
            raise

    async def close(self) -> None:
        for standing in self._standings:
            await standing.endpoint.close()

    async def _anyone(self, ask: Callable[[Endpoint], Awaitable[Result]]) -> Result:
        """An answer of any endpoint; reads may be asked again."""
        settings = self._settings
        async for attempt in stamina.retry_context(
            on=VenueUnavailable,
            attempts=settings.attempts,
            timeout=settings.timeout_s,
            wait_initial=0.1,
            wait_max=1.0,
            wait_jitter=0.1,
        ):
            with attempt:
                return await self._one_round(ask)
        raise AssertionError("stamina either returns or raises")

    async def _one_round(self, ask: Callable[[Endpoint], Awaitable[Result]]) -> Result:
        problems: list[VenueError] = []
        count = len(self._standings)
        for index in [(self._good + step) % count for step in range(count)]:
            standing = self._standings[index]
            try:
                self._check_pause(standing)
                await self._check_cluster(standing)
                result = await ask(standing.endpoint)
            except RateLimited as problem:
                standing.pause_until_s = max(standing.pause_until_s, self._clock.monotonic_s() + problem.pause_s)
                problems.append(problem)
            except (VenueUnavailable, VenueRejected) as problem:
                problems.append(problem)
            else:
                self._good = index
                return result
        raise _combined(problems)

    def _check_pause(self, standing: _Standing) -> None:
        left_s = standing.pause_until_s - self._clock.monotonic_s()
        if left_s > 0:
            raise NotTaken(f"{standing.endpoint.host} allows no more requests (429) for another {ceil(left_s)} s")

    async def _check_cluster(self, standing: _Standing) -> None:
        expected, endpoint = self._settings.genesis_hash, standing.endpoint
        if standing.cluster_checked or expected is None:
            return
        genesis = await endpoint.ask(
            GetGenesisHash(),
            read_text,
            timeout_s=self._settings.timeout_s,
            max_bytes=self._settings.max_answer_bytes,
        )
        if genesis != expected:
            raise VenueRejected(f"{endpoint.host} serves another cluster; set RPC_URLS to one of the mainnet")
        standing.cluster_checked = True

    def _check_slot(self, endpoint: Endpoint, slot: int, known: int) -> None:
        """Refuse what lies behind what was known when it was asked for: an account must never go back in time."""
        if slot < known - self._settings.slot_tolerance:
            raise VenueUnavailable(f"{endpoint.host} is {known - slot} slots behind what was already read")
        if known and slot > known + _LARGEST_SLOT_JUMP:
            raise VenueUnavailable(f"{endpoint.host} states slot {slot}, far beyond {known}, which was read before")
        self._newest_slot = max(self._newest_slot, slot)


def _combined(problems: Sequence[VenueError]) -> VenueError:
    text = "; ".join(str(problem) for problem in problems)
    if all(isinstance(problem, VenueRejected) for problem in problems):
        return VenueRejected(text)
    return VenueUnavailable(f"no RPC endpoint answered: {text}")
