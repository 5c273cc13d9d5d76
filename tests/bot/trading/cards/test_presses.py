"""What presses on cards come to, and what whoever pressed is told."""

import pytest

from bot.trading.cards.press_words import notice
from risk.model.proposal import ProposalState, Purpose
from storage import Pins, Pressed, PressKind, Role
from tests.bot.trading.chat_world import chat_world
from tests.bot.trading.proposals import armed, leg, proposal
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.bot_world import OWNER
from tests.support.team import group, member

SENDING = proposal(leg(), leg(2), state=ProposalState.EXECUTING)


@pytest.mark.parametrize("kind", PressKind)
def test_every_press_is_answered_within_the_platforms_length(kind: PressKind) -> None:
    for of in (proposal(), armed(), None):
        said = notice(Pressed(kind=kind, proposal=of), "main")
        assert len(said) <= 200
        if of is not None:
            assert said


@pytest.mark.parametrize(
    ("pressed", "says"),
    [
        (Pressed(kind=PressKind.APPROVED, proposal=SENDING), "Approved. Sending 2 orders."),
        (Pressed(kind=PressKind.APPROVED, proposal=armed(state=ProposalState.DONE)), "Approved. It is in force."),
        (Pressed(kind=PressKind.ALREADY_VOTED, proposal=SENDING), "You have approved this already; it is being sent."),
        (
            Pressed(kind=PressKind.ALREADY_VOTED, proposal=proposal(state=ProposalState.DONE)),
            "You have approved this already; it is done.",
        ),
        (
            Pressed(kind=PressKind.ALREADY_VOTED, proposal=proposal(approvals_needed=2)),
            "You have approved this already; it takes somebody else as well.",
        ),
        (Pressed(kind=PressKind.CANCELLED, proposal=proposal()), "Cancelled. Nothing was sent."),
        (
            Pressed(kind=PressKind.CANCELLED, proposal=proposal(purpose=Purpose.CANCEL)),
            "Taken back: nothing was cancelled, the orders still rest at the venue.",
        ),
        (Pressed(kind=PressKind.EXPIRED), "This card has expired. Nothing was sent; ask again."),
        (Pressed(kind=PressKind.NOT_ALLOWED, proposal=proposal()), "You need the role trader for main."),
        (
            Pressed(kind=PressKind.PIN_NEEDED, proposal=proposal()),
            "Your PIN is needed: send me /pin and your PIN in private within 2 min.",
        ),
    ],
)
def test_the_notice_says_what_it_came_to(pressed: Pressed, says: str) -> None:
    assert notice(pressed, "main") == says


async def test_cancel_takes_it_back_and_the_card_says_who_did() -> None:
    async with chat_world() as world:
        card = await world.card()
        assert await world.press(card, "Cancel") == "Cancelled. Nothing was sent."
        assert "Cancelled by Owner." in world.text(card)
        assert not world.shown(card.ref).buttons
        assert await world.bot.press(card.data("Confirm"), ref=card.ref) == (
            "This was decided already; nothing more happens by this button."
        )
        assert await world.position() == 250.0


async def test_details_are_a_message_of_their_own_and_change_nothing() -> None:
    async with chat_world() as world:
        card = await world.card()
        assert await world.press(card, "Details") == "Close main in detail"
        details = world.transport.sent[-1].text
        assert details.startswith("Close main: 1 order in detail\n")
        assert "until  12:02:30 UTC" in details
        assert "From the venue curve, 0 s old, slot 300,000,000." in details
        assert await world.state() is ProposalState.OPEN
        assert world.shown(card.ref).buttons


async def test_a_viewer_cannot_press_and_neither_can_a_stranger() -> None:
    async with chat_world() as world:
        await member(world.bot, "viv", Role.VIEWER)
        await group(world.bot, "home")
        card = await world.card()
        assert await world.press(card, user="viv") == "This needs the role trader; yours is viewer."
        assert await world.press(card, user="mallory") == "This button is not for you."
        assert await world.state() is ProposalState.OPEN


