"""Cards: one in each chat, bound to its message, and shown until it shows how things ended."""

import pytest

from risk.decisions.proposals import ProposalEvent
from storage import CardAction, CardCopy, CardPlace, PressKind, ProposalCards, Proposals, Store
from storage.errors import StorageDefect
from tests.storage.builders import NOW, after
from tests.storage.trading_builders import GROUP, PHONE, Desk, make_legs, make_terms


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk.over(store)


async def the_card(desk: Desk) -> CardCopy:
    (card,) = await desk.cards.of("P1")
    return card


async def show(desk: Desk, card: CardCopy, fingerprint: str) -> None:
    await desk.cards.shown(card.card_key, message_id="77", fingerprint=fingerprint, now=NOW, changes=card.changes)


async def test_a_card_is_made_for_every_chat_that_is_asked_and_for_none_twice(desk: Desk) -> None:
    await desk.put(places=[PHONE, GROUP, PHONE])
    cards = await desk.cards.of("P1")

    assert [(card.place, card.message_id, card.fingerprint, card.revision_shown) for card in cards] == [
        (PHONE, None, "", 0), (GROUP, None, "", 0),
    ]  # fmt: skip
    assert await desk.cards.stale() == cards


async def test_a_chat_that_is_added_later_has_buttons_that_work(desk: Desk) -> None:
    proposal = await desk.put()
    added = await desk.cards.add("P1", GROUP, desk.handles)

    assert await desk.cards.add("P1", GROUP, desk.handles) == added
    assert (await desk.press(proposal, place=GROUP)).kind is PressKind.APPROVED
    with pytest.raises(StorageDefect):
        await desk.cards.add("P2", GROUP, desk.handles)


async def test_once_its_message_is_known_only_that_message_counts(desk: Desk) -> None:
    proposal = await desk.put()
    card = await the_card(desk)
    assert await desk.cards.bind(card.card_key, PHONE, "77", NOW)
    assert (await the_card(desk)).message_id == "77"
    assert (await desk.press(proposal, message_id="78")).kind is PressKind.FOREIGN

    assert await desk.cards.bind(card.card_key, PHONE, "78", NOW), "it was sent again"
    assert (await desk.press(proposal, message_id="77")).kind is PressKind.FOREIGN
    assert (await desk.press(proposal, message_id="78")).kind is PressKind.APPROVED


async def test_a_message_of_another_place_is_not_bound(desk: Desk) -> None:
    await desk.put()
    card = await the_card(desk)
    assert not await desk.cards.bind(card.card_key, GROUP, "77", NOW)
    for unknown in ("C9", "9", "", "C", "C²", "C" + "9" * 30):
        assert not await desk.cards.bind(unknown, PHONE, "77", NOW)
    assert (await the_card(desk)).message_id is None


async def test_a_card_stays_stale_until_it_shows_the_end(desk: Desk) -> None:
    proposal = await desk.put()
    await show(desk, await the_card(desk), "open")
    (card,) = await desk.cards.stale()
    assert (card.fingerprint, card.revision_shown, card.message_id) == ("open", 1, "77")

    looked_up_before = card
    await desk.press(proposal, CardAction.CANCEL)
    await show(desk, looked_up_before, "open")
    (card,) = await desk.cards.stale()
    await show(desk, card, "cancelled")
    assert await desk.cards.stale() == ()


async def test_a_card_that_was_shown_without_saying_of_when_stays_stale(desk: Desk) -> None:
    await desk.put()
    await desk.proposals.happened("P1", ProposalEvent.CANCELLED, now=NOW, by="ann")
    await desk.cards.shown("C1", message_id=None, fingerprint="cancelled", now=NOW)
    assert len(await desk.cards.stale()) == 1


async def test_a_card_given_up_is_not_shown_any_more_and_bound_again_it_is(desk: Desk) -> None:
    proposal = await desk.put()
    await desk.cards.give_up("C1")
    assert await desk.cards.stale() == ()
    assert (await desk.press(proposal, CardAction.DETAILS)).kind is PressKind.DETAILS
    await desk.cards.bind("C1", PHONE, "99", NOW)
    assert len(await desk.cards.stale()) == 1


async def test_a_revision_gives_every_card_new_buttons(desk: Desk) -> None:
    first = await desk.put(places=[PHONE, GROUP])
    second = await desk.proposals.revise(
        "P1", expected_revision=1, legs=make_legs(make_terms(size=1)), effect=None, changed=("Half.",), notes=(),
        expires_at=after(300), now=NOW, by="ann", handles=desk.handles,
    )  # fmt: skip
    for place in (PHONE, GROUP):
        assert (await desk.press(first, CardAction.DETAILS, place=place)).kind is PressKind.SUPERSEDED
        assert (await desk.press(second, CardAction.DETAILS, place=place)).kind is PressKind.DETAILS
    await show(desk, await desk.cards.add("P1", PHONE, desk.handles), "second")
    assert (await desk.cards.of("P1"))[0].revision_shown == 2


async def test_buttons_of_before_a_restart_work_after_it(desk: Desk) -> None:
    """The key is made once, and kept."""
    proposal = await desk.put()
    again = Desk(
        store=desk.store, proposals=Proposals(desk.store), cards=ProposalCards(desk.store),
        handles=await ProposalCards(desk.store).handles(),
    )  # fmt: skip
    assert (await again.press(proposal)).kind is PressKind.APPROVED


async def test_no_handle_is_stored(desk: Desk) -> None:
    proposal = await desk.put()
    dump = "\n".join(await desk.store.run(lambda db: list(db.conn.iterdump())))
    for action in CardAction:
        handle = desk.handles.of(proposal.proposal_id, 1, action, PHONE)
        assert handle not in dump
        assert handle.encode().hex().upper() not in dump


async def test_a_place_of_any_text_is_a_place(desk: Desk) -> None:
    place = CardPlace(transport="telegram", chat="a|b\n'", thread='["]')
    proposal = await desk.put(places=[place])
    assert (await desk.press(proposal, place=place)).kind is PressKind.APPROVED
