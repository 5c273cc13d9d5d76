"""Small worlds with a known outcome, for tests that tell a story."""

from dataclasses import dataclass
from decimal import Decimal

from tests.support.world import World
from tests.support.world_builder import WorldBuilder


@dataclass(frozen=True, slots=True, kw_only=True)
class OnePosition:
    """One user with one perp position and USDC behind it.

    Attributes:
        oracle: Address of the feed to move; its price is the market's.
        liquidation_usd: Oracle price at which the maintenance requirement meets the collateral.
    """

    world: World
    user: str
    authority_name: str
    oracle: str
    market: str
    price_usd: Decimal
    size_base: Decimal
    liquidation_usd: Decimal

    def price_at_ratio(self, ratio_percent: Decimal | int) -> Decimal:
        """The oracle price at which the health ratio is this; 100 is where liquidation starts."""
        share = _MAINTENANCE * Decimal(ratio_percent) / 100
        return (self.size_base * self.price_usd - _COLLATERAL_USD) / (self.size_base * (1 - share))


_COLLATERAL_USD = Decimal(1_000)
_MAINTENANCE = Decimal("0.03")


def sol_long(*, leverage: int = 5, owner: str = "alice", isolated: bool = False) -> OnePosition:
    """1,000 USDC and a SOL-PERP long of that many times as much, cross or isolated, entered at the oracle price."""
    builder = WorldBuilder()
    price = builder.catalogue.feed("SOL").price_usd
    size = (_COLLATERAL_USD * leverage / price).quantize(Decimal("0.01"))
    own = _COLLATERAL_USD if isolated else None
    user = builder.add_user(
        owner,
        spots=[] if isolated else [builder.deposit("USDC", _COLLATERAL_USD)],
        perps=[builder.position("SOL-PERP", size, isolated_usdc=own)],
    )
    liquidation = (size * price - _COLLATERAL_USD) / (size * (1 - _MAINTENANCE))
    return OnePosition(
        world=builder.build(),
        user=user,
        authority_name=owner,
        oracle=builder.oracle_address("SOL"),
        market="SOL-PERP",
        price_usd=price,
        size_base=size,
        liquidation_usd=liquidation,
    )
