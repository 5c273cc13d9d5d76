"""Every copy of a card, in every chat, says what its row says: after a press, a restart, and a chat that fails."""

import asyncio
import itertools

import pytest

from bot.messages import Address, Limits, Rate, Refused, RetryAfter, TryAgain, Unreachable, text_of
from bot.trading.cards.card import ChatCards
from bot.trading.cards.words import Drawn
from bot.trading.rules import Quorum
from risk.model.proposal import Proposal, ProposalState
from storage import CardCopy, CardPlace, ProposalCards, Role
from tests.bot.trading.chat_world import ChatWorld, chat_world, labels
from tests.support.bot_world import HOME
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport
from tests.support.team import group, member
from tests.support.trade_world import sell

TWO = {"": Quorum(approvals=2, above_usd=0.0)}


async def with_bob(world: ChatWorld) -> None:
    await member(world.bot, "bob", Role.TRADER)


async def test_the_card_somebody_asked_for_becomes_its_report() -> None:
    async with chat_world() as world:
        card = await world.card()
        assert await world.press(card) == "Approved. Sending 1 order."

        assert world.text(card).startswith("Close main: sold 125 SOL-PERP at $159.98\n")
        assert not world.shown(card.ref).buttons
        assert await world.position() == 125.0
        assert len(world.cards()) == 1, "nobody is told twice"


async def test_whoever_asked_is_not_sent_their_card_a_second_time() -> None:
    async with chat_world() as world:
        home = Address(transport=world.transport.name, chat=HOME)
        found = await world.trading.desk.propose(sell(), place=home)
        await world.idle()
        assert found.proposal is not None
        assert not world.cards(), "their answer is it"
        answer = await world.trading.cards.here(found.proposal, home)
        world.clock.pass_s(10)
        await world.idle()
        assert not world.cards(), "it is on its way"
        await world.trading.cards.bind(answer.card, await world.transport.send(home, answer))
        await world.pass_s(1)
        assert len(world.cards()) == 1


async def test_a_card_whose_answer_never_went_out_is_sent_all_the_same() -> None:
    async with chat_world() as world:
        home = Address(transport=world.transport.name, chat=HOME)
        await world.trading.desk.propose(sell(), place=home)
        await world.pass_s(3)
        assert len(world.cards()) == 1


async def test_a_quorum_is_asked_in_every_chat_of_its_traders_and_seen_in_all_of_them() -> None:
    async with chat_world(quorums=TWO) as world:
        await with_bob(world)
        await member(world.bot, "viv", Role.VIEWER)
        await group(world.bot, "-100")
        card = await world.card()
        await world.pass_s(3)

        assert {one.chat for one in world.transport.sent if one.message.buttons} == {HOME, "bob", "-100"}
        assert await world.press(card) == "1 of 2 approvals."
        (bobs,), (groups,) = world.cards("bob"), world.cards("-100")
        for copy in (card, bobs, groups):
            assert "Approved by 1 of 2: Owner." in world.text(copy)
        assert await world.press(bobs, user="bob") == "Approved. Sending 1 order."
        for copy in (card, bobs, groups):
            assert world.text(copy).startswith("Close main: sold 125 SOL-PERP")
            assert "Approved by 2 of 2: Owner, Bob." in world.text(copy)
            assert not world.shown(copy.ref).buttons


async def test_one_person_is_one_vote_wherever_they_press() -> None:
    async with chat_world(quorums=TWO) as world:
        await group(world.bot, "-100")
        card = await world.card()
        await world.pass_s(3)
        await world.press(card)
        (groups,) = world.cards("-100")
        assert await world.press(groups) == "You have approved this already; it takes somebody else as well."
        assert await world.state() is ProposalState.OPEN


async def test_what_the_bot_proposes_itself_reaches_its_traders() -> None:
    async with chat_world() as world:
        await with_bob(world)
        found = await world.trading.desk.propose(sell(requested_by=""))
        assert found.proposal is not None
        await world.idle()
        assert {one.chat for one in world.transport.sent} == {HOME, "bob"}


