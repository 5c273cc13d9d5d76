"""HTTP and websocket traffic of the fake node: requests in, answers or faults out."""

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from tests.support.solana_rpc.chain import Chain
from tests.support.solana_rpc.faults import (
    TRANSPORT_FAULTS,
    UPGRADE,
    Delay,
    FaultPlan,
    Garbage,
    HttpError,
    RateLimit,
    Refusal,
    Reset,
    TransportFault,
    Unanswered,
)
from tests.support.solana_rpc.ledger import ConnectionCut
from tests.support.solana_rpc.protocol import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MIN_CONTEXT_SLOT,
    PARSE_ERROR,
    Call,
    Json,
    RpcError,
)
from tests.support.solana_rpc.reads import Handler
from tests.support.solana_rpc.subscriptions import Peer, Subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """A call that arrived; ``fault`` names what struck it before it was answered, none when nothing did."""

    method: str
    params: Sequence[Json]
    websocket: bool
    fault: str | None
    at_s: float


class Front:
    """Routes requests to the method handlers and websocket calls to the subscriptions."""

    def __init__(
        self, chain: Chain, faults: FaultPlan, handlers: Mapping[str, Handler], subscriptions: Subscriptions
    ) -> None:
        self._chain = chain
        self._faults = faults
        self._handlers = handlers
        self._subscriptions = subscriptions
        self.calls: list[RecordedCall] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            struck = await self._strike(request, [(UPGRADE, ())])
            return struck or await self._websocket(request)
        try:
            body = json.loads(await request.text())
        except ValueError:
            return web.json_response(_failure(None, RpcError(PARSE_ERROR, "Parse error")))
        batch = body if isinstance(body, list) else [body]
        named = [(r["method"], r.get("params") or ()) for r in batch if isinstance(r, dict) and "method" in r]
        struck = await self._strike(request, named)
        if struck is not None:
            return struck
        try:
            answers = [self._answer(item) for item in batch]
        except ConnectionCut as cut:
            await asyncio.sleep(cut.after_s)
            return _cut_off(request)
        return web.json_response(answers if isinstance(body, list) else answers[0])

    async def _strike(self, request: web.Request, named: Sequence[tuple[str, Json]]) -> web.Response | None:
        """The response a transport fault gives in place of an answer, after any delay."""
        faults: list[TransportFault] = self._faults.take(TRANSPORT_FAULTS, [method for method, _ in named])
        for delay in faults:
            if isinstance(delay, Delay):
                await asyncio.sleep(delay.seconds)
        final = next((fault for fault in faults if not isinstance(fault, Delay)), None)
        if final is None:
            return None
        for method, params in named:
            self._record(method, params, websocket=method == UPGRADE, fault=type(final).__name__)
        match final:
            case RateLimit(retry_after_s=wait):
                headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
                return web.Response(status=429, headers=headers, text="Too many requests")
            case HttpError(status=status, location=location):
                return web.Response(status=status, headers={"Location": location} if location else {})
            case Garbage(body=text):
                return web.Response(text=text, content_type="text/html")
            case Reset() | Delay():
                return _cut_off(request)

    def _record(self, method: str, params: Json, *, websocket: bool, fault: str | None = None) -> None:
        at_s = self._chain.now_s
        call = RecordedCall(method=method, params=tuple(params), websocket=websocket, fault=fault, at_s=at_s)
        self.calls.append(call)

    def _answer(self, request: Json) -> Json:
        number = request.get("id") if isinstance(request, dict) else None
        try:
            call = Call.read(request)
            self._record(call.method, call.params, websocket=False)
            with self._chain.lock:
                return {"jsonrpc": "2.0", "id": number, "result": self._result(call)}
        except RpcError as exc:
            return _failure(number, exc)
        except (IndexError, KeyError, TypeError, ValueError) as exc:
            return _failure(number, RpcError(INVALID_PARAMS, f"Invalid params: {exc!r}"))

    def _result(self, call: Call) -> Json:
        handler = self._handlers.get(call.method)
        if handler is None:
            raise RpcError(METHOD_NOT_FOUND, "Method not found")
        for refusal in self._faults.take((Refusal,), [call.method]):
            raise RpcError(refusal.code, refusal.message)
        oldest = call.config.get("minContextSlot") or 0
        if oldest > self._chain.slot:
            text = "Minimum context slot has not been reached"
            raise RpcError(MIN_CONTEXT_SLOT, text, {"contextSlot": self._chain.slot})
        return handler(call)

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        peer = Peer(asyncio.get_running_loop(), lambda: _abort(request))
        with self._chain.lock:
            self._subscriptions.join(peer)
        writer = asyncio.create_task(_write_out(socket, peer))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._websocket_call(message.data, peer)
        finally:
            with self._chain.lock:
                self._subscriptions.leave(peer)
            peer.queue.put_nowait(None)
            await writer
        return socket

    def _websocket_call(self, text: str, peer: Peer) -> None:
        number: Json = None
        try:
            request = json.loads(text)
            number = request.get("id") if isinstance(request, dict) else None
            call = Call.read(request)
            self._record(call.method, call.params, websocket=True)
            for refusal in self._faults.take((Refusal,), [call.method]):
                raise RpcError(refusal.code, refusal.message)
            if self._faults.take((Unanswered,), [call.method], str(call.params[0]) if call.params else None):
                return
            with self._chain.lock:
                result = self._subscriptions.handle(call, peer)
                peer.tell({"jsonrpc": "2.0", "id": number, "result": result})
                if result is not True and result is not False:
                    self._subscriptions.after_subscribing(result)
        except RpcError as exc:
            peer.tell(_failure(number, exc))
        except (TypeError, ValueError) as exc:
            peer.tell(_failure(number, RpcError(INVALID_PARAMS, f"Invalid params: {exc!r}")))


async def _write_out(socket: web.WebSocketResponse, peer: Peer) -> None:
    while (text := await peer.queue.get()) is not None:
        if isinstance(text, int):
            await socket.close(code=text)
        elif not socket.closed:
            with contextlib.suppress(ConnectionError):  # a peer that has gone need not be told
                await socket.send_str(text)


def _failure(number: Json, error: RpcError) -> Json:
    return {"jsonrpc": "2.0", "id": number, "error": error.as_json()}


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _cut_off(request: web.Request) -> web.Response:
    _abort(request)
    return web.Response()
