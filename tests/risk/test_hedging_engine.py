"""The hedging desk on accounts small enough to compute by hand."""

import ast
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import risk
from risk.errors import BadParameter, BadSeries, CannotAssess, NotEnoughData
from risk.fleet import Fleet
from risk.hedging.prediction import predicted_of, ratio_of
from risk.hedging_engine import DriftHedgingEngine
from risk.model.account import AccountSnapshot, Side
from risk.model.hedge import FilledHedge, HedgeStrategy
from risk.model.limits import RiskLimits
from risk.model.market import MarketStatus, OracleReading, OracleValidity
from risk.model.metrics import CorrelationMatrix
from risk.model.proposal import ProposalState, Purpose, Refusal
from risk.risk_engine import DriftRiskEngine
from risk.stats.correlation import CorrelationModel
from risk.stats.dcc import fit_dcc
from risk.stats.fits import FitCache
from tests.risk.builders import NOW, make_account, make_balance, make_position
from tests.risk.fake_reader import FakeReader
from tests.risk.hedging.books import Depths, Desk, btc_depth, make_depth
from tests.risk.histories import Shelf, correlated, daily_candles, shelf
from tests.support.clock import FakeClock
from tests.support.trade_bot import trade_bot

FREE = RiskLimits(
    max_portfolio_leverage=1_000.0, max_position_size_usd=1e12, max_position_size_percent=1_000.0,
    max_correlation_exposure=1.0, max_var_1d_percent=1.0, min_health_ratio=100.0, max_drawdown_percent=1.0,
)  # fmt: skip
SHORT = make_account(make_position(-100.0), usdc=15_000.0)
MIXED = make_account(make_position(100.0), usdc=5_000.0, balances=[make_balance(10.0)])
BOTH = make_account(
    make_position(100.0), make_position(0.2, entry_usd=50_000.0, market_index=1), usdc=2_000.0
)  # fmt: skip
LONG = make_account(make_position(100.0), usdc=5_000.0)


CACHE = FitCache()


class Limits:
    """A store that holds one set."""

    def __init__(self, limits: RiskLimits = FREE) -> None:
        self.limits = limits

    async def load_limits(self, account_id: str) -> RiskLimits | None:
        return self.limits

    async def save_limits(self, account_id: str, limits: RiskLimits) -> None:
        self.limits = limits


def engine(
    account: AccountSnapshot = LONG, *, depths: Depths | None = None, history: Shelf | None = None,
    limits: RiskLimits = FREE, **rest: Any,
) -> DriftHedgingEngine:  # fmt: skip
    clock = FakeClock()
    fleet = Fleet(FakeReader(clock, account), ["main"], clock)
    figures = DriftRiskEngine("main", fleet, history or shelf(), clock)
    return DriftHedgingEngine(
        "main", fleet, figures, clock, limits=Limits(limits), cache=CACHE,
        **{"desk": Desk(), "depth": depths or Depths(), **rest},
    )  # fmt: skip


async def correlations() -> CorrelationMatrix:
    """Of the engine's account and its instrument, as the risk desk states them."""
    clock = FakeClock()
    both = make_account(make_position(1.0), make_position(0.1, entry_usd=50_000.0, market_index=1), usdc=9_000.0)
    fleet = Fleet(FakeReader(clock, both), ["main"], clock)
    return await DriftRiskEngine("main", fleet, shelf(), clock).calculate_correlation_matrix()


async def test_a_delta_hedge_closes_the_position_it_hedges() -> None:
    found = await engine().calculate_hedge_requirements(0.0)
    (trade,) = found.required_trades
    assert (trade.market, trade.side, trade.size, trade.reduce_only) == ("SOL-PERP", Side.SELL, 100.0, True)
    assert (found.current_delta, found.delta_deviation, found.net_delta_after) == (10_000.0, 10_000.0, 0.0)


async def test_collateral_that_moves_is_hedged_beyond_the_position() -> None:
    found = await engine(MIXED).calculate_hedge_requirements()
    assert [(trade.size, trade.reduce_only, trade.priority) for trade in found.required_trades] == [
        (100.0, True, 1),
        (10.0, False, 2),
    ]


