"""python -m tests.support.order_kills.node SEED: a node that executes orders, and whose record is the truth.

A process of its own, so that it outlives the bots that are killed. Prints its URL, then answers a line for each line it
reads: ``next OUTCOME ...`` settles the next sendings, by the names of Outcome; ``far SECONDS`` lets every answer take
so long; ``lapse`` lets blocks pass until nothing that was signed before can land; ``truth`` is everything that
happened, as JSON. What is not settled is drawn by the seed.
"""

import base64
import json
import logging
import random
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.drift_layout import ORDER, PERP_POSITION, USER
from tests.support.drift_program import OPEN, Book, FakeDriftProgram
from tests.support.drift_trading import BTC, SOL, account_id, trading_world
from tests.support.order_kills.moments import Outcome
from tests.support.solana_rpc import Delay, Landing, LandingMode, Sent, SolanaRpc, running_rpc

SLOTS_PER_S = 2.5
LAPSE_BLOCKS = 200
ANSWER_LOST_S = 0.05
_SLOTS, _ORDER_SLOTS = 8, 32
_CHANCES: Mapping[Outcome, int] = {
    Outcome.LAND: 55, Outcome.LAND_THIN: 5, Outcome.LAND_EMPTY: 5, Outcome.LAND_FAILED: 6, Outcome.LAND_TIMEOUT: 10,
    Outcome.DROP: 8, Outcome.EXPIRE: 7, Outcome.REJECT: 4,
}  # fmt: skip
_MODES: Mapping[Outcome, LandingMode] = {
    Outcome.LAND_FAILED: LandingMode.LAND_FAILED, Outcome.LAND_TIMEOUT: LandingMode.LAND_TIMEOUT,
    Outcome.DROP: LandingMode.DROP, Outcome.EXPIRE: LandingMode.EXPIRE, Outcome.REJECT: LandingMode.REJECT,
}  # fmt: skip
_PLENTY, _LITTLE = 10**15, 2 * 10**8  # of the base asset, in 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One that arrived.

    Attributes:
        landed: Whether it did, with an error or without.
        moved: What it did to positions, by market index, in 1e-9.
        rested: Ids of orders that it left resting.
    """

    signature: str
    raw: bytes
    landed: bool
    failed: bool
    moved: Mapping[int, int]
    rested: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What happened at the node, and how the account stands.

    Attributes:
        positions: By market index, in 1e-9, before the first transaction and after the last.
        orders: Ids of those that rest.
    """

    transactions: tuple[Transaction, ...]
    began_with: Mapping[int, int]
    positions: Mapping[int, int]
    orders: frozenset[int]

    @classmethod
    def from_json(cls, text: str) -> "Truth":
        told = json.loads(text)
        return cls(
            transactions=tuple(
                Transaction(
                    signature=one["signature"], raw=base64.b64decode(one["raw"]), landed=one["landed"],
                    failed=one["failed"], moved={int(key): value for key, value in one["moved"].items()},
                    rested=tuple(one["rested"]),
                )
                for one in told["transactions"]
            ),
            began_with={int(key): value for key, value in told["began_with"].items()},
            positions={int(key): value for key, value in told["positions"].items()},
            orders=frozenset(told["orders"]),
        )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Seen:
    moved: dict[int, int]
    rested: list[int]


