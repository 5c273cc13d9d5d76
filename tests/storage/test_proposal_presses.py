"""Presses: what is worth something, what is worth nothing, and that nothing counts twice."""

import asyncio
import random
import string
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from risk.decisions.proposals import ProposalEvent
from risk.model.proposal import ProposalState, Purpose
from storage import (
    EVERYTHING,
    NO_ACCESS,
    Access,
    AuditAction,
    CardAction,
    CardPlace,
    Grant,
    Handles,
    LinkClaim,
    LinkedPerson,
    People,
    Pins,
    PinVerdict,
    PressKind,
    Role,
    StandingApprovals,
    Store,
)
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
NOTHING = frozenset(
    {_K.ALREADY_VOTED, _K.EXPIRED, _K.SUPERSEDED, _K.USED, _K.FOREIGN, _K.NOT_ALLOWED}
)  # fmt: skip


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk.over(store)


async def contents(desk: Desk) -> list[str]:
    """Everything that is stored, as SQL; without the counters of ids, which nobody reads."""
    dump = await desk.store.run(lambda db: list(db.conn.iterdump()))
    return [line for line in dump if "sqlite_sequence" not in line]


async def linked(store: Store, user: str, *grants: Grant) -> LinkedPerson:
    people = People(store)
    code = await people.issue_link_code(NOW, Role.VIEWER, timedelta(days=1))
    claim = LinkClaim(person_id=user, transport="telegram", user_id=user, display_name=user, chat=user)
    person = await people.redeem_link_code(code, claim, NOW)
    assert isinstance(person, LinkedPerson)
    await people.take(user, "")
    await people.give(user, grants)
    found = await people.by_id(user)
    assert found is not None
    return found


# What a press does.


async def test_one_confirmation_approves_where_one_is_enough(desk: Desk) -> None:
    pressed = await desk.press(await desk.put(), access=TRADER)

    assert pressed.kind is _K.APPROVED
    assert pressed.proposal is not None
    assert pressed.proposal.state is ProposalState.APPROVED
    assert [(vote.person_id, vote.display_name, vote.at) for vote in pressed.proposal.votes] == [("ann", "Ann", NOW)]


async def test_a_quorum_takes_distinct_people_in_whatever_chat(desk: Desk) -> None:
    proposal = await desk.put(make_draft(approvals_needed=3), places=[PHONE, GROUP])

    assert (await desk.press(proposal)).kind is _K.VOTED
    assert (await desk.press(proposal, place=GROUP)).kind is _K.ALREADY_VOTED
    assert (await desk.press(proposal, place=GROUP, person="bob")).kind is _K.VOTED
    last = await desk.press(proposal, person="cem")
    assert last.kind is _K.APPROVED
    assert last.proposal is not None
    assert [vote.person_id for vote in last.proposal.votes] == ["ann", "bob", "cem"]


async def test_cancel_ends_it_and_names_who(desk: Desk) -> None:
    proposal = await desk.put()
    pressed = await desk.press(proposal, CardAction.CANCEL)

    assert pressed.kind is _K.CANCELLED
    assert pressed.proposal is not None
    assert (pressed.proposal.state, pressed.proposal.reason) == (ProposalState.CANCELLED, "Cancelled by Ann.")
    assert (await desk.press(proposal)).kind is _K.USED


@pytest.mark.parametrize(("action", "kind"), [(CardAction.HALF, _K.HALVE), (CardAction.DETAILS, _K.DETAILS)])
async def test_half_and_details_only_say_that_they_were_pressed(desk: Desk, action: CardAction, kind: _K) -> None:
    proposal = await desk.put()
    for _ in range(2):
        assert (await desk.press(proposal, action)).kind is kind
    assert await desk.proposals.get("P1") == proposal


async def test_details_are_for_whoever_may_see_the_account(desk: Desk) -> None:
    proposal = await desk.put()
    viewer = Access(roles={ACCOUNT: Role.VIEWER})

    assert (await desk.press(proposal, CardAction.DETAILS, access=viewer)).kind is _K.DETAILS
    refused = await desk.press(proposal, CardAction.DETAILS, access=Access(roles={"other": Role.ADMIN}))
    assert (refused.kind, refused.proposal) == (_K.NOT_ALLOWED, None)


