"""Ten minutes of the whole bot under faults by chance keep every promise; and whoever breaks one is found.

``python -m benchmarks.soak`` does it for a day.
"""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from benchmarks.node import ROOT
from benchmarks.soak.ledger import Ledger
from benchmarks.soak.orders import Orders
from benchmarks.soak.platforms import Ring, said_of
from benchmarks.soak.reference import PATIENCE_S, Reference
from benchmarks.soak.time import Pace, SoakClock, run_paced
from benchmarks.soak.vitals import Vitals
from risk.model.trading import OrderBatch, Signed
from risk.ports import Clock
from risk.trade_ports import OrderGateway
from storage import AuditAction, AuditEntry
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.trade_world import TradeWorld, trade_world
from venues.paper.gateway import PaperGateway
from venues.paper.venue import PaperVenue

CHAT = "telegram/1001"
CRITICAL = "CRITICAL alpha: 1.2% to liq, +$820 fixes\nalpha · 1 s old · slot 300,000,042 · alert #1"


@pytest.mark.timeout(400)
def test_ten_minutes_of_everything_at_once_break_no_promise(figure: Gauge) -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--slice"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=380)
    assert done.returncode == 0, done.stderr
    faults, breaches, violations = re.findall(r"(\d+) (?:faults|breaches|violations)", done.stdout)
    figure(Measure.VIOLATIONS, float(violations))
    figure(Measure.TRIED, float(faults))
    assert int(breaches) > 0, "somebody was in danger meanwhile"


@dataclass(slots=True)
class Watch:
    """Simulated time, moved by hand."""

    now_s: float = 0.0
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(now_s=lambda: self.now_s)

    @property
    def wrong(self) -> str:
        return "\n".join(map(str, self.ledger.violations))


@pytest.fixture
def watch() -> Watch:
    return Watch()


def in_danger(watch: Watch) -> Reference:
    """An account that has been in danger for long enough that everybody must hear of it."""
    reference = Reference(ledger=watch.ledger, chats=(CHAT,))
    for _ in range(6):
        reference.stands("alpha", 112.0)
        watch.now_s += 2.0
    return reference


def wait(watch: Watch, reference: Reference, seconds: float, *, clear: tuple[str, ...] = ("telegram",)) -> None:
    for _ in range(round(seconds)):
        watch.now_s += 1.0
        reference.tick(1.0, clear)


def test_an_alert_that_is_dropped_is_found(watch: Watch) -> None:
    wait(watch, in_danger(watch), PATIENCE_S + 1)
    assert "telegram/1001 was never told (lost alert)" in watch.wrong


def test_an_alert_that_arrived_is_not_missed(watch: Watch) -> None:
    reference = in_danger(watch)
    reference.heard(CHAT, CRITICAL)
    wait(watch, reference, PATIENCE_S + 1)
    assert not watch.wrong
    assert reference.delays_s


def test_good_news_takes_the_place_of_an_alert_only_where_something_was_in_its_way(watch: Watch) -> None:
    good = "RESOLVED alpha: health ratio 300%\nWas CRITICAL.\nalpha · 1 s old · slot 300,000,142 · alert #1"
    outage = in_danger(watch)
    wait(watch, outage, 60, clear=())
    outage.heard(CHAT, good)
    assert not outage.owed
    nothing = in_danger(watch)
    wait(watch, nothing, 60)
    nothing.heard(CHAT, good)
    wait(watch, nothing, PATIENCE_S)
    assert "lost alert" in watch.wrong


def test_a_platform_that_is_down_is_waited_for_and_no_longer(watch: Watch) -> None:
    reference = in_danger(watch)
    wait(watch, reference, 10 * PATIENCE_S, clear=())
    assert not watch.wrong
    wait(watch, reference, PATIENCE_S + 1)
    assert "lost alert" in watch.wrong


def test_a_second_fall_must_be_told_after_the_first_was_said_to_be_over(watch: Watch) -> None:
    reference = in_danger(watch)
    reference.heard(CHAT, CRITICAL)
    reference.stands("alpha", 300.0)
    reference.heard(CHAT, "RESOLVED alpha: health ratio 300%\nalpha · 1 s old · slot 300,000,142 · alert #1")
    for _ in range(6):
        reference.stands("alpha", 110.0)
        watch.now_s += 2.0
    wait(watch, reference, PATIENCE_S + 1)
    assert "lost alert" in watch.wrong


