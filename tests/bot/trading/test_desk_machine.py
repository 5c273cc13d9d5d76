"""Whatever people, the venue and the machine do, in whatever order: nothing goes out that nobody agreed to, nothing
goes out twice, and what is believed is so."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.trading.rules import Quorum
from risk.model.account import Side
from risk.model.proposal import ProposalState, Purpose, StandingTerms, TradePlan
from risk.model.trading import ConsentKind, OrderBatch, OrderStyle, Signed, TradingState
from risk.trade_ports import OrderGateway
from storage import (
    EVERYTHING,
    NO_ACCESS,
    Access,
    Accounts,
    CardAction,
    PressKind,
    Resting,
    Role,
    StandingApprovals,
    Store,
    TradingStates,
)
from tests.contracts.venue_worlds import MovedPrices
from tests.support.audit_trail import follows_the_tables
from tests.support.bot_world import GENEROUS
from tests.support.clock import FakeClock
from tests.support.trade_world import ACCOUNT, ASKED_AT, HOME, TradeWorld, card_press, sell, trade, trade_world
from venues.paper.demo import START_USD, demo_exchange
from venues.paper.venue import PaperVenue

T = TypeVar("T")

PEOPLE: dict[str, Access] = {
    "ann": EVERYTHING,
    "bob": Access(roles={ACCOUNT: Role.TRADER}),
    "eve": Access(roles={ACCOUNT: Role.RESPONDER}),
    "zoe": Access(roles={"another account": Role.ADMIN}),
    "nobody": NO_ACCESS,
}
MARKETS = ("SOL-PERP", "ETH-PERP")
STARTS = {"SOL-PERP": 250.0, "ETH-PERP": 11.0}
FAULTS = ("none", "none", "lost", "dropped", "rejected", "failed", "late", "thin", "lapsed")
CRASHES = ("approved", "requoted", "started", "prepared", "leg signed", "sent", "leg landed", "read back", "leg filled")
UNITS = 10**9


class Died(BaseException):
    """The process, at a named moment."""


class YieldingClock(FakeClock):
    """Lets others run while somebody sleeps."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await asyncio.sleep(0)


class Watched:
    """A gateway that holds every order against what is written down at that very moment."""

    def __init__(self, inner: OrderGateway, machine: "Desks") -> None:
        self._inner, self._machine = inner, machine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def prepare(self, batch: OrderBatch) -> Signed:
        return await self._inner.prepare(batch)

    async def send(self, signed: Signed) -> None:
        await self._machine.about_to_send(signed)
        await self._inner.send(signed)


