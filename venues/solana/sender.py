"""Sends signed bytes and follows them: to every endpoint at once, the same bytes every time, never signing again."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from solders.commitment_config import CommitmentLevel
from solders.pubkey import Pubkey
from solders.rpc.config import (
    RpcContextConfig,
    RpcSendTransactionConfig,
    RpcSignatureStatusConfig,
    RpcSimulateTransactionConfig,
)
from solders.rpc.requests import (
    GetEpochInfo,
    GetLatestBlockhash,
    GetSignatureStatuses,
    SendRawTransaction,
    SimulateVersionedTransaction,
)
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from risk.model.trading import Fate, FateKind, Signed
from venues.errors import OutcomeUnknown, VenueError, VenueRejected, VenueUnavailable
from venues.solana.answers import read_text
from venues.solana.client import ClientManager
from venues.solana.endpoint import NodeError, NotTaken
from venues.solana.landing import (
    Heights,
    RecentBlockhash,
    Simulation,
    Status,
    read_blockhash,
    read_fees,
    read_heights,
    read_simulation,
    read_status,
)
from venues.solana.refusals import ALREADY_PROCESSED, NO_NAMES, ErrorNames, sentence
from venues.solana.tasks import end

_METHOD_NOT_FOUND = -32_601
_PREFLIGHT_FAILED = -32_002
# Codes with which a node says that it has looked at the transaction and does not pass it on.
_REFUSED = frozenset({-32_700, -32_600, -32_602, _PREFLIGHT_FAILED, -32_003, -32_006, -32_013})
# Codes with which it says that it does not do this now, or ever: it has not looked.
_NOT_NOW = frozenset({_METHOD_NOT_FOUND, -32_005, -32_010, -32_016})
_CONFIRMED = CommitmentLevel.Confirmed

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _RecentFees:
    """getRecentPrioritizationFees, which the RPC library has no request for."""

    keys: tuple[str, ...]

    def to_json(self) -> str:
        return json.dumps(
            {"jsonrpc": "2.0", "id": 0, "method": "getRecentPrioritizationFees", "params": [list(self.keys)]}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What one endpoint says of a signature. ``final_height`` was read before, and is not ahead of what it says."""

    status: Status | None
    final_height: int


