"""The chat platforms on loopback, with people in them, and without a memory that would grow all day."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from tests.support.discord_server import DiscordServer
from tests.support.telegram import TelegramServer

T = TypeVar("T")

ANN, BOB, CAT, STRANGER = 1001, 1002, 3001, 6666
_KEPT = 150
_KEPT_EDITS = 2

# The first line of what is said of an account's health, wherever it stands in a message. That a limit on the health
# ratio holds again says nothing of the danger.
_HEALTH = re.compile(
    r"^(?P<tier>WATCH|WARNING|HIGH|CRITICAL|LIQUIDATING|RESOLVED) (?P<account>[a-z]+): "
    r"(?P<eased>eased, )?"
    r"(?P<what>now\b|last known|health ratio (?!limit\b)|[^·\n]* to liq|no figures|It cannot)(?P<rest>.*)$",
    re.MULTILINE,
)
_NOTE = re.compile(r"^https://\S+\Z", re.MULTILINE)  # in a thread: what was said elsewhere, and was heard there
DANGER = ("CRITICAL", "LIQUIDATING")


class Ring(list[T]):
    """A list that forgets its oldest ones and still knows how many there were: the servers count with it."""

    def __init__(self, items: Iterable[T] = (), *, heard: Callable[[T], None] = lambda _: None) -> None:
        super().__init__(items)
        self._heard, self._gone = heard, 0

    def append(self, item: T) -> None:
        super().append(item)
        self._heard(item)
        over = super().__len__() - _KEPT
        if over > _KEPT:
            del self[:over]
            self._gone += over

    def __len__(self) -> int:
        return super().__len__() + self._gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one message says of one account's health."""

    account: str
    tier: str
    over: bool


def said_of(text: str) -> list[Said]:
    """Everything a message says of accounts' health, its headline first.

    >>> said_of("CRITICAL alpha: 1.2% to liq, +$820 fixes")
    [Said(account='alpha', tier='CRITICAL', over=False)]
    """
    found: list[Said] = []
    for line in () if _NOTE.search(text) else _HEALTH.finditer(text):
        over = line["tier"] == "RESOLVED" or bool(line["eased"]) or "over since" in line["rest"]
        found.append(Said(account=line["account"], tier=line["tier"], over=over))
    if found and "\nOver since " in text:
        found[0] = Said(account=found[0].account, tier=found[0].tier, over=True)
    return found


class Platforms:
    """Telegram with two people in private chats, Discord with one, and a channel.

    Args:
        heard: Called with the name of a chat and the text of every message that arrives there.
    """

    def __init__(self, heard: Callable[[str, str], None]) -> None:
        self.telegram, self.discord = TelegramServer(), DiscordServer()
        self.telegram.api.sent = Ring(heard=lambda one: heard(f"telegram/{one.chat}", one.text))
        self.discord.api.sent = Ring(heard=lambda one: heard(f"discord/{self._place(one.channel)}", one.text))
        self.telegram.add_user(ANN, "Ann")
        self.telegram.add_user(BOB, "Bob")
        self.telegram.add_user(STRANGER, "Eve")
        guild = self.discord.add_guild("Desk")
        guild.members.add(CAT)
        self.channel = self.discord.add_channel(guild)
        self.private = self.discord.direct(CAT, "cat")
        self.up = {"telegram": False, "discord": False}

    @property
    def chats(self) -> tuple[str, ...]:
        """Where alerts of every account must arrive."""
        return (
            f"telegram/{ANN}", f"telegram/{BOB}", f"discord/{self.private.channel_id}",
            f"discord/{self.channel.channel_id}",
        )  # fmt: skip

    def _place(self, channel: int) -> int:
        """A thread is read by whoever reads the channel around it."""
        return self.discord.api.channels[channel].parent or channel

    async def start(self, *names: str) -> None:
        for name in names or tuple(self.up):
            if not self.up[name]:
                await (self.telegram if name == "telegram" else self.discord).start()
                self.up[name] = True

    async def stop(self, *names: str) -> None:
        """Connections end without a word, and new ones are refused."""
        for name in names or tuple(self.up):
            if self.up[name]:
                self.up[name] = False
                await (self.telegram if name == "telegram" else self.discord).stop()

    def forget(self) -> None:
        """What only tests would look at."""
        self.telegram.calls.clear()
        self.discord.calls.clear()
        self.telegram.answers.clear()
        self.telegram.api.open_queries.clear()
        session = self.discord.gateway.live
        if session is not None and not isinstance(session.log, Ring):
            session.log = Ring(session.log)
        for told in self.telegram.api.sent:
            del told.edits[:-_KEPT_EDITS]
            if told.photo is not None and told is not self.telegram.api.sent[-1]:
                told.photo = b"\x89PNG\r\n\x1a\n"
        for seen in self.discord.api.sent:
            del seen.edits[:-_KEPT_EDITS]
            seen.files = ()
        api = self.discord.api
        there = {seen.message_id for seen in api.sent}
        api.forget_nonces(there)
        threads = [one for one in api.channels.values() if one.parent is not None and one.channel_id not in there]
        for known, old in (
            (api.interactions, list(api.interactions)), (api.channels, [one.channel_id for one in threads]),
        ):  # fmt: skip
            for one in old[: max(0, len(old) - _KEPT)]:
                del known[one]