# What a press is not worth.


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.RESPONDER])
async def test_only_traders_of_the_account_count(desk: Desk, role: Role | None) -> None:
    proposal = await desk.put()
    access = NO_ACCESS if role is None else Access(roles={ACCOUNT: role, "other": Role.ADMIN})
    for action in (CardAction.CONFIRM, CardAction.HALF, CardAction.CANCEL):
        assert (await desk.press(proposal, action, access=access)).kind is _K.NOT_ALLOWED
    assert await desk.proposals.get("P1") == proposal


async def test_a_press_at_the_second_of_expiry_is_too_late(desk: Desk) -> None:
    proposal = await desk.put()
    assert (await desk.press(proposal, now=after(120))).kind is _K.EXPIRED
    assert (await desk.press(proposal, now=after(119.999999))).kind is _K.APPROVED


async def test_a_button_of_an_earlier_revision_is_superseded(desk: Desk) -> None:
    first = await desk.put()
    second = await desk.proposals.revise(
        "P1", expected_revision=1, legs=make_legs(make_terms(size=1)), effect=None, changed=("Half.",), notes=(),
        expires_at=after(300), now=NOW, by="ann", handles=desk.handles,
    )  # fmt: skip
    assert (await desk.press(first)).kind is _K.SUPERSEDED
    assert (await desk.press(second)).kind is _K.APPROVED


async def test_a_stolen_or_forwarded_button_is_foreign(desk: Desk) -> None:
    proposal = await desk.put(places=[PHONE, GROUP])
    card, _ = await desk.cards.of("P1")
    assert await desk.cards.bind(card.card_key, PHONE, "77", NOW)
    handle = desk.handles.of("P1", 1, CardAction.CONFIRM, PHONE)
    before = await contents(desk)
    for press in (
        make_press(handle, place=GROUP),
        make_press(handle, place=replace(PHONE, transport="discord")),
        make_press(handle, place=replace(PHONE, thread="1")),
        make_press(handle, message_id="78"),
        make_press(handle[:-1] + ("A" if handle[-1] != "A" else "B")),
        make_press(handle.swapcase()),
        make_press(handle + "="),
        make_press(""),
        make_press("\ud800" * 9),
        make_press(Handles(bytes(32)).of("P1", 1, CardAction.CONFIRM, PHONE)),
    ):
        pressed = await desk.proposals.press(press, NOW)
        assert (pressed.kind, pressed.proposal) == (_K.FOREIGN, None)
    assert await contents(desk) == before
    assert (await desk.press(proposal)).kind is _K.APPROVED


async def test_until_the_message_is_known_any_message_of_the_chat_will_do(desk: Desk) -> None:
    assert (await desk.press(await desk.put(), message_id="whatever")).kind is _K.APPROVED


async def test_a_replayed_press_does_nothing(desk: Desk) -> None:
    proposal = await desk.put()
    await desk.press(proposal)
    await desk.proposals.happened("P1", ProposalEvent.STARTED, now=NOW, by="keel")
    before = await contents(desk)

    assert (await desk.press(proposal)).kind is _K.ALREADY_VOTED
    assert (await desk.press(proposal, person="bob")).kind is _K.USED
    assert (await desk.press(proposal, CardAction.CANCEL)).kind is _K.USED
    assert (await desk.press(proposal, CardAction.HALF)).kind is _K.USED
    assert await contents(desk) == before


# Roles that are withdrawn meanwhile.


async def test_somebody_revoked_between_card_and_press_does_not_count(desk: Desk) -> None:
    ann = await linked(desk.store, "ann", Grant(account_id=ACCOUNT, role=Role.TRADER))
    proposal = await desk.put()
    await People(desk.store).revoke("ann", after(1))

    pressed = await desk.press(proposal, access=ann.access)
    assert (pressed.kind, pressed.proposal) == (_K.NOT_ALLOWED, None)


