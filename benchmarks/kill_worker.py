"""A bot that fires alerts until it is killed, many times over without being imported again.

    python -m benchmarks.kill_worker DATABASE URL TOKEN FIRST_CHAT CHATS ALERTS_PER_S

reads a line for each life: ``live SEED`` prints the id of a process that goes on until somebody kills it, and its exit
status once that has happened; ``drain SEED`` the same for one that ends when nothing is left to deliver.
"""

import asyncio
import contextlib
import logging
import os
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

# Before the first fork, or every life would spend a second or two on them.
import sqlite_utils  # noqa: F401
import structlog

import bot.transports.telegram.wire  # noqa: F401
from benchmarks.storm import OwnChats
from bot.alerts.answers import Answers
from bot.alerts.chat_names import ChatNames
from bot.alerts.delivery import Delivery
from bot.alerts.desk import Finding, IncidentDesk
from bot.alerts.facts import from_json, to_json
from bot.alerts.figures import Figures
from bot.alerts.sender import Sender
from bot.alerts.showing import Showing
from bot.alerts.wording import Wording
from bot.clock import SystemClock
from bot.roster import Roster
from bot.transports.telegram import TelegramTransport
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.fleet import Fleet
from storage import Copies, Incidents, LinkedPerson, Outbox, People, Store
from tests.support.tuned_reader import TunedReader

_ACK_SHARE = 0.1
_EXAMPLE = """
    {"incident_id": 1, "kind": "system", "reason": "first", "tier": 3, "previous": null, "account": "", "detail": "",
     "happened_at": "2026-01-01T00:00:00Z"}
"""
_ANN = LinkedPerson(
    person_id="ann", transport="telegram", user_id="1", display_name="Ann", owner=True, linked_at=SystemClock().now()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a bot lives, and whom it tells."""

    database: Path
    url: str
    token: str
    first_chat: int
    chats: int
    alerts_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """As much of one as alerts need."""

    desk: IncidentDesk
    answers: Answers
    incidents: Incidents
    outbox: Outbox


@contextlib.asynccontextmanager
async def awake(place: Place) -> AsyncIterator[Bot]:
    """A bot that delivers."""
    clock = SystemClock()
    transport = TelegramTransport(place.token, now=clock.now, base_url=place.url)
    async with await Store.open(place.database) as store, transport:
        incidents, outbox, people = Incidents(store), Outbox(store), People(store)
        fleet, roster = Fleet(TunedReader(clock), (), clock), Roster(())
        figures = Figures(fleet, roster)
        wording = Wording(
            incidents=incidents, figures=figures, clock=clock, label=roster.label,
            name_of=ChatNames(people).of_person,
        )  # fmt: skip
        delivery = Delivery(
            Sender(transport, clock), outbox, clock, wording=wording,
            showing=Showing(copies=Copies(store), wording=wording, clock=clock),
        )  # fmt: skip
        desk = IncidentDesk(
            incidents=incidents, outbox=outbox, roster=roster, fleet=fleet, router=OwnChats(), clock=clock,
            wake=delivery.wake, figures=figures,
        )  # fmt: skip
        await outbox.abandon_leases(clock.now())
        delivering = asyncio.create_task(delivery.run())
        try:
            yield Bot(
                desk=desk, outbox=outbox, incidents=incidents,
                answers=Answers(incidents=incidents, clock=clock, wake=delivery.wake),
            )  # fmt: skip
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)


async def live(place: Place, seed: int) -> None:
    """Fire alerts at random moments to random chats, and answer some, until whoever kills it is gone."""
    dice = random.Random(seed)  # noqa: S311  # the same in every run
    parent = os.getppid()
    async with awake(place) as bot:
        number = 0
        while os.getppid() == parent:
            await asyncio.sleep(dice.expovariate(place.alerts_per_s))
            number += 1
            chat = place.first_chat + dice.randrange(place.chats)
            cause = Cause(kind=CauseKind.SYSTEM, subject=f"life {seed}, alert {number}-{chat}")
            await bot.desk.settle([Finding(cause=cause, tier=dice.choice([Tier.HIGH, Tier.WARNING]), fact="a kill")])
            if dice.random() < _ACK_SHARE:
                await bot.answers.acknowledge(dice.randrange(1, await bot.incidents.next_id()), _ANN)


async def drain(place: Place) -> None:
    """Deliver what is left."""
    async with awake(place) as bot:
        while (await bot.outbox.counts()).waiting_since is not None:  # noqa: ASYNC110  # the memory is asked
            await asyncio.sleep(0.05)


def main(place: Place) -> None:
    to_json(from_json(_EXAMPLE))  # the codec as well
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for line in sys.stdin:
        what, seed = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(live(place, int(seed)) if what == "live" else drain(place))
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    database, url, token, first_chat, chats, alerts_per_s = sys.argv[1:]
    main(
        Place(
            database=Path(database), url=url, token=token, first_chat=int(first_chat), chats=int(chats),
            alerts_per_s=float(alerts_per_s),
        )
    )  # fmt: skip
