"""A batch as calls of the venue's program: which call, with which parameters, touching which accounts. Pure.

The program refuses an immediate-or-cancel order where it only places, so such an order is placed and taken in one call,
and orders that rest one behind the other are placed together. The order of a batch is kept.
"""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from solders.instruction import AccountMeta
from solders.pubkey import Pubkey

from risk.model.account import Side
from risk.model.trading import OrderBatch, OrderStyle, OrderTerms
from venues.errors import VenueRejected
from venues.solana.accounts import Fetched
from venues.solana.addresses import perp_market_address, spot_market_address
from venues.solana.decode_users import Users
from venues.solana.market_records import find_perps, find_spots
from venues.solana.profiles import OracleKind, Profile, TradingFacts

MOST_ORDERS = 32  # slots of an account
_QUOTE_MARKET = 0
_ORDER_TYPES = {
    OrderStyle.IOC: "Limit",
    OrderStyle.LIMIT: "Limit",
    OrderStyle.POST_ONLY: "Limit",
    OrderStyle.TRIGGER_MARKET: "TriggerMarket",
    OrderStyle.TRIGGER_LIMIT: "TriggerLimit",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderParams:
    """One order in the program's own words; see profiles for the choices. All else is left at nothing."""

    order_type: str
    direction: str
    market_index: int
    base_asset_amount: int
    price: int
    reduce_only: bool
    post_only: str = "None"
    bit_flags: int = 0
    max_ts: int | None = None
    trigger_price: int | None = None
    trigger_condition: str = "Above"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrders:
    """Cancel by id."""

    order_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrders:
    """Orders that only rest."""

    orders: tuple[OrderParams, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOrder:
    """An order that takes at once; what is not filled then is gone."""

    order: OrderParams


Call = CancelOrders | PlaceOrders | TakeOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAccounts:
    """Whose order it is, and who signs for it.

    Attributes:
        sub_account: Of the account; with the authority it gives the account's address.
    """

    authority: Pubkey
    sub_account: int
    signer: Pubkey


def params_of(facts: TradingFacts, terms: OrderTerms) -> OrderParams:
    """Raises: VenueRejected for terms that no order of this venue can have."""
    if terms.size_raw_1e9 <= 0:
        raise VenueRejected("an order of no size cannot be placed; name one above 0")
    if (terms.limit_raw_1e6 <= 0) is not (terms.style is OrderStyle.TRIGGER_MARKET):
        raise VenueRejected("every order but a trigger-market order has a limit price above 0, and that one has none")
    waits = {terms.triggers_above is not None, terms.trigger_raw_1e6 > 0}
    if waits != {terms.style.is_trigger}:
        raise VenueRejected("a trigger order has a trigger price and a side of it to wait for, and no other order has")
    if not terms.expires_at_s and not terms.style.is_trigger:
        raise VenueRejected("an order without a trigger has a last second; name one")
    return OrderParams(
        order_type=_ORDER_TYPES[terms.style],
        direction="Long" if terms.side is Side.BUY else "Short",
        market_index=terms.market_index,
        base_asset_amount=terms.size_raw_1e9,
        price=terms.limit_raw_1e6,
        reduce_only=terms.reduce_only,
        post_only="MustPostOnly" if terms.style is OrderStyle.POST_ONLY else "None",
        bit_flags=facts.immediate_or_cancel if terms.style is OrderStyle.IOC else 0,
        max_ts=terms.expires_at_s or None,
        trigger_price=terms.trigger_raw_1e6 or None,
        trigger_condition="Below" if terms.triggers_above is False else "Above",
    )


def calls_of(facts: TradingFacts, batch: OrderBatch) -> tuple[Call, ...]:
    """What a batch takes: cancellations first. Raises: VenueRejected."""
    if len(batch.terms) > MOST_ORDERS or len(batch.cancels) > MOST_ORDERS:
        raise VenueRejected(f"an account holds {MOST_ORDERS} orders at most; send fewer")
    calls: list[Call] = [CancelOrders(order_ids=batch.cancels)] if batch.cancels else []
    for rests, group in groupby(batch.terms, key=lambda one: one.style.rests):
        orders = tuple(params_of(facts, one) for one in group)
        calls += [PlaceOrders(orders=orders)] if rests else [TakeOrder(order=order) for order in orders]
    return tuple(calls)


def writable_markets(batch: OrderBatch) -> frozenset[int]:
    """Perp markets whose own account the orders of a batch change."""
    return frozenset(one.market_index for one in batch.terms if not one.style.rests)


def remaining_accounts(
    profile: Profile, users: Users, fetched: Fetched, batch: OrderBatch
) -> dict[frozenset[int], tuple[AccountMeta, ...]]:
    """What follows a call's own accounts: oracles, spot markets, perp markets, each once, by the markets it changes.

    They cover every market in which the account has a position, a balance or an order, those traded, and the markets
    all of these settle in. Keys are no market (placing and cancelling), and each market that is taken from.

    Raises: VenueRejected for a market that cannot be read.
    """
    perps = users.perp_indexes | {one.market_index for one in batch.terms}
    found = find_perps(profile, fetched, perps)
    spots = users.spot_indexes | {_QUOTE_MARKET} | set(found.integers("quote_spot_market_index").tolist())
    tokens = find_spots(profile, fetched, spots)
    for problem in (*found.unreadable.values(), *tokens.unreadable.values()):
        raise VenueRejected(f"{problem}; nothing can be traded by an account that is in it")
    feeds = dict.fromkeys(
        Pubkey(record["oracle"].tobytes())
        for record in (*found.records, *tokens.records)
        if profile.oracle_sources[int(record["oracle_source"][0])].kind is not OracleKind.QUOTE_ASSET
    )

    def accounts(changed: frozenset[int]) -> tuple[AccountMeta, ...]:
        return (
            *(AccountMeta(key, False, False) for key in feeds),
            *(AccountMeta(spot_market_address(profile, index), False, False) for index in sorted(spots)),
            *(AccountMeta(perp_market_address(profile, index), False, index in changed) for index in sorted(perps)),
        )

    return {changed: accounts(changed) for changed in (frozenset(), *map(_only, writable_markets(batch)))}


def _only(market_index: int) -> frozenset[int]:
    return frozenset({market_index})


def check_against_market(profile: Profile, fetched: Fetched, batch: OrderBatch) -> None:
    """Refuse what its market cannot take, before anybody is asked. Raises: VenueRejected."""
    for one in batch.terms:
        found = find_perps(profile, fetched, {one.market_index})
        if not found.records:
            raise VenueRejected(found.unreadable[one.market_index])
        if found.names[0] != one.market:
            raise VenueRejected(
                f"perp market {one.market_index} is {found.names[0]}, not {one.market}; propose the order again"
            )
        record: np.void = found.records[0][0]
        step, tick = int(record["order_step_size"]), int(record["order_tick_size"])
        if step and one.size_raw_1e9 % step:
            raise VenueRejected(f"sizes in {one.market} are multiples of {step / 1e9:g}; round the size")
        if tick and (one.limit_raw_1e6 % tick or one.trigger_raw_1e6 % tick):
            raise VenueRejected(f"prices in {one.market} are multiples of {tick / 1e6:g} USD; round the price")
