"""/verbosity: what rings in a chat, what comes without a sound, and what waits for the digest."""

import re
from datetime import time
from zoneinfo import ZoneInfo

from bot.alerts.wishes import Wish
from bot.commands import wishing
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.text.ages import clock
from bot.text.clean import name
from bot.text.reader import reader
from bot.text.tables import fit
from risk.decisions.hearing import ChatPreferences, DigestPlan, Manner, Verbosity, manner
from risk.decisions.tiers import LADDER, Tier
from storage import DIGEST_MINUTE

_WORDS = {Manner.RING: "rings", Manner.SILENT: "no sound", Manner.DIGEST: "digest"}
_EVERY = re.compile(r"(\d{1,2})\s*h", re.ASCII)
_AT = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_DIGEST, _DAILY = "digest", "daily"


async def run(services: Services, request: Request) -> Message:
    before = await wishing.wants(services, request.address)
    if not request.args:
        return _show(before)
    await wishing.require_say(services, request.person, request.address)
    level, digest = _wanted([word.lower() for word in request.args], before, await _daily(services, request))
    wish = Wish(verbosity=level, digest=digest, zone=_zone(before) if digest is not None else None)
    after = wish.applied(before)
    done = (f"{_headline(after)} from now on.", _told_when(after))
    if after.verbosity is Verbosity.CRITICAL and before.verbosity is not Verbosity.CRITICAL:
        why = "HIGH would come without a sound, WATCH and WARNING only in the digest."
        return await wishing.ask(services, request, wish, "Ring only for CRITICAL here?", why, done)
    return await wishing.grant(services, request, wish, done)


async def _daily(services: Services, request: Request) -> DigestPlan:
    """When whoever asks gets their own digest of the day."""
    if request.person is None:
        return DigestPlan(at_minute=DIGEST_MINUTE.default)
    own = await services.personal.get(DIGEST_MINUTE, request.person.person_id)
    return DigestPlan(at_minute=DIGEST_MINUTE.default if own is None else own)


def _zone(before: ChatPreferences) -> str:
    """A chat that has no quiet hours has said nothing of its time: then it is that of whoever asks."""
    own = reader().zone
    return own.key if isinstance(own, ZoneInfo) and not before.quiet else before.zone.key


def _wanted(words: list[str], before: ChatPreferences, daily: DigestPlan) -> tuple[Verbosity | None, DigestPlan | None]:
    """A level, a time for the digest, or both. Raises: Usage."""
    level: Verbosity | None = None
    if words and words[0] != _DIGEST:
        if words[0] not in tuple(Verbosity):
            raise Usage(f"There is no level {name(words[0])}; levels are {', '.join(Verbosity)}.")
        level = Verbosity(words.pop(0))
    if not words:
        return level, None
    if words[0] != _DIGEST or len(words) < 2:
        raise Usage("Behind the level only the digest can be set: digest 08:00, digest 6h, or digest daily.")
    return level, daily if words[1:] == [_DAILY] else _plan(" ".join(words[1:]), before.digest)


def _plan(text: str, before: DigestPlan) -> DigestPlan:
    """Raises: Usage."""
    every, at = _EVERY.fullmatch(text), _AT.fullmatch(text)
    try:
        if every is not None:
            return DigestPlan(at_minute=before.at_minute, every_h=int(every[1]))
        if at is not None and int(at[2]) < 60:
            return DigestPlan(at_minute=int(at[1]) * 60 + int(at[2]))
    except (ValueError, ZeroDivisionError) as exc:
        raise Usage("A digest comes every 1, 2, 3, 4, 6, 8, 12 or 24 hours, or at a time such as 08:00.") from exc
    raise Usage(f"{name(text)} is no time for a digest; write 08:00 or 6h.")


def _show(preferences: ChatPreferences) -> Message:
    level = preferences.verbosity
    rows = [(tier.name, _WORDS[manner(level, tier)]) for tier in (*reversed(LADDER), Tier.UNKNOWN)]
    blocks: list[Block] = [Line(_headline(preferences), strong=True), fit(rows, header=("tier", "here"))]
    blocks += [Line(_told_when(preferences)), Line("Change: /verbosity all, normal, important or critical.")]
    return Message(blocks=tuple(blocks))


def _headline(preferences: ChatPreferences) -> str:
    return f"Verbosity here: {preferences.verbosity.value}"


def _told_when(preferences: ChatPreferences) -> str:
    plan, zone = preferences.digest, preferences.zone
    at = f"at {_clock(plan.at_minute)} {zone.key}"
    if plan.every_h == 24:
        return f"What waits comes once a day {at}."
    return f"What waits comes every {plan.every_h} h, one of them {at}."


def _clock(minute: int) -> str:
    return clock(time(minute // 60, minute % 60))


COMMAND = Command(
    name="verbosity", usage="/verbosity [all|normal|important|critical] [digest 08:00|6h|daily]",
    summary="what rings here, what waits", run=run,
)  # fmt: skip