@pytest.mark.parametrize("strategy", list(HedgeStrategy))
@pytest.mark.parametrize("account", [LONG, SHORT])
async def test_every_strategy_answers_by_name_and_takes_variance_away(
    account: AccountSnapshot, strategy: HedgeStrategy
) -> None:
    target = 0.2 if strategy is HedgeStrategy.VOLATILITY else None
    found = await engine(account).calculate_hedge_requirements(target, strategy=strategy.value)
    assert found.strategy is strategy
    assert found.required_trades
    assert 0 < (found.variance_reduction or 0.0) <= 1
    assert found.confidence_score == min(found.confidence.values())
    assert set(found.confidence) == {"r2", "data age", "depth"}


async def test_a_volatility_without_a_target_is_that_of_the_limit_on_var() -> None:
    limits = RiskLimits(max_var_1d_percent=0.05)
    found = await engine(LONG, limits=limits).calculate_hedge_requirements(strategy="volatility")
    daily = 0.05 / 1.6449
    assert found.target_delta < found.current_delta
    assert found.net_delta_after / 5_000.0 * 0.04 == pytest.approx(daily, rel=0.5)


async def test_a_hedge_that_is_held_is_still_what_is_hedged_with() -> None:
    first = await engine(LONG).calculate_hedge_requirements(strategy="correlation")
    (trade,) = first.required_trades
    held = make_account(
        make_position(100.0), make_position(-trade.size, entry_usd=50_000.0, market_index=1), usdc=5_000.0
    )  # fmt: skip
    again = await engine(held).calculate_hedge_requirements(strategy="correlation")
    assert again.required_trades == ()
    assert abs(again.current_delta) < 0.01 * first.current_delta


async def test_a_dynamic_hedge_that_is_held_is_not_traded_again() -> None:
    first = await engine(LONG).calculate_hedge_requirements(strategy="dynamic")
    (trade,) = first.required_trades
    held = make_account(
        make_position(100.0), make_position(-trade.size, entry_usd=50_000.0, market_index=1), usdc=5_000.0
    )  # fmt: skip
    assert (await engine(held).calculate_hedge_requirements(strategy="dynamic")).required_trades == ()


async def test_requirements_become_a_proposal_and_nothing_else() -> None:
    desk = Desk()
    hedging = engine(MIXED, desk=desk)
    found = await hedging.calculate_hedge_requirements(0.0)
    result = await hedging.execute_hedge_trades(found)
    assert (result.proposal_id, result.state, result.refusal) == ("P1", ProposalState.OPEN, None)
    (plan,) = desk.plans
    assert plan.purpose is Purpose.HEDGE
    assert plan.title == "Hedge to a delta of 0 USD, delta"
    assert [(trade.market, trade.size_base, trade.reduce_only) for trade in plan.trades] == [
        ("SOL-PERP", 100.0, True),
        ("SOL-PERP", 10.0, False),
    ]
    assert predicted_of(plan.notes) == pytest.approx(1.0)
    assert ratio_of(plan.trades[0].reasoning) == 1.0


async def test_nothing_can_be_executed_without_the_desk() -> None:
    hedging = engine(desk=None)
    found = await hedging.calculate_hedge_requirements(0.0)
    result = await hedging.execute_hedge_trades(found)
    assert (result.proposal_id, result.state) == ("", None)
    assert result.refusal is not None
    assert "not switched on" in result.refusal.reason


async def test_what_the_desk_refuses_is_handed_back() -> None:
    refused = Refusal(reason="trading is halted", nearest="/resume")
    hedging = engine(desk=Desk(refused))
    result = await hedging.execute_hedge_trades(await hedging.calculate_hedge_requirements(0.0))
    assert (result.proposal_id, result.refusal) == ("", refused)


async def test_requirements_of_nobody_or_of_another_account_go_nowhere() -> None:
    desk = Desk()
    hedging = engine(make_account(usdc=100.0), desk=desk)
    empty = await hedging.calculate_hedge_requirements(0.0)
    assert (await hedging.execute_hedge_trades(empty)).refusal is not None
    with pytest.raises(BadParameter, match="of account other"):
        await hedging.execute_hedge_trades(replace(empty, account_id="other"))
    assert desk.plans == []


