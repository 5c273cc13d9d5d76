"""How an alert reads. The first 40 characters stand alone on a lock screen."""

import math
from datetime import datetime

from bot.alerts.facts import AlertFacts, MarginFacts
from bot.market_prices import toward
from bot.messages import Button, Line, Message, Tone
from bot.text.ages import moment
from bot.text.clean import name
from bot.text.numbers import Rounding, distance, health_ratio, percent_of_fraction, price, usd
from bot.text.provenance import SEPARATOR, provenance
from risk.decisions.incidents import CauseKind, NoticeReason
from risk.decisions.tiers import Tier

ACK, SNOOZE, DETAILS = "ack", "snooze", "details"
_URGENT = (Tier.CRITICAL, Tier.LIQUIDATING)
_WHO_COLUMNS = 16  # so that a long name leaves room for the answer; the last line has it whole


def alert_message(facts: AlertFacts, now: datetime, *, acked_by: str = "", acked_at: datetime | None = None) -> Message:
    """One alert.

    Args:
        now: For the age of the data; an edit states the age of what it repeats.
        acked_by: Who took it on; the alert then has no button to do so again.
    """
    lines = [Line(headline(facts), strong=True), *(Line(text) for text in _explanation(facts))]
    lines.append(Line(f"{_origin(facts, now)}{SEPARATOR}alert #{facts.incident_id}"))
    over = facts.reason is NoticeReason.RESOLVED
    if acked_by:
        when = f" at {moment(acked_at)}" if acked_at else ""
        lines.append(Line(f"Acked by {name(acked_by)}{when}. No repeats; it will ring if it gets worse."))
    return Message(
        blocks=tuple(lines), buttons=() if over else _buttons(facts, acked=bool(acked_by)), tone=_tone(facts)
    )


def headline(facts: AlertFacts) -> str:
    """The answer in one line."""
    who = name(facts.account, columns=_WHO_COLUMNS) if facts.account else "all accounts"
    if facts.kind is CauseKind.SYSTEM:
        who = "Keel"
    if facts.reason is NoticeReason.RESOLVED:
        return f"RESOLVED {who}: {_resolved(facts)}"
    match facts.kind:
        case CauseKind.HEALTH:
            eased = "eased, " if facts.reason is NoticeReason.EASED else ""
            return f"{facts.tier.name} {who}: {eased}{_danger(facts)}{_fix(facts)}"
        case CauseKind.DATA:
            # The reason is a sentence of its own, too long for a lock screen.
            return f"UNKNOWN {who}: {'data cannot be trusted' if facts.account else 'no fresh data'}"
        case CauseKind.DRAWDOWN:
            return f"DRAWDOWN {who}: {facts.detail}"
        case CauseKind.LIMIT:
            return f"LIMIT {who}: {facts.detail}"
        case CauseKind.SYSTEM:
            return f"{facts.tier.name} {who}: {facts.detail}"


def _origin(facts: AlertFacts, now: datetime) -> str:
    account = facts.account or ("Keel" if facts.kind is CauseKind.SYSTEM else "all accounts")
    if facts.margin is None:
        return f"{name(account)}{SEPARATOR}{moment(facts.happened_at)}"
    age_s = (now - facts.margin.observed_at).total_seconds()
    return provenance(account=account, age_s=age_s, slot=facts.margin.slot)


def _danger(facts: AlertFacts) -> str:
    if facts.tier is Tier.LIQUIDATING:
        return "now"
    if facts.margin is None:
        return facts.detail
    if facts.margin.distance_frac is not None:
        return f"{distance(facts.margin.distance_frac)} to liq"
    return _ratio(facts.margin)


def _fix(facts: AlertFacts) -> str:
    if facts.margin is None or not facts.margin.deposit_usd:
        return ""
    return f", +{usd(facts.margin.deposit_usd, rounding=Rounding.UP)} fixes"


