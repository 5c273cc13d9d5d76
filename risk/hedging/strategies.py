"""What each strategy wants of a task: pure, one function for each, and a table of them."""

from collections.abc import Callable, Mapping, Sequence

from risk.errors import CannotAssess, NotEnoughData
from risk.hedging.band import HORIZON_HOURS, Costs, half_width_usd, worth_trading
from risk.hedging.beta import beta_delta_usd, deltas_by_asset
from risk.hedging.covariance import Forecast, averaged, forecast, sampled
from risk.hedging.delta import beyond, delta_hedge, gross_after, kept_share
from risk.hedging.given import GivenCorrelations
from risk.hedging.markets import Wanted, why_not
from risk.hedging.minimum_variance import VarianceHedge, minimum_variance
from risk.hedging.requirements import HedgeTask, Intent, answer, residual_sentence
from risk.hedging.volatility import kept_share_for, volatility_of
from risk.hedging.walk import cost_frac
from risk.margin.assets import asset_of
from risk.model.account import Side
from risk.model.hedge import HedgeRequirements, HedgeStrategy
from risk.stats.history import BookHistory

_LEAST_USD = 1e-6
_HEDGE_SHARE = 0.1
_SOME_BASE_USD = 1_000.0  # what costs are first looked at for, before anybody knows the size


def requirements(task: HedgeTask) -> HedgeRequirements:
    """The answer. Raises: BadParameter, NotEnoughData, CannotAssess."""
    if not task.found.gross_usd > 0:
        return answer(task, Intent(wanted=(), target_usd=0.0, reference=task.reference))
    return answer(task, _INTENTS[task.strategy](task))


def _history(task: HedgeTask) -> BookHistory:
    if task.history is None:
        raise NotEnoughData("daily bars of the account's assets", found=0, needed=60)
    return task.history


def _delta(task: HedgeTask) -> Intent:
    found = task.found
    model = averaged(task.history) if task.history is not None else None
    weights: Mapping[str, float] | None = None
    if task.reference:
        weights = sampled(_history(task)).betas(task.reference)
    current = found.net_usd if weights is None else found.weighted(weights)
    keep = kept_share(current, task.target)
    wanted, left = delta_hedge(task.book, found, keep)
    too_far = beyond(current, task.target)
    return Intent(
        wanted=wanted, target_usd=task.target, weights=weights, reference=task.reference, forecast=model,
        needs_history=bool(task.reference), measures=(lambda changes: gross_after(found, changes),),
        left=(*((too_far,) if too_far else ()), *left),
    )  # fmt: skip


def _volatility(task: HedgeTask) -> Intent:
    found, model = task.found, averaged(_history(task))
    now = volatility_of(model, found)
    keep = kept_share_for(task.target, now)
    wanted, left = delta_hedge(task.book, found, keep)
    calm = f"the account's volatility is {now:.0%} a year, not above the {task.target:.0%} wanted: nothing to do"
    return Intent(
        wanted=wanted, target_usd=keep * found.net_usd, forecast=model, needs_history=True, by_variance=True,
        measures=(lambda changes: gross_after(found, changes),), left=(*((calm,) if keep >= 1.0 else ()), *left),
    )  # fmt: skip


def _beta(task: HedgeTask) -> Intent:
    """One instrument; what of the variance it cannot take is stated."""
    found, model = task.found, sampled(_history(task))
    market = _market_of(task, task.reference)
    current = beta_delta_usd(model, found, task.reference)
    keep = kept_share(current, task.target)
    hedge = minimum_variance(model, deltas_by_asset(found), (task.reference,))
    too_far = beyond(current, task.target)
    left = ((too_far,) if too_far else ()) + hedge.refused
    change = -(1.0 - keep) * current
    wanted: tuple[Wanted, ...] = ()
    if hedge.amounts_usd and abs(change) > _LEAST_USD:
        wanted = (
            Wanted(
                market=market, asset=task.reference, change_usd=change, ratio=abs(change) / found.gross_usd,
                help=abs(change), why=f"beta-adjusted delta is {current:,.0f} USD, R2 {hedge.r2:.2f}",
                own=False,
            ),
        )  # fmt: skip
    return Intent(
        wanted=wanted, target_usd=task.target, weights=model.betas(task.reference), reference=task.reference,
        forecast=model, r2=hedge.r2, needs_history=True, left=(*left, *_residual(hedge)),
    )  # fmt: skip