def test_no_file_of_hedging_can_reach_a_gateway() -> None:
    folder = Path(risk.__file__).parent
    for path in (folder / "hedging_engine.py", *(folder / "hedging").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert "OrderGateway" not in names
            assert "OrderBatch" not in names
            assert not any(name.split(".")[0] in ("venues", "bot", "storage") for name in names)


@pytest.mark.parametrize("strategy", list(HedgeStrategy))
async def test_an_account_that_holds_nothing_needs_no_hedge(strategy: HedgeStrategy) -> None:
    found = await engine(make_account(usdc=100.0)).calculate_hedge_requirements(strategy=strategy)
    assert found.required_trades == ()
    assert "nothing that moves" in found.unhedged[0]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"strategy": "martingale"}, "there is no strategy martingale; strategies are delta, beta"),
        ({"target_delta": float("nan")}, "a finite number"),
        ({"target_delta": float("inf")}, "a finite number"),
        ({"strategy": "volatility", "target_delta": 0.0}, "a volatility target lies above 0"),
        ({"strategy": "volatility", "target_delta": 0.3, "reference": "SOL"}, "has no reference"),
        ({"strategy": "beta", "reference": "DOGE"}, "stated in SOL or BTC"),
        ({"strategy": "correlation", "instruments": ["DOGE-PERP"]}, "is not among the markets that were read"),
        ({"horizon_hours": 0.0}, "a horizon is a number of hours"),
    ],
)
async def test_questions_without_an_answer_say_what_would_have_one(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        await engine().calculate_hedge_requirements(**asked)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": MarketStatus.FILL_PAUSED}, "is paused"),
        ({"status": MarketStatus.DELISTED}, "is delisted"),
        ({"bids": ()}, "has no book"),
        ({"problem": "its oracle is stale"}, "its oracle is stale"),
        ({"oracle_usd": 0.0}, "has no positive price"),
        ({"minimum_raw_1e9": 200 * 10**9}, "takes no order below 200"),
    ],
)
async def test_a_market_that_takes_no_order_is_left_out_with_a_sentence(changes: dict[str, Any], words: str) -> None:
    found = await engine(depths=Depths(make_depth(**changes), btc_depth())).calculate_hedge_requirements(0.0)
    assert found.required_trades == ()
    assert found.net_delta_after == found.current_delta
    (said,) = found.unhedged
    assert words in said
    assert said.startswith("10,000.00 USD of SOL stays open")


async def test_a_reduce_only_market_still_lets_out() -> None:
    shut = Depths(make_depth(status=MarketStatus.REDUCE_ONLY), btc_depth())
    found = await engine(MIXED, depths=shut).calculate_hedge_requirements(0.0)
    assert [trade.reduce_only for trade in found.required_trades] == [True]
    assert "is reduce-only" in found.unhedged[0]


async def test_without_a_book_at_hand_nothing_is_priced() -> None:
    with pytest.raises(CannotAssess, match="no order book is at hand"):
        await engine(depth=None).calculate_hedge_requirements(0.0)


async def test_delta_needs_no_history_and_the_others_say_what_is_missing() -> None:
    bare = engine(history=Shelf({}))
    found = await bare.calculate_hedge_requirements(0.0)
    assert (found.variance_reduction, found.n) == (None, 0)
    assert found.required_trades
    with pytest.raises(NotEnoughData, match="daily bars of"):
        await bare.calculate_hedge_requirements(0.0, strategy="beta")


async def test_an_instrument_without_history_is_left_out() -> None:
    only_sol = Shelf({"SOL": shelf().candles_by_asset["SOL"]})
    found = await engine(history=only_sol).calculate_hedge_requirements(strategy="correlation")
    assert any("no hedge through BTC-PERP: daily bars of BTC" in said for said in found.unhedged)
    assert [trade.market for trade in found.required_trades] == ["SOL-PERP"]


async def test_old_data_and_a_weak_fit_lower_the_confidence() -> None:
    returns = correlated(700, (0.04, 0.02), 0.9)
    old = Shelf({
        asset: daily_candles(asset, returns[:, at], ends="2026-01-01") for at, asset in enumerate(("SOL", "BTC"))
    })  # fmt: skip
    found = await engine(history=old).calculate_hedge_requirements(strategy="correlation")
    assert found.data_age_s == 4.5 * 86_400
    assert found.confidence["data age"] == pytest.approx(1 - 3.5 / 6)
    assert found.confidence_score == pytest.approx(min(found.confidence.values()))


async def test_an_account_that_cannot_be_assessed_is_not_hedged() -> None:
    blind = replace(LONG, oracles={**LONG.oracles, "sol": OracleReading(oracle_id="sol", price_usd=0.0)})
    market = replace(LONG.perp_markets[0], oracle_validity=OracleValidity.NON_POSITIVE)
    with pytest.raises(CannotAssess):
        await engine(replace(blind, perp_markets={0: market})).calculate_hedge_requirements(0.0)


