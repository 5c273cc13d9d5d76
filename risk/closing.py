"""What closes positions: one, a share of one, or all of an account. Pure, in the venue's whole numbers.

Nothing here can turn a position round: a size is never more than what is held, and every order is reduce-only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from fractions import Fraction
from math import ceil

from risk.decisions.order_terms import Untradeable, exact
from risk.errors import BadParameter
from risk.margin.book import FleetBook
from risk.margin.snapshot import snapshot_of
from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, PerpPosition, Side
from risk.model.proposal import PlannedTrade, Refusal
from risk.model.trading import BASE_UNITS, MarketDepth

# What is worth less is not worth a sentence.
_SPARE_CHANGE_USD = 0.01


class Why(Enum):
    """Why something remains."""

    SPOT = auto()
    """A token, owned or owed: closing perps leaves it."""
    CANNOT = auto()
    """The market takes no order now."""
    DUST = auto()
    """Less than the market's smallest step."""
    NOT_ASKED = auto()
    """Only a share was to be closed."""
    ISOLATED = auto()
    """Collateral that belonged to an isolated position stays with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """Something that is still there afterwards.

    Attributes:
        size: Signed, in base units or tokens.
        value_usd: Unsigned, at the oracle's price; NaN where there is none.
        reason: What keeps it, for Why.CANNOT; for Why.NOT_ASKED why it could not be closed later, if it could not.
    """

    market: str
    size: float
    value_usd: float
    why: Why
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What closes, and what does not.

    Attributes:
        cancels: Resting orders that go first.
        remains: After everything was filled.
        kept: Resting orders that stay: they reduce what a partial close leaves.
        orders_known: Whether resting orders were read at all.
    """

    account_id: str
    trades: tuple[PlannedTrade, ...]
    cancels: tuple[int, ...]
    remains: tuple[Remains, ...]
    kept: tuple[OpenOrder, ...] = ()
    orders_known: bool = True


def close(book: FleetBook, account_id: str, market: str, share_frac: float, depth: MarketDepth | None) -> Closing:
    """What closes a share of a position: at most all of it, and never a step more.

    With all of a position its resting orders go. With a share of it those stay that only reduce: they still protect.

    Args:
        share_frac: In (0, 1].
        depth: Of the market; without it the size is as exact as the position.

    Raises: BadParameter for a share outside; NothingToClose, which says why and what would work.
    """
    if not 0 < share_frac <= 1:
        raise BadParameter(f"a share to close lies above 0 and at most at 100 %, not at {share_frac:g}")
    account = snapshot_of(book, account_id)
    position = next((one for one in _held(account) if _name(account, one) == market), None)
    if position is None:
        held = ", ".join(_name(account, one) for one in _held(account))
        raise NothingToClose(f"there is no position in {market}", f"close one of {held}" if held else "")
    raw = closing_raw_1e9(_raw(position), share_frac, _step(depth))
    if raw == 0:
        raise NothingToClose(f"the position in {market} is smaller than the market's step, {_step(depth) / 1e9:g}")
    trade = _trade(market, position, raw, priority=1)
    if (refusal := obstacle(trade, position, depth)) is not None:
        raise NothingToClose(refusal.reason, refusal.nearest)
    whole = raw == closing_raw_1e9(_raw(position), 1.0, _step(depth))
    orders = [one for one in account.open_orders if _is_of(one, position)]
    kept = [] if whole else [one for one in orders if one.reduce_only]
    rest = abs(_raw(position)) - raw
    stranded = not whole and depth is not None and rest < depth.minimum_raw_1e9
    later = f"less than the smallest order, {depth.minimum_raw_1e9 / BASE_UNITS:g}" if stranded and depth else ""
    return Closing(
        account_id=account_id,
        trades=(trade,),
        cancels=tuple(one.order_id for one in orders if one not in kept),
        remains=_rest(account, position, raw, Why.DUST if whole else Why.NOT_ASKED, later),
        kept=tuple(kept),
        orders_known=book.orders is not None,
    )


def flatten(book: FleetBook, account_id: str, depths: Mapping[str, MarketDepth]) -> Closing:
    """What closes every position that can be closed, the largest first, and cancels every resting order before."""
    account = snapshot_of(book, account_id)
    trades: list[PlannedTrade] = []
    remains: list[Remains] = []
    for position in sorted(_held(account), key=lambda one: -_value_usd(account, one, abs(one.size_base))):
        market = _name(account, position)
        depth = depths.get(market)
        raw = closing_raw_1e9(_raw(position), 1.0, _step(depth))
        if not raw:
            remains += _rest(account, position, 0, Why.DUST)
            continue
        trade = _trade(market, position, raw, priority=len(trades) + 1)
        if (refusal := obstacle(trade, position, depth)) is not None:
            remains += _rest(account, position, 0, Why.CANNOT, refusal.reason)
            continue
        trades.append(trade)
        remains += _rest(account, position, raw, Why.DUST)
    return Closing(
        account_id=account_id,
        trades=tuple(trades),
        cancels=tuple(one.order_id for one in account.open_orders),
        remains=(*remains, *_isolated(account), *_tokens(account)),
        orders_known=book.orders is not None,
    )


