"""What happened to accounts between two moments, in sentences: their events, and the alerts about them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.alerts.event_codec import event_from
from bot.alerts.event_words import told
from bot.commands.spec import Services
from bot.text.retold import retold
from risk.decisions.event_tiers import ON_REQUEST
from risk.decisions.incidents import CauseKind, Incident
from storage import EVERYWHERE

_MOST_EVENTS = 50  # of one account
_MOST_INCIDENTS = 500


async def happened(services: Services, since: datetime, until: datetime) -> Mapping[str, Sequence[str]]:
    """By account id, oldest first; what concerns all of them under an empty one. What happens so often that only who
    asks for it is told is left out here too."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for account_id in (EVERYWHERE, *services.roster.account_ids):
        for event in await services.events.events_between(account_id, since, until, limit=_MOST_EVENTS):
            if event.kind not in ON_REQUEST:
                found.setdefault(account_id, []).append((event.happened_at, told(event_from(event.body_json))))
    for incident in await services.incidents.recent(_MOST_INCIDENTS):
        # Events have been told above, in their own words.
        if incident.cause.kind is not CauseKind.EVENT and (incident.resolved_at or until) >= since:
            found.setdefault(incident.cause.account_id, []).append((incident.opened_at, _alert(incident)))
    return {account_id: [text for _, text in sorted(told_at)] for account_id, told_at in found.items()}


def _alert(incident: Incident) -> str:
    what = retold(incident.fact) or incident.cause.kind.value
    over = "over" if incident.resolved_at else "still open"
    return f"alert #{incident.incident_id} {incident.peak.name}: {what}, {over}"
