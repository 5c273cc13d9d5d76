"""A person's Telegram: what they write, what they are answered, which alerts ring."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.telegram import SentMessage, TelegramServer

OWNER = 1001
WAIT_S = 60.0  # of a machine that stands still for seconds
_ALERT = re.compile(r"^(?P<line>.*)· alert #(?P<number>\d+)$", re.MULTILINE)
_HEAD = re.compile(r"[A-Z]{2,}(?= )")
ABSENCES = ("Keel was down", "Keel did not watch", "Keel: the clock", "Keel has lost")
UNASKED = ("Pulse: ", *ABSENCES)
LADDER = ("WATCH", "WARNING", "HIGH", "CRITICAL", "LIQUIDATING")


@dataclass(frozen=True, slots=True)
class Alert:
    """One incident that a message tells of; what is found together is one message.

    Attributes:
        head: Its first word: a tier, UNKNOWN, RESOLVED, LIMIT.
        number: Of the incident it is about.
    """

    head: str
    number: int
    message: SentMessage

    @property
    def text(self) -> str:
        return self.message.text


class Phone:
    """One person in one chat with the bot, their own or a group."""

    def __init__(self, server: TelegramServer, user: int = OWNER, *, chat: int | None = None) -> None:
        self.server, self.user, self.chat = server, user, user if chat is None else chat
        if chat is None:
            server.add_user(user)

    @property
    def messages(self) -> list[SentMessage]:
        return self.server.messages(self.chat)

    @property
    def alerts(self) -> list[Alert]:
        """Alerts so far as they read now, oldest first; breached limits and changes of risk, which have nothing to do
        with tiers, are left out."""
        return [alert for one in self.messages for alert in _alerts_of(one) if alert.head not in ("LIMIT", "RISK")]

    async def quiet(self) -> None:
        """Until what is said of an account that breaks a limit from the start has been said."""
        await self.until(lambda: any("LIMIT " in message.text for message in self.messages), "the broken limit")

    @property
    def heads(self) -> list[str]:
        return [alert.head for alert in self.alerts]

    @property
    def tiers(self) -> list[str]:
        """The tiers that were announced, in order."""
        return [head for head in self.heads if head in LADDER]

    @property
    def answers(self) -> list[SentMessage]:
        """What is no alert and was asked for."""
        return [one for one in self.messages if not _alerts_of(one) and not one.text.startswith(UNASKED)]

    @property
    def pulse(self) -> SentMessage | None:
        """The status message, as it reads now."""
        return next((one for one in self.messages if one.text.startswith("Pulse: ")), None)

    @property
    def absences(self) -> list[SentMessage]:
        """What was said of times in which nobody watched."""
        return [one for one in self.messages if one.text.startswith(ABSENCES)]

    async def say(self, text: str) -> None:
        await self.server.say(self.user, text, chat=None if self.chat == self.user else self.chat)

    async def ask(self, text: str, timeout_s: float = WAIT_S) -> str:
        """The answer to a command."""
        before = len(self.answers)
        await self.say(text)
        await self.until(lambda: len(self.answers) > before, f"an answer to {text}", timeout_s)
        return self.answers[before].text

    async def link(self, code: str) -> None:
        assert (await self.ask(f"/start {code}")).startswith("Linked. You are the owner.")

    async def alert(self, head: str, *, after: int = 0, timeout_s: float = WAIT_S) -> Alert:
        """The first alert with this first word behind the first ``after`` alerts."""
        await self.until(lambda: head in self.heads[after:], f"{head} alert", timeout_s)
        return next(alert for alert in self.alerts[after:] if alert.head == head)

    async def press(self, alert: Alert, button: str, timeout_s: float = WAIT_S) -> str:
        """Press a button of an alert; returns the notice that is shown at once."""
        query = await self.server.press(self.user, alert.message, button)
        await self.until(lambda: query in self.server.answers, f"an answer to {button}", timeout_s)
        return self.server.answers[query]

    async def until(self, holds: Callable[[], object], what: str, timeout_s: float = WAIT_S) -> None:
        try:
            await self.server.wait_for(holds, timeout_s)
        except TimeoutError:
            seen = "\n---\n".join(message.text for message in self.messages)
            raise AssertionError(f"no {what} within {timeout_s:g} s; the chat shows\n{seen}") from None


def _alerts_of(message: SentMessage) -> list[Alert]:
    """In the order of the lines: the headline's number stands with its origin, that of any other in its own line."""
    headline = _HEAD.match(message.text)
    if headline is None:
        return []
    found: list[Alert] = []
    for line in _ALERT.finditer(message.text):
        own = _HEAD.match(line["line"])
        alert = Alert((own or headline)[0], int(line["number"]), message)
        found.insert(len(found) if own else 0, alert)
    return found
