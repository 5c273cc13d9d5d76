"""The world the bot watches: accounts on the paper exchange, prices that fall and come back, owners who trade there."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from risk.margin.book import FleetBook
from risk.model.account import Side
from risk.model.trading import Signed
from risk.ports import Clock
from venues.errors import VenueError, VenueUnavailable
from venues.paper.demo import DEMO_BETAS, START_USD
from venues.paper.exchange import PaperExchange
from venues.paper.gateway import PaperGateway
from venues.paper.markets import SOL_ORACLE
from venues.paper.past import market_past
from venues.paper.prices import PricePath, ScriptedPrices
from venues.paper.venue import PaperVenue

_TOPPED_UP_BELOW = 0.7  # of the size an owner wants to hold
_RICH_ENOUGH_PERCENT = 260.0
_DEPOSIT_USD = 400.0
_CALM_FRAC = 0.97
_STREAM_EVERY_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """An account and what its owner wants to hold; the more, the sooner it is in danger."""

    name: str
    usdc: float
    sizes_base: Mapping[str, float]

    @property
    def account_id(self) -> str:
        return f"{self.name}-0"


HOLDINGS = (
    Holding(name="alpha", usdc=9_900.0, sizes_base={"SOL-PERP": 250.0, "ETH-PERP": 11.0}),
    Holding(name="bravo", usdc=5_300.0, sizes_base={"SOL-PERP": 250.0}),
    Holding(name="carol", usdc=5_100.0, sizes_base={"ETH-PERP": 11.0, "BTC-PERP": -0.05}),
    Holding(name="delta", usdc=4_050.0, sizes_base={"SOL-PERP": 150.0, "BTC-PERP": 0.1}),
)
ACCOUNTS = tuple(one.account_id for one in HOLDINGS)


def falls(seed: int, lasts_s: float, *, calm_s: tuple[float, float] = (400.0, 1_500.0)) -> PricePath:
    """Prices with falls by chance, most of them deep enough for somebody to be in danger, each of which passes."""
    dice = random.Random(f"{seed} prices")  # noqa: S311  # the same in every run
    at_s, fallen = 0.0, [(0.0, 0.0)]
    while at_s < lasts_s:
        at_s += dice.uniform(*calm_s)
        fallen.append((at_s, dice.uniform(-0.01, 0.015)))
        depth = dice.uniform(0.08, 0.122)
        for share, seconds in ((0.7, (15, 90)), (1.0, (10, 60)), (0.97, (20, 150)), (0.05, (5, 240))):
            at_s += dice.uniform(*seconds)
            fallen.append((at_s, depth * share))
    return ScriptedPrices(
        {
            oracle: [(at, usd * (1 - DEMO_BETAS[oracle] * down)) for at, down in fallen]
            for oracle, usd in START_USD.items()
        }
    )


class SoakVenue(PaperVenue):
    """The paper venue, and somebody who hears of every book it gives out. Its stream tells of every few slots: with
    every one of them most of a run would be the exchange's own arithmetic."""

    def __init__(
        self, exchange: PaperExchange, *, clock: Clock, seen: Callable[[FleetBook], None], **more: Any
    ) -> None:
        super().__init__(exchange, clock=clock, **more)
        self.exchange, self._seen = exchange, seen

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        book = await super().read(account_ids, with_orders=with_orders)
        self._seen(book)
        return book

    def _until_next_second_s(self) -> float:
        return super()._until_next_second_s() + _STREAM_EVERY_S - 1.0


class Cut(PaperGateway):
    """One life's way to the exchange: cut when it dies. What it handed over is noted first.

    Attributes:
        sent: Signatures handed over by all lives, each with its bytes.
    """

    def __init__(self, venue: SoakVenue, *, clock: Clock, sent: dict[str, bytes]) -> None:
        super().__init__(venue, clock=clock)
        self.sent, self.dead = sent, False

    async def send(self, signed: Signed) -> None:
        if self.dead:
            raise VenueUnavailable("the process is dead; start it again")
        self.sent[signed.signature] = signed.raw
        await super().send(signed)


def venue_of(
    path: PricePath, *, seed: int, clock: Clock, seen: Callable[[FleetBook], None], past_days: int
) -> SoakVenue:
    """The exchange with everybody in their positions. Accounts below maintenance are flagged and not reduced, so that
    they can be in danger again.

    Args:
        past_days: How far back there are prices from before, for the figures of risk.
    """
    exchange = PaperExchange(path, liquidates=False)
    for one in HOLDINGS:
        account = exchange.open_account(one.name, name=one.name)
        exchange.deposit(account, "USDC", one.usdc)
        for market, size in one.sizes_base.items():
            exchange.market_order(account, market, Side.BUY if size > 0 else Side.SELL, abs(size))
    past = market_past(path, START_USD, seed=seed, clock=clock, days=past_days)
    return SoakVenue(exchange, clock=clock, seen=seen, past=past)


def owners_trade(venue: SoakVenue, ratios_percent: Mapping[str, float]) -> int:
    """The owners make up for what was sold on their behalf while nothing is wrong; how often they did."""
    done = 0
    calm = venue.exchange.world.price_1e6(SOL_ORACLE) > _CALM_FRAC * START_USD[SOL_ORACLE] * 1e6
    for one in HOLDINGS if calm else ():
        account = venue.exchange.world.accounts[one.account_id]
        if account.being_liquidated:
            continue
        try:
            for market, wanted in one.sizes_base.items():
                held = account.base_1e9(venue.exchange.world.universe.perp(market).terms.market_index) / 1e9
                if held / wanted < _TOPPED_UP_BELOW:
                    missing = wanted - held
                    side = Side.BUY if missing > 0 else Side.SELL
                    venue.exchange.market_order(one.account_id, market, side, abs(missing))
                    done += 1
            if ratios_percent.get(one.account_id, 1e9) < _RICH_ENOUGH_PERCENT:
                venue.exchange.deposit(one.account_id, "USDC", _DEPOSIT_USD)
        except VenueError:
            continue  # later, when the market offers it
    return done
