"""Sends signed bytes: to every endpoint at once, the same bytes every time, never signing again; see fates."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from solders.commitment_config import CommitmentLevel
from solders.pubkey import Pubkey
from solders.rpc.config import (
    RpcContextConfig,
    RpcSendTransactionConfig,
    RpcSimulateTransactionConfig,
)
from solders.rpc.requests import (
    GetEpochInfo,
    GetLatestBlockhash,
    SendRawTransaction,
    SimulateVersionedTransaction,
)
from solders.transaction import VersionedTransaction

from risk.model.trading import Signed
from venues.errors import OutcomeUnknown, VenueError, VenueRejected, VenueUnavailable
from venues.solana.answers import read_text
from venues.solana.client import ClientManager
from venues.solana.endpoint import NodeError, NotTaken
from venues.solana.landing import (
    RecentBlockhash,
    Simulation,
    read_blockhash,
    read_fees,
    read_heights,
    read_simulation,
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
_BLOCKHASH_BLOCKS = 150  # that a message may be younger than the block it lands in
_OTHERS_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """Where the chain is by the endpoint that has come least far, and the last height a message can land at."""

    height: int
    last_valid_height: int


@dataclass(frozen=True, slots=True)
class _RecentFees:
    """getRecentPrioritizationFees, which the RPC library has no request for."""

    keys: tuple[str, ...]

    def to_json(self) -> str:
        return json.dumps(
            {"jsonrpc": "2.0", "id": 0, "method": "getRecentPrioritizationFees", "params": [list(self.keys)]}
        )


class Sender:
    """One venue's transactions on their way to the chain."""

    def __init__(self, client: ClientManager) -> None:
        self._client = client
        self.errors: ErrorNames = NO_NAMES
        self._under_way: set[asyncio.Task[None]] = set()

    async def blockhash(self) -> RecentBlockhash:
        """Raises: VenueUnavailable, VenueRejected."""
        return await self._client.ask(GetLatestBlockhash(RpcContextConfig(_CONFIRMED)), read_blockhash)

    async def horizon(self, recent: RecentBlockhash) -> Horizon:
        """Where the chain is, and the block after which a message with this blockhash surely cannot land: never before
        what nodes show by their own height now, whatever the one that gave the blockhash stated.

        Raises: VenueUnavailable where nobody shows it.
        """
        question = GetEpochInfo(RpcContextConfig(_CONFIRMED))
        asked = [
            asyncio.create_task(self._client.ask_one(index, question, read_heights))
            for index in range(self._client.count)
        ]
        shown: list[int] = []
        problems: list[str] = []
        waiting = set(asked)
        try:
            while waiting:
                # Whoever is slow must not hold up an order for long once another has answered.
                done, waiting = await asyncio.wait(
                    waiting, timeout=_OTHERS_S if shown else None, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    break
                for task in done:
                    try:
                        shown.append(task.result().height)
                    except VenueError as problem:
                        problems.append(str(problem))
        finally:
            await end(asked)
        if not shown:
            raise VenueUnavailable(f"no endpoint shows its block height: {'; '.join(problems)}")
        until = max(recent.last_valid_height, max(shown) + _BLOCKHASH_BLOCKS)
        return Horizon(height=min(shown), last_valid_height=until)

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
        except NotTaken:
            raise
        except VenueError as problem:
            # Also where it will be the same the next time: what is wrong with the answer says nothing of the bytes.
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
