"""Standing approvals: what they cover, what they are used up by, and that they end at once."""

import asyncio
from dataclasses import replace

import pytest

from risk.decisions.proposals import LegEvent, ProposalEvent
from risk.model.proposal import Leg, Proposal, ProposalState, Purpose, StandingTerms
from risk.model.trading import ConsentKind, OrderBatch, OrderStyle
from storage import AuditAction, PressKind, ProposalOutdated, StandingApprovals, Store
from storage.errors import StorageDefect
from tests.storage.builders import NOW, after
from tests.storage.trading_builders import (
    PHONE,
    Desk,
    make_draft,
    make_legs,
    make_signed,
    make_standing,
    make_stop,
    make_terms,
)


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk.over(store)


@pytest.fixture
def standing(desk: Desk) -> StandingApprovals:
    return StandingApprovals(desk.store)


async def arm(desk: Desk, terms: StandingTerms | None = None) -> str:
    proposal = await desk.put(make_draft(purpose=Purpose.ARM, legs=(), standing=terms or make_standing()))
    pressed = await desk.press(proposal)
    assert pressed.proposal is not None
    return pressed.proposal.standing_id


async def covered(desk: Desk, standing_id: str, *legs: Leg, now_s: float = 0) -> Proposal | None:
    proposal = await desk.put(make_draft(legs=legs or make_legs(), purpose=Purpose.PROTECT, expires_in_s=1e6))
    return await desk.proposals.approve_standing(proposal.proposal_id, standing_id, after(now_s))


async def test_what_it_covers_goes_out_without_a_press(desk: Desk, standing: StandingApprovals) -> None:
    one = await arm(desk)
    approved = await covered(desk, one)

    assert approved is not None
    assert (approved.state, approved.standing_id, approved.votes) == (ProposalState.APPROVED, "S1", ())
    (used,) = await standing.active(NOW)
    assert (used.used_usd, used.left_usd) == (301.0, 699.0)
    consent = await desk.proposals.consent(approved.proposal_id)
    assert consent is not None
    assert (consent.kind, consent.given_by) == (ConsentKind.STANDING, ("ann",))
    OrderBatch(account_id="main", consent=consent, terms=(make_terms(),))
    await desk.leg(
        await desk.proposals.happened(approved.proposal_id, ProposalEvent.STARTED, now=NOW, by="keel"),
        LegEvent.SIGNED,
    )


@pytest.mark.parametrize(
    ("legs", "why"),
    [
        (make_legs(make_terms(reduce_only=False)), "may enlarge"),
        (make_legs(make_terms(), make_terms(reduce_only=False)), "the second one may enlarge"),
        (make_legs(make_terms("BTC-PERP")), "another market"),
        (make_legs(make_terms(size=6_644_518_273)), "a millionth of a dollar too much"),
        (make_legs(make_terms(), cancels=(4,)), "it takes an order back"),
        ((*make_legs(), Leg(number=2, terms=None, cancels=(4,))), "a second one takes an order back"),
        (make_legs(replace(make_terms(), style=OrderStyle.TRIGGER_MARKET, limit_raw_1e6=0)), "no price to count"),
    ],
)
async def test_what_it_does_not_cover_is_not_approved(
    desk: Desk, standing: StandingApprovals, legs: tuple[Leg, ...], why: str
) -> None:
    one = await arm(desk)
    assert await covered(desk, one, *legs) is None, why
    (unused,) = await standing.active(NOW)
    assert unused.used_usd == 0.0
    (waiting,) = await desk.proposals.open()
    assert (waiting.state, waiting.standing_id) == (ProposalState.OPEN, "")


@pytest.mark.parametrize("unknown", ["", "S2", "S", "S01", "1", "S²", "S1 ", "S" + "9" * 30])
async def test_an_unknown_one_covers_nothing(desk: Desk, unknown: str) -> None:
    await arm(desk)
    assert await covered(desk, unknown) is None


async def test_another_account_is_not_covered(desk: Desk) -> None:
    one = await arm(desk, replace(make_standing(), account_id="hedge"))
    assert await covered(desk, one) is None


