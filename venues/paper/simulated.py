"""A market that never stops: the demo's account under prices by chance."""

import numpy as np

from risk.ports import Clock
from venues.paper.demo import START_USD, demo_exchange
from venues.paper.diffusion import AssetDynamics, JumpDiffusion
from venues.paper.markets import BTC_ORACLE, ETH_ORACLE, SOL_ORACLE, USDC_ORACLE
from venues.paper.past import market_past
from venues.paper.venue import PaperVenue

_JUMPS_PER_DAY = 2.0
_VOLATILITY_ANNUAL = {USDC_ORACLE: 0.0, SOL_ORACLE: 0.85, BTC_ORACLE: 0.50, ETH_ORACLE: 0.70}
_JUMP_SD = {USDC_ORACLE: 0.0, SOL_ORACLE: 0.02, BTC_ORACLE: 0.01, ETH_ORACLE: 0.015}
# In the order of START_USD: USDC, SOL, BTC, ETH.
_CORRELATION = np.array(
    [
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.75, 0.8],
        [0.0, 0.75, 1.0, 0.85],
        [0.0, 0.8, 0.85, 1.0],
    ]
)


def simulated_prices(seed: int) -> JumpDiffusion:
    """Crypto-like prices without drift."""
    assets = {
        oracle_id: AssetDynamics(
            start_usd=start,
            volatility_annual_frac=_VOLATILITY_ANNUAL[oracle_id],
            jump_sd_frac=_JUMP_SD[oracle_id],
        )
        for oracle_id, start in START_USD.items()
    }
    return JumpDiffusion(assets, seed=seed, jumps_per_day=_JUMPS_PER_DAY, correlation=_CORRELATION)


def simulated_venue(clock: Clock, *, seed: int) -> PaperVenue:
    """The demo's account in a simulated market, with liquidation."""
    prices = simulated_prices(seed)
    past = market_past(prices, START_USD, seed=seed, clock=clock)
    return PaperVenue(demo_exchange(prices, liquidates=True), clock=clock, past=past)
