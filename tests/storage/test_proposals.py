"""Proposals: stored whole, moved by the tables alone, explained in the same transaction, and never sent twice."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from risk.decisions.proposals import IllegalTransition, LegEvent, ProposalEvent
from risk.model.proposal import Leg, LegState, Proposal, ProposalState, Purpose
from risk.model.trading import ConsentKind, NotConsented, OrderBatch, PlacedOrder, TradingState, digest_of
from storage import AuditAction, CardAction, ProposalOutdated, Proposals, Resting, SignedBefore, Store, TradingStates
from storage.errors import StorageDefect
from tests.storage.builders import NOW, after
from tests.storage.trading_builders import (
    EFFECT,
    Desk,
    make_draft,
    make_legs,
    make_signed,
    make_stop,
    make_terms,
)

_A = AuditAction
LANDED = (LegEvent.SIGNED, LegEvent.SENT, LegEvent.LANDED)


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk.over(store)


def filled(*, order_id: int | None = 4, size: int = 2_000_000_000) -> PlacedOrder:
    return PlacedOrder(
        order_id=order_id, filled_raw_1e9=size, open=False, quote_raw_1e6=300_400_000, fee_raw_1e6=90_000
    )


async def test_a_proposal_comes_back_as_it_was_put(desk: Desk) -> None:
    draft = make_draft(legs=make_legs(make_terms(), make_stop(), cancels=(7, 3)))
    stored = await desk.put(draft)

    assert stored == replace(draft, proposal_id="P1")
    assert await desk.proposals.get("P1") == stored
    assert stored.effect == EFFECT
    assert digest_of([make_stop()]) == digest_of([stored.legs[1].terms or make_terms()])


async def test_proposals_are_numbered_and_an_unknown_id_is_nobody(desk: Desk) -> None:
    assert [(await desk.put()).proposal_id for _ in range(3)] == ["P1", "P2", "P3"]
    for unknown in ("P4", "P0", "P01", "p1", "1", "", "P1'--", "P²", "P99999999999999999999"):
        assert await desk.proposals.get(unknown) is None


async def test_the_latest_of_some_accounts_come_first(desk: Desk) -> None:
    for _ in range(3):
        await desk.put()
    assert [one.proposal_id for one in await desk.proposals.recent(["main"], 2)] == ["P3", "P2"]
    assert await desk.proposals.recent(["hedge"], 2) == ()


async def test_a_trade_from_proposal_to_fill_leaves_an_audit_row_for_every_step(desk: Desk) -> None:
    started = await desk.executing()
    await desk.leg(started, *LANDED)
    done = await desk.proposals.leg_happened("P1", 1, LegEvent.FILLED, now=after(9), placed=filled())

    assert (done.state, done.finished_at) == (ProposalState.DONE, after(9))
    leg = done.legs[0]
    assert (leg.state, leg.order_id, leg.filled_raw_1e9, leg.quote_raw_1e6) == (
        LegState.FILLED, 4, 2_000_000_000, 300_400_000,
    )  # fmt: skip
    assert await desk.audited() == [
        _A.PROPOSED, _A.VOTED, _A.APPROVED, _A.STARTED, _A.LEG_SIGNED, _A.LEG_SENT, _A.LEG_LANDED, _A.LEG_FILLED,
        _A.COMPLETED,
    ]  # fmt: skip
    assert await desk.proposals.unfinished() == ()


async def test_signed_bytes_are_there_before_anything_is_sent_and_survive_a_restart(desk: Desk) -> None:
    await desk.leg(await desk.executing(), LegEvent.SIGNED)
    (found,) = await Proposals(desk.store).unfinished()

    assert found.legs[0].signed == make_signed()
    assert (found.legs[0].state, found.legs[0].attempt) == (LegState.SIGNED, 1)


async def test_every_attempt_is_kept_and_the_latest_is_what_counts(desk: Desk) -> None:
    proposal = await desk.leg(await desk.executing(), LegEvent.SIGNED, LegEvent.SENT, LegEvent.GONE)
    assert proposal.legs[0].state is LegState.PLANNED
    proposal = await desk.leg(proposal, LegEvent.SIGNED, signature="sig-2")

    assert (proposal.legs[0].attempt, proposal.legs[0].signed) == (2, make_signed("sig-2"))
    attempts = await desk.store.run(
        lambda db: db.execute("SELECT attempt, signature, fate FROM leg_attempts ORDER BY attempt").fetchall()
    )
    assert attempts == [(1, "sig-1", "gone"), (2, "sig-2", "pending")]


async def test_a_leg_is_not_signed_twice(desk: Desk) -> None:
    proposal = await desk.leg(await desk.executing(), LegEvent.SIGNED)
    with pytest.raises(IllegalTransition):
        await desk.leg(proposal, LegEvent.SIGNED, signature="sig-2")
    proposal = await desk.leg(proposal, LegEvent.GONE)
    with pytest.raises(SignedBefore):
        await desk.leg(proposal, LegEvent.SIGNED, signature="sig-1")


@pytest.mark.parametrize("change", ["DELETE FROM leg_attempts", "UPDATE leg_attempts SET raw = x'00'"])
async def test_signed_bytes_cannot_be_lost_or_changed(desk: Desk, change: str) -> None:
    await desk.leg(await desk.executing(), LegEvent.SIGNED)
    with pytest.raises(StorageDefect, match="never"):
        await desk.store.atomic(lambda db: db.execute(change))


async def test_sending_again_leaves_no_trace(desk: Desk) -> None:
    proposal = await desk.leg(await desk.executing(), LegEvent.SIGNED, LegEvent.SENT)
    before = await desk.audited()
    assert await desk.leg(proposal, LegEvent.SENT, LegEvent.SENT) == proposal
    assert await desk.audited() == before


async def test_the_proposal_ends_with_its_last_order_as_the_orders_did(desk: Desk) -> None:
    proposal = await desk.executing(
        make_draft(legs=make_legs(make_terms(), make_terms("BTC-PERP"), make_terms("ETH-PERP")))
    )
    proposal = await desk.leg(proposal, *LANDED, LegEvent.FILLED)
    proposal = await desk.leg(proposal, LegEvent.SIGNED, LegEvent.FAILED, number=2, signature="sig-2")
    assert proposal.state is ProposalState.EXECUTING
    proposal = await desk.proposals.leg_happened("P1", 3, LegEvent.SKIPPED, now=NOW, reason="Trading was halted.")

    assert proposal.state is ProposalState.PARTIAL
    assert proposal.reason == "Trading was halted."
    assert [leg.state for leg in proposal.legs] == [LegState.FILLED, LegState.FAILED, LegState.SKIPPED]


async def test_what_rests_is_remembered_beyond_the_proposal(desk: Desk) -> None:
    proposal = await desk.executing(make_draft(legs=make_legs(make_stop()), purpose=Purpose.STOP))
    await desk.leg(proposal, *LANDED)
    done = await desk.proposals.leg_happened(
        "P1", 1, LegEvent.RESTS, now=NOW, placed=PlacedOrder(order_id=12, filled_raw_1e9=0, open=True)
    )

    assert done.state is ProposalState.DONE
    (order,) = await Resting(desk.store).standing("main")
    assert (order.order_id, order.terms, order.purpose, order.proposal_id, order.leg) == (
        12, make_stop(), Purpose.STOP, "P1", 1,
    )  # fmt: skip


async def test_a_partial_fill_is_written_down_once(desk: Desk) -> None:
    proposal = await desk.leg(await desk.executing(), *LANDED)
    some = PlacedOrder(order_id=4, filled_raw_1e9=1_000_000_000, open=True, quote_raw_1e6=1, fee_raw_1e6=1)
    for _ in range(3):
        proposal = await desk.proposals.leg_happened("P1", 1, LegEvent.FILLED_SOME, now=NOW, placed=some)

    assert proposal.legs[0].filled_raw_1e9 == 1_000_000_000
    assert (await desk.audited()).count(_A.LEG_FILLED_SOME) == 1


# What cannot happen.


async def test_orders_move_only_while_the_proposal_is_executed(desk: Desk) -> None:
    await desk.put()
    with pytest.raises(IllegalTransition):
        await desk.proposals.leg_happened("P1", 1, LegEvent.SIGNED, now=NOW, signed=make_signed())
    await desk.press(await desk.put())
    with pytest.raises(IllegalTransition):
        await desk.proposals.leg_happened("P2", 1, LegEvent.SIGNED, now=NOW, signed=make_signed())


@pytest.mark.parametrize("event", [ProposalEvent.VOTED, ProposalEvent.APPROVED, ProposalEvent.REVISED])
async def test_nobody_can_simply_say_that_a_proposal_was_approved(desk: Desk, event: ProposalEvent) -> None:
    await desk.put()
    with pytest.raises(StorageDefect):
        await desk.proposals.happened("P1", event, now=NOW, by="keel")
    assert await desk.proposals.consent("P1") is None


async def test_an_end_that_the_orders_do_not_say_is_refused(desk: Desk) -> None:
    await desk.executing()
    with pytest.raises(StorageDefect):
        await desk.proposals.happened("P1", ProposalEvent.COMPLETED, now=NOW, by="keel")


async def test_a_decision_about_another_state_is_refused_and_leaves_nothing(desk: Desk) -> None:
    proposal = await desk.approved()
    audited = await desk.audited()
    with pytest.raises(ProposalOutdated, match="is approved by now, not open"):
        await desk.proposals.happened("P1", ProposalEvent.CANCELLED, now=NOW, by="keel", expected=ProposalState.OPEN)
    assert await desk.proposals.get("P1") == proposal
    assert await desk.audited() == audited


async def test_what_ended_stays_ended(desk: Desk) -> None:
    await desk.put()
    ended = await desk.proposals.happened("P1", ProposalEvent.EXPIRED, now=after(120), by="keel")
    assert ended.finished_at == after(120)
    for event in (ProposalEvent.STARTED, ProposalEvent.CANCELLED, ProposalEvent.EXPIRED):
        with pytest.raises(IllegalTransition):
            await desk.proposals.happened("P1", event, now=NOW, by="keel")


@pytest.mark.parametrize(
    "legs",
    [
        (Leg(number=2, terms=make_terms()),),
        (Leg(number=1, terms=None),),
        (Leg(number=1, terms=replace(make_terms(), account_id="other")),),
        (Leg(number=1, terms=make_terms(size=2**63)),),
    ],
)
async def test_a_plan_that_makes_no_sense_is_not_stored(desk: Desk, legs: tuple[Leg, ...]) -> None:
    with pytest.raises(StorageDefect):
        await desk.put(make_draft(legs=legs))
    assert await desk.proposals.unfinished() == ()
    assert await desk.audited() == []


# Consent.


async def test_consent_covers_exactly_the_orders_that_were_confirmed(desk: Desk) -> None:
    legs = make_legs(make_terms(), make_terms("BTC-PERP"), cancels=(5,))
    await desk.approved(make_draft(legs=legs))
    consent = await desk.proposals.consent("P1")

    assert consent is not None
    assert (consent.kind, consent.given_by, consent.revision) == (ConsentKind.CONFIRMED, ("ann",), 1)
    assert consent.holds_until == after(120) + timedelta(minutes=5)
    OrderBatch(account_id="main", consent=consent, terms=(make_terms(),), cancels=(5,))
    OrderBatch(account_id="main", consent=consent, terms=(make_terms("BTC-PERP"),))
    for terms, cancels in (
        ((make_terms(),), ()), ((make_terms(size=1),), (5,)), ((make_terms(), make_terms("BTC-PERP")), (5,)),
    ):  # fmt: skip
        with pytest.raises(NotConsented):
            OrderBatch(account_id="main", consent=consent, terms=terms, cancels=cancels)


async def test_there_is_no_consent_before_enough_people_agreed_nor_after_the_end(desk: Desk) -> None:
    proposal = await desk.put(make_draft(approvals_needed=2))
    await desk.press(proposal)
    assert await desk.proposals.consent("P1") is None
    await desk.press(proposal, person="bob")
    assert await desk.proposals.consent("P1") is not None
    await desk.proposals.happened("P1", ProposalEvent.CANCELLED, now=NOW, by="keel")
    assert await desk.proposals.consent("P1") is None
    assert await desk.proposals.consent("P9") is None


async def test_a_row_that_was_made_approved_without_votes_is_no_consent(desk: Desk) -> None:
    await desk.put()
    await desk.store.atomic(lambda db: db.execute("UPDATE proposals SET state = 'executing'"))
    assert await desk.proposals.consent("P1") is None
    with pytest.raises(ProposalOutdated, match="Nobody agreed"):
        await desk.proposals.leg_happened("P1", 1, LegEvent.SIGNED, now=NOW, signed=make_signed())


async def test_nothing_is_signed_on_a_yes_that_is_too_old(desk: Desk) -> None:
    await desk.executing()
    late = after(120) + timedelta(minutes=5, microseconds=1)
    with pytest.raises(ProposalOutdated, match="too old"):
        await desk.proposals.leg_happened("P1", 1, LegEvent.SIGNED, now=late, signed=make_signed())
    (found,) = await desk.proposals.unfinished()
    assert (found.legs[0].state, found.legs[0].signed) == (LegState.PLANNED, None)


@pytest.mark.parametrize(
    ("state", "reduce_only", "goes_out"),
    [
        (TradingState.ACTIVE, False, True),
        (TradingState.REDUCING, False, False),
        (TradingState.REDUCING, True, True),
        (TradingState.HALTED, True, False),
    ],
)
async def test_a_halt_between_confirmation_and_signing_stops_the_order(
    desk: Desk, state: TradingState, *, reduce_only: bool, goes_out: bool
) -> None:
    await desk.executing(make_draft(legs=make_legs(make_terms(reduce_only=reduce_only))))
    await TradingStates(desk.store).set(state, by="ann", reason="because", now=NOW)
    if goes_out:
        await desk.proposals.leg_happened("P1", 1, LegEvent.SIGNED, now=NOW, signed=make_signed())
    else:
        with pytest.raises(ProposalOutdated, match="does not go out"):
            await desk.proposals.leg_happened("P1", 1, LegEvent.SIGNED, now=NOW, signed=make_signed())


async def halt(desk: Desk, *, resumed: bool = False) -> None:
    states = TradingStates(desk.store)
    await states.set(TradingState.HALTED, by="ann", reason="because", now=NOW)
    if resumed:
        await states.set(TradingState.ACTIVE, by="ann", reason="", now=NOW)


async def test_what_was_agreed_to_before_a_halt_has_to_be_agreed_to_again_though_it_was_lifted(desk: Desk) -> None:
    await desk.executing()
    assert await desk.proposals.why_not_send("P1", 1, NOW) == ""
    await halt(desk, resumed=True)

    assert "halted since it was agreed to" in await desk.proposals.why_not_send("P1", 1, NOW)
    with pytest.raises(ProposalOutdated, match="has to be confirmed again"):
        await desk.proposals.leg_happened("P1", 1, LegEvent.SIGNED, now=NOW, signed=make_signed())


async def test_bytes_signed_before_a_halt_are_not_sent_after_it_also_by_a_later_life(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.db") as store:
        desk = await Desk.over(store)
        await desk.leg(await desk.executing(), LegEvent.SIGNED)
        await halt(desk, resumed=True)
    async with await Store.open(tmp_path / "keel.db") as store:
        desk = await Desk.over(store)
        assert "halted since it was agreed to" in await desk.proposals.why_not_send("P1", 1, NOW)
        assert await desk.proposals.consent("P1") is not None


async def test_a_halt_before_the_last_yes_does_not_matter(desk: Desk) -> None:
    await desk.put(make_draft(approvals_needed=2))
    await desk.press(await desk.put(make_draft(approvals_needed=2)))
    await halt(desk, resumed=True)
    second = await desk.proposals.get("P2")
    assert second is not None
    await desk.press(second, person="bob")
    assert await desk.proposals.why_not_send("P2", 1, NOW) == ""


async def test_a_second_halt_is_a_halt_also_where_the_yes_came_during_the_first(desk: Desk) -> None:
    await halt(desk)
    await desk.executing()
    await halt(desk, resumed=True)
    assert "halted since it was agreed to" in await desk.proposals.why_not_send("P1", 1, NOW)


async def test_what_is_agreed_to_again_after_a_halt_goes_out(desk: Desk) -> None:
    await desk.approved()
    await halt(desk, resumed=True)
    second = await revise(desk)
    assert "Nobody agreed" in await desk.proposals.why_not_send("P1", 1, NOW)
    await desk.press(second)
    assert await desk.proposals.why_not_send("P1", 1, NOW) == ""


@pytest.mark.parametrize(
    ("state", "reduce_only", "now_s", "why"),
    [
        (TradingState.ACTIVE, False, 420, ""),
        (TradingState.ACTIVE, True, 421, "too old"),
        (TradingState.REDUCING, True, 0, ""),
        (TradingState.REDUCING, False, 0, "Trading is reducing"),
        (TradingState.HALTED, True, 0, "Trading is halted"),
    ],
)
async def test_bytes_that_are_there_go_out_under_the_same_conditions(
    desk: Desk, state: TradingState, reduce_only: bool, now_s: float, why: str
) -> None:
    started = await desk.executing(make_draft(legs=make_legs(make_terms(reduce_only=reduce_only))))
    await desk.leg(started, LegEvent.SIGNED, LegEvent.SENT)
    await TradingStates(desk.store).set(state, by="ann", reason="because", now=NOW)
    found = await desk.proposals.why_not_send("P1", 1, after(now_s))
    assert why in found
    assert bool(why) is bool(found)


async def test_an_order_that_does_not_exist_is_a_defect_and_not_a_yes(desk: Desk) -> None:
    await desk.executing()
    for proposal_id, number in (("P2", 1), ("P1", 2), ("P1", 0)):
        with pytest.raises(StorageDefect):
            await desk.proposals.why_not_send(proposal_id, number, NOW)


@pytest.mark.parametrize("resumed", [False, True])
async def test_what_only_cancels_goes_out_during_a_halt(desk: Desk, *, resumed: bool) -> None:
    await desk.executing(make_draft(legs=(Leg(number=1, terms=None, cancels=(4,)),), purpose=Purpose.CANCEL))
    await halt(desk, resumed=resumed)
    await desk.proposals.leg_happened("P1", 1, LegEvent.SIGNED, now=NOW, signed=make_signed())


async def test_a_halt_allows_to_cancel_and_nothing_else(desk: Desk) -> None:
    consent = await desk.proposals.halt_consent("ann", NOW)
    OrderBatch(account_id="main", consent=consent, cancels=(1, 2))
    with pytest.raises(NotConsented):
        OrderBatch(account_id="main", consent=consent, terms=(make_terms(),))
    assert await desk.audited() == [_A.HALT_CONSENT]


# Revisions.


async def revise(desk: Desk, *, expected: int = 1, size: int = 1_000_000_000) -> Proposal:
    return await desk.proposals.revise(
        "P1", expected_revision=expected, legs=make_legs(make_terms(size=size)), effect=None,
        changed=("Half the size.",), notes=(), expires_at=after(300), now=NOW, by="ann", handles=desk.handles,
    )  # fmt: skip


async def test_a_revision_voids_votes_and_asks_anew(desk: Desk) -> None:
    first = await desk.put(make_draft(approvals_needed=2))
    await desk.press(first)
    second = await revise(desk)

    assert (second.revision, second.votes, second.changed) == (2, (), ("Half the size.",))
    assert second.legs[0].terms == make_terms(size=1_000_000_000)
    voted = await desk.press(second, person="bob")
    assert voted.proposal is not None
    assert [vote.person_id for vote in voted.proposal.votes] == ["bob"]
    assert await desk.proposals.consent("P1") is None


async def test_an_approved_proposal_that_moved_has_to_be_agreed_to_again(desk: Desk) -> None:
    await desk.approved()
    assert (await revise(desk)).state is ProposalState.OPEN
    assert await desk.proposals.consent("P1") is None


async def test_of_two_revisions_of_the_same_one_happens(desk: Desk) -> None:
    await desk.put()
    await revise(desk)
    with pytest.raises(ProposalOutdated, match="has revision 2 by now, not 1"):
        await revise(desk)


async def test_what_is_being_executed_is_not_revised(desk: Desk) -> None:
    await desk.executing()
    with pytest.raises(IllegalTransition):
        await revise(desk)


async def test_state_and_audit_are_stored_together_or_not_at_all(desk: Desk) -> None:
    """The audit refuses the row: the press did not happen either."""
    proposal = await desk.put()
    await desk.store.atomic(
        lambda db: db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_log WHEN NEW.action = 'approved'"
            " BEGIN SELECT raise(ABORT, 'no room'); END"
        )
    )
    with pytest.raises(StorageDefect) as caught:
        await desk.press(proposal, CardAction.CONFIRM)
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert await desk.proposals.get("P1") == proposal
    assert await desk.audited() == [_A.PROPOSED]
