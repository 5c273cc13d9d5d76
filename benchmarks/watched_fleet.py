"""A thousand watched accounts, some of which can be liquidated one by one, each by a market of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from risk.model.limits import RiskLimits
from storage import Accounts, Store
from tests.support.catalogue import STANDARD
from tests.support.drift_enums import OracleSource
from tests.support.drift_oracles import OracleKind
from tests.support.market_specs import Catalogue, FeedSpec, PerpSpec
from tests.support.world import World
from tests.support.world_builder import WorldBuilder

CALM_USD = Decimal(100)
CRASHED_USD = 53.0  # a long of twice the collateral is at 113 %: CRITICAL, and below maintenance under 52.6
_FIRST_INDEX = 100
_NO_LIMITS = RiskLimits(
    max_portfolio_leverage=1e6, max_position_size_usd=1e12, max_position_size_percent=1e6,
    max_correlation_exposure=1e6, max_var_1d_percent=1e6, min_health_ratio=100.0, max_drawdown_percent=1.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An account that one price liquidates, and nobody else."""

    account_id: str
    nickname: str
    feed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedFleet:
    """Accounts to watch. ``others`` trade on the common markets and are in no danger."""

    world: World
    probes: Sequence[Probe]
    others: Sequence[str]

    @property
    def accounts(self) -> list[str]:
        return [*(probe.account_id for probe in self.probes), *self.others]

    @property
    def setting(self) -> str:
        """For ACCOUNTS."""
        named = [f"{probe.account_id}={probe.nickname}" for probe in self.probes]
        return ",".join([*named, *(f"{account}=a{number}" for number, account in enumerate(self.others))])

    async def without_limits(self, database: Path) -> None:
        """Let no limit of these accounts ring, for tiers alone are measured."""
        async with await Store.open(database) as store:
            accounts = Accounts(store)
            for account_id in self.accounts:
                await accounts.save_limits(account_id, _NO_LIMITS)


def watched_fleet(accounts: int, probes: int) -> WatchedFleet:
    """So many accounts, of which so many are probes."""
    builder = WorldBuilder(catalogue=_with_markets(probes))
    found = []
    for number in range(probes):
        account = builder.add_user(
            f"probe {number}", spots=[builder.deposit("USDC", "1000")],
            perps=[builder.position(f"P{number}-PERP", "20")],
        )  # fmt: skip
        found.append(Probe(account_id=account, nickname=f"probe{number}", feed=builder.oracle_address(f"P{number}")))
    others = [_add_trader(builder, number) for number in range(accounts - probes)]
    return WatchedFleet(world=builder.build(), probes=found, others=others)


def _with_markets(count: int) -> Catalogue:
    feeds = tuple(FeedSpec(name=f"P{n}", kind=OracleKind.PYTH_LAZER, price_usd=CALM_USD) for n in range(count))
    perps = tuple(
        PerpSpec(index=_FIRST_INDEX + n, name=f"P{n}-PERP", source=OracleSource.PYTH_LAZER, feed=f"P{n}")
        for n in range(count)
    )
    return Catalogue(
        feeds=(*STANDARD.feeds, *feeds), spots=STANDARD.spots, perps=(*STANDARD.perps, *perps)
    )  # fmt: skip


def _add_trader(builder: WorldBuilder, number: int) -> str:
    size = 1 + Decimal(number) / 50
    return builder.add_user(
        f"trader {number}",
        spots=[builder.deposit("USDC", 9_000 * size), builder.deposit("SOL", 20 * size)],
        perps=[
            builder.position("SOL-PERP", 10 * size, entry_usd="140"),
            builder.position("BTC-PERP", Decimal("-0.02") * size, entry_usd="101000"),
            builder.position("ETH-PERP", Decimal("0.3") * size, entry_usd="3300"),
        ],
    )
