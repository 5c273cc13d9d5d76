"""Websocket subscriptions: who wants to hear of what, and what they are told."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from tests.support.solana_rpc.chain import Chain
from tests.support.solana_rpc.faults import FaultPlan, Withheld
from tests.support.solana_rpc.ledger import Ledger, Sent
from tests.support.solana_rpc.protocol import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    Call,
    Json,
    RpcError,
    checked_address,
)
from tests.support.solana_rpc.reads import Reads, selection
from tests.support.world import ChainAccount


class Topic(Enum):
    ACCOUNT = "account"
    PROGRAM = "program"
    SIGNATURE = "signature"
    LOGS = "logs"
    SLOT = "slot"


class Peer:
    """One websocket's queue of texts to send, filled from any thread; a number closes the socket, None ends it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, cut: Callable[[], None]) -> None:
        self._loop = loop
        self._cut = cut
        self.queue: asyncio.Queue[str | int | None] = asyncio.Queue()

    def tell(self, message: Json) -> None:
        self.say(json.dumps(message))

    def say(self, text: str) -> None:
        """Anything at all."""
        self._loop.call_soon_threadsafe(self.queue.put_nowait, text)

    def close(self, code: int) -> None:
        """End the connection as a node does that goes away, once everything before was sent."""
        self._loop.call_soon_threadsafe(self.queue.put_nowait, code)

    def drop(self) -> None:
        """Cut the connection, without a close frame."""
        self._loop.call_soon_threadsafe(self._cut)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subscription:
    peer: Peer
    topic: Topic
    key: str | None
    config: Mapping[str, Json]


class Subscriptions:
    """Listens to chain and ledger and tells the peers. Methods run with the chain's lock held."""

    def __init__(self, chain: Chain, ledger: Ledger, reads: Reads, faults: FaultPlan) -> None:
        self._chain = chain
        self._ledger = ledger
        self._reads = reads
        self._faults = faults
        self._peers: list[Peer] = []
        self._active: dict[int, _Subscription] = {}
        self._last_id = 0
        self._silent_until_s: float | None = None
        self.told_slot = chain.slot

    @property
    def count(self) -> int:
        """Subscriptions at work."""
        return len(self._active)

    def join(self, peer: Peer) -> None:
        self._peers.append(peer)

    def leave(self, peer: Peer) -> None:
        self._peers.remove(peer)
        self._active = {number: sub for number, sub in self._active.items() if sub.peer is not peer}

    def drop_all(self) -> None:
        for peer in list(self._peers):
            peer.drop()

    def close_all(self, code: int) -> None:
        for peer in list(self._peers):
            peer.close(code)

    def say(self, text: str) -> None:
        """Something that is no answer and no notification, to everybody."""
        for peer in list(self._peers):
            peer.say(text)

    def silence(self, seconds: float | None) -> None:
        """Notifications of that time are lost; requests are answered. None ends it."""
        self._silent_until_s = None if seconds is None else self._chain.monotonic_s + seconds

    def handle(self, call: Call, peer: Peer) -> int | bool:
        """The result of a (un)subscribe call. Raises: RpcError."""
        for topic in Topic:
            if call.method == f"{topic.value}Subscribe":
                return self._subscribe(topic, call, peer)
            if call.method == f"{topic.value}Unsubscribe":
                return self._active.pop(int(call.argument()), None) is not None
        raise RpcError(METHOD_NOT_FOUND, "Method not found")

    def _subscribe(self, topic: Topic, call: Call, peer: Peer) -> int:
        key: str | None = None
        if topic in (Topic.ACCOUNT, Topic.PROGRAM):
            key = call.address()
        elif topic is Topic.SIGNATURE:
            key = str(call.argument())
        elif topic is Topic.LOGS:
            wanted = call.argument()
            if isinstance(wanted, dict):
                mentions = wanted.get("mentions") or []
                if len(mentions) != 1:
                    raise RpcError(INVALID_PARAMS, "Invalid Request: Only 1 address supported")
                key = checked_address(mentions[0])
        if topic is Topic.PROGRAM:
            selection(call.config.get("filters") or [])  # refuses what it does not know
        self._last_id += 1
        config = {**call.config, "encoding": call.config.get("encoding") or "base64"}
        self._active[self._last_id] = _Subscription(peer=peer, topic=topic, key=key, config=config)
        return self._last_id

    def after_subscribing(self, number: int) -> None:
        """What a new subscriber hears at once: a transaction that has landed already."""
        sub = self._active.get(number)
        if sub is not None and sub.topic is Topic.SIGNATURE:
            sent = self._ledger.sent.get(sub.key or "")
            if sent is not None and sent.landed_slot is not None:
                self._tell_landing(number, sub, sent)

    def account_changed(self, key: str) -> None:
        account = self._chain.account(key)
        for number, sub in list(self._active.items()):
            call = Call(method=f"{sub.topic.value}Subscribe", config=sub.config)
            if sub.topic is Topic.ACCOUNT and sub.key == key:
                if self._faults.take((Withheld,), [call.method], key):
                    continue
                self._tell(number, sub, self._reads.with_context(call, self._reads.account(call, key, sub.config)))
            elif sub.topic is Topic.PROGRAM and account is not None and _selects(sub, account):
                row = {"pubkey": key, "account": self._reads.shown(call.method, key, account, sub.config)}
                self._tell(number, sub, self._reads.with_context(call, row))

    def slot_changed(self) -> None:
        """A new slot, and with it every live feed somebody follows, as it is posted again."""
        slot = self._chain.slot
        if slot == self.told_slot:
            return
        self.told_slot = slot
        followed = dict.fromkeys(sub.key for sub in self._active.values() if sub.topic is Topic.ACCOUNT)
        for number, sub in list(self._active.items()):
            if sub.topic is Topic.SLOT:
                self._tell(number, sub, {"slot": slot, "parent": slot - 1, "root": slot - 32})
        for key in followed:
            if key is not None and self._chain.is_live_feed(key):
                self.account_changed(key)

    def landed(self, sent: Sent) -> None:
        for number, sub in list(self._active.items()):
            if sub.topic is Topic.SIGNATURE and sub.key == sent.signature:
                self._tell_landing(number, sub, sent)
            elif sub.topic is Topic.LOGS and sub.key in (None, *sent.accounts):
                value = {"signature": sent.signature, "err": sent.error, "logs": list(sent.logs or ())}
                self._tell(number, sub, self._reads.with_context(Call(method="logsSubscribe"), value))

    def _tell_landing(self, number: int, sub: _Subscription, sent: Sent) -> None:
        self._tell(number, sub, self._reads.with_context(Call(method="signatureSubscribe"), {"err": sent.error}))
        self._active.pop(number, None)  # nodes cancel it after the one notification

    def _tell(self, number: int, sub: _Subscription, result: Json) -> None:
        if self._silent_until_s is not None and self._chain.monotonic_s < self._silent_until_s:
            return
        params = {"result": result, "subscription": number}
        sub.peer.tell({"jsonrpc": "2.0", "method": f"{sub.topic.value}Notification", "params": params})


def _selects(sub: _Subscription, account: ChainAccount) -> bool:
    return account.owner == sub.key and selection(sub.config.get("filters") or [])(account.data)
