"""Sending over the wire: what Discord shows, and what each of its failures becomes."""

import asyncio
from dataclasses import replace

import pytest

from bot.messages import (
    Address,
    Button,
    DeliveryError,
    Line,
    Message,
    MessageRef,
    Picture,
    Refused,
    RetryAfter,
    Tone,
    TryAgain,
    Unreachable,
    lines,
)
from bot.transports.discord import DiscordTransport
from tests.bot.transports.conftest import ANN, Time, at, discord_of
from tests.support.discord_server import Channel, DiscordServer, Drop, Fault
from tests.support.png import tiny_png
from tests.support.waiting import PATIENCE_S, given_up

CARD = Message(
    blocks=lines("HIGH main", "Deposit $820."), buttons=((Button("Ack", "ack:1"), Button("Details", "d:1")),)
)
PLAIN = Message(blocks=lines("Resolved"))
LONG = Message(blocks=tuple(Line("x" * 1900) for _ in range(3)), buttons=CARD.buttons)
CHART = Message(blocks=(Line("Equity"), Picture(tiny_png(), alt="Equity rose.")), buttons=CARD.buttons)
NEVER_S = 3_600.0


async def test_the_answer_is_bold_and_the_buttons_are_in_rows(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    ref = await discord.send(at(desk), CARD)
    (message,) = discord_server.messages(desk)
    assert ref == MessageRef(address=at(desk), message_id=str(message.message_id))
    assert message.source == "**HIGH main**\nDeposit $820."
    assert [[(key.label, key.custom_id) for key in row] for row in message.keyboard] == [
        [("Ack", "keel:ack:1"), ("Details", "keel:d:1")]
    ]


@pytest.mark.parametrize(("tone", "silent"), [(Tone.QUIET, True), (Tone.NORMAL, False), (Tone.URGENT, False)])
async def test_only_a_quiet_message_makes_no_sound(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address, tone: Tone, silent: bool
) -> None:
    for message in (CARD, CHART):
        await discord.send(direct, replace(message, tone=tone))
    assert [message.silent for message in discord_server.messages()] == [silent, silent]


async def test_nobody_is_rung_by_what_a_text_says(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    said = Message(blocks=lines("@everyone @here <@1001> <@&7>"))
    ref = await discord.send(at(desk), said)
    await discord.edit(ref, replace(said, blocks=lines("@everyone again")))
    (message,) = discord_server.messages(desk)
    assert message.text == "@everyone again"
    assert message.pings == ()


async def test_a_thread_gets_its_messages(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    thread = discord_server.add_thread(desk)
    ref = await discord.send(at(thread), CARD)
    assert [message.text for message in discord_server.messages(thread)] == ["HIGH main\nDeposit $820."]
    assert ref.address == at(thread)
    await discord.edit(ref, PLAIN)
    assert [message.text for message in discord_server.messages(thread)] == ["Resolved"]


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "locked"])
async def test_a_thread_nobody_can_write_in_is_no_silence_the_channel_around_it_is_told(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, gone: bool
) -> None:
    thread = discord_server.add_thread(desk)
    thread.locked = True
    if gone:
        del discord_server.api.channels[thread.channel_id]
    ref = await discord.send(at(thread), LONG)
    assert len(discord_server.messages(desk)) == 3
    assert ref.address == at(desk)  # where it can be edited
    await discord.edit(ref, PLAIN)
    assert discord_server.messages(desk)[-1].text == "Resolved"


async def test_a_picture_travels_with_its_text_and_buttons(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    await discord.send(direct, CHART)
    (message,) = discord_server.messages()
    assert (message.files, message.file_names, message.alts) == ((tiny_png(),), ("chart.png",), ("Equity rose.",))
    assert (message.text, message.labels) == ("Equity", ("Ack", "Details"))


async def test_a_picture_discord_refuses_becomes_words(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    await discord.send(direct, Message(blocks=(Line("Equity"), Picture(b"", alt="It rose."))))
    (message,) = discord_server.messages()
    assert (message.text, message.files) == ("Equity\nIt rose.", ())


async def test_a_channel_without_the_right_to_attach_files_still_gets_the_words(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    discord_server.inject(Fault(path="/messages", status=403, code=50013, words="Missing Permissions"))
    await discord.send(at(desk), CHART)
    (message,) = discord_server.messages()
    assert (message.text, message.labels) == ("Equity\nEquity rose.", ("Ack", "Details"))


async def test_refused_buttons_do_not_silence_the_text(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    await discord.send(direct, Message(blocks=lines("HIGH"), buttons=((Button("Ack", "x" * 100),),)))
    (message,) = discord_server.messages()
    assert (message.text, message.labels) == ("HIGH", ())


async def test_what_nothing_can_send_is_refused_for_good(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    discord_server.inject(Fault(path="/messages", times=None, status=400, code=50035, words="No such luck"))
    with pytest.raises(Refused, match="No such luck"):
        await discord.send(direct, CARD)


async def test_buttons_are_under_the_last_part_and_the_reference_is_that_part(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    ref = await discord.send(direct, LONG)
    assert [message.labels for message in discord_server.messages()] == [(), (), ("Ack", "Details")]
    assert ref.message_id == str(discord_server.messages()[-1].message_id)


async def test_a_wait_in_the_middle_does_not_repeat_the_beginning(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address, time: Time
) -> None:
    discord_server.inject(Fault(path="/messages"))  # the first part passes
    discord_server.inject(Fault(path="/messages", status=429, retry_after=3))
    await discord.send(direct, LONG)
    assert [len(message.text) for message in discord_server.messages()] == [1900, 1900, 1900]
    assert 3 in time.slept_s


async def test_a_long_wait_is_the_callers_from_the_beginning(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address, time: Time
) -> None:
    discord_server.inject(Fault(path="/messages", status=429, retry_after=3))
    with pytest.raises(RetryAfter):
        await discord.send(direct, LONG)
    assert discord_server.messages() == []
    assert time.slept_s == []


@pytest.mark.parametrize(
    ("fault", "expected", "unknown"),
    [
        (Fault(status=500), TryAgain, False),
        (Fault(status=502), TryAgain, False),
        (Fault(status=502, page=True), TryAgain, False),
        (Fault(status=503), TryAgain, False),
        (Fault(status=504), TryAgain, False),
        (Fault(status=200, page=True), TryAgain, True),
        (Fault(drop=Drop.BEFORE), TryAgain, True),
        (Fault(drop=Drop.AFTER), TryAgain, True),
        (Fault(delay_s=NEVER_S), TryAgain, True),
        (Fault(status=401), TryAgain, False),
        (Fault(status=403, code=50001), Unreachable, False),
        (Fault(status=403, page=True), Unreachable, False),
        (Fault(status=404, code=10003, words="Unknown Channel"), Unreachable, False),
        (Fault(status=400, code=50035, words="Invalid Form Body"), Refused, False),
        (Fault(status=413, code=40005, words="Request entity too large"), Refused, False),
    ],
    ids=lambda value: f"{value.status}{value.code}{value.drop}{value.page}" if isinstance(value, Fault) else "",
)
async def test_each_failure_says_what_can_be_done_and_nothing_is_tried_twice(
    discord_server: DiscordServer,
    time: Time,
    direct: Address,
    fault: Fault,
    expected: type[DeliveryError],
    unknown: bool,
) -> None:
    async with discord_of(discord_server, time, answer_s=PATIENCE_S) as transport:
        await transport.send(direct, PLAIN)
        discord_server.inject(replace(fault, path="/messages"))
        sending = transport.send(direct, PLAIN)
        with pytest.raises(expected) as caught:
            await (given_up(sending, heard=lambda: discord_server.struck) if fault.delay_s else sending)
        assert getattr(caught.value, "unknown", False) is unknown
        assert len(discord_server.messages()) == 1 + (fault.drop is Drop.AFTER)
        await transport.send(direct, PLAIN)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("via", [True, False], ids=["from Discord", "from a proxy"])
@pytest.mark.parametrize("wait_s", [0.7, 17.0, 900.0])
async def test_a_limit_says_how_long_at_once_and_concerns_one_channel(
    discord: DiscordTransport,
    discord_server: DiscordServer,
    desk: Channel,
    direct: Address,
    via: bool,
    wait_s: float,
) -> None:
    fault = Fault(path="/messages", channel=desk.channel_id, status=429, retry_after=wait_s, via=via)
    discord_server.inject(fault)
    with pytest.raises(RetryAfter) as caught:
        await discord.send(at(desk), PLAIN)
    assert caught.value.seconds == wait_s
    await discord.send(direct, PLAIN)


async def test_a_limit_a_proxy_set_is_read_from_its_header(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    discord_server.inject(Fault(path="/messages", status=429, page=True))
    with pytest.raises(RetryAfter) as caught:
        await discord.send(direct, PLAIN)
    assert caught.value.seconds > 0


async def test_under_a_limit_for_everything_nothing_more_is_asked(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, direct: Address
) -> None:
    discord_server.inject(Fault(path="/messages", status=429, retry_after=20, is_global=True))
    with pytest.raises(RetryAfter):
        await discord.send(at(desk), PLAIN)
    asked = len(discord_server.calls)
    with pytest.raises(RetryAfter) as caught:
        await discord.send(direct, PLAIN)
    assert 19 < caught.value.seconds <= 20
    assert len(discord_server.calls) == asked


async def test_known_limits_are_kept_without_being_told_twice(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    discord_server.limits.messages, discord_server.limits.per_s = 3, 0.1
    for _ in range(10):
        await discord.send(at(desk), PLAIN)
    assert len(discord_server.messages(desk)) == 10
    assert discord_server.limits.broken == 0


async def test_a_server_that_is_down_has_delivered_nothing(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    await discord_server.stop()
    with pytest.raises(TryAgain) as caught:
        await discord.send(direct, PLAIN)
    assert not caught.value.unknown


async def test_a_person_who_closed_their_messages_is_unreachable_until_they_open_them(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    discord_server.direct(ANN).forbidden = True
    with pytest.raises(Unreachable, match="Cannot send messages to this user"):
        await discord.send(direct, PLAIN)
    discord_server.direct(ANN).forbidden = False
    await discord.send(direct, PLAIN)


@pytest.mark.parametrize("chat", ["4", "", "-100", "everyone", "\u0661"])
async def test_what_is_no_channel_cannot_be_written_to(discord: DiscordTransport, chat: str) -> None:
    with pytest.raises(Unreachable):
        await discord.send(Address(transport="discord", chat=chat), PLAIN)


@pytest.mark.parametrize(
    ("sent", "edited", "shown"),
    [
        (CARD, PLAIN, "Resolved"),
        (CHART, CARD, "HIGH main\nDeposit $820."),
        (CARD, CHART, "Equity"),
        (CHART, Message(blocks=(Line("Equity, 2 h"), Picture(tiny_png(shade=7), alt="It fell."))), "Equity, 2 h"),
    ],
    ids=["text", "without picture", "with picture", "picture"],
)
async def test_whatever_a_message_was_it_can_be_edited(
    discord: DiscordTransport,
    discord_server: DiscordServer,
    direct: Address,
    sent: Message,
    edited: Message,
    shown: str,
) -> None:
    ref = await discord.send(direct, sent)
    await discord.edit(ref, edited)
    (message,) = discord_server.messages()
    assert message.text == shown
    assert message.files == tuple(block.png for block in edited.blocks if isinstance(block, Picture))
    assert len(message.keys) == sum(map(len, edited.buttons))
    assert len(message.edits) == 1


async def test_an_edit_that_is_too_long_shows_its_beginning(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    ref = await discord.send(direct, CARD)
    await discord.edit(ref, LONG)
    (message,) = discord_server.messages()
    assert message.text.startswith("xxx")
    assert message.text.endswith("…")
    assert message.labels == ("Ack", "Details")


@pytest.mark.parametrize("gone", ["message", "channel"])
async def test_editing_what_is_gone_is_refused_for_good(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, gone: str
) -> None:
    ref = await discord.send(at(desk), CARD)
    if gone == "message":
        discord_server.delete(discord_server.messages()[0])
    else:
        del discord_server.api.channels[desk.channel_id]
    calls = len(discord_server.calls)
    with pytest.raises(Refused, match="edited any more"):
        await discord.edit(ref, PLAIN)
    assert len(discord_server.calls) == calls + 1


async def test_a_transport_not_entered_says_so(discord_idle: DiscordTransport, direct: Address) -> None:
    with pytest.raises(TryAgain, match="enter the transport first"):
        await discord_idle.send(direct, PLAIN)


async def test_messages_go_out_while_the_gateway_is_down(
    discord_idle: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    discord_server.gateway.silent_at_first = True
    async with discord_idle:
        await discord_server.wait_for(lambda: discord_server.gateway.open_sockets)
        await discord_idle.send(direct, CARD)
        assert not discord_idle.health().connected
    assert len(discord_server.messages()) == 1


async def test_no_proxy_stands_between_the_bot_and_this_machine(
    monkeypatch: pytest.MonkeyPatch, discord_idle: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with discord_idle:
        await discord_idle.send(direct, CARD)
    assert len(discord_server.messages()) == 1


async def test_many_messages_share_one_login(
    discord_idle: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    async with discord_idle:
        await asyncio.gather(*(discord_idle.send(direct, PLAIN) for _ in range(5)))
    assert sum(call.path == "/users/@me" for call in discord_server.calls) == 1


async def test_a_refused_token_is_not_tried_for_every_message(
    discord_server: DiscordServer, time: Time, direct: Address
) -> None:
    async with discord_of(discord_server, time, token="MTQ.wrong.token") as transport:
        for _ in range(5):
            with pytest.raises(TryAgain, match="DISCORD_TOKEN"):
                await transport.send(direct, PLAIN)
    assert sum(call.path == "/users/@me" for call in discord_server.calls) <= 2


def test_an_empty_token_is_refused_at_once(time: Time) -> None:
    with pytest.raises(ValueError, match="DISCORD_TOKEN"):
        DiscordTransport("  ", now=time.now)
