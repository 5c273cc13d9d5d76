"""What of a plan somebody allowed beforehand, and what is left to be asked about. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from bot.trading.making import trade_of
from risk.model.proposal import Leg, PlannedTrade, TradePlan
from storage import StandingApproval

_LEAST_SHARE = 0.01  # of an order; less is not worth a fee
_OF_THE_CAP = 0.99  # a quote of a moment later may be a little dearer


def split(plan: TradePlan, legs: Sequence[Leg], approval: StandingApproval) -> tuple[TradePlan, TradePlan | None]:
    """(what a standing approval covers, what it does not).

    Orders that reduce, in its markets, in the order of the plan, as far as its cap reaches; of the order at which it
    ends, a part. Cancellations are never covered: what rests may be what protects.
    """
    left = approval.left_usd
    covered: list[PlannedTrade] = []
    rest: list[PlannedTrade] = []
    for leg in legs:
        terms = leg.terms
        if terms is None:
            continue
        trade = replace(trade_of(terms), priority=leg.number, reasoning=leg.reasoning)
        share = 0.0
        if terms.reduce_only and terms.market in approval.terms.markets and leg.notional_usd > 0:
            share = min(1.0, left / leg.notional_usd)
        if share < _LEAST_SHARE:
            rest.append(trade)
            continue
        part = share
        if leg.notional_usd * share > left * _OF_THE_CAP:
            part = left * _OF_THE_CAP / leg.notional_usd
        covered.append(replace(trade, size_base=trade.size_base * part))
        left -= leg.notional_usd * part
        if part < 1.0 - _LEAST_SHARE:
            rest.append(replace(trade, size_base=trade.size_base * (1.0 - part)))
    allowed = replace(plan, trades=tuple(covered), cancels=())
    if not rest and not plan.cancels:
        return allowed, None
    return allowed, replace(plan, trades=tuple(rest), deposit_usd=0.0)
