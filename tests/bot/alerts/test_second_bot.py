"""A second token on a platform: one more way to the same people."""

from datetime import timedelta

from bot.alerts.routes_file import parse_routes
from bot.messages import Address, Command, MessageRef, Person, Press
from bot.transports.named import NamedTransport
from storage import Role
from tests.support.bot_world import bot_world
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport

ANN = Person(transport="telegram", user_id="1001", display_name="Ann")
FILE = """
[[routes]]
name = "desk"
steps = [{ to = ["telegram:1001", "telegram-desk2:1001"] }]

[senders.telegram-desk2]
platform = "telegram"
token_env = "TOKEN_2"
"""


async def test_somebody_linked_with_one_bot_is_known_to_the_other_and_answers_there() -> None:
    clock = FakeClock()
    first, second = (RecordingTransport(now=clock.now, name="telegram") for _ in range(2))
    routes = parse_routes(FILE, environment={"TOKEN_2": "1:secret"})
    desk2 = NamedTransport(second, "telegram-desk2")
    async with bot_world(clock=clock, transport=first, others=[desk2], routes=routes, linked=False) as world:
        people = world.app.services.people
        code = await people.issue_link_code(clock.now(), Role.ADMIN, timedelta(hours=1))
        await world.say(f"/start {code}", user="1001", chat="1001")
        assert first.sent[-1].first.startswith("Linked.")

        there = Address(transport="telegram", chat="1001")
        second.hear(Command(sender=ANN, address=there, text="/health", sent_at=clock.now()))
        second.end()
        await world.app.dispatcher.serve(world.app.services.process.transports["telegram-desk2"])
        assert second.sent[-1].first.startswith("main: ")

        await world.check(140)
        await world.app.deliveries["telegram-desk2"].drain()
        (alert,) = [one for one in second.sent if "alert #1" in one.text]
        ref = MessageRef(address=there, message_id=alert.ref.message_id)
        second.hear(Press(sender=ANN, message=ref, data=alert.data("Ack"), pressed_at=clock.now()))
        second.end()
        await world.app.dispatcher.serve(world.app.services.process.transports["telegram-desk2"])
        for delivery in world.app.deliveries.values():
            await delivery.drain()

        assert second.answers[-1][1].startswith("Acked alert #1.")
        for transport in (first, second):
            _, shown = transport.edits[-1]
            assert any("Acked by 1001" in getattr(block, "text", "") for block in shown.blocks)


async def test_a_chat_linked_through_the_second_bot_is_reached_through_it() -> None:
    clock = FakeClock()
    first, second = (RecordingTransport(now=clock.now, name="telegram") for _ in range(2))
    routes = parse_routes(FILE.replace('"telegram:1001", "telegram-desk2:1001"', '"person:Ann"'),
                          environment={"TOKEN_2": "1:secret"})  # fmt: skip
    desk2 = NamedTransport(second, "telegram-desk2")
    async with bot_world(clock=clock, transport=first, others=[desk2], routes=routes, linked=False) as world:
        code = await world.app.services.people.issue_link_code(clock.now(), Role.ADMIN, timedelta(hours=1))
        there = Address(transport="telegram", chat="1001")
        second.hear(Command(sender=ANN, address=there, text=f"/start {code}", sent_at=clock.now()))
        second.end()
        await world.app.dispatcher.serve(world.app.services.process.transports["telegram-desk2"])

        (chat,) = await world.app.services.people.chats()
        assert chat.transport == "telegram-desk2"
        person = await world.app.services.people.person("telegram", "1001")
        assert person is not None
        await world.check(140)
        await world.app.deliveries["telegram-desk2"].drain()
        assert [one for one in second.sent if "alert #1" in one.text]
        assert first.sent == []
