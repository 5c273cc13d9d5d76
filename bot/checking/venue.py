"""What a check finds of the venue: every RPC endpoint by itself, and the websocket."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.checking.clock import Witness
from bot.checking.facts import Fact, advice, ok, wrong
from bot.checking.platforms import Asked
from bot.config import Settings, VenueName
from bot.text.ages import age
from venues.errors import VenueError
from venues.solana.settings import MAINNET_GENESIS, host_of

if TYPE_CHECKING:
    from venues.solana.probe import EndpointFacts

_SLOW_S = 1.0
_CONFIRMED_S = 8.0  # a block is some seconds old before it is told of
_NO_EXTRA = "run make drift, or install keel[solana]"


async def ask_venue(settings: Settings, patience_s: float) -> Asked:
    """The endpoints the settings name."""
    if settings.venue is VenueName.PAPER:
        return Asked(facts=(ok("venue", "paper money, which lives inside Keel"),))
    try:
        from venues.solana import probe
    except ModuleNotFoundError as exc:
        return Asked(facts=(wrong("venue", f"{exc.name} is not installed", _NO_EXTRA),))
    urls = [url.get_secret_value() for url in settings.rpc_urls]
    websocket = settings.websocket_url.get_secret_value()
    try:
        *found, problem = await asyncio.gather(
            *(probe.examine(url, patience_s=patience_s) for url in urls),
            probe.websocket_problem(websocket, answer_s=patience_s),
        )
    except VenueError as exc:
        return Asked(facts=(wrong("rpc", str(exc), "write RPC_URLS and WS_URL as .env.example says"),))
    answers = [one for one in found if isinstance(one, probe.EndpointFacts)]
    facts = [_endpoint(one) for one in answers]
    if len(urls) == 1:
        facts.append(advice("rpc", "there is one endpoint", "name a second one in RPC_URLS: its outage is Keel's"))
    if len({host_of(url) for url in urls}) < len(urls):
        facts.append(advice("rpc", "two endpoints are on one host", "use two providers; they fail together"))
    facts.append(_websocket(host_of(websocket), str(problem)))
    witness = next(
        (
            Witness(
                who=f"the newest block of {one.host}", said=one.block_time, earliest=one.asked_at, latest=one.asked_at,
                spread_s=_CONFIRMED_S,
            )
            for one in answers
            if one.block_time is not None and one.asked_at is not None and one.moved
        ),
        None,
    )  # fmt: skip
    return Asked(facts=tuple(facts), witness=witness)


def _endpoint(found: "EndpointFacts") -> Fact:
    subject = f"rpc {found.host}"
    if found.problem:
        return wrong(subject, found.problem, "see the sentence itself, or use another provider")
    if found.genesis != MAINNET_GENESIS:
        return wrong(subject, "it serves another cluster than the mainnet", "set RPC_URLS to one of the mainnet")
    if not found.moved:
        return wrong(subject, f"slot {found.slot} does not move", "use another provider; this one is stuck")
    took = f"{found.slowest_s * 1000:.0f} ms"
    behind = timedelta(0) if found.block_time is None or found.asked_at is None else found.asked_at - found.block_time
    if found.slowest_s > _SLOW_S:
        return advice(subject, f"it answers, and takes up to {took}", "use a faster provider, or one nearer by")
    text = f"it answers within {took}, slot {found.slot} moves"
    if timedelta(seconds=_CONFIRMED_S) < behind < timedelta(hours=1):
        text += f", its newest block is {age(behind.total_seconds())} old"
    return ok(subject, text)


def _websocket(host: str, problem: str) -> Fact:
    if problem:
        return advice(f"websocket {host}", problem, "set WS_URL to one that works; until then Keel polls")
    return ok(f"websocket {host}", "it tells of new slots")
