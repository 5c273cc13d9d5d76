"""Several notices to one receiver as one message: the worst first, each incident once, as it stands now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.alerts.facts import AlertFacts
from bot.alerts.marks import accent, topic
from bot.alerts.view import (
    ACK,
    DETAILS,
    acked,
    alert_message,
    explanation,
    headline,
    is_over,
    origin,
    tone,
)
from bot.messages import Button, Line, Message, Tone
from bot.text.ages import moment
from bot.text.clean import name, sentence
from bot.text.provenance import SEPARATOR
from risk.decisions.incidents import CauseKind, NoticeReason, severity

ACK_MESSAGE, SNOOZE_MESSAGE = "acks", "snoozes"
MOST_LINES = 8
_MOST_ACKS = 4
_REASON_COLUMNS = 100  # in the line of what is not the worst
_LATE = timedelta(seconds=60)
_TONES = (Tone.QUIET, Tone.NORMAL, Tone.URGENT)
_MAYBE_A_REPEAT = "This may be a repeat: nobody knows whether it arrived the first time."


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice, and what became of its incident since.

    Attributes:
        queued_at: When it could have been told at the earliest.
        held: Its receiver wanted to hear of it later.
        acked_by: Who took the incident on, as people know them; empty while nobody did.
        ended_at: When the incident ended, where it has; None while it stands, and where this notice says so itself.
    """

    facts: AlertFacts
    queued_at: datetime
    held: bool = False
    acked_by: str = ""
    acked_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether somebody should answer it."""
        return not (self.acked_by or self.over)

    @property
    def over(self) -> bool:
        return is_over(self.facts) or self.ended_at is not None


def message_of(
    told: Sequence[Told], now: datetime, *, key: str, uncertain: bool = False, said_at: datetime | None = None
) -> Message:
    """What one receiver is told.

    Args:
        told: At least one, in the order in which they were queued.
        now: For the age of the data.
        said_at: When it was said first, where this is an edit.
        key: Of the message, for buttons that are about all of it.
        uncertain: An earlier attempt may have arrived.
    """
    each = sorted(_latest(told), key=_worst_first)
    notes = _notes(told, said_at or now, uncertain)
    main, *others = each
    if not others:
        one = alert_message(
            main.facts, now, acked_by=main.acked_by, acked_at=main.acked_at, notes=(*notes, *_ended(main))
        )
        return replace(one, tone=_loudest(told), buttons=() if main.over else one.buttons)
    # Whatever travels with it, why the worst is so bad and what would help is what its reader needs.
    texts = explanation(main.facts)
    texts += [_line(one) for one in others[: MOST_LINES - 1]]
    if len(others) > MOST_LINES - 1:
        texts.append(f"and {len(others) - MOST_LINES + 1} more: /alerts")
    texts += [*notes, *_ended(main), origin(main.facts, now)]
    if main.acked_by:
        texts.append(acked(main.facts, main.acked_by, main.acked_at))
    return Message(
        blocks=(Line(headline(main.facts), strong=True), *(Line(text) for text in texts)),
        buttons=_buttons(each, key),
        tone=_loudest(told),
        accent=accent(main.facts),
        topics=tuple(topic(one.facts) for one in each),
    )


def _latest(told: Sequence[Told]) -> list[Told]:
    """Each incident once, by its last notice, which then follows what was heard before the first."""
    found: dict[int, Told] = {}
    for one in told:
        earlier = found.pop(one.facts.incident_id, None)
        found[one.facts.incident_id] = one if earlier is None else _followed(earlier, one)
    return list(found.values())


def _followed(earlier: Told, later: Told) -> Told:
    before, better = earlier.facts.previous, later.facts.reason in (NoticeReason.RESOLVED, NoticeReason.EASED)
    if better and (before is None or severity(earlier.facts.tier) > severity(before)):
        before = earlier.facts.tier  # it came and went unheard
    return replace(
        later, facts=replace(later.facts, previous=before), queued_at=earlier.queued_at,
        held=earlier.held and later.held,
    )  # fmt: skip


def _worst_first(one: Told) -> tuple[bool, int, bool, int]:
    facts = one.facts
    return one.over and not facts.passing, -severity(facts.tier), facts.kind is not CauseKind.HEALTH, facts.incident_id


def _one_account(each: Sequence[Told]) -> bool:
    return bool(each[0].facts.account) and len({one.facts.account for one in each}) == 1


def _line(one: Told) -> str:
    parts = [headline(one.facts)]
    if one.facts.kind is CauseKind.DATA and one.facts.detail and not one.over:
        parts.append(sentence(one.facts.detail, columns=_REASON_COLUMNS))
    if one.ended_at is not None and not is_over(one.facts):
        parts.append(f"over since {moment(one.ended_at)}")
    elif one.acked_by:
        parts.append(f"acked by {name(one.acked_by)}")
    return SEPARATOR.join([*parts, f"alert #{one.facts.incident_id}"])


def _ended(one: Told) -> list[str]:
    seen = one.facts.kind is CauseKind.EVENT and one.acked_by  # which is how an event ends
    if one.ended_at is None or is_over(one.facts) or seen:
        return []
    return [f"Over since {moment(one.ended_at)}."]


def _notes(told: Sequence[Told], said_at: datetime, uncertain: bool) -> list[str]:
    notes = []
    oldest = min(one.queued_at for one in told)
    if all(one.held for one in told):
        notes.append(f"Kept for you since {moment(oldest)}.")
    elif said_at - oldest > _LATE:
        notes.append(f"Late: it could not be told since {moment(oldest)}.")
    if uncertain:
        notes.append(_MAYBE_A_REPEAT)
    return [*notes, *dict.fromkeys(f"{one.facts.detour}." for one in told if one.facts.detour)]


def _loudest(told: Sequence[Told]) -> Tone:
    """As loud as the loudest of them; what came and went unheard is still worth a sound, but no alarm."""
    ending = {one.facts.incident_id for one in told if one.facts.reason is NoticeReason.RESOLVED}
    ending |= {one.facts.incident_id for one in told if one.ended_at is not None}
    tones = [
        min(tone(one.facts), Tone.NORMAL, key=_TONES.index) if one.facts.incident_id in ending else tone(one.facts)
        for one in told
    ]
    return max(tones, key=_TONES.index)


def _buttons(each: Sequence[Told], key: str) -> tuple[tuple[Button, ...], ...]:
    open_ids = [one.facts.incident_id for one in each if one.open]
    standing = [one for one in each if not one.over]
    row = []
    if open_ids:
        row.append(Button("Ack" if _one_account(each) else "Ack all", f"{ACK_MESSAGE}:{key}"))
    if standing:
        row.append(Button("Snooze 1 h", f"{SNOOZE_MESSAGE}:{key}:60"))
        row.append(Button("Details", f"{DETAILS}:{standing[0].facts.incident_id}"))
    rows = [tuple(row)] if row else []
    if 1 < len(open_ids) <= _MOST_ACKS:
        rows.append(tuple(Button(f"Ack #{number}", f"{ACK}:{number}") for number in open_ids))
    return tuple(rows)