async def test_a_countdown_is_edited_in_steps_and_the_end_takes_the_buttons() -> None:
    async with chat_world() as world:
        card = await world.card()
        for _ in range(24):
            await world.pass_s(5)
        shown = [text_of(message) for ref, message in world.transport.edits if ref == card.ref]
        left = [line for text in shown for line in text.split("\n") if line.startswith("Expires")]
        assert left == [f"Expires 12:02:00 UTC, {one} left." for one in (
            "1 min 45 s", "1 min 30 s", "1 min 15 s", "1 min", "45 s", "30 s", "25 s", "20 s", "15 s", "10 s", "5 s"
        )]  # fmt: skip
        assert shown[-1].startswith("Close main: expired, nothing was sent")
        assert not world.shown(card.ref).buttons
        assert await world.state() is ProposalState.EXPIRED


async def test_a_countdown_takes_little_of_what_a_group_takes() -> None:
    clock = FakeClock()
    transport = RecordingTransport(now=clock.now)
    transport.pace = Limits(per_group=Rate(most=20, per_s=60.0), group_prefix="-")
    async with chat_world(clock=clock, transport=transport) as world:
        await group(world.bot, "-100")
        for _ in range(3):
            await world.trading.desk.propose(sell(requested_by=""))
        await world.idle()
        before = len(transport.edits)
        for _ in range(60):
            await world.pass_s(1)
        assert len([ref for ref, _ in transport.edits[before:] if ref.address.chat == "-100"]) <= 5


async def test_a_moved_price_makes_a_new_card_and_the_old_one_loses_its_buttons() -> None:
    async with chat_world() as world:
        card = await world.card()
        await world.press(card, "Half")

        assert world.text(card).startswith("Close main: this card is superseded")
        assert not world.shown(card.ref).buttons
        (_, newest) = world.cards()
        assert newest.text.startswith("Close main: sell 62.5 SOL-PERP")
        assert "Revision 2. Changed since the last card:" in newest.text
        assert await world.position() == 250.0
        assert await world.press(newest) == "Approved. Sending 1 order."
        assert await world.position() == 187.5


async def test_buttons_of_a_superseded_card_are_worth_nothing() -> None:
    async with chat_world() as world:
        card = await world.card()
        old = card.data("Confirm")
        await world.press(card, "Half")
        notice = await world.bot.press(old, ref=card.ref)
        assert notice == "This button is not good here. Press on the newest card, or see /approvals."
        assert await world.position() == 250.0


async def test_a_card_asked_for_again_moves_and_keeps_one_set_of_buttons() -> None:
    async with chat_world() as world:
        card = await world.card()
        again = await world.ask("/approvals")
        await world.idle()
        assert world.text(card) == "Close main: this card is further down now"
        assert labels(again.message) == ["Confirm", "Cancel", "Half", "Details"]
        assert await world.press(again) == "Approved. Sending 1 order."
        assert world.text(again).startswith("Close main: sold 125 SOL-PERP")


async def test_cards_are_kept_after_a_restart() -> None:
    async with chat_world() as world:
        card = await world.card()
        async with chat_world(
            store=world.bot.store, clock=world.clock, venue=world.venue, transport=world.transport
        ) as later:
            assert await later.press(card) == "Approved. Sending 1 order."
            assert later.text(card).startswith("Close main: sold 125 SOL-PERP")
            assert len(later.cards()) == 1


@pytest.mark.parametrize("error", [TryAgain("no answer"), RetryAfter(3.0)])
async def test_a_card_that_did_not_get_through_is_sent_later(error: Exception) -> None:
    async with chat_world() as world:
        world.transport.fail(HOME, error)
        await world.trading.desk.propose(sell(requested_by=""))
        await world.idle()
        if isinstance(error, TryAgain):
            assert not world.cards()
        await world.pass_s(5)
        assert len(world.cards()) == 1


async def test_a_chat_that_is_gone_is_given_up_and_the_others_are_asked() -> None:
    async with chat_world() as world:
        await with_bob(world)
        world.transport.fail(HOME, Unreachable("blocked"))
        await world.trading.desk.propose(sell(requested_by=""))
        await world.idle()
        assert [one.chat for one in world.transport.sent] == ["bob"]
        await world.pass_s(20)
        assert [one.chat for one in world.transport.sent] == ["bob"]


