"""keel replay: history through the very same tiers, incidents and delivery, and whether it would have warned."""

import math
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime

from bot.app import App, assemble
from bot.clock import ScriptClock
from bot.replaying.alarms import Alarms
from bot.replaying.firsts import note
from bot.replaying.report import ReplayReport
from bot.replaying.transport import NAME, CountingTransport
from bot.roster import Roster, Watched
from risk.decisions.drawdown import DrawdownThresholds
from risk.decisions.incidents import RepeatIntervals
from risk.decisions.tiers import Tier, TierThresholds
from risk.model.limits import RiskLimits
from storage import Receiver, Store
from venues.replay import ACCOUNT_ID, Recording, ReplayVenue

_NICKNAME = "book"
NO_LIMITS = RiskLimits(
    max_portfolio_leverage=math.inf, max_position_size_usd=math.inf, max_position_size_percent=math.inf,
    max_correlation_exposure=1.0, max_var_1d_percent=math.inf, min_health_ratio=0.0, max_drawdown_percent=math.inf,
)  # fmt: skip
_SAID_AGAIN = frozenset(RepeatIntervals().by_tier)


async def play(
    recording: Recording,
    thresholds: TierThresholds | None = None,
    *,
    progress: Callable[[int], object] | None = None,
) -> ReplayReport:
    """Watch a recording from its first moment until it ends or the account is liquidated.

    Every price is taken in as the venue's stream would bring it; while something stands that is said again, a check
    goes with it. Nobody acknowledges anything. What falls due between two prices, a repeat or the end of a dwell, comes
    with the next one, for between them the recording says nothing.

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
    alarms, told = Alarms(), list[tuple[datetime, Tier]]()
    venue, tier = ReplayVenue(recording, clock=clock), Tier.OK
    async with _app(venue, thresholds, clock, transport) as app:
        await app.prepare()
        for number in range(end):
            await clock.sleep(recording.offset_s(number) - clock.monotonic_s())
            app.services.fleet.accept(await venue.read((ACCOUNT_ID,)))
            await app.watch.assess(thorough=tier in _SAID_AGAIN)
            await app.deliveries[NAME].drain_if_woken()
            state = app.watch.settled()[ACCOUNT_ID]
            tier = state.tier
            note(first_at, tier, clock.now())
            if not told or told[-1][1] is not tier:
                told.append((clock.now(), tier))
            if tier is Tier.OK:
                standing_at.clear()
            else:
                note(standing_at, tier, clock.now())
            if state.known is not None:
                alarms = alarms.after(state.known, float(recording.excess_usd[number]))
            if progress is not None:
                progress(1)
    return ReplayReport(
        recording=recording,
        played=end,
        thresholds=thresholds,
        first_at=first_at,
        standing_at=standing_at,
        alarms=alarms,
        told=tuple(told),
        messages=transport.messages,
        alerts_sha256=transport.digest.hexdigest(),
    )


@asynccontextmanager
async def _app(
    venue: ReplayVenue, thresholds: TierThresholds, clock: ScriptClock, transport: CountingTransport
) -> AsyncIterator[App]:
    roster = Roster([Watched(account_id=ACCOUNT_ID, nickname=_NICKNAME, thresholds=thresholds)])
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="work") as executor:
        async with Store.forgetful() as store:
            app = assemble(
                store=store, reader=venue, roster=roster, transports=[transport],
                clock=clock, venue="replay", executor=executor,
                console=Receiver(transport=NAME, chat="a person", route=NAME),
                drawdowns=DrawdownThresholds(by_tier={}),
            )  # fmt: skip
            # What is asked is whether the tiers warn; limits are another account's matter.
            await app.services.accounts.save_limits(ACCOUNT_ID, NO_LIMITS)
            yield app
