"""Named scenarios, each a full revaluation of one account."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from risk.margin.assets import asset_of, columns_of, dollar_columns, is_dollar
from risk.margin.book import FleetBook, FloatArray
from risk.margin.evaluate import evaluate
from risk.margin.health import health_percent, liquidatable, worst_ratio_percent
from risk.margin.plan import MarginPlan
from risk.model.liquidation import StressOutcome

SHOCKS = (-0.50, -0.30, -0.20, -0.10, -0.05, 0.05, 0.10, 0.20, 0.30, 0.50)

# Open of 2025-10-10 to the day's low, Bybit perps. Thin books printed far lower there (AVAX -71 %, SUI -84 %), oracles
# did not; for assets not listed the figure lies between the worst hourly close (-28 %) and those prints.
WORST_DAY_2025_10_10: Mapping[str, float] = {"BTC": -0.169, "ETH": -0.242, "SOL": -0.336, "BNB": -0.312}
WORST_DAY_OTHERS = -0.50
DEPEG = -0.02
FUNDING_MULTIPLE = 10.0
FUNDING_HOURS = 24.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """A named change. ``factors`` scale the oracle columns; ``funding_hours`` of today's funding are paid on top."""

    name: str
    factors: FloatArray
    funding_hours: float = 0.0


def scenarios_for(book: FleetBook) -> tuple[Scenario, ...]:
    """The named scenarios for the assets that the accounts of a book hold; dollar tokens only depeg."""
    dollars = dollar_columns(book)
    everything = np.where(dollars, 0.0, 1.0)
    held = {asset_of(book.perp_markets.names[row]) for row in book.perps.market}
    held |= {asset_of(book.spot_markets.names[row]) for row in book.spots.market}
    touched = {asset: mask for asset, mask in columns_of(book).items() if asset in held and not is_dollar(asset)}
    found = [
        Scenario(name=f"{asset} {shock:+.0%}", factors=np.where(mask, 1.0 + shock, 1.0))
        for asset, mask in sorted(touched.items())
        for shock in SHOCKS
    ]
    found += [Scenario(name=f"all {shock:+.0%}", factors=1.0 + shock * everything) for shock in SHOCKS]
    crash = np.where(dollars, 1.0, 1.0 + WORST_DAY_OTHERS)
    for asset, fall in WORST_DAY_2025_10_10.items():
        if asset in touched:
            crash[touched[asset]] = 1.0 + fall
    found.append(Scenario(name="2025-10-10", factors=crash))
    still = np.ones(len(book.oracles.ids))
    for name in sorted({name for name in book.spot_markets.names if name.upper().startswith("USDC")})[:1]:
        found.append(Scenario(name=f"{name} {DEPEG:+.0%}", factors=np.where(columns_of(book)[name], 1.0 + DEPEG, 1.0)))
    hours = FUNDING_MULTIPLE * FUNDING_HOURS
    found.append(Scenario(name=f"funding x{FUNDING_MULTIPLE:.0f} 1d", factors=still, funding_hours=hours))
    return tuple(found)


def run_stress(book: FleetBook, scenarios: tuple[Scenario, ...] | None = None) -> tuple[StressOutcome, ...]:
    """Outcomes for the one account of a book, worst health ratio first."""
    scenarios = scenarios_for(book) if scenarios is None else scenarios
    today = float(evaluate(book).full.equity_usd[0])
    moves = [s for s in scenarios if not s.funding_hours]
    outcomes = _outcomes(MarginPlan.of(book), moves, today)
    for scenario in scenarios:
        if scenario.funding_hours:
            charged = _after_funding(book, scenario.funding_hours)
            outcomes += _outcomes(MarginPlan.of(charged), [scenario], today)
    return tuple(sorted(outcomes, key=lambda o: (o.health_ratio_percent, o.equity_usd)))


def _outcomes(plan: MarginPlan, scenarios: list[Scenario], today_usd: float) -> list[StressOutcome]:
    if not scenarios:
        return []
    prices = plan.book.oracles.price_1e6 / 1e6 * np.stack([scenario.factors for scenario in scenarios])
    result = evaluate(plan, prices)
    cross = result.maintenance
    health = health_percent(
        cross.collateral_usd[:, 0], cross.requirement_usd[:, 0], plan.book.accounts.being_liquidated
    )
    ratio, gone = worst_ratio_percent(result)[:, 0], liquidatable(result)[:, 0]
    equity = result.full.equity_usd[:, 0]
    return [
        StressOutcome(
            scenario=scenario.name,
            health_percent=float(health[at]),
            health_ratio_percent=float(ratio[at]),
            equity_usd=float(equity[at]),
            equity_change_usd=float(equity[at]) - today_usd,
            liquidated=bool(gone[at]),
        )
        for at, scenario in enumerate(scenarios)
    ]


def _after_funding(book: FleetBook, hours: float) -> FleetBook:
    """The book after today's hourly funding was charged for some hours. Longs pay a positive rate, shorts receive."""
    rows, markets = book.perps, book.perp_markets
    rate = np.where(rows.base_1e9 > 0, markets.funding_long_1e9[rows.market], markets.funding_short_1e9[rows.market])
    charged = rows.funding_1e6 - np.trunc(rows.base_1e9 * rate * hours / 1e12)
    return replace(book, perps=replace(rows, funding_1e6=charged))
