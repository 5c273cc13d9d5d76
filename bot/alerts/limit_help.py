"""What would bring an account back within a limit, in one sentence. Pure."""

import math

from bot.alerts.view import enough
from bot.text.clean import name
from bot.text.numbers import Rounding, percent_of_fraction
from risk.decisions.drawdown import UnitState
from risk.fleet import FleetView
from risk.margin.remedy import remedy
from risk.model.limits import LimitName, RiskViolation
from risk.model.portfolio import PortfolioSummary

_GAINS_ALONE = "Only gains bring it back; deposits and withdrawals are not counted."


def within_limit(violation: RiskViolation, summary: PortfolioSummary, view: FleetView, account_id: str) -> str:
    """For a limit that does not hold; empty where nothing simple helps."""
    equity, ways = summary.total_value, list[str]()
    notional = next((one.notional for one in summary.positions if one.market == violation.market), 0.0)
    match violation.limit:
        case LimitName.MAX_PORTFOLIO_LEVERAGE:
            ways = _less_of(_liabilities(view, account_id), violation.threshold, equity, "positions")
        case LimitName.MAX_POSITION_SIZE_PERCENT:
            ways = _less_of(notional, violation.threshold, equity, name(violation.market))
        case LimitName.MAX_POSITION_SIZE_USD:
            ways = [f"cut {name(violation.market)} by {enough(notional - violation.threshold)}"]
        case LimitName.MIN_HEALTH_RATIO:
            ways = _healthier(view, account_id, violation.threshold)
        case LimitName.MAX_VAR_1D_PERCENT:
            ways = _calmer(violation, equity)
        case LimitName.MAX_DRAWDOWN_PERCENT:
            return _GAINS_ALONE
        case _:
            return ""
    return f"Within the limit: {' or '.join(ways)}." if ways else ""


def back_to_its_high(state: UnitState) -> str:
    """For a drawdown: the gain that ends it."""
    gain_usd = state.shares * (state.high_water_usd - state.unit_value_usd)
    if not (math.isfinite(gain_usd) and gain_usd > 0):
        return _GAINS_ALONE
    return f"Back at its high with a gain of {enough(gain_usd)}; deposits and withdrawals are not counted."


def _liabilities(view: FleetView, account_id: str) -> float:
    at, detail = view.position_of(account_id), view.evaluation.full
    return float(detail.perp_liability_usd[at] + detail.spot_borrow_usd[at])


def _less_of(amount_usd: float, most: float, equity_usd: float, what: str) -> list[str]:
    """An amount may be so many times the equity: more equity, or less of it."""
    ways = [f"deposit {enough(amount_usd / most - equity_usd)}"]
    if equity_usd > 0:
        ways.append(f"cut {what} by {enough(amount_usd - most * equity_usd)}")
    return ways if math.isfinite(amount_usd) and math.isfinite(equity_usd) else []


def _calmer(violation: RiskViolation, equity_usd: float) -> list[str]:
    """The loss stays what it is when money comes in, and shrinks with the positions."""
    times = violation.value / violation.threshold
    if not (math.isfinite(times) and equity_usd > 0):
        return []
    deposit, cut = enough(equity_usd * (times - 1)), percent_of_fraction(1 - 1 / times, rounding=Rounding.UP)
    return [f"deposit {deposit}", f"cut every position by {cut}"]


def _healthier(view: FleetView, account_id: str, ratio_percent: float) -> list[str]:
    found = remedy(view.single(account_id).book, ratio_percent)
    ways = []
    if found.deposit_usd:
        where = f" to isolated {name(found.scope)}" if found.scope else ""
        ways.append(f"deposit {enough(found.deposit_usd)}{where}")
    if found.cut is not None:
        ways.append(f"cut {name(found.cut.market)} by {enough(found.cut.notional_usd)}")
    return ways