async def test_somebody_whose_role_was_taken_between_dispatch_and_press_does_not_count(desk: Desk) -> None:
    ann = await linked(desk.store, "ann", Grant(account_id=ACCOUNT, role=Role.TRADER))
    proposal = await desk.put()
    await People(desk.store).take("ann", ACCOUNT)

    assert (await desk.press(proposal, access=ann.access)).kind is _K.NOT_ALLOWED


async def test_a_role_of_the_platform_is_enough_for_somebody_who_may_see_the_account(desk: Desk) -> None:
    await linked(desk.store, "ann", Grant(account_id=ACCOUNT, role=Role.VIEWER))
    assert (await desk.press(await desk.put(), access=TRADER)).kind is _K.APPROVED


async def test_the_vote_of_somebody_revoked_since_does_not_make_a_quorum(desk: Desk) -> None:
    trader = Grant(account_id=ACCOUNT, role=Role.TRADER)
    for name in ("ann", "bob", "cem"):
        await linked(desk.store, name, trader)
    proposal = await desk.put(make_draft(approvals_needed=2))
    await desk.press(proposal, access=TRADER)
    await People(desk.store).revoke("ann", after(1))

    second = await desk.press(proposal, person="bob", access=TRADER)
    assert second.kind is _K.VOTED
    assert second.proposal is not None
    assert [vote.person_id for vote in second.proposal.votes] == ["bob"]
    assert (await desk.press(proposal, person="cem", access=TRADER)).kind is _K.APPROVED


@pytest.mark.parametrize("left", [Role.VIEWER, Role.RESPONDER])
async def test_the_vote_of_somebody_who_may_not_trade_any_more_does_not_make_a_quorum(desk: Desk, left: Role) -> None:
    for name in ("ann", "bob", "cem"):
        await linked(desk.store, name, Grant(account_id=ACCOUNT, role=Role.TRADER))
    proposal = await desk.put(make_draft(approvals_needed=2))
    await desk.press(proposal, access=TRADER)
    await People(desk.store).give("ann", [Grant(account_id=ACCOUNT, role=left), Grant(account_id="x", role=Role.ADMIN)])

    second = await desk.press(proposal, person="bob", access=TRADER)
    assert second.kind is _K.VOTED
    assert second.proposal is not None
    assert [vote.person_id for vote in second.proposal.votes] == ["bob"]
    assert (await desk.press(proposal, person="cem", access=TRADER)).kind is _K.APPROVED


async def test_whoever_is_trusted_with_more_or_elsewhere_too_goes_on_to_count(desk: Desk) -> None:
    for name in ("ann", "bob"):
        await linked(desk.store, name, Grant(account_id=ACCOUNT, role=Role.TRADER))
    proposal = await desk.put(make_draft(approvals_needed=2))
    await desk.press(proposal, access=TRADER)
    everywhere = Grant(account_id="", role=Role.ADMIN)
    await People(desk.store).give("ann", [Grant(account_id=ACCOUNT, role=Role.VIEWER), everywhere])
    assert (await desk.press(proposal, person="bob", access=TRADER)).kind is _K.APPROVED


async def test_the_owner_needs_no_grant_to_count(desk: Desk) -> None:
    for name in ("ann", "bob"):
        await linked(desk.store, name, Grant(account_id=ACCOUNT, role=Role.TRADER))
    await desk.store.atomic(lambda db: db.execute("UPDATE people SET owner = 1 WHERE person_id = 'ann'"))
    proposal = await desk.put(make_draft(approvals_needed=2))
    await desk.press(proposal)
    await People(desk.store).take("ann", ACCOUNT)
    assert (await desk.press(proposal, person="bob", access=TRADER)).kind is _K.APPROVED


