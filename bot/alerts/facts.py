"""What an alert says, as facts: computed once when it is queued, stored with it, worded when it is sent."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from pydantic import TypeAdapter

from bot.market_prices import prices_usd
from risk.decisions.incidents import CauseKind, Incident, NoticeReason
from risk.decisions.tiers import LADDER, Tier, TierThresholds, begins_percent, left_percent
from risk.errors import CannotAssess
from risk.fleet import FleetView
from risk.liquidation_monitor import entry_ratio_percent
from risk.margin.liquidation import liquidation_prices
from risk.margin.remedy import remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginFacts:
    """What the margin engine says of one account at one slot; the same for every receiver of a check.

    Attributes:
        ratio_percent: Worst health ratio; infinite without a requirement.
        threshold_percent: Health ratio at which the tier begins, at today's moves; None for OK.
        left_percent: Health ratio from which the tier is left for the better; None for OK.
        sigmas: Distance to liquidation in daily moves of the book; None where not known, or no tier looks at it.
        nearest_market: Market whose liquidation price is nearest; None where no price liquidates.
        nearest_now_usd: Its price now, which tells on which side the other one lies.
        deposit_usd: What would bring the account back to WATCH; None where no deposit does, 0 where none is needed.
        deposit_scope: Isolated position that sets the ratio and that a deposit goes to; empty for the cross account.
        cut_usd: Notional of the smallest single cut that would do the same; None where none does.
        cut_all_frac: Share by which all positions would have to shrink, where no single cut does.
    """

    ratio_percent: float
    threshold_percent: float | None
    slot: int
    observed_at: datetime
    nearest_market: str | None = None
    nearest_price_usd: float | None = None
    nearest_now_usd: float | None = None
    distance_frac: float | None = None
    deposit_usd: float | None = None
    deposit_scope: str = ""
    cut_market: str | None = None
    cut_usd: float | None = None
    cut_all_frac: float | None = None
    left_percent: float | None = None
    sigmas: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFacts:
    """One notice to one receiver.

    Attributes:
        account: What people call it; empty for the whole process.
        previous: Tier the receiver heard last; None for the first notice.
        detail: The cause's own sentence: a limit and its value, why data is unknown.
        remedy: What would end it, a sentence; empty where ``margin`` says so.
        passing: It happened and does not stand.
        detour: Why it comes by another way than its own, a sentence without its end; empty where it does not.
        trades: Whether plans can be asked for where it is told, and confirmed.
        margin: None for causes that no margin figure explains, and where none is known.
        remembered: ``margin`` is of an earlier notice, because nothing can be read now.
    """

    incident_id: int
    kind: CauseKind
    reason: NoticeReason
    tier: Tier
    previous: Tier | None
    account: str
    detail: str
    happened_at: datetime
    remedy: str = ""
    passing: bool = False
    detour: str = ""
    margin: MarginFacts | None = None
    remembered: bool = False
    trades: bool = False


def margin_facts(view: FleetView, account_id: str, tier: Tier, thresholds: TierThresholds) -> MarginFacts:
    """Distance to liquidation and what would help, for one account of a view."""
    plan = view.single(account_id)
    at_account = view.position_of(account_id)
    sigmas, step_percent = (float(column[at_account]) for column in (view.nearness.sigmas, view.nearness.step_percent))
    needed = remedy(plan.book, entry_ratio_percent(thresholds, Tier.WATCH, step_percent))
    try:
        prices = liquidation_prices(plan)
    except CannotAssess:
        prices = ()
    # Of the scope that sets the ratio: where an isolated position is in danger, another market's price is no answer.
    own = [price for price in prices if (price.market if price.isolated else "") == needed.scope]
    at = [price for price in own if price.distance_frac is not None]
    nearest = min(at, key=lambda price: price.distance_frac or 0.0, default=None)
    return MarginFacts(
        ratio_percent=float(view.worst_ratio_percent[at_account]),
        threshold_percent=begins_percent(thresholds, tier, step_percent) if tier in LADDER else None,
        left_percent=left_percent(thresholds, tier, step_percent) if tier in LADDER else None,
        sigmas=sigmas if math.isfinite(sigmas) and thresholds.distance_sigmas else None,
        nearest_market=nearest.market if nearest else None,
        nearest_price_usd=nearest.price_usd if nearest else None,
        nearest_now_usd=prices_usd(plan.book).get(nearest.market) if nearest else None,
        distance_frac=nearest.distance_frac if nearest else None,
        deposit_usd=needed.deposit_usd,
        deposit_scope=needed.scope,
        cut_market=needed.cut.market if needed.cut else None,
        cut_usd=needed.cut.notional_usd if needed.cut else None,
        cut_all_frac=needed.cut_all_frac,
        slot=view.book.slot,
        observed_at=view.book.observed_at,
    )


def brief_facts(view: FleetView, account_id: str, tier: Tier, thresholds: TierThresholds) -> MarginFacts:
    """What the evaluation of the whole view says of one account, nothing worked out for it."""
    at = view.position_of(account_id)
    step_percent = float(view.nearness.step_percent[at])
    return MarginFacts(
        ratio_percent=float(view.worst_ratio_percent[at]),
        threshold_percent=begins_percent(thresholds, tier, step_percent) if tier in LADDER else None,
        left_percent=left_percent(thresholds, tier, step_percent) if tier in LADDER else None,
        slot=view.book.slot,
        observed_at=view.book.observed_at,
    )


def facts_of(
    incident: Incident, reason: NoticeReason, previous: Tier | None, account: str, margin: MarginFacts | None
) -> AlertFacts:
    """The facts of one notice."""
    return AlertFacts(
        incident_id=incident.incident_id,
        kind=incident.cause.kind,
        reason=reason,
        tier=incident.tier,
        previous=previous,
        account=account,
        detail=incident.fact,
        happened_at=incident.changed_at,
        remedy=incident.remedy,
        passing=incident.passing,
        margin=margin,
    )


def recalled(bodies: Iterable[str], tier: Tier) -> MarginFacts | None:
    """The figures of the last of these notices that had any, for an incident that stands at a tier now; None where none
    had.

    Args:
        bodies: As they are stored, the newest first.
    """
    for body in bodies:
        try:
            facts = from_json(body)
        except ValueError:
            continue  # of another version, or damaged; an older one may do
        if facts.margin is None or math.isnan(facts.margin.ratio_percent):
            continue
        if facts.tier is tier:
            return facts.margin
        # Where that tier begins says nothing of this one.
        return replace(facts.margin, threshold_percent=None, left_percent=None)
    return None


@cache
def _codec() -> TypeAdapter[AlertFacts]:
    return TypeAdapter(AlertFacts)


def to_json(facts: AlertFacts) -> str:
    """The facts as they are stored with a notice."""
    # Not pydantic's own JSON: it writes null for a ratio that is infinite because nothing needs margin any more.
    return json.dumps(_codec().dump_python(facts, mode="json"))


def from_json(text: str) -> AlertFacts:
    """Back from storage. Raises: ValueError for a text this version does not understand."""
    return _codec().validate_python(json.loads(text))
