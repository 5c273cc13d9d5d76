"""Questions of a hedge put straight to the pure functions, on made-up accounts."""

from collections.abc import Mapping, Sequence

from risk.hedging.choosing import hours_of, instruments_of, own_perps, reference_of
from risk.hedging.exposures import exposures
from risk.hedging.requirements import HedgeTask
from risk.margin.build import book_of
from risk.margin.plan import MarginPlan
from risk.model.account import AccountSnapshot
from risk.model.hedge import HedgeStrategy
from risk.model.limits import RiskLimits
from risk.model.trading import MarketDepth
from risk.stats.fits import FitCache
from risk.stats.history import BookHistory, book_history
from tests.risk.builders import NOW
from tests.risk.hedging.books import btc_depth, make_depth
from tests.risk.histories import Shelf, shelf

SHELF = shelf()
CACHE = FitCache()
FREE = RiskLimits(
    max_portfolio_leverage=1_000.0, max_position_size_usd=1e12, max_position_size_percent=1_000.0,
    max_correlation_exposure=1.0, max_var_1d_percent=1.0, min_health_ratio=100.0, max_drawdown_percent=1.0,
)  # fmt: skip


def history_of(account: AccountSnapshot, also: Sequence[str] = (), history: Shelf = SHELF) -> BookHistory:
    """Of an account's assets and some others."""
    plan = MarginPlan.of(book_of([account]))
    assets = tuple(sorted({*exposures(plan).assets, *also}))
    return book_history(plan, history.candles_by_asset, now=NOW, assets=assets, wanted=also)


def make_task(
    account: AccountSnapshot, strategy: HedgeStrategy = HedgeStrategy.DELTA, target: float = 0.0, *,
    depths: Mapping[str, MarketDepth] | None = None, limits: RiskLimits = FREE, reference: str = "",
    instruments: Sequence[str] = (),
) -> HedgeTask:  # fmt: skip
    """One question as the engine would put it."""
    book = book_of([account])
    found = exposures(MarginPlan.of(book))
    against = reference_of(reference, strategy)
    perps = instruments_of(book, found, strategy, against, instruments) or own_perps(book, found)
    return HedgeTask(
        account_id="main", book=book, found=found,
        depths={"SOL-PERP": make_depth(), "BTC-PERP": btc_depth()} if depths is None else depths,
        history=history_of(account, ("BTC", "SOL")), limits=limits, strategy=strategy, target=target,
        reference=against, instruments=perps, hours=hours_of(None, strategy), now=NOW, cache=CACHE,
        usual=not instruments,
    )  # fmt: skip
