"""From findings to incidents and notices: events, holds, escalation in time, storms."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.alerts.desk import Finding, IncidentDesk
from bot.alerts.facts import from_json
from bot.alerts.figures import Figures
from bot.alerts.lost import reachable, unreachable
from bot.alerts.routing import Recipient, Routing
from bot.roster import Roster, Watched
from risk.decisions.incidents import Cause, CauseKind, Incident, IncidentStatus, LastNotice, NoticeReason
from risk.decisions.tiers import Tier, TierState, TierThresholds
from risk.fleet import Fleet
from storage import Batch, Incidents, Outbox, OutboxState, Receiver, Store, TierStates
from tests.support.clock import FakeClock
from tests.support.tuned_reader import TunedReader, at_ratio

ANN, BOB = Receiver(transport="chat", chat="ann"), Receiver(transport="chat", chat="bob")
WITHDRAWAL = Cause(kind=CauseKind.EVENT, account_id="a1", subject="withdrawal USDC 7")


def health(account: str = "a1") -> Cause:
    return Cause(kind=CauseKind.HEALTH, account_id=account)


@dataclass
class Table:
    """A router that a test writes."""

    recipients_of: Callable[[Incident, str, datetime], Sequence[Recipient]] = lambda *_: (Recipient(receiver=ANN),)
    loads: int = 0

    async def load(self) -> Routing:
        self.loads += 1
        return self

    def recipients(self, incident: Incident, market: str, now: datetime) -> tuple[Recipient, ...]:
        return tuple(self.recipients_of(incident, market, now))


@dataclass
class World:
    """A desk over real memory, and whom it tells."""

    store: Store
    accounts: tuple[str, ...] = ("a1", "a2")
    clock: FakeClock = field(default_factory=FakeClock)
    router: Table = field(default_factory=Table)
    woken: int = 0
    companions: list[Finding] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    nearness: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.incidents, self.outbox = Incidents(self.store), Outbox(self.store)
        thresholds = TierThresholds(distance_sigmas={})
        self.reader = TunedReader(self.clock, *self.accounts)
        self.roster = Roster(Watched(account_id=one, nickname=one, thresholds=thresholds) for one in self.accounts)
        self.fleet = Fleet(self.reader, self.accounts, self.clock)
        self.figures = Figures(self.fleet, self.roster)
        self.desk = IncidentDesk(
            incidents=self.incidents, outbox=self.outbox, roster=self.roster, fleet=self.fleet, router=self.router,
            clock=self.clock, wake=self._wake, figures=self.figures, companions=self._companions,
            nearness=lambda account: self.nearness.get(account, math.inf),
        )  # fmt: skip

    async def settle(self, *findings: Finding, **states: TierState) -> None:
        await self.desk.settle(findings, states)

    async def claimed(self) -> list[Batch]:
        batches = await self.outbox.claim(self.clock.now(), "chat", most=5_000, lease=timedelta(seconds=60))
        return list(batches)

    async def told(self) -> dict[str, list[tuple[NoticeReason, Tier]]]:
        """What each chat hears now, and it is delivered."""
        found: dict[str, list[tuple[NoticeReason, Tier]]] = {}
        for batch in await self.claimed():
            found[batch.receiver.chat] = [(notice.reason, notice.tier) for notice in batch.notices]
            await self.outbox.delivered(batch, f"m {batch.key}", self.clock.now())
        return found

    def _wake(self) -> None:
        self.woken += 1

    async def _companions(self, account_ids: Sequence[str]) -> Sequence[Finding]:
        self.asked.append(tuple(account_ids))
        return self.companions


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with await Store.open(":memory:") as store:
        yield World(store)


FIRST, AGAIN, WORSE = NoticeReason.FIRST, NoticeReason.REPEAT_DUE, NoticeReason.ESCALATED


async def test_what_passes_is_told_once_and_does_not_stand(world: World) -> None:
    fill = Finding(cause=Cause(kind=CauseKind.EVENT, account_id="a1", subject="fill"), tier=Tier.WATCH, passing=True)
    await world.settle(fill, fill)
    assert await world.told() == {"ann": [(FIRST, Tier.WATCH)] * 2}

    world.clock.pass_s(86_400)
    await world.settle()
    assert await world.told() == {}
    assert await world.incidents.open_incidents() == ()


async def test_what_passes_at_no_tier_at_all_is_told_quietly(world: World) -> None:
    await world.settle(Finding(cause=WITHDRAWAL, tier=Tier.OK, passing=True))
    assert await world.told() == {"ann": [(FIRST, Tier.WATCH)]}


async def test_an_event_that_matters_stands_until_it_is_acknowledged_and_ends_silently(world: World) -> None:
    await world.settle(Finding(cause=WITHDRAWAL, tier=Tier.CRITICAL, fact="500 USDC"))
    assert await world.told() == {"ann": [(FIRST, Tier.CRITICAL)]}
    world.clock.pass_s(301)
    await world.settle()
    assert await world.told() == {"ann": [(AGAIN, Tier.CRITICAL)]}

    await world.incidents.acknowledge(1, "ann", world.clock.now())
    world.clock.pass_s(301)
    await world.settle()
    assert await world.told() == {}
    assert await world.incidents.open_incidents() == ()


async def test_an_event_nobody_acknowledges_is_over_after_a_day(world: World) -> None:
    await world.settle(Finding(cause=WITHDRAWAL, tier=Tier.HIGH, fact="500 USDC"))
    await world.told()
    world.clock.pass_s(86_400 - 1)
    await world.settle()
    await world.told()
    assert len(await world.incidents.open_incidents()) == 1
    world.clock.pass_s(2)
    await world.settle()
    assert await world.told() == {}
    assert await world.incidents.open_incidents() == ()


async def test_an_event_that_was_found_again_is_told_once_and_another_of_its_cause_is_told_too(world: World) -> None:
    for fact, heard in (("500 USDC", True), ("500 USDC", False), ("900 USDC", True)):
        await world.settle(Finding(cause=WITHDRAWAL, tier=Tier.HIGH, fact=fact))
        assert await world.told() == ({"ann": [(FIRST, Tier.HIGH)]} if heard else {}), fact
    (standing,) = await world.incidents.open_incidents()
    assert (standing.incident_id, standing.fact) == (2, "900 USDC")


async def test_what_passes_does_not_end_what_stands_for_the_same_cause(world: World) -> None:
    await world.settle(Finding(cause=WITHDRAWAL, tier=Tier.HIGH, fact="500 USDC"))
    await world.settle(Finding(cause=WITHDRAWAL, tier=Tier.WATCH, fact="1 USDC", passing=True))

    (standing,) = await world.incidents.open_incidents()
    assert standing.fact == "500 USDC"


async def test_who_hears_next_is_told_in_time_although_nobody_finds_it_again(world: World) -> None:
    def later(incident: Incident, market: str, now: datetime) -> Sequence[Recipient]:
        waited = now - incident.rang_at
        late = waited >= timedelta(minutes=5) and incident.status is IncidentStatus.OPEN
        return (Recipient(receiver=ANN), *([Recipient(receiver=BOB)] if late else []))

    world.router.recipients_of = later
    await world.settle(Finding(cause=health(), tier=Tier.HIGH))
    assert await world.told() == {"ann": [(FIRST, Tier.HIGH)]}
    world.clock.pass_s(299)
    await world.settle()
    assert await world.told() == {}
    world.clock.pass_s(1)
    await world.settle()
    assert await world.told() == {"bob": [(FIRST, Tier.HIGH)]}


async def test_an_escalation_counts_from_when_it_rang_again(world: World) -> None:
    await world.settle(Finding(cause=health(), tier=Tier.WARNING))
    world.clock.pass_s(600)
    await world.settle(Finding(cause=health(), tier=Tier.HIGH))
    (incident,) = await world.incidents.open_incidents()
    assert incident.rang_at == world.clock.now()
    world.clock.pass_s(60)
    await world.settle(Finding(cause=health(), tier=Tier.WARNING))
    (incident,) = await world.incidents.open_incidents()
    assert incident.rang_at == world.clock.now() - timedelta(seconds=60), "easing does not ring"


async def test_somebody_who_only_follows_hears_what_they_heard_before(world: World) -> None:
    world.router.recipients_of = lambda *_: (Recipient(receiver=ANN, follow_up=True), Recipient(receiver=BOB))
    await world.settle(Finding(cause=health(), tier=Tier.HIGH))
    assert set(await world.told()) == {"bob"}

    world.router.recipients_of = lambda *_: (Recipient(receiver=BOB, follow_up=True),)
    await world.settle(Finding(cause=health(), tier=Tier.CRITICAL))
    assert await world.told() == {"bob": [(WORSE, Tier.CRITICAL)]}


async def test_what_is_held_waits_and_a_worse_tier_does_not(world: World) -> None:
    morning = world.clock.now() + timedelta(hours=8)

    def quiet(incident: Incident, market: str, now: datetime) -> Sequence[Recipient]:
        return (Recipient(receiver=ANN, hold_until=None if incident.tier is Tier.CRITICAL else morning),)

    world.router.recipients_of = quiet
    await world.settle(Finding(cause=health(), tier=Tier.WARNING))
    assert await world.told() == {}
    assert (await world.outbox.counts()).held == 1
    world.clock.pass_s(60)
    await world.settle(Finding(cause=health(), tier=Tier.CRITICAL))
    assert await world.told() == {"ann": [(WORSE, Tier.CRITICAL)]}
    assert (await world.outbox.counts()).held == 0


async def test_the_market_of_a_finding_reaches_whoever_routes_it_also_later(world: World) -> None:
    asked: list[str] = []

    def note(incident: Incident, market: str, now: datetime) -> Sequence[Recipient]:
        asked.append(market)
        return ()

    world.router.recipients_of = note
    await world.settle(Finding(cause=WITHDRAWAL, tier=Tier.HIGH, market="SOL-PERP"))
    await world.settle()
    assert asked == ["SOL-PERP", "SOL-PERP"]


async def test_a_chat_that_is_gone_is_not_told_so_itself(world: World) -> None:
    world.router.recipients_of = lambda *_: (Recipient(receiver=ANN), Recipient(receiver=BOB))
    await world.settle(unreachable(ANN, "Ann", "blocked"))
    assert set(await world.told()) == {"bob"}
    await world.settle(reachable(ANN, "Ann"))
    assert set(await world.told()) == {"bob"}


async def test_a_chat_that_is_back_hears_what_stands(world: World) -> None:
    await world.settle(Finding(cause=health(), tier=Tier.HIGH))
    await world.claimed()
    await world.outbox.lost(ANN, "blocked", world.clock.now())
    await world.settle(unreachable(ANN, "Ann", "blocked"))
    world.clock.pass_s(5)
    await world.settle()
    assert await world.told() == {}

    await world.outbox.reached(ANN)
    await world.settle(reachable(ANN, "Ann"))
    assert await world.told() == {"ann": [(FIRST, Tier.HIGH)]}


async def test_an_unchanged_look_asks_nobody_and_writes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for account in world.accounts:
        await world.settle(Finding(cause=health(account), tier=Tier.HIGH))
    await world.told()
    await world.settle()
    written = await world.store.run(lambda db: db.conn.total_changes)
    asked: list[object] = []
    plain = world.outbox.last_notices

    async def noting(ids: Collection[int]) -> Mapping[int, Mapping[Receiver, LastNotice]]:
        asked.append(list(ids))
        return await plain(ids)

    monkeypatch.setattr(world.outbox, "last_notices", noting)
    for _ in range(3):
        world.clock.pass_s(5)
        await world.settle(*(Finding(cause=health(account), tier=Tier.HIGH) for account in world.accounts))

    assert asked == [[], [], []]
    assert await world.store.run(lambda db: db.conn.total_changes) == written


async def test_the_end_of_a_snooze_is_not_slept_through(world: World) -> None:
    await world.settle(Finding(cause=health(), tier=Tier.CRITICAL))
    await world.told()
    await world.incidents.snooze(1, world.clock.now() + timedelta(minutes=30))
    for _ in range(5):
        world.clock.pass_s(300)
        await world.settle()
        assert await world.told() == {}
    world.clock.pass_s(301)
    await world.settle()
    assert await world.told() == {"ann": [(AGAIN, Tier.CRITICAL)]}


async def test_what_else_is_wrong_with_an_account_that_falls_is_told_in_the_same_breath(world: World) -> None:
    limit = Cause(kind=CauseKind.LIMIT, account_id="a1", subject="max_portfolio_leverage")
    world.companions = [Finding(cause=limit, tier=Tier.WARNING, fact="leverage 16x", remedy="Deposit.")]
    await world.settle(Finding(cause=health(), tier=Tier.CRITICAL))

    (batch,) = await world.claimed()
    assert [notice.tier for notice in batch.notices] == [Tier.CRITICAL, Tier.WARNING]
    assert from_json(batch.notices[1].body_json).remedy == "Deposit."
    assert world.asked == [("a1",)]


async def test_companions_are_asked_for_only_when_an_account_falls_and_not_in_a_storm(world: World) -> None:
    await world.settle(Finding(cause=health(), tier=Tier.CRITICAL))
    await world.settle(Finding(cause=health(), tier=Tier.CRITICAL))
    await world.settle(Finding(cause=health(), tier=Tier.HIGH))
    await world.settle(Finding(cause=health(), tier=Tier.OK))
    assert world.asked == [("a1",)]
    await world.settle(*(Finding(cause=health(f"b{number}"), tier=Tier.HIGH) for number in range(30)))
    assert world.asked == [("a1",)]


def own_chats(incident: Incident, market: str, now: datetime) -> Sequence[Recipient]:
    return (Recipient(receiver=Receiver(transport="chat", chat=incident.cause.account_id)),)


async def fallen(world: World, count: int) -> list[str]:
    """So many accounts at CRITICAL, the first the furthest from liquidation; their ids."""
    accounts = [f"b{number}" for number in range(count)]
    world.nearness.update({account: float(count - number) for number, account in enumerate(accounts)})
    states = {account: TierState(tier=Tier.CRITICAL, known=Tier.CRITICAL) for account in accounts}
    await world.desk.settle([Finding(cause=health(account), tier=Tier.CRITICAL) for account in accounts], states)
    return accounts


async def test_in_a_storm_the_nearest_are_told_first(world: World) -> None:
    world.router.recipients_of = own_chats
    accounts = await fallen(world, 250)

    assert [batch.receiver.chat for batch in await world.claimed()] == accounts[::-1]
    assert len(await TierStates(world.store).load()) == 250
    assert world.router.loads == 1


async def test_a_storm_is_stored_piece_by_piece_so_that_the_first_alert_need_not_wait_for_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.router.recipients_of = own_chats
    plain, sizes = world.incidents.apply_assessment, list[int]()

    async def noting(**given: object) -> object:
        sizes.append(len(given["steps"]))  # type: ignore[arg-type]  # a sequence
        return await plain(**given)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(world.incidents, "apply_assessment", noting)
    await fallen(world, 250)

    assert sizes == [10, 100, 100, 40]
    assert world.woken == 4


async def test_states_that_changed_without_news_are_stored_with_the_last_piece(world: World) -> None:
    world.router.recipients_of = own_chats
    findings = [Finding(cause=health(f"b{number}"), tier=Tier.HIGH) for number in range(20)]
    states = {f"b{number}": TierState(tier=Tier.HIGH, known=Tier.HIGH) for number in range(20)}
    await world.desk.settle(findings, states | {"calm": TierState(tier=Tier.OK, known=Tier.OK)})

    assert len(await TierStates(world.store).load()) == 21


async def test_an_answer_in_the_middle_of_a_storm_makes_only_its_piece_be_decided_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.router.recipients_of = own_chats
    await world.settle(Finding(cause=health("b0"), tier=Tier.HIGH))
    plain, calls = world.incidents.apply_assessment, list[str]()

    async def answering(**given: object) -> object:
        if not calls:
            await world.incidents.acknowledge(1, "ann", world.clock.now())
        outcome = await plain(**given)  # type: ignore[arg-type]  # as they came
        calls.append(type(outcome).__name__)
        return outcome

    monkeypatch.setattr(world.incidents, "apply_assessment", answering)
    world.nearness["b0"] = -1.0
    await world.desk.settle([Finding(cause=health(f"b{number}"), tier=Tier.CRITICAL) for number in range(50)])

    assert calls == ["Outdated", "Stored", "Stored"]
    assert len(await world.incidents.open_incidents()) == 50


async def test_where_no_moves_are_known_the_health_ratio_says_who_is_nearer(world: World) -> None:
    world.router.recipients_of = own_chats
    world.reader.accounts["a1"], world.reader.accounts["a2"] = at_ratio(110), at_ratio(101)
    await world.fleet.refresh()
    await world.settle(*(Finding(cause=health(account), tier=Tier.CRITICAL) for account in ("a1", "a2")))

    assert [batch.receiver.chat for batch in await world.claimed()] == ["a2", "a1"]


async def test_alerts_of_limits_and_drawdowns_say_at_which_slot_it_was_so(world: World) -> None:
    await world.fleet.refresh()
    cause = Cause(kind=CauseKind.LIMIT, account_id="a1", subject="max_portfolio_leverage")
    await world.settle(Finding(cause=cause, tier=Tier.WARNING, fact="leverage 16x", remedy="Deposit $5."))

    (batch,) = await world.claimed()
    facts = from_json(batch.notices[0].body_json)
    assert facts.margin is not None
    assert facts.margin.slot == world.reader.slot
    assert facts.remedy == "Deposit $5."


async def test_the_remedy_of_a_limit_is_known_to_whoever_is_told_later(world: World) -> None:
    cause = Cause(kind=CauseKind.LIMIT, account_id="a1", subject="max_portfolio_leverage")
    await world.settle(Finding(cause=cause, tier=Tier.WARNING, fact="leverage 16x", remedy="Deposit $5."))
    await world.told()
    world.router.recipients_of = lambda *_: (Recipient(receiver=BOB),)
    await world.settle()

    (batch,) = await world.claimed()
    assert from_json(batch.notices[0].body_json).remedy == "Deposit $5."


async def test_two_settlings_at_once_take_turns(world: World) -> None:
    await asyncio.gather(*(world.settle(Finding(cause=health(f"b{number}"), tier=Tier.HIGH)) for number in range(20)))
    numbers = [incident.incident_id for incident in await world.incidents.open_incidents()]
    assert numbers == list(range(1, 21))


async def test_a_thousand_incidents_that_everybody_heard_of_are_looked_over_in_no_time(world: World) -> None:
    """Not a benchmark: what is looked over by somebody asking for each receiver or incident takes minutes."""
    everybody = tuple(Recipient(receiver=Receiver(transport="chat", chat=str(n))) for n in range(20))
    world.router.recipients_of = lambda *_: everybody
    await world.desk.settle([Finding(cause=health(f"b{number}"), tier=Tier.HIGH) for number in range(1_000)])
    assert (await world.outbox.counts()).pending == 20_000
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for _ in range(5):
        await world.settle()
    assert loop.time() - began_s < 20


async def test_a_dead_notice_counts_as_told(world: World) -> None:
    await world.settle(Finding(cause=health(), tier=Tier.HIGH))
    (batch,) = await world.claimed()
    await world.outbox.refused(batch, world.clock.now(), "400", most=1)
    world.clock.pass_s(5)
    await world.settle()

    assert await world.told() == {}
    (dead,) = await world.outbox.dead_letters(5)
    assert dead.state is OutboxState.DEAD
