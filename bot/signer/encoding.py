"""The Drift program as this process knows it: addresses, and calls as bytes. Nothing else can be written with it.

Its own second writing of what the bot builds with the venue's software; equality of the two is tested.
"""

import hashlib
import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey

from bot.signer.intent import IntentSide, IntentStyle, ModifyIntent, OrderIntent

PROGRAM = Pubkey.from_string("dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH")
COMPUTE_BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
TRANSACTION_BYTES = 1_232  # as the network carries it
SIGNATURE_BYTES = 64

_LIMIT, _TRIGGER_MARKET, _TRIGGER_LIMIT = 1, 2, 3  # of OrderType
_TYPES = {
    IntentStyle.IOC: _LIMIT,
    IntentStyle.LIMIT: _LIMIT,
    IntentStyle.POST_ONLY: _LIMIT,
    IntentStyle.TRIGGER_MARKET: _TRIGGER_MARKET,
    IntentStyle.TRIGGER_LIMIT: _TRIGGER_LIMIT,
}
_PERP = 1
_LONG, _SHORT = 0, 1
_ABOVE, _BELOW = 0, 1
_POST_ONLY_NONE, _MUST_POST_ONLY = 0, 1
_IMMEDIATE_OR_CANCEL = 1
_MUST_MODIFY = 1
_NOTHING = b"\0"


def _first_bytes(call: str) -> bytes:
    return hashlib.sha256(f"global:{call}".encode()).digest()[:8]


PLACE = _first_bytes("place_orders")
TAKE = _first_bytes("place_and_take_perp_order")
CANCEL = _first_bytes("cancel_orders_by_ids")
MODIFY = _first_bytes("modify_order")


@lru_cache(maxsize=4_096)
def _derived(*seeds: bytes) -> Pubkey:
    return Pubkey.find_program_address(list(seeds), PROGRAM)[0]


def state_address() -> Pubkey:
    return _derived(b"drift_state")


def user_address(authority: Pubkey, sub_account: int) -> Pubkey:
    return _derived(b"user", bytes(authority), sub_account.to_bytes(2, "little"))


def user_stats_address(authority: Pubkey) -> Pubkey:
    return _derived(b"user_stats", bytes(authority))


def perp_market_address(index: int) -> Pubkey:
    return _derived(b"perp_market", index.to_bytes(2, "little"))


def spot_market_address(index: int) -> Pubkey:
    return _derived(b"spot_market", index.to_bytes(2, "little"))


class Calls:
    """Writes the calls of one account, signed for by one key, with the same accounts behind each."""

    def __init__(self, authority: Pubkey, sub_account: int, signer: Pubkey, remaining: Sequence[Pubkey]) -> None:
        self._signer, self._remaining = signer, remaining
        self._state = AccountMeta(state_address(), False, False)
        self._user = AccountMeta(user_address(authority, sub_account), False, True)
        self._stats = AccountMeta(user_stats_address(authority), False, True)
        self._authority = AccountMeta(signer, True, False)

    def message(
        self,
        cancels: Sequence[int],
        orders: Sequence[OrderIntent],
        modifies: Sequence[ModifyIntent],
        *,
        unit_limit: int,
        unit_price_micro: int,
        blockhash: Hash,
    ) -> bytes:
        """The one message that does this, cancellations first and changes last."""
        calls = [set_compute_unit_limit(unit_limit), set_compute_unit_price(unit_price_micro)]
        if cancels:
            calls.append(self._cancel(cancels))
        for takes, group in groupby(orders, key=lambda one: one.style is IntentStyle.IOC):
            together = tuple(group)
            calls += [self._take(one) for one in together] if takes else [self._place(together)]
        calls += [self._modify(one) for one in modifies]
        return bytes(Message.new_with_blockhash(calls, self._signer, blockhash))

    def _cancel(self, order_ids: Sequence[int]) -> Instruction:
        return self._call(CANCEL + struct.pack(f"<I{len(order_ids)}I", len(order_ids), *order_ids))

    def _place(self, orders: Sequence[OrderIntent]) -> Instruction:
        return self._call(
            PLACE + struct.pack("<I", len(orders)) + b"".join(_params(one, takes=False) for one in orders)
        )

    def _modify(self, change: ModifyIntent) -> Instruction:
        return self._call(MODIFY + _some("<I", change.order_id) + _changed_params(change.order))

    def _take(self, order: OrderIntent) -> Instruction:
        market = perp_market_address(order.market_index)
        behind = [AccountMeta(key, False, key == market) for key in self._remaining]
        own = [self._state, self._user, self._stats, self._authority]
        return Instruction(PROGRAM, TAKE + _params(order, takes=True) + _NOTHING, [*own, *behind])

    def _call(self, data: bytes) -> Instruction:
        behind = [AccountMeta(key, False, False) for key in self._remaining]
        return Instruction(PROGRAM, data, [self._state, self._user, self._authority, *behind])


def _some(layout: str, value: int) -> bytes:
    return b"\1" + struct.pack(layout, value)


def _direction(order: OrderIntent) -> int:
    return _LONG if order.side is IntentSide.BUY else _SHORT


def _condition(order: OrderIntent) -> int:
    return _BELOW if order.triggers_above is False else _ABOVE


def _post_only(order: OrderIntent) -> int:
    return _MUST_POST_ONLY if order.style is IntentStyle.POST_ONLY else _POST_ONLY_NONE


def _params(order: OrderIntent, *, takes: bool) -> bytes:
    """OrderParams: no number of its own, no auction, no offset from the oracle."""
    return b"".join(
        (
            struct.pack(
                "<BBBBQQHBBB", _TYPES[order.style], _PERP, _direction(order), 0, order.size_raw_1e9,
                order.limit_raw_1e6, order.market_index, order.reduce_only, _post_only(order),
                _IMMEDIATE_OR_CANCEL if takes else 0,
            ),
            _some("<q", order.expires_at_s) if order.expires_at_s else _NOTHING,
            _some("<Q", order.trigger_raw_1e6) if order.trigger_raw_1e6 else _NOTHING,
            bytes((_condition(order),)),
            _NOTHING * 4,  # oracle_price_offset, auction_duration, auction_start_price, auction_end_price
        )
    )  # fmt: skip


def _changed_params(order: OrderIntent) -> bytes:
    """ModifyOrderParams. The program keeps what is not stated, so all that an order has is: an order of another type
    than is claimed, or one that follows the oracle, is refused there or loses its offset."""
    return b"".join(
        (
            _some("<B", _direction(order)),
            _some("<Q", order.size_raw_1e9),
            _some("<Q", order.limit_raw_1e6),
            _some("<B", order.reduce_only),
            _some("<B", _post_only(order)),
            _some("<B", 0),  # bit_flags
            _some("<q", order.expires_at_s),
            _some("<Q", order.trigger_raw_1e6),
            _some("<B", _condition(order)),
            _some("<i", 0),  # oracle_price_offset
            _NOTHING * 3,  # auction_duration, auction_start_price, auction_end_price: a changed order has no auction
            _some("<B", _MUST_MODIFY),
        )
    )
