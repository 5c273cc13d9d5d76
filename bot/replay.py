"""keel replay: history through the very same tiers, incidents and delivery, and whether it would have warned."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime

from bot.app import App, assemble
from bot.clock import ScriptClock
from bot.replaying.alarms import Alarms
from bot.replaying.report import ReplayReport
from bot.replaying.transport import NAME, CountingTransport
from bot.roster import Roster, Watched
from risk.decisions.tiers import Tier, TierThresholds
from storage import Receiver, Store
from venues.replay import ACCOUNT_ID, Recording, ReplayVenue

_NICKNAME = "book"


async def play(
    recording: Recording,
    thresholds: TierThresholds | None = None,
    *,
    progress: Callable[[int], object] | None = None,
) -> ReplayReport:
    """Watch a recording from its first moment until it ends or the account is liquidated, one check a price.

    Nobody acknowledges anything. What falls due between two prices, a repeat or the end of a dwell, comes with the next
    one, for between them the recording says nothing.

    Args:
        thresholds: When the tiers begin; the defaults of keel run where None.
        progress: Called with how many more prices were played.
    """
    clock = ScriptClock(recording.at(0))
    transport = CountingTransport(now=clock.now)
    thresholds = thresholds or TierThresholds()
    end = len(recording) if recording.liquidated is None else recording.liquidated + 1
    first_at: dict[Tier, datetime] = {}
    standing_at: dict[Tier, datetime] = {}
    alarms = Alarms()
    async with _app(recording, thresholds, clock, transport) as app:
        await app.prepare()
        for number in range(end):
            await clock.sleep(recording.offset_s(number) - clock.monotonic_s())
            await app.watch.check()
            await app.deliveries[NAME].drain_if_woken()
            state = app.watch.tier(ACCOUNT_ID)
            first_at.setdefault(state.tier, clock.now())
            if state.tier is Tier.OK:
                standing_at.clear()
            elif state.tier.known:
                standing_at.setdefault(state.tier, clock.now())
            if state.known is not None:
                alarms = alarms.after(state.known, float(recording.excess_usd[number]))
            if progress is not None:
                progress(1)
    return ReplayReport(
        recording=recording,
        played=end,
        thresholds=thresholds,
        first_at={tier: at for tier, at in first_at.items() if tier is not Tier.OK},
        standing_at=standing_at,
        alarms=alarms,
        messages=transport.messages,
    )


@asynccontextmanager
async def _app(
    recording: Recording, thresholds: TierThresholds, clock: ScriptClock, transport: CountingTransport
) -> AsyncIterator[App]:
    roster = Roster([Watched(account_id=ACCOUNT_ID, nickname=_NICKNAME, thresholds=thresholds)])
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="work") as executor:
        async with Store.forgetful() as store:
            yield assemble(
                store=store, reader=ReplayVenue(recording, clock=clock), roster=roster, transports=[transport],
                clock=clock, venue="replay", executor=executor,
                console=Receiver(transport=NAME, chat="a person", route=NAME),
            )  # fmt: skip
