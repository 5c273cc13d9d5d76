"""/events: which kinds of what happens to accounts a chat hears of."""

import difflib
from collections.abc import Iterable, Sequence

from bot.alerts.event_names import GROUPS, NAMES
from bot.alerts.wishes import Wish
from bot.commands import wishing
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Line, Message
from bot.text.clean import name
from bot.text.tables import fit
from risk.decisions.event_tiers import DEFAULT_TIERS
from risk.decisions.hearing import ChatPreferences, urgent
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind

_ON, _OFF, _ALL = "on", "off", "all"


async def run(services: Services, request: Request) -> Message:
    before = await wishing.wants(services, request.address)
    words = [word.lower() for word in request.args]
    if not words:
        return _overview(before)
    if words[0] not in (_ON, _OFF):
        return _detail(before, _kinds(words))
    if len(words) == 1:
        raise Usage(f"Say which: {', '.join(GROUPS)}, a kind of event, or all.")
    await wishing.require_say(services, request.person, request.address)
    told = words[0] == _ON
    kinds = [kind for kind in _kinds(words[1:]) if before.tells(kind.value) is not told]
    if not kinds:
        return Message(blocks=(Line(f"That is {words[0]} here already.", strong=True),))
    wish = Wish(events={kind.value: told for kind in kinds})
    done = (f"{_listed(kinds)}: {'told here' if told else 'not told here any more'}.",)
    weighty = [kind for kind in kinds if severity(DEFAULT_TIERS[kind]) >= severity(Tier.HIGH)]
    if weighty and not told:
        worst = max((DEFAULT_TIERS[kind] for kind in weighty), key=severity)
        question = f"Hear nothing here of {_listed(weighty)}?"
        return await wishing.ask(services, request, wish, question, _why(worst), done)
    return await wishing.grant(services, request, wish, done)


def _why(worst: Tier) -> str:
    if urgent(worst):
        return f"That is {worst.name}. Other chats hear of it; the last one that would cannot switch it off."
    return f"That is {worst.name}. Other chats hear of it as they did."


def _kinds(words: Sequence[str]) -> tuple[EventKind, ...]:
    """Groups and kinds, as somebody typed them. Raises: Usage."""
    found: dict[EventKind, None] = {}
    for word in words:
        found |= dict.fromkeys(_meant(word))
    return tuple(found)


def _meant(word: str) -> Iterable[EventKind]:
    if word == _ALL:
        return EventKind
    if word in GROUPS:
        return GROUPS[word]
    plain = word.replace("-", "_").replace(" ", "_")
    known = {kind.value: kind for kind in EventKind} | {NAMES[kind].lower().replace(" ", "_"): kind for kind in NAMES}
    if plain in known:
        return (known[plain],)
    close = difflib.get_close_matches(plain, [*GROUPS, *known], n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]}?" if close else f"Groups are {', '.join(GROUPS)}."
    raise Usage(f"No kind of event is called {name(word)}. {hint}")


def _overview(preferences: ChatPreferences) -> Message:
    rows = [(group, _state(preferences, kinds)) for group, kinds in GROUPS.items()]
    return wishing.shown(
        Line("What happens, as this chat hears of it", strong=True), fit(rows, header=("group", "told here")),
        Line("Look closer: /events fills. Change: /events off fills, or /events on orders."),
    )  # fmt: skip


def _state(preferences: ChatPreferences, kinds: Sequence[EventKind]) -> str:
    told = sum(preferences.tells(kind.value) for kind in kinds)
    if told in (0, len(kinds)):
        return "yes" if told else "no"
    return f"{told} of {len(kinds)}"


def _detail(preferences: ChatPreferences, kinds: Sequence[EventKind]) -> Message:
    rows = [(kind.value, "yes" if preferences.tells(kind.value) else "no") for kind in kinds]
    return wishing.shown(
        Line(f"{sum(row[1] == 'yes' for row in rows)} of {len(rows)} kinds are told here", strong=True),
        fit(rows, header=("kind", "told")),
    )  # fmt: skip


def _listed(kinds: Sequence[EventKind]) -> str:
    """Whole groups by their names, the rest one by one; the first letter in capitals."""
    left = dict.fromkeys(kinds)
    words: list[str] = []
    for group, members in GROUPS.items():
        if len(members) > 1 and all(kind in left for kind in members):
            words.append(group)
            left = {kind: None for kind in left if kind not in members}
    words += [NAMES[kind] for kind in left]
    text = ", ".join(words)
    return f"{text[:1].upper()}{text[1:]}"


COMMAND = Command(
    name="events", usage="/events [on|off] [KIND ...]", summary="which kinds of events are told here", run=run
)  # fmt: skip
