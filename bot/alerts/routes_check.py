"""What is wrong with routes as things are now, in sentences with a remedy. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from bot.alerts.hearers import Hearers, KnownRoute, KnownStep
from bot.alerts.routes import (
    SERVICE,
    WEBHOOK,
    ChatTarget,
    Entry,
    PersonTarget,
    Routes,
    SenderChats,
    ServiceTarget,
    WebhookTarget,
)
from bot.roster import Watched, listed
from bot.text.clean import name as shown
from bot.text.clean import sentence
from risk.decisions.incidents import Cause, CauseKind, Incident, IncidentStatus
from risk.decisions.tiers import Tier
from storage import Receiver

_TOKENS = {"telegram": "TELEGRAM_TOKEN", "discord": "DISCORD_TOKEN", WEBHOOK: "DISCORD_WEBHOOK_URL"}
RINGS_THROUGH = "rings_through_dnd = true"


def missing_senders(routes: Routes, senders: Collection[str]) -> tuple[str, ...]:
    """Ways the file names and this process has not: nothing would ever leave there."""
    found = []
    for where, entry in _entries(routes):
        sender = _sender_of(entry)
        if sender and sender not in senders:
            remedy = f"set {_TOKENS[sender]}" if sender in _TOKENS else "set its token"
            found.append(f"{where}: {entry} has no way out; {remedy}, or take it out of the file")
    return tuple(found)


def _entries(routes: Routes) -> Iterable[tuple[str, Entry]]:
    for route in routes.routes:
        for number, step in enumerate(route.steps, start=1):
            for target in step.to:
                yield f"route {route.name}, step {number}", target
    for entry in routes.fallback.order:
        yield "[fallback]", entry


def _sender_of(entry: Entry) -> str:
    match entry:
        case ChatTarget(sender=sender) | SenderChats(sender=sender):
            return sender
        case WebhookTarget():
            return WEBHOOK
        case ServiceTarget(name=name):
            return f"{SERVICE}:{name}"
        case PersonTarget():
            return ""


def standing_problems(
    routes: Routes,
    hearers: Hearers,
    accounts: Sequence[Watched],
    unreachable: Mapping[Receiver, str],
    *,
    lost_chats: bool = True,
    people: bool = True,
) -> tuple[str, ...]:
    """What keeps alerts from arriving where the file sends them.

    Args:
        lost_chats: Whether to name chats that take no messages; each of them is an alert of its own already.
        people: Whether to name steps with people who cannot be told, and what follows from them.
    """
    problems = ["the file holds secrets and other users of this machine can read it; chmod 600 it"] * routes.exposed
    for route in hearers.routes:
        problems += _of_route(route, accounts, unreachable, lost_chats=lost_chats, people=people)
    return tuple(dict.fromkeys(problems))


def _of_route(
    route: KnownRoute,
    accounts: Sequence[Watched],
    unreachable: Mapping[Receiver, str],
    *,
    lost_chats: bool,
    people: bool,
) -> Iterable[str]:
    where = f"route {route.rule.name}"
    known = {word for one in accounts for word in (one.nickname.lower(), one.account_id.lower())}
    for named in route.rule.accounts:
        if named.lower() not in known:
            yield f"{where}: no account is called {shown(named)}; watched: {listed(a.nickname for a in accounts)}"
    about = [one for one in accounts if _about(route, one)]
    reached = False
    for number, step in enumerate(route.steps, start=1):
        for trouble in step.troubles if people else ():
            yield f"{where}, step {number}: {trouble}"
        deaf = [one.nickname for one in about if not step.reach.of(one.account_id)]
        if deaf and not step.troubles:
            yield f"{where}, step {number}: nobody in it may see {listed(deaf)}; see /people"
        for receiver in _receivers(step):
            if receiver not in unreachable:
                reached = True
            elif lost_chats:
                place = f"{receiver.transport}:{receiver.chat}"
                yield f"{where}, step {number}: {place} takes no messages: {sentence(unreachable[receiver])}"
    if not reached and (people or not any(step.troubles for step in route.steps)):
        yield f"{where} points nowhere now: every linked chat is told instead of it"


def _about(route: KnownRoute, watched: Watched) -> bool:
    names = (watched.nickname.lower(), watched.account_id.lower())
    return not route.rule.accounts or any(named.lower() in names for named in route.rule.accounts)


def _receivers(step: KnownStep) -> Iterable[Receiver]:
    return (hearer.receiver for _, hearers in step.targets for hearer in hearers)


def without_dnd(routes: Routes, hearers: Hearers, accounts: Sequence[Watched], now: datetime) -> tuple[Watched, ...]:
    """Accounts whose CRITICAL reaches nothing that rings through Do Not Disturb, however long nobody answers."""
    ringing = {service.sender for service in routes.services.values() if service.rings_through_dnd}
    return tuple(one for one in accounts if not _rings(hearers, _critical(one.account_id, now), ringing))


def _rings(hearers: Hearers, incident: Incident, ringing: Collection[str]) -> bool:
    return any(
        receiver.transport in ringing
        for route in hearers.fitting(incident)
        for step in route.steps
        for receiver in _receivers(step)
    )


def dnd_warning(without: Sequence[Watched], accounts: Sequence[Watched]) -> str:
    """The permanent warning; empty where there is nothing to warn of."""
    if not without:
        return ""
    of = "" if len(without) == len(accounts) else f" for {listed(one.nickname for one in without)}"
    return (
        f"CRITICAL has no route that rings through Do Not Disturb{of}:"
        f" add a service with {RINGS_THROUGH} to a step in ROUTES_FILE"
    )


def _critical(account_id: str, now: datetime) -> Incident:
    """An account that is about to be liquidated."""
    return Incident(
        incident_id=0, cause=Cause(kind=CauseKind.HEALTH, account_id=account_id), tier=Tier.CRITICAL,
        peak=Tier.CRITICAL, status=IncidentStatus.OPEN, opened_at=now, changed_at=now, rang_at=now,
    )  # fmt: skip
