"""/events: which kinds of what happens to accounts a chat hears of."""

import difflib
from collections.abc import Collection, Iterable, Sequence

from bot.alerts.event_names import GROUPS, NAMES
from bot.alerts.wishes import Wish
from bot.commands import wishing
from bot.commands.last_hearer import heard_here_alone
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.text.clean import name
from bot.text.tables import fit
from risk.decisions.event_tiers import DEFAULT_TIERS
from risk.decisions.hearing import ChatPreferences, urgent
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind

_ON, _OFF, _ALL = "on", "off", "all"
_STAYS = "still told here, for no other chat that can be reached hears of it."
_NEVER_LOST = "An event of CRITICAL or worse that no other chat hears of is told here whatever is switched off."


async def run(services: Services, request: Request) -> Message:
    before = await wishing.wants(services, request.address)
    words = [word.lower() for word in request.args]
    if not words:
        return _overview(before)
    if words[0] not in (_ON, _OFF):
        shown = _kinds(words)
        off = [kind for kind in shown if not before.tells(kind.value)]
        return _detail(before, shown, await heard_here_alone(services, wishing.here(request.address), off))
    if len(words) == 1:
        raise Usage(f"Say which: {', '.join(GROUPS)}, a kind of event, or all.")
    await wishing.require_say(services, request.person, request.address)
    told = words[0] == _ON
    asked = [kind for kind in _kinds(words[1:]) if before.tells(kind.value) is not told]
    if not asked:
        return Message(blocks=(Line(f"That is {words[0]} here already.", strong=True),))
    kept = () if told else await heard_here_alone(services, wishing.here(request.address), asked)
    kinds = [kind for kind in asked if kind not in kept]
    stays = [f"{_listed(kept)}: {_STAYS}"] if kept else []
    if not kinds:
        how = Line("Link another chat first, or switch it on in one.")
        return Message(blocks=(Line(" ".join(stays), strong=True), how))
    wish = Wish(events={kind.value: told for kind in kinds})
    done = (f"{_listed(kinds)}: {'told here' if told else 'not told here any more'}.", *stays)
    weighty = [kind for kind in kinds if severity(DEFAULT_TIERS[kind]) >= severity(Tier.HIGH)]
    if weighty and not told:
        worst = max((DEFAULT_TIERS[kind] for kind in weighty), key=severity)
        question = f"Hear nothing here of {_listed(weighty)}?"
        return await wishing.ask(services, request, wish, question, " ".join((_why(worst), *stays)), done)
    return await wishing.grant(services, request, wish, done)


def _why(worst: Tier) -> str:
    if urgent(worst):
        return f"That is {worst.name}. Another chat hears of it; while none can be reached, it is told here again."
    return f"That is {worst.name}. What other chats hear stays as it is."


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
    return Message(
        blocks=(
            Line("What happens, as this chat hears of it", strong=True),
            fit(rows, header=("group", "told here")),
            Line("Look closer: /events fills. Change: /events off fills, or /events on orders."),
            Line(_NEVER_LOST),
        )
    )


def _state(preferences: ChatPreferences, kinds: Sequence[EventKind]) -> str:
    told = sum(preferences.tells(kind.value) for kind in kinds)
    if told in (0, len(kinds)):
        return "yes" if told else "no"
    return f"{told} of {len(kinds)}"


def _detail(preferences: ChatPreferences, kinds: Sequence[EventKind], alone: Collection[EventKind]) -> Message:
    """``alone``: those that are off here, and told here nevertheless."""
    told = {kind: preferences.tells(kind.value) or kind in alone for kind in kinds}
    rows = [(kind.value, "no other" if kind in alone else "yes" if told[kind] else "no") for kind in kinds]
    blocks: list[Block] = [
        Line(f"{sum(told.values())} of {len(kinds)} kinds are told here", strong=True),
        fit(rows, header=("kind", "told")),
    ]
    if alone:
        blocks.append(Line("No other: switched off here, and told here, for no other chat can be told of it now."))
    return Message(blocks=(*blocks, Line(_NEVER_LOST)))


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
