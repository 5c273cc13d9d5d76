"""The story of docs/routes.md, played: ``python -m tests.docs.routes_story`` prints it as it stands there."""

import asyncio
import io

from bot.logs import setup_logging
from bot.messages import Line, Message, Table, TryAgain, text_of
from bot.text.tables import lines as table_lines
from tests.bot.alerts.routed_world import ANN, BOB, RoutedWorld, routed_world

FILE = """
[[routes]]
name = "desk"
accounts = ["main"]
from = "HIGH"
steps = [
    { to = ["person:Ann"] },
    { after = "5 min", to = ["person:Bob"] },
    { after = "10 min", to = ["service:pager"] },
]

[services.pager]
url_env = "PAGER_URL"
rings_through_dnd = true
"""
_NAMES = {
    "telegram": "Ann's Telegram", "discord": "Bob's Discord", "discord-webhook": "the webhook's channel",
    "service:pager": "the pager",
}  # fmt: skip


def shown(message: Message, *, buttons: bool = True) -> str:
    """As a chat shows it, tables included."""
    parts: list[str] = []
    for block in message.blocks:
        match block:
            case Line(text=text):
                parts.append(text)
            case Table():
                parts += table_lines(block)
            case _:
                parts.append(text_of(Message(blocks=(block,))))
    keys = " ".join(f"[{button.label}]" for row in message.buttons for button in row) if buttons else ""
    return "\n".join([*parts, *([keys] if keys else [])])


class Screenplay:
    """Prints what is new on every screen, with the time."""

    def __init__(self, routed: RoutedWorld) -> None:
        self._routed, self._out = routed, io.StringIO()
        self._sent = {way.name: 0 for way in routed.ways}
        self._edited = {way.name: 0 for way in routed.ways}

    def note(self, text: str) -> None:
        self._out.write(f"-- {text}\n\n")

    def look(self) -> None:
        at = f"{self._routed.world.clock.now():%H:%M:%S}"
        for way in self._routed.ways:
            for sent in way.sent[self._sent[way.name] :]:
                text = shown(sent.message, buttons=way.name in ("telegram", "discord"))
                self._out.write(f"{at} {_NAMES[way.name]}:\n{text}\n\n")
            for ref, message in way.edits[self._edited[way.name] :]:
                self._out.write(f"{at} {_NAMES[way.name]}, message {ref.message_id} now reads:\n{shown(message)}\n\n")
            self._sent[way.name], self._edited[way.name] = len(way.sent), len(way.edits)

    @property
    def text(self) -> str:
        return self._out.getvalue().rstrip("\n")


async def wait(routed: RoutedWorld, screen: Screenplay, seconds: float) -> None:
    """Time goes on, with a check every 5 s."""
    for second in range(round(seconds)):
        await routed.pass_s(1)
        if second % 5 == 4:
            await routed.world.app.watch.check()
            await routed.deliver()
        screen.look()


async def play() -> str:
    """The whole of it."""
    file = FILE.replace('url_env = "PAGER_URL"', 'url = "json://127.0.0.1"')
    async with routed_world(file) as routed:
        screen = Screenplay(routed)
        screen.note("Ann asks who hears of what.")
        await routed.world.say("/routes", user=ANN, chat=ANN)
        screen.look()
        screen.note("The account falls to HIGH, and Ann does not answer for five minutes.")
        await routed.stand_at(140)
        await wait(routed, screen, 300)
        screen.note("Bob presses Ack.")
        await routed.press(routed.discord, BOB, routed.alerts(routed.discord)[0], "Ack")
        screen.look()
        screen.note("Telegram goes down, and the account falls further. Bob heard of it before, so he hears at once.")
        routed.telegram.connected = False
        routed.telegram.fail(ANN, *[TryAgain("Telegram cannot be reached (ConnectError)")] * 500)
        await routed.stand_at(110)
        await wait(routed, screen, 15)
        screen.note("Telegram comes back.")
        routed.telegram.connected = True
        routed.telegram._failures.clear()
        await wait(routed, screen, 5)
        return screen.text


if __name__ == "__main__":
    setup_logging("CRITICAL")
    print(asyncio.run(play()))  # noqa: T201 - its output is its purpose
