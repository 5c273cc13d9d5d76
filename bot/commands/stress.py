"""/stress: what named moves would leave."""

from bot.commands.common import cannot, only_account, reply
from bot.commands.spec import Command, Request, Services
from bot.messages import Line, Message
from bot.text import numbers
from bot.text.tables import fit
from risk.errors import CannotAssess
from risk.model.liquidation import StressOutcome

_SHOWN = 14


async def run(services: Services, request: Request) -> Message:
    watched = only_account(services, request.args)
    try:
        result = await services.monitor(watched.account_id).simulate_stress_scenarios()
    except CannotAssess as exc:
        return cannot(services, watched, exc)
    gone = [outcome for outcome in result.outcomes if outcome.liquidated]
    if gone:
        mildest = max(gone, key=lambda outcome: (outcome.equity_change_usd, outcome.scenario.startswith("all ")))
        headline = f"{watched.nickname}: {len(gone)} of {len(result.outcomes)} scenarios liquidate"
        change = numbers.signed_usd_compact(mildest.equity_change_usd)
        second = f"The mildest of them: {mildest.scenario}, {change}."
    else:
        headline = f"{watched.nickname}: survives all {len(result.outcomes)} scenarios"
        second = f"The worst: {result.worst.scenario}, ratio {numbers.health_ratio(result.worst.health_ratio_percent)}."
    table = fit([_row(o) for o in _interesting(result.outcomes)], header=("scenario", "ratio", "change"))
    return reply(services, watched, Line(headline, strong=True), Line(second), table)


def _interesting(outcomes: tuple[StressOutcome, ...]) -> list[StressOutcome]:
    """The moves of the whole book and the special ones first, then the worst of the rest."""
    broad = [o for o in outcomes if o.scenario.startswith(("all ", "2025", "funding", "USDC"))]
    rest = [o for o in outcomes if o not in broad]
    return (broad + rest)[: max(_SHOWN, len(broad))]


def _row(outcome: StressOutcome) -> tuple[str, str, str]:
    ratio = "LIQ" if outcome.liquidated else numbers.health_ratio(outcome.health_ratio_percent)
    return outcome.scenario, ratio, numbers.signed_usd_compact(outcome.equity_change_usd)


COMMAND = Command(name="stress", usage="/stress [account]", summary="what sharp moves would leave", run=run)