async def test_it_covers_to_the_last_of_its_cap_and_time(desk: Desk) -> None:
    one = await arm(desk, make_standing(cap_usd=301.0, hours=1))
    assert await covered(desk, one, *make_legs(make_terms(size=1_000_000_000)), now_s=3_599.9) is not None
    assert await covered(desk, one, *make_legs(make_terms(size=1_000_000_000)), now_s=3_600) is None
    assert await covered(desk, one, *make_legs(make_terms(size=1_000_000_001))) is None
    assert await covered(desk, one, *make_legs(make_terms(size=1_000_000_000))) is not None
    assert await covered(desk, one, *make_legs(make_terms(size=1))) is None


async def test_many_at_once_do_not_use_more_than_the_cap(desk: Desk, standing: StandingApprovals) -> None:
    one = await arm(desk)
    approved = await asyncio.gather(*(covered(desk, one) for _ in range(8)))
    assert sum(proposal is not None for proposal in approved) == 3
    assert (await standing.active(NOW))[0].used_usd == 903.0


async def test_a_sell_counts_at_what_it_may_fetch_and_not_at_the_least_it_takes(
    desk: Desk, standing: StandingApprovals
) -> None:
    cheap = replace(make_terms(), limit_raw_1e6=1)
    assert await covered(desk, await arm(desk), *make_legs(cheap)) is not None
    assert (await standing.active(NOW))[0].used_usd == 301.0


async def test_stops_count_at_their_trigger(desk: Desk, standing: StandingApprovals) -> None:
    stop = Leg(number=1, terms=make_stop())
    assert await covered(desk, await arm(desk), stop) is not None
    assert (await standing.active(NOW))[0].used_usd == 240.0


async def test_taken_back_it_ends_at_once_also_for_what_is_on_its_way(desk: Desk, standing: StandingApprovals) -> None:
    one = await arm(desk)
    approved = await covered(desk, one)
    assert approved is not None
    await desk.proposals.happened(approved.proposal_id, ProposalEvent.STARTED, now=NOW, by="keel")

    assert await standing.revoke("bob", after(1)) == 1
    assert await standing.revoke("bob", after(2)) == 0
    assert await standing.active(NOW) == ()
    assert await covered(desk, one) is None
    with pytest.raises(ProposalOutdated, match="standing approval"):
        await desk.proposals.leg_happened(approved.proposal_id, 1, LegEvent.SIGNED, now=after(1), signed=make_signed())
    found = await standing.get(one)
    assert found is not None
    assert found.revoked_at == after(1)
    assert (await desk.audited()).count(AuditAction.DISARMED) == 1


async def test_one_or_those_of_an_account_can_be_taken_back(desk: Desk, standing: StandingApprovals) -> None:
    for account in ("main", "main", "hedge"):
        await arm(desk, replace(make_standing(), account_id=account))
    assert await standing.revoke("ann", NOW, standing_id="S1") == 1
    assert await standing.revoke("ann", NOW, standing_id="S3", account_ids=["main"]) == 0
    assert await standing.revoke("ann", NOW, account_ids=["main"]) == 1
    assert [one.standing_id for one in await standing.active(NOW)] == ["S3"]
    assert await standing.active(NOW, "main") == ()
    assert await standing.active(after(8 * 3_600)) == ()


async def test_an_arm_proposal_is_never_covered_by_a_standing_approval(desk: Desk) -> None:
    one = await arm(desk)
    second = await desk.put(make_draft(purpose=Purpose.ARM, legs=(), standing=make_standing()))
    assert await desk.proposals.approve_standing(second.proposal_id, one, NOW) is None


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        (make_standing(cap_usd=0.0), "nothing"),
        (make_standing(cap_usd=9e-7), "nothing"),
        (make_standing(cap_usd=-1.0), "nothing"),
        (make_standing(hours=0), "had ended"),
        (make_standing(hours=-1), "had ended"),
    ],
)
@pytest.mark.parametrize("approvals_needed", [1, 2])
async def test_a_standing_approval_for_nothing_expires_at_the_press(
    desk: Desk, standing: StandingApprovals, terms: StandingTerms, why: str, approvals_needed: int
) -> None:
    draft = make_draft(purpose=Purpose.ARM, legs=(), standing=terms, approvals_needed=approvals_needed)
    pressed = await desk.press(await desk.put(draft))
    assert (pressed.kind, pressed.proposal) == (PressKind.EXPIRED, await desk.proposals.get("P1"))
    assert pressed.proposal is not None
    assert (pressed.proposal.state, pressed.proposal.finished_at) == (ProposalState.EXPIRED, NOW)
    assert why in pressed.proposal.reason
    assert await standing.active(NOW) == ()
    assert AuditAction.ARMED not in await desk.audited()


