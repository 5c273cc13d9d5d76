"""The stream rings by itself, its loss is bridged and said, and nothing it does is done twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts.desk import Finding
from bot.alerts.live import LiveWatch
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier, TierState, TierThresholds
from storage import StorageError
from tests.support.bot_world import BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.streamed_reader import StreamedReader
from tests.support.waiting import until
from venues.errors import VenueRejected, VenueUnavailable

STREAM = Cause(kind=CauseKind.SYSTEM, subject="stream")
LOST = VenueUnavailable("the node has closed the websocket")


class Live:
    """A bot whose stream is followed."""

    def __init__(self, world: BotWorld, reader: StreamedReader, live: LiveWatch) -> None:
        self.world, self.reader, self.live = world, reader, live

    @property
    def state(self) -> object:
        return self.live.state

    async def told(self, ratio_percent: float | None = None, *, after_s: float = 0.4) -> list[str]:
        """The venue tells of an account at this ratio; what people hear of it."""
        if ratio_percent is not None:
            self.world.put(ratio_percent)
        self.world.clock.pass_s(after_s)
        seen, before = self.live.state.updates, len(self.world.heads)
        self.reader.tell()
        await until(lambda: self.live.state.updates > seen)
        await self.world.app.watch.assess()  # takes its turn behind the one under way
        await self.world.deliver()
        return self.world.heads[before:]

    async def begun(self, streams: int = 1) -> None:
        await until(lambda: len(self.reader.streams) >= streams and self.live.state.connected)

    async def open_tier(self) -> Tier | None:
        """Of the incident about the stream."""
        found = [one.tier for one in await self.world.app.services.incidents.open_incidents() if one.cause == STREAM]
        return found[0] if found else None


@asynccontextmanager
async def live_world(*names: str, check_every_s: float = 5.0, begin: bool = True) -> AsyncIterator[Live]:
    clock = FakeClock()
    reader = StreamedReader(clock, *(f"account-of-{name}" for name in names or ("main",)))
    async with bot_world(*names, clock=clock, reader=reader) as world:
        services = world.app.services
        live = LiveWatch(
            stream=reader, fleet=services.fleet, watch=world.app.watch, desk=world.app.desk, clock=clock,
            check_every=timedelta(seconds=check_every_s),
        )  # fmt: skip
        services.process.stream = live.state
        following = asyncio.create_task(live.run())
        try:
            scene = Live(world, reader, live)
            if begin:
                await scene.begun()
            yield scene
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def test_an_app_follows_the_stream_of_a_venue_that_has_one() -> None:
    clock = FakeClock()
    async with bot_world(clock=clock, reader=StreamedReader(clock, "account-of-main")) as world:
        assert world.app.live is not None
        assert world.app.services.process.stream is world.app.live.state
    async with bot_world() as world:
        assert world.app.live is None


async def test_a_fall_rings_without_a_check() -> None:
    async with live_world() as scene:
        assert await scene.told(400) == []
        assert await scene.told(140) == ["HIGH"]
        assert await scene.told(110) == ["CRITICAL"]
        assert await scene.told(110) == []
        assert scene.reader.reads == 0


async def test_a_check_and_the_stream_tell_of_one_fall_once() -> None:
    async with live_world() as scene:
        assert await scene.told(140) == ["HIGH"]
        assert await scene.world.check(140) == []
        assert await scene.told(140) == []


async def test_silence_of_one_account_is_no_silence_of_the_venue() -> None:
    async with live_world("main", "second") as scene:
        scene.reader.problems["account-of-second"] = ("its bytes are damaged",)
        assert await scene.told() == ["UNKNOWN"]
        assert await scene.told() == []
        scene.reader.problems.clear()
        assert await scene.told() == ["RESOLVED"]


async def test_a_tick_in_which_nothing_changes_asks_and_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with live_world("main", "second") as scene:
        await scene.told(140)
        settled: list[Sequence[Finding]] = []
        settle = scene.world.app.desk.settle

        async def counted(findings: Sequence[Finding], states: dict[str, TierState] | None = None) -> None:
            settled.append(findings)
            await settle(findings, states)

        monkeypatch.setattr(scene.world.app.desk, "settle", counted)
        before = await scene.world.writes()
        for _ in range(20):
            await scene.told(140)
        assert settled == []
        assert await scene.world.writes() == before


async def test_what_falls_due_with_time_alone_comes_with_the_checks() -> None:
    async with live_world() as scene:
        await scene.told(110)
        assert await scene.told(110, after_s=301) == []
        assert await scene.world.check(110) == ["CRITICAL"], "a repeat"


async def test_a_dwell_runs_out_by_the_stream_alone() -> None:
    async with live_world() as scene:
        assert await scene.told(140) == ["HIGH"]
        assert await scene.told(400) == []
        assert await scene.told(400, after_s=59) == []
        assert await scene.told(400, after_s=2) == ["RESOLVED"]


async def test_a_lost_stream_begins_again_and_is_counted() -> None:
    async with live_world() as scene:
        scene.reader.tell(LOST)
        await scene.begun(2)
        assert scene.live.state.reconnects == 1
        assert scene.live.state.last_error == ""
        assert await scene.told(140) == ["HIGH"]


async def test_status_says_how_the_stream_fares() -> None:
    async with live_world() as scene:
        scene.world.clock.pass_s(0.3)
        assert "Stream: live, last update 0.3 s ago." in (await scene.world.answer("/status")).text
        scene.reader.refuses = LOST
        scene.reader.tell(LOST)
        await until(lambda: scene.live.state.reconnects > 3)
        assert "Stream: down for " in (await scene.world.answer("/status")).text
        assert "the node has closed the websocket" in (await scene.world.answer("/status")).text.lower()


async def test_polling_bridges_a_stream_that_is_down_where_checks_are_rare() -> None:
    async with live_world(check_every_s=60) as scene:
        scene.reader.refuses = LOST
        scene.reader.tell(LOST)
        await until(lambda: scene.reader.reads >= 2)
        scene.world.put(110)
        await until(lambda: scene.world.app.watch.tier(scene.world.account).tier is Tier.CRITICAL)
        scene.reader.refuses = None
        await until(lambda: scene.live.state.connected)
        async with asyncio.timeout(30):
            while not scene.world.heads:  # a tier is known a moment before its alert is stored
                await scene.world.deliver()
                await asyncio.sleep(0.01)
        assert scene.world.heads[0] == "CRITICAL"
        await asyncio.sleep(0.05)
        reads = scene.reader.reads
        await scene.told(110)
        assert scene.reader.reads <= reads + 1, "the bridge is taken down"


async def test_where_checks_are_frequent_they_are_the_bridge() -> None:
    async with live_world(check_every_s=5) as scene:
        scene.reader.refuses = LOST
        scene.reader.tell(LOST)
        await until(lambda: scene.live.state.reconnects > 5)
        assert scene.reader.reads == 0


async def test_a_stream_that_is_up_and_silent_is_begun_again() -> None:
    async with live_world() as scene:
        scene.world.clock.pass_s(14)
        await scene.live.look()
        await asyncio.sleep(0.02)
        assert len(scene.reader.streams) == 1
        scene.world.clock.pass_s(2)
        await scene.live.look()
        await scene.begun(2)
        assert scene.live.state.reconnects == 1


async def test_a_stream_that_stays_down_is_told_once_and_again_when_it_is_back() -> None:
    async with live_world() as scene:
        scene.reader.refuses = LOST
        scene.reader.tell(LOST)
        await until(lambda: not scene.live.state.connected and scene.live.state.reconnects > 60)
        await scene.live.look()
        assert await scene.open_tier() is Tier.WATCH
        await scene.world.deliver()
        assert scene.world.heads == ["WATCH"]
        scene.reader.refuses = None
        await until(lambda: scene.live.state.connected)
        await scene.live.look()
        await scene.world.deliver()
        assert scene.world.heads == ["WATCH", "RESOLVED"]


def pauses(reader: StreamedReader) -> list[float]:
    """Between the beginnings of streams."""
    return [later - earlier for earlier, later in pairwise(reader.begun_s)]


async def test_a_venue_that_refuses_is_asked_again_once_a_minute() -> None:
    async with live_world() as scene:
        scene.reader.refuses = VenueRejected("there are no websockets here")
        scene.reader.tell(scene.reader.refuses)
        await until(lambda: len(scene.reader.streams) >= 11)
        assert all(48 <= pause <= 72 for pause in pauses(scene.reader)[:10])


async def test_pauses_grow_and_a_steady_connection_resets_them() -> None:
    async with live_world() as scene:
        scene.reader.refuses = LOST
        scene.reader.tell(LOST)
        await until(lambda: len(scene.reader.streams) >= 9)
        first, *others = pauses(scene.reader)[:8]
        assert first <= 1.3
        assert all(pause <= 4.8 for pause in others)
        assert others[-1] >= 3.2
        scene.reader.refuses = None
        await until(lambda: scene.live.state.connected)
        scene.world.clock.pass_s(31)
        begun = len(scene.reader.begun_s)
        scene.reader.tell(LOST)
        await scene.begun(begun + 1)
        assert scene.reader.begun_s[begun] - scene.reader.begun_s[begun - 1] <= 31 + 0.6 + 1


async def test_other_accounts_begin_another_stream() -> None:
    async with live_world("main", "second") as scene:
        scene.world.app.services.fleet.watch(["account-of-second"])
        await scene.begun(2)
        await until(lambda: scene.reader.streams[-1] == ("account-of-second",))
        assert scene.live.state.reconnects == 0


async def test_with_nobody_to_watch_there_is_nothing_to_follow() -> None:
    async with live_world() as scene:
        scene.world.app.services.fleet.watch([])
        await asyncio.sleep(0.02)
        assert len(scene.reader.streams) == 1
        scene.world.app.services.fleet.watch(["account-of-main"])
        await scene.begun(2)


async def test_an_error_nobody_thought_of_ends_a_stream_and_not_the_watch() -> None:
    async with live_world() as scene:
        scene.reader.tell(RuntimeError("https://rpc.example.com/key"))
        await scene.begun(2)
        assert scene.live.state.reconnects == 1
        assert await scene.told(140) == ["HIGH"]


async def test_an_assessment_that_cannot_be_stored_is_made_again_with_the_next_book(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with live_world() as scene:
        settle = scene.world.app.desk.settle

        async def full(findings: Sequence[Finding], states: dict[str, TierState] | None = None) -> None:
            raise StorageError("the disk is full")

        monkeypatch.setattr(scene.world.app.desk, "settle", full)
        scene.world.put(140)
        seen = scene.live.state.updates
        scene.reader.tell()
        await until(lambda: scene.live.state.updates > seen)
        await asyncio.sleep(0.02)
        assert len(scene.reader.streams) == 1, "the stream has nothing to do with it"
        monkeypatch.setattr(scene.world.app.desk, "settle", settle)
        assert await scene.told(140) == ["HIGH"]


async def test_a_check_and_the_stream_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    async with live_world() as scene:
        settle, inside, most = scene.world.app.desk.settle, 0, 0

        async def watched(findings: Sequence[Finding], states: dict[str, TierState] | None = None) -> None:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            await settle(findings, states)
            inside -= 1

        monkeypatch.setattr(scene.world.app.desk, "settle", watched)
        scene.world.put(110)
        scene.reader.tell()
        await asyncio.gather(*(scene.world.app.watch.check() for _ in range(3)), scene.world.app.watch.assess())
        await scene.world.deliver()
        assert most == 1
        assert scene.world.heads == ["CRITICAL"]


async def test_an_account_that_was_only_just_named_is_not_said_to_be_unknown() -> None:
    async with live_world("main", "second") as scene:
        scene.world.app.services.fleet.watch(["account-of-main"])
        await scene.begun(2)
        assert await scene.told() == []
        scene.world.app.services.fleet.watch(["account-of-main", "account-of-second"])
        await scene.begun(3)
        assert await scene.told() == []


THRESHOLDS = (
    TierThresholds(),
    TierThresholds(distance_frac={Tier.HIGH: 0.2, Tier.CRITICAL: 0.1}),
    TierThresholds(ratio_percent={Tier.WARNING: 300.0}, distance_sigmas={}),
)


@settings(max_examples=12, deadline=None)
@given(
    ratios=st.lists(
        st.tuples(*[st.one_of(st.floats(50, 500), st.sampled_from([100.0, 120.0, 300.0]))] * 3), min_size=1, max_size=8
    ),
    step_s=st.sampled_from([0.4, 31.0]),
)
def test_the_stream_decides_as_checks_would(ratios: list[tuple[float, float, float]], step_s: float) -> None:
    """Between checks only those are looked at who may have changed; nobody can tell from the tiers."""

    async def followed(*, by_stream: bool) -> list[list[Tier]]:
        async with bot_world("one", "two", "three") as world:
            watch, fleet, roster = world.app.watch, world.app.services.fleet, world.app.services.roster
            for watched, thresholds in zip(roster.all, THRESHOLDS, strict=True):
                roster.change(replace(watched, thresholds=thresholds))
            shown = []
            for values in ratios:
                for account_id, ratio in zip(roster.account_ids, values, strict=True):
                    world.put(ratio, account_id)
                world.clock.pass_s(step_s)
                if by_stream:
                    fleet.accept(await world.reader.read(roster.account_ids))
                    await watch.assess()
                else:
                    await watch.check()
                shown.append([watch.settled()[account_id].tier for account_id in roster.account_ids])
            standing = [(one.cause, one.tier) for one in await world.app.services.incidents.open_incidents()]
            return [*shown, [tier for _, tier in sorted(standing, key=str)]]

    assert asyncio.run(followed(by_stream=True)) == asyncio.run(followed(by_stream=False))