async def test_a_report_whose_card_was_deleted_is_said_anew() -> None:
    async with chat_world() as world:
        card = await world.card()
        world.transport.edit_error = Refused("message to edit not found")
        await world.press(card)
        assert world.transport.sent[-1].text.startswith("Close main: ")
        assert world.transport.sent[-1].ref != card.ref
        assert not world.transport.sent[-1].message.buttons


async def test_a_chat_that_hangs_holds_up_nobody_else() -> None:
    async with chat_world(quorums=TWO) as world:
        await with_bob(world)
        with world.transport.held("bob"):
            card = await world.card()
            world.clock.pass_s(3)
            await world.trading.keeper.look()
            await world.bot.press(card.data("Cancel"), ref=card.ref)
            await world.trading.keeper.look()
            for _ in range(50):
                await world.trading.keeper.look()
                if "cancelled" in world.text(card):
                    break
            assert world.text(card).startswith("Close main: cancelled, nothing was sent\nP1: ")
            assert "Cancelled by Owner." in world.text(card)
        await world.idle()


async def test_chats_that_are_served_side_by_side_do_not_keep_each_other_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, slow = 0, itertools.cycle((5, 10, 15))
    stale, draw = ProposalCards.stale, ChatCards.draw

    async def counted(copies: ProposalCards) -> tuple[CardCopy, ...]:
        nonlocal looks
        looks += 1
        return await stale(copies)

    async def slowly(cards: ChatCards, proposal: Proposal, place: CardPlace) -> Drawn:
        await its_turns(world, next(slow))
        return await draw(cards, proposal, place)

    async def for_ever(clock: FakeClock, seconds: float) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(ProposalCards, "stale", counted)
    async with chat_world(quorums=TWO) as world:
        await with_bob(world)
        await member(world.bot, "cat", Role.TRADER)
        await world.card()
        await world.idle()
        monkeypatch.setattr(FakeClock, "sleep", for_ever)
        monkeypatch.setattr(ChatCards, "draw", slowly)
        running = asyncio.create_task(world.trading.keeper.run())
        for _ in range(5):
            world.trading.keeper.wake()
            await its_turns(world, 4)
        await its_turns(world, 200)
        before = looks
        await its_turns(world, 200)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert looks == before, "the card is open, nothing changes, and no time passes"


async def its_turns(world: ChatWorld, count: int) -> None:
    """Others work for as long as the database takes to answer so many questions."""
    for _ in range(count):
        await world.bot.store.run(lambda db: None)


async def test_the_end_says_how_the_account_stands_once_it_was_read_again() -> None:
    async with chat_world() as world:
        card = await world.card()
        await world.press(card)
        assert "What is still open is being read." in world.text(card)
        world.clock.pass_s(6)
        await world.bot.app.watch.check()
        await world.idle()
        assert "Still open: long 125 SOL-PERP" in world.text(card)
        edits = len(world.transport.edits)
        for _ in range(5):
            world.clock.pass_s(30)
            await world.bot.app.watch.check()
            await world.idle()
        assert len(world.transport.edits) == edits, "what has ended is left alone"


async def test_an_answer_that_only_its_asker_sees_is_edited_through_what_they_asked() -> None:
    async with chat_world() as world:
        found = await world.trading.desk.propose(sell())
        assert found.proposal is not None
        hidden = Address(transport=world.transport.name, chat="channel", reply_to="interaction-1")
        message = await world.trading.cards.here(found.proposal, hidden)
        ref = await world.transport.send(hidden, message)
        await world.trading.cards.bind(message.card, ref)
        await world.pass_s(20)
        assert [one.address.reply_to for one, _ in world.transport.edits] == ["interaction-1"]


async def test_a_proposal_that_came_to_nothing_before_anybody_saw_it_is_not_sent() -> None:
    async with chat_world() as world:
        found = await world.trading.desk.propose(sell(requested_by=""))
        assert found.proposal is not None
        await world.trading.desk.cancel(found.proposal.proposal_id, by="keel", reason="not needed any more")
        await world.idle()
        assert not world.transport.sent
        assert not await ProposalCards(world.bot.store).stale()
