"""/events: which kinds are told in a chat, how that is changed, and what comes of it."""

import pytest

from bot.alerts.desk import Finding
from bot.alerts.event_names import GROUPS, subject_of
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind
from storage import Receiver, Role
from tests.support.bot_world import BotWorld, bot_world
from tests.support.recording_transport import Sent

STAYS = "still told here, for no other chat that can be reached hears of it."


async def happens(world: BotWorld, kind: EventKind, tier: Tier = Tier.WATCH) -> list[str]:
    """Something of this kind; the chats that hear of it."""
    before = len(world.alerts)
    cause = Cause(kind=CauseKind.EVENT, account_id=world.account, subject=subject_of(kind, f"{before}"))
    passing = tier in (Tier.WATCH, Tier.WARNING)
    await world.app.desk.settle([Finding(cause=cause, tier=tier, fact=kind.value, passing=passing)])
    await world.deliver()
    return [alert.chat for alert in world.alerts[before:]]


async def press(world: BotWorld, card: Sent, label: str) -> str:
    return await world.press(card.data(label), ref=card.ref)


async def test_what_is_told_stands_by_group_and_by_kind() -> None:
    async with bot_world() as world:
        shown = (await world.answer("/events")).text
        for group in GROUPS:
            assert group in shown
        assert "fills  yes" in shown
        assert "orders  3 of 7" in shown
        detail = (await world.answer("/events fills withdrawal")).text
        assert detail.startswith("3 of 3 kinds are told here")
        assert "order_filled  yes" in detail


async def test_a_kind_that_is_switched_off_is_told_elsewhere_alone_until_it_is_on_again() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.RESPONDER, chat="office")
        answer = await world.answer("/events off fills")
        assert answer.first == "Fills: not told here any more."
        assert await happens(world, EventKind.ORDER_FILLED) == ["office"]
        assert await happens(world, EventKind.DEPOSIT) == ["home", "office"]
        assert (await world.answer("/events off fills")).first == "That is off here already."

        assert await press(world, answer, "Undo") == "Taken back"
        assert await happens(world, EventKind.ORDER_FILLED) == ["home", "office"]
        await world.answer("/events off order-filled")
        await world.answer("/events on fills")
        assert await happens(world, EventKind.ORDER_FILLED) == ["home", "office"]


async def test_what_happens_all_the_time_is_told_where_it_was_asked_for() -> None:
    async with bot_world() as world:
        assert await happens(world, EventKind.ORDER_PLACED) == []
        answer = await world.answer("/events on orders")
        assert answer.first.startswith("Order placed, order changed, ")
        assert await happens(world, EventKind.ORDER_PLACED) == ["home"]
        await press(world, answer, "Undo")
        assert await happens(world, EventKind.ORDER_PLACED) == []


async def test_what_is_critical_is_switched_off_only_when_confirmed_and_never_by_the_last_who_hears() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.RESPONDER, chat="office")
        card = await world.answer("/events off withdrawal")
        assert card.text.split("\n")[:2] == [
            "Hear nothing here of Withdrawal?",
            "That is CRITICAL. Another chat hears of it; while none can be reached, it is told here again.",
        ]
        assert await happens(world, EventKind.WITHDRAWAL, Tier.CRITICAL) == ["home", "office"]
        assert await press(world, card, "Confirm") == "Changed"
        assert await happens(world, EventKind.WITHDRAWAL, Tier.CRITICAL) == ["office"]

        (off,) = await world.say("/events off money", user="bob", chat="office")
        assert off.text.split("\n")[1] == f"Withdrawal: {STAYS}"
        assert await happens(world, EventKind.DEPOSIT) == ["home"]
        assert await happens(world, EventKind.WITHDRAWAL, Tier.CRITICAL) == ["office"]

        (off,) = await world.say("/events off liquidation withdrawal", user="bob", chat="office")
        assert off.text.startswith("Hear nothing here of Liquidation begun, liquidation took something, bankrupt?")
        assert f"Withdrawal: {STAYS}" in off.text
        (off,) = await world.say("/events off withdrawal", user="bob", chat="office")
        assert off.first == f"Withdrawal: {STAYS}"


