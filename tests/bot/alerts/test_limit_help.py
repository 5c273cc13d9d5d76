"""What would bring an account back within a limit: doing it is enough, and not much more than enough."""

import re
from dataclasses import replace

import pytest

from bot.alerts.limit_help import back_to_its_high, within_limit
from risk.decisions.drawdown import UnitState
from risk.decisions.limits import breaches
from risk.fleet import FleetView
from risk.margin.build import book_of
from risk.model.account import AccountSnapshot
from risk.model.limits import LimitName, RiskLimits, RiskViolation
from risk.portfolio_manager import summarise
from tests.bot.alerts.builders import NOW
from tests.risk.builders import make_account, make_position
from tests.support.bot_world import GENEROUS

LIMITS = {
    LimitName.MAX_PORTFOLIO_LEVERAGE: replace(GENEROUS, max_portfolio_leverage=5.0),
    LimitName.MAX_POSITION_SIZE_USD: replace(GENEROUS, max_position_size_usd=900.0),
    LimitName.MAX_POSITION_SIZE_PERCENT: replace(GENEROUS, max_position_size_percent=2.5),
    LimitName.MIN_HEALTH_RATIO: replace(GENEROUS, min_health_ratio=300.0),
}


def account(*, usdc: float = 70.0, size_base: float = 10.0) -> AccountSnapshot:
    """Long SOL at 100 USD."""
    one = make_account(make_position(size_base, entry_usd=100.0), usdc=usdc)
    return replace(one, account_id="main", observed_at=NOW)


def breach(limits: RiskLimits, of: AccountSnapshot, limit: LimitName) -> RiskViolation | None:
    view = FleetView.of(book_of([of]))
    return next((one for one in breaches(limits, summarise(view, "main"), None) if one.limit is limit), None)


def advice(limit: LimitName) -> str:
    view = FleetView.of(book_of([account()]))
    violation = breach(LIMITS[limit], account(), limit)
    assert violation is not None
    return within_limit(violation, summarise(view, "main"), view, "main")


def dollars(text: str, what: str) -> float | None:
    found = re.search(rf"{what} \$([\d,.]+\d)", text)
    return None if found is None else float(found[1].replace(",", ""))


@pytest.mark.parametrize("limit", [one for one in LIMITS if one is not LimitName.MAX_POSITION_SIZE_USD])
def test_the_deposit_is_enough_and_a_little_less_is_not(limit: LimitName) -> None:
    deposit = dollars(advice(limit), "deposit")
    assert deposit is not None
    assert breach(LIMITS[limit], account(usdc=70 + deposit + 0.01), limit) is None
    assert breach(LIMITS[limit], account(usdc=70 + deposit * 0.97), limit) is not None


@pytest.mark.parametrize("limit", LIMITS)
def test_the_cut_is_enough_and_a_little_less_is_not(limit: LimitName) -> None:
    cut = dollars(advice(limit), "by")
    assert cut is not None
    assert breach(LIMITS[limit], account(size_base=10 - (cut + 0.01) / 100), limit) is None
    assert breach(LIMITS[limit], account(size_base=10 - cut * 0.97 / 100), limit) is not None


def test_it_reads_as_a_sentence() -> None:
    assert advice(LimitName.MAX_PORTFOLIO_LEVERAGE) == ("Within the limit: deposit $130 or cut positions by $650.")
    assert advice(LimitName.MAX_POSITION_SIZE_USD) == "Within the limit: cut SOL-PERP by $100."


def test_an_account_without_equity_is_told_what_to_deposit() -> None:
    under = account(usdc=-20.0)
    view = FleetView.of(book_of([under]))
    violation = breach(LIMITS[LimitName.MAX_PORTFOLIO_LEVERAGE], under, LimitName.MAX_PORTFOLIO_LEVERAGE)
    assert violation is not None
    text = within_limit(violation, summarise(view, "main"), view, "main")

    assert "deposit $2" in text
    assert "cut" not in text


@pytest.mark.parametrize("limit", [LimitName.MAX_CORRELATION_EXPOSURE])
def test_of_what_is_not_known_nothing_is_said(limit: LimitName) -> None:
    view = FleetView.of(book_of([account()]))
    violation = RiskViolation(limit=limit, value=1.0, threshold=0.5)

    assert within_limit(violation, summarise(view, "main"), view, "main") == ""


def test_a_loss_limit_is_kept_by_more_money_or_by_smaller_positions() -> None:
    view = FleetView.of(book_of([account()]))
    violation = RiskViolation(limit=LimitName.MAX_VAR_1D_PERCENT, value=0.08, threshold=0.05)
    equity = summarise(view, "main").total_value

    text = within_limit(violation, summarise(view, "main"), view, "main")
    assert text == f"Within the limit: deposit ${equity * 0.6:,.2f} or cut every position by 37.5%."


def test_a_fall_from_the_high_says_which_gain_ends_it() -> None:
    fallen = UnitState(shares=1_000.0, unit_value_usd=0.85, high_water_usd=1.0, net_flow_usd=0.0)

    assert back_to_its_high(fallen) == (
        "Back at its high with a gain of $150; deposits and withdrawals are not counted."
    )
    assert back_to_its_high(replace(fallen, unit_value_usd=1.0)).startswith("Only gains bring it back")
    violation = RiskViolation(limit=LimitName.MAX_DRAWDOWN_PERCENT, value=0.2, threshold=0.15)
    view = FleetView.of(book_of([account()]))
    assert within_limit(violation, summarise(view, "main"), view, "main").startswith("Only gains bring it back")
