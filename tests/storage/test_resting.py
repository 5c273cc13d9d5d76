"""Orders that rest: known until somebody says how they ended, once."""

import pytest

from risk.decisions.proposals import LegEvent
from risk.model.proposal import Purpose
from risk.model.trading import PlacedOrder
from storage import AuditAction, Resting, RestingEnd, Store
from tests.storage.builders import NOW, after
from tests.storage.trading_builders import Desk, make_draft, make_legs, make_stop


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk.over(store)


async def rest(desk: Desk, *, order_id: int | None = 12, signature: str = "sig-1") -> None:
    proposal = await desk.executing(make_draft(legs=make_legs(make_stop()), purpose=Purpose.STOP))
    await desk.leg(proposal, LegEvent.SIGNED, LegEvent.SENT, LegEvent.LANDED, signature=signature)
    placed = PlacedOrder(order_id=order_id, filled_raw_1e9=0, open=True)
    await desk.proposals.leg_happened(proposal.proposal_id, 1, LegEvent.RESTS, now=NOW, placed=placed)


async def test_an_order_rests_until_it_ends_and_ends_once(desk: Desk) -> None:
    await rest(desk)
    resting = Resting(desk.store)
    (order,) = await resting.standing()
    placed = PlacedOrder(order_id=12, filled_raw_1e9=2_000_000_000, open=False)

    assert await resting.ended(order.row_id, RestingEnd.FILLED, after(5), "Triggered.", placed)
    assert not await resting.ended(order.row_id, RestingEnd.CANCELLED, after(6))
    assert await resting.standing("main") == ()
    (ended,) = await resting.recent("main", 5)
    assert (ended.ended_how, ended.ended_at, ended.reason, ended.filled_raw_1e9) == (
        RestingEnd.FILLED, after(5), "Triggered.", 2_000_000_000,
    )  # fmt: skip
    assert (await desk.audited())[-1] is AuditAction.RESTING_ENDED


async def test_what_is_learned_later_is_kept(desk: Desk) -> None:
    await rest(desk, order_id=None)
    resting = Resting(desk.store)
    (order,) = await resting.standing("main")
    assert order.order_id is None
    await resting.seen(order.row_id, PlacedOrder(order_id=30, filled_raw_1e9=5, open=True))
    await resting.seen(order.row_id, PlacedOrder(order_id=None, filled_raw_1e9=6, open=True))
    (order,) = await resting.standing("main")
    assert (order.order_id, order.filled_raw_1e9) == (30, 6)


async def test_each_account_has_its_own(desk: Desk) -> None:
    await rest(desk)
    await rest(desk, order_id=13, signature="sig-2")
    assert await Resting(desk.store).standing("hedge") == ()
    assert [order.order_id for order in await Resting(desk.store).standing("main")] == [12, 13]
    assert [order.order_id for order in await Resting(desk.store).recent("main", 1)] == [13]


async def test_the_card_of_an_order_that_ended_is_to_be_shown_again(desk: Desk) -> None:
    await rest(desk)
    (card,) = await desk.cards.stale()
    await desk.cards.shown(card.card_key, message_id="7", fingerprint="rests", now=NOW, changes=card.changes)
    assert await desk.cards.stale() == ()
    await Resting(desk.store).ended(1, RestingEnd.VANISHED, after(5))
    assert len(await desk.cards.stale()) == 1


async def test_an_order_nobody_knows_did_not_end(desk: Desk) -> None:
    assert not await Resting(desk.store).ended(99, RestingEnd.FILLED, NOW)