class Desks(RuleBasedStateMachine):
    """One account on paper, several people, several lives of the desk."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        self.loop = asyncio.new_event_loop()
        self.clock, self.store = YieldingClock(), Store.forgetful()
        self.prices = MovedPrices(dict(START_USD))
        self.venue = PaperVenue(demo_exchange(self.prices, liquidates=False), clock=self.clock)
        self.crash_at = ""
        self.known: list[str] = []
        self.quiet = 0  # steps without a halt or an approval given beforehand, of which there would be too many
        self.sent: dict[str, int] = defaultdict(int)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        self.do(Accounts(self.store).save_limits(ACCOUNT, GENEROUS))
        self._awake()

    def _awake(self) -> None:
        self.opened: AbstractAsyncContextManager[TradeWorld] = trade_world(
            store=self.store, clock=self.clock, venue=self.venue, through=lambda inner: Watched(inner, self),
            crash_point=self._crash_point, quorums={"": Quorum(approvals=2, above_usd=5_000.0)}, standing_cap_usd=1e6,
        )  # fmt: skip
        self.world = self.do(self.opened.__aenter__())

    def _crash_point(self, name: str) -> None:
        if name == self.crash_at:
            self.crash_at = ""
            raise Died

    async def about_to_send(self, signed: Signed) -> None:
        """Bytes leave only when they are written down, agreed to, and not while trading stands still."""
        rows = await self.store.run(
            lambda db: list(db.query("SELECT * FROM leg_attempts WHERE signature = ?", [signed.signature]))
        )
        if not rows:
            assert (await TradingStates(self.store).get()).state is TradingState.HALTED, "only a halt cancels unwritten"
            return
        (row,) = rows
        self.sent[signed.signature] += 1
        assert bytes(row["raw"]) == signed.raw
        consent = await self.world.proposals.consent(f"P{row['proposal']}")
        assert consent is not None, "nobody agreed"
        assert row["digest"] in consent.digests
        assert consent.kind in (ConsentKind.CONFIRMED, ConsentKind.STANDING)
        assert self.clock.now() <= consent.holds_until
        if self.sent[signed.signature] > 1 or (await TradingStates(self.store).get()).state is not TradingState.HALTED:
            return
        raise AssertionError("something new went out while trading was halted")

    async def _settled(self) -> None:
        """Everything that is under way has ended, or its process has died."""
        await self.world.execution.idle()

    # What people do.

    @rule(
        side=st.sampled_from(Side), market=st.sampled_from(MARKETS), size=st.integers(1, 60),
        more=st.booleans(), style=st.sampled_from([OrderStyle.IOC, OrderStyle.IOC, OrderStyle.TRIGGER_MARKET]),
    )  # fmt: skip
    def propose(self, *, side: Side, market: str, size: int, more: bool, style: OrderStyle) -> None:
        unit = 1.0 if market == "SOL-PERP" else 0.1
        first = trade(side, size * unit, market)
        if style is OrderStyle.TRIGGER_MARKET:
            # So far below that no price of this test reaches it.
            first = trade(
                Side.SELL, size * unit, market, style=style, trigger_usd=round(START_USD[f"{market[:3]}/USD"] / 4),
                triggers_above=False,
            )  # fmt: skip
        trades = (first, trade(Side.SELL, 3.0, priority=2)) if more else (first,)
        self._propose(sell(*trades))

    @rule(
        side=st.sampled_from(Side), market=st.sampled_from(MARKETS), size=st.integers(1, 60), more=st.booleans(),
        fault=st.sampled_from(FAULTS), count=st.integers(1, 3), crash=st.sampled_from(["", *CRASHES]),
        moved=st.integers(-3, 3),
    )  # fmt: skip
    def go_out(
        self, *, side: Side, market: str, size: int, more: bool, fault: str, count: int, crash: str, moved: int
    ) -> None:
        """What is most often done, on a good day or a bad one, so that much goes out."""
        self.do(self.world.halting.resume(by="ann"))
        self.propose(side=side, market=market, size=size, more=more, style=OrderStyle.IOC)
        self.move(percent=moved)
        self.fault(fault=fault, count=count)
        self.confirm_the_latest(crash=crash)

    @rule(crash=st.sampled_from(["", *CRASHES]), fault=st.sampled_from(FAULTS), size=st.integers(1, 40))
    def rest(self, crash: str, fault: str, size: int) -> None:
        """A stop, which outlives what happens to the bot."""
        self.do(self.world.halting.resume(by="ann"))
        self.propose(side=Side.SELL, market="SOL-PERP", size=size, more=False, style=OrderStyle.TRIGGER_MARKET)
        self.fault(fault=fault, count=1)
        self.confirm_the_latest(crash=crash)

    @rule(crash=st.sampled_from(["", *CRASHES]), size=st.integers(1, 20), fault=st.sampled_from(FAULTS))
    def replace_what_rests(self, crash: str, size: int, fault: str) -> None:
        """Cancel and place, in one transaction."""
        self.do(self.world.halting.resume(by="ann"))
        resting = self.do(Resting(self.store).standing(ACCOUNT))
        ids = tuple(one.order_id for one in resting if one.order_id is not None)[:2]
        self.fault(fault=fault, count=1)
        self._propose(replace(sell(trade(Side.SELL, float(size))), cancels=ids))
        self.confirm_the_latest(crash=crash)

    def _propose(self, plan: TradePlan) -> None:
        found = self.do(self.world.desk.propose(plan, place=ASKED_AT if plan.requested_by else None))
        self.do(self._settled())
        if found.proposal is not None:
            self.known.append(found.proposal.proposal_id)

    @precondition(lambda self: self.known)
    @rule(
        back=st.integers(0, 3), person=st.sampled_from(sorted(PEOPLE)), action=st.sampled_from(CardAction),
        of_before=st.booleans(), crash=st.sampled_from(["", "", "", *CRASHES]),
    )  # fmt: skip
    def press(self, *, back: int, person: str, action: CardAction, of_before: bool, crash: str) -> None:
        proposal = self.do(self.world.proposals.get(self.known[-1 - back % len(self.known)]))
        assert proposal is not None
        press = card_press(self.world.handles, proposal, action, by=person, access=PEOPLE[person])
        self.crash_at = crash
        if of_before:
            handle = self.world.handles.of(proposal.proposal_id, proposal.revision - 1, action, HOME)
            press = replace(press, handle=handle)
        pressed = self.do(self.world.desk.press(press))
        self.do(self._settled())
        if PEOPLE[person] not in (EVERYTHING, PEOPLE["bob"]):
            assert pressed.kind in (PressKind.NOT_ALLOWED, PressKind.DETAILS, PressKind.FOREIGN)
        if crash and not self.crash_at:
            self.restart()
        self.crash_at = ""

    @precondition(lambda self: self.known)
    @rule(crash=st.sampled_from(["", "", *CRASHES]))
    def confirm_the_latest(self, *, crash: str) -> None:
        """What is most often done, so that much goes out."""
        proposal = self.do(self.world.proposals.get(self.known[-1]))
        assert proposal is not None
        self.crash_at = crash
        for person in ("ann", "bob")[: proposal.approvals_needed]:
            self.do(self.world.desk.press(card_press(self.world.handles, proposal, by=person, access=PEOPLE[person])))
        self.do(self._settled())
        if crash and not self.crash_at:
            self.restart()
        self.crash_at = ""

    @precondition(lambda self: self.quiet > 3)
    @rule(keep=st.booleans())
    def halt(self, *, keep: bool) -> None:
        self.quiet = 0
        self.do(self.world.halting.halt(by="ann", reason="enough", keep_protection=keep))

    @precondition(lambda self: self.known and self.quiet > 3)
    @rule()
    def halt_while_it_goes_out(self) -> None:
        self.quiet = 0
        proposal = self.do(self.world.proposals.get(self.known[-1]))
        assert proposal is not None

        async def both() -> None:
            for person in ("ann", "bob")[: proposal.approvals_needed]:
                await self.world.desk.press(card_press(self.world.handles, proposal, by=person))
            await self.world.halting.halt(by="bob", reason="stop")
            await self._settled()

        self.do(both())

    @rule(state=st.sampled_from([TradingState.ACTIVE, TradingState.ACTIVE, TradingState.REDUCING]))
    def resume(self, state: TradingState) -> None:
        self.do(self.world.halting.resume(by="ann", state=state))

    @precondition(lambda self: self.quiet > 1)
    @rule(cap=st.sampled_from([2_000.0, 50_000.0]), hours=st.integers(1, 24))
    def arm(self, cap: float, hours: int) -> None:
        self.quiet = 0
        terms = StandingTerms(
            account_id=ACCOUNT, markets=frozenset({"SOL-PERP"}), cap_usd=cap,
            expires_at=self.clock.now() + timedelta(hours=hours),
        )  # fmt: skip
        self._propose(TradePlan(
            account_id=ACCOUNT, purpose=Purpose.ARM, trades=(), title="Allow protection", requested_by="ann",
            standing=terms,
        ))  # fmt: skip
        if self.known:
            self.confirm_the_latest(crash="")

    @rule()
    def disarm(self) -> None:
        self.do(StandingApprovals(self.store).revoke("ann", self.clock.now()))

    @rule(market=st.sampled_from(MARKETS), size=st.integers(1, 20))
    def protect(self, market: str, size: int) -> None:
        """The bot itself wants to reduce: at once where that was allowed beforehand; otherwise it waits."""
        plan = sell(trade(Side.SELL, float(size) * 0.5, market), purpose=Purpose.PROTECT, requested_by="")
        self._propose(plan)

    # What the world does.

    @rule(seconds=st.integers(1, 200))
    def wait(self, seconds: int) -> None:
        self.clock.pass_s(seconds)
        self.do(self.world.desk.expire())

    @rule(percent=st.integers(-4, 4))
    def move(self, percent: int) -> None:
        self.prices.prices["SOL/USD"] = START_USD["SOL/USD"] * (1 + percent / 100)
        self.clock.pass_s(1)

    @rule(
        fault=st.sampled_from(FAULTS),
        count=st.integers(1, 3),
    )
    def fault(self, fault: str, count: int) -> None:
        faults = self.venue.faults
        match fault:
            case "lost":
                faults.lose_answers(count)
            case "dropped":
                faults.drop_orders(count)
            case "lapsed":
                faults.drop_orders(100)
            case "rejected":
                faults.reject_orders(count)
            case "failed":
                faults.fail_orders(count)
            case "late":
                faults.late_orders(count * 5)
            case "thin":
                faults.thin_books(0.02)
            case _:
                faults.clear()

    @rule()
    def restart(self) -> None:
        self.do(self.opened.__aexit__(None, None, None))
        self._awake()
        found = self.do(self.world.reconciliation.run())
        assert not found.mismatches
        assert not found.unknown
        self.do(self._settled())

    # What holds.

    @invariant()
    def what_is_believed_is_so(self) -> None:
        if not hasattr(self, "world"):
            return
        self.quiet += 1
        for market in MARKETS:
            believed = round(STARTS[market] * UNITS)
            for proposal in self.do(self.world.proposals.recent([ACCOUNT], 10_000)):
                for leg in proposal.legs:
                    if leg.terms is not None and leg.terms.market == market:
                        believed += leg.filled_raw_1e9 * (1 if leg.terms.side is Side.BUY else -1)
            held = self.do(self.world.gateway.position_raw_1e9(ACCOUNT, market))
            assert held == believed, f"{market}: {held} is held, and {believed} is believed"

    @invariant()
    def nothing_is_left_half_done(self) -> None:
        if not hasattr(self, "world"):
            return
        for proposal in self.do(self.world.proposals.unfinished()):
            assert proposal.state is ProposalState.OPEN, f"{proposal.proposal_id} is {proposal.state.value}"
        for proposal in self.do(self.world.proposals.recent([ACCOUNT], 10_000)):
            if proposal.state in (ProposalState.FAILED, ProposalState.PARTIAL, ProposalState.EXPIRED):
                assert proposal.reason, f"nothing says why {proposal.proposal_id} is {proposal.state.value}"

    def teardown(self) -> None:
        self.do(follows_the_tables(self.world.audit))
        assert self.do(self.world.audit.verify()).ok
        self.do(self.opened.__aexit__(None, None, None))
        self.do(self.store.close())
        self.loop.close()
        structlog.reset_defaults()


TestDesks = Desks.TestCase
TestDesks.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
