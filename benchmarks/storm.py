"""Many accounts fall together: how soon the first is told, how long the last waits, in which order, at which pace.

The whole bot in this process, over sockets to a Telegram of another one that answers after 50 ms and refuses haste.
"""

import asyncio
import contextlib
import gc
import io
import itertools
import math
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.figures import Figure, timed
from benchmarks.platform import Arrival, Platform
from benchmarks.runner import Effort, Timing
from bot.alerts.desk import Finding
from bot.alerts.routing import Recipient, Routing
from bot.app import App, assemble
from bot.clock import SystemClock
from bot.logs import setup_logging
from bot.roster import Roster, Watched
from bot.transports.telegram import TelegramTransport
from risk.decisions.incidents import Cause, CauseKind, Incident
from risk.decisions.tiers import Tier, TierThresholds
from risk.model.limits import RiskLimits
from storage import Receiver, Store
from tests.support.tuned_reader import TunedReader, at_ratio

LATENCY_S = 0.05
PER_S = 30.0
_SLACK = 1.1
_FIRST_S, _QUEUED_S, _STALL_S, _CRITICAL_S = 0.1 + LATENCY_S, 2.0, 0.05, 2.0
_CHATS = 100
_HELD_CHAT, _HELD_S = 7, 30
_PATIENCE_S = 180.0
_NO_LIMITS = RiskLimits(
    max_portfolio_leverage=1e9, max_position_size_usd=1e12, max_position_size_percent=1e9, max_correlation_exposure=1.0,
    max_var_1d_percent=1.0, min_health_ratio=1.0, max_drawdown_percent=1.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What became of one fall of many accounts.

    Attributes:
        longest_stall_s: The longest time the event loop worked without letting anybody in, by the processor's clock:
            what else the machine does is not counted.
        inversions: Pairs of messages in a row of which the later account was nearer to liquidation.
    """

    accounts: int
    first_s: float
    queued_s: float
    drained_s: float
    longest_stall_s: float
    broken_limits: int
    inversions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What became of a thousand alerts a minute to a hundred chats, one of which was told to wait."""

    critical_p99_s: float
    others_p99_s: float
    broken_limits: int


def figures(effort: Effort) -> Iterator[Figure]:
    """The fall of a thousand, and a minute of a thousand alerts; a tenth of both where it is to be quick."""
    share = 1.0 if effort.slow_rounds > 3 else 0.1
    storm = asyncio.run(fall(round(1_000 * share)))
    optimal_s = (storm.accounts - 1) / PER_S
    what = f"{storm.accounts:,d} accounts fall at once, each with a chat of its own"
    assert storm.broken_limits == 0, f"{storm.broken_limits} limits broken"
    yield _once(f"{what}: the first is told after", storm.first_s, _FIRST_S)
    yield _once("the last is queued after", storm.queued_s, _QUEUED_S)
    yield _once("the last is told after the first by", storm.drained_s, _SLACK * optimal_s)
    yield _once("the event loop is kept by one piece of work at most for", storm.longest_stall_s, _STALL_S)
    minute = asyncio.run(thousand_a_minute(60.0 * share))
    assert minute.broken_limits == 0, f"{minute.broken_limits} limits broken"
    rate = "1,000 alerts a minute to 100 chats, one told to wait for 30 s"
    yield _once(f"{rate}: CRITICAL, 99 %", minute.critical_p99_s, _CRITICAL_S)
    yield _once("all alerts to the other chats, 99 %", minute.others_p99_s, _CRITICAL_S)


def _once(job: str, seconds: float, target_s: float | None) -> Figure:
    return timed(job, Timing(median_s=seconds, best_s=seconds, rounds=1), target_s=target_s)


class OwnChats:
    """A routing that tells each account's chat, and nobody else; ``chat_of`` says which."""

    async def load(self) -> Routing:
        return self

    def recipients(self, incident: Incident, market: str, now: datetime) -> tuple[Recipient, ...]:
        number = incident.cause.account_id.rpartition("-")[2] or incident.cause.subject.rpartition("-")[2]
        if not number.isdigit():
            return ()
        return (Recipient(receiver=Receiver(transport="telegram", chat=number)),)


@contextlib.asynccontextmanager
async def bot(accounts: int, platform: Platform) -> AsyncIterator[tuple[App, TunedReader]]:
    """The whole bot with so many accounts at health, delivering; its clockwork stands still."""
    clock = SystemClock()
    ids = [f"account-{number}" for number in range(1, accounts + 1)]
    reader = TunedReader(clock, *ids)
    thresholds = TierThresholds(distance_sigmas={})
    roster = Roster(Watched(account_id=one, nickname=one, thresholds=thresholds) for one in ids)
    setup_logging("INFO", stream=io.StringIO())  # as keel run does it, into nothing
    transport = TelegramTransport(await platform.token(), now=clock.now, base_url=await platform.url())
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(max_workers=1) as executor:
        async with await Store.open(Path(folder) / "keel.db") as store, transport:
            app = assemble(
                store=store, reader=reader, roster=roster, transports=[transport], clock=clock, venue="paper",
                executor=executor, through=lambda _: OwnChats(),
            )  # fmt: skip
            for one in ids:
                await app.services.accounts.save_limits(one, _NO_LIMITS)
            await app.prepare()
            gc.freeze()  # as keel run does once it has started
            delivering = asyncio.create_task(app.deliveries["telegram"].run())
            try:
                yield app, reader
            finally:
                delivering.cancel()
                await asyncio.gather(delivering, return_exceptions=True)


async def fall(accounts: int) -> Storm:
    """All accounts fall to different depths at once."""
    async with (
        Platform.running(chats=accounts, latency_s=LATENCY_S, enforced=True) as platform,
        bot(accounts, platform) as (app, reader),
    ):
        await app.watch.check()
        depths = [101.0 + 15.0 * number / accounts for number in range(accounts)]
        random.Random(1).shuffle(depths)  # noqa: S311  # the same in every run
        for account, depth in zip(list(reader.accounts), depths, strict=True):
            reader.accounts[account] = at_ratio(depth)
        await app.services.fleet.refresh()
        stalls = asyncio.create_task(_stalls())
        began_s = time.monotonic()
        await app.watch.assess(thorough=True)
        queued_s = time.monotonic() - began_s
        await _until(platform, accounts)
        stalls.cancel()
        (longest_s,) = await asyncio.gather(stalls)
        arrivals = await platform.arrivals()
        return Storm(
            accounts=accounts, first_s=arrivals[0].at_s - began_s, queued_s=queued_s,
            drained_s=arrivals[-1].at_s - arrivals[0].at_s, longest_stall_s=longest_s,
            broken_limits=await platform.broken(),
            inversions=_inversions([app.watch.nearness(f"account-{one.chat}") for one in arrivals]),
        )  # fmt: skip


async def thousand_a_minute(seconds: float) -> Minute:
    """Alerts of random tiers at random moments to random chats; one chat is told to wait in the middle."""
    dice = random.Random(1)  # noqa: S311  # the same in every run
    count = round(1_000 * seconds / 60)
    moments = sorted(dice.uniform(0.0, seconds) for _ in range(count))
    sent_s: dict[str, tuple[float, Tier, int]] = {}
    async with (
        Platform.running(chats=_CHATS, latency_s=LATENCY_S, enforced=True) as platform,
        bot(1, platform) as (app, _),
    ):
        began_s = time.monotonic()
        held = False
        for number, moment in enumerate(moments):
            await asyncio.sleep(max(0.0, began_s + moment - time.monotonic()))
            if not held and moment > seconds / 4:
                held = True
                await platform.hold(chat=_HELD_CHAT, retry_after=_HELD_S, times=1)
            chat, tier = dice.randint(1, _CHATS), dice.choice([Tier.WARNING, Tier.HIGH, Tier.CRITICAL])
            name = f"alert {number}-{chat}"
            sent_s[name] = (time.monotonic(), tier, chat)
            cause = Cause(kind=CauseKind.SYSTEM, subject=name)
            await app.desk.settle([Finding(cause=cause, tier=tier, fact=name)])
        await _drained(app)
        taken_s = _taken_s(sent_s, await platform.arrivals())
        late = {name: taken_s[name] - at_s for name, (at_s, _, chat) in sent_s.items() if chat != _HELD_CHAT}
        return Minute(
            critical_p99_s=_p99([late[name] for name in late if sent_s[name][1] is Tier.CRITICAL]),
            others_p99_s=_p99(list(late.values())),
            broken_limits=await platform.broken(),
        )


def _taken_s(sent_s: dict[str, tuple[float, Tier, int]], arrivals: Sequence[Arrival]) -> dict[str, float]:
    taken: dict[str, float] = {}
    for arrival in arrivals:
        for name in sent_s:
            if name not in taken and f"{name}\n" in f"{arrival.text}\n".replace(" ·", "\n"):
                taken[name] = arrival.at_s
    return taken


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98] if len(values) > 1 else math.nan


def _inversions(ranks: Sequence[float]) -> int:
    return sum(later < earlier for earlier, later in itertools.pairwise(ranks))


async def _stalls() -> float:
    """The most work the loop's thread did between two looks, until cancelled."""
    longest_s = 0.0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            before_s = time.thread_time()
            await asyncio.sleep(0.001)
            longest_s = max(longest_s, time.thread_time() - before_s)
    return longest_s


async def _until(platform: Platform, count: int) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while await platform.count() < count:  # noqa: ASYNC110  # it is another process that is asked
            await asyncio.sleep(0.1)


async def _drained(app: App) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while (await app.services.outbox.counts()).waiting_since is not None:  # noqa: ASYNC110  # the memory is asked
            await asyncio.sleep(0.2)
