"""What a plan leaves that is no safety yet, in words. Pure."""

from risk.decisions.tiers import Tier, TierThresholds

CRITICAL_PERCENT = TierThresholds().ratio_percent[Tier.CRITICAL]
# Somebody who acts on a danger expects less than this afterwards.
LIKELY_FRAC = 0.1
_CENT = 0.005


def shortfall(ratio_percent: float, free_usd: float, probability: float | None = None) -> str:
    """Why an account is not safe after a plan, as a clause for its title; empty where it is.

    Args:
        ratio_percent: Health ratio of the worst scope.
        free_usd: Initial collateral less requirement.
        probability: Of liquidation within 24 hours; None where history does not say.

    >>> shortfall(110.0, -1.409, 0.485)
    'NOT ENOUGH: health stays critical at 110%, free collateral -$1.41, P(liq 24 h) 48%'
    >>> shortfall(400.0, 12.0, 0.01)
    ''
    """
    found = []
    if ratio_percent < CRITICAL_PERCENT:
        found.append(f"health stays critical at {ratio_percent:.0f}%")
    if free_usd < -_CENT:
        found.append(f"free collateral -${-free_usd:,.2f}")
    if probability is not None and probability >= LIKELY_FRAC:
        found.append(f"P(liq 24 h) {probability:.0%}")
    return f"NOT ENOUGH: {', '.join(found)}" if found else ""
