"""Whether what was agreed to still holds at the moment it is to be sent. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from risk.model.account import Side
from risk.model.proposal import Effect, Leg
from risk.model.trading import BASE_UNITS, OrderStyle


@dataclass(frozen=True, slots=True, kw_only=True)
class RequoteBounds:
    """How far figures may move against whoever agreed to an order that opens or adds.

    What only reduces goes out as long as its worst price can be had: in a fall, being asked again costs more.

    Attributes:
        price_frac: Of the average price of each order.
        health_points: Of the health after, in percent points.
    """

    price_frac: float = 0.002
    health_points: float = 2.0


def moved(
    approved: Sequence[Leg],
    now: Sequence[Leg],
    effect_then: Effect | None,
    effect_now: Effect | None,
    bounds: RequoteBounds,
) -> tuple[str, ...]:
    """Sentences that say what no longer holds; empty where all of it does. What moved in one's favour holds.

    Args:
        now: The same legs, quoted again.
    """
    found: list[str] = []
    if len(approved) != len(now):
        return (f"{len(now)} of {len(approved)} orders are left of the plan",)
    for before, after in zip(approved, now, strict=True):
        found += _order_moved(before, after, bounds)
    adds = any(leg.terms is not None and not leg.terms.reduce_only for leg in approved)
    if adds and effect_then is not None and effect_now is not None:
        found += _effect_moved(effect_then, effect_now, bounds)
    return tuple(found)


def _order_moved(before: Leg, after: Leg, bounds: RequoteBounds) -> list[str]:
    then, now = before.terms, after.terms
    if then is None or now is None:
        return [] if before.cancels == after.cancels else ["the orders to be cancelled are others now"]
    takes = before.quote is not None and after.quote is not None and then.style is OrderStyle.IOC
    if takes and (not then.reduce_only or not now.size_raw_1e9) and _worse(before, after) > bounds.price_frac:
        return [f"{then.market}: {_price(after)} instead of {_price(before)}"]
    if now.size_raw_1e9 != then.size_raw_1e9:
        return [f"{then.market}: {now.size_base:.10g} can be traded now instead of {then.size_base:.10g}"]
    return []


def _worse(before: Leg, after: Leg) -> float:
    """How much worse the average price has become, as a fraction; < 0 better."""
    if before.quote is None or after.quote is None or before.terms is None:
        return 0.0
    rise = after.quote.average_usd / before.quote.average_usd - 1.0
    return rise if before.terms.side is Side.BUY else -rise


def _price(leg: Leg) -> str:
    return "no price" if leg.quote is None else f"${leg.quote.average_usd:,.6g}"


def _effect_moved(then: Effect, now: Effect, bounds: RequoteBounds) -> list[str]:
    found = []
    if then.held_raw_1e9 != now.held_raw_1e9:
        found.append(f"the positions are not those it was made for: {_changed(then.held_raw_1e9, now.held_raw_1e9)}")
    if now.health_percent_after < then.health_percent_after - bounds.health_points:
        found.append(f"health after: {now.health_percent_after:.0f}% instead of {then.health_percent_after:.0f}%")
    known = {(one.limit, one.market) for one in then.violations}
    found += [
        f"the limit {one.limit.value} would not hold any more"
        for one in now.violations
        if (one.limit, one.market) not in known
    ]
    if now.least_free_usd < 0 <= then.least_free_usd:
        found.append("the margin does not suffice any more")
    return found


def _changed(then: Mapping[str, int], now: Mapping[str, int]) -> str:
    return ", ".join(
        f"{market} {now.get(market, 0) / BASE_UNITS:.10g} instead of {then.get(market, 0) / BASE_UNITS:.10g}"
        for market in sorted({*then, *now})
        if then.get(market, 0) != now.get(market, 0)
    )