def _residual(hedge: VarianceHedge) -> tuple[str, ...]:
    if not hedge.amounts_usd or hedge.r2 > 1 - 1e-9:
        return ()
    return (residual_sentence(hedge.r2, hedge.residual_usd),)


def _correlation(task: HedgeTask) -> Intent:
    model, notes = _forecast(task)

    def solve(assets: Sequence[str], keep: float) -> Mapping[str, float]:
        hedge = minimum_variance(model, deltas_by_asset(task.found), assets)
        return {asset: (1.0 - keep) * amount for asset, amount in hedge.amounts_usd.items()}

    return _through(task, model, notes, solve)


def _dynamic(task: HedgeTask) -> Intent:
    model, notes = _forecast(task)
    bands: dict[str, float] = {}

    def solve(assets: Sequence[str], keep: float) -> Mapping[str, float]:
        hedge = minimum_variance(model, deltas_by_asset(task.found), assets)
        whole = {asset: (1.0 - keep) * delta for asset, delta in deltas_by_asset(task.found).items()}
        costs = {asset: _costs(task, asset, abs(amount)) for asset, amount in hedge.amounts_usd.items()}
        for asset, amount in hedge.amounts_usd.items():
            toward = costs[asset].buy_frac if amount > 0 else costs[asset].sell_frac
            at = model.assets.index(asset)
            bands[asset] = half_width_usd(
                toward, float(model.values[at, at]), task.found.equity_usd, task.hours / 24.0
            )  # fmt: skip
        return worth_trading(
            model, whole, tuple(hedge.amounts_usd), costs, equity_usd=task.found.equity_usd, days=task.hours / 24.0
        )  # fmt: skip

    intent = _through(task, model, notes, solve)
    said = tuple(
        f"{asset}: within {band:,.0f} USD of the best hedge a trade costs more than it saves over {task.hours:g} hours"
        for asset, band in bands.items()
        if any(asset_of(market) == asset for market in task.instruments)
    )
    return Intent(
        wanted=intent.wanted, target_usd=intent.target_usd, weights=intent.weights, reference=intent.reference,
        forecast=intent.forecast, r2=intent.r2, needs_history=True, by_variance=True, left=(*intent.left, *said),
        warnings=intent.warnings,
    )  # fmt: skip


def _costs(task: HedgeTask, asset: str, amount_usd: float) -> Costs:
    depth = task.depths[_market_of(task, asset)]
    size = max(amount_usd, min(_SOME_BASE_USD, task.found.gross_usd)) / depth.oracle_usd
    return Costs(
        buy_frac=cost_frac(depth, Side.BUY, size, task.hours), sell_frac=cost_frac(depth, Side.SELL, size, task.hours)
    )


def _through(
    task: HedgeTask, model: Forecast, notes: tuple[str, ...],
    solve: Callable[[Sequence[str], float], Mapping[str, float]],
) -> Intent:  # fmt: skip
    """Several instruments; one that cannot take its trade is left out, and the others are asked again without it."""
    deltas = deltas_by_asset(task.found)
    assets = list(_instruments(task, model))
    left = list[str]()
    for asset in tuple(assets):  # what nobody can trade in at all, whatever the side
        market = _market_of(task, asset)
        reasons = {why_not(task.depths, market, side, reducing=True) for side in Side}
        if "" not in reasons:
            left.append(f"no hedge through {market}: it {min(reasons)}")
            assets.remove(asset)
    first = minimum_variance(model, deltas, assets)
    reference = task.reference or max(
        first.amounts_usd or assets, key=lambda asset: abs(first.correlations.get(asset, 0.0)), default=""
    )
    weights = model.betas(reference) if reference in model.assets else None
    current = task.found.net_usd if weights is None else task.found.weighted(weights)
    keep = kept_share(current, task.target)
    amounts: Mapping[str, float] = {}
    while assets:
        amounts = solve(assets, keep)
        blocked = [asset for asset, amount in amounts.items() if (reason := _blocked(task, asset, amount))]
        if not blocked:
            break
        for asset in blocked:
            reason = _blocked(task, asset, amounts[asset])
            left.append(f"no hedge through {_market_of(task, asset)}: it {reason}")
            assets.remove(asset)
        amounts = {}
    hedge = minimum_variance(model, deltas, assets)
    too_far = beyond(current, task.target)
    if not hedge.amounts_usd:
        left.append("nothing is hedged: no perp moves with this account closely enough, or none can be traded")
    wanted = tuple(
        Wanted(
            market=_market_of(task, asset), asset=asset, change_usd=amount, ratio=abs(amount) / task.found.gross_usd,
            help=abs(amount) * abs(hedge.correlations.get(asset, 0.0)),
            why=f"correlation {hedge.correlations.get(asset, 0.0):+.2f} with the account by {model.method}, R2 of the"
            f" hedge {hedge.r2:.2f}",
            own=False,
        )
        for asset, amount in amounts.items()
        if abs(amount) > _LEAST_USD
    )  # fmt: skip
    return Intent(
        wanted=wanted, target_usd=task.target, weights=weights, reference=reference if weights is not None else "",
        forecast=model, r2=hedge.r2, needs_history=True, by_variance=True,
        left=(*((too_far,) if too_far else ()), *hedge.refused, *left, *_residual(hedge)), warnings=notes,
    )  # fmt: skip


