"""Sending over the wire: what Telegram shows, and what each of its failures becomes."""

from dataclasses import replace

import pytest

from bot.messages import (
    Address,
    Button,
    CommandHint,
    DeliveryError,
    File,
    Line,
    Message,
    MessageRef,
    Picture,
    Refused,
    RetryAfter,
    TryAgain,
    Unreachable,
    lines,
)
from bot.messages import Tone as Loudness
from bot.transports.telegram import TelegramTransport
from tests.bot.transports.conftest import ANN, Time
from tests.support.png import tiny_png
from tests.support.telegram.model import Upload
from tests.support.telegram_server import Drop, Fault, TelegramServer
from tests.support.waiting import PATIENCE_S, given_up

FORUM = -100500
CARD = Message(
    blocks=lines("HIGH main", "Deposit $820."), buttons=((Button("Ack", "ack:1"), Button("Details", "d:1")),)
)
PLAIN = Message(blocks=lines("Resolved"))
LONG = Message(blocks=tuple(Line("x" * 4000) for _ in range(3)), buttons=CARD.buttons)
CHART = Message(blocks=(Line("Equity"), Picture(tiny_png(), alt="Equity rose.")), buttons=CARD.buttons)
NEVER_S = 3_600.0


def in_topic(thread: str) -> Address:
    return Address(transport="telegram", chat=str(FORUM), thread=thread)


