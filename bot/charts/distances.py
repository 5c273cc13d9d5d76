"""What a distance chart is drawn from."""

from dataclasses import dataclass

from risk.model.liquidation import LiquidationPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDistance:
    """A market's price now, and where it liquidates.

    Attributes:
        price_usd: None where no valid price is known.
        liquidation: As the engine found it, with the other markets fixed.
    """

    price_usd: float | None
    liquidation: LiquidationPrice