async def test_a_vote_by_a_role_of_the_platform_counts_as_long_as_the_account_may_be_seen(desk: Desk) -> None:
    for name in ("ann", "bob", "cem"):
        await linked(desk.store, name, Grant(account_id=ACCOUNT, role=Role.RESPONDER))
    proposal = await desk.put(make_draft(approvals_needed=3))
    for name in ("ann", "bob"):
        await desk.press(proposal, person=name, access=TRADER)
    await People(desk.store).give("ann", [Grant(account_id=ACCOUNT, role=Role.VIEWER)])
    await People(desk.store).take("bob", ACCOUNT)

    third = await desk.press(proposal, person="cem", access=TRADER)
    assert third.kind is _K.VOTED
    assert third.proposal is not None
    assert [vote.person_id for vote in third.proposal.votes] == ["ann", "cem"]


async def test_a_vote_that_waited_for_its_pin_is_by_the_role_held_when_it_was_given(desk: Desk) -> None:
    pins = Pins(desk.store)
    for name in ("ann", "bob"):
        await linked(desk.store, name, Grant(account_id=ACCOUNT, role=Role.VIEWER))
        await pins.set(name, "2468", NOW)
    proposal = await desk.put(make_draft(approvals_needed=2, pin_needed=True))
    await desk.press(proposal, access=TRADER)
    await People(desk.store).give("ann", [Grant(account_id=ACCOUNT, role=Role.TRADER)])
    await pins.check("ann", "2468", NOW)
    assert (await desk.proposals.pin_given("ann", TRADER, NOW)).kind is _K.VOTED
    await People(desk.store).give("ann", [Grant(account_id=ACCOUNT, role=Role.VIEWER)])

    await pins.check("bob", "2468", NOW)
    second = await desk.press(proposal, person="bob", access=TRADER)
    assert second.kind is _K.VOTED
    assert second.proposal is not None
    assert [vote.person_id for vote in second.proposal.votes] == ["bob"]


async def test_two_who_turn_out_to_be_one_have_one_vote(desk: Desk) -> None:
    for name in ("ann", "bob"):
        await linked(desk.store, name, Grant(account_id=ACCOUNT, role=Role.TRADER))
    proposal = await desk.put(make_draft(approvals_needed=3))
    for name in ("ann", "bob"):
        await desk.press(proposal, person=name, access=TRADER)
    code = await People(desk.store).identity_code("ann", by="ann", now=NOW, ttl=timedelta(days=1))
    claim = LinkClaim(person_id="x", transport="telegram", user_id="bob", display_name="bob", chat="bob", merge=True)
    assert isinstance(await People(desk.store).redeem_link_code(code, claim, NOW), LinkedPerson)

    found = await desk.proposals.get("P1")
    assert found is not None
    assert [vote.person_id for vote in found.votes] == ["ann"]


# PINs.


async def test_a_large_one_waits_for_the_pin_and_then_counts(desk: Desk) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    proposal = await desk.put(make_draft(pin_needed=True))

    assert (await desk.press(proposal)).kind is _K.PIN_NEEDED
    assert (await desk.proposals.pin_given("ann", EVERYTHING, NOW)).kind is _K.PIN_NEEDED, "nobody checked one"
    assert (await pins.check("ann", "2467", after(1))).verdict is PinVerdict.WRONG
    waiting = await desk.proposals.get("P1")
    assert waiting is not None
    assert waiting.votes == ()
    assert (await pins.check("ann", "2468", after(2))).verdict is PinVerdict.RIGHT
    assert (await desk.proposals.pin_given("ann", EVERYTHING, after(2))).kind is _K.APPROVED


async def test_one_right_pin_is_good_for_one_confirmation(desk: Desk) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    first, second = [await desk.put(make_draft(pin_needed=True)) for _ in range(2)]
    await pins.check("ann", "2468", NOW)

    assert (await desk.press(first)).kind is _K.APPROVED
    assert (await desk.press(second)).kind is _K.PIN_NEEDED
    third = await desk.put(make_draft(pin_needed=True))
    await pins.check("ann", "2468", NOW)
    assert (await desk.proposals.pin_given("ann", EVERYTHING, NOW)).kind is _K.APPROVED
    assert (await desk.press(third)).kind is _K.PIN_NEEDED


