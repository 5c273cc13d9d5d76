"""What looks after the process, wired: who hears of what, what a standby is told, and that alerts never wait for it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.alerts.sender import Sender
from bot.backup_plan import BackupPlan
from bot.beats import Beat, BeatChat, encoded, thresholds_of
from bot.heartbeat_urls import heartbeat_urls
from bot.messages import UNLIMITED, Address, Limits, Message, Rate, RetryAfter, lines, text_of
from bot.metrics import Metrics
from bot.operations import Care, Operations
from bot.unhurried import Unhurried
from storage import Receiver, Role
from tests.support.bot_world import HOME, BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport
from tests.support.team import group, member
from venues.errors import VenueUnavailable


@dataclass
class Desk:
    """A bot of two accounts, its people, and what looks after it; not running."""

    world: BotWorld
    operations: Operations

    async def check(self) -> None:
        process = self.world.app.services.process
        await self.world.check()
        process.jobs["check"].last_succeeded = self.world.clock.now()

    async def beat(self) -> Beat:
        return await self.operations._beat()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with bot_world("main", "side") as world:
        world.app.services.process.jobs = world.app._schedule().jobs
        operations = Operations(world.app, store=world.store, care=Care(), metrics=Metrics())
        async with operations:
            yield Desk(world, operations)


async def test_a_beat_names_what_is_watched_and_who_may_hear_of_what(desk: Desk) -> None:
    world = desk.world
    await member(world, "vera", Role.VIEWER, "side")
    await group(world, "-100", "main")
    await group(world, "-200")
    beat = await desk.beat()

    main, side = world.app.services.roster.account_ids
    assert [one.nickname for one in beat.accounts] == ["main", "side"]
    assert [one.account_id for one in beat.accounts] == [main, side]
    for account, watched in zip(beat.accounts, world.app.services.roster.all, strict=True):
        assert thresholds_of(account.tiers, watched.thresholds) == watched.thresholds
    assert set(beat.chats) == {
        BeatChat(transport="chat", chat=HOME),
        BeatChat(transport="chat", chat="vera", accounts=(side,)),
        BeatChat(transport="chat", chat="-100", accounts=(main,)),
        BeatChat(transport="chat", chat="-200"),
    }
    assert (await desk.beat()).counter > beat.counter
    assert len(encoded(beat)) < 2_000


async def test_the_terminal_is_no_place_for_a_standby(desk: Desk) -> None:
    care = Care(console=Receiver(transport="console", chat="console"))
    with_terminal = Operations(desk.world.app, store=desk.world.store, care=care, metrics=Metrics())

    assert {chat.transport for chat in (await with_terminal._beat()).chats} == {"chat"}


async def test_every_chat_sees_the_status_of_what_it_may_see(desk: Desk) -> None:
    world = desk.world
    await member(world, "vera", Role.VIEWER, "side")
    world.put(110)
    await desk.check()
    await desk.operations.pulse.look()
    by_chat = {sent.chat: sent.first for sent in world.transport.sent if sent.text.startswith("Pulse: ")}

    assert by_chat == {
        HOME: "Pulse: watching 2 accounts, CRITICAL main",
        "vera": "Pulse: watching 1 account, OK",
    }
    assert {ref.address.chat for ref in world.transport.pins} == {HOME, "vera"}


async def test_a_status_switched_off_stays_off_and_only_people_of_the_chat_may(desk: Desk) -> None:
    world = desk.world
    await desk.operations.pulse.look()
    assert (await world.answer("/pulse")).first == "Status is on here."
    assert (await world.answer("/pulse off")).first == "Status is off here."
    before = len(world.transport.sent)
    world.clock.pass_s(300)
    await desk.operations.pulse.look()
    assert len(world.transport.sent) == before
    assert text_of(world.transport.edits[-1][1]).startswith("Status is no longer kept up to date here.")
    assert "neither on nor off" in (await world.answer("/pulse loud")).text
    assert (await world.answer("/pulse on")).first == "Status is on here."


async def test_metrics_of_a_whole_bot_are_read_without_naming_anybody(desk: Desk) -> None:
    world = desk.world
    world.put(110)
    await desk.check()
    world.clock.pass_s(1)
    text = (await desk.operations._metrics.exposed()).decode()

    assert 'keel_accounts{tier="CRITICAL"} 1.0' in text
    assert 'keel_accounts{tier="OK"} 1.0' in text
    assert 'keel_outbox{state="sent"} ' in text
    assert "keel_check_age_seconds 1.0" in text
    for name in (HOME, "owner", "account-of-"):
        assert name not in text


async def test_time_in_which_data_cannot_be_trusted_is_time_without_protection(desk: Desk) -> None:
    world, protection = desk.world, desk.operations.protection
    await desk.check()
    assert desk.operations._unassessed() == 0
    world.reader.problems[world.account] = ("the oracle of SOL-PERP shows no positive price",)
    await desk.check()
    assert desk.operations._unassessed() == 1
    world.reader.error = VenueUnavailable("down")
    world.clock.pass_s(30)
    assert desk.operations._unassessed() == 2
    protection.tick(2, 2)
    assert protection.unprotected_s > 0


async def test_the_service_manager_is_told_how_things_stand(desk: Desk) -> None:
    desk.world.put(110)
    await desk.check()

    assert desk.operations._status() == "watching 2 accounts, worst CRITICAL, data 0 s old"


async def test_status_says_who_hears_of_keels_life(desk: Desk) -> None:
    assert "Heartbeat: none, so nobody outside hears when Keel dies." in (await desk.world.answer("/status")).text


async def test_backups_that_are_planned_and_not_made_are_said(desk: Desk) -> None:
    plan = BackupPlan(folder=desk.world.store.where)  # type: ignore[arg-type]  # never looked into here
    planned = Operations(desk.world.app, store=desk.world.store, care=Care(backups=plan), metrics=Metrics())

    assert "Backups: none was made yet." in planned.lines()


async def test_what_never_was_is_older_than_any_threshold_and_what_is_not_wanted_is_absent(desk: Desk) -> None:
    without = (await desk.operations._metrics.exposed()).decode()
    assert "keel_backup_age_seconds" not in without
    assert "keel_heartbeat_age_seconds" not in without

    plan = BackupPlan(folder=desk.world.store.where)  # type: ignore[arg-type]  # never looked into here
    care = Care(backups=plan, heartbeats=heartbeat_urls(["https://127.0.0.1/beat"], ""))
    planned = Operations(desk.world.app, store=desk.world.store, care=care, metrics=Metrics())
    text = (await planned._metrics.exposed()).decode()
    assert "keel_backup_age_seconds +Inf" in text
    assert "keel_heartbeat_age_seconds +Inf" in text


# The last lane.

SLOW = Limits(in_all=Rate(most=10, per_s=1.0), per_chat=Rate(most=1, per_s=1.0))
ANN = Address(transport="chat", chat="ann")
SAID = Message(blocks=lines("x"))


def lane(limits: Limits) -> tuple[Sender, Unhurried, FakeClock]:
    clock = FakeClock()
    transport = RecordingTransport(now=clock.now)
    transport.pace = limits
    sender = Sender(transport, clock)
    return sender, Unhurried(sender), clock


async def test_an_alert_right_after_a_status_does_not_wait() -> None:
    sender, unhurried, clock = lane(SLOW)
    ref = await unhurried.send(ANN, SAID)
    clock.pass_s(0.2)
    await unhurried.edit(ref, SAID)
    before_s = clock.monotonic_s()
    (ticket,) = await sender.turn()

    assert sender.take(ticket, ANN)
    await sender.say(ticket, ANN, SAID, key="k")
    assert clock.monotonic_s() - before_s < 0.5


async def test_a_status_right_after_an_alert_comes_later() -> None:
    sender, unhurried, _ = lane(SLOW)
    (ticket,) = await sender.turn()
    assert sender.take(ticket, ANN)
    await sender.say(ticket, ANN, SAID, key="k")
    with pytest.raises(RetryAfter):
        await unhurried.send(ANN, SAID)


async def test_where_nothing_is_limited_it_goes_at_once() -> None:
    _, unhurried, _ = lane(UNLIMITED)
    ref = await unhurried.send(ANN, SAID)
    await unhurried.edit(ref, SAID)
    await unhurried.pin(ref)
