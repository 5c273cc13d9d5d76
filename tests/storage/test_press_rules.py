"""The fine print of presses: each test is here because a change of the statement went unnoticed without it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from risk.decisions.proposals import LegEvent, ProposalEvent
from risk.model.proposal import ProposalState, Purpose
from storage import (
    EVERYTHING,
    Access,
    AuditAction,
    CardAction,
    Grant,
    LinkClaim,
    LinkedPerson,
    People,
    Pins,
    PressKind,
    Role,
    Store,
)
from storage.columns import to_us
from tests.storage.builders import NOW, after
from tests.storage.trading_builders import (
    ACCOUNT,
    GROUP,
    PHONE,
    TRADER,
    Desk,
    make_draft,
    make_legs,
    make_press,
    make_standing,
    make_terms,
)

_K = PressKind
OTHER = Grant(account_id="other", role=Role.ADMIN)


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk.over(store)


async def link(store: Store, user: str, *grants: Grant) -> None:
    people = People(store)
    code = await people.issue_link_code(NOW, Role.VIEWER, timedelta(days=1))
    claim = LinkClaim(person_id=user, transport="telegram", user_id=user, display_name=user, chat=user)
    assert isinstance(await people.redeem_link_code(code, claim, NOW), LinkedPerson)
    await people.take(user, "")
    await people.give(user, grants)


async def rows(desk: Desk) -> list[tuple[str, str, int, int | None]]:
    """Who pressed what, whether it counts, until when it waits for a PIN."""
    query = "SELECT person_id, action, counts, waits_until FROM card_presses ORDER BY press"
    return await desk.store.run(lambda db: db.execute(query).fetchall())


async def voters(desk: Desk, proposal_id: str) -> list[str]:
    found = await desk.proposals.get(proposal_id)
    assert found is not None
    return [vote.person_id for vote in found.votes]


# What is written.


async def test_half_that_is_asked_for_and_a_pin_that_is_missing_are_in_the_audit(desk: Desk) -> None:
    proposal = await desk.put(make_draft(pin_needed=True))
    await desk.press(proposal, CardAction.HALF)
    await desk.press(proposal, CardAction.DETAILS)
    await desk.press(proposal)

    assert await desk.audited() == [AuditAction.PROPOSED, AuditAction.HALF_ASKED, AuditAction.PIN_ASKED]


async def test_a_vote_that_counts_waits_for_nothing_any_more_and_makes_no_other_press_count(desk: Desk) -> None:
    proposal = await desk.put(make_draft(approvals_needed=2))
    await desk.press(proposal, CardAction.HALF)
    await desk.press(proposal)

    assert await rows(desk) == [("ann", "half", 0, None), ("ann", "confirm", 1, None)]


async def test_a_second_confirmation_while_the_first_waits_takes_its_place(desk: Desk) -> None:
    await link(desk.store, "ann", Grant(account_id=ACCOUNT, role=Role.VIEWER))
    proposal = await desk.put(make_draft(pin_needed=True, expires_in_s=900), places=[PHONE, GROUP])
    await desk.press(proposal, access=TRADER)
    await People(desk.store).give("ann", [Grant(account_id=ACCOUNT, role=Role.TRADER)])
    handle = desk.handles.of("P1", 1, CardAction.CONFIRM, GROUP)
    again = replace(make_press(handle, access=TRADER, place=GROUP), display_name="Anna")
    assert (await desk.proposals.press(again, after(60))).kind is _K.PIN_NEEDED

    query = (
        "SELECT chat, display_name, pressed_at, card_presses.waits_until, by_platform"
        " FROM card_presses JOIN proposal_cards USING (card)"
    )
    one, *more = await desk.store.run(lambda db: db.execute(query).fetchall())
    assert one == (GROUP.chat, "Anna", to_us(after(60)), to_us(after(180)), 0)
    assert more == []


# Whose button it is.


async def test_a_button_in_another_chat_of_the_same_platform_says_nothing_of_the_proposal(desk: Desk) -> None:
    await desk.put()
    press = make_press(desk.handles.of("P1", 1, CardAction.CONFIRM, PHONE), place=replace(PHONE, chat="1002"))
    pressed = await desk.proposals.press(press, NOW)

    assert (pressed.kind, pressed.proposal) == (_K.FOREIGN, None)


async def test_who_has_voted_already_is_said_of_this_proposal_and_this_revision_alone(desk: Desk) -> None:
    await desk.press(await desk.put())
    other = await desk.put()
    await desk.press(other, CardAction.CANCEL, person="bob")
    assert (await desk.press(other)).kind is _K.USED

    revised = await desk.put(make_draft(approvals_needed=2))
    assert (await desk.press(revised)).kind is _K.VOTED
    revised = await desk.proposals.revise(
        revised.proposal_id, expected_revision=1, legs=make_legs(make_terms(size=1)), effect=None, changed=("Half.",),
        notes=(), expires_at=after(300), now=NOW, by="bob", handles=desk.handles,
    )  # fmt: skip
    await desk.press(revised, CardAction.CANCEL, person="bob")
    assert (await desk.press(revised)).kind is _K.USED


async def test_a_confirmation_that_waits_for_its_pin_is_no_vote_yet(desk: Desk) -> None:
    proposal = await desk.put(make_draft(pin_needed=True))
    await desk.press(proposal)
    await desk.press(proposal, CardAction.CANCEL, person="bob")
    assert (await desk.press(proposal)).kind is _K.USED


# Roles that were given for everything, or for something else.


async def test_a_role_for_all_accounts_is_one_for_this_account(desk: Desk) -> None:
    await link(desk.store, "ann", Grant(account_id="", role=Role.TRADER))
    assert (await desk.press(await desk.put(), access=TRADER)).kind is _K.APPROVED


async def test_a_role_that_is_left_for_another_account_alone_is_none_for_this_one(desk: Desk) -> None:
    await link(desk.store, "ann", OTHER)
    pressed = await desk.press(await desk.put(), access=TRADER)

    assert (pressed.kind, pressed.proposal) == (_K.NOT_ALLOWED, None)


async def test_a_vote_does_not_count_any_more_when_only_another_account_is_left(desk: Desk) -> None:
    await desk.put()
    for name in ("ann", "bob"):
        await link(desk.store, name, Grant(account_id=ACCOUNT, role=Role.TRADER))
    second = await desk.put(make_draft(approvals_needed=2))
    await desk.press(second, access=TRADER)
    await People(desk.store).give("ann", [OTHER])
    await People(desk.store).take("ann", ACCOUNT)

    assert (await desk.press(second, person="bob", access=TRADER)).kind is _K.VOTED
    assert await voters(desk, second.proposal_id) == ["bob"]


async def test_a_vote_is_forgotten_only_where_somebody_votes_now(desk: Desk) -> None:
    for name in ("ann", "bob"):
        await link(desk.store, name, Grant(account_id=ACCOUNT, role=Role.TRADER))
    first, second, third = [await desk.put(make_draft(approvals_needed=3)) for _ in range(3)]
    for proposal in (first, second, third):
        await desk.press(proposal, access=TRADER)
    second = await desk.proposals.revise(
        second.proposal_id, expected_revision=1, legs=make_legs(make_terms(size=1)), effect=None, changed=("Half.",),
        notes=(), expires_at=after(300), now=NOW, by="bob", handles=desk.handles,
    )  # fmt: skip
    await desk.press(second, access=TRADER)
    await People(desk.store).take("ann", ACCOUNT)
    for proposal in (second, third):
        await desk.press(proposal, person="bob", access=TRADER)

    query = "SELECT proposal, revision, person_id FROM card_presses WHERE counts = 1 ORDER BY proposal, revision"
    counted = await desk.store.run(lambda db: db.execute(query).fetchall())
    assert counted == [(1, 1, "ann"), (2, 1, "ann"), (2, 2, "bob"), (3, 1, "bob")]


async def test_a_confirmation_that_waits_for_its_pin_goes_on_waiting_when_votes_are_forgotten(desk: Desk) -> None:
    pins = Pins(desk.store)
    for name in ("ann", "bob"):
        await link(desk.store, name, Grant(account_id=ACCOUNT, role=Role.TRADER))
        await pins.set(name, "2468", NOW)
    proposal = await desk.put(make_draft(approvals_needed=2, pin_needed=True))
    await desk.press(proposal, access=TRADER)
    await People(desk.store).take("ann", ACCOUNT)
    await pins.check("bob", "2468", NOW)
    await desk.press(proposal, person="bob", access=TRADER)

    assert [row[:3] for row in await rows(desk) if row[3] is not None] == [("ann", "confirm", 0)]
    assert (await desk.proposals.pin_given("ann", TRADER, NOW)).kind is _K.NOT_ALLOWED


async def test_a_vote_is_judged_by_the_account_it_is_for(desk: Desk) -> None:
    await desk.put()
    for name in ("ann", "bob"):
        await link(desk.store, name, Grant(account_id="second", role=Role.TRADER))
    legs = make_legs(replace(make_terms(), account_id="second"))
    second = await desk.put(replace(make_draft(legs=legs, approvals_needed=3), account_id="second"))
    trader = Access(roles={"second": Role.TRADER})
    for name in ("ann", "bob"):
        assert (await desk.press(second, person=name, access=trader)).kind is _K.VOTED

    assert await voters(desk, second.proposal_id) == ["ann", "bob"]


# Disarming.


async def test_only_what_is_armed_can_be_disarmed(desk: Desk) -> None:
    asked = await desk.put(make_draft(purpose=Purpose.ARM, legs=(), standing=make_standing()))
    assert (await desk.press(asked, CardAction.DISARM)).kind is not _K.DISARM
    done = await desk.leg(await desk.executing(), LegEvent.SIGNED, LegEvent.SENT, LegEvent.LANDED, LegEvent.FILLED)
    assert done.state is ProposalState.DONE
    assert (await desk.press(done, CardAction.DISARM)).kind is _K.USED


# PINs.


@pytest.mark.parametrize(("first_s", "second_s", "counts"), [(0, 1, "P2"), (1, 0, "P1"), (0, 0, "P2")])
async def test_a_pin_is_for_the_confirmation_that_was_given_last(
    desk: Desk, first_s: float, second_s: float, counts: str
) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    first, second = [await desk.put(make_draft(pin_needed=True)) for _ in range(2)]
    await desk.press(first, now=after(first_s))
    await desk.press(second, now=after(second_s))
    await pins.check("ann", "2468", after(2))
    given = await desk.proposals.pin_given("ann", EVERYTHING, after(2))

    assert given.kind is _K.APPROVED
    assert given.proposal is not None
    assert given.proposal.proposal_id == counts
    assert sorted((row[2], row[3] is None) for row in await rows(desk)) == [(0, False), (1, True)]


async def test_a_pin_counts_for_nobody_else_who_waits(desk: Desk) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    proposal = await desk.put(make_draft(pin_needed=True, approvals_needed=2))
    await desk.press(proposal)
    await desk.press(proposal, person="bob", now=after(1))
    await pins.check("ann", "2468", after(2))

    assert (await desk.proposals.pin_given("ann", EVERYTHING, after(2))).kind is _K.VOTED
    assert await voters(desk, "P1") == ["ann"]


async def test_another_proposal_that_is_open_does_not_make_up_for_one_that_is_cancelled(desk: Desk) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    proposal = await desk.put(make_draft(pin_needed=True))
    await desk.put(make_draft(pin_needed=True))
    await desk.press(proposal)
    await desk.press(proposal, CardAction.CANCEL, person="bob")
    await pins.check("ann", "2468", NOW)

    assert (await desk.proposals.pin_given("ann", EVERYTHING, NOW)).kind is _K.USED
    assert await voters(desk, "P1") == []


async def test_a_pin_for_what_was_revised_meanwhile_is_for_nothing(desk: Desk) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    await desk.press(await desk.put(make_draft(pin_needed=True)))
    await desk.proposals.revise(
        "P1", expected_revision=1, legs=make_legs(make_terms(size=1)), effect=None, changed=("Half.",), notes=(),
        expires_at=after(300), now=NOW, by="bob", handles=desk.handles,
    )  # fmt: skip
    await pins.check("ann", "2468", NOW)

    assert (await desk.proposals.pin_given("ann", EVERYTHING, NOW)).kind is _K.SUPERSEDED


async def test_a_pin_of_somebody_revoked_since_they_confirmed_is_for_nothing(desk: Desk) -> None:
    pins = Pins(desk.store)
    await link(desk.store, "ann", Grant(account_id=ACCOUNT, role=Role.TRADER))
    await pins.set("ann", "2468", NOW)
    await desk.press(await desk.put(make_draft(pin_needed=True)), access=TRADER)
    await People(desk.store).revoke("ann", after(1))
    await pins.check("ann", "2468", after(2))
    given = await desk.proposals.pin_given("ann", TRADER, after(2))

    assert (given.kind, given.proposal) == (_K.NOT_ALLOWED, None)


async def test_a_vote_that_was_forgotten_waits_for_no_pin(desk: Desk) -> None:
    for name in ("ann", "bob"):
        await link(desk.store, name, Grant(account_id=ACCOUNT, role=Role.TRADER))
    proposal = await desk.put(make_draft(approvals_needed=3))
    await desk.press(proposal, access=TRADER)
    await People(desk.store).take("ann", ACCOUNT)
    await desk.press(proposal, person="bob", access=TRADER)

    assert await rows(desk) == [("ann", "confirm", 0, None), ("bob", "confirm", 1, None)]
    assert (await desk.proposals.pin_given("ann", TRADER, NOW)).kind is _K.FOREIGN


@pytest.mark.parametrize("at_s", [60, 61])
async def test_a_right_pin_does_not_revive_a_proposal_that_is_too_old(desk: Desk, at_s: float) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    await desk.press(await desk.put(make_draft(pin_needed=True, expires_in_s=60)))
    await pins.check("ann", "2468", after(at_s))

    assert (await desk.proposals.pin_given("ann", EVERYTHING, after(at_s))).kind is _K.EXPIRED
    assert await voters(desk, "P1") == []


async def test_a_pin_that_was_right_is_good_for_two_minutes_after_it_was_given(desk: Desk) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    await desk.press(await desk.put(make_draft(pin_needed=True, expires_in_s=900)))
    await pins.check("ann", "2468", after(1))

    assert (await desk.proposals.pin_given("ann", EVERYTHING, after(119))).kind is _K.APPROVED


async def test_a_pin_of_the_future_is_none_after_the_clock_went_back(desk: Desk) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    await pins.check("ann", "2468", after(60))
    proposal = await desk.put(make_draft(pin_needed=True))

    assert (await desk.press(proposal)).kind is _K.PIN_NEEDED
    assert (await desk.proposals.pin_given("ann", EVERYTHING, after(59))).kind is _K.PIN_NEEDED
    assert (await desk.proposals.pin_given("ann", EVERYTHING, after(60))).kind is _K.APPROVED


async def test_a_pin_of_somebody_who_has_confirmed_nothing_is_for_nothing(desk: Desk) -> None:
    pins = Pins(desk.store)
    await pins.set("bob", "2468", NOW)
    await desk.press(await desk.put(make_draft(pin_needed=True)))
    await pins.check("bob", "2468", NOW)
    given = await desk.proposals.pin_given("bob", EVERYTHING, NOW)

    assert (given.kind, given.proposal) == (_K.FOREIGN, None)


@pytest.mark.parametrize("at_s", [60, 61])
async def test_a_pin_is_not_asked_for_again_when_the_proposal_is_too_old(desk: Desk, at_s: float) -> None:
    await desk.press(await desk.put(make_draft(pin_needed=True, expires_in_s=60)))
    assert (await desk.proposals.pin_given("ann", EVERYTHING, after(59.999999))).kind is _K.PIN_NEEDED
    assert (await desk.proposals.pin_given("ann", EVERYTHING, after(at_s))).kind is _K.EXPIRED


async def test_a_pin_is_not_asked_for_again_when_the_proposal_was_ended_before_its_time(desk: Desk) -> None:
    proposal = await desk.put(make_draft(pin_needed=True))
    await desk.press(proposal)
    ended = await desk.proposals.happened("P1", ProposalEvent.EXPIRED, now=NOW, by="keel")

    assert ended.state is ProposalState.EXPIRED
    assert (await desk.proposals.pin_given("ann", EVERYTHING, NOW)).kind is _K.EXPIRED


async def test_a_pin_of_somebody_who_may_only_see_the_account_is_answered_with_what_they_may_see(desk: Desk) -> None:
    await desk.press(await desk.put(make_draft(pin_needed=True)))
    viewer = Access(roles={ACCOUNT: Role.VIEWER})
    given = await desk.proposals.pin_given("ann", viewer, NOW)
    assert given.kind is _K.NOT_ALLOWED
    assert given.proposal is not None

    stranger = await desk.proposals.pin_given("ann", Access(roles={"other": Role.ADMIN}), NOW)
    assert (stranger.kind, stranger.proposal) == (_K.NOT_ALLOWED, None)
