"""How an alert reads. The first 40 characters stand alone on a lock screen."""

import math
import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.alerts.facts import AlertFacts, MarginFacts
from bot.alerts.marks import accent, topic
from bot.market_prices import toward
from bot.messages import Button, Line, Message, Tone
from bot.text.ages import day_and_moment, moment
from bot.text.clean import name
from bot.text.numbers import Rounding, count, daily_moves, distance, health_ratio, percent_of_fraction, price, usd
from bot.text.provenance import SEPARATOR, provenance
from bot.text.retold import retold
from risk.decisions.incidents import CauseKind, NoticeReason
from risk.decisions.tiers import Tier

ACK, SNOOZE, DETAILS = "ack", "snooze", "details"
_WAY_OUT = (Tier.HIGH, Tier.CRITICAL)  # while it is being liquidated the venue takes no order
_URGENT = (Tier.CRITICAL, Tier.LIQUIDATING)
_MANY_MOVES = 100.0  # beyond, nothing is near
_FEW_CENTS, _WHOLE_FROM_CENTS, _SEARCHED_TO = 5, 10_000, 2e-6
_A_DAY = timedelta(days=1)
_WHO_COLUMNS = 16  # so that a long name leaves room for the answer; the last line has it whole


def alert_message(
    facts: AlertFacts,
    now: datetime,
    *,
    acked_by: str = "",
    acked_at: datetime | None = None,
    notes: Sequence[str] = (),
) -> Message:
    """One alert.

    Args:
        now: For the age of the data; an edit states the age of what it repeats.
        acked_by: Who took it on; the alert then has no button to do so again.
        notes: Sentences about the message itself.
    """
    texts = [*explanation(facts), *notes, origin(facts, now)]
    if acked_by:
        texts.append(acked(facts, acked_by, acked_at))
    return Message(
        blocks=(Line(headline(facts), strong=True), *(Line(text) for text in texts)),
        buttons=() if is_over(facts) else _buttons(facts, acked=bool(acked_by)), tone=tone(facts),
        accent=accent(facts), topics=(topic(facts),),
    )  # fmt: skip


def is_over(facts: AlertFacts) -> bool:
    """Whether there is nothing left to do about it."""
    return facts.passing or facts.reason is NoticeReason.RESOLVED


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
            return f"DRAWDOWN {who}: {retold(facts.detail)}"
        case CauseKind.LIMIT:
            return f"LIMIT {who}: {retold(facts.detail)}"
        case CauseKind.RISK:
            return f"RISK {who}: {retold(facts.detail)}"
        case CauseKind.SYSTEM | CauseKind.EVENT | CauseKind.PROTECTION:
            return f"{facts.tier.name} {who}: {retold(facts.detail)}"


def origin(facts: AlertFacts, now: datetime) -> str:
    """Where the figures come from, and the number people know the alert by."""
    account = facts.account or ("Keel" if facts.kind is CauseKind.SYSTEM else "all accounts")
    if facts.remembered and facts.margin is not None:
        at, slot = facts.margin.observed_at, count(facts.margin.slot)
        told = moment(at) if now - at < _A_DAY else day_and_moment(at)
        where = f"{name(account)}{SEPARATOR}as of {told}{SEPARATOR}slot {slot}"
    elif facts.margin is None:
        where = f"{name(account)}{SEPARATOR}{moment(facts.happened_at)}"
    else:
        age_s = (now - facts.margin.observed_at).total_seconds()
        where = provenance(account=account, age_s=age_s, slot=facts.margin.slot)
    return f"{where}{SEPARATOR}alert #{facts.incident_id}"


def acked(facts: AlertFacts, by: str, at: datetime | None) -> str:
    """Who took it on, and what follows from that."""
    said = f"Acked by {name(by)}{f' at {moment(at)}' if at else ''}."
    return said if facts.kind is CauseKind.EVENT else f"{said} No repeats; it will ring if it gets worse."


def _danger(facts: AlertFacts) -> str:
    if facts.tier is Tier.LIQUIDATING:
        return "now"
    if facts.margin is None:
        return facts.detail or "no figures can be read"
    last = "last known " if facts.remembered else ""
    if facts.margin.distance_frac is not None:
        return f"{last}{distance(facts.margin.distance_frac)} to liq"
    return f"{last}{_ratio(facts.margin)}"


def _fix(facts: AlertFacts) -> str:
    if facts.margin is None or facts.remembered or not facts.margin.deposit_usd:
        return ""
    return f", +{enough(facts.margin.deposit_usd)} fixes"


def enough(dollars: float) -> str:
    """Dollars that suffice: whole ones from 100 on, but no whole dollar for the sake of a few cents.

    >>> enough(819.21), enough(100.021), enough(10.0000004), enough(12.341)
    ('$820', '$100.03', '$10.00', '$12.35')
    """
    # The search for it ends a millionth above what suffices.
    cents = math.ceil(dollars * 100 * (1 - _SEARCHED_TO))
    if cents % 100 <= _FEW_CENTS or cents < _WHOLE_FROM_CENTS:
        return usd(cents / 100, cents=bool(cents % 100))
    return usd(dollars, rounding=Rounding.UP)


