"""The standby's ear: silent while beats are fresh, loud when they stop, silent again when they are back."""

from dataclasses import replace

import pytest
import structlog

from bot.alerts.desk import Finding
from bot.beats import BadBeat, Beat, BeatAccount, BeatChat
from bot.standby.primary import PRIMARY, Primary, PrimaryWatch
from risk.decisions.tiers import Tier
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.clock import FakeClock


class World:
    """A standby whose clock is moved by hand."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.primary = Primary(clock=self.clock, venue="drift")
        self.findings: list[Finding] = []
        self.spoke_up = 0
        self.watch = PrimaryWatch(self.primary, clock=self.clock, settle=self._settle, speak_up=self._speak_up)
        self._counter = 0

    async def _settle(self, findings: list[Finding]) -> None:
        self.findings += findings

    def _speak_up(self) -> None:
        self.spoke_up += 1

    def beat(self, **changes: object) -> Beat:
        self._counter += 1
        beat = Beat(counter=self._counter, sent_at=self.clock.now(), venue="drift")
        return replace(beat, **changes)  # type: ignore[arg-type]  # fields of it

    async def passes(self, seconds: int, *, beats_every_s: int = 0) -> None:
        for second in range(1, seconds + 1):
            self.clock.pass_s(1)
            if beats_every_s and second % beats_every_s == 0:
                self.primary.hear(self.beat())
            await self.watch.look()

    @property
    def tiers(self) -> list[Tier]:
        """Each once, for as long as it stands."""
        found: list[Tier] = []
        for finding in self.findings:
            if not found or found[-1] is not finding.tier:
                found.append(finding.tier)
        return found


@pytest.fixture
def world() -> World:
    return World()


async def test_while_beats_come_it_is_silent(world: World) -> None:
    await world.passes(300, beats_every_s=10)

    assert world.tiers == [Tier.OK]
    assert not world.primary.speaks
    assert world.primary.lines() == ["Primary: alive, this standby is silent; last beat 0 s ago."]


async def test_it_speaks_when_the_newest_beat_is_older_than_half_a_minute(world: World, figure: Gauge) -> None:
    await world.passes(60, beats_every_s=10)
    last_beat_s = world.clock.monotonic_s()
    await world.passes(30)
    assert (world.primary.speaks, world.spoke_up) == (False, 0)
    await world.passes(1)
    assert (world.primary.speaks, world.spoke_up) == (True, 1)
    figure(Measure.PAGED_AFTER, world.clock.monotonic_s() - last_beat_s)
    assert world.findings[-1] == Finding(
        cause=PRIMARY, tier=Tier.CRITICAL, fact="primary silent since 12:01:00 UTC; the standby speaks now"
    )
    await world.passes(100)
    assert (world.tiers, world.spoke_up) == ([Tier.OK, Tier.CRITICAL], 1)
    assert len({finding.fact for finding in world.findings if finding.tier is Tier.CRITICAL}) == 1


async def test_it_says_when_the_primary_is_back_and_is_silent_again(world: World) -> None:
    with structlog.testing.capture_logs() as logs:
        await world.passes(60, beats_every_s=10)
        await world.passes(240)
        await world.passes(20, beats_every_s=10)

    assert world.tiers == [Tier.OK, Tier.CRITICAL, Tier.OK]
    assert world.findings[-1].fact == "the primary is back after 4 min; the standby is silent again"
    assert not world.primary.speaks
    assert [entry["event"] for entry in logs] == ["primary.heard", "primary.silent", "primary.back"]


async def test_a_primary_that_never_beat_is_silent_too(world: World) -> None:
    await world.passes(30)
    assert not world.primary.speaks
    await world.passes(1)
    assert world.findings[-1].fact == (
        "primary never heard since the standby started at 12:00:00 UTC; the standby speaks now"
    )
    assert world.primary.lines() == ["Primary: never heard. Listening since 12:00:00 UTC."]


async def test_it_goes_and_comes_as_often_as_it_likes(world: World) -> None:
    for _ in range(3):
        await world.passes(20, beats_every_s=10)
        await world.passes(40)

    assert world.tiers == [Tier.OK, Tier.CRITICAL] * 3
    assert world.spoke_up == 3


async def test_beats_that_do_not_count_keep_nobody_silent(world: World) -> None:
    first = world.beat()
    world.primary.hear(first)
    for second in range(40):
        world.clock.pass_s(1)
        await world.watch.look()
        replayed = world.beat(venue="paper") if second % 2 else first
        with pytest.raises(BadBeat):
            world.primary.hear(replayed)

    assert world.primary.speaks
    assert world.primary.refused == 40
    assert "40 beats refused" in world.primary.lines()[0]


async def test_what_the_primary_last_said_of_itself_stays_known_when_it_is_silent(world: World) -> None:
    account, chat = BeatAccount(account_id="9xQe", nickname="main"), BeatChat(transport="telegram", chat="1001")
    assert (world.primary.accounts, world.primary.chats) == ((), ())
    world.primary.hear(world.beat(accounts=(account,), chats=(chat,)))
    await world.passes(60)

    assert (world.primary.accounts, world.primary.chats) == ((account,), (chat,))
    assert world.primary.speaks
