"""Stops, take-profits and brackets: reduce-only triggers that rest at the venue, or why one would not protect. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import numpy as np

from risk.decisions.order_terms import Untradeable, exact
from risk.errors import CannotAssess
from risk.margin.book import FleetBook
from risk.margin.liquidation import liquidation_prices
from risk.model.account import OrderKind, Side
from risk.model.liquidation import LiquidationPrice, LiquidationStatus
from risk.model.proposal import PlannedTrade, Purpose, Refusal, TradePlan
from risk.model.trading import BASE_UNITS, MarketDepth, OrderStyle
from risk.protection.keepers import (
    KEEPERS,
    Keepers,
    TriggerExecution,
    bad_frac,
    band_frac,
    expected_execution,
    slippage_frac,
)

# Where nobody knows how much a market moves in an hour.
UNKNOWN_SIGMA_HOURLY = 0.02
_CLEAR_FRAC = 1e-4  # a stop at the price itself fires at once
_KINDS = tuple(OrderKind)
_OTHER_HALF = (
    "The venue does not cancel one half when the other is filled: it rests on, and would close your next position. "
    "Keel says so then, and /cancel takes it off."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPlan:
    """Triggers for one position.

    Attributes:
        side: Of the orders.
        held_base: Signed size they protect.
        trades: The stop first.
        executions: What each is expected to get, in their order.
        liquidation_usd: Of the market, the other prices fixed; None where none liquidates.
        notes: Sentences.
    """

    account_id: str
    purpose: Purpose
    market: str
    side: Side
    held_base: float
    oracle_usd: float
    trades: tuple[PlannedTrade, ...]
    executions: tuple[TriggerExecution, ...]
    liquidation_usd: float | None
    notes: tuple[str, ...] = ()

    def trade_plan(self, requested_by: str = "") -> TradePlan:
        """What is to be proposed."""
        what = {Purpose.STOP: "Stop", Purpose.TAKE_PROFIT: "Take profit", Purpose.BRACKET: "Bracket"}[self.purpose]
        return TradePlan(
            account_id=self.account_id, purpose=self.purpose, trades=self.trades, title=f"{what} for {self.market}",
            notes=self.notes, requested_by=requested_by,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """One trigger somebody asks for."""

    trigger_usd: float
    is_stop: bool


def plan_stop(
    book: FleetBook, market: str, trigger_usd: float, *, depth: MarketDepth, share_frac: float = 1.0,
    size_base: float | None = None, sigma_hourly: float | None = None, keepers: Keepers = KEEPERS,
) -> StopPlan | Refusal:  # fmt: skip
    """A stop for the position of a market: reduce-only, below the price for a long, above it for a short.

    Args:
        book: Of the one account.
        share_frac: Of the position, in (0, 1]; not looked at with a size.
        size_base: Unsigned.
        sigma_hourly: Volatility of an hour; None where history does not say.

    Raises: CannotAssess where the account's data allows no statement.
    """
    wanted = (_Wanted(trigger_usd=trigger_usd, is_stop=True),)
    return _planned(book, market, wanted, Purpose.STOP, depth, share_frac, size_base, sigma_hourly, keepers)


def plan_take_profit(
    book: FleetBook, market: str, trigger_usd: float, *, depth: MarketDepth, share_frac: float = 1.0,
    size_base: float | None = None, sigma_hourly: float | None = None, keepers: Keepers = KEEPERS,
) -> StopPlan | Refusal:  # fmt: skip
    """A take-profit: above the price for a long, below it for a short. Arguments and errors as of plan_stop()."""
    wanted = (_Wanted(trigger_usd=trigger_usd, is_stop=False),)
    return _planned(book, market, wanted, Purpose.TAKE_PROFIT, depth, share_frac, size_base, sigma_hourly, keepers)


def plan_bracket(
    book: FleetBook, market: str, stop_usd: float, profit_usd: float, *, depth: MarketDepth, share_frac: float = 1.0,
    size_base: float | None = None, sigma_hourly: float | None = None, keepers: Keepers = KEEPERS,
) -> StopPlan | Refusal:  # fmt: skip
    """A stop and a take-profit of one size. The venue cancels neither when the other is filled: both are reduce-only,
    so nothing opens by that, and check_stops() says to cancel it. Arguments and errors as of plan_stop()."""
    wanted = (_Wanted(trigger_usd=stop_usd, is_stop=True), _Wanted(trigger_usd=profit_usd, is_stop=False))
    return _planned(book, market, wanted, Purpose.BRACKET, depth, share_frac, size_base, sigma_hourly, keepers)


def _planned(
    book: FleetBook, market: str, wanted: Sequence[_Wanted], purpose: Purpose, depth: MarketDepth, share_frac: float,
    size_base: float | None, sigma_hourly: float | None, keepers: Keepers,
) -> StopPlan | Refusal:  # fmt: skip
    held = held_base(book, market)
    if not held:
        others = [name for name in book.perp_markets.names if held_base(book, name)]
        return Refusal(
            reason=f"there is no position in {market} to protect",
            nearest=f"positions: {', '.join(others)}" if others else "",
        )
    size = _size(held, share_frac, size_base, depth)
    if isinstance(size, Refusal):
        return size
    try:
        price = next((one for one in liquidation_prices(book) if one.market == market), None)
    except CannotAssess as exc:
        return Refusal(reason=f"the account cannot be assessed now: {exc}", nearest="try again when it can")
    side = Side.SELL if held > 0 else Side.BUY
    slip, band = slippage_frac(depth, side, size, keepers), band_frac(book, market)
    sigma = UNKNOWN_SIGMA_HOURLY if sigma_hourly is None else sigma_hourly
    notes = _notes(sigma_hourly, band, keepers)
    if purpose is Purpose.BRACKET:
        notes = (_OTHER_HALF, *notes)
    trades: list[PlannedTrade] = []
    executions: list[TriggerExecution] = []
    for one in wanted:
        worse = bad_frac(sigma, slip, band, keepers)
        refusal = _refused(one, market, side, depth, band, worse, price)
        refusal = refusal or _together(book, market, side, one, size, held)
        if refusal is not None:
            return refusal
        trade = _trade(one, market, side, size, priority=len(trades) + 1)
        try:
            terms = exact(
                trade, depth, account_id="", held_raw_1e9=round(held * BASE_UNITS), slippage_frac=0.0, expires_at_s=0
            ).terms
        except Untradeable as exc:
            return exc.refusal
        trades.append(replace(trade, size_base=terms.size_base))
        executions.append(
            expected_execution(
                one.trigger_usd, side, terms.size_base, sigma_hourly=sigma, slip_frac=slip, band=band,
                fee_frac=depth.taker_fee_frac, keepers=keepers,
            )
        )  # fmt: skip
    return StopPlan(
        account_id=book.accounts.ids[0], purpose=purpose, market=market, side=side, held_base=held,
        oracle_usd=depth.oracle_usd, trades=tuple(trades), executions=tuple(executions),
        liquidation_usd=None if price is None else price.price_usd, notes=notes,
    )  # fmt: skip


def held_base(book: FleetBook, market: str) -> float:
    """Signed size the one account of a book holds in a perp; 0 also for a market it does not know."""
    if market not in book.perp_markets.names:
        return 0.0
    rows = np.flatnonzero(book.perps.market == book.perp_markets.names.index(market))
    return float(book.perps.base_1e9[rows].sum()) / BASE_UNITS


def _size(held: float, share_frac: float, size_base: float | None, depth: MarketDepth) -> float | Refusal:
    if size_base is None:
        if not 0 < share_frac <= 1:
            return Refusal(reason=f"{share_frac:.4g} is no share of a position", nearest="above 0 and up to 100 %")
        return abs(held) * share_frac
    if not (math.isfinite(size_base) and size_base > 0):
        return Refusal(reason=f"a size of {size_base:g} protects nothing", nearest=f"up to {abs(held):.10g}")
    if size_base > abs(held) + depth.step_raw_1e9 / BASE_UNITS / 2:
        return Refusal(
            reason=f"{size_base:.10g} is more than the position of {abs(held):.10g} {depth.market}",
            nearest=f"{abs(held):.10g}, which closes all of it",
        )
    return min(size_base, abs(held))


def _refused(
    one: _Wanted, market: str, side: Side, depth: MarketDepth, band: float, worse: float,
    liquidation: LiquidationPrice | None,
) -> Refusal | None:  # fmt: skip
    trigger, oracle = one.trigger_usd, depth.oracle_usd
    if not (math.isfinite(trigger) and trigger > 0):
        return Refusal(
            reason="a trigger needs a price above zero to wait for", nearest=f"{market} is at {_usd(oracle)}"
        )
    if not (math.isfinite(oracle) and oracle > 0):
        return Refusal(reason=f"the oracle of {market} shows no positive price", nearest="try again when it does")
    # Selling a long: a stop waits below, a profit above. Buying back a short: the other way round.
    below = one.is_stop is (side is Side.SELL)
    held, what = ("long" if side is Side.SELL else "short"), ("stop" if one.is_stop else "take-profit")
    nearest = oracle * (1.0 - band - _CLEAR_FRAC) if below else oracle * (1.0 + band + _CLEAR_FRAC)
    limit = None if liquidation is None else liquidation.price_usd
    at_stake = one.is_stop and limit is not None and (limit < oracle) is below
    least = 0.0
    if at_stake and limit is not None:
        # Where its fill may still be on the right side of the liquidation price.
        least = limit / (1.0 - worse) if below else limit / (1.0 + worse)
        if (least > nearest) is below:
            return Refusal(
                reason=f"no stop can be trusted to save this {held}: liquidation at {_usd(limit)} is nearer to "
                f"{_usd(oracle)} than a keeper's delay and slippage may cost, {worse:.1%}",
                nearest=f"reduce {market} or deposit first; /protect says how much",
            )
    if liquidation is not None and one.is_stop and liquidation.status is LiquidationStatus.ALREADY:
        return Refusal(reason="the account is at liquidation already", nearest="reduce or deposit now: /emergency")
    if (trigger < oracle) is not below or trigger == oracle:
        return Refusal(
            reason=f"a {what} for a {held} waits {'below' if below else 'above'} the price, and {_usd(trigger)} is "
            f"not: {market} is at {_usd(oracle)}, so it would fire at once",
            nearest=f"{_usd(nearest, up=not below)} or {'lower' if below else 'higher'}",
        )
    if (trigger > nearest) is below and trigger != nearest:
        return Refusal(
            reason=f"{_usd(trigger)} is within {band:.1%} of {_usd(oracle)}, and the venue's trigger price may be "
            "that far from its oracle: it may fire at once",
            nearest=f"{_usd(nearest, up=not below)} or {'lower' if below else 'higher'}",
        )
    if at_stake and limit is not None and (trigger < least) is below and trigger != least:
        beyond = (trigger <= limit) is below
        how = "beyond" if beyond else "too near to"
        return Refusal(
            reason=f"a stop at {_usd(trigger)} is {how} the liquidation price of {_usd(limit)}: filled up to "
            f"{worse:.1%} worse than its trigger, it would come too late",
            nearest=f"{_usd(least, up=below)} or {'higher' if below else 'lower'}",
        )
    return None


def _together(book: FleetBook, market: str, side: Side, one: _Wanted, size: float, held: float) -> Refusal | None:
    """Whether it and what rests already are more than the position."""
    orders = book.orders
    if orders is None:
        return None
    at = book.perp_markets.names.index(market)
    above = one.is_stop is (side is Side.BUY)
    own = [
        row
        for row in np.flatnonzero(orders.is_perp & (orders.market == at) & orders.reduce_only)
        if _KINDS[int(orders.kind[row])] in (OrderKind.TRIGGER_MARKET, OrderKind.TRIGGER_LIMIT)
        and bool(orders.is_buy[row]) is (side is Side.BUY)
        and _waits_above(float(orders.trigger_price_1e6[row]) / 1e6, int(orders.triggers_above[row]), book, at) is above
    ]
    resting = float(orders.size_base[own].sum()) if own else 0.0
    if resting + size <= abs(held) * (1 + 1e-9) + 1e-9:
        return None
    ids = ", ".join(str(int(orders.order_id[row])) for row in own)
    free = max(abs(held) - resting, 0.0)
    what = "stop" if one.is_stop else "take-profit"
    return Refusal(
        reason=f"a {what} of {resting:.10g} {market} rests already (order {ids}): both together are more than the "
        f"position of {abs(held):.10g}",
        nearest=f"cancel order {ids} first" + (f", or {free:.10g} more" if free > 0 else ""),
    )


def _waits_above(trigger_usd: float, stated: int, book: FleetBook, market: int) -> bool:
    """Whether a trigger waits for a higher price; where the venue does not say, by where the price is now."""
    if stated >= 0:
        return bool(stated)
    return trigger_usd > float(book.oracles.price_1e6[book.perp_markets.oracle[market]]) / 1e6


def _trade(one: _Wanted, market: str, side: Side, size: float, *, priority: int) -> PlannedTrade:
    above = one.is_stop is (side is Side.BUY)
    what = "Stops the loss" if one.is_stop else "Takes the profit"
    verb = "sells" if side is Side.SELL else "buys back"
    return PlannedTrade(
        market=market, side=side, size_base=size, reduce_only=True, priority=priority,
        style=OrderStyle.TRIGGER_MARKET, trigger_usd=one.trigger_usd, triggers_above=above,
        reasoning=f"{what}: {verb} once {market} is {'above' if above else 'below'} {_usd(one.trigger_usd)}.",
    )  # fmt: skip


def _notes(sigma_hourly: float | None, band: float, keepers: Keepers) -> tuple[str, ...]:
    notes = [
        f"It fires by the venue's trigger price, which stays within {band:.1%} of the oracle. Keepers are taken to "
        f"need {keepers.median_s:.0f} s, or {keepers.slow_s:.0f} s on a bad day, in a book {keepers.thin:.0f} times as "
        "thin."
    ]
    if sigma_hourly is None:
        notes.append(f"Without price history an hour is taken to move the market by {UNKNOWN_SIGMA_HOURLY:.0%}.")
    return tuple(notes)


def _usd(price: float, *, up: bool | None = None) -> str:
    """Five digits, or cents where there are more; rounded one way where what is shown has to hold."""
    places = 2 if price >= 100 else max(4 - math.floor(math.log10(price)), 0) if price > 0 else 2
    way = ROUND_HALF_EVEN if up is None else ROUND_CEILING if up else ROUND_FLOOR
    shown = Decimal(str(price)).quantize(Decimal(1).scaleb(-places), rounding=way)
    text = f"{shown:,f}"
    return f"${text.rstrip('0').rstrip('.') if places != 2 else text}"
