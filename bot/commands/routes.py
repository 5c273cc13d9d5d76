"""/routes: who hears of what, in which order, and what is wrong with that. An admin can send a test through a route."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.alerts.hearers import Hearers, KnownRoute
from bot.alerts.routes import DEFAULT_ROUTE, Route
from bot.alerts.routes_check import dnd_warning, without_dnd
from bot.commands.spec import Command, Denied, Request, Services, Usage, Where
from bot.messages import Address, Block, DeliveryError, Line, Message, lines
from bot.roster import listed
from bot.text.ages import moment
from bot.text.clean import name, sentence
from bot.text.durations import written
from risk.decisions.tiers import Tier
from storage import Receiver, Role

_TEST = "test"
_FALLBACK = "fallback"
UNNAMED_ROUTES = (DEFAULT_ROUTE, _FALLBACK)
_PATIENCE_S = 20.0
_MOST_TESTED = 50
_LINES_SHOWN = 12


async def run(services: Services, request: Request) -> Message:
    if not request.args:
        return await _show(services, request)
    if request.args[0].lower() != _TEST:
        raise Usage("Ask /routes, or /routes test and the name of a route.")
    if request.person is None or not request.person.access.everywhere_includes(Role.ADMIN):
        raise Denied.role(Role.ADMIN, request.person.access.everywhere if request.person else None, "for all accounts")
    return await _test(services, " ".join(request.args[1:]))


async def _show(services: Services, request: Request) -> Message:
    book, now = services.book, services.clock.now()
    hearers = await book.load()
    seen = frozenset(services.roster.account_ids)
    all_seen = request.person is not None and request.person.access.everywhere_includes(Role.ADMIN)
    blocks: list[Block] = []
    for route in hearers.routes:
        about = book.about(route.rule)
        if all_seen or not route.rule.accounts or about & seen:
            called = [services.roster.label(one) for one in sorted(about & seen)]
            blocks += [Line(text) for text in _lines(route, called, hearers)]
    blocks.append(Line(f"{'Everything else' if hearers.routes else 'Everything'}: every linked chat at once."))
    ways = ", ".join(way.name for way in hearers.ways) or "no other way"
    after = written(book.routes.fallback.after)
    blocks.append(Line(f"Not delivered for {after}, CRITICAL goes round by: {ways}."))
    accounts = services.roster.all
    problems = await book.problems() if all_seen else ()
    warning = dnd_warning(without_dnd(book.routes, hearers, accounts, now), accounts)
    wrong = [*problems, *([warning] if warning else [])]
    blocks += [Line(f"! {text}.") for text in wrong[:_LINES_SHOWN]]
    if len(wrong) > _LINES_SHOWN:
        blocks.append(Line(f"! and {len(wrong) - _LINES_SHOWN} more"))
    blocks.append(Line(f"This chat is {_place(request.address)}."))
    verdict = f"{len(wrong)} thing{'s' if len(wrong) != 1 else ''} to look at" if wrong else "all in order"
    return Message(blocks=(Line(f"Routes: {verdict}", strong=True), *blocks))


def _place(address: Address) -> str:
    thread = f"/{address.thread}" if address.thread else ""
    return f"{address.transport}:{address.chat}{thread}"


def _lines(route: KnownRoute, called: Sequence[str], hearers: Hearers) -> Iterable[str]:
    yield f"{route.rule.name}: {_about(route.rule, called)}"
    for step in route.steps:
        when = f"after {written(step.after)}" if step.after else "at once"
        targets = (_target(text, [one.receiver for one in found], hearers) for text, found in step.targets)
        yield f"  {when}: {', '.join(targets)}"


def _about(rule: Route, called: Sequence[str]) -> str:
    accounts = (listed(map(name, called)) if called else "no account there is") if rule.accounts else "all accounts"
    kinds = f", {', '.join(sorted(rule.kinds))} only" if rule.kinds else ""
    least = "everything" if rule.least is Tier.WATCH else f"{rule.least.name} and worse"
    return f"{least}{kinds}, {accounts}"


def _target(text: str, receivers: Sequence[Receiver], hearers: Hearers) -> str:
    shown = name(text, columns=40)
    if not receivers:
        return f"{shown} (nobody)"
    if all(one in hearers.unreachable for one in receivers):
        return f"{shown} (takes no messages)"
    return shown if len(receivers) == 1 else f"{shown} ({len(receivers)} chats)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """One message of a test, and where it goes."""

    label: str
    receiver: Receiver


async def _test(services: Services, called: str) -> Message:
    hearers = await services.book.load()
    trials = tuple(_trials(hearers, called))
    if not trials:
        known = ", ".join((*(route.rule.name for route in hearers.routes), *UNNAMED_ROUTES))
        is_there = called.lower() in known.lower().split(", ")
        raise Usage(f"{name(called)} comes to nobody now." if is_there else f"Say which route: {known}.")
    at = moment(services.clock.now())
    outcomes = await asyncio.gather(*(_try(services, trial, called, at) for trial in trials[:_MOST_TESTED]))
    arrived = sum(not outcome for outcome in outcomes)
    said = [
        f"{trial.label}: {outcome or 'taken'}"
        for trial, outcome in zip(trials, outcomes, strict=False)
        if outcome or len(trials) <= _LINES_SHOWN
    ]
    return Message(blocks=lines(f"Route {name(called)}: {arrived} of {len(outcomes)} taken", *said[:_LINES_SHOWN]))


def _trials(hearers: Hearers, called: str) -> Iterable[_Trial]:
    wanted = called.casefold()
    if wanted == DEFAULT_ROUTE:
        yield from (_Trial(label=_shown(one), receiver=one) for one in (*hearers.always, *hearers.everybody.all))
    if wanted == _FALLBACK:
        found = (
            _Trial(label=f"{way.name}, {_shown(one)}", receiver=one) for way in hearers.ways for one in way.reach.all
        )
        yield from found
    for route in hearers.routes:
        if route.rule.name.casefold() == wanted:
            for number, step in enumerate(route.steps, start=1):
                for one in step.reach.all:
                    yield _Trial(label=f"step {number}, {_shown(one)}", receiver=one)


def _shown(receiver: Receiver) -> str:
    return _place(Address(transport=receiver.transport, chat=receiver.chat, thread=receiver.thread))


async def _try(services: Services, trial: _Trial, called: str, at: str) -> str:
    """Why a test did not arrive; empty where its platform took it."""
    one = trial.receiver
    transport = services.process.transports.get(one.transport)
    if transport is None:
        return "there is no such way out"
    text = f"TEST of route {name(called)}: this would be an alert"
    message = Message(blocks=lines(text, f"Sent by hand at {at} as {trial.label}. Nothing is wrong."))
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await transport.send(Address(transport=one.transport, chat=one.chat, thread=one.thread), message)
    except DeliveryError as exc:
        return sentence(str(exc))
    except TimeoutError:
        return f"no answer within {_PATIENCE_S:.0f} s"
    return ""


COMMAND = Command(
    name="routes", usage="/routes [test NAME]", summary="who hears of what, and in which order", run=run,
    where=Where.LINKED, per_account=True,
)  # fmt: skip
