"""Discord's events as a broken or hostile gateway sends them: what is heard is sound, the rest is passed by."""

import copy
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

import discord
import pytest
from structlog.testing import capture_logs

from bot.messages import ArgumentHint, Command, Incoming, Membership, Press, TryAgain
from bot.transports.discord.client import Client
from bot.transports.discord.health import HealthRecord
from bot.transports.discord.hearing import Hearing
from bot.transports.discord.replies import Replies
from bot.transports.discord.updates import UNREADABLE
from tests.attack.documents import DISCORD, GUILD, Json
from tests.attack.mangling import mangled
from tests.faults import Measure
from tests.faults.figures import Gauge

NOW = datetime(2026, 1, 2, tzinfo=UTC)
COUNT = 1_000


class NoMenu:
    """No command has arguments."""

    def arguments(self, name: str) -> Sequence[ArgumentHint]:
        return ()


class Gateway:
    """The library with its parsers, and what hears it, without a connection."""

    def __init__(self) -> None:
        self.hearing = Hearing(
            self._wire, now=lambda: NOW, health=HealthRecord(lambda: NOW), replies=Replies(lambda: NOW),
            menu=cast("Any", NoMenu()), membership=cast("Any", None), suggest=None,
        )  # fmt: skip
        self._state: Any = Client(self.hearing)._connection
        self._state.user = discord.ClientUser(state=self._state, data=DISCORD[2][1]["message"]["author"])
        self._state.dispatch = lambda event, *arguments: None
        self._state.parsers["GUILD_CREATE"](copy.deepcopy(GUILD))
        self._state.dispatch = self._dispatched

    async def _wire(self) -> Any:
        raise TryAgain("there is no Discord here")

    def _dispatched(self, event: str, *arguments: Any) -> None:
        if event == "interaction":
            self.hearing.interaction(*arguments)
        elif event == "message":
            self.hearing.written(*arguments)

    def brings(self, event: str, document: Json) -> list[Incoming]:
        """What is heard of an event. Raises: what the library trips over, of UNREADABLE."""
        self._state.parsers[event](document)
        return self.heard()

    def heard(self) -> list[Incoming]:
        queue = self.hearing._queue
        return [one for _ in range(queue.qsize()) if (one := queue.get_nowait()) is not None]


def is_sound(incoming: Incoming) -> bool:
    assert not isinstance(incoming, Membership)
    sender = incoming.sender
    words = incoming.text if isinstance(incoming, Command) else incoming.data + incoming.press_id
    ids = (sender.user_id, *sender.roles)
    return isinstance(words, str) and isinstance(sender.display_name, str) and all(map(str.isdigit, ids))


async def test_whatever_discord_sends_only_what_is_sound_is_heard(figure: Gauge) -> None:
    dice, gateway, seen = Random(9), Gateway(), Counter[str]()
    with capture_logs():
        for number in range(COUNT):
            event, document = dice.choice(DISCORD)
            changed = mangled(document | {"id": str(int(document["id"]) + 10 * number)}, dice)
            if not isinstance(changed, dict):
                continue
            try:
                heard = gateway.brings(event, changed)
            except UNREADABLE:  # as the gateway passes it by
                seen["passed by"] += 1
                continue
            seen["heard" if heard else "not understood"] += 1
            seen["unsound"] += sum(not is_sound(one) for one in heard)
            seen["private with a member of a guild"] += sum(
                one.private and bool(one.sender.roles) for one in heard if isinstance(one, Command | Press)
            )
        await gateway.hearing.end()
    figure(Measure.TRIED, COUNT)
    figure(Measure.ACCEPTED, seen["unsound"] + seen["private with a member of a guild"])
    assert seen["heard"] > COUNT / 4
    assert seen["unsound"] == seen["private with a member of a guild"] == 0


async def test_what_is_as_it_should_be_is_heard() -> None:
    gateway = Gateway()
    with capture_logs():
        heard = [one for event, document in DISCORD for one in gateway.brings(event, copy.deepcopy(document))]
        await gateway.hearing.end()
    assert [type(one) for one in heard] == [Command, Command, Press, Press, Command]
    assert [one.private for one in heard if isinstance(one, Command | Press)] == [False, True, False, True, True]


@pytest.mark.parametrize("number", range(4))
async def test_a_bot_is_not_heard(number: int) -> None:
    gateway, document = Gateway(), copy.deepcopy(DISCORD[number][1])
    (document["user"] if "user" in document else document["member"]["user"])["bot"] = True
    with capture_logs() as logs:
        assert gateway.brings("INTERACTION_CREATE", document) == []
        await gateway.hearing.end()
    assert [line["event"] for line in logs] == ["discord.not_understood"]


async def test_a_member_of_a_guild_is_not_answered_as_in_private_because_the_guild_is_missing() -> None:
    gateway, document = Gateway(), copy.deepcopy(DISCORD[0][1])
    del document["guild_id"]
    with capture_logs():
        assert gateway.brings("INTERACTION_CREATE", document) == []
        await gateway.hearing.end()


async def test_words_in_a_guild_the_library_does_not_know_are_not_private() -> None:
    gateway, document = Gateway(), copy.deepcopy(DISCORD[5][1]) | {"guild_id": "99"}
    assert gateway.brings("MESSAGE_CREATE", document) == []


async def test_the_same_interaction_with_another_custom_id_is_not_heard_again() -> None:
    gateway, document = Gateway(), copy.deepcopy(DISCORD[2][1])
    with capture_logs():
        assert len(gateway.brings("INTERACTION_CREATE", copy.deepcopy(document))) == 1
        document["data"]["custom_id"] = "keel1:snooze:1:60"
        assert gateway.brings("INTERACTION_CREATE", document) == []
        await gateway.hearing.end()


async def test_more_than_a_thousand_that_wait_are_not_heard() -> None:
    gateway = Gateway()
    with capture_logs():
        for number in range(1_200):
            document = DISCORD[3][1] | {"id": str(int(DISCORD[3][1]["id"]) + number)}
            gateway._state.parsers["INTERACTION_CREATE"](document)
        assert len(gateway.heard()) == 1_000
        await gateway.hearing.end()