async def test_to_arm_nothing_at_all_is_a_defect_and_nothing_is_stored(desk: Desk, standing: StandingApprovals) -> None:
    proposal = await desk.put(make_draft(purpose=Purpose.ARM, legs=()))
    with pytest.raises(StorageDefect):
        await desk.press(proposal)
    assert await standing.active(NOW) == ()
    assert await desk.proposals.open() == (proposal,)


# Put and approved at once.


async def put_allowed(desk: Desk, standing_id: str, draft: Proposal | None = None) -> Proposal | None:
    return await desk.proposals.put_allowed(
        draft or make_draft(purpose=Purpose.PROTECT), standing_id=standing_id, places=[PHONE], now=NOW, by="keel",
        handles=desk.handles,
    )  # fmt: skip


async def test_what_is_covered_is_put_and_approved_at_once(desk: Desk, standing: StandingApprovals) -> None:
    one = await arm(desk)
    approved = await put_allowed(desk, one)

    assert approved is not None
    assert approved == await desk.proposals.get("P2")
    assert (approved.state, approved.standing_id) == (ProposalState.APPROVED, one)
    assert (await desk.audited())[-2:] == [AuditAction.PROPOSED, AuditAction.APPROVED]
    assert [card.place for card in await desk.cards.of("P2")] == [PHONE]
    assert (await standing.active(NOW))[0].used_usd == 301.0
    assert await desk.proposals.why_not_send("P2", 1, NOW) == ""


@pytest.mark.parametrize(
    "draft",
    [
        make_draft(legs=make_legs(make_terms(reduce_only=False))),
        make_draft(legs=make_legs(cancels=(4,))),
        make_draft(legs=make_legs(make_terms("BTC-PERP"))),
        make_draft(legs=make_legs(make_terms(size=6_644_518_273))),
        make_draft(expires_in_s=0),
        make_draft(legs=()),
    ],
)
async def test_what_is_not_covered_is_not_put_either(desk: Desk, standing: StandingApprovals, draft: Proposal) -> None:
    one = await arm(desk)
    audited = await desk.audited()
    assert await put_allowed(desk, one, draft) is None
    assert await desk.proposals.get("P2") is None
    assert await desk.audited() == audited
    assert (await standing.active(NOW))[0].used_usd == 0.0


async def test_one_that_cannot_be_stored_uses_nothing_up(desk: Desk, standing: StandingApprovals) -> None:
    one = await arm(desk)
    with pytest.raises(StorageDefect):
        await put_allowed(desk, one, make_draft(legs=(replace(make_legs()[0], number=2),)))
    assert (await standing.active(NOW))[0].used_usd == 0.0


async def test_bytes_already_signed_are_not_sent_on_an_approval_that_is_over(
    desk: Desk, standing: StandingApprovals
) -> None:
    one = await arm(desk, make_standing(hours=1))
    approved = await put_allowed(desk, one, make_draft(expires_in_s=1e6))
    assert approved is not None
    started = await desk.proposals.happened(approved.proposal_id, ProposalEvent.STARTED, now=NOW, by="keel")
    await desk.leg(started, LegEvent.SIGNED, LegEvent.SENT)

    assert await desk.proposals.why_not_send("P2", 1, after(3_599)) == ""
    assert "standing approval behind P2 is over" in await desk.proposals.why_not_send("P2", 1, after(3_600))
    await standing.revoke("ann", after(1))
    assert "standing approval behind P2 is over" in await desk.proposals.why_not_send("P2", 1, after(1))
    assert await desk.proposals.consent("P2") is not None
