"""One user account as its owner's orders need it: exact integers, straight from its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from solders.pubkey import Pubkey

from risk.model.account import OrderKind, Side
from risk.model.trading import OrderStyle, OrderTerms
from venues.errors import VenueRejected
from venues.solana.accounts import Fetched, checked_record, program_key
from venues.solana.profiles import Profile

_BUY, _PERP = 0, 1
_KINDS = {
    OrderStyle.IOC: OrderKind.LIMIT,
    OrderStyle.LIMIT: OrderKind.LIMIT,
    OrderStyle.POST_ONLY: OrderKind.LIMIT,
    OrderStyle.TRIGGER_MARKET: OrderKind.TRIGGER_MARKET,
    OrderStyle.TRIGGER_LIMIT: OrderKind.TRIGGER_LIMIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingOrder:
    """One open order slot of a perp market."""

    order_id: int
    market_index: int
    side: Side
    kind: OrderKind
    size_raw_1e9: int
    filled_raw_1e9: int
    quote_raw_1e6: int
    limit_raw_1e6: int
    trigger_raw_1e6: int
    expires_at_s: int
    reduce_only: bool

    def is_of(self, terms: OrderTerms) -> bool:
        """Whether it could be this order. A reduce-only one may have been cut when it was placed."""
        return (
            self.market_index == terms.market_index
            and self.side is terms.side
            and self.kind is _KINDS[terms.style]
            and self.limit_raw_1e6 == terms.limit_raw_1e6
            and self.trigger_raw_1e6 == terms.trigger_raw_1e6
            and self.expires_at_s == terms.expires_at_s
            and self.reduce_only is terms.reduce_only
            and (
                self.size_raw_1e9 == terms.size_raw_1e9
                or (terms.reduce_only and self.size_raw_1e9 <= terms.size_raw_1e9)
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """A user account at one slot.

    Attributes:
        delegate: All zeros where there is none.
        bases_raw_1e9: Signed positions by market index; one without a position is missing.
        orders: Open ones in perp markets, by id.
    """

    slot: int
    authority: Pubkey
    delegate: Pubkey
    sub_account: int
    next_order_id: int
    bases_raw_1e9: Mapping[int, int]
    orders: Mapping[int, RestingOrder]

    @classmethod
    def of(cls, profile: Profile, address: Pubkey, fetched: Fetched) -> "AccountState":
        """Raises: VenueRejected where there is no such account, or not of this venue."""
        account = fetched.accounts.get(address)
        what = f"account {address}"
        if account is None:
            raise VenueRejected(f"{what} does not exist; check the address, or it was closed")
        layout = checked_record(what, account, profile.user, program_key(profile))
        record = np.frombuffer(account.data, layout, 1)[0]
        positions, orders = record["perp_positions"], record["orders"]
        held = positions[positions["base_asset_amount"] != 0]
        open_ones = orders[(orders["status"] == profile.open_order_status) & (orders["market_type"] == _PERP)]
        return cls(
            slot=fetched.slot,
            authority=Pubkey(record["authority"].tobytes()),
            delegate=Pubkey(record["delegate"].tobytes()),
            sub_account=int(record["sub_account_id"]),
            next_order_id=int(record["next_order_id"]),
            bases_raw_1e9={int(one["market_index"]): int(one["base_asset_amount"]) for one in held},
            orders={int(one["order_id"]): _resting(profile, what, one) for one in open_ones},
        )

    def base_raw_1e9(self, market_index: int) -> int:
        return self.bases_raw_1e9.get(market_index, 0)


def _resting(profile: Profile, what: str, order: np.void) -> RestingOrder:
    kind = profile.order_kinds.get(int(order["order_type"]))
    if kind is None:
        raise VenueRejected(f"{what} has an order of a kind that is not known; update this program")
    return RestingOrder(
        order_id=int(order["order_id"]),
        market_index=int(order["market_index"]),
        side=Side.BUY if int(order["direction"]) == _BUY else Side.SELL,
        kind=kind,
        size_raw_1e9=int(order["base_asset_amount"]),
        filled_raw_1e9=int(order["base_asset_amount_filled"]),
        quote_raw_1e6=int(order["quote_asset_amount_filled"]),
        limit_raw_1e6=int(order["price"]),
        trigger_raw_1e6=int(order["trigger_price"]),
        expires_at_s=int(order["max_ts"]),
        reduce_only=bool(order["reduce_only"]),
    )
