"""The demo's world: one account with three positions, and a fall through every tier of danger and back."""

from risk.model.account import Side
from risk.ports import Clock
from venues.paper.exchange import PaperExchange
from venues.paper.markets import BTC_ORACLE, ETH_ORACLE, SOL_ORACLE, USDC_ORACLE
from venues.paper.past import market_past
from venues.paper.prices import PricePath, ScriptedPrices
from venues.paper.venue import PaperVenue

DEMO_AUTHORITY = "demo"
DEMO_ACCOUNT = "demo-0"
DEMO_NAME = "main"

START_USD = {USDC_ORACLE: 1.0, SOL_ORACLE: 160.0, BTC_ORACLE: 100_000.0, ETH_ORACLE: 3_500.0}

# How far each asset falls when SOL falls by 1.
DEMO_BETAS = {USDC_ORACLE: 0.0, SOL_ORACLE: 1.0, BTC_ORACLE: 0.6, ETH_ORACLE: 0.9}

# (second, how far SOL has fallen, as a fraction of its price), straight lines between. The health ratio of the account
# is about 345 % at 0, and falls below 250, 200, 150, 120 and 100 % at 0.044, 0.065, 0.086, 0.098 and 0.106. Every tier
# lasts nine seconds or more, so checks 5 s apart see each of them.
DEMO_FALL = (
    (0, 0.000),  # OK
    (6, 0.012),
    (9, 0.048),  # WATCH from second 9
    (17, 0.060),
    (20, 0.070),  # WARNING from second 19
    (28, 0.081),
    (31, 0.089),  # HIGH from second 30
    (38, 0.096),
    (41, 0.100),  # CRITICAL from second 40
    (48, 0.104),
    (50, 0.108),  # LIQUIDATING from second 49
    (58, 0.113),
    # Within one second, so that no check sees a tier half way and waits for it to be left as well.
    (59, 0.005),  # OK again; after the dwell of 60 s every alarm resolves
)
DEMO_RECOVERS_S = 59
DEMO_LASTS_S = 130  # the dwell after the recovery and two checks


def demo_prices() -> ScriptedPrices:
    """The fall, for every oracle."""
    return ScriptedPrices(
        {
            oracle_id: [(at_s, start * (1 - DEMO_BETAS[oracle_id] * fall_frac)) for at_s, fall_frac in DEMO_FALL]
            for oracle_id, start in START_USD.items()
        }
    )


def demo_exchange(path: PricePath, *, liquidates: bool) -> PaperExchange:
    """An exchange with the demo's account: about $10,000, nine times leveraged, at START_USD prices."""
    exchange = PaperExchange(path, liquidates=liquidates)
    main = exchange.open_account(DEMO_AUTHORITY, name=DEMO_NAME)
    exchange.deposit(main, "USDC", 7_000.0)
    exchange.deposit(main, "SOL", 20.0)
    exchange.market_order(main, "SOL-PERP", Side.BUY, 250.0)
    exchange.market_order(main, "ETH-PERP", Side.BUY, 11.0)
    exchange.market_order(main, "BTC-PERP", Side.SELL, 0.15)
    exchange.limit_order(main, "SOL-PERP", Side.SELL, 100.0, 178.0, reduce_only=True)  # a take-profit to look at
    return exchange


def demo_venue(clock: Clock) -> PaperVenue:
    """The scripted demo from its first second. The account is flagged but not reduced, so that it can recover."""
    prices = demo_prices()
    past = market_past(prices, START_USD, seed=1, clock=clock)
    return PaperVenue(demo_exchange(prices, liquidates=False), clock=clock, past=past)
