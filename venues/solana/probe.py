"""What an RPC endpoint is worth, for keel check: one at a time, nothing of the accounts."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from solders.rpc.requests import GetBlockTime, GetGenesisHash, GetSlot

from venues.errors import VenueError
from venues.solana.answers import read_slot, read_text
from venues.solana.endpoint import Endpoint
from venues.solana.settings import checked_url, host_of
from venues.solana.websocket import opened

_ANSWER_S = 8.0
_ROUNDS = 3
_PATIENCE_S = 6.0  # for a slot to move: it does so every 0.4 s
_LOOK_AGAIN_S = 0.3
_MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFacts:
    """One endpoint as it answered just now.

    Attributes:
        problem: Why it cannot serve, free of its URL; empty where it can. What follows is as far as it came.
        slowest_s: Of a few small questions.
        moved: Whether the slot went on within some seconds.
        block_time: When the newest block it knows was made; None where it does not say.
        asked_at: When we asked for that.
    """

    host: str
    problem: str = ""
    genesis: str = ""
    slot: int = 0
    slowest_s: float = 0.0
    moved: bool = False
    block_time: datetime | None = None
    asked_at: datetime | None = None


async def examine(url: str, *, answer_s: float = _ANSWER_S, patience_s: float = _PATIENCE_S) -> EndpointFacts:
    """Never raises VenueError: what an endpoint does wrong is a fact. Raises: VenueRejected for a URL that may not be
    asked."""
    checked_url(url)
    endpoint = Endpoint(url, timeout_s=answer_s)
    found = EndpointFacts(host=endpoint.host)
    try:
        return await _examined(endpoint, answer_s, patience_s)
    except VenueError as exc:
        return EndpointFacts(host=found.host, problem=str(exc))
    finally:
        await endpoint.close()


async def websocket_problem(url: str, *, answer_s: float = _ANSWER_S) -> str:
    """Why a websocket endpoint does not tell of new slots, free of its URL; empty where it does.

    Raises: VenueRejected for a URL that may not be asked.
    """
    checked_url(url, secure="wss", plain="ws")
    host = host_of(url)
    try:
        async with asyncio.timeout(answer_s), opened(url, timeout_s=answer_s, max_bytes=_MEBIBYTE) as socket:
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "slotSubscribe", "params": []}))
            while True:
                message = json.loads(await socket.receive())
                if "error" in message:
                    return f"{host} lets nobody subscribe"
                if message.get("method") == "slotNotification":
                    return ""
    except VenueError as exc:
        return str(exc)
    except TimeoutError:
        return f"{host} told of no slot within {answer_s:g} s"
    except (ValueError, AttributeError, TypeError):
        return f"{host} sent something that is no notification"


async def _examined(endpoint: Endpoint, answer_s: float, patience_s: float) -> EndpointFacts:
    genesis = await endpoint.ask(GetGenesisHash(), read_text, timeout_s=answer_s, max_bytes=_MEBIBYTE)
    slowest_s, slot = 0.0, 0
    for _ in range(_ROUNDS):
        began_s = monotonic()
        slot = await endpoint.ask(GetSlot(), read_slot, timeout_s=answer_s, max_bytes=_MEBIBYTE)
        slowest_s = max(slowest_s, monotonic() - began_s)
    first, until_s = slot, monotonic() + patience_s
    while slot <= first and monotonic() < until_s:
        await asyncio.sleep(_LOOK_AGAIN_S)
        slot = await endpoint.ask(GetSlot(), read_slot, timeout_s=answer_s, max_bytes=_MEBIBYTE)
    asked_at = datetime.now(UTC)
    return EndpointFacts(
        host=endpoint.host,
        genesis=genesis,
        slot=slot,
        slowest_s=slowest_s,
        moved=slot > first,
        block_time=await _block_time(endpoint, slot, answer_s),
        asked_at=asked_at,
    )


async def _block_time(endpoint: Endpoint, slot: int, answer_s: float) -> datetime | None:
    """Of the slot, or of one shortly before it: some slots have no block."""
    for back in range(4):
        try:
            seconds = await endpoint.ask(GetBlockTime(slot - back), read_slot, timeout_s=answer_s, max_bytes=_MEBIBYTE)
        except VenueError:
            continue
        return datetime.fromtimestamp(seconds, UTC)
    return None