def _resolved(facts: AlertFacts) -> str:
    if facts.kind is CauseKind.HEALTH and facts.margin is not None:
        return _ratio(facts.margin)
    return facts.detail or "over"


def _explanation(facts: AlertFacts) -> list[str]:
    texts: list[str] = []
    over = facts.reason is NoticeReason.RESOLVED
    if facts.previous is not None and facts.previous is not facts.tier and facts.kind is CauseKind.HEALTH:
        texts.append(
            f"{'Was' if over or facts.reason is NoticeReason.ESCALATED else 'Eased from'} {facts.previous.name}."
        )
    if facts.margin is not None and facts.kind is CauseKind.HEALTH and not over:
        texts += _health(facts.margin, facts.tier)
    if facts.kind is CauseKind.DATA and not over:
        texts.append(f"{facts.detail[:1].upper()}{facts.detail[1:]}.")
        texts.append("Health cannot be stated until the data is back; look at the venue itself.")
    if facts.reason is NoticeReason.REPEAT_DUE:
        texts.append("Said again because nobody has acknowledged it.")
    return texts


def _health(margin: MarginFacts, tier: Tier) -> list[str]:
    texts = [_ratio_sentence(margin, tier)]
    if margin.nearest_market is not None:
        at = price(margin.nearest_price_usd, rounding=toward(margin.nearest_now_usd, margin.nearest_price_usd))
        texts.append(
            f"{name(margin.nearest_market)} liquidates at {at} USD,"
            f" {distance(margin.distance_frac)} away, others fixed."
        )
    ways = []
    if margin.deposit_usd:
        where = f" to isolated {name(margin.deposit_scope)}" if margin.deposit_scope else ""
        ways.append(f"deposit {usd(margin.deposit_usd, rounding=Rounding.UP)}{where}")
    if margin.cut_market is not None:
        ways.append(f"cut {name(margin.cut_market)} by {usd(margin.cut_usd, rounding=Rounding.UP)}")
    if margin.cut_all_frac is not None:
        ways.append(f"cut every position by {percent_of_fraction(margin.cut_all_frac, rounding=Rounding.UP)}")
    return [*texts, f"Back to WATCH: {' or '.join(ways)}."] if ways else texts


def _ratio(margin: MarginFacts) -> str:
    if math.isinf(margin.ratio_percent):
        return "nothing needs margin"
    return f"health ratio {health_ratio(margin.ratio_percent)}"


def _ratio_sentence(margin: MarginFacts, tier: Tier) -> str:
    whose = f"Isolated {name(margin.deposit_scope)}: {_ratio(margin)}" if margin.deposit_scope else _ratio(margin)
    ratio = f"{whose[:1].upper()}{whose[1:]}"
    if margin.threshold_percent is None:
        return f"{ratio}; 100% is liquidation."
    threshold = health_ratio(margin.threshold_percent)
    if tier is Tier.LIQUIDATING and margin.ratio_percent >= margin.threshold_percent:
        return f"{ratio}; the venue is liquidating all the same."
    if margin.ratio_percent >= margin.threshold_percent:
        return f"{ratio}; {tier.name} stands until it is clearly past {threshold}."
    return f"{ratio}, below {threshold}; 100% is liquidation."


def _buttons(facts: AlertFacts, *, acked: bool) -> tuple[tuple[Button, ...], ...]:
    ack = () if acked else (Button("Ack", f"{ACK}:{facts.incident_id}"),)
    snooze = Button("Snooze 1 h", f"{SNOOZE}:{facts.incident_id}:60")
    return ((*ack, snooze, Button("Details", f"{DETAILS}:{facts.incident_id}")),)


def _tone(facts: AlertFacts) -> Tone:
    if facts.reason in (NoticeReason.RESOLVED, NoticeReason.EASED):
        return Tone.QUIET
    return Tone.URGENT if facts.tier in _URGENT else Tone.NORMAL
