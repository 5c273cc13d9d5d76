"""A Drift program for the fake node: it takes the calls that place and cancel perp orders and writes User accounts.

It reads instruction bytes and account bytes with the tests' own tables. It knows no margin: a test that wants a refusal
says so to the node. Each market has one price a buyer pays and one a seller gets, with so much behind it.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from solders.transaction import VersionedTransaction

from tests.support import addresses
from tests.support.drift_events import ACTIONS, EXPLANATIONS, LONG, PERP, SHORT, event_bytes, log_line
from tests.support.drift_layout import ORDER, PERP_POSITION, USER
from tests.support.solana_rpc.ledger import Executed
from tests.support.world import ChainAccount

PLACE_ORDERS = bytes.fromhex("3c3f327b0cc53cbe")
PLACE_AND_TAKE = bytes.fromhex("d53301bb6cdce6e0")
CANCEL_BY_IDS = bytes.fromhex("861390a55ef0d25e")
INVALID_ORDER_MAX_TS, POST_ONLY_FAILURE, INVALID_IOC, UNAUTHORIZED = 6_043, 6_057, 6_050, 2_003
OPEN = 1
MARKET, LIMIT, TRIGGER_MARKET, TRIGGER_LIMIT = range(4)
_BASE, _SLOTS, _ORDER_SLOTS = 10**9, 8, 32
_UNITS_PER_ORDER = 60_000


@dataclass(slots=True, kw_only=True)
class Book:
    """What one market offers: a price to each side, and how much."""

    bid_1e6: int
    ask_1e6: int
    bid_1e9: int = 10**15
    ask_1e9: int = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """OrderParams as they arrive."""

    order_type: int
    market_type: int
    direction: int
    base_1e9: int
    price_1e6: int
    market_index: int
    reduce_only: bool
    post_only: int
    bit_flags: int
    max_ts: int | None
    trigger_price: int | None
    trigger_condition: int
    rest: tuple[int | None, ...]


class Refused(Exception):
    """The program ends with an error of its own."""

    def __init__(self, code: int) -> None:
        super().__init__(f"custom program error {code}")
        self.code = code


class _Bytes:
    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def take(self, kind: str) -> int:
        (value,) = struct.unpack_from("<" + kind, self._raw, self._at)
        self._at += struct.calcsize("<" + kind)
        return int(value)

    def maybe(self, kind: str) -> int | None:
        return self.take(kind) if self.take("B") else None

    def end(self) -> None:
        assert self._at == len(self._raw), f"{len(self._raw) - self._at} bytes are left"


def _params(data: _Bytes) -> Placed:
    order_type, market_type, direction, _own_id = (data.take("B") for _ in range(4))
    base, price, market = data.take("Q"), data.take("Q"), data.take("H")
    reduce_only, post_only, bits = data.take("B"), data.take("B"), data.take("B")
    max_ts, trigger, condition = data.maybe("q"), data.maybe("Q"), data.take("B")
    rest = (data.maybe("i"), data.maybe("B"), data.maybe("q"), data.maybe("q"))
    return Placed(
        order_type=order_type, market_type=market_type, direction=direction, base_1e9=base, price_1e6=price,
        market_index=market, reduce_only=bool(reduce_only), post_only=post_only, bit_flags=bits, max_ts=max_ts,
        trigger_price=trigger, trigger_condition=condition, rest=rest,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One call as it lies in a transaction."""

    name: str
    user: str
    authority: str
    orders: tuple[Placed, ...] = ()
    cancels: tuple[int, ...] = ()


def arrived(raw: bytes) -> list[Arrived]:
    """The calls of Drift in a transaction, in order."""
    message = VersionedTransaction.from_bytes(raw).message
    keys = [str(key) for key in message.account_keys]
    return [
        _call(bytes(part.data), [keys[at] for at in bytes(part.accounts)])
        for part in message.instructions
        if keys[part.program_id_index] == addresses.DRIFT_PROGRAM
    ]