async def test_where_there_is_no_other_chat_nothing_critical_can_be_switched_off_and_it_says_so() -> None:
    async with bot_world() as world:
        answer = await world.answer("/events off liquidation")
        assert answer.text.split("\n")[:2] == [
            "Liquidation ended, bankruptcy resolved: not told here any more.",
            f"Liquidation begun, liquidation took something, bankrupt: {STAYS}",
        ]
        assert await happens(world, EventKind.LIQUIDATION_BEGUN, Tier.LIQUIDATING) == ["home"]
        assert (await world.answer("/events liquidation")).first == "3 of 5 kinds are told here"


async def test_a_chat_that_cannot_be_told_is_no_other_chat() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.RESPONDER, chat="office")
        office = Receiver(transport=world.transport.name, chat="office")
        card = await world.answer("/events off withdrawal")
        world.app.services.book.unreachable = {office: "the bot was blocked"}
        assert (await world.answer("/events off withdrawal")).first == f"Withdrawal: {STAYS}"

        await press(world, card, "Confirm")  # asked while the office could still be told
        assert await world.app.services.preferences.all() == {}

        world.app.services.book.unreachable = {}
        card = await world.answer("/events off withdrawal")
        await press(world, card, "Confirm")
        assert await happens(world, EventKind.WITHDRAWAL, Tier.CRITICAL) == ["office"]
        world.app.services.book.unreachable = {office: "the bot was blocked"}
        assert "home" in await happens(world, EventKind.WITHDRAWAL, Tier.CRITICAL)
        shown = (await world.answer("/events withdrawal")).text
        assert shown.startswith("1 of 1 kinds are told here")
        assert "withdrawal  no other" in shown


async def test_whoever_looks_at_what_is_off_is_not_told_that_it_always_comes_through() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.RESPONDER, chat="office")
        card = await world.answer("/events off liquidation")
        await press(world, card, "Confirm")
        shown = (await world.answer("/events liquidation")).text
        assert shown.startswith("0 of 5 kinds are told here")
        assert "always comes through" not in shown
        assert "that no other chat hears of is told here" in shown


REFUSED = {
    "/events off": "Say which: positions, fills, orders, money, costs, liquidation, access, venue, gaps,",
    "/events off filled": "No kind of event is called filled. Did you mean",
    "/events xyzzy": "No kind of event is called xyzzy. Groups are positions, fills,",
    "/events off " + "x" * 400: "No kind of event is called xxxxxxxxxxxxxxxxxxxxxxx…. Groups are",
}


@pytest.mark.parametrize(("typed", "sentence"), REFUSED.items())
async def test_what_is_no_kind_is_refused_with_those_there_are(typed: str, sentence: str) -> None:
    async with bot_world() as world:
        assert (await world.answer(typed)).first.startswith(sentence)
        assert await world.app.services.preferences.all() == {}


@pytest.mark.parametrize("kind", EventKind)
async def test_every_kind_can_be_named(kind: EventKind) -> None:
    async with bot_world() as world:
        assert (await world.answer(f"/events {kind.value}")).text.split("\n")[2].startswith(kind.value[:10])


async def test_everything_can_be_switched_at_once() -> None:
    async with bot_world() as world:
        card = await world.answer("/events off all")
        await press(world, card, "Confirm")
        assert await happens(world, EventKind.DEPOSIT) == []
        assert "fills  no" in (await world.answer("/events")).text
        on = await world.answer("/events on all")
        assert on.first.startswith("Positions, fills, orders, costs, venue, deposit, ")  # the rest never went off
        assert await happens(world, EventKind.ORDER_PLACED) == ["home"]