def _instruments(task: HedgeTask, model: Forecast) -> tuple[str, ...]:
    """Assets to hedge with. Of the usual ones those that carry no more than a tenth of the account's variance: what is
    not held, and what is held as a hedge, for a hedge carries next to none. All of them where each carries more.
    """
    assets = tuple(asset_of(market) for market in task.instruments)
    if not task.usual:
        return assets
    deltas = deltas_by_asset(task.found)
    whole, shared = model.variance(deltas), model.values @ model.vector(deltas)
    free = tuple(
        asset
        for asset in assets
        if deltas.get(asset, 0.0) * float(shared[model.assets.index(asset)]) <= _HEDGE_SHARE * whole
    )
    return free or assets


def _blocked(task: HedgeTask, asset: str, amount_usd: float) -> str:
    if abs(amount_usd) <= _LEAST_USD:
        return ""
    market = _market_of(task, asset)
    side = Side.BUY if amount_usd > 0 else Side.SELL
    held = task.found.of(asset)
    return why_not(task.depths, market, side, reducing=held * amount_usd < 0)


def _forecast(task: HedgeTask) -> tuple[Forecast, tuple[str, ...]]:
    model = task.adjust(forecast(_history(task), task.cache))
    return model, model.notes


def _market_of(task: HedgeTask, asset: str) -> str:
    """The instrument about an asset. Raises: CannotAssess where none was read."""
    for market in task.instruments:
        if asset_of(market) == asset:
            return market
    raise CannotAssess([f"no perp on {asset} was read, so nothing can be hedged with it"])


_INTENTS: Mapping[HedgeStrategy, Callable[[HedgeTask], Intent]] = {
    HedgeStrategy.DELTA: _delta,
    HedgeStrategy.BETA: _beta,
    HedgeStrategy.CORRELATION: _correlation,
    HedgeStrategy.VOLATILITY: _volatility,
    HedgeStrategy.DYNAMIC: _dynamic,
}


def ratios_change(task: HedgeTask, given: GivenCorrelations) -> bool:
    """Whether other correlations move the best amount of any instrument out of its no-trade band."""
    if task.history is None or not task.instruments:
        return False
    now, _ = _forecast(task)
    assets = tuple(
        asset
        for asset in _instruments(task, now)
        if any(not why_not(task.depths, _market_of(task, asset), side, reducing=True) for side in Side)
    )
    deltas = deltas_by_asset(task.found)
    before = minimum_variance(now, deltas, assets).amounts_usd
    after = minimum_variance(now.with_correlations(given.assets, given.values), deltas, assets).amounts_usd
    days = HORIZON_HOURS / 24.0
    for asset in assets:
        moved = abs(after.get(asset, 0.0) - before.get(asset, 0.0))
        cost = _costs(task, asset, max(abs(after.get(asset, 0.0)), abs(before.get(asset, 0.0))))
        at = now.assets.index(asset)
        if moved > half_width_usd(cost.smaller_frac, float(now.values[at, at]), task.found.equity_usd, days):
            return True
    return False
