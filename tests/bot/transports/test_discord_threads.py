"""A thread for each serious incident: opened, followed, closed; and never the reason that somebody is not told."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.messages import Accent, Address, Button, Message, Press, Stage, Tone, Topic, Unreachable, lines
from bot.transports.discord import DiscordTransport, parse_pings
from bot.transports.discord.topics import ShortMemory
from tests.bot.transports.conftest import ANN, Time, at, discord_of, heard_press
from tests.support.discord_server import Channel, DiscordServer, Drop, Fault, SentMessage

ACK = ((Button("Ack", "ack:12"),),)


def alert(tier: str, stage: Stage, tone: Tone, *, weighty: bool = True, number: int = 12) -> Message:
    topic = Topic(key=str(number), title=f"#{number} main {tier}", stage=stage, weighty=weighty)
    return Message(
        blocks=lines(f"{tier} main: 4.1%", "Deposit $820."), buttons=ACK, tone=tone, accent=Accent.DANGER,
        topics=(topic,),
    )  # fmt: skip


HIGH = alert("HIGH", Stage.NEWS, Tone.NORMAL)
REPEAT = alert("HIGH", Stage.FOLLOW_UP, Tone.NORMAL)
EASED = alert("WARNING", Stage.FOLLOW_UP, Tone.QUIET, weighty=False)
CRITICAL = alert("CRITICAL", Stage.NEWS, Tone.URGENT)
CRITICAL_AGAIN = alert("CRITICAL", Stage.FOLLOW_UP, Tone.URGENT)
RESOLVED = alert("RESOLVED", Stage.END, Tone.QUIET, weighty=False)
WATCH = alert("WATCH", Stage.NEWS, Tone.NORMAL, weighty=False)


@pytest.fixture
def memory() -> ShortMemory:
    return ShortMemory()


@pytest.fixture
async def bot(
    discord_server: DiscordServer, desk: Channel, time: Time, memory: ShortMemory
) -> AsyncIterator[DiscordTransport]:
    async with discord_of(discord_server, time, topics=memory) as transport:
        yield transport


async def thread_of(server: DiscordServer, message: SentMessage) -> Channel:
    await server.wait_for(lambda: server.thread_of(message))
    thread = server.thread_of(message)
    assert thread is not None
    return thread


async def opened(server: DiscordServer, bot: DiscordTransport, desk: Channel) -> Channel:
    """A thread of a HIGH alert."""
    await bot.send(at(desk), HIGH)
    return await thread_of(server, server.messages(desk)[-1])


def said(server: DiscordServer, channel: Channel) -> list[str]:
    return [message.headline.split(" ")[0] for message in server.messages(channel)]


async def test_a_serious_alert_opens_a_thread_on_its_message(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    ref = await bot.send(at(desk), HIGH)
    (message,) = discord_server.messages(desk)
    thread = await thread_of(discord_server, message)
    assert (thread.name, thread.parent) == ("#12 main HIGH", desk.channel_id)
    assert discord_server.messages(thread) == []
    assert (ref.address, ref.message_id) == (at(desk), str(message.message_id))


async def test_what_is_not_serious_opens_none(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await bot.send(at(desk), WATCH)
    await bot.send(at(desk), HIGH)
    first, second = discord_server.messages(desk)
    await thread_of(discord_server, second)
    assert discord_server.thread_of(first) is None


async def test_an_escalation_rings_in_the_channel_and_is_noted_in_the_thread(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    thread = await opened(discord_server, bot, desk)
    await bot.send(at(desk), CRITICAL)
    await discord_server.wait_for(lambda: thread.name == "#12 main CRITICAL")
    assert said(discord_server, desk) == ["HIGH", "CRITICAL"]
    (note,) = discord_server.messages(thread)
    url = f"https://discord.com/channels/{desk.guild}/{desk.channel_id}/{discord_server.messages(desk)[1].message_id}"
    assert (note.text, note.silent) == (f"CRITICAL main: 4.1%\n{url}", True)
    assert discord_server.thread_of(discord_server.messages(desk)[1]) is None


async def test_what_eases_and_what_is_over_is_said_in_the_thread_which_is_closed(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    thread = await opened(discord_server, bot, desk)
    await bot.send(at(desk), EASED)
    await bot.send(at(desk), RESOLVED)
    await discord_server.wait_for(lambda: thread.archived)
    assert said(discord_server, desk) == ["HIGH"]
    assert said(discord_server, thread) == ["WARNING", "RESOLVED"]
    assert thread.name == "#12 main RESOLVED"


async def test_a_repeat_rings_where_it_is_heard(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    """A thread rings only whoever follows it."""
    thread = await opened(discord_server, bot, desk)
    await bot.send(at(desk), REPEAT)
    await bot.send(at(desk), CRITICAL_AGAIN)
    assert said(discord_server, desk) == ["HIGH", "HIGH", "CRITICAL"]
    assert discord_server.messages(thread) == []


async def test_a_repeat_that_rings_a_role_rings_it_in_the_thread(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    async with discord_of(discord_server, time, pings=parse_pings(f"{desk.channel_id}=77")) as bot:
        thread = await opened(discord_server, bot, desk)
        await bot.send(at(desk), CRITICAL_AGAIN)
        await bot.send(at(desk), REPEAT)
    assert said(discord_server, desk) == ["HIGH", "HIGH"]
    (again,) = discord_server.messages(thread)
    assert again.pings == ("<@&77>",)


async def test_an_escalation_that_rings_a_role_rings_it_in_the_channel(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    async with discord_of(discord_server, time, pings=parse_pings(f"{desk.channel_id}=77")) as bot:
        thread = await opened(discord_server, bot, desk)
        await bot.send(at(desk), CRITICAL)
        await discord_server.wait_for(lambda: discord_server.messages(thread))
    assert said(discord_server, desk) == ["HIGH", "CRITICAL"]
    assert discord_server.messages(desk)[-1].pings == ("<@&77>",)
    assert discord_server.messages(thread)[0].pings == ()  # the note


async def test_each_incident_has_its_own_thread_and_each_channel_too(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    other = discord_server.add_channel(discord_server.api.guilds[desk.guild or 0], "other")
    first = await opened(discord_server, bot, desk)
    await bot.send(at(desk), alert("HIGH", Stage.NEWS, Tone.NORMAL, number=13))
    second = await thread_of(discord_server, discord_server.messages(desk)[-1])
    third = await opened(discord_server, bot, other)
    await bot.send(at(desk), EASED)
    assert [len(discord_server.messages(thread)) for thread in (first, second, third)] == [1, 0, 0]


async def test_a_message_in_a_thread_can_be_edited_by_whoever_knows_only_the_channel(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    thread = await opened(discord_server, bot, desk)
    ref = await bot.send(at(desk), EASED)
    await bot.edit(replace(ref, address=at(desk)), Message(blocks=lines("Acked by Ann")))
    assert [message.text for message in discord_server.messages(thread)] == ["Acked by Ann"]
    await discord_server.press(ANN, await sent_again(bot, discord_server, desk, thread), "Ack")
    press = await heard_press(bot)
    assert isinstance(press, Press)
    await bot.edit(press.message, Message(blocks=lines("Acked too")))
    assert discord_server.messages(thread)[-1].text == "Acked too"


async def sent_again(bot: DiscordTransport, server: DiscordServer, desk: Channel, thread: Channel) -> SentMessage:
    await bot.send(at(desk), EASED)
    return server.messages(thread)[-1]


async def test_a_thread_is_known_again_after_a_restart(
    discord_server: DiscordServer, desk: Channel, time: Time, memory: ShortMemory
) -> None:
    async with discord_of(discord_server, time, topics=memory) as bot:
        thread = await opened(discord_server, bot, desk)
    async with discord_of(discord_server, time, topics=memory) as bot:
        await bot.send(at(desk), EASED)
        await bot.send(at(desk), RESOLVED)
        await discord_server.wait_for(lambda: thread.archived)
    assert said(discord_server, thread) == ["WARNING", "RESOLVED"]


async def test_a_thread_somebody_closed_is_opened_again_by_what_is_said_in_it(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    thread = await opened(discord_server, bot, desk)
    thread.archived = True
    await bot.send(at(desk), EASED)
    assert not thread.archived
    assert said(discord_server, thread) == ["WARNING"]


@pytest.mark.parametrize("how", ["deleted", "locked", "shut out"])
async def test_a_thread_that_is_no_more_costs_nobody_a_message(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel, how: str
) -> None:
    thread = await opened(discord_server, bot, desk)
    if how == "deleted":
        del discord_server.api.channels[thread.channel_id]
    elif how == "locked":
        thread.locked = True
    else:
        discord_server.inject(Fault(path="/messages", channel=thread.channel_id, times=None, status=403, code=50013))
    await bot.send(at(desk), EASED)
    await bot.send(at(desk), CRITICAL)
    assert said(discord_server, desk) == ["HIGH", "WARNING", "CRITICAL"]
    second = await thread_of(discord_server, discord_server.messages(desk)[-1])  # a new one
    await bot.send(at(desk), RESOLVED)
    assert said(discord_server, second) == ["RESOLVED"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/threads", times=None, status=403, code=50013, words="Missing Permissions"),
        Fault(path="/threads", times=None, status=400, code=160006, words="Maximum number of active threads reached"),
        Fault(path="/threads", times=None, status=503),
        Fault(path="/threads", times=None, status=429, retry_after=900),
        Fault(path="/threads", times=None, drop=Drop.BEFORE),
    ],
    ids=lambda fault: str(fault.code or fault.status),
)
async def test_without_a_thread_everything_stands_in_the_channel(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel, fault: Fault
) -> None:
    discord_server.inject(fault)
    for message in (HIGH, EASED, CRITICAL, RESOLVED):
        await bot.send(at(desk), message)
    assert said(discord_server, desk) == ["HIGH", "WARNING", "CRITICAL", "RESOLVED"]


async def test_a_missing_permission_is_not_tried_at_every_alert_and_noticed_when_it_comes(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    desk.may_thread = False
    for number in range(3):
        await bot.send(at(desk), alert("HIGH", Stage.NEWS, Tone.NORMAL, number=number))
        await discord_server.wait_for(lambda: asked(discord_server))
    assert asked(discord_server) == 1
    desk.may_thread = True
    time.pass_by(3_601)
    await opened(discord_server, bot, desk)


def asked(server: DiscordServer) -> int:
    return sum(call.path.endswith("/threads") for call in server.calls)


@pytest.mark.parametrize("fault", [Fault(path="/threads", drop=Drop.AFTER), Fault(path="/threads", status=502)])
async def test_an_answer_that_was_lost_does_not_cost_the_thread(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel, fault: Fault
) -> None:
    discord_server.inject(fault)
    thread = await opened(discord_server, bot, desk)
    await bot.send(at(desk), EASED)
    assert said(discord_server, thread) == ["WARNING"]


async def test_a_name_that_was_changed_too_often_does_not_keep_the_thread_open(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    thread = await opened(discord_server, bot, desk)
    thread.names_left = 0
    await bot.send(at(desk), CRITICAL)
    await bot.send(at(desk), RESOLVED)
    await discord_server.wait_for(lambda: thread.archived)
    assert thread.name == "#12 main HIGH"


@pytest.mark.parametrize("kind", ["direct", "voice", "thread"])
async def test_where_there_are_no_threads_none_is_asked_for(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel, kind: str
) -> None:
    place = discord_server.direct(ANN)
    if kind == "voice":
        desk.voice, place = True, desk
    elif kind == "thread":
        place = discord_server.add_thread(desk)
    await bot.send(at(place), HIGH)
    await bot.send(at(place), EASED)
    await bot.send(at(place), RESOLVED)
    assert said(discord_server, place) == ["HIGH", "WARNING", "RESOLVED"]
    assert asked(discord_server) == 0


async def test_a_channel_for_announcements_has_threads(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    desk.news = True
    await opened(discord_server, bot, desk)


async def test_threads_can_be_switched_off(discord_server: DiscordServer, desk: Channel, time: Time) -> None:
    async with discord_of(discord_server, time, threads=False) as bot:
        for message in (HIGH, EASED, RESOLVED):
            await bot.send(at(desk), message)
    assert said(discord_server, desk) == ["HIGH", "WARNING", "RESOLVED"]
    assert asked(discord_server) == 0


async def test_news_of_several_incidents_stand_in_the_channel_and_each_thread_is_kept_in_step(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    first = await opened(discord_server, bot, desk)
    other = alert("HIGH", Stage.NEWS, Tone.NORMAL, number=13)
    await bot.send(at(desk), other)
    second = await thread_of(discord_server, discord_server.messages(desk)[-1])
    over = Topic(key="12", title="#12 main RESOLVED", stage=Stage.END)
    still = Topic(key="13", title="#13 main CRITICAL", stage=Stage.NEWS, weighty=True)
    new = Topic(key="14", title="#14 main HIGH", stage=Stage.NEWS, weighty=True)
    await bot.send(at(desk), Message(blocks=lines("2 alerts", "..."), topics=(over, still, new)))
    await discord_server.wait_for(lambda: first.archived and second.name == "#13 main CRITICAL")
    assert said(discord_server, desk) == ["HIGH", "HIGH", "2"]
    assert [len(discord_server.messages(thread)) for thread in (first, second)] == [1, 1]
    third = await thread_of(discord_server, discord_server.messages(desk)[-1])
    assert third.name == "#14 main HIGH"


async def test_a_message_opens_one_thread_for_the_worst_of_what_it_is_about(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    limit = Topic(key="13", title="#13 main WARNING", stage=Stage.NEWS)
    other = Topic(key="14", title="#14 main HIGH", stage=Stage.NEWS, weighty=True)
    await bot.send(at(desk), replace(CRITICAL, topics=(limit, *CRITICAL.topics, other)))
    thread = await thread_of(discord_server, discord_server.messages(desk)[0])
    assert thread.name == "#12 main CRITICAL"
    over = tuple(replace(one, stage=Stage.END) for one in (*CRITICAL.topics, limit, other))
    await bot.send(at(desk), replace(RESOLVED, topics=over))
    await discord_server.wait_for(lambda: thread.archived)
    assert said(discord_server, thread) == ["RESOLVED"]
    assert asked(discord_server) == 1


async def test_what_is_over_together_is_said_in_one_thread_and_noted_in_the_others(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    first = await opened(discord_server, bot, desk)
    await bot.send(at(desk), alert("HIGH", Stage.NEWS, Tone.NORMAL, number=13))
    second = await thread_of(discord_server, discord_server.messages(desk)[-1])
    over = (*RESOLVED.topics, Topic(key="13", title="#13 main RESOLVED", stage=Stage.END))
    await bot.send(at(desk), replace(RESOLVED, topics=over))
    await discord_server.wait_for(lambda: first.archived and second.archived)
    assert said(discord_server, first) == said(discord_server, second) == ["RESOLVED"]
    assert f"/{first.channel_id}/" in discord_server.messages(second)[0].text
    assert said(discord_server, desk) == ["HIGH", "HIGH"]


async def test_a_title_is_one_line_of_the_length_discord_takes(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    topic = Topic(key="1", title="a\nb" * 100, stage=Stage.NEWS, weighty=True)
    await bot.send(at(desk), replace(HIGH, topics=(topic,)))
    thread = await thread_of(discord_server, discord_server.messages(desk)[0])
    assert thread.name.startswith("a ba b")
    assert len(thread.name) == 100


async def test_leaving_ends_what_is_under_way(discord_server: DiscordServer, desk: Channel, time: Time) -> None:
    async with discord_of(discord_server, time, answer_s=60.0) as bot:
        discord_server.inject(Fault(path="/threads", delay_s=60))
        await bot.send(at(desk), HIGH)


async def test_what_nobody_may_write_is_still_told_to_the_caller(
    bot: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await opened(discord_server, bot, desk)
    desk.forbidden = True
    with pytest.raises(Unreachable):
        await bot.send(Address(transport="discord", chat=str(desk.channel_id)), CRITICAL)
