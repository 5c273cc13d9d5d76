"""/quiet: hours of the day in which a chat is not rung for anything short of CRITICAL."""

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from bot.alerts.wishes import Wish
from bot.commands import wishing
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Line, Message
from bot.text.ages import clock, zone_name
from bot.text.clean import name
from bot.text.reader import reader
from bot.text.zones import UnknownZone, zone
from risk.decisions.hearing import ChatPreferences
from risk.decisions.quiet_hours import QuietSpan, WholeDay, merged, quiet_until, span
from storage import Role

_TIME = r"(\d{1,2})(?:[:.](\d{2}))?(am|pm)?"
_SPAN = re.compile(rf"{_TIME}(?:-|–|to){_TIME}", re.IGNORECASE | re.ASCII)
_MOST_SPANS = 8
_MUCH_MINUTES = 12 * 60
_HOLDS = "Held till then: WATCH, WARNING and HIGH. UNKNOWN comes at once without a sound."


async def run(services: Services, request: Request) -> Message:
    before, now = await wishing.wants(services, request.address), services.clock.now()
    if not request.args:
        return wishing.shown(Line(_first_line(before, now), strong=True), Line(_HOLDS), Line(_HOW))
    await wishing.require_say(services, request.person, request.address)
    if request.args[0].lower() == "off":
        if len(request.args) > 1:
            raise Usage("To end quiet hours say /quiet off and nothing more.")
        if not before.quiet:
            return Message(blocks=(Line("There are no quiet hours here.", strong=True),))
        return await wishing.grant(
            services, request, Wish(quiet=()), ("No quiet hours any more.", "What was held comes now.")
        )
    spans, words = _spans(request.args)
    where = _zone(words, before)
    if not spans:
        raise Usage(f"Say from when to when, such as 22:00-07:00 {where.key}.")
    return await _change(services, request, spans, where, now)


def _spans(args: tuple[str, ...]) -> tuple[list[QuietSpan], str]:
    """Stretches of time, and the words that are none: the zone. Raises: Usage."""
    found: list[QuietSpan] = []
    words: list[str] = []
    for word in " ".join(args).replace(" - ", "-").replace(",", " ").split():
        match = _SPAN.fullmatch(word)
        if match is None:
            if word[0].isdigit():
                raise Usage(f"{name(word)} is no stretch of time; write it like 22:00-07:00.")
            words.append(word)
            continue
        begins, ends = _time(*match.group(1, 2, 3)), _time(*match.group(4, 5, 6))
        try:
            found.append(span(begins, ends))
        except WholeDay as exc:
            raise Usage(f"{name(word)} has no length. {_whole_day(exc)}") from exc
    if len(found) > _MOST_SPANS:
        raise Usage(f"At most {_MOST_SPANS} stretches of a day can be quiet.")
    return found, " ".join(words)


def _time(hour: str, minute: str | None, half: str | None) -> time:
    """A time of day; 24:00 is midnight. Raises: Usage."""
    hours, minutes = int(hour), int(minute or 0)
    written = f"{hour}:{minute}" if minute else hour
    if half:
        if not 1 <= hours <= 12:
            raise Usage(f"{written}{half} is no time of day.")
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    if hours == 24 and not minutes:
        hours = 0
    if hours > 23 or minutes > 59:
        raise Usage(f"{written} is no time of day.")
    return time(hours, minutes)


def _zone(words: str, before: ChatPreferences) -> ZoneInfo:
    """The zone that is named, or the one the chat has, or that of whoever asks. Raises: Usage."""
    if words:
        try:
            return zone(words)
        except UnknownZone as exc:
            raise wishing.refused(exc) from exc
    own = reader().zone
    if before.quiet or not isinstance(own, ZoneInfo):
        return before.zone
    return own


async def _change(
    services: Services, request: Request, spans: list[QuietSpan], where: ZoneInfo, now: datetime
) -> Message:
    try:
        quiet = merged(spans)
    except WholeDay as exc:
        raise Usage(_whole_day(exc)) from exc
    wish = Wish(quiet=quiet, zone=where.key)
    done = [f"Quiet hours: {_all(quiet)}, {where.key}.", _HOLDS]
    if len(quiet) < len(spans):
        done.insert(1, "Times that overlap or touch became one.")
    minutes = sum(one.ends_minute - one.begins_minute for one in quiet)
    if minutes > _MUCH_MINUTES:
        hours, rest = divmod(minutes, 60)
        question = f"Quiet for {hours} h{f' {rest:02d} min' if rest else ''} of every day?"
        why = f"{_all(quiet)}, {where.key}. HIGH alerts would wait until that is over; {_NEVER}"
        return await wishing.ask(services, request, wish, question, why, done)
    return await wishing.grant(services, request, wish, done)


_NEVER = "CRITICAL and worse never waits."
_HOW = "Change: /quiet 22:00-07:00 Europe/Berlin, or /quiet off."


def _whole_day(exc: WholeDay) -> str:
    return f"{wishing.refused(exc)} For fewer sounds see /verbosity."


def _first_line(preferences: ChatPreferences, now: datetime) -> str:
    if not preferences.quiet:
        return "No quiet hours here"
    ends = quiet_until(preferences.quiet, preferences.zone, now)
    if ends is None:
        return f"Quiet hours: {_all(preferences.quiet)}, {preferences.zone.key}"
    local = ends.astimezone(preferences.zone)
    return f"Quiet until {clock(local)} {zone_name(ends, preferences.zone)}: {_all(preferences.quiet)}"


def _all(spans: tuple[QuietSpan, ...]) -> str:
    return ", ".join(f"{_at(one.begins_minute)}-{_at(one.ends_minute)}" for one in spans)


def _at(minute: int) -> str:
    return clock(datetime(2000, 1, 1, minute // 60 % 24, minute % 60, tzinfo=UTC))


COMMAND = Command(
    name="quiet", usage="/quiet [off | HH:MM-HH:MM ... [ZONE]]", summary="hours in which only CRITICAL rings", run=run,
    presses=wishing.PRESSES, press_role=Role.VIEWER,
)  # fmt: skip