def _call(raw: bytes, accounts: list[str]) -> Arrived:
    head, data = raw[:8], _Bytes(raw[8:])
    if head == PLACE_AND_TAKE:
        order = _params(data)
        assert data.maybe("I") is None
        data.end()
        return Arrived(name="take", user=accounts[1], authority=accounts[3], orders=(order,))
    if head == PLACE_ORDERS:
        orders = tuple(_params(data) for _ in range(data.take("I")))
        data.end()
        return Arrived(name="place", user=accounts[1], authority=accounts[2], orders=orders)
    assert head == CANCEL_BY_IDS, f"no call of orders: {head.hex()}"
    ids = tuple(data.take("I") for _ in range(data.take("I")))
    data.end()
    return Arrived(name="cancel", user=accounts[1], authority=accounts[2], cancels=ids)


@dataclass(slots=True, kw_only=True)
class FakeDriftProgram:
    """Executes transactions on accounts it is shown; hand ``execute`` to a Landing.

    Attributes:
        account: The account of an address as it is now.
        now_s: The chain's clock.
        keeps_logs: Whether what it does can be read in the log.
    """

    account: Callable[[str], ChainAccount | None]
    now_s: Callable[[], float]
    books: dict[int, Book] = field(default_factory=dict)
    taker_fee_1e5: int = 100
    keeps_logs: bool = True

    def execute(self, raw: bytes) -> Executed:
        """Changes nothing itself."""
        users: dict[str, _User] = {}
        books = {index: replace(book) for index, book in self.books.items()}
        calls = arrived(raw)
        logs: list[str] = []
        try:
            for call in calls:
                account = self.account(call.user)
                assert account is not None, "no such user"
                user = users.setdefault(call.user, _User(call.user, bytearray(account.data), self, books))
                user.check_signer(call.authority)
                user.run(call)
        except Refused as refusal:
            return Executed(error={"InstructionError": [len(calls), {"Custom": refusal.code}]})
        for user in users.values():
            logs += [
                f"Program {addresses.DRIFT_PROGRAM} invoke [1]",
                *user.lines,
                f"Program {addresses.DRIFT_PROGRAM} success",
            ]
        effects = {
            key: ChainAccount.rent_exempt(addresses.DRIFT_PROGRAM, bytes(user.raw)) for key, user in users.items()
        }
        count = sum(max(1, len(call.orders)) for call in calls)
        return Executed(
            effects=effects, logs=tuple(logs) if self.keeps_logs else (), units=40_000 + count * _UNITS_PER_ORDER
        )

    def fill(self, user_key: str, order_id: int, base_1e9: int, price_1e6: int) -> Executed:
        """A keeper fills a resting order, the account being the maker or the taker of it."""
        account = self.account(user_key)
        assert account is not None
        user = _User(user_key, bytearray(account.data), self, {})
        user.fill_resting(order_id, base_1e9, price_1e6)
        logs = (
            f"Program {addresses.DRIFT_PROGRAM} invoke [1]",
            *user.lines,
            f"Program {addresses.DRIFT_PROGRAM} success",
        )
        effects = {user_key: ChainAccount.rent_exempt(addresses.DRIFT_PROGRAM, bytes(user.raw))}
        return Executed(effects=effects, logs=logs if self.keeps_logs else ())


