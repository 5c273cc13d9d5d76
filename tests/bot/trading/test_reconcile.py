"""What a start does with orders of an earlier life, before anybody may ask for another."""

from dataclasses import replace
from typing import Any, cast

import pytest

from risk.decisions.proposals import LegEvent, ProposalEvent
from risk.decisions.tiers import Tier
from risk.model.proposal import LegState, Proposal, ProposalState, Purpose
from risk.model.trading import Fate, FateKind, OrderBatch, OrderStyle, TradingState
from risk.trade_ports import OrderGateway
from storage import Store, TradingStates
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.trade_world import ASKED_AT, TradeWorld, card_press, sell, trade, trade_world


class Through:
    """A gateway with some answers replaced."""

    def __init__(self, gateway: OrderGateway) -> None:
        self._gateway = gateway
        self.fates: list[Fate] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    async def fate(self, signed: Any) -> Fate:
        return self.fates.pop(0) if self.fates else await self._gateway.fate(signed)


async def approved(world: TradeWorld) -> Proposal:
    """Somebody pressed, and the process died before anything followed from it."""
    proposal = await world.proposed()
    pressed = await world.proposals.press(card_press(world.handles, proposal), world.clock.now())
    assert pressed.proposal is not None
    return pressed.proposal


async def signed(world: TradeWorld, *, sent: bool) -> Proposal:
    """It died with the bytes stored, and sent or not."""
    proposal = await approved(world)
    now = world.clock.now()
    await world.proposals.happened(proposal.proposal_id, ProposalEvent.STARTED, now=now, by="keel")
    consent = await world.proposals.consent(proposal.proposal_id)
    assert consent is not None
    terms = proposal.legs[0].terms
    assert terms is not None
    batch = OrderBatch(account_id=proposal.account_id, consent=consent, terms=(terms,))
    ready = await world.gateway.prepare(batch)
    found = await world.proposals.leg_happened(proposal.proposal_id, 1, LegEvent.SIGNED, now=now, signed=ready)
    if sent:
        await world.gateway.send(ready)
    return found


async def test_an_approval_of_a_moment_ago_goes_on() -> None:
    async with trade_world() as world:
        proposal = await approved(world)
        found = await world.reconciliation.run()
        await world.execution.idle()
        assert found.resumed == (proposal.proposal_id,)
        assert (await world.now(proposal)).state is ProposalState.DONE
        assert await world.position() == 200.0


async def test_an_approval_that_is_too_old_ends_with_a_report_and_sends_nothing() -> None:
    async with trade_world() as world:
        proposal = await approved(world)
        world.clock.pass_s(world.rules.valid_s + world.rules.execution_s + 1)
        await world.reconciliation.run()
        await world.execution.idle()
        ended = await world.now(proposal)
        assert ended.state is ProposalState.EXPIRED
        assert "time ran out" in ended.reason
        assert await world.position() == 250.0


@pytest.mark.parametrize("sent", [True, False])
async def test_bytes_that_may_be_out_there_have_one_effect(sent: bool, figure: Gauge) -> None:
    async with trade_world() as world:
        proposal = await signed(world, sent=sent)
        await world.reconciliation.run()
        await world.execution.idle()
        ended = await world.now(proposal)
        assert ended.state is ProposalState.DONE
        assert ended.legs[0].attempt == 1
        assert await world.position() == 200.0
        figure(Measure.LOST, ended.state is not ProposalState.DONE)
        figure(Measure.DUPLICATES, (250.0 - await world.position()) / 50.0 - 1)
        figure(Measure.ATTEMPTS, ended.legs[0].attempt)


async def test_bytes_are_not_sent_after_a_halt_but_followed_to_their_end() -> None:
    async with trade_world() as world:
        proposal = await signed(world, sent=False)
        await TradingStates(world.store).set(TradingState.HALTED, by="ann", reason="stop", now=world.clock.now())
        await world.reconciliation.run()
        await world.execution.idle()
        ended = await world.now(proposal)
        assert ended.legs[0].state is LegState.EXPIRED
        assert "halted" in ended.legs[0].reason
        assert await world.position() == 250.0


async def test_nothing_is_proposed_before_everything_is_known() -> None:
    async with trade_world() as world:
        await signed(world, sent=True)
        world.venue.faults.down()
        found = await world.reconciliation.run()
        assert found.unknown
        refused = await world.desk.propose(sell(), place=ASKED_AT)
        assert refused.refusal is not None
        assert "earlier orders" in refused.refusal.reason
        world.venue.faults.clear()
        await world.reconciliation.again()
        await world.execution.idle()
        assert (await world.desk.propose(sell(), place=ASKED_AT)).proposal is not None


async def test_an_order_that_was_given_up_and_landed_halts_trading_and_is_told(figure: Gauge) -> None:
    through: list[Through] = []

    def wrap(gateway: OrderGateway) -> OrderGateway:
        through.append(Through(gateway))
        return cast("OrderGateway", through[0])

    async with trade_world(through=wrap) as world:
        proposal = await signed(world, sent=True)
        # A node that knows nothing of it, and says so.
        through[0].fates = [Fate(kind=FateKind.GONE)]
        world.clock.pass_s(world.rules.valid_s + world.rules.execution_s + 1)
        await world.execution.work(proposal.proposal_id)
        assert (await world.now(proposal)).legs[0].state is LegState.EXPIRED

        found = await world.reconciliation.run()

        assert "went out all the same" in found.mismatches[0]
        assert (await TradingStates(world.store).get()).state is TradingState.HALTED
        assert [finding.tier for finding in world.findings] == [Tier.CRITICAL]
        figure(Measure.LOST, 1 - len(found.mismatches))
        figure(Measure.DUPLICATES, (250.0 - await world.position()) / 50.0 - 1)


async def test_a_resting_order_that_is_not_what_was_agreed_to_halts_trading() -> None:
    async with trade_world() as world:
        waits = trade(style=OrderStyle.TRIGGER_MARKET, trigger_usd=150.0, triggers_above=False)
        await world.press(await world.proposed(sell(waits, purpose=Purpose.STOP)))
        assert (await world.reconciliation.run()).mismatches == ()
        account = (await world.venue.reach()).world.accounts["demo-0"]
        order_id = max(account.orders)
        account.orders[order_id] = replace(account.orders[order_id], remaining_1e9=90 * 10**9)
        assert "larger than was agreed to" in (await world.reconciliation.run()).mismatches[0]


async def test_a_second_life_on_the_same_file_takes_over(tmp_path: Any) -> None:
    async with await Store.open(tmp_path / "keel.sqlite3") as store, trade_world(store=store) as first:
        proposal = await signed(first, sent=True)
        await first.execution.stop()
        async with trade_world(store=store, clock=first.clock, venue=first.venue) as second:
            await second.reconciliation.run()
            await second.execution.idle()
            assert (await second.now(proposal)).state is ProposalState.DONE
            assert await second.position() == 200.0