class Sender:
    """One venue's transactions on their way to the chain."""

    def __init__(self, client: ClientManager) -> None:
        self._client = client
        self.errors: ErrorNames = NO_NAMES
        self._under_way: set[asyncio.Task[None]] = set()

    async def blockhash(self) -> RecentBlockhash:
        """Raises: VenueUnavailable, VenueRejected."""
        return await self._client.ask(GetLatestBlockhash(RpcContextConfig(_CONFIRMED)), read_blockhash)

    async def recent_fees(self, writable: Sequence[Pubkey]) -> list[int]:
        """What others paid lately for changing these accounts; nothing where no node says so."""
        question = _RecentFees(tuple(str(key) for key in writable))
        for index in range(self._client.count):
            try:
                return await self._client.ask_one(index, question, read_fees)
            except VenueError:
                continue  # the floor is paid then; that is no reason not to trade
        return []

    async def simulate(self, transaction: VersionedTransaction) -> Simulation:
        """How it would end now; signatures are not looked at. Raises: VenueUnavailable, VenueRejected."""
        config = RpcSimulateTransactionConfig(sig_verify=False, commitment=_CONFIRMED)
        return await self._client.ask(SimulateVersionedTransaction(transaction, config), read_simulation)

    async def send(self, signed: Signed) -> None:
        """See OrderGateway. Returns as soon as one endpoint has taken the bytes; the others get them all the same."""
        tasks = [asyncio.create_task(self._send_to(index, signed)) for index in range(self._client.count)]
        self._under_way.update(tasks)
        problems: list[VenueError] = []
        for task in tasks:
            task.add_done_callback(self._over)
        waiting = set(tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                problem = task.exception()
                if problem is None:
                    return
                if not isinstance(problem, VenueError):
                    raise problem
                problems.append(problem)
        raise _worst(problems)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits for it has seen it; a later one's changes nothing

    async def _send_to(self, index: int, signed: Signed) -> None:
        """Raises: VenueRejected for a refusal, NotTaken, OutcomeUnknown."""
        config = RpcSendTransactionConfig(skip_preflight=False, preflight_commitment=_CONFIRMED)
        try:
            answer = await self._client.ask_one(index, SendRawTransaction(signed.raw, config), read_text)
        except NodeError as problem:
            self._judge(problem)
            return
        except (NotTaken, VenueRejected) as problem:
            raise NotTaken(str(problem)) from problem
        except VenueUnavailable as problem:
            raise OutcomeUnknown(f"{problem}; it may have been taken, so its signature is asked for") from problem
        if answer != signed.signature:
            raise OutcomeUnknown("a node answered with the signature of something else; its own is asked for")

    def _judge(self, problem: NodeError) -> None:
        """Nothing where the node has it already. Raises: VenueRejected, NotTaken, OutcomeUnknown."""
        if problem.code == _PREFLIGHT_FAILED:
            error = problem.data.get("err") if isinstance(problem.data, dict) else None
            if error == ALREADY_PROCESSED:
                return
            if error is not None:
                raise VenueRejected(sentence(error, self.errors)) from problem
        if problem.code in _REFUSED:
            raise VenueRejected(str(problem)) from problem
        if problem.code in _NOT_NOW:
            raise NotTaken(str(problem)) from problem
        raise OutcomeUnknown(f"{problem}; it may have been taken, so its signature is asked for") from problem

    async def fate(self, signed: Signed) -> Fate:
        """See OrderGateway. GONE takes an endpoint that has finalised a later block than the last one that could hold
        it, and nobody who knows it; an endpoint that is behind that block says nothing either way.
        """
        told, problems = await self._each(lambda index: self._told(index, signed))
        if not told:
            raise VenueUnavailable(f"no endpoint says what became of it: {problems}")
        known = [one.status for one in told if one.status is not None]
        settled = next((status for status in known if status.settled), None)
        if settled is not None:
            if settled.error is not None:
                return Fate(kind=FateKind.FAILED, reason=sentence(settled.error, self.errors), slot=settled.slot)
            return Fate(kind=FateKind.LANDED, slot=settled.slot)
        if not known and any(one.final_height > signed.last_valid_height for one in told):
            return Fate(kind=FateKind.GONE, reason="it was not taken into a block in time")
        return Fate(kind=FateKind.PENDING)

    async def _told(self, index: int, signed: Signed) -> _Told:
        # The height first: whatever lands between the two questions is then in the second answer.
        finalized = RpcContextConfig(CommitmentLevel.Finalized)
        try:
            heights = await self._client.ask_one(index, GetEpochInfo(finalized), read_heights)
        except VenueError:
            heights = Heights(slot=0, height=0)  # it may know the signature all the same
        question = GetSignatureStatuses(
            [Signature.from_string(signed.signature)], RpcSignatureStatusConfig(search_transaction_history=True)
        )
        slot, status = await self._client.ask_one(index, question, read_status)
        # Behind one address there may be several nodes: one that is behind must not speak for one that is not.
        return _Told(status=status, final_height=heights.height if slot >= heights.slot else 0)

    async def _each(self, ask: Callable[[int], Awaitable[Result]]) -> tuple[list[Result], str]:
        """(what each endpoint answers, why others do not)."""
        answers: list[Result] = []
        problems: list[str] = []

        async def one(index: int) -> None:
            try:
                answers.append(await ask(index))
            except VenueError as problem:
                problems.append(str(problem))

        await asyncio.gather(*(one(index) for index in range(self._client.count)))
        return answers, "; ".join(problems)

    async def settle(self) -> None:
        """Until every endpoint has answered, or failed, for all that was sent."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def close(self) -> None:
        """What is still being handed over gets no longer."""
        await end(self._under_way)


def _worst(problems: Sequence[VenueError]) -> VenueError:
    """What a sending is that nobody has confirmed."""
    text = "; ".join(dict.fromkeys(str(problem) for problem in problems))
    if any(isinstance(problem, OutcomeUnknown) for problem in problems):
        return OutcomeUnknown(text)
    if any(isinstance(problem, VenueRejected) for problem in problems):
        return VenueRejected("; ".join(str(p) for p in problems if isinstance(p, VenueRejected)))
    return NotTaken(f"no endpoint took it: {text}")