class _User:
    """One account while a transaction changes it."""

    def __init__(self, key: str, raw: bytearray, program: FakeDriftProgram, books: dict[int, Book]) -> None:
        self.key, self.raw, self._program, self._books = key, raw, program, books
        self.lines: list[str] = []

    def check_signer(self, authority: str) -> None:
        owners = (self.raw[8:40], self.raw[40:72])
        if addresses.key_bytes(authority) not in owners:
            raise Refused(UNAUTHORIZED)

    def run(self, call: Arrived) -> None:
        for order_id in call.cancels:
            self._cancel(order_id)
        for order in call.orders:
            if order.max_ts is not None and order.max_ts < self._program.now_s():
                raise Refused(INVALID_ORDER_MAX_TS)
            order_id = USER.read(self.raw, "next_order_id")
            USER.write(self.raw, [("next_order_id", order_id + 1)])
            if call.name == "take":
                self._take(order, order_id)
            elif order.bit_flags & 1:
                raise Refused(INVALID_IOC)
            else:
                self._rest(order, order_id)

    def position_at(self, market_index: int) -> int:
        """Where the position of a market lies, made where there is none."""
        first = USER.fields["perp_positions"].offset
        places = [first + number * PERP_POSITION.size for number in range(_SLOTS)]
        used = [at for at in places if any(self.raw[at : at + 88]) or PERP_POSITION.read(self.raw, "open_orders", at)]
        for at in used:
            if PERP_POSITION.read(self.raw, "market_index", at) == market_index:
                return at
        at = next(at for at in places if at not in used)
        PERP_POSITION.write(self.raw, [("market_index", market_index)], at)
        return at

    def _orders(self) -> Iterator[int]:
        first = USER.fields["orders"].offset
        return iter(range(first, first + _ORDER_SLOTS * ORDER.size, ORDER.size))

    def order_at(self, order_id: int) -> int | None:
        for at in self._orders():
            if ORDER.read(self.raw, "status", at) == OPEN and ORDER.read(self.raw, "order_id", at) == order_id:
                return at
        return None

    def _take(self, order: Placed, order_id: int) -> None:
        buys, book = order.direction == LONG, self._books[order.market_index]
        price = book.ask_1e6 if buys else book.bid_1e6
        crosses = price <= order.price_1e6 if buys else price >= order.price_1e6
        size = min(order.base_1e9, book.ask_1e9 if buys else book.bid_1e9) if crosses else 0
        if order.reduce_only:
            held = PERP_POSITION.read(self.raw, "base_asset_amount", self.position_at(order.market_index))
            size = min(size, max(0, -held if buys else held))
        if buys:
            book.ask_1e9 -= size
        else:
            book.bid_1e9 -= size
        self._write_placed(order, order_id)
        if size:
            self._fill(order.market_index, order_id, buys, size, price, (order.base_1e9, size))
        if size < order.base_1e9:
            self._write_action("Cancel", order.market_index, order_id, buys, (order.base_1e9, size))

    def _fill(
        self, market_index: int, order_id: int, buys: bool, size: int, price: int, progress: tuple[int, int]
    ) -> None:
        at, sign = self.position_at(market_index), 1 if buys else -1
        quote = size * price // _BASE
        fee = quote * self._program.taker_fee_1e5 // 10**5
        base_now = PERP_POSITION.read(self.raw, "base_asset_amount", at) + sign * size
        quote_now = PERP_POSITION.read(self.raw, "quote_asset_amount", at) - sign * quote - fee
        PERP_POSITION.write(self.raw, [
            ("base_asset_amount", base_now), ("quote_asset_amount", quote_now), ("quote_entry_amount", quote_now),
            ("quote_break_even_amount", quote_now),
        ], at)  # fmt: skip
        self._write_action(
            "Fill", market_index, order_id, buys, progress,
            base_asset_amount_filled=size, quote_asset_amount_filled=quote, taker_fee=fee,
        )  # fmt: skip

    def _rest(self, order: Placed, order_id: int) -> None:
        buys = order.direction == LONG
        if order.post_only and order.order_type == LIMIT:
            book = self._books[order.market_index]
            if order.price_1e6 >= book.ask_1e6 if buys else order.price_1e6 <= book.bid_1e6:
                raise Refused(POST_ONLY_FAILURE)
        at = next(at for at in self._orders() if ORDER.read(self.raw, "status", at) != OPEN)
        self.raw[at : at + ORDER.size] = ORDER.encode({
            "price": order.price_1e6, "base_asset_amount": order.base_1e9, "trigger_price": order.trigger_price or 0,
            "max_ts": order.max_ts or 0, "order_id": order_id, "market_index": order.market_index, "status": OPEN,
            "order_type": order.order_type, "market_type": order.market_type, "direction": order.direction,
            "reduce_only": int(order.reduce_only), "post_only": int(order.post_only > 0),
            "trigger_condition": order.trigger_condition,
        })  # fmt: skip
        self._count(order.market_index, buys, 0 if order.order_type >= TRIGGER_MARKET else order.base_1e9, 1)
        self._write_placed(order, order_id)

    def _count(self, market_index: int, buys: bool, size: int, orders: int) -> None:
        at = self.position_at(market_index)
        side, sign = ("open_bids", 1) if buys else ("open_asks", -1)
        PERP_POSITION.write(self.raw, [
            (side, PERP_POSITION.read(self.raw, side, at) + sign * size),
            ("open_orders", PERP_POSITION.read(self.raw, "open_orders", at) + orders),
        ], at)  # fmt: skip
        USER.write(self.raw, [("open_orders", USER.read(self.raw, "open_orders") + orders)])

    def _cancel(self, order_id: int) -> None:
        at = self.order_at(order_id)
        if at is None:
            return  # the program says so in its log and goes on
        market, buys = ORDER.read(self.raw, "market_index", at), ORDER.read(self.raw, "direction", at) == LONG
        size, filled = (
            ORDER.read(self.raw, "base_asset_amount", at),
            ORDER.read(self.raw, "base_asset_amount_filled", at),
        )
        waits = ORDER.read(self.raw, "order_type", at) >= TRIGGER_MARKET
        self.raw[at : at + ORDER.size] = bytes(ORDER.size)
        self._count(market, buys, 0 if waits else filled - size, -1)
        self._write_action("Cancel", market, order_id, buys, (size, filled))

    def fill_resting(self, order_id: int, base_1e9: int, price_1e6: int) -> None:
        at = self.order_at(order_id)
        assert at is not None, "no such order"
        market, buys = ORDER.read(self.raw, "market_index", at), ORDER.read(self.raw, "direction", at) == LONG
        size = ORDER.read(self.raw, "base_asset_amount", at)
        filled = ORDER.read(self.raw, "base_asset_amount_filled", at) + base_1e9
        quote = ORDER.read(self.raw, "quote_asset_amount_filled", at) + base_1e9 * price_1e6 // _BASE
        waits = ORDER.read(self.raw, "order_type", at) >= TRIGGER_MARKET
        ORDER.write(self.raw, [("base_asset_amount_filled", filled), ("quote_asset_amount_filled", quote)], at)
        self._fill(market, order_id, buys, base_1e9, price_1e6, (size, filled))
        done = filled >= size
        self._count(market, buys, 0 if waits else -base_1e9, -1 if done else 0)
        if done:
            self.raw[at : at + ORDER.size] = bytes(ORDER.size)

    def _write_placed(self, order: Placed, order_id: int) -> None:
        self._write_action("Place", order.market_index, order_id, order.direction == LONG, (order.base_1e9, 0))
        record = {
            "user": self.key, "order.price": order.price_1e6, "order.base_asset_amount": order.base_1e9,
            "order.trigger_price": order.trigger_price or 0, "order.max_ts": order.max_ts or 0,
            "order.order_id": order_id, "order.market_index": order.market_index, "order.status": OPEN,
            "order.order_type": order.order_type, "order.market_type": PERP, "order.direction": order.direction,
            "order.reduce_only": int(order.reduce_only),
        }  # fmt: skip
        self.lines.append(log_line(event_bytes("OrderRecord", record)))

    def _write_action(
        self, what: str, market_index: int, order_id: int, buys: bool, progress: tuple[int, int], **more: int
    ) -> None:
        values = {
            "action": ACTIONS.index(what), "action_explanation": EXPLANATIONS.index("None"),
            "market_index": market_index, "market_type": PERP, "taker": self.key, "taker_order_id": order_id,
            "taker_order_direction": LONG if buys else SHORT, "taker_order_base_asset_amount": progress[0],
            "taker_order_cumulative_base_asset_amount_filled": progress[1], **more,
        }  # fmt: skip
        self.lines.append(log_line(event_bytes("OrderActionRecord", values)))
