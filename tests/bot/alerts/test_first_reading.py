"""After a start: what an earlier process found is told with figures, or waits for them a moment."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.alerts.desk import Finding
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from tests.bot.alerts.routed_world import RoutedWorld, routed_world
from tests.support.clock import FakeClock
from venues.errors import VenueUnavailable

STORY = """
[[routes]]
name = "desk"
from = "HIGH"
steps = [{ to = ["person:Ann"] }, { after = "5 min", to = ["person:Bob"] }]
"""

Again = Callable[[], contextlib.AbstractAsyncContextManager[RoutedWorld]]


@pytest.fixture
async def again(tmp_path: Path) -> Again:
    """Starts a process behind one that was killed when Ann had heard of HIGH; Bob's turn has come meanwhile."""
    clock, database = FakeClock(), str(tmp_path / "keel.db")
    async with routed_world(STORY, clock=clock, database=database) as routed:
        await routed.stand_at(140)
        assert (routed.told(routed.telegram), routed.told(routed.discord)) == (["HIGH"], [])
    clock.pass_s(310)

    @contextlib.asynccontextmanager
    async def start() -> AsyncIterator[RoutedWorld]:
        async with routed_world(STORY, clock=clock, database=database, linked=False) as routed:
            yield routed

    return start


def lines(routed: RoutedWorld) -> list[str]:
    (page,) = routed.alerts(routed.discord)
    return page.text.split("\n")


async def test_the_next_step_waits_for_the_first_reading_and_has_its_figures(again: Again) -> None:
    async with again() as routed:
        await routed.pass_s(3)
        await routed.world.app.routing.auditor.look()
        await routed.deliver()
        assert routed.told(routed.discord) == []

        await routed.stand_at(139)
        assert lines(routed)[0].startswith("HIGH main: ")
        assert lines(routed)[1].startswith("Health ratio 139")
        assert " old · slot " in lines(routed)[-1]


async def test_where_the_first_check_fails_the_last_known_figures_are_told_with_their_time(again: Again) -> None:
    async with again() as routed:
        await routed.pass_s(2)
        routed.world.reader.error = VenueUnavailable("refused")
        await routed.world.app.watch.check()
        await routed.deliver()

        assert lines(routed)[0].startswith("HIGH main: last known ")
        assert "It cannot be read now: these are the last figures known." in lines(routed)
        assert any(line.startswith("Health ratio 140.0%") for line in lines(routed))
        assert "main · as of 12:00:00 UTC · slot " in "\n".join(lines(routed))


async def test_where_the_first_check_hangs_nobody_waits_longer_than_ten_seconds(again: Again) -> None:
    async with again() as routed:
        await routed.pass_s(9)
        assert routed.told(routed.discord) == []
        await routed.pass_s(1)

        assert lines(routed)[0].startswith("HIGH main: last known ")


async def test_what_figures_do_not_explain_waits_for_nothing(again: Again) -> None:
    event = Cause(kind=CauseKind.EVENT, account_id="account-of-main", subject="withdrawal")
    async with again() as routed:
        await routed.world.app.desk.settle([Finding(cause=event, tier=Tier.CRITICAL, fact="withdrew everything")])
        await routed.deliver()

        assert routed.told(routed.telegram) == ["CRITICAL"]


async def test_where_nothing_is_remembered_it_is_said_in_words(again: Again) -> None:
    async with again() as routed:
        await routed.world.store.atomic(lambda db: db.execute("UPDATE outbox SET body_json = '{}'"))
        await routed.pass_s(10)

        assert lines(routed)[:2] == [
            "HIGH main: no figures can be read",
            "Its figures cannot be read now, and none are remembered; look at the venue.",
        ]


async def test_a_repeat_waits_for_figures_as_well_where_there_are_no_routes(tmp_path: Path) -> None:
    clock, database = FakeClock(), str(tmp_path / "keel.db")
    async with routed_world(clock=clock, database=database) as routed:
        await routed.stand_at(110)
    clock.pass_s(timedelta(hours=2).total_seconds())
    async with routed_world(clock=clock, database=database, linked=False) as routed:
        await routed.pass_s(9)
        assert routed.told(routed.telegram) == []
        await routed.pass_s(1)

        (page,) = routed.alerts(routed.telegram)
        assert page.text.startswith("CRITICAL main: last known ")