def test_an_account_called_well_from_stale_data_is_found(watch: Watch) -> None:
    reference = Reference(ledger=watch.ledger, chats=(CHAT,), fresh_s={"alpha": 0.0})
    watch.now_s = 15.0
    reference.composed(CHAT, "alpha: health 63%, OK\nHealth (0% = liq.)  63%")
    assert not watch.wrong
    watch.now_s = 40.0
    reference.composed(CHAT, "alpha: UNKNOWN, last health 63%\nHealth (0% = liq.)  63%")
    assert not watch.wrong
    reference.composed(CHAT, "alpha: health 64%, OK\nHealth (0% = liq.)  64%")
    assert "nobody has seen that for 40 s" in watch.wrong


@pytest.mark.parametrize(
    ("text", "tier", "over"),
    [
        (CRITICAL, "CRITICAL", False),
        ("LIQUIDATING alpha: now\nalpha · alert #1", "LIQUIDATING", False),
        ("HIGH alpha: eased, 3.1% to liq\nEased from CRITICAL.\nalpha · alert #1", "HIGH", True),
        ("CRITICAL alpha: last known health ratio 115.0%\nalpha · alert #1", "CRITICAL", False),
        ("CRITICAL alpha: 1.2% to liq\nOver since 12:00:07 UTC.\nalpha · alert #1", "CRITICAL", True),
        ("LIMIT bravo: leverage\nCRITICAL alpha: 1.2% to liq · over since 12:00 · alert #1", "CRITICAL", True),
    ],
)
def test_what_a_message_says_of_an_account_is_understood(text: str, tier: str, over: bool) -> None:
    (said,) = said_of(text)
    assert (said.account, said.tier, said.over) == ("alpha", tier, over)


@pytest.mark.parametrize(
    "text",
    [
        "RESOLVED alpha: health ratio limit holds\nalpha · 1 s old · slot 300,000,142 · alert #2",
        "LIMIT alpha: health ratio 80.1%, below 100.0%\nalpha · 1 s old · slot 300,000,142 · alert #2",
        "RESOLVED alpha: health ratio 393.2%\nhttps://discord.com/channels/1/2/3",
    ],
    ids=["a limit that holds again", "a limit", "a note in a thread of what stands elsewhere"],
)
def test_what_says_nothing_of_the_danger_changes_nothing(watch: Watch, text: str) -> None:
    reference = in_danger(watch)
    reference.heard(CHAT, CRITICAL)
    reference.heard(CHAT, text)
    reference.died()  # and begins anew with what it sees
    for _ in range(6):
        reference.stands("alpha", 112.0)
        watch.now_s += 2.0
    wait(watch, reference, PATIENCE_S + 1)
    assert not watch.wrong


class Twice(PaperGateway):
    """Hands every batch over a second time, as another one."""

    def __init__(self, venue: PaperVenue, *, clock: Clock) -> None:
        super().__init__(venue, clock=clock)
        self.sent: dict[str, bytes] = {}
        self.batches: list[OrderBatch] = []
        self.again = False

    async def prepare(self, batch: OrderBatch) -> Signed:
        self.batches.append(batch)
        return await super().prepare(batch)

    async def send(self, signed: Signed) -> None:
        self.sent[signed.signature] = signed.raw
        await super().send(signed)
        if self.again:
            self.again = False
            await self.send(await super().prepare(self.batches[-1]))


@contextlib.asynccontextmanager
async def traded(*, twice: bool) -> AsyncIterator[tuple[TradeWorld, Twice]]:
    """A card that somebody confirmed, and its order at the exchange."""
    gateways: list[Twice] = []

    def through(gateway: OrderGateway) -> OrderGateway:
        assert isinstance(gateway, PaperGateway)
        gateways.append(Twice(gateway._venue, clock=gateway._clock))
        return gateways[0]

    async with trade_world(through=through) as world:
        gateways[0].again = twice
        await world.press(await world.proposed())
        yield world, gateways[0]


async def judged(watch: Watch, world: TradeWorld, gateway: Twice, *more: AuditEntry) -> Orders:
    orders = Orders(ledger=watch.ledger)
    await orders.read(world.store)
    await orders.verify(world.store)
    for entry in more:
        orders.hear(entry)
    orders.look((await world.venue.reach()).world.post.landings, gateway.sent)
    orders.final(await world.proposals.recent(["demo-0"], 10), world.clock.now())
    return orders