async def test_a_role_that_was_withdrawn_between_card_and_press_counts_as_none(figure: Gauge) -> None:
    async with chat_world() as world:
        bob = await member(world.bot, "bob", Role.TRADER)
        await group(world.bot, "home")
        card = await world.card()
        await world.bot.app.services.people.take(bob.person_id, "")
        assert "role trader" in await world.press(card, user="bob")
        assert await world.position() == 250.0
        figure(Measure.UNAPPROVED, 250.0 - await world.position())


@pytest.mark.parametrize("data", ["c:", "c:x", "c:" + "A" * 22, "c:a:b:c", "c:" + "é" * 20, "c:\u202e'; DROP--"])
async def test_a_forged_button_does_nothing(data: str) -> None:
    async with chat_world() as world:
        card = await world.card()
        assert await world.bot.press(data, ref=card.ref)
        assert await world.state() is ProposalState.OPEN


async def test_a_button_is_good_in_no_other_chat() -> None:
    async with chat_world() as world:
        await group(world.bot, "-100")
        card = await world.card()
        elsewhere = await world.ask("/health", chat="-100", private=False)
        assert "not good here" in await world.bot.press(card.data("Confirm"), ref=elsewhere.ref)
        assert await world.state() is ProposalState.OPEN


async def test_a_large_trade_takes_a_pin_and_the_pin_is_never_shown() -> None:
    async with chat_world(pin_above_usd=1_000.0) as world:
        pins, now = Pins(world.bot.store), world.clock.now()
        await pins.set(f"person-{OWNER}", "482911", now)
        card = await world.card()
        assert "Needs your PIN" in world.text(card)
        assert await world.press(card) == "Your PIN is needed: send me /pin and your PIN in private within 2 min."
        wrong = await world.ask("/pin 000000")
        assert wrong.text.startswith("That is not your PIN; 4 more tries. Nothing was approved.")
        right = await world.ask("/pin 482911")
        await world.idle()
        assert right.text.split("\n") == [
            "Right. Approved. Sending 1 order.", "Delete your message with the PIN from this chat."
        ]  # fmt: skip
        assert await world.position() == 125.0
        assert not any("482911" in one.text for one in world.transport.sent)


async def test_five_wrong_pins_lock_and_the_right_one_is_not_listened_to_then() -> None:
    async with chat_world(pin_above_usd=1_000.0) as world:
        await Pins(world.bot.store).set(f"person-{OWNER}", "482911", world.clock.now())
        card = await world.card()
        await world.press(card)
        said = [(await world.ask(f"/pin 00000{digit}")).first for digit in range(5)]
        assert said[3] == "That is not your PIN; 1 more try. Nothing was approved."
        assert said[4].startswith("Your PIN is locked until ")
        assert (await world.ask("/pin 482911")).first.startswith("Your PIN is locked until ")
        assert await world.state() is ProposalState.OPEN


async def test_a_pin_is_never_logged(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    async with chat_world(pin_above_usd=1_000.0) as world:
        await Pins(world.bot.store).set(f"person-{OWNER}", "482911", world.clock.now())
        for text in ("/pin 482911", "/pin 999888", "/pin 482911 482911", '/pin "482911'):
            await world.ask(text)
        heard = "".join(capsys.readouterr()) + caplog.text
        audited = [entry.facts_json for entry in await world.trading.audit.entries(50)]
    assert not any(pin in heard + "".join(audited) for pin in ("482911", "999888"))
    assert not any("482911" in one.text for one in world.transport.sent)


async def test_in_a_group_nobody_is_asked_for_a_pin() -> None:
    async with chat_world() as world:
        await group(world.bot, "-100")
        answer = await world.ask("/pin 482911", chat="-100", private=False)
        assert answer.text == (
            "Delete your message now: others can read your PIN. Nothing was approved. "
            "Ask me this in private: others read along here."
        )
        assert (await world.ask("/pin", chat="-100", private=False)).text == (
            "Ask me this in private: others read along here."
        )


async def test_a_pin_in_a_group_that_nobody_linked_is_to_be_deleted_as_well() -> None:
    async with chat_world() as world:
        answer = await world.ask("/pin 482911", chat="-200", private=False)
        assert answer.text.startswith("Delete your message now: others can read your PIN.")
