"""The life of the process: noted now and then, missed stretches noticed, and told to every chat once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from bot.lifetime import NOTE_EVERY_S, TICK_S, AbsenceTeller, Lifetime
from bot.messages import Refused, RetryAfter, TryAgain, Unreachable
from bot.places import Place
from risk.decisions.tiers import Tier, TierState
from storage import Absence, AbsenceKind, Absences, Lives, Outbox, Receiver, Store, TierStates, tier_states
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport

HOME = Receiver(transport="chat", chat="home")
DESK = Receiver(transport="chat", chat="desk")


class World:
    """A process whose three clocks are moved by hand."""

    def __init__(self, store: Store, clock: FakeClock | None = None) -> None:
        self.store, self.clock = store, clock or FakeClock()
        self.slept_s = self.stepped_s = 0.0
        self.caught_up = 0
        self.lives, self.absences = Lives(store), Absences(store)
        self.life = Lifetime(
            lives=self.lives, absences=self.absences, states=TierStates(store), outbox=Outbox(store), clock=self,
            catch_up=self._catch_up, uptime=lambda: self.clock.monotonic_s() + self.slept_s,
        )  # fmt: skip

    def _catch_up(self) -> None:
        self.caught_up += 1

    # A wall clock that can be set, over a clock that only passes.

    def now(self) -> datetime:
        return self.clock.now() + self._step()

    def monotonic_s(self) -> float:
        return self.clock.monotonic_s()

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    def _step(self) -> timedelta:
        return timedelta(seconds=self.slept_s + self.stepped_s)

    async def ticks(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.clock.pass_s(TICK_S)
            await self.life.tick()

    async def told(self) -> list[tuple[AbsenceKind, float]]:
        return [
            (one.absence.kind, (one.absence.to_at - one.absence.from_at).total_seconds())
            for one in await self.absences.untold()
        ]


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


async def test_a_life_is_noted_every_few_seconds_and_not_more_often(world: World) -> None:
    await world.life.begin()
    before = await world.store.run(lambda db: db.conn.total_changes)
    await world.ticks(10 * NOTE_EVERY_S)

    assert await world.store.run(lambda db: db.conn.total_changes) - before == 10


async def test_the_first_start_and_a_quick_restart_say_nothing(world: World) -> None:
    await world.life.begin()
    await world.ticks(30)
    await world.life.end()
    world.clock.pass_s(20)
    again = World(world.store, world.clock)
    await again.life.begin()

    assert await again.told() == []
    assert again.life.unwatched_s == pytest.approx(20)


async def test_a_killed_process_is_dated_by_its_last_sign_of_life(world: World) -> None:
    await world.life.begin()
    await world.ticks(25)
    world.clock.pass_s(600)
    again = World(world.store, world.clock)
    await again.life.begin()

    assert await again.told() == [(AbsenceKind.KILLED, 605.0)]


async def test_the_tiers_of_before_are_those_of_before(world: World) -> None:
    await world.life.begin()
    await world.ticks(1)
    await world.store.atomic(lambda db: tier_states.save(db, {"a": TierState(tier=Tier.HIGH, known=Tier.HIGH)}))
    again = World(world.store, world.clock)
    await again.life.begin()
    await again.store.atomic(lambda db: tier_states.save(db, {"a": TierState(tier=Tier.OK, known=Tier.OK)}))

    (untold,) = await again.absences.untold()
    assert untold.absence.tiers == {"a": Tier.HIGH}


async def test_a_stopped_process_notices_when_it_goes_on(world: World, figure: Gauge) -> None:
    await world.life.begin()
    await world.ticks(5)
    world.clock.pass_s(90)
    await world.life.tick()
    await world.ticks(5)

    assert await world.told() == [(AbsenceKind.STALLED, 89.0)]
    figure(Measure.CATCH_UPS, world.caught_up)
    assert world.life.unwatched_s == pytest.approx(89)


async def test_a_machine_that_slept_is_caught_up_with_once(world: World, figure: Gauge) -> None:
    await world.life.begin()
    await world.ticks(5)
    world.slept_s += 3_600
    await world.ticks(5)

    assert await world.told() == [(AbsenceKind.SUSPENDED, 3_600.0)]
    figure(Measure.CATCH_UPS, world.caught_up)


@pytest.mark.parametrize(
    ("by_s", "expected"),
    [
        pytest.param(7_200.0, [(AbsenceKind.CLOCK_AHEAD, 7_200.0)], id="ahead"),
        pytest.param(-7_200.0, [(AbsenceKind.CLOCK_BACK, -7_200.0)], id="back"),
        # Too little to be told, and enough to keep a check waiting for it.
        pytest.param(-20.0, [], id="a little back"),
    ],
)
async def test_a_clock_that_is_set_is_noticed(
    world: World, by_s: float, expected: list[tuple[AbsenceKind, float]], figure: Gauge
) -> None:
    await world.life.begin()
    await world.ticks(5)
    world.stepped_s += by_s
    await world.ticks(5)

    assert await world.told() == expected
    figure(Measure.CATCH_UPS, world.caught_up)


async def test_a_clock_that_is_hardly_set_is_nothing(world: World) -> None:
    await world.life.begin()
    await world.ticks(5)
    world.stepped_s += 0.3
    await world.ticks(5)

    assert (await world.told(), world.caught_up) == ([], 0)


async def test_a_memory_that_fails_is_noted_and_does_not_end_the_ticking(world: World) -> None:
    await world.life.begin()
    await world.store.atomic(lambda db: db.execute("ALTER TABLE lives RENAME TO gone"))
    await world.ticks(NOTE_EVERY_S * 2)
    assert world.life.failing_since is not None
    await world.store.atomic(lambda db: db.execute("ALTER TABLE gone RENAME TO lives"))
    await world.ticks(NOTE_EVERY_S)
    assert world.life.failing_since is None


# Telling.


class Telling:
    """Somebody to tell."""

    def __init__(self, store: Store) -> None:
        self.clock = FakeClock()
        self.chat = RecordingTransport(now=self.clock.now)
        self.absences = Absences(store)
        self.places: list[Receiver] = [HOME, DESK]
        self.checked_at: datetime | None = self.clock.now()
        self.teller = AbsenceTeller(
            absences=self.absences, transports={"chat": self.chat}, clock=self.clock, places=self._places,
            checked_at=lambda: self.checked_at, tier=lambda _: Tier.OK, events=self._events,
        )  # fmt: skip

    async def _places(self) -> Sequence[Place]:
        labels = {HOME: {"a": "main"}, DESK: {"b": "second"}}
        return [Place(receiver=one, find_labels=lambda one=one: labels[one]) for one in self.places]  # type: ignore[misc]  # the default binds it

    async def _events(self, since: datetime, until: datetime) -> Mapping[str, Sequence[str]]:
        return {"a": ["SOL-PERP was closed"], "b": ["deposited 100 USDC"]}

    async def absent(self) -> int:
        now = self.clock.now()
        return await self.absences.note(
            Absence(kind=AbsenceKind.KILLED, from_at=now, to_at=now, tiers={"a": Tier.HIGH, "b": Tier.OK})
        )

    async def look(self) -> None:
        """A look, and one after what happened meanwhile could be read."""
        await self.teller.look()
        self.clock.pass_s(4)
        await self.teller.look()

    @property
    def heard(self) -> list[str]:
        return [sent.chat for sent in self.chat.sent]


@pytest.fixture
def telling(store: Store) -> Telling:
    return Telling(store)


async def test_every_chat_hears_once_of_what_it_may_see(telling: Telling) -> None:
    await telling.absent()
    for _ in range(3):
        await telling.look()

    home, desk = telling.chat.sent
    assert ("HIGH" in home.text, "SOL-PERP was closed" in home.text) == (True, True)
    assert ("second (OK) stands where it stood." in desk.text, "SOL-PERP" in desk.text) == (True, False)
    assert await telling.absences.untold() == ()


async def test_nobody_is_told_before_somebody_has_looked_but_not_for_ever(telling: Telling) -> None:
    await telling.absent()
    telling.checked_at = None
    await telling.look()
    assert telling.heard == []
    telling.clock.pass_s(31)
    await telling.look()
    assert telling.heard == ["home", "desk"]


async def test_a_chat_that_cannot_be_told_now_is_told_later_and_the_others_at_once(telling: Telling) -> None:
    await telling.absent()
    telling.chat.fail("home", TryAgain("down"), RetryAfter(40))
    await telling.look()
    assert telling.heard == ["desk"]
    telling.clock.pass_s(20)
    await telling.look()
    telling.clock.pass_s(30)
    await telling.look()
    assert telling.heard == ["desk"]
    telling.clock.pass_s(10)
    await telling.look()
    assert telling.heard == ["desk", "home"]
    assert await telling.absences.untold() == ()


@pytest.mark.parametrize("error", [Unreachable("blocked"), Refused("never")])
async def test_a_chat_that_refuses_is_not_asked_again(telling: Telling, error: Exception) -> None:
    await telling.absent()
    telling.chat.fail("home", error)
    for _ in range(3):
        telling.clock.pass_s(60)
        await telling.look()

    assert telling.heard == ["desk"]
    assert await telling.absences.untold() == ()


async def test_what_a_killed_process_began_to_tell_the_next_one_finishes(telling: Telling, store: Store) -> None:
    await telling.absent()
    telling.chat.fail("desk", TryAgain("down"))
    await telling.look()
    assert telling.heard == ["home"]

    again = Telling(store)
    await again.look()
    assert again.heard == ["desk"]


async def test_after_an_hour_it_is_old_news(telling: Telling) -> None:
    await telling.absent()
    telling.clock.pass_s(3_601)
    telling.checked_at = telling.clock.now()
    await telling.look()

    assert telling.heard == []
    assert await telling.absences.untold() == ()


async def test_where_nobody_is_linked_nothing_is_kept(telling: Telling) -> None:
    await telling.absent()
    telling.places = []
    await telling.look()

    assert await telling.absences.untold() == ()