async def test_an_order_that_was_agreed_to_and_sent_once_is_sound(watch: Watch) -> None:
    async with traded(twice=False) as (world, gateway):
        orders = await judged(watch, world, gateway)
    assert not watch.wrong
    assert orders.executed == 1


async def test_an_order_sent_twice_at_the_venue_is_found(watch: Watch) -> None:
    async with traded(twice=True) as (world, gateway):
        assert len(gateway.sent) == 2
        await judged(watch, world, gateway)
    assert "landed that the audit knows nothing of" in watch.wrong


async def test_an_order_signed_twice_and_executed_twice_is_found(watch: Watch) -> None:
    async with traded(twice=True) as (world, gateway):
        signed = next(entry for entry in await world.audit.entries(100) if entry.action is AuditAction.LEG_SIGNED)
        facts = json.loads(signed.facts_json)
        facts["signed"]["signature"] = list(gateway.sent)[-1]
        await judged(watch, world, gateway, replace(signed, facts_json=json.dumps(facts)))
    assert "was executed twice" in watch.wrong


async def test_an_order_without_an_approval_is_found(watch: Watch) -> None:
    async with traded(twice=False) as (world, gateway):
        orders = Orders(ledger=watch.ledger)
        for entry in reversed(await world.audit.entries(100)):
            if entry.action is not AuditAction.APPROVED:
                orders.hear(entry)
        orders.look((await world.venue.reach()).world.post.landings, gateway.sent)
    assert "was signed on 0 of 1 approvals" in watch.wrong


async def test_a_row_of_the_audit_that_is_gone_is_found(watch: Watch) -> None:
    async with traded(twice=False) as (world, _):
        orders = Orders(ledger=watch.ledger)
        orders.rows = -1  # as if the first row it has not read were another one
        await orders.read(world.store)
    assert "of the audit is gone" in watch.wrong


@pytest.mark.parametrize(
    ("error", "fault", "expected"),
    [("KeyError: 'x'", "memory", False), ("storage.errors.DiskFull: no room", "memory", True),
     ("storage.errors.DiskFull: no room", "", False)],
)  # fmt: skip
def test_an_error_that_no_fault_explains_is_found(watch: Watch, error: str, fault: str, expected: bool) -> None:
    if fault:
        watch.ledger.begin("a fault", fault)
    trace = f'Traceback (most recent call last):\n  File "bot/jobs.py", line 1, in run\n{error}'
    Vitals(ledger=watch.ledger).logged(json.dumps({"level": "error", "event": "job.failed", "exception": trace}))
    assert (not watch.wrong) is expected


def test_a_queue_that_grows_is_found(watch: Watch) -> None:
    vitals = Vitals(ledger=watch.ledger)
    vitals.tasks(20)
    assert not watch.wrong
    vitals.tasks(2_000)
    assert "2,000 tasks of the bot" in watch.wrong


def paced(main: Callable[[Pace, SoakClock], object]) -> tuple[float, float]:
    """Simulated and real seconds that something took."""

    async def run(pace: Pace, clock: SoakClock) -> float:
        began_s = clock.monotonic_s()
        found = main(pace, clock)
        if asyncio.iscoroutine(found):
            await found
        await asyncio.sleep(0)
        return clock.monotonic_s() - began_s

    began_s = time.monotonic()
    simulated_s = run_paced(run, speed=1_000.0)
    return simulated_s, time.monotonic() - began_s


def test_what_waits_on_the_loop_waits_in_simulated_time() -> None:
    simulated_s, real_s = paced(lambda pace, clock: clock.sleep(500.0))
    assert 500.0 <= simulated_s < 501.0
    assert real_s >= 0.49


def test_a_machine_that_stalls_stalls_nothing_in_the_simulation() -> None:
    simulated_s, _ = paced(lambda pace, clock: time.sleep(0.3))
    assert simulated_s < 0.2


def test_the_wall_clock_can_be_set_and_the_monotonic_one_cannot() -> None:
    pace = Pace(100.0)
    clock = SoakClock(pace)
    before = clock.now()
    pace.stall(60.0)
    assert (clock.now() - before).total_seconds() == 60.0
    assert clock.monotonic_s() == 60.0
    assert before == datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def test_a_ring_forgets_and_still_counts() -> None:
    heard: list[int] = []
    ring = Ring[int](heard=heard.append)
    for number in range(5_000):
        ring.append(number)
    assert len(ring) == 5_000 == len(heard)
    assert list(ring)[-1] == 4_999
    assert len(list(ring)) < 2_000
