"""The trade desk: from a plan to a fill that somebody agreed to, and every reason why not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from risk.model.account import Side
from risk.model.limits import RiskLimits
from risk.model.proposal import LegState, ProposalState, Purpose, StandingTerms, TradePlan
from risk.model.trading import OrderStyle, TradingState
from storage import (
    EVERYTHING,
    NO_ACCESS,
    Accounts,
    AuditAction,
    CardAction,
    PressKind,
    StandingApprovals,
    TradingStates,
)
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.bot_world import GENEROUS
from tests.support.trade_world import ACCOUNT, ASKED_AT, TradeWorld, sell, still, trade, trade_world


async def test_a_confirmed_plan_is_filled_and_every_step_is_written_down() -> None:
    async with trade_world() as world:
        proposal = await world.proposed()
        assert await world.position() == 250.0

        pressed = await world.press(proposal)

        done = await world.now(proposal)
        assert pressed.kind is PressKind.APPROVED
        assert done.state is ProposalState.DONE
        assert await world.position() == 200.0
        assert done.legs[0].filled_raw_1e9 == 50 * 10**9
        steps = [entry.action for entry in await world.audit.entries(20)][::-1]
        assert steps == [
            AuditAction.PROPOSED, AuditAction.VOTED, AuditAction.APPROVED, AuditAction.STARTED,
            AuditAction.LEG_SIGNED, AuditAction.LEG_SENT, AuditAction.LEG_LANDED, AuditAction.LEG_FILLED,
            AuditAction.COMPLETED,
        ]  # fmt: skip
        assert (await world.audit.verify()).ok


async def test_nothing_goes_out_without_a_press() -> None:
    async with trade_world() as world:
        await world.proposed()
        world.clock.pass_s(30)
        await world.desk.expire()
        await world.execution.idle()
        assert await world.position() == 250.0
        assert not [one for one in await world.audit.entries(20) if one.action is AuditAction.LEG_SIGNED]


async def test_health_rises_as_the_card_says() -> None:
    async with trade_world() as world:
        proposal = await world.proposed(sell(trade(size_base=200.0)))
        assert proposal.effect is not None
        await world.press(proposal)
        after = (await world.desk.propose(sell(trade(size_base=0.01)), place=ASKED_AT)).proposal
        assert after is not None
        assert after.effect is not None
        assert after.effect.health_ratio_before == pytest.approx(proposal.effect.health_ratio_after, rel=1e-3)


async def test_a_card_that_nobody_pressed_expires() -> None:
    async with trade_world() as world:
        proposal = await world.proposed()
        world.clock.pass_s(world.rules.valid_s + 1)
        pressed = await world.press(proposal)
        await world.desk.expire()
        assert pressed.kind is PressKind.EXPIRED
        assert (await world.now(proposal)).state is ProposalState.EXPIRED
        assert await world.position() == 250.0


async def test_a_second_press_has_no_second_effect() -> None:
    async with trade_world() as world:
        proposal = await world.proposed()
        await world.press(proposal)
        again = await world.press(proposal, by="bob")
        assert again.kind is PressKind.USED
        assert await world.position() == 200.0


async def test_somebody_without_the_role_presses_in_vain() -> None:
    async with trade_world() as world:
        pressed = await world.press(await world.proposed(), access=NO_ACCESS)
        assert pressed.kind is PressKind.NOT_ALLOWED
        assert await world.position() == 250.0


async def test_half_asks_again_and_is_confirmed_by_itself() -> None:
    async with trade_world() as world:
        proposal = await world.proposed()
        halved = await world.press(proposal, CardAction.HALF)
        assert halved.proposal is not None
        assert halved.proposal.revision == 2
        assert await world.position() == 250.0
        assert (await world.press(proposal)).kind is PressKind.SUPERSEDED
        await world.press(halved.proposal)
        assert await world.position() == 225.0


async def test_a_price_that_moved_is_asked_about_again(figure: Gauge) -> None:
    async with trade_world(prices=still(SOL=(10, 0.98))) as world:
        proposal = await world.proposed()
        world.clock.pass_s(10)
        await world.press(proposal)
        asked = await world.now(proposal)
        assert asked.state is ProposalState.OPEN
        assert asked.revision == 2
        assert "instead of" in asked.changed[0]
        assert not asked.votes
        assert await world.position() == 250.0
        figure(Measure.UNAPPROVED, 250.0 - await world.position())
        figure(Measure.ASKED_AGAIN, asked.revision - proposal.revision)
        await world.press(asked)
        assert await world.position() == 200.0


async def test_a_price_that_moved_in_favour_goes_out_as_agreed() -> None:
    async with trade_world(prices=still(SOL=(10, 1.02))) as world:
        proposal = await world.proposed()
        world.clock.pass_s(10)
        await world.press(proposal)
        assert (await world.now(proposal)).state is ProposalState.DONE
        assert (await world.now(proposal)).legs[0].terms == proposal.legs[0].terms


async def test_a_position_that_shrank_meanwhile_is_asked_about_again() -> None:
    async with trade_world() as world:
        proposal = await world.proposed(sell(trade(size_base=250.0)))
        (await world.venue.reach()).market_order(ACCOUNT, "SOL-PERP", Side.SELL, 100.0)
        await world.press(proposal)
        asked = await world.now(proposal)
        assert asked.state is ProposalState.OPEN
        assert asked.legs[0].terms is not None
        assert asked.legs[0].terms.size_base == 150.0


async def test_two_must_agree_above_a_notional() -> None:
    from bot.trading.rules import Quorum

    async with trade_world(quorums={"": Quorum(approvals=2, above_usd=1_000.0)}) as world:
        proposal = await world.proposed()
        assert proposal.approvals_needed == 2
        assert (await world.press(proposal, by="ann")).kind is PressKind.VOTED
        assert (await world.press(proposal, by="ann")).kind is PressKind.ALREADY_VOTED
        assert await world.position() == 250.0
        assert (await world.press(proposal, by="bob")).kind is PressKind.APPROVED
        assert await world.position() == 200.0


@pytest.mark.parametrize(
    ("plan", "changes", "says"),
    [
        (sell(trade(size_base=0.001)), {}, "smallest"),
        (sell(trade(market="ETH-PERP", side=Side.BUY, reduce_only=True)), {}, "no ETH-PERP is held"),
        (sell(), {"enabled": False}, "TRADING_ENABLED=true"),
        (sell(trade(Side.BUY, 10.0)), {"reduce_only": True}, "TRADING_REDUCE_ONLY=false"),
        (sell(trade(Side.BUY, 100.0)), {"max_order_usd": 10_000.0}, "TRADING_MAX_ORDER_USD"),
        (sell(trade(Side.BUY, 10.0)), {"daily_usd": 1_000.0}, "is left of $1,000"),
        (sell(trade(Side.BUY, 500.0)), {}, "SOL-PERP"),
    ],
)
async def test_what_may_not_be_is_refused_with_what_would_work(
    plan: TradePlan, changes: dict[str, Any], says: str
) -> None:
    async with trade_world(**changes) as world:
        found = await world.desk.propose(plan, place=ASKED_AT)
        assert found.proposal is None
        assert found.refusal is not None
        assert says in f"{found.refusal.reason} {found.refusal.nearest}"
        assert not await world.proposals.open()


async def test_a_limit_that_would_not_hold_is_named_with_the_share_that_would() -> None:
    async with trade_world() as world:
        await Accounts(world.store).save_limits(ACCOUNT, RiskLimits(
            max_portfolio_leverage=11.0, max_position_size_usd=1e9, max_position_size_percent=99.0,
            max_correlation_exposure=1.0, max_var_1d_percent=1.0, min_health_ratio=100.0, max_drawdown_percent=1.0,
        ))  # fmt: skip
        found = await world.desk.propose(sell(trade(Side.BUY, 200.0)), place=ASKED_AT)
        assert found.refusal is not None
        assert "max_portfolio_leverage" in found.refusal.reason
        assert "of it would" in found.refusal.nearest


async def test_limits_that_changed_between_card_and_press_hold_at_the_press() -> None:
    async with trade_world() as world:
        proposal = await world.proposed(sell(trade(Side.BUY, 10.0)))
        await Accounts(world.store).save_limits(ACCOUNT, replace(GENEROUS, max_position_size_usd=10_000.0))
        await world.press(proposal)
        assert (await world.now(proposal)).state is ProposalState.FAILED
        assert "max_position_size_usd" in (await world.now(proposal)).reason
        assert await world.position() == 250.0


async def test_a_plan_of_several_trades_reports_exactly_which_went_out() -> None:
    async with trade_world() as world:
        plan = sell(trade(size_base=50.0), trade(market="ETH-PERP", size_base=5.0, priority=2), purpose=Purpose.FLATTEN)
        proposal = await world.proposed(plan)
        world.venue.faults.reject_orders(1, reason="the first is refused")
        await world.press(proposal)
        ended = await world.now(proposal)
        assert [leg.state for leg in ended.legs] == [LegState.FAILED, LegState.FILLED]
        assert ended.state is ProposalState.PARTIAL
        assert "the first is refused" in ended.legs[0].reason
        assert await world.position() == 250.0
        assert await world.position("ETH-PERP") == 6.0


async def test_a_lost_answer_is_looked_up_and_never_signed_again(figure: Gauge) -> None:
    async with trade_world() as world:
        proposal = await world.proposed()
        world.venue.faults.lose_answers(1)
        await world.press(proposal)
        ended = await world.now(proposal)
        assert ended.state is ProposalState.DONE
        assert ended.legs[0].attempt == 1
        assert await world.position() == 200.0
        figure(Measure.LOST, ended.state is not ProposalState.DONE)
        figure(Measure.DUPLICATES, (250.0 - await world.position()) / 50.0 - 1)
        figure(Measure.ATTEMPTS, ended.legs[0].attempt)


async def test_what_never_arrived_is_signed_anew_only_when_it_cannot_arrive_any_more(figure: Gauge) -> None:
    async with trade_world(execution_s=300.0) as world:
        proposal = await world.proposed()
        world.venue.faults.drop_orders(40)
        await world.press(proposal)
        ended = await world.now(proposal)
        attempts = {AuditAction.LEG_SIGNED, AuditAction.LEG_GONE}
        told = [one.action for one in await world.audit.entries(30) if one.action in attempts][::-1]
        assert told == [AuditAction.LEG_SIGNED, AuditAction.LEG_GONE, AuditAction.LEG_SIGNED]
        assert ended.state is ProposalState.DONE
        assert await world.position() == 200.0
        figure(Measure.ATTEMPTS, told.count(AuditAction.LEG_SIGNED))
        figure(Measure.SIGNED_EARLY, told.count(AuditAction.LEG_SIGNED) - 1 - told.count(AuditAction.LEG_GONE))
        figure(Measure.LOST, ended.state is not ProposalState.DONE)
        figure(Measure.DUPLICATES, (250.0 - await world.position()) / 50.0 - 1)


async def test_halt_stops_what_waits_and_what_rests() -> None:
    async with trade_world() as world:
        stop = sell(
            trade(style=OrderStyle.TRIGGER_MARKET, trigger_usd=150.0, triggers_above=False), purpose=Purpose.STOP
        )
        await world.press(await world.proposed(stop))
        waiting = await world.proposed()
        halted = await world.halting.halt(by="ann", reason="enough")
        assert halted.proposals == (waiting.proposal_id,)
        assert len(halted.cancelled) == 1
        assert not halted.left
        assert (await world.press(waiting)).kind is PressKind.USED
        refused = await world.desk.propose(sell(), place=ASKED_AT)
        assert refused.refusal is not None
        assert "halted: enough" in refused.refusal.reason
        await world.halting.resume(by="ann")
        assert (await world.desk.propose(sell(), place=ASKED_AT)).proposal is not None


async def test_while_reducing_only_what_reduces_is_proposed() -> None:
    async with trade_world() as world:
        await TradingStates(world.store).set(TradingState.REDUCING, by="ann", reason="careful", now=world.clock.now())
        assert (await world.desk.propose(sell(trade(Side.BUY, 1.0)), place=ASKED_AT)).refusal is not None
        assert (await world.desk.propose(sell(), place=ASKED_AT)).proposal is not None


async def armed(world: TradeWorld, cap_usd: float = 20_000.0) -> None:
    terms = StandingTerms(
        account_id=ACCOUNT, markets=frozenset({"SOL-PERP"}), cap_usd=cap_usd,
        expires_at=world.clock.now() + timedelta(hours=8),
    )  # fmt: skip
    plan = sell(purpose=Purpose.ARM, title="Allow protection", standing=terms)
    proposal = await world.proposed(replace(plan, trades=()))
    assert await StandingApprovals(world.store).active(world.clock.now()) == ()
    await world.press(proposal)
    assert (await world.now(proposal)).state is ProposalState.DONE


async def test_within_a_standing_approval_protection_acts_without_another_press() -> None:
    async with trade_world() as world:
        await armed(world)
        plan = sell(purpose=Purpose.PROTECT, requested_by="")
        found = await world.desk.propose(plan)
        await world.execution.idle()
        assert found.proposal is not None
        assert found.proposal.standing_id == "S1"
        assert await world.position() == 200.0


@pytest.mark.parametrize(
    "plan",
    [
        sell(purpose=Purpose.CLOSE, requested_by=""),
        sell(purpose=Purpose.PROTECT, requested_by="ann"),
        sell(trade(Side.BUY, 1.0), purpose=Purpose.PROTECT, requested_by=""),
        sell(trade(market="ETH-PERP", size_base=1.0), purpose=Purpose.PROTECT, requested_by=""),
    ],
)
async def test_what_a_standing_approval_does_not_cover_waits_for_a_press(plan: TradePlan) -> None:
    async with trade_world() as world:
        await armed(world)
        found = await world.desk.propose(plan)
        await world.execution.idle()
        assert found.proposal is not None
        assert found.proposal.state is ProposalState.OPEN
        assert await world.position() == 250.0


async def test_a_disarmed_approval_covers_nothing_more() -> None:
    async with trade_world() as world:
        await armed(world)
        assert await StandingApprovals(world.store).revoke("ann", world.clock.now()) == 1
        found = await world.desk.propose(sell(purpose=Purpose.PROTECT, requested_by=""))
        assert found.proposal is not None
        assert found.proposal.state is ProposalState.OPEN


async def test_a_card_of_one_chat_is_worth_nothing_in_another() -> None:
    from storage import CardPlace
    from tests.support.trade_world import card_press

    async with trade_world() as world:
        proposal = await world.proposed()
        press = card_press(world.handles, proposal, access=EVERYTHING)
        pressed = await world.desk.press(replace(press, chat="elsewhere"))
        forged = card_press(world.handles, proposal, place=CardPlace(transport="console", chat="elsewhere"))
        assert pressed.kind is PressKind.FOREIGN
        assert (await world.desk.press(forged)).kind is PressKind.FOREIGN