class NothingToClose(Exception):
    """There is nothing an order could close."""

    def __init__(self, reason: str, nearest: str = "") -> None:
        self.refusal = Refusal(reason=reason, nearest=nearest)
        super().__init__(reason)


def closing_raw_1e9(held_raw_1e9: int, share_frac: float, step_raw_1e9: int) -> int:
    """Unsigned size that closes a share of a position: a multiple of the step, rather more than less, never more
    than is held.

    >>> [closing_raw_1e9(-35, share, 10) for share in (0.25, 0.5, 1.0)], closing_raw_1e9(5, 1.0, 10)
    ([10, 20, 30], 0)
    """
    held = abs(held_raw_1e9)
    whole = held // step_raw_1e9
    # As it was written: 0.1 is a tenth, not the float a little above it, which would cost a step.
    wanted = ceil(held * Fraction(Decimal(repr(share_frac))) / step_raw_1e9)
    return min(wanted, whole) * step_raw_1e9


def obstacle(trade: PlannedTrade, position: PerpPosition, depth: MarketDepth | None) -> Refusal | None:
    """Why the trade desk would refuse an order that closes; None where it would not, or where nobody knows."""
    if depth is None:
        return None
    try:
        exact(trade, depth, account_id="", held_raw_1e9=_raw(position), slippage_frac=0.0, expires_at_s=0)
    except Untradeable as exc:
        return exc.refusal
    return None


def _held(account: AccountSnapshot) -> list[PerpPosition]:
    return [one for one in account.perp_positions if _raw(one)]


def _name(account: AccountSnapshot, position: PerpPosition) -> str:
    return account.perp_markets[position.market_index].name


def _raw(position: PerpPosition) -> int:
    return round(position.size_base * BASE_UNITS)


def _step(depth: MarketDepth | None) -> int:
    return 1 if depth is None else max(1, depth.step_raw_1e9)


def _closing_side(position: PerpPosition) -> Side:
    return Side.SELL if position.size_base > 0 else Side.BUY


def _trade(market: str, position: PerpPosition, raw_1e9: int, *, priority: int) -> PlannedTrade:
    share = raw_1e9 / abs(_raw(position))
    what = "the whole" if share > 0.9999 else f"{share:.0%} of the"
    held = "long" if position.size_base > 0 else "short"
    return PlannedTrade(
        market=market,
        side=_closing_side(position),
        size_base=raw_1e9 / BASE_UNITS,
        reduce_only=True,
        priority=priority,
        reasoning=f"Closes {what} {held} position.",
    )


def _is_of(order: OpenOrder, position: PerpPosition) -> bool:
    return order.market_kind is MarketKind.PERP and order.market_index == position.market_index


def _value_usd(account: AccountSnapshot, position: PerpPosition, size_base: float) -> float:
    feed = account.perp_markets[position.market_index].oracle_id
    return abs(size_base) * account.oracles[feed].price_usd


def _rest(
    account: AccountSnapshot, position: PerpPosition, closed_raw_1e9: int, why: Why, reason: str = ""
) -> tuple[Remains, ...]:
    left = (abs(_raw(position)) - closed_raw_1e9) / BASE_UNITS
    if not left:
        return ()
    signed = left if position.size_base > 0 else -left
    value = _value_usd(account, position, left)
    return (Remains(market=_name(account, position), size=signed, value_usd=value, why=why, reason=reason),)


def _isolated(account: AccountSnapshot) -> list[Remains]:
    return [
        Remains(
            market=_name(account, one), size=one.isolated_collateral_tokens, value_usd=one.isolated_collateral_tokens,
            why=Why.ISOLATED,
        )
        for one in account.perp_positions
        if one.isolated and one.isolated_collateral_tokens >= _SPARE_CHANGE_USD
    ]  # fmt: skip


def _tokens(account: AccountSnapshot) -> list[Remains]:
    """Every token that is owned or owed, the largest first; the quote token among them."""
    found = []
    for balance in account.spot_balances:
        market = account.spot_markets[balance.market_index]
        value = abs(balance.amount_tokens) * account.oracles[market.oracle_id].price_usd
        if not value < _SPARE_CHANGE_USD:  # a price that is not known is none that is small
            found.append(Remains(market=market.name, size=balance.amount_tokens, value_usd=value, why=Why.SPOT))
    return sorted(found, key=lambda one: -one.value_usd)
