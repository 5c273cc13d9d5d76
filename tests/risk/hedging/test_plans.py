"""What every plan of a hedge keeps, on whatever account, book and limits it is made."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.hedging.covariance import averaged, forecast, sampled
from risk.hedging.exposures import exposures, usd_per_base
from risk.hedging.markets import position_base
from risk.hedging.requirements import HedgeTask
from risk.hedging.steps import Standing, least_free_usd
from risk.hedging.strategies import requirements
from risk.hedging.walk import takes_base, walk
from risk.margin.book import FleetBook
from risk.margin.plan import MarginPlan
from risk.margin.trade import with_trade
from risk.model.account import AccountSnapshot, Side
from risk.model.hedge import HedgeRequirements, HedgeStrategy
from risk.model.limits import RiskLimits
from risk.model.market import MarketStatus
from risk.model.trading import DepthLevel, MarketDepth
from tests.risk.builders import make_account, make_balance, make_position
from tests.risk.hedging.books import btc_depth, make_depth
from tests.risk.hedging.tasks import CACHE, FREE, history_of, make_task

LONG = make_account(make_position(100.0), usdc=20_000.0)
PAIR = make_account(
    make_position(100.0), make_position(-0.2, entry_usd=50_000.0, market_index=1), usdc=20_000.0
)  # fmt: skip


def books_after(task: HedgeTask, found: HedgeRequirements) -> Iterator[FleetBook]:
    """The account after each trade, made here anew."""
    book = task.book
    for trade in found.required_trades:
        taken = walk(task.depths[trade.market], trade.side, trade.size)
        signed = trade.size if trade.side is Side.BUY else -trade.size
        book = with_trade(book, trade.market, signed, price_usd=taken.average_usd, fee_usd=taken.fee_usd)
        yield book


@st.composite
def accounts(draw: st.DrawFn) -> AccountSnapshot:
    sol = draw(st.one_of(st.just(0.0), st.integers(-20_000, 20_000).map(lambda n: n / 100)))
    btc = draw(st.one_of(st.just(0.0), st.integers(-4_000, 4_000).map(lambda n: n / 10_000)))
    spot = draw(st.sampled_from([0.0, 30.0, -5.0]))
    positions = [make_position(sol)] if sol else []
    positions += [make_position(btc, entry_usd=50_000.0, market_index=1)] if btc else []
    gross = abs(sol) * 100 + abs(btc) * 50_000 + abs(spot) * 120
    usdc = draw(st.sampled_from([0.12, 0.15, 0.2, 0.5, 2.0])) * gross + 50.0 - 100.0 * min(spot, 0.0)
    return make_account(*positions, usdc=round(usdc, 2), balances=[make_balance(spot)] if spot else [])


@st.composite
def depths(draw: st.DrawFn) -> dict[str, MarketDepth]:
    found: dict[str, MarketDepth] = {}
    for depth in (make_depth(), btc_depth()):
        share = draw(st.sampled_from([1.0, 1.0, 0.02]))
        changes: dict[str, object] = {
            side: tuple(replace(level, size_base=level.size_base * share) for level in getattr(depth, side))
            for side in ("bids", "asks")
        }
        changes["status"] = draw(
            st.sampled_from([MarketStatus.ACTIVE] * 4 + [MarketStatus.REDUCE_ONLY, MarketStatus.FILL_PAUSED])
        )
        changes["funding_hourly_frac"] = draw(st.sampled_from([0.0, 1e-4, -1e-4]))
        changes["problem"] = draw(st.sampled_from(["", "", "", "its oracle is stale"]))
        if draw(st.integers(0, 5)) == 0:
            changes["bids"] = ()
        found[depth.market] = replace(depth, **changes)  # type: ignore[arg-type]  # each by its own field's type
    return found


LIMITS = st.sampled_from([FREE, RiskLimits(), replace(FREE, max_portfolio_leverage=2.0, min_health_ratio=300.0)])


@given(
    account=accounts(), market=depths(), limits=LIMITS, strategy=st.sampled_from(HedgeStrategy),
    share=st.sampled_from([0.0, 0.0, 0.3, -0.5, 1.5]), volatility=st.floats(0.05, 3.0),
    reference=st.sampled_from(["", "SOL", "BTC"]),
)  # fmt: skip
def test_a_plan_keeps_every_promise(
    account: AccountSnapshot, market: dict[str, MarketDepth], limits: RiskLimits, strategy: HedgeStrategy,
    share: float, volatility: float, reference: str,
) -> None:  # fmt: skip
    if strategy is HedgeStrategy.VOLATILITY:
        reference = ""
    task = make_task(account, strategy, depths=market, limits=limits, reference=reference)
    current = requirements(replace(task, target=0.5)).current_delta
    target = volatility if strategy is HedgeStrategy.VOLATILITY else share * current
    task = replace(task, target=target)
    found = requirements(task)
    states = [Standing.of(task.book), *(Standing.of(book) for book in books_after(task, found))]
    after = exposures(MarginPlan.of([task.book, *books_after(task, found)][-1]))

    # It never enlarges what it hedges, in the strategy's own measure.
    if strategy in (HedgeStrategy.DELTA, HedgeStrategy.VOLATILITY):
        assert after.gross_usd <= task.found.gross_usd * (1 + 1e-6) + 0.01
    if strategy in (HedgeStrategy.DELTA, HedgeStrategy.BETA):
        assert abs(found.net_delta_after) <= abs(found.current_delta) * (1 + 1e-6) + 0.01
    model = {HedgeStrategy.BETA: sampled, HedgeStrategy.CORRELATION: None, HedgeStrategy.DYNAMIC: None}.get(
        strategy, averaged
    )
    history = history_of(account, ("BTC", "SOL"))
    covariance = model(history) if model is not None else forecast(history, CACHE)
    deltas = [
        covariance.variance(dict(zip(one.assets, one.delta_usd.tolist(), strict=True))) for one in (task.found, after)
    ]
    assert deltas[1] <= deltas[0] * (1 + 1e-6) + 1e-3

    # Sizes, depth and reduce-only.
    book = task.book
    for trade, following in zip(found.required_trades, books_after(task, found), strict=True):
        depth = task.depths[trade.market]
        raw = round(trade.size * 1e9)
        assert raw == pytest.approx(trade.size * 1e9, abs=1e-3)
        assert raw % depth.step_raw_1e9 == 0
        assert raw >= depth.minimum_raw_1e9
        assert trade.size <= takes_base(depth, trade.side) * (1 + 1e-9)
        held, left = position_base(book, trade.market), position_base(following, trade.market)
        if trade.reduce_only:
            assert abs(left) <= abs(held)
            assert held * left >= 0
        else:
            assert depth.status is not MarketStatus.REDUCE_ONLY
            assert held == 0 or held * (left - held) > 0  # what could have reduced went before, as reducing
        assert depth.status is not MarketStatus.FILL_PAUSED
        assert not depth.problem
        book = following
    assert [trade.priority for trade in found.required_trades] == list(range(1, len(found.required_trades) + 1))
    order = [trade.reduce_only for trade in found.required_trades]
    assert order == sorted(order, reverse=True)

    # Margin suffices at each step, and limits that held still hold; broken ones are no worse.
    for before, then in pairwise(states):
        assert least_free_usd(then) >= min(0.0, least_free_usd(before)) - 0.02
    first, last = states[0], states[-1]
    if found.required_trades:
        assert last.leverage <= max(limits.max_portfolio_leverage, first.leverage * (1 + 1e-9))
        assert last.ratio_percent >= min(limits.min_health_ratio, first.ratio_percent * (1 - 1e-9))
        for name, notional in last.notional_usd.items():
            allowed = min(limits.max_position_size_usd, limits.max_position_size_percent * last.equity_usd)
            assert notional <= max(allowed * (1 + 1e-6), first.notional_usd.get(name, 0.0) * (1 + 1e-9))

    # Whatever does not go is said.
    goal = found.target_delta
    if strategy is HedgeStrategy.DELTA and abs(goal) < abs(found.current_delta):
        steps = sum(
            (depth.minimum_raw_1e9 + depth.step_raw_1e9) / 1e9 * usd_per_base(task.book, name)
            for name, depth in task.depths.items()
        )
        assert found.unhedged or abs(found.net_delta_after - goal) <= 2 * steps
    assert found.confidence_score == min(found.confidence.values())
    assert 0 <= found.confidence_score <= 1


def test_a_target_keeps_its_share_of_every_asset() -> None:
    found = requirements(make_task(LONG, target=2_500.0))
    assert found.net_delta_after == pytest.approx(2_500.0)
    assert found.required_trades[0].size == pytest.approx(75.0)


def test_each_asset_is_hedged_in_its_own_perp_though_they_cancel_in_sum() -> None:
    found = requirements(make_task(PAIR))
    assert found.current_delta == 0.0
    assert {(trade.market, trade.side, trade.size) for trade in found.required_trades} == {
        ("SOL-PERP", Side.SELL, 100.0),
        ("BTC-PERP", Side.BUY, 0.2),
    }
    assert found.variance_reduction == pytest.approx(1.0)


def test_one_side_of_a_pair_alone_is_not_hedged_and_it_is_said() -> None:
    task = make_task(PAIR, depths={"SOL-PERP": make_depth(), "BTC-PERP": btc_depth(status=MarketStatus.DELISTED)})
    found = requirements(task)
    assert found.required_trades == ()
    assert any("BTC-PERP is delisted" in said for said in found.unhedged)
    assert any("it would add to the exposure it is to hedge" in said for said in found.unhedged)


def test_a_target_beyond_what_there_is_asks_for_nothing() -> None:
    found = requirements(make_task(LONG, target=12_000.0))
    assert found.required_trades == ()
    assert "a hedge only takes exposure away" in found.unhedged[0]


def test_a_limit_that_would_not_hold_cuts_the_hedge_and_is_named() -> None:
    task = make_task(LONG, HedgeStrategy.CORRELATION, limits=replace(FREE, max_position_size_usd=4_000.0))
    (trade,) = requirements(task).required_trades
    assert trade.size * 50_000 == pytest.approx(4_000.0, rel=0.01)
    assert any("would pass its limit of 4,000 USD" in said for said in requirements(task).unhedged)


def test_a_thin_book_cuts_the_trade_and_shows_in_the_confidence() -> None:
    thin = make_depth(
        bids=(DepthLevel(price_usd=99.99, size_base=10.0), DepthLevel(price_usd=97.0, size_base=20.0)),
    )
    found = requirements(make_task(LONG, depths={"SOL-PERP": thin, "BTC-PERP": btc_depth()}))
    assert found.required_trades[0].size == 30.0
    assert found.confidence["depth"] == pytest.approx(10 / 30)
    assert found.market_impact == pytest.approx((10 * 0.01 + 20 * 3.0) / 3_000.0)
    assert any("takes only 30 of 100" in said for said in found.unhedged)


def test_the_cost_is_fees_slippage_and_funding_of_the_horizon() -> None:
    found = requirements(make_task(LONG))
    taken = walk(make_depth(), Side.SELL, 100.0)
    # Selling a long saves the funding it would pay.
    assert found.estimated_cost == pytest.approx(taken.fee_usd + taken.slippage_usd - 1e-5 * 10_000.0 * 24)


def test_beta_hedging_is_the_regression_of_the_book_on_its_reference() -> None:
    found = requirements(make_task(LONG, HedgeStrategy.BETA, reference="BTC"))
    model = sampled(history_of(LONG, ("BTC", "SOL")))
    beta = model.values[0, 1] / model.values[0, 0]
    assert found.current_delta == pytest.approx(10_000.0 * beta)
    assert found.required_trades[0].size == pytest.approx(10_000.0 * beta / 50_000.0, abs=1e-4)
    correlation = model.correlation[0, 1]
    assert found.confidence["r2"] == pytest.approx(correlation**2)
    assert found.variance_reduction == pytest.approx(correlation**2, abs=1e-4)


def test_inside_the_band_nothing_is_traded_and_the_band_is_said() -> None:
    dear = btc_depth(taker_fee_frac=0.2)
    found = requirements(make_task(LONG, HedgeStrategy.DYNAMIC, depths={"BTC-PERP": dear}))
    assert found.required_trades == ()
    assert any("a trade costs more than it saves over 168 hours" in said for said in found.unhedged)


def test_outside_the_band_less_is_traded_than_without_one() -> None:
    no_funding = {"BTC-PERP": btc_depth(funding_hourly_frac=0.0)}
    dynamic = requirements(make_task(LONG, HedgeStrategy.DYNAMIC, depths=no_funding)).required_trades
    whole = requirements(make_task(LONG, HedgeStrategy.CORRELATION, depths=no_funding)).required_trades
    assert 0 < dynamic[0].size < whole[0].size


def test_a_volatility_target_scales_every_position_alike() -> None:
    account = make_account(
        make_position(100.0), make_position(0.2, entry_usd=50_000.0, market_index=1), usdc=20_000.0
    )  # fmt: skip
    calm = requirements(make_task(account, HedgeStrategy.VOLATILITY, 50.0 / 100))
    shares = {trade.hedge_ratio for trade in calm.required_trades}
    assert max(shares) - min(shares) < 1e-9
    history = history_of(account)
    model = averaged(history)
    before = model.variance({"SOL": 10_000.0, "BTC": 10_000.0})
    after = before * (1 - (calm.variance_reduction or 0.0))
    assert (after * 365) ** 0.5 / 20_000.0 == pytest.approx(0.5, rel=0.01)
    quiet = requirements(make_task(account, HedgeStrategy.VOLATILITY, 9.0))
    assert quiet.required_trades == ()
    assert "nothing to do" in quiet.unhedged[0]


@pytest.mark.parametrize("strategy", [HedgeStrategy.BETA, HedgeStrategy.CORRELATION])
def test_margin_that_would_not_suffice_cuts_the_hedge_and_is_said(strategy: HedgeStrategy) -> None:
    thin = make_account(make_position(100.0), usdc=1_300.0)
    task = make_task(thin, strategy, reference="BTC")
    found = requirements(task)
    (trade,) = found.required_trades
    whole = requirements(make_task(LONG, strategy, reference="BTC")).required_trades[0]
    assert trade.size < 0.5 * whole.size
    assert "initial margin would not be enough" in " ".join(found.unhedged)
    (after,) = books_after(task, found)
    assert 0 <= least_free_usd(Standing.of(after)) < 20.0
