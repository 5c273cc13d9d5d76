"""Between a yes and its order things change: rules, positions, the venue. What holds no more does not go out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.trading.rules import Quorum
from risk.decisions.proposals import LegEvent, ProposalEvent
from risk.model.account import Side
from risk.model.proposal import LegState, Proposal, ProposalState, Purpose, StandingTerms
from risk.model.trading import Fate, FateKind, OrderBatch, OrderStyle, TradingState
from risk.trade_ports import OrderGateway
from storage import Accounts, PressKind, StandingApprovals, TradingStates
from tests.support.bot_world import GENEROUS
from tests.support.trade_world import ACCOUNT, TradeWorld, card_press, sell, still, trade, trade_world


def hedge(*trades: Any, **more: Any) -> Any:
    return sell(*trades, **({"purpose": Purpose.HEDGE} | more))


async def signed_not_sent(world: TradeWorld, proposal: Proposal) -> None:
    """The bytes are stored, and the process ends."""
    now = world.clock.now()
    if (await world.now(proposal)).state is ProposalState.OPEN:
        await world.proposals.press(card_press(world.handles, proposal), now)
    await world.proposals.happened(proposal.proposal_id, ProposalEvent.STARTED, now=now, by="keel")
    consent = await world.proposals.consent(proposal.proposal_id)
    assert consent is not None
    leg = proposal.legs[0]
    assert leg.terms is not None
    ready = await world.gateway.prepare(OrderBatch(account_id=ACCOUNT, consent=consent, terms=(leg.terms,)))
    await world.proposals.leg_happened(proposal.proposal_id, 1, LegEvent.SIGNED, now=now, signed=ready)


async def test_an_order_that_adds_does_not_go_out_when_the_one_before_it_was_not_filled() -> None:
    async with trade_world() as world:
        adds = trade(Side.BUY, 0.05, "BTC-PERP", reduce_only=False, priority=2)
        reduces = trade(size_base=100.0)
        proposal = await world.proposed(hedge(reduces, adds))
        world.venue.faults.reject_orders(1, reason="not today")
        await world.press(proposal)
        ended = await world.now(proposal)
        assert [leg.state for leg in ended.legs] == [LegState.FAILED, LegState.SKIPPED]
        assert "not filled as planned" in ended.legs[1].reason
        assert await world.position("BTC-PERP") == -0.15


async def test_a_hedge_of_what_is_gone_is_asked_about_anew() -> None:
    async with trade_world() as world:
        proposal = await world.proposed(hedge(trade(Side.SELL, 0.1, "BTC-PERP", reduce_only=False)))
        (await world.venue.reach()).market_order(ACCOUNT, "SOL-PERP", Side.SELL, 250.0)
        await world.press(proposal)
        asked = await world.now(proposal)
        assert asked.state is ProposalState.OPEN
        assert "SOL-PERP 0 instead of 250" in asked.changed[0]
        assert await world.position("BTC-PERP") == -0.15


async def test_a_newer_hedge_takes_the_place_of_one_that_still_waits() -> None:
    async with trade_world() as world:
        plan = hedge(trade(Side.SELL, 0.05, "BTC-PERP", reduce_only=False))
        first, second = await world.proposed(plan), await world.proposed(plan)
        assert (await world.now(first)).state is ProposalState.CANCELLED
        assert (await world.press(first)).kind is PressKind.USED
        await world.press(second)
        assert await world.position("BTC-PERP") == pytest.approx(-0.2)


async def test_in_a_fall_what_only_reduces_goes_out_as_long_as_its_worst_price_can_be_had() -> None:
    async with trade_world(prices=still(SOL=(10, 0.996)), slippage_frac=0.01) as world:
        proposal = await world.proposed()
        world.clock.pass_s(10)
        await world.press(proposal)
        assert (await world.now(proposal)).state is ProposalState.DONE


async def test_a_stop_whose_price_was_crossed_meanwhile_is_not_placed() -> None:
    async with trade_world(prices=still(SOL=(10, 0.9))) as world:
        waits = trade(style=OrderStyle.TRIGGER_MARKET, trigger_usd=150.0, triggers_above=False)
        proposal = await world.proposed(sell(waits, purpose=Purpose.STOP))
        world.clock.pass_s(10)
        pressed = await world.press(proposal)
        ended = await world.now(proposal)
        assert ended.state is ProposalState.FAILED
        assert "would fire at once" in ended.reason
        assert pressed.proposal is not None
        assert pressed.proposal.state is ProposalState.FAILED
        assert await world.position() == 250.0


@pytest.mark.parametrize(
    ("rules", "state", "says"),
    [
        ({"enabled": False}, ProposalState.CANCELLED, "switched off"),
        ({"quorums": {"": Quorum(approvals=3, above_usd=0.0)}}, ProposalState.OPEN, "3 approvals now"),
        ({"pin_above_usd": 0.0}, ProposalState.OPEN, "a PIN now"),
        ({"daily_usd": 100.0}, ProposalState.FAILED, "24 hours"),
    ],
)
async def test_a_start_with_other_rules_holds_old_cards_to_them(
    rules: dict[str, Any], state: ProposalState, says: str
) -> None:
    async with trade_world() as world:
        proposal = await world.proposed(hedge(trade(Side.BUY, 5.0)))
        async with trade_world(store=world.store, clock=world.clock, venue=world.venue, **rules) as later:
            await later.press(proposal)
            found = await later.now(proposal)
            assert found.state is state
            assert says in f"{found.reason} {found.changed}"
            assert await later.position() == 250.0


async def standing(world: TradeWorld) -> Proposal:
    """An order that goes out under a standing approval, before anything followed from it."""
    terms = StandingTerms(
        account_id=ACCOUNT, markets=frozenset({"SOL-PERP"}), cap_usd=20_000.0,
        expires_at=world.clock.now() + timedelta(hours=8),
    )  # fmt: skip
    await world.press(await world.proposed(replace(sell(purpose=Purpose.ARM, standing=terms), trades=())))
    found = await world.desk.propose(sell(purpose=Purpose.PROTECT, requested_by=""))
    await world.execution.stop()
    assert found.proposal is not None
    return found.proposal


async def test_bytes_of_a_standing_order_are_not_sent_after_disarm() -> None:
    async with trade_world() as world:
        proposal = await standing(world)
        await signed_not_sent(world, proposal)
        await StandingApprovals(world.store).revoke("ann", world.clock.now())
        await world.reconciliation.run()
        await world.execution.idle()
        assert (await world.now(proposal)).legs[0].state is LegState.EXPIRED
        assert await world.position() == 250.0


async def test_a_standing_order_of_an_earlier_start_is_quoted_again() -> None:
    async with trade_world() as world:
        proposal = await standing(world)
        world.venue.faults.stale_oracle("SOL-PERP")
        world.clock.pass_s(90)
        await world.reconciliation.run()
        await world.execution.idle()
        assert (await world.now(proposal)).state is ProposalState.FAILED
        assert await world.position() == 250.0


async def test_what_was_agreed_to_before_a_halt_does_not_go_out_after_it_was_lifted() -> None:
    async with trade_world() as world:
        proposal = await world.proposed()
        await signed_not_sent(world, proposal)
        states = TradingStates(world.store)
        await states.set(TradingState.HALTED, by="ann", reason="stop", now=world.clock.now())
        world.clock.pass_s(1)
        await states.set(TradingState.ACTIVE, by="ann", reason="", now=world.clock.now())
        await world.reconciliation.run()
        await world.execution.idle()
        ended = await world.now(proposal)
        assert ended.legs[0].state is LegState.EXPIRED
        assert await world.position() == 250.0


async def test_an_order_that_comes_to_rest_after_a_halt_is_cancelled() -> None:
    async with trade_world() as world:
        waits = trade(style=OrderStyle.TRIGGER_MARKET, trigger_usd=150.0, triggers_above=False)
        proposal = await world.proposed(sell(waits, purpose=Purpose.STOP))
        world.venue.faults.late_orders(5)
        await world.desk.press(card_press(world.handles, proposal))
        await world.halting.halt(by="ann", reason="stop")
        await world.execution.idle()
        await world.halting.look()
        open_now = await world.gateway.open_orders(ACCOUNT)
        assert not [one for one in open_now if one.trigger_price_usd]


async def test_nothing_new_is_begun_while_earlier_orders_are_unknown() -> None:
    async with trade_world() as world:
        unknown, waiting = await world.proposed(), await world.proposed(sell(trade(size_base=30.0)))
        await signed_not_sent(world, unknown)
        await world.proposals.press(card_press(world.handles, waiting), world.clock.now())
        world.venue.faults.down()
        assert (await world.reconciliation.run()).unknown
        await world.clock.sleep(1)
        assert (await world.now(waiting)).state is ProposalState.APPROVED
        world.venue.faults.clear()
        await world.reconciliation.again()
        await world.execution.idle()
        assert (await world.now(waiting)).state is ProposalState.DONE
        assert await world.position() == 170.0


async def test_two_plans_that_add_are_judged_one_after_the_other() -> None:
    async with trade_world() as world:
        await Accounts(world.store).save_limits(ACCOUNT, replace(GENEROUS, max_portfolio_leverage=9.6))
        plans = [await world.proposed(sell(trade(Side.BUY, 10.0))) for _ in range(3)]
        for one in plans:
            await world.proposals.press(card_press(world.handles, one), world.clock.now())
            world.execution.start(one.proposal_id)
        await world.execution.idle()
        states = [(await world.now(one)).state for one in plans]
        assert states.count(ProposalState.DONE) >= 1
        summary = (await world.desk.propose(sell(trade(size_base=0.01)))).proposal
        assert summary is not None
        assert summary.effect is not None
        assert summary.effect.leverage_before <= 9.6


async def test_a_plan_that_only_reduces_goes_on_without_a_market_that_was_paused_meanwhile() -> None:
    async with trade_world() as world:
        proposal = await world.proposed(
            sell(trade(size_base=50.0), trade(market="ETH-PERP", size_base=5.0, priority=2), purpose=Purpose.FLATTEN)
        )
        world.venue.faults.pause_market("ETH-PERP")
        await world.press(proposal)
        asked = await world.now(proposal)
        assert asked.state is ProposalState.OPEN
        assert "1 of 2 orders are left" in asked.changed[0]
        await world.press(asked)
        assert await world.position() == 200.0


async def test_with_only_reducing_allowed_a_plan_is_proposed_without_what_adds() -> None:
    async with trade_world(reduce_only=True) as world:
        found = await world.proposed(hedge(trade(size_base=50.0), trade(Side.BUY, 0.3, "BTC-PERP", reduce_only=False)))
        assert [leg.terms.market for leg in found.legs if leg.terms] == ["SOL-PERP"]
        assert any("TRADING_REDUCE_ONLY=false" in note for note in found.notes)


async def test_a_cap_counts_only_what_adds_and_a_sell_at_what_it_may_fetch() -> None:
    async with trade_world(daily_usd=10_000.0, slippage_frac=0.1) as world:
        await world.proposed(sell(trade(size_base=200.0)))
        refused = await world.desk.propose(hedge(trade(Side.SELL, 0.105, "BTC-PERP", reduce_only=False)))
        assert refused.refusal is not None
        assert "24 hours" in refused.refusal.reason


async def test_bytes_that_are_gone_with_a_doubt_are_never_signed_anew() -> None:
    def wrap(gateway: OrderGateway) -> OrderGateway:
        return cast("OrderGateway", _Doubtful(gateway))

    async with trade_world(through=wrap) as world:
        proposal = await world.proposed()
        await world.press(proposal)
        leg = (await world.now(proposal)).legs[0]
        assert leg.state is LegState.EXPIRED
        assert leg.attempt == 1
        assert leg.reason == "look at the venue"


class _Doubtful:
    """A gateway whose bytes vanish, and perhaps did not."""

    def __init__(self, gateway: OrderGateway) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    async def fate(self, signed: Any) -> Fate:
        return Fate(kind=FateKind.GONE, reason="look at the venue")
