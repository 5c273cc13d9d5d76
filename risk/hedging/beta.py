"""Beta hedging: the whole book in one reference perp, each delta weighted by its asset's beta."""

from risk.hedging.covariance import Forecast
from risk.hedging.exposures import Exposures

REFERENCES = ("SOL", "BTC")


def deltas_by_asset(found: Exposures) -> dict[str, float]:
    """Deltas as a mapping."""
    return {asset: float(delta) for asset, delta in zip(found.assets, found.delta_usd, strict=True)}


def beta_delta_usd(forecast: Forecast, found: Exposures, reference: str) -> float:
    """USD of equity gained, by expectation, when the reference doubles: sum of delta times beta."""
    return found.weighted(forecast.betas(reference))
