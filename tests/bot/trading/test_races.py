"""What happens when two things happen at the same moment."""

import asyncio
from typing import Any

import pytest

from risk.decisions.proposals import LegEvent
from risk.model.proposal import LegState, ProposalState
from risk.model.trading import OrderBatch, Signed
from risk.trade_ports import OrderGateway
from storage import AuditAction, CardAction, DiskFull, PressKind, ProposalOutdated, Proposals
from tests.support.trade_world import card_press, sell, trade, trade_world


class SameBytes:
    """A venue that dates two equal orders with the same block, and so makes the same bytes of them."""

    def __init__(self, inner: OrderGateway) -> None:
        self._inner, self._first = inner, list[Signed]()
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def prepare(self, batch: OrderBatch) -> Signed:
        self.asked += 1
        if self.asked == 2:
            return self._first[0]
        signed = await self._inner.prepare(batch)
        self._first.append(signed)
        return signed


async def test_an_order_that_comes_out_as_the_bytes_of_one_before_it_is_signed_again() -> None:
    gateways: list[SameBytes] = []

    def through(inner: OrderGateway) -> Any:
        gateways.append(SameBytes(inner))
        return gateways[0]

    async with trade_world(through=through) as world:
        proposal = await world.proposed(sell(trade(size_base=10.0), trade(size_base=10.0, priority=2)))
        await world.press(proposal)
        ended = await world.now(proposal)
        assert ended.state is ProposalState.DONE
        assert [leg.attempt for leg in ended.legs] == [1, 1]
        assert await world.position() == 230.0
        assert gateways[0].asked == 3


async def test_a_halt_that_meets_an_order_just_begun_goes_on_to_the_end() -> None:
    async with trade_world() as world:
        first, second = await world.proposed(), await world.proposed(sell(trade(size_base=5.0)))
        begun = await world.desk.press(card_press(world.handles, first))
        assert begun.kind is PressKind.APPROVED
        await world.halting.halt(by="bob", reason="stop")
        await world.execution.idle()
        assert (await world.now(second)).state is ProposalState.CANCELLED
        assert (await world.now(first)).state in (ProposalState.CANCELLED, ProposalState.FAILED, ProposalState.DONE)


async def test_what_is_under_way_cannot_be_taken_back_and_says_so() -> None:
    async with trade_world() as world:
        proposal = await world.proposed()
        await world.press(proposal)
        with pytest.raises(ProposalOutdated, match="has gone on"):
            await world.desk.cancel(proposal.proposal_id, by="ann", reason="too late")


@pytest.mark.parametrize(
    ("other", "kind", "state", "held"),
    [
        (CardAction.CONFIRM, PressKind.USED, ProposalState.DONE, 200.0),
        (CardAction.CANCEL, PressKind.USED, ProposalState.CANCELLED, 250.0),
        (CardAction.HALF, PressKind.SUPERSEDED, ProposalState.OPEN, 250.0),
    ],
)
async def test_a_half_that_is_overtaken_while_it_is_quoted_changes_nothing(
    other: CardAction, kind: PressKind, state: ProposalState, held: float
) -> None:
    async with trade_world() as world:
        proposal = await world.proposed()
        late, winner = await asyncio.gather(
            world.desk.press(card_press(world.handles, proposal, CardAction.HALF)),
            world.desk.press(card_press(world.handles, proposal, other, by="bob")),
        )
        await world.execution.idle()
        if other is CardAction.HALF:
            ended = await world.now(proposal)
            revised = [one async for one in world.audit.all() if one.action is AuditAction.REVISED]
            assert len(revised) == 1
            assert {late.kind, winner.kind} == {PressKind.HALVE, PressKind.SUPERSEDED}
        else:
            assert late.kind is kind
            ended = await world.now(proposal)
        assert ended.state is state
        assert await world.position() == held
        assert all(leg.state is not LegState.SIGNED for leg in ended.legs)


async def test_what_was_left_in_the_middle_goes_on_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    async with trade_world() as world:
        await world.reconciliation.run()
        proposal = await world.proposed()
        whole = Proposals.leg_happened
        failures = iter([True])

        async def full(self: Proposals, proposal_id: str, number: int, event: LegEvent, **more: Any) -> Any:
            if event is LegEvent.SENT and next(failures, False):
                raise DiskFull("The disk is full; make room.")
            return await whole(self, proposal_id, number, event, **more)

        monkeypatch.setattr(Proposals, "leg_happened", full)
        await world.press(proposal)
        assert (await world.now(proposal)).state is ProposalState.EXECUTING
        await world.execution.resume()
        await world.execution.idle()
        ended = await world.now(proposal)
        assert ended.state is ProposalState.DONE
        assert ended.legs[0].attempt == 1
        assert await world.position() == 200.0
