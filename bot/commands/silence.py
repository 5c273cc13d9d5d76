"""/silence: nothing of one account for a while, in one chat. Never above HIGH, and UNKNOWN comes without a sound."""

from collections.abc import Sequence
from datetime import timedelta

from bot.alerts.wishes import Wish
from bot.commands import wishing
from bot.commands.common import account_of, require_named
from bot.commands.mute import span
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Line, Message
from bot.roster import Watched
from bot.text.clean import name
from bot.text.durations import written
from risk.decisions.tiers import Tier

_LONGEST = timedelta(days=7)
_DEFAULT = timedelta(hours=1)
_MUCH = timedelta(hours=8)
_OFF = "off"
_WHAT = "Of it only CRITICAL and worse rings here; UNKNOWN comes without a sound."


async def run(services: Services, request: Request) -> Message:
    words = tuple(word for word in request.args if word.lower() != _OFF)
    if not request.args:
        return await _show(services, request)
    await wishing.require_say(services, request.person, request.address)
    watched, rest = account_of(services, words)
    require_named(services, words, rest)
    if len(words) < len(request.args):
        return await _end(services, request, watched, rest)
    wanted = span(rest, default=_DEFAULT, longest=_LONGEST)
    ends = services.clock.now() + wanted
    wish = Wish(silenced={watched.account_id: ends})
    done = (f"{name(watched.nickname)} is silenced here {wishing.until(ends)}.", _WHAT)
    tier = services.watch.tier(watched.account_id).tier
    if tier is not Tier.OK or wanted > _MUCH:
        question = f"Silence {name(watched.nickname)} for {written(wanted)}?"
        why = f"It is {tier.name} now. WATCH, WARNING and HIGH would not be told here until then."
        return await wishing.ask(services, request, wish, question, why, done)
    return await wishing.grant(services, request, wish, done)


async def _end(services: Services, request: Request, watched: Watched, rest: Sequence[str]) -> Message:
    if rest:
        raise Usage("To end it say /silence off and the account.")
    standing = (await wishing.wants(services, request.address)).silenced.get(watched.account_id)
    if standing is None or standing <= services.clock.now():
        return Message(blocks=(Line(f"{name(watched.nickname)} is not silenced here.", strong=True),))
    done = (f"{name(watched.nickname)}: told here again.",)
    return await wishing.grant(services, request, Wish(silenced={watched.account_id: None}), done)


async def _show(services: Services, request: Request) -> Message:
    now, silenced = services.clock.now(), (await wishing.wants(services, request.address)).silenced
    lines = [
        Line(f"{name(watched.nickname)}: {wishing.until(silenced[watched.account_id])}")
        for watched in services.roster.all
        if silenced.get(watched.account_id, now) > now
    ]
    if not lines:
        how = Line("Silence one: /silence ACCOUNT 2h.")
        return wishing.shown(Line("No account is silenced here", strong=True), how)
    return wishing.shown(
        Line(f"{len(lines)} silenced here", strong=True), *lines, Line("End one: /silence off ACCOUNT.")
    )


COMMAND = Command(
    name="silence", usage="/silence [off] [account] [2h]", summary="nothing of an account for a while, up to HIGH",
    run=run,
)  # fmt: skip