def _resolved(facts: AlertFacts) -> str:
    if facts.kind is CauseKind.HEALTH and facts.margin is not None:
        return _ratio(facts.margin)
    return facts.detail or "over"


def explanation(facts: AlertFacts) -> list[str]:
    """What there is to know besides the headline."""
    texts: list[str] = []
    over = facts.reason is NoticeReason.RESOLVED
    if facts.previous is not None and facts.previous is not facts.tier and facts.kind is CauseKind.HEALTH:
        texts.append(
            f"{'Was' if over or facts.reason is NoticeReason.ESCALATED else 'Eased from'} {facts.previous.name}."
        )
    if facts.kind is CauseKind.HEALTH and not over:
        texts += _figures(facts)
    if facts.kind is CauseKind.DATA and not over:
        texts.append(f"{facts.detail[:1].upper()}{facts.detail[1:]}.")
        texts.append("Health cannot be stated until the data is back; look at the venue itself.")
    if facts.remedy and not over:
        texts.append(facts.remedy)
    if facts.kind is CauseKind.HEALTH and facts.trades and not (over or facts.remembered) and facts.tier in _WAY_OUT:
        account = shlex.quote(facts.account)
        texts.append(f"/protect {account} plans the mildest way back, /emergency {account} the fastest.")
    if facts.reason is NoticeReason.REPEAT_DUE:
        texts.append("Said again because nobody has acknowledged it.")
    return texts


def _figures(facts: AlertFacts) -> list[str]:
    if facts.margin is None:
        return [] if facts.detail else ["Its figures cannot be read now, and none are remembered; look at the venue."]
    known = _health(facts.margin, facts.tier)
    return ["It cannot be read now: these are the last figures known.", *known] if facts.remembered else known


def _health(margin: MarginFacts, tier: Tier) -> list[str]:
    texts = [_ratio_sentence(margin, tier)]
    if margin.nearest_market is not None:
        at = price(margin.nearest_price_usd, rounding=toward(margin.nearest_now_usd, margin.nearest_price_usd))
        texts.append(
            f"{name(margin.nearest_market)} liquidates at {at} USD,"
            f" {distance(margin.distance_frac)} away, others fixed."
        )
    if margin.sigmas is not None and 0 <= margin.sigmas < _MANY_MOVES:
        texts.append(f"{daily_moves(margin.sigmas)} daily moves of the book to liquidation.")
    ways = []
    if margin.deposit_usd:
        where = f" to isolated {name(margin.deposit_scope)}" if margin.deposit_scope else ""
        ways.append(f"deposit {enough(margin.deposit_usd)}{where}")
    if margin.cut_market is not None:
        ways.append(f"cut {name(margin.cut_market)} by {enough(margin.cut_usd or 0.0)}")
    if margin.cut_all_frac is not None:
        ways.append(f"cut every position by {percent_of_fraction(margin.cut_all_frac, rounding=Rounding.UP)}")
    return [*texts, f"Back to WATCH: {' or '.join(ways)}."] if ways else texts


def _ratio(margin: MarginFacts) -> str:
    nothing = ", nothing needs margin" if math.isinf(margin.ratio_percent) else ""
    return f"health ratio {health_ratio(margin.ratio_percent)}{nothing}"


def _ratio_sentence(margin: MarginFacts, tier: Tier) -> str:
    whose = f"Isolated {name(margin.deposit_scope)}: {_ratio(margin)}" if margin.deposit_scope else _ratio(margin)
    ratio = f"{whose[:1].upper()}{whose[1:]}"
    if margin.threshold_percent is None:
        return f"{ratio}; 100% is liquidation."
    threshold = health_ratio(margin.threshold_percent)
    if tier is Tier.LIQUIDATING and margin.ratio_percent >= margin.threshold_percent:
        return f"{ratio}; the venue is liquidating all the same."
    if margin.ratio_percent >= margin.threshold_percent:
        until = threshold if margin.left_percent is None else health_ratio(margin.left_percent)
        return f"{ratio}; {tier.name} stands until it is past {until}."
    return f"{ratio}, below {threshold}; 100% is liquidation."


def _buttons(facts: AlertFacts, *, acked: bool) -> tuple[tuple[Button, ...], ...]:
    ack = () if acked else (Button("Ack", f"{ACK}:{facts.incident_id}"),)
    snooze = Button("Snooze 1 h", f"{SNOOZE}:{facts.incident_id}:60")
    return ((*ack, snooze, Button("Details", f"{DETAILS}:{facts.incident_id}")),)


def tone(facts: AlertFacts) -> Tone:
    """Only what is getting worse rings; what merely happened, and is no warning, does not."""
    if facts.reason in (NoticeReason.RESOLVED, NoticeReason.EASED):
        return Tone.QUIET
    if facts.passing and facts.tier is Tier.WATCH:
        return Tone.QUIET
    return Tone.URGENT if facts.tier in _URGENT else Tone.NORMAL