async def test_a_pin_of_somebody_else_or_of_long_ago_does_not_help(desk: Desk) -> None:
    pins = Pins(desk.store)
    for name in ("ann", "bob"):
        await pins.set(name, "2468", NOW)
    proposal = await desk.put(make_draft(pin_needed=True, expires_in_s=900))
    await pins.check("ann", "2468", NOW)
    await pins.check("bob", "2468", after(121))

    assert (await desk.press(proposal, now=after(121))).kind is _K.PIN_NEEDED
    assert (await desk.proposals.pin_given("ann", EVERYTHING, after(121))).kind is not _K.APPROVED


@pytest.mark.parametrize(
    ("at_s", "access", "kind"),
    [
        (119, EVERYTHING, _K.APPROVED),
        (120, EVERYTHING, _K.EXPIRED),
        (119, Access(roles={ACCOUNT: Role.VIEWER}), _K.NOT_ALLOWED),
    ],
)
async def test_the_pin_is_listened_to_for_two_minutes_and_from_traders(
    desk: Desk, at_s: float, access: Access, kind: _K
) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    await desk.press(await desk.put(make_draft(pin_needed=True, expires_in_s=900)))
    await pins.check("ann", "2468", after(at_s))

    assert (await desk.proposals.pin_given("ann", access, after(at_s))).kind is kind


async def test_a_pin_given_after_the_proposal_was_cancelled_changes_nothing(desk: Desk) -> None:
    pins = Pins(desk.store)
    await pins.set("ann", "2468", NOW)
    proposal = await desk.put(make_draft(pin_needed=True))
    await desk.press(proposal)
    await desk.press(proposal, CardAction.CANCEL, person="bob")
    await pins.check("ann", "2468", NOW)

    assert (await desk.proposals.pin_given("ann", EVERYTHING, NOW)).kind is _K.USED


# Standing approvals.


async def test_confirming_an_arm_proposal_grants_it_at_once(desk: Desk) -> None:
    proposal = await desk.put(make_draft(purpose=Purpose.ARM, legs=(), standing=make_standing()))
    pressed = await desk.press(proposal)

    assert pressed.kind is _K.APPROVED
    assert pressed.proposal is not None
    assert (pressed.proposal.state, pressed.proposal.standing_id) == (ProposalState.DONE, "S1")
    (standing,) = await StandingApprovals(desk.store).active(NOW)
    assert (standing.granted_by, standing.granted_for, standing.terms) == (("ann",), "P1", make_standing())
    assert await desk.audited() == [
        AuditAction.PROPOSED, AuditAction.VOTED, AuditAction.APPROVED, AuditAction.ARMED, AuditAction.COMPLETED,
    ]  # fmt: skip
    assert (await desk.press(proposal, CardAction.DISARM, now=after(3_600))).kind is _K.DISARM
    assert await desk.proposals.consent("P1") is None


async def test_disarm_means_nothing_where_nothing_is_armed(desk: Desk) -> None:
    proposal = await desk.put()
    assert (await desk.press(proposal, CardAction.DISARM)).kind in NOTHING
    await desk.press(proposal)
    assert (await desk.press(proposal, CardAction.DISARM)).kind is _K.USED


# Many at once.


@pytest.mark.parametrize("needed", [1, 2])
async def test_eight_presses_at_once_have_one_effect_each_time(desk: Desk, needed: int) -> None:
    for round_ in range(100):
        proposal = await desk.put(make_draft(approvals_needed=needed), places=[PHONE, GROUP])
        actions = [CardAction.CONFIRM] * 7 + ([CardAction.CANCEL] if round_ % 2 else [CardAction.CONFIRM])
        presses = [
            desk.press(proposal, action, person=f"p{number}", place=PHONE if number % 2 else GROUP)
            for number, action in enumerate(actions)
        ]
        random.Random(round_).shuffle(presses)
        kinds = [pressed.kind for pressed in await asyncio.gather(*presses)]

        assert sum(kind in (_K.APPROVED, _K.CANCELLED) for kind in kinds) == 1
        assert kinds.count(_K.VOTED) <= needed - 1
        assert kinds.count(_K.VOTED) == needed - 1 or _K.CANCELLED in kinds
        found = await desk.proposals.get(proposal.proposal_id)
        assert found is not None
        assert len(found.votes) <= needed
    verdicts = (await desk.audited()).count(AuditAction.APPROVED) + (await desk.audited()).count(AuditAction.CANCELLED)
    assert verdicts == 100


