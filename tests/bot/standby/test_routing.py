"""Who hears the standby, and how it sounds."""

import dataclasses
from datetime import datetime

import pytest

from bot.alerts.routing import Recipient, Routing
from bot.beats import BeatChat
from bot.messages import Address, Button, CommandHint, Message, lines, text_of
from bot.standby.routing import StandbyRouter
from bot.standby.voice import StandbyVoice
from risk.decisions.incidents import Cause, CauseKind, Incident
from storage import Receiver
from tests.storage.builders import NOW, make_incident
from tests.support.recording_transport import RecordingTransport

OWN = Receiver(transport="discord", chat="9")
LEARNT = (
    BeatChat(transport="telegram", chat="1001"),
    BeatChat(transport="telegram", chat="7", accounts=("side",)),
    BeatChat(transport="elsewhere", chat="5"),
)


class Inner:
    """A routing of its own, which tells one chat everything."""

    async def load(self) -> Routing:
        return self

    def recipients(self, incident: Incident, market: str, now: datetime) -> tuple[Recipient, ...]:
        return (Recipient(receiver=OWN),)


async def heard_by(cause: Cause, *, speaks: bool, reachable: frozenset[str] = frozenset({"telegram"})) -> list[str]:
    router = StandbyRouter(Inner(), speaks=lambda: speaks, chats=lambda: LEARNT, reachable=reachable)
    routing = await router.load()
    return [one.receiver.chat for one in routing.recipients(make_incident(cause=cause), "", NOW)]


def health(account_id: str = "main") -> Cause:
    return Cause(kind=CauseKind.HEALTH, account_id=account_id)


OWN_FAULTS = {
    "its process": Cause(kind=CauseKind.SYSTEM, subject="checks"),
    "the primary": Cause(kind=CauseKind.SYSTEM, subject="primary"),
    "its way to the venue": Cause(kind=CauseKind.DATA, subject="venue"),
}
OTHERS = {
    "health": health(),
    "data of one account": Cause(kind=CauseKind.DATA, account_id="main"),
    "a limit": Cause(kind=CauseKind.LIMIT, account_id="main", subject="max_leverage"),
    "a fall": Cause(kind=CauseKind.DRAWDOWN, account_id="main"),
    "an event": Cause(kind=CauseKind.EVENT, account_id="main", subject="x"),
}


@pytest.mark.parametrize("cause", OWN_FAULTS.values(), ids=OWN_FAULTS)
@pytest.mark.parametrize("speaks", [True, False])
async def test_its_own_faults_are_always_told(cause: Cause, speaks: bool) -> None:
    assert await heard_by(cause, speaks=speaks) == ["9", "1001", "7"]


@pytest.mark.parametrize("cause", OTHERS.values(), ids=OTHERS)
async def test_everything_else_is_told_only_while_the_primary_is_silent(cause: Cause) -> None:
    assert await heard_by(cause, speaks=False) == []
    assert await heard_by(cause, speaks=True) == ["9", "1001"]


async def test_a_chat_that_may_hear_of_one_account_hears_of_that_one() -> None:
    assert await heard_by(health("side"), speaks=True) == ["9", "1001", "7"]


async def test_chats_of_the_primary_are_told_only_through_its_own_bot() -> None:
    assert await heard_by(health(), speaks=True, reachable=frozenset()) == ["9"]


# The voice.

CARD = Message(blocks=lines("CRITICAL main: 1% to liq"), buttons=((Button("Ack", "ack:1"),),))
HOME = Address(transport="chat", chat="home")


@pytest.mark.parametrize("borrowed", [True, False])
async def test_every_message_says_who_speaks_and_a_borrowed_token_has_no_buttons(borrowed: bool) -> None:
    inner = RecordingTransport(now=lambda: NOW)
    voice = StandbyVoice(inner, borrowed=borrowed)
    ref = await voice.send(HOME, CARD)
    await voice.edit(ref, CARD)
    await voice.announce((CommandHint(name="health", summary="x"),))

    for message in (inner.sent[0].message, inner.edits[0][1]):
        first, last = text_of(message).split("\n")
        assert first == "CRITICAL main: 1% to liq"
        assert last.startswith("Said by the standby")
        assert bool(message.buttons) is not borrowed
    assert bool(inner.hints) is not borrowed
    assert dataclasses.replace(CARD) == CARD
