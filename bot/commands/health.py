"""/health: how far from liquidation, in both conventions."""

import math

from bot.commands.common import cannot, only_account, reply_of_all, seen, sight
from bot.commands.spec import Command, Request, Services
from bot.last_good import health_from
from bot.messages import Block, Line, Message, Table
from bot.roster import Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.provenance import provenance
from bot.text.tables import fit
from risk.decisions.tiers import Tier
from risk.errors import CannotAssess, ReadFailed
from risk.liquidation_monitor import health_of
from risk.model.liquidation import HealthStatus

_SHOWN = 20


async def run(services: Services, request: Request) -> Message:
    if not request.args and len(services.roster) > 1:
        return await _everybody(services)
    watched = only_account(services, request.args)
    try:
        known = await sight(services, watched)
    except (CannotAssess, ReadFailed) as exc:
        reasons = exc.reasons if isinstance(exc, CannotAssess) else (str(exc),)
        return await _remembered(services, watched, reasons) or cannot(services, watched, exc)
    health = health_of(known.view, watched.account_id, known.problems)
    return seen(services, known, *_answer(watched, health, tier_now(services, watched)))


def health_now(services: Services, watched: Watched) -> tuple[Tier, str, str]:
    """Tier, health ratio and health of one account among many, as they stand in a table; dashes where not known."""
    view, tier = services.fleet.latest, tier_now(services, watched)
    if tier is Tier.UNKNOWN or view is None or watched.account_id not in view:
        return tier, numbers.UNKNOWN, numbers.UNKNOWN
    health = health_of(view, watched.account_id, ())
    return tier, numbers.health_ratio(health.worst_ratio_percent), numbers.health_percent(_worst_percent(health))


def _answer(watched: Watched, health: HealthStatus, tier: Tier) -> list[Block]:
    headline = Line(_headline(watched, health, tier), strong=True)
    isolated: list[Block] = [
        Line(
            f"Isolated {name(one.market)}: health {numbers.health_percent(one.health_percent)},"
            f" {numbers.usd(one.total_collateral_usd)} against {numbers.usd(one.maintenance_requirement_usd)}"
        )
        for one in sorted(health.isolated, key=lambda one: one.health_percent)
    ]
    if isolated:
        isolated.append(Line("Cross account:"))
    return [headline, *isolated, _figures(health)]


def _worst_percent(health: HealthStatus) -> float:
    """Health of the scope that is worst off, cross or an isolated position."""
    return min((health.health_percent, *(one.health_percent for one in health.isolated)))


async def _remembered(services: Services, watched: Watched, reasons: tuple[str, ...]) -> Message | None:
    """The last health that could be trusted, while none can be stated; None where there never was one."""
    last = await services.snapshots.last_good(watched.account_id)
    if last is None:
        return None
    age_s = (services.clock.now() - last.observed_at).total_seconds()
    source = provenance(account=watched.nickname, age_s=age_s, slot=last.slot, stale=True)
    answer = _answer(watched, health_from(last), Tier.UNKNOWN)
    return Message(blocks=(*answer, *(Line(f"! {reason}") for reason in reasons), Line(source)))


def tier_now(services: Services, watched: Watched) -> Tier:
    """The tier that the alerts show; unknown as soon as the data does not allow a statement."""
    if services.fleet.problems(watched.account_id):
        return Tier.UNKNOWN
    return services.watch.tier(watched.account_id).tier


def _headline(watched: Watched, health: HealthStatus, tier: Tier) -> str:
    worst = _worst_percent(health)
    percent = numbers.health_percent(worst)
    if math.isnan(worst) or math.isnan(health.health_percent):
        return f"{watched.nickname}: UNKNOWN, health cannot be stated"
    if tier is Tier.UNKNOWN:
        return f"{watched.nickname}: UNKNOWN, last health {percent}"
    return f"{watched.nickname}: health {percent}, {tier.name}"


def _ratio(health: HealthStatus) -> float | None:
    """Without a requirement there is no bound; that is not the same as not known."""
    known = not math.isnan(health.health_percent)
    return math.inf if health.health_ratio_percent is None and known else health.health_ratio_percent


def _figures(health: HealthStatus) -> Table:
    return fit(
        [
            ("Health (0% = liq.)", numbers.health_percent(health.health_percent)),
            ("Ratio (100% = liq.)", numbers.health_ratio(_ratio(health))),
            ("Collateral", numbers.usd(health.total_collateral_usd, rounding=numbers.Rounding.DOWN)),
            ("Maintenance", numbers.usd(health.maintenance_requirement_usd, rounding=numbers.Rounding.UP)),
            ("Room to liquidation", numbers.usd(health.margin_to_liquidation_usd, rounding=numbers.Rounding.DOWN)),
            ("Free for new trades", numbers.usd(health.free_collateral_usd, rounding=numbers.Rounding.DOWN)),
        ]
    )


async def _everybody(services: Services) -> Message:
    """All accounts, those that cannot be assessed first, then the worst; of many the first few."""
    view = await services.view()
    tiers = {watched.account_id: tier_now(services, watched) for watched in services.roster.all}

    def severity(watched: Watched) -> tuple[bool, float]:
        known = tiers[watched.account_id] is not Tier.UNKNOWN and watched.account_id in view
        ratio = float(view.worst_ratio_percent[view.position_of(watched.account_id)]) if known else 0.0
        return tiers[watched.account_id] is not Tier.UNKNOWN, ratio

    ordered = sorted(services.roster.all, key=severity)
    rows = []
    for watched in ordered[:_SHOWN]:
        tier, ratio, health = health_now(services, watched)
        rows.append((watched.nickname, tier.name, ratio, health))
    worst = ordered[0]
    headline = f"{worst.nickname}: {f'health {rows[0][3]}, ' if rows[0][3] != numbers.UNKNOWN else ''}{rows[0][1]}"
    blocks: list[Block] = [Line(headline, strong=True), fit(rows, header=("account", "tier", "ratio", "health"))]
    if len(ordered) > _SHOWN:
        blocks.append(Line(f"and {numbers.count(len(ordered) - _SHOWN)} that are better; /accounts lists all."))
    return reply_of_all(services, *blocks)


COMMAND = Command(name="health", usage="/health [account]", summary="distance to liquidation, 0 to 100", run=run)