async def test_the_answer_is_bold_and_the_buttons_are_in_rows(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    ref = await transport.send(ann, CARD)
    (message,) = server.messages()
    assert ref == MessageRef(address=ann, message_id=str(message.message_id))
    assert message.source == "<b>HIGH main</b>\nDeposit $820."
    assert [[(key.label, key.data) for key in row] for row in message.keyboard] == [
        [("Ack", "ack:1"), ("Details", "d:1")]
    ]


@pytest.mark.parametrize(
    ("tone", "silent"), [(Loudness.QUIET, True), (Loudness.NORMAL, False), (Loudness.URGENT, False)]
)
async def test_only_a_quiet_message_makes_no_sound(
    transport: TelegramTransport, server: TelegramServer, ann: Address, tone: Loudness, silent: bool
) -> None:
    for message in (CARD, CHART):
        await transport.send(ann, replace(message, tone=tone))
    assert [message.silent for message in server.messages()] == [silent, silent]


async def test_a_topic_gets_its_messages(transport: TelegramTransport, server: TelegramServer) -> None:
    server.add_group(FORUM, topics=(44,))
    ref = await transport.send(in_topic("44"), CARD)
    assert server.messages(FORUM)[0].thread == 44
    assert ref.address == in_topic("44")


async def test_a_deleted_topic_is_no_silence_the_chat_around_it_is_told(
    transport: TelegramTransport, server: TelegramServer
) -> None:
    server.add_group(FORUM, topics=(44,))
    await transport.send(in_topic("45"), LONG)
    assert [message.thread for message in server.messages(FORUM)] == [None, None, None]


async def test_a_picture_travels_with_its_caption_and_buttons(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    await transport.send(ann, CHART)
    (message,) = server.messages()
    assert (message.photo, message.source, message.labels) == (tiny_png(), "Equity", ("Ack", "Details"))


async def test_a_picture_telegram_refuses_becomes_words(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    await transport.send(ann, Message(blocks=(Line("Equity"), Picture(b"not a picture", alt="It rose."))))
    (message,) = server.messages()
    assert (message.text, message.photo) == ("Equity\nIt rose.", None)


async def test_a_file_travels_as_a_document_with_its_caption_and_buttons(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    file = File("audit.csv", b"seq,at\n", alt="The audit.")
    await transport.send(ann, Message(blocks=(Line("The audit", strong=True), file), buttons=CHART.buttons))
    (message,) = server.messages()
    assert message.document == Upload("audit.csv", b"seq,at\n")
    assert (message.photo, message.source, message.labels) == (None, "<b>The audit</b>", ("Ack", "Details"))


async def test_a_file_telegram_refuses_becomes_words(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    server.inject(Fault(method="sendDocument", status=400, description="Bad Request: no", times=2))
    await transport.send(ann, Message(blocks=(Line("Here"), File("a.csv", b"1", alt="The audit as CSV."))))
    (message,) = server.messages()
    assert (message.text, message.document) == ("Here\nThe audit as CSV.", None)


async def test_refused_markup_is_sent_again_as_plain_text(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    server.inject(
        Fault(method="sendMessage", status=400, description="Bad Request: can't parse entities: nobody knows")
    )
    await transport.send(ann, CARD)
    (message,) = server.messages()
    assert (message.source, message.entities, message.labels) == ("HIGH main\nDeposit $820.", (), ("Ack", "Details"))


async def test_a_refused_keyboard_does_not_silence_the_text(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    await transport.send(ann, Message(blocks=lines("HIGH"), buttons=((Button("Ack", "x" * 65),),)))
    (message,) = server.messages()
    assert (message.text, message.labels) == ("HIGH", ())


async def test_what_nothing_can_send_is_refused_for_good(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    server.inject(Fault(method="send", times=None, status=400, description="Bad Request: no such luck"))
    with pytest.raises(Refused, match="No such luck"):
        await transport.send(ann, CARD)


async def test_buttons_are_under_the_last_part_and_the_reference_is_that_part(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    ref = await transport.send(ann, LONG)
    assert [message.labels for message in server.messages()] == [(), (), ("Ack", "Details")]
    assert ref.message_id == str(server.messages()[-1].message_id)


async def test_a_wait_in_the_middle_does_not_repeat_the_beginning(
    transport: TelegramTransport, server: TelegramServer, ann: Address, time: Time
) -> None:
    await transport.send(ann, PLAIN)
    server.inject(Fault(method="sendPhoto", status=429, retry_after=3))
    await transport.send(ann, Message(blocks=(Line("x" * 2000), Picture(tiny_png(), alt="Equity"))))
    assert [message.photo is not None for message in server.messages()] == [False, False, True]
    assert 3 in time.slept_s


@pytest.mark.parametrize(
    ("fault", "expected", "unknown"),
    [
        (Fault(method="send", status=500), TryAgain, False),
        (Fault(method="send", status=502), TryAgain, False),
        (Fault(method="send", status=502, page=True), TryAgain, False),
        (Fault(method="send", status=504), TryAgain, False),
        (Fault(method="send", drop=Drop.BEFORE), TryAgain, True),
        (Fault(method="send", drop=Drop.AFTER), TryAgain, True),
        (Fault(method="send", delay_s=NEVER_S), TryAgain, True),
        (Fault(method="send", status=401), TryAgain, False),
        (Fault(method="send", status=403), Unreachable, False),
        (Fault(method="send", status=400, description="Bad Request: chat not found"), Unreachable, False),
        (Fault(method="send", status=400, description="Bad Request: CHAT_WRITE_FORBIDDEN"), Unreachable, False),
    ],
    ids=lambda value: str(value) if isinstance(value, Fault) else "",
)
async def test_each_failure_says_what_can_be_done(
    server: TelegramServer, time: Time, ann: Address, fault: Fault, expected: type[DeliveryError], unknown: bool
) -> None:
    server.inject(fault)
    async with TelegramTransport(
        server.token, now=time.now, base_url=server.url, sleep=time.sleep, answer_s=PATIENCE_S
    ) as transport:
        sending = transport.send(ann, PLAIN)
        with pytest.raises(expected) as caught:
            await (given_up(sending, heard=lambda: server.struck) if fault.delay_s else sending)
        assert getattr(caught.value, "unknown", False) is unknown
        assert len(server.messages()) == (fault.drop is Drop.AFTER)
        await transport.send(ann, PLAIN)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_a_server_that_is_down_has_delivered_nothing(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    await server.stop()
    with pytest.raises(TryAgain) as caught:
        await transport.send(ann, PLAIN)
    assert not caught.value.unknown


async def test_a_flood_limit_says_how_long_and_concerns_one_chat(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    server.add_user(1002)
    server.inject(Fault(method="send", chat=ANN, status=429, retry_after=17))
    with pytest.raises(RetryAfter) as caught:
        await transport.send(ann, PLAIN)
    assert caught.value.seconds == 17
    await transport.send(Address(transport="telegram", chat="1002"), PLAIN)


async def test_a_person_who_blocked_the_bot_is_unreachable_until_unblocked(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    server.block(ANN)
    with pytest.raises(Unreachable, match="blocked by the user") as caught:
        await transport.send(ann, PLAIN)
    assert caught.value.moved_to is None
    server.block(ANN, blocked=False)
    await transport.send(ann, PLAIN)


async def test_a_group_that_moved_names_its_new_address(transport: TelegramTransport, server: TelegramServer) -> None:
    server.add_group(-5)
    server.migrate(-5, FORUM)
    with pytest.raises(Unreachable) as caught:
        await transport.send(Address(transport="telegram", chat="-5"), PLAIN)
    assert caught.value.moved_to == Address(transport="telegram", chat=str(FORUM))


async def test_a_stranger_cannot_be_written_to(transport: TelegramTransport) -> None:
    with pytest.raises(Unreachable, match=r"Chat not found.*send /start"):
        await transport.send(Address(transport="telegram", chat="4"), PLAIN)


@pytest.mark.parametrize(
    ("sent", "edited", "shown"),
    [
        (CARD, PLAIN, "Resolved"),
        (CHART, CARD, "HIGH main\nDeposit $820."),
        (CARD, CHART, "Equity"),
        (CHART, Message(blocks=(Line("Equity, 2 h"), Picture(tiny_png(shade=7), alt="It fell."))), "Equity, 2 h"),
    ],
    ids=["text", "caption", "text to picture", "picture"],
)
async def test_whatever_a_message_was_it_can_be_edited(
    transport: TelegramTransport, server: TelegramServer, ann: Address, sent: Message, edited: Message, shown: str
) -> None:
    ref = await transport.send(ann, sent)
    await transport.edit(ref, edited)
    (message,) = server.messages()
    assert message.text == shown
    assert [key.data for key in message.keys] == [button.data for row in edited.buttons for button in row]
    assert len(message.edits) == 1
    assert sum(call.method.startswith("edit") for call in server.calls) <= 2


@pytest.mark.parametrize("message", [CARD, CHART], ids=["text", "picture"])
async def test_an_identical_edit_is_no_edit(
    transport: TelegramTransport, server: TelegramServer, ann: Address, message: Message
) -> None:
    ref = await transport.send(ann, message)
    await transport.edit(ref, message)
    assert server.messages()[0].edits == []


async def test_an_edit_that_is_too_long_shows_its_beginning(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    for sent in (CARD, CHART):
        ref = await transport.send(ann, sent)
        await transport.edit(ref, LONG)
        assert server.messages()[-1].text.startswith("xxx")
        assert server.messages()[-1].text.endswith("…")
        assert server.messages()[-1].labels == ("Ack", "Details")


async def test_editing_a_deleted_message_is_refused_for_good(
    transport: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    ref = await transport.send(ann, CARD)
    server.delete(server.messages()[0])
    calls = len(server.calls)
    with pytest.raises(Refused, match="edited any more"):
        await transport.edit(ref, PLAIN)
    assert len([call for call in server.calls[calls:] if call.method.startswith("edit")]) == 1


async def test_the_command_menu_is_filled(transport: TelegramTransport, server: TelegramServer) -> None:
    await transport.announce((CommandHint(name="/health", summary="How far from\nliquidation"),))
    assert server.api.commands == (("health", "How far from liquidation"),)


async def test_a_menu_that_cannot_be_filled_is_no_error(transport: TelegramTransport, server: TelegramServer) -> None:
    server.inject(Fault(method="setMyCommands", status=500))
    await transport.announce((CommandHint(name="health", summary="h"),))


async def test_a_transport_not_entered_says_so(idle: TelegramTransport, ann: Address) -> None:
    with pytest.raises(TryAgain, match="enter the transport first"):
        await idle.send(ann, PLAIN)


async def test_no_proxy_stands_between_the_bot_and_this_machine(
    monkeypatch: pytest.MonkeyPatch, idle: TelegramTransport, server: TelegramServer, ann: Address
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with idle:
        await idle.send(ann, CARD)
    assert len(server.messages()) == 1


def test_an_empty_token_is_refused_at_once(time: Time) -> None:
    with pytest.raises(ValueError, match="TELEGRAM_TOKEN"):
        TelegramTransport("  ", now=time.now)
