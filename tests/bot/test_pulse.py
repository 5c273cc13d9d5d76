"""The status message: one a chat, pinned, edited in place, silent, never oftener than it may."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import DeliveryError, Refused, RetryAfter, Tone, TryAgain, Unreachable, text_of
from bot.places import Place
from bot.pulse import LOOK_EVERY_S, Pulse
from bot.pulse_view import Gist, PulseFacts, due, gist, pulse_message, refresh_every
from risk.decisions.tiers import Tier
from storage import Pulses, Receiver, Store
from tests.storage.builders import NOW, after
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport

HOME = Receiver(transport="chat", chat="home")
DESK = Receiver(transport="chat", chat="desk")
LABELS = {"a": "main", "b": "second"}


def facts(**changes: object) -> PulseFacts:
    known = PulseFacts(
        as_of=NOW, tiers={"a": Tier.OK, "b": Tier.OK}, checked_at=after(-2), observed_at=after(-3), streaming=True,
        beaten_at=after(-4), beats=True,
    )  # fmt: skip
    return replace(known, **changes)  # type: ignore[arg-type]  # fields of it


def text(**changes: object) -> str:
    return text_of(pulse_message(facts(**changes), LABELS))


def test_all_is_said_in_moments_for_whoever_looks_later() -> None:
    assert text().split("\n") == [
        "Pulse: watching 2 accounts, all OK",
        "main OK, second OK",
        "Checked at 11:59:58 UTC, data of 11:59:57 UTC, stream up.",
        "No alert waits.",
        "Last heartbeat 11:59:56 UTC.",
        "As of 12:00:00 UTC. Edited every 60 s at the latest: when this is older, Keel is not well.",
    ]


SAID = {
    "the worst account": ({"tiers": {"a": Tier.OK, "b": Tier.HIGH}}, "Pulse: watching 2 accounts, HIGH second"),
    "the worst first": ({"tiers": {"a": Tier.OK, "b": Tier.HIGH}}, "\nsecond HIGH, main OK\n"),
    "what was never assessed": ({"tiers": {"a": Tier.OK}}, "Pulse: watching 2 accounts, UNKNOWN second"),
    "stale data before all tiers": (
        {"stale": "slot 5 has not moved for 12 s"},
        "Pulse: no fresh data, nothing can be said",
    ),
    "its own ailments before all": (
        {"stale": "x", "ailing": "no health check for 20 s"},
        "Pulse: Keel is NOT WELL\n",
    ),
    "and which": ({"ailing": "no health check for 20 s"}, "! No health check for 20 s."),
    "a stream that is down": ({"streaming": False}, "stream DOWN."),
    "no stream where there is none": ({"streaming": None}, "data of 11:59:57 UTC.\n"),
    "the queue": ({"waiting": 3, "waiting_since": after(-60)}, "3 alerts on the way, the oldest since 11:59:00 UTC."),
    "no heartbeat yet": ({"beaten_at": None}, "No heartbeat was taken yet."),
    "before the first check": ({"checked_at": None}, "Not checked yet, stream up."),
}


@pytest.mark.parametrize(("changes", "expected"), SAID.values(), ids=SAID)
def test_what_it_says(changes: dict[str, object], expected: str) -> None:
    assert expected in text(**changes)


def test_without_heartbeats_it_does_not_speak_of_them() -> None:
    assert "heartbeat" not in text(beats=False)


def test_a_thousand_accounts_are_counted_not_listed() -> None:
    labels = {f"a{number}": f"account {number}" for number in range(1_000)}
    tiers = dict.fromkeys(labels, Tier.OK) | {"a7": Tier.CRITICAL, "a8": Tier.UNKNOWN}
    said = text_of(pulse_message(facts(tiers=tiers), labels)).split("\n")

    assert said[0] == "Pulse: watching 1000 accounts, CRITICAL account 7"
    assert said[1] == "1 CRITICAL, 1 UNKNOWN, 998 OK"
    assert pulse_message(facts(), LABELS).tone is Tone.QUIET


@pytest.mark.parametrize(
    ("said", "passed_s", "now_gist", "expected"),
    [
        ("same", None, "same", True),  # after a restart nobody knows what it says
        ("same", 59, "same", False),
        ("same", 60, "same", True),
        ("other", 29, "same", False),
        ("other", 30, "same", True),
        ("same", -5, "same", True),  # the clock was set back
    ],
)
def test_it_is_edited_when_something_changed_and_now_and_then(
    said: str, passed_s: float | None, now_gist: str, expected: bool
) -> None:
    known = {"same": gist(facts(), LABELS), "other": gist(facts(waiting=1), LABELS)}
    said_at = None if passed_s is None else after(-passed_s)

    assert due(known[said], said_at, known[now_gist], NOW, timedelta(seconds=60)) is expected


@given(st.integers(0, 100_000), st.floats(0.1, 100))
def test_however_many_chats_there_are_only_so_many_edits_leave(chats: int, per_s: float) -> None:
    assert chats / refresh_every(chats, per_s).total_seconds() <= per_s * 1.01


def test_the_passing_of_time_is_no_news() -> None:
    later = facts(as_of=after(99), checked_at=after(98), observed_at=after(97), beaten_at=after(96))

    assert gist(later, LABELS) == gist(facts(), LABELS)
    assert gist(facts(tiers={"a": Tier.WATCH, "b": Tier.OK}), LABELS) != gist(facts(), LABELS)
    assert isinstance(gist(facts(), {}), Gist)


class World:
    """Two chats and their keeper."""

    def __init__(self, store: Store, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.chat = RecordingTransport(now=self.clock.now)
        self.pulses = Pulses(store)
        self.places: list[Receiver] = [HOME, DESK]
        self.tiers = {"a": Tier.OK, "b": Tier.OK}
        self.pulse = Pulse(
            pulses=self.pulses, ways={"chat": self.chat}, places=self._places, facts=self._facts, clock=self.clock
        )

    async def _places(self) -> Sequence[Place]:
        return [Place(receiver=one, find_labels=lambda: LABELS) for one in self.places]

    async def _facts(self) -> PulseFacts:
        return PulseFacts(as_of=self.clock.now(), tiers=dict(self.tiers))

    async def looks(self, seconds: float) -> None:
        for _ in range(round(seconds / LOOK_EVERY_S)):
            self.clock.pass_s(LOOK_EVERY_S)
            await self.pulse.look()

    def edits(self, chat: Receiver) -> list[datetime]:
        return [self.clock.now() for ref, _ in self.chat.edits if ref.address.chat == chat.chat]


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


async def test_every_chat_gets_one_pinned_and_silent_and_then_only_edits(world: World) -> None:
    await world.looks(300)

    assert [sent.chat for sent in world.chat.sent] == ["home", "desk"]
    assert {sent.message.tone for sent in world.chat.sent} == {Tone.QUIET}
    assert [ref.address.chat for ref in world.chat.pins] == ["home", "desk"]
    assert len(world.edits(HOME)) == len(world.edits(DESK)) == 4
    assert {ref.message_id for ref, _ in world.chat.edits} == {"m1", "m2"}


async def test_a_change_is_shown_within_half_a_minute_and_not_for_every_flutter(world: World) -> None:
    await world.looks(10)
    for second in range(60):
        world.tiers["a"] = Tier.WATCH if second % 2 else Tier.OK
        await world.looks(5)

    assert 8 <= len(world.edits(HOME)) <= 10  # 300 s, at most every 30


async def test_a_restart_edits_what_is_there(world: World, store: Store) -> None:
    await world.looks(10)
    again = World(store, world.clock)
    await again.looks(5)

    assert again.chat.sent == []
    assert {ref.message_id for ref, _ in again.chat.edits} == {"m1", "m2"}


async def test_a_deleted_message_is_written_anew_once(world: World) -> None:
    world.places = [HOME]
    await world.looks(10)
    world.chat.edit_error = Refused("message to edit not found")
    await world.looks(60)
    world.chat.edit_error = None
    await world.looks(120)

    assert [sent.ref.message_id for sent in world.chat.sent] == ["m1", "m2"]
    assert [ref.message_id for ref in world.chat.pins] == ["m1", "m2"]
    assert {ref.message_id for ref, _ in world.chat.edits} == {"m2"}


async def test_where_it_may_not_be_pinned_it_is_kept_all_the_same(world: World) -> None:
    world.chat.pin_error = Refused("not enough rights to manage pinned messages")
    await world.looks(130)

    assert len(world.chat.sent) == 2
    assert len(world.edits(HOME)) == 2
    assert not (await world.pulses.all())[HOME].pinned


@pytest.mark.parametrize(
    ("error", "pause_s"), [(TryAgain("down"), 60.0), (RetryAfter(200), 200.0), (Unreachable("blocked"), 3_600.0)]
)
async def test_a_chat_that_fails_waits_alone(world: World, error: DeliveryError, pause_s: float) -> None:
    world.chat.fail("home", error)
    await world.looks(5)
    assert [sent.chat for sent in world.chat.sent] == ["desk"]
    await world.looks(pause_s - 5)
    assert [sent.chat for sent in world.chat.sent] == ["desk"]
    await world.looks(10)
    assert [sent.chat for sent in world.chat.sent] == ["desk", "home"]


async def test_switched_off_it_says_so_once_and_on_again_it_comes_anew(world: World) -> None:
    await world.looks(10)
    await world.pulses.switch(HOME, on=False)
    before = len(world.edits(HOME))
    await world.looks(300)
    assert len(world.edits(HOME)) == before + 1
    assert text_of(world.chat.edits[before][1]).startswith("Status is no longer kept up to date here.")
    await world.pulses.switch(HOME, on=True)
    await world.looks(5)
    assert [sent.chat for sent in world.chat.sent] == ["home", "desk", "home"]


async def test_a_chat_on_a_platform_without_pins_has_none(world: World) -> None:
    world.places = [Receiver(transport="console", chat="console")]
    await world.looks(60)

    assert world.chat.sent == []


async def test_with_many_chats_edits_are_spread_and_everybody_gets_a_turn(world: World) -> None:
    world.places = [Receiver(transport="chat", chat=f"chat {number}") for number in range(500)]
    await world.looks(125)
    assert len({sent.chat for sent in world.chat.sent}) == 500
    before = len(world.chat.edits)
    await world.looks(125)

    assert len(world.chat.edits) - before <= 500 + 20
    assert len({ref.address.chat for ref, _ in world.chat.edits}) >= 480


async def test_a_thousand_chats_that_have_nothing_new_are_not_looked_through(world: World) -> None:
    asked: list[int] = []

    def labels() -> dict[str, str]:
        asked.append(1)
        return LABELS

    places = [
        Place(receiver=Receiver(transport="chat", chat=f"chat {number}"), find_labels=labels) for number in range(1_000)
    ]

    async def all_places() -> Sequence[Place]:
        return places

    world.pulse._places = all_places
    await world.looks(250)
    assert len(world.chat.sent) == 1_000
    asked.clear()
    await world.looks(50)
    assert len(asked) <= 200 + 20  # those that are to be refreshed, and no others
