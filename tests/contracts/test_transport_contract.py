"""What every transport owes the rest of the bot."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.messages import (
    Button,
    Command,
    CommandHint,
    File,
    Incoming,
    Line,
    Message,
    Picture,
    Press,
    Table,
    Tone,
    lines,
)
from bot.transports.layout import clean
from tests.contracts.transport_worlds import WORLDS, Open, World
from tests.support.png import tiny_png

ACK = Button("Ack", "ack:17")
SNOOZE = Button("Snooze 1 h", "snooze:17")
CARD = Message(blocks=lines("HIGH main: 4.1% to liq", "Deposit $820."), buttons=((ACK, SNOOZE),))


@pytest.fixture(params=list(WORLDS))
def open_world(request: pytest.FixtureRequest) -> Open:
    return WORLDS[request.param]


@pytest.fixture
async def world(open_world: Open, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


async def heard(world: World, count: int = 1) -> list[Incoming]:
    """The next things somebody wrote or pressed."""
    found: list[Incoming] = []
    async with asyncio.timeout(30):
        async for incoming in world.transport.incoming():
            found.append(incoming)
            if len(found) == count:
                break
    return found


def squeezed(text: str) -> str:
    return "".join(text.split())


async def test_lines_and_tables_arrive_in_order_and_aligned(world: World) -> None:
    table = Table(rows=(("BTC-PERP", "0.25"), ("SOL", "-120")), header=("Market", "Size"))
    await world.transport.send(
        world.address, Message(blocks=(Line("Two positions", strong=True), table, Line("Slot 7")))
    )
    rows = [line.rstrip() for line in world.text().split("\n") if line]
    assert [row.strip() for row in rows] == [
        "Two positions",
        "Market   Size",
        "BTC-PERP 0.25",
        "SOL      -120",
        "Slot 7",
    ]


async def test_a_picture_arrives_byte_for_byte_and_described(world: World) -> None:
    png = tiny_png(width=9, height=5)
    await world.transport.send(world.address, Message(blocks=(Picture(png, alt="Equity rose all week."),)))
    assert world.pictures() == [png]
    assert "Equity rose all week." in world.text()


async def test_a_file_arrives_byte_for_byte_under_its_name_beside_its_text_and_is_no_picture(world: World) -> None:
    content = b"seq,at\n1,\xff\x00\n"
    file = File("audit.csv", content, alt="One step of the audit.")
    await world.transport.send(world.address, Message(blocks=(Line("The audit, 1 row", strong=True), file)))
    assert world.files() == [("audit.csv", content)]
    assert world.pictures() == []
    assert "The audit, 1 row" in world.latest()


async def test_a_file_alone_says_what_is_in_it(world: World) -> None:
    await world.transport.send(world.address, Message(blocks=(File("a.json", b"[]", alt="An empty audit."),)))
    assert "An empty audit." in world.latest()
    assert world.files() == [("a.json", b"[]")]


async def test_a_file_of_a_long_message_arrives_and_nothing_of_its_text_is_lost(world: World) -> None:
    texts = [f"line {number} " * 20 for number in range(60)]
    file = File("audit.csv", b"1", alt="One row.")
    await world.transport.send(world.address, Message(blocks=(*map(Line, texts), file), buttons=((ACK,),)))
    assert world.files() == [("audit.csv", b"1")]
    assert squeezed("".join(texts)) in squeezed(world.text())
    assert world.labels() == ("Ack",)


async def test_an_answer_in_preparation_can_become_a_file(world: World) -> None:
    ref = await world.transport.send(world.address, Message(blocks=lines("calculating")))
    await world.transport.edit(ref, Message(blocks=(Line("Here it is"), File("a.csv", b"1", alt="One row."))))
    assert "Here it is" in world.latest()
    assert world.files() == [("a.csv", b"1")]


async def test_a_press_comes_back_with_its_message_its_data_and_who_pressed(world: World) -> None:
    ref = await world.transport.send(world.address, CARD)
    assert world.labels() == ("Ack", "Snooze 1 h")
    await world.press("Snooze 1 h")
    (press,) = await heard(world)
    assert isinstance(press, Press)
    assert (press.message, press.data, press.sender.user_id) == (ref, "snooze:17", world.user_id)
    await world.transport.answer(press, "Snoozed")


async def test_a_press_may_be_answered_late_or_twice(world: World) -> None:
    await world.transport.send(world.address, CARD)
    await world.press("Ack")
    (press,) = await heard(world)
    assert isinstance(press, Press)
    for _ in range(2):
        await world.transport.answer(press, "Acknowledged")


async def test_buttons_of_older_messages_still_work(world: World) -> None:
    first = await world.transport.send(world.address, CARD)
    await world.transport.send(world.address, Message(blocks=lines("later"), buttons=((Button("Details", "d"),),)))
    await world.press("Ack")
    (press,) = await heard(world)
    assert isinstance(press, Press)
    assert (press.message, press.data) == (first, "ack:17")


async def test_commands_arrive_in_order_as_they_were_written(world: World) -> None:
    texts = ["/health main", "stress 20", "/ack 17"]
    for text in texts:
        await world.type(text)
    commands = await heard(world, 3)
    assert all(isinstance(command, Command) for command in commands)
    assert [command.text for command in commands if isinstance(command, Command)] == texts
    assert {command.sender.user_id for command in commands if isinstance(command, Command)} == {world.user_id}
    first = commands[0]
    assert isinstance(first, Command)
    assert first.address == world.address
    assert first.private
    assert first.sent_at.tzinfo is not None


async def test_an_answer_to_a_command_goes_where_it_came_from(world: World) -> None:
    await world.type("/status")
    (command,) = await heard(world)
    assert isinstance(command, Command)
    await world.transport.send(command.address, Message(blocks=lines("All well")))
    assert "All well" in world.latest()


async def test_an_edit_replaces_text_and_buttons(world: World) -> None:
    ref = await world.transport.send(world.address, CARD)
    await world.transport.edit(ref, Message(blocks=lines("Acknowledged by Ann", "Deposit $820."), buttons=((SNOOZE,),)))
    assert "Acknowledged by Ann" in world.latest()
    assert world.labels() == ("Snooze 1 h",)


async def test_an_edit_without_buttons_leaves_nothing_to_press(world: World) -> None:
    ref = await world.transport.send(world.address, CARD)
    await world.transport.edit(ref, Message(blocks=lines("Resolved")))
    assert "Resolved" in world.latest()
    assert world.labels() == ()


async def test_an_identical_edit_is_fine_and_shows_nothing_new(world: World) -> None:
    ref = await world.transport.send(world.address, CARD)
    before = world.text()
    await world.transport.edit(ref, CARD)
    assert world.text() == before


async def test_a_picture_can_be_edited(world: World) -> None:
    before, after = (
        Message(blocks=(Line(text), Picture(tiny_png(shade=shade), alt="Equity.")))
        for text, shade in (("1 h", 1), ("2 h", 9))
    )
    ref = await world.transport.send(world.address, before)
    await world.transport.edit(ref, after)
    assert "2 h" in world.latest()
    assert world.pictures()[-1] == tiny_png(shade=9)


@pytest.mark.parametrize("tone", list(Tone))
async def test_every_tone_arrives(world: World, tone: Tone) -> None:
    await world.transport.send(world.address, Message(blocks=lines(f"a {tone} word"), tone=tone))
    assert f"a {tone} word" in world.text()


@pytest.mark.parametrize(
    "text",
    [
        "<b>bold</b> & <i>not</i>",
        "a &amp; b &lt;script&gt;",
        "</pre></b><a href='https://evil.example'>win</a>",
        "*stars* _lines_ `ticks` [text](https://evil.example) ||spoiler||",
        "<<<>>>&&&&;",
        "{token} %s %(name)s",
        "@everyone <@123> #topic",
    ],
)
async def test_markup_in_text_is_only_text(world: World, text: str) -> None:
    table = Table(rows=((text[:12], "1"),))
    await world.transport.send(world.address, Message(blocks=(Line(text, strong=True), Line(text), table)))
    assert world.text().count(text) >= 2
    # A cell is somebody's name, often: one that would call people is shown with a sign that calls nobody.
    named = text[:12].replace("@", "\uff20", 1) if text.startswith("@") else text[:12]
    assert world.text().replace(text, "", 2).count(named) == 1


async def test_text_cannot_disguise_itself_or_drive_a_terminal(world: World) -> None:
    await world.transport.send(world.address, Message(blocks=lines("a\u202eb\u200bc\x1b[31md\x07e\ud800f")))
    assert "abc[31mde\ufffdf" in world.text()
    assert not {"\u202e", "\u200b", "\x1b", "\x07"} & set(world.text())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    paragraphs=st.lists(
        st.tuples(st.text(min_size=1, max_size=40).filter(lambda text: clean(text).strip()), st.integers(1, 300)),
        min_size=1,
        max_size=5,
    ),
    strong=st.booleans(),
)
async def test_however_long_a_message_is_nothing_of_it_is_lost(
    world: World, paragraphs: list[tuple[str, int]], strong: bool
) -> None:
    blocks = tuple(Line(text * times, strong=strong) for text, times in paragraphs)
    before = len(world.text())
    await world.transport.send(world.address, Message(blocks=blocks))
    assert squeezed(world.text()[before:]) == squeezed("".join(clean(block.text) for block in blocks))


async def test_a_long_message_keeps_its_buttons_at_its_end(world: World) -> None:
    ref = await world.transport.send(
        world.address, Message(blocks=tuple(Line(f"line {number} " * 20) for number in range(80)), buttons=((ACK,),))
    )
    assert world.labels() == ("Ack",)
    await world.press("Ack")
    (press,) = await heard(world)
    assert isinstance(press, Press)
    assert press.message == ref


async def test_a_message_without_text_is_not_silence(world: World) -> None:
    await world.transport.send(world.address, Message(blocks=(Line("\u200b"),), buttons=((ACK,),)))
    assert world.labels() == ("Ack",)


async def test_announcing_commands_is_decoration(world: World) -> None:
    await world.transport.announce((CommandHint(name="health", summary="How far from liquidation"),))


async def test_leaving_ends_incoming_and_every_task(open_world: Open, tmp_path: Path) -> None:
    tasks, threads = asyncio.all_tasks(), threading.active_count()
    async with open_world(tmp_path) as world:
        reader = asyncio.create_task(_everything(world))
        await world.type("/health")
        await world.transport.send(world.address, CARD)
    async with asyncio.timeout(30):
        await reader
    assert asyncio.all_tasks() == tasks
    assert threading.active_count() <= threads + 1  # the loop's own executor keeps one idle worker


async def test_entering_succeeds_while_the_platform_is_down_and_delivers_when_it_is_back(
    open_world: Open, tmp_path: Path
) -> None:
    async with open_world(tmp_path, down=True) as world:
        assert world.transport.health().since.tzinfo is not None
        await world.recover()
        await world.transport.send(world.address, CARD)
        assert "HIGH main" in world.text()


async def test_what_is_new_in_health_is_said_in_a_sentence(world: World) -> None:
    await world.type("/status")
    await heard(world)
    health = world.transport.health()
    assert health.connected
    assert health.detail


async def _everything(world: World) -> list[Incoming]:
    return [incoming async for incoming in world.transport.incoming()]
