"""People who ask, press, agree, change their minds and make mistakes; and a stranger who presses what is not theirs."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.soak.platforms import ANN, BOB, CAT, STRANGER, Platforms
from benchmarks.soak.time import Pace
from benchmarks.soak.venue import HOLDINGS
from tests.support.telegram import SentMessage
from tests.support.telegram.model import Key

_QUESTIONS = (
    "/health", "/portfolio alpha", "/liq bravo",
    "/status", "/alerts", "/positions alpha", "/limits delta", "/orders alpha", "/audit 10", "/events", "/pending",
    "/approvals", "/stress alpha", "/drawdown bravo", "/accounts", "/help",
)  # fmt: skip
_TRADES = (
    "/close alpha SOL 25%", "/close bravo SOL half", "/close carol ETH half", "/close delta BTC half", "/flatten carol",
    "/flatten bravo", "/hedge alpha", "/hedge delta", "/stop alpha SOL -15% half", "/tp bravo SOL +6% half",
    "/cancel alpha all", "/cancel bravo all", "/protect alpha", "/emergency bravo", "/emergency alpha",
)  # fmt: skip
_NOISE = (
    "", "hello", "/", "/nothing", "/close", "/close alpha DOGE", "/stop alpha SOL banana", "/ack 999999",
    "/health \u202egnp.exe", "/hedge " + "x" * 300, "/size alpha SOL long", "/limits alpha max_drawdown_percent -1",
    "/pin 12", "/start ABCD-EFGH", "/revoke nobody",
)  # fmt: skip
_PRESSED_OF_LAST = 25


@dataclass(slots=True, kw_only=True)
class People:
    """Somebody does something every so often.

    Attributes:
        done: How often what was done.
    """

    seed: int
    every_s: float
    pace: Pace
    platforms: Platforms
    done: Counter[str] = field(default_factory=Counter)

    async def run(self, until_s: float) -> None:
        dice = random.Random(f"{self.seed} people")  # noqa: S311  # the same in every run
        while self.pace.now_s < until_s:
            await asyncio.sleep(dice.expovariate(1 / self.every_s))
            try:
                await self._act(dice)
            except TimeoutError:
                self.done["nobody listens"] += 1  # Discord's people need the bot to be there

    async def _act(self, dice: random.Random) -> None:
        whim = dice.random()
        if whim < 0.12:
            await self._say(dice, f"/health {dice.choice(HOLDINGS).name}", "health asked for")
        elif whim < 0.26:
            await self._say(dice, dice.choice(_QUESTIONS), "asked")
        elif whim < 0.50:
            await self._say(dice, dice.choice(_TRADES), "plan asked for")
        elif whim < 0.54:
            await self._say(dice, dice.choice(_NOISE), "nonsense said")
        elif whim < 0.545:
            await self._say(dice, "/halt keep", "halted")
            await asyncio.sleep(dice.uniform(5.0, 40.0))
            await self._say(dice, "/resume", "resumed")
        elif whim < 0.90:
            await self._press(dice)
        else:
            await self._press_on_discord(dice)

    async def _say(self, dice: random.Random, text: str, what: str) -> None:
        self.done[what] += 1
        if dice.random() < 0.8 or not text.startswith("/") or len(text) < 2:
            await self.platforms.telegram.say(dice.choice([ANN, ANN, BOB]), text)
            return
        name, _, args = text[1:].partition(" ")
        channel = dice.choice([None, None, self.platforms.channel])
        await self.platforms.discord.slash(CAT, name, args, channel=channel)

    async def _press(self, dice: random.Random) -> None:
        """A button of one of the latest messages, by whoever got it, or by a stranger, once or twice."""
        shown = [one for one in list(self.platforms.telegram.api.sent)[-_PRESSED_OF_LAST:] if one.keyboard]
        cards = [one for one in shown if any(key.label.startswith("Confirm") for key in one.keys)]
        if cards and dice.random() < 0.6:
            for card in cards[-2:] if dice.random() < 0.7 else cards[-1:]:  # what needs two is in two chats
                confirm = next(key for key in card.keys if key.label.startswith("Confirm"))
                await self._press_one(dice, card, confirm)
        elif shown:
            message = dice.choice(shown[-5:])
            keys = [key for key in message.keys if key.label != "Details"] or list(message.keys)
            await self._press_one(dice, message, dice.choice(keys))

    async def _press_one(self, dice: random.Random, message: SentMessage, key: Key) -> None:
        who = STRANGER if dice.random() < 0.05 else message.chat
        self.done["pressed by a stranger" if who == STRANGER else f"pressed {key.label.split()[0]}"] += 1
        for _ in range(dice.choice([1, 1, 1, 2])):
            await self.platforms.telegram.press(who, message, key.data)

    async def _press_on_discord(self, dice: random.Random) -> None:
        """Likewise; what only one person sees is theirs alone."""
        shown = [one for one in list(self.platforms.discord.api.sent)[-_PRESSED_OF_LAST:] if one.keyboard]
        if not shown:
            return
        message = dice.choice(shown[-5:])
        keys = [key for key in message.keys if key.label != "Details"] or list(message.keys)
        key = dice.choice(keys)
        self.done[f"pressed {key.label.split()[0]}"] += 1
        await self.platforms.discord.press(CAT, message, key.custom_id)
