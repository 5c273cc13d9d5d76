"""A second bot on a platform: what it hears and says goes by its own name, and people stay who they are."""

from datetime import UTC, datetime

import pytest

from bot.messages import (
    Address,
    Command,
    CommandHint,
    Guest,
    Incoming,
    Membership,
    MessageRef,
    Person,
    Press,
    Refused,
    RetryAfter,
    Unreachable,
    lines,
)
from bot.messages import Message as Said
from bot.transports.named import NamedTransport
from tests.support.recording_transport import RecordingTransport

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ANN = Person(transport="telegram", user_id="1001")
THERE, HERE = (Address(transport=name, chat="1001", thread="7") for name in ("telegram", "telegram-desk2"))
HELLO = Said(blocks=lines("hello"))


@pytest.fixture
def inner() -> RecordingTransport:
    return RecordingTransport(now=lambda: NOW, name="telegram")


@pytest.fixture
def desk2(inner: RecordingTransport) -> NamedTransport:
    return NamedTransport(inner, "telegram-desk2")


async def heard(transport: NamedTransport, inner: RecordingTransport, *incoming: Incoming) -> list[Incoming]:
    inner.hear(*incoming)
    inner.end()
    return [one async for one in transport.incoming()]


async def test_what_it_hears_comes_from_chats_of_its_own_and_from_the_same_people(
    desk2: NamedTransport, inner: RecordingTransport
) -> None:
    command = Command(sender=ANN, address=THERE, text="/health", sent_at=NOW)
    press = Press(sender=ANN, message=MessageRef(address=THERE, message_id="m1"), data="ack:1", pressed_at=NOW)
    joined = Membership(group=THERE, joined=True, by=ANN)

    first, second, third = await heard(desk2, inner, command, press, joined)
    assert isinstance(first, Command)
    assert isinstance(second, Press)
    assert isinstance(third, Membership)
    assert (first.address, first.sender) == (HERE, ANN)
    assert (second.message, second.sender) == (MessageRef(address=HERE, message_id="m1"), ANN)
    assert (third.group, third.by) == (HERE, ANN)


async def test_what_it_says_goes_out_there_and_is_remembered_here(
    desk2: NamedTransport, inner: RecordingTransport
) -> None:
    ref = await desk2.send(HERE, HELLO, key="k")
    await desk2.edit(ref, HELLO)
    await desk2.pin(ref)
    await desk2.answer(Press(sender=ANN, message=ref, data="ack:1", pressed_at=NOW), "done")
    await desk2.announce((CommandHint(name="health", summary="how far"),))

    assert ref == MessageRef(address=HERE, message_id="m1")
    assert inner.sent[0].ref.address == THERE
    assert inner.edits[0][0].address == THERE
    assert inner.answers[0][0].message.address == THERE
    assert inner.hints
    assert (desk2.name, desk2.limits, desk2.health()) == ("telegram-desk2", inner.limits, inner.health())


async def test_a_question_that_only_one_person_sees_keeps_its_answer_there(
    desk2: NamedTransport, inner: RecordingTransport
) -> None:
    asked = Address(transport="telegram-desk2", chat="1001", reply_to="question")
    await desk2.send(asked, HELLO)

    assert inner.sent[0].ref.address.reply_to == "question"


async def test_a_chat_that_moves_moves_within_its_name(desk2: NamedTransport, inner: RecordingTransport) -> None:
    inner.fail("1001", Unreachable("moved", moved_to=Address(transport="telegram", chat="-1002")))
    with pytest.raises(Unreachable, match="moved") as moved:
        await desk2.send(HERE, HELLO)
    assert moved.value.moved_to == Address(transport="telegram-desk2", chat="-1002")

    inner.fail("1001", RetryAfter(3), Unreachable("blocked"))
    with pytest.raises(RetryAfter):
        await desk2.send(HERE, HELLO)
    with pytest.raises(Unreachable, match="blocked"):
        await desk2.send(HERE, HELLO)


async def test_it_can_be_a_guest_where_the_platform_has_groups(desk2: NamedTransport) -> None:
    assert isinstance(desk2, Guest)
    if not isinstance(desk2._inner, Guest):
        with pytest.raises(Refused, match="no groups to leave"):
            await desk2.leave(HERE)


async def test_it_is_entered_and_left_with_what_is_inside(desk2: NamedTransport, inner: RecordingTransport) -> None:
    async with desk2 as entered:
        assert entered is desk2
    assert [one async for one in inner.incoming()] == []
