"""Delivery over real sockets to platforms that refuse haste, fail, forget to answer, and lose chats."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from bot.alerts.delivery import Delivery
from bot.alerts.facts import to_json
from bot.alerts.figures import Figures
from bot.alerts.findings import Finding
from bot.alerts.sender import Sender
from bot.alerts.showing import Showing
from bot.alerts.wording import Wording
from bot.clock import SystemClock
from bot.messages import Address, Limits, Message, Rate, Transport, lines
from bot.roster import Roster
from bot.transports.discord import DiscordTransport, DiscordUrls
from bot.transports.telegram import TelegramTransport
from risk.decisions.incidents import CauseKind, NoticeReason
from risk.decisions.tiers import Tier
from risk.fleet import Fleet
from storage import Copies, Incidents, IncidentStep, NewNotice, Outbox, People, Receiver, Store
from tests.bot.alerts.builders import make_facts
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.storage.builders import make_cause, make_incident
from tests.support.discord_server import DiscordServer
from tests.support.discord_server import Drop as DiscordDrop
from tests.support.discord_server import Fault as DiscordFault
from tests.support.telegram.limits import Window
from tests.support.telegram_server import Drop, Fault, TelegramServer
from tests.support.tuned_reader import TunedReader
from tests.support.waiting import until

LONG_S = 30.0  # for conditions that a busy machine reaches late


class Wire:
    """A store, a transport, and delivery between them, in real time."""

    def __init__(self, store: Store, transport: Transport) -> None:
        clock = SystemClock()
        self.outbox, self.incidents, self.people = Outbox(store), Incidents(store), People(store)
        self.reported: list[Finding] = []
        roster = Roster(())
        fleet = Fleet(TunedReader(clock), (), clock)
        wording = Wording(
            incidents=self.incidents, figures=Figures(fleet, roster), clock=clock, label=roster.label,
            name_of=self._person,
        )  # fmt: skip
        self.clock, self.sender = clock, Sender(transport, clock)
        self.delivery = Delivery(
            self.sender, self.outbox, clock, wording=wording, moved=self.people.move_chat, report=self._report,
            showing=Showing(copies=Copies(store), wording=wording, clock=clock, jitter=lambda: 0.1),
            jitter=lambda: 0.1,
        )  # fmt: skip
        self._numbers = iter(range(1, 10_000))

    async def alert(self, *chats: str, tier: Tier = Tier.CRITICAL, rank: float = 1.0) -> int:
        """An incident of which these chats are to hear; its number."""
        number = next(self._numbers)
        incident = make_incident(number, cause=make_cause(f"account {number}", CauseKind.HEALTH))
        facts = make_facts(incident_id=number, tier=tier, account=f"account {number}")
        notices = [
            NewNotice(
                outbox_id=f"{number} {chat}", incident_id=number, reason=NoticeReason.FIRST, tier=tier, rank=rank,
                receiver=Receiver(transport=self.sender.name, chat=chat), body_json=to_json(facts),
            )
            for chat in chats
        ]  # fmt: skip
        await self.incidents.apply_assessment(
            steps=[IncidentStep(before=None, after=incident)], notices=notices, tier_states={}, now=self.clock.now()
        )
        self.delivery.wake()
        return number

    async def _report(self, findings: Sequence[Finding]) -> None:
        self.reported.extend(findings)

    async def _person(self, person_id: str) -> str:
        return person_id.title()


@contextlib.asynccontextmanager
async def delivering(transport: Transport) -> AsyncIterator[Wire]:
    async with await Store.open(":memory:") as store, transport:
        wire = Wire(store, transport)
        running = asyncio.create_task(wire.delivery.run())
        try:
            yield wire
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.limits.enforced = True
        for user in range(1, 61):
            server.add_user(user, f"Person {user}")
        yield server


@pytest.fixture
async def wire(telegram: TelegramServer) -> AsyncIterator[Wire]:
    clock = SystemClock()
    transport = TelegramTransport(telegram.token, now=clock.now, base_url=telegram.url)
    async with delivering(transport) as wire:
        yield wire


def chats_of(telegram: TelegramServer) -> list[int]:
    return [message.chat for message in telegram.messages()]


async def test_many_chats_at_once_are_told_the_nearest_first_and_no_limit_is_broken(
    wire: Wire, telegram: TelegramServer, figure: Gauge
) -> None:
    telegram.latency_s = 0.05
    for chat in range(1, 46):
        await wire.alert(str(chat), rank=float(-chat))
    await until(lambda: len(telegram.messages()) == 45, within_s=LONG_S)

    # The first left while the others were still being queued, and some overtake others on their way.
    order = chats_of(telegram)[10:]
    nearer = sorted(order, reverse=True)[: len(order) // 2]
    assert len(set(order[: len(order) // 2]) & set(nearer)) >= 0.7 * len(nearer)
    figure(Measure.BROKEN_LIMITS, telegram.broken_limits)


async def test_one_chat_is_told_together_what_came_within_a_second(wire: Wire, telegram: TelegramServer) -> None:
    for _ in range(20):
        await wire.alert("1")
        await asyncio.sleep(0.1)
    async with asyncio.timeout(LONG_S):
        while (await wire.outbox.counts()).sent < 20:  # noqa: ASYNC110  # the memory is asked
            await asyncio.sleep(0.05)

    assert len(telegram.messages(1)) <= 8
    assert telegram.broken_limits == 0


class Hurried(TelegramTransport):
    """With windows a test can wait for."""

    @property
    def limits(self) -> Limits:
        return replace(super().limits, per_chat=Rate(most=1, per_s=0.3), per_group=Rate(most=4, per_s=3.0))


async def test_a_group_is_told_no_more_than_its_rate_and_that_of_a_chat_allow(telegram: TelegramServer) -> None:
    telegram.add_group(-5)
    telegram.limits._chats[-5].per_s = 0.3
    telegram.limits._groups[-5] = Window(4, 3.0)
    transport = Hurried(telegram.token, now=SystemClock().now, base_url=telegram.url)
    async with delivering(transport) as wire:
        for _ in range(8):
            await wire.alert("-5")
            await asyncio.sleep(0.35)
        await until(lambda: "#8" in " ".join(message.text for message in telegram.messages(-5)), within_s=LONG_S)

    assert len(telegram.messages(-5)) >= 2
    assert telegram.broken_limits == 0


async def test_answers_and_alerts_to_one_chat_keep_to_its_limit_together(wire: Wire, telegram: TelegramServer) -> None:
    ann = Address(transport="telegram", chat="1")

    async def ask() -> None:
        await wire.sender.send(ann, Message(blocks=lines("an answer")))

    await asyncio.gather(ask(), wire.alert("1"), ask(), wire.alert("1"))
    await until(lambda: len(telegram.messages(1)) >= 3, within_s=LONG_S)

    assert telegram.broken_limits == 0
    assert sum("an answer" in message.text for message in telegram.messages(1)) == 2


async def test_a_long_answer_keeps_to_the_limit_of_its_chat(wire: Wire, telegram: TelegramServer) -> None:
    long = Message(blocks=lines(*(f"line {number} " + "x" * 200 for number in range(30))))
    await wire.sender.send(Address(transport="telegram", chat="1"), long)

    assert len(telegram.messages(1)) == 2
    assert telegram.broken_limits == 0


async def test_a_chat_that_is_told_to_wait_holds_up_nobody(wire: Wire, telegram: TelegramServer, figure: Gauge) -> None:
    telegram.inject(Fault(method="send", chat=1, status=429, retry_after=2))
    began_s = time.monotonic()
    await wire.alert("1", "2", "3")
    with figure.timing(Measure.OTHERS_WAIT):
        await until(lambda: {2, 3} <= set(chats_of(telegram)), within_s=LONG_S)
    await until(lambda: 1 in chats_of(telegram), within_s=LONG_S)

    figure(Measure.LOST, 3 - len(set(chats_of(telegram))))
    figure(Measure.REPEATS, len(chats_of(telegram)) - 3)
    assert set(chats_of(telegram)[:2]) == {2, 3}
    assert time.monotonic() - began_s >= 2.0
    assert "repeat" not in telegram.messages(1)[0].text


async def test_a_platform_that_stumbles_gets_everything_in_the_end(
    wire: Wire, telegram: TelegramServer, figure: Gauge
) -> None:
    for fault in (Fault(method="send", status=502), Fault(method="send", status=504, page=True),
                  Fault(method="send", drop=Drop.BEFORE), Fault(method="send", status=500)):  # fmt: skip
        telegram.inject(fault)
    await wire.alert("1", "2", "3")
    await until(lambda: {1, 2, 3} <= set(chats_of(telegram)), within_s=LONG_S)

    figure(Measure.LOST, 3 - len(set(chats_of(telegram))))
    figure(Measure.BROKEN_LIMITS, telegram.broken_limits)


async def test_an_alert_whose_answer_was_lost_comes_again_under_its_number_and_says_that_it_may_be_a_repeat(
    wire: Wire, telegram: TelegramServer, figure: Gauge
) -> None:
    telegram.inject(Fault(method="send", drop=Drop.AFTER))
    number = await wire.alert("1")
    await until(lambda: len(telegram.messages(1)) == 2, within_s=LONG_S)

    first, again = telegram.messages(1)
    assert f"alert #{number}" in first.text
    assert f"alert #{number}" in again.text
    assert "may be a repeat" not in first.text
    assert "This may be a repeat" in again.text
    figure(Measure.REPEATS, len(telegram.messages(1)) - 1)
    figure(Measure.UNMARKED, 0)


async def test_a_blocked_chat_is_reported_and_comes_back_with_what_it_asks(
    wire: Wire, telegram: TelegramServer, figure: Gauge
) -> None:
    telegram.block(1)
    await wire.alert("1", "2")
    with figure.timing(Measure.REPORTED_AFTER):
        await until(lambda: wire.reported, within_s=LONG_S)
    assert "bot was blocked by the user" in wire.reported[0].fact
    assert [one.receiver.chat for one in await wire.outbox.unreachable()] == ["1"]
    assert chats_of(telegram) == [2]

    telegram.block(1, blocked=False)
    await wire.sender.send(Address(transport="telegram", chat="1"), Message(blocks=lines("welcome back")))
    await until(lambda: wire.reported[-1].tier is Tier.OK, within_s=LONG_S)
    assert await wire.outbox.unreachable() == ()


async def test_a_group_that_became_another_is_followed(wire: Wire, telegram: TelegramServer, figure: Gauge) -> None:
    telegram.add_group(-7)
    telegram.migrate(-7, -700)
    await wire.alert("-7")
    with figure.timing(Measure.TOLD_AFTER):
        await until(lambda: chats_of(telegram) == [-700], within_s=LONG_S)

    figure(Measure.LOST, 1 - len(telegram.messages(-700)))
    assert wire.reported == []


async def test_a_message_telegram_will_not_take_is_given_up_after_five_attempts_and_the_rest_go_on(
    wire: Wire, telegram: TelegramServer, figure: Gauge
) -> None:
    telegram.inject(Fault(method="send", chat=1, times=None, status=400, description="Bad Request: it is poison"))
    await wire.alert("1", "2")
    with figure.timing(Measure.OTHERS_WAIT):
        await until(lambda: chats_of(telegram) == [2], within_s=LONG_S)
    await until(lambda: wire.reported, within_s=LONG_S)

    (report,) = wire.reported
    assert report.passing
    assert "poison" in report.fact
    (dead,) = await wire.outbox.dead_letters(5)
    figure(Measure.ATTEMPTS, dead.refusals)


async def test_what_waits_through_an_outage_comes_when_it_ends(
    wire: Wire, telegram: TelegramServer, figure: Gauge
) -> None:
    await wire.alert("1")
    await until(lambda: chats_of(telegram) == [1], within_s=LONG_S)
    await telegram.stop()
    for chat in range(2, 12):
        await wire.alert(str(chat))
    await asyncio.sleep(1.0)
    await telegram.start()
    await until(lambda: set(chats_of(telegram)) == set(range(1, 12)), within_s=LONG_S)

    figure(Measure.LOST, 11 - len(set(chats_of(telegram))))
    assert wire.reported == []
    assert (await wire.outbox.counts()).dead == 0


async def test_an_answer_is_shown_on_every_copy_although_the_platform_stumbles(
    wire: Wire, telegram: TelegramServer, figure: Gauge
) -> None:
    number = await wire.alert("1", "2", "3")
    await until(lambda: len(telegram.messages()) == 3, within_s=LONG_S)
    telegram.inject(Fault(method="edit", chat=2, status=502, times=2))
    await wire.incidents.acknowledge(number, "ann", wire.clock.now())
    wire.delivery.wake()
    await until(lambda: all("Acked by Ann" in message.text for message in telegram.messages()), within_s=LONG_S)

    figure(Measure.LOST, 3 - sum("Acked by Ann" in message.text for message in telegram.messages()))
    assert telegram.broken_limits == 0
    assert [message.labels for message in telegram.messages()] == [("Snooze 1 h", "Details")] * 3


async def test_a_repeat_to_discord_is_one_message(figure: Gauge) -> None:
    async with DiscordServer() as discord:
        channel = discord.add_channel(discord.add_guild("Desk"), "alerts")
        discord.inject(DiscordFault(method="POST", path="/messages", drop=DiscordDrop.AFTER))
        urls = DiscordUrls(api=discord.api_url, gateway=discord.gateway_url)
        transport = DiscordTransport(discord.token, now=SystemClock().now, urls=urls)
        async with delivering(transport) as wire:
            await wire.alert(str(channel.channel_id))
            await until(lambda: wire.delivery.delivered, within_s=LONG_S)

            shown = len(discord.messages(channel))
            figure(Measure.LOST, max(0, 1 - shown))
            figure(Measure.REPEATS, max(0, shown - 1))
            counts = await wire.outbox.counts()
            assert (counts.sent, counts.pending) == (1, 0)


async def test_when_discord_wants_everybody_to_wait_nothing_is_asked_for_so_long(figure: Gauge) -> None:
    async with DiscordServer() as discord:
        guild = discord.add_guild("Desk")
        channels = [discord.add_channel(guild, name) for name in ("alerts", "others", "more")]
        discord.inject(DiscordFault(method="POST", path="/messages", status=429, retry_after=2.0, is_global=True))
        urls = DiscordUrls(api=discord.api_url, gateway=discord.gateway_url)
        async with delivering(DiscordTransport(discord.token, now=SystemClock().now, urls=urls)) as wire:
            for channel in channels:
                await wire.alert(str(channel.channel_id))
            await until(lambda: all(discord.messages(channel) for channel in channels), within_s=LONG_S)

        posts = [call.at_s for call in discord.calls if call.method == "POST" and call.path.endswith("/messages")]
        figure(Measure.HASTY, sum(posts[0] < at_s < posts[0] + 2.0 for at_s in posts))  # those that were on their way
        figure(Measure.LOST, sum(not discord.messages(channel) for channel in channels))
        assert len(posts) <= 6