class _Record:
    """Watches what every transaction does to the account."""

    def __init__(self, rpc: SolanaRpc) -> None:
        self._rpc, self._key = rpc, account_id()
        self.seen: dict[str, _Seen] = {}
        self.began_with = self.positions()
        self._positions, self._orders = dict(self.began_with), self.orders()
        self._tell, rpc.ledger.on_landed = rpc.ledger.on_landed, self._landed

    def _landed(self, sent: Sent) -> None:
        before, resting = self._positions, self._orders
        self._positions, self._orders = self.positions(), self.orders()
        moved = {key: self._positions.get(key, 0) - before.get(key, 0) for key in {*before, *self._positions}}
        self.seen[sent.signature] = _Seen(
            moved={key: by for key, by in moved.items() if by}, rested=sorted(self._orders - resting)
        )
        self._tell(sent)

    def positions(self) -> dict[int, int]:
        raw, first = self._raw(), USER.fields["perp_positions"].offset
        places = [first + number * PERP_POSITION.size for number in range(_SLOTS)]
        held = {
            PERP_POSITION.read(raw, "market_index", at): PERP_POSITION.read(raw, "base_asset_amount", at)
            for at in places
            if PERP_POSITION.read(raw, "base_asset_amount", at)
        }
        return dict(held)

    def orders(self) -> frozenset[int]:
        raw, first = self._raw(), USER.fields["orders"].offset
        places = [first + number * ORDER.size for number in range(_ORDER_SLOTS)]
        return frozenset(ORDER.read(raw, "order_id", at) for at in places if ORDER.read(raw, "status", at) == OPEN)

    def _raw(self) -> bytes:
        account = self._rpc.chain.account(self._key)
        assert account is not None
        return account.data

    def truth(self) -> str:
        rows = []
        for sent in self._rpc.sent.values():
            seen = self.seen.get(sent.signature, _Seen(moved={}, rested=[]))
            rows.append({
                "signature": sent.signature, "raw": base64.b64encode(sent.raw).decode(),
                "landed": sent.landed_slot is not None, "failed": sent.error is not None, "moved": seen.moved,
                "rested": seen.rested,
            })  # fmt: skip
        return json.dumps({
            "transactions": rows, "began_with": self.began_with, "positions": self.positions(),
            "orders": sorted(self.orders()),
        })  # fmt: skip


class _Dice:
    """Says how each sending ends."""

    def __init__(self, rpc: SolanaRpc, seed: str) -> None:
        self._chance = random.Random(seed)  # the same in every run
        self.settled: deque[Outcome] = deque()
        self._programs = {
            Outcome.LAND: _program(rpc, _PLENTY), Outcome.LAND_THIN: _program(rpc, _LITTLE),
            Outcome.LAND_EMPTY: _program(rpc, 0),
        }  # fmt: skip
        rpc.set_landing(self._landing(Outcome.LAND))
        rpc.ledger.draw = self.draw

    def draw(self) -> Landing:
        if self.settled:
            return self._landing(self.settled.popleft())
        return self._landing(self._chance.choices(list(_CHANCES), list(_CHANCES.values()))[0])

    def _landing(self, outcome: Outcome) -> Landing:
        program = self._programs.get(outcome, self._programs[Outcome.LAND])
        return Landing(
            mode=_MODES.get(outcome, LandingMode.LAND), program=program.execute, answer_after_s=ANSWER_LOST_S
        )


def _program(rpc: SolanaRpc, amount_1e9: int) -> FakeDriftProgram:
    def book(bid_1e6: int, ask_1e6: int) -> Book:
        return Book(bid_1e6=bid_1e6, ask_1e6=ask_1e6, bid_1e9=amount_1e9, ask_1e9=amount_1e9)

    return FakeDriftProgram(
        account=rpc.chain.account,
        now_s=lambda: rpc.chain.now_s,
        books={SOL: book(149_900_000, 150_100_000), BTC: book(99_950_000_000, 100_050_000_000)},
    )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(seed: str) -> None:
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # of clients that died in the middle of a request
    with running_rpc(trading_world(), slots_per_s=SLOTS_PER_S) as rpc:
        record, dice = _Record(rpc), _Dice(rpc, seed)
        say(rpc.url)
        for line in sys.stdin:
            what, *names = line.split()
            with rpc.chain.lock:
                if what == "next":
                    dice.settled.clear()
                    dice.settled.extend(Outcome[name] for name in names)
                    say("settled")
                elif what == "lapse":
                    rpc.advance(LAPSE_BLOCKS)
                    say("lapsed")
                elif what == "far":
                    rpc.inject(Delay(seconds=float(names[0])))
                    say("far")
                else:
                    say(record.truth())


if __name__ == "__main__":
    main(sys.argv[1])