async def test_other_correlations_change_a_hedge_only_beyond_the_band() -> None:
    hedging = engine()
    before = await hedging.calculate_hedge_requirements(strategy="correlation")
    same = (await correlations()).values
    assert not await hedging.adjust_hedge_ratios(same, assets=("BTC", "SOL"))
    assert await hedging.adjust_hedge_ratios(np.array([[1.0, 0.99], [0.99, 1.0]]), assets=("BTC", "SOL"))
    after = await hedging.calculate_hedge_requirements(strategy="correlation")
    assert after.required_trades[0].size > 1.2 * before.required_trades[0].size
    assert (after.variance_reduction or 0) == pytest.approx(0.98, abs=0.01)


async def test_correlations_are_taken_in_every_form_they_have() -> None:
    hedging = engine()
    matrix = await correlations()
    returns = correlated(400, (0.02, 0.04), 0.7)
    for given in (matrix, fit_dcc(returns), CorrelationModel(), matrix.values.tolist()):
        assert isinstance(await hedging.adjust_hedge_ratios(given), bool)
    with pytest.raises(BadSeries, match="square matrix of 2"):
        await hedging.adjust_hedge_ratios(np.eye(3))
    with pytest.raises(BadParameter, match="stands there twice"):
        await hedging.adjust_hedge_ratios(np.eye(2), assets=("SOL", "SOL"))


async def test_an_emergency_proposes_what_helps_most_and_only_reduces() -> None:
    desk = Desk()
    found = await engine(BOTH, desk=desk).emergency_hedge(1)
    assert len(found.trades) == 1
    assert found.trades[0].reduce_only
    assert found.result.proposal_id == "P1"
    assert desk.plans[0].purpose is Purpose.EMERGENCY
    assert desk.plans[0].title == "Emergency: close 1 of 2 positions"
    assert "no more than 1 trade was" in found.unhedged[0]


async def test_an_emergency_without_positions_or_desk_proposes_nothing() -> None:
    assert (await engine(make_account(usdc=10.0)).emergency_hedge()).result.proposal_id == ""
    found = await engine(BOTH, desk=None).emergency_hedge()
    assert (len(found.trades), found.result.proposal_id) == (2, "")
    with pytest.raises(BadParameter):
        await engine().emergency_hedge(0)


async def test_monitoring_says_that_nothing_was_hedged_or_how_it_went() -> None:
    assert (await engine().monitor_hedge_effectiveness()).assessed == "nothing was hedged yet"
    fill = FilledHedge(
        market="BTC-PERP", side=Side.SELL, size_base=0.2, price_usd=50_000.0, fee_usd=5.0,
        filled_at=NOW - timedelta(days=60),
    )  # fmt: skip
    hedged = make_account(
        make_position(100.0), make_position(-0.2, entry_usd=50_000.0, market_index=1), usdc=5_000.0
    )  # fmt: skip
    found = await engine(hedged, hedges=Log(fill)).monitor_hedge_effectiveness()
    assert (found.hedges, found.n) == (1, 59)
    assert 0 < (found.realized_reduction or 0.0) < 1


class Log:
    """Implements risk.trade_ports.HedgeLog."""

    def __init__(self, *hedges: FilledHedge) -> None:
        self._hedges = hedges

    async def hedges(self, account_id: str) -> Sequence[FilledHedge]:
        return self._hedges


async def test_an_account_is_hedged_in_a_market_it_has_nothing_in_where_somebody_brings_it_along() -> None:
    async with trade_bot() as bot:
        await bot.app.history.look()
        exchange = await bot.venue.reach()
        for order in list(exchange.world.accounts["demo-0"].orders):
            exchange.cancel("demo-0", order)
        exchange.market_order("demo-0", "BTC-PERP", Side.BUY, 0.15)
        exchange.market_order("demo-0", "ETH-PERP", Side.SELL, 11.0)
        exchange.settle_pnl("demo-0", "BTC-PERP")
        exchange.settle_pnl("demo-0", "ETH-PERP")
        bot.clock.pass_s(10)
        await bot.app.watch.check()
        latest = bot.app.services.fleet.latest
        assert latest is not None
        assert latest.book.perp_markets.names == ("SOL-PERP",)

        found = await bot.app.services.desks.hedging("demo-0").calculate_hedge_requirements(
            0.0, strategy=HedgeStrategy.BETA, reference="BTC"
        )

        assert [(one.market, one.side) for one in found.required_trades] == [("BTC-PERP", Side.SELL)]