async def test_eight_presses_of_one_person_are_one_vote(desk: Desk) -> None:
    proposal = await desk.put(make_draft(approvals_needed=2))
    kinds = [pressed.kind for pressed in await asyncio.gather(*(desk.press(proposal) for _ in range(8)))]
    assert sorted(kinds) == sorted([_K.VOTED] + [_K.ALREADY_VOTED] * 7)


def mutated(chance: random.Random, handle: str) -> str:
    """A handle with something wrong about it."""
    alphabet = string.ascii_letters + string.digits + "-_"
    match chance.randrange(5):
        case 0:
            return "".join(chance.choices(alphabet, k=22))
        case 1:
            place = chance.randrange(22)
            other = chance.choice(alphabet.replace(handle[place], ""))
            return handle[:place] + other + handle[place + 1 :]
        case 2:
            return handle[: chance.randrange(22)]
        case 3:
            return handle + chance.choice(alphabet)
        case _:
            return "".join(chr(chance.randrange(1, 0xFFFF)) for _ in range(chance.randrange(30)))


async def test_ten_thousand_forged_foreign_expired_and_replayed_presses_have_no_effect() -> None:
    chance = random.Random(5)
    async with Store.forgetful() as store:
        desk = await Desk.over(store)
        open_, used, revised = [await desk.put(places=[PHONE, GROUP]) for _ in range(3)]
        for proposal in (open_, used, revised):
            for number, card in enumerate(await desk.cards.of(proposal.proposal_id)):
                await desk.cards.bind(card.card_key, card.place, f"m{number}", NOW)
        await desk.press(used, CardAction.CANCEL, message_id="m0")
        await desk.proposals.revise(
            revised.proposal_id, expected_revision=1, legs=make_legs(), effect=None, changed=("x",), notes=(),
            expires_at=after(60), now=NOW, by="keel", handles=desk.handles,
        )  # fmt: skip
        before = await contents(desk)
        for _ in range(10_000):
            place, message = chance.choice([(PHONE, "m0"), (GROUP, "m1")])
            action = chance.choice([CardAction.CONFIRM, CardAction.HALF, CardAction.CANCEL, CardAction.DISARM])
            handle = desk.handles.of(open_.proposal_id, 1, action, place)
            person, access, now = "ann", EVERYTHING, NOW
            match chance.randrange(6):
                case 0:
                    handle = mutated(chance, handle)
                case 1:
                    message = chance.choice(["m2", "", "m00", "0"])
                case 2:
                    place = chance.choice([
                        CardPlace(transport="telegram", chat="2002"), replace(place, transport="discord"),
                        replace(place, thread=place.thread + "1"),
                    ])  # fmt: skip
                case 3:
                    now = after(chance.uniform(120, 1e7))
                case 4:
                    stale = chance.choice([used, revised])
                    handle = desk.handles.of(stale.proposal_id, 1, action, place)
                case _:
                    access = chance.choice([NO_ACCESS, Access(roles={"other": Role.ADMIN})])
            press = make_press(handle, person=person, access=access, place=place, message_id=message)
            assert (await desk.proposals.press(press, now)).kind in NOTHING
        assert await contents(desk) == before


async def test_the_moment_of_a_press_has_a_time_zone(desk: Desk) -> None:
    proposal = await desk.put()
    with pytest.raises(ValueError, match="time zone"):
        await desk.press(proposal, now=datetime(2026, 1, 5, 12))  # noqa: DTZ001  # the mistake that is tried
    assert await desk.proposals.get("P1") == proposal
