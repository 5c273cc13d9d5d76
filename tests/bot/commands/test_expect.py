"""/expect: what was said before is no alarm when it happens, as far as it was said, and everybody sees who said it."""

import pytest

from risk.model.events import EventKind
from storage import Role
from tests.bot.alerts.event_world import MAIN, EventWorld, RecordedVenue, event_world, standing
from tests.bot.alerts.happenings import flow
from tests.support.clock import FakeClock
from venues.errors import VenueRejected

K = EventKind
DELEGATE = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"


async def withdraws(world: EventWorld, amount_usd: float, kind: EventKind = K.WITHDRAWAL) -> str:
    """What is heard of it."""
    world.bot.clock.pass_s(1)
    account = world.venue.accounts[MAIN]
    world.change(net_deposits_usd=account.net_deposits_usd - amount_usd)
    world.venue.record(flow(kind, amount_usd))
    return "\n".join(await world.heard())


async def answer(world: EventWorld, text: str, user: str = "owner") -> str:
    """What somebody is answered; what others are told of it is passed over."""
    said = (await world.bot.answer(text, user=user)).text
    await world.bot.deliver()
    return said


async def test_what_was_expected_is_told_as_watch_and_who_expected_it_is_told_at_once() -> None:
    async with event_world() as world:
        said = await answer(world, "/expect withdrawal 500 2h")
        assert said.split("\n") == [
            "main: a withdrawal of up to 500.00 USD is expected until 5 Jan 2026 14:00 UTC",
            "It will be told as WATCH. More than that, or anything else, rings as before.",
            "Take it back: /expect off 1.",
        ]
        assert world.bot.transport.sent[-1].first.startswith(
            "WATCH main: Owner expects a withdrawal of up to 500.00 USD until 5 Jan 2026 14:00 UTC"
        )

        heard = await withdraws(world, 500.0)

        assert heard.startswith("WATCH main: withdrawal of 500 USDC (500.00 USD), announced")
        assert (await withdraws(world, 1.0)).startswith("CRITICAL main: ")  # it is used up


async def test_it_may_come_in_parts_and_what_is_left_is_shown() -> None:
    async with event_world() as world:
        await answer(world, "/expect main withdrawal $1,000 2h")

        assert (await withdraws(world, 400.0)).startswith("WATCH")
        assert "a withdrawal of up to 1,000.00 USD, of which 600.00 USD is left" in await answer(world, "/expect")
        assert (await withdraws(world, 700.0)).startswith("CRITICAL")
        assert (await withdraws(world, 600.0)).startswith("WATCH")
        assert (await answer(world, "/expect")).startswith("Nothing is expected")


async def test_it_holds_for_its_time_alone() -> None:
    async with event_world() as world:
        await answer(world, "/expect withdrawal 500 30m")
        world.bot.clock.pass_s(1_840)

        assert (await withdraws(world, 500.0)).startswith("CRITICAL")


async def test_what_is_taken_back_counts_no_more() -> None:
    async with event_world() as world:
        await answer(world, "/expect withdrawal 500")
        taken = await answer(world, "/expect off 1")
        assert taken == "main: a withdrawal of up to 500.00 USD is no longer expected."
        assert "Owner no longer expects" in world.bot.transport.sent[-1].text

        assert (await withdraws(world, 500.0)).startswith("CRITICAL")
        assert await answer(world, "/expect off 1") == "Nothing numbered 1 is expected."


async def test_who_may_take_money_out_may_move_it_too_and_not_the_other_way_round() -> None:
    async with event_world() as world:
        await answer(world, "/expect withdrawal 500")
        assert (await withdraws(world, 500.0, K.TRANSFER_OUT)).startswith("WATCH")
        await answer(world, "/expect transfer 500")
        assert (await withdraws(world, 500.0)).startswith("CRITICAL")


@pytest.mark.parametrize(("named", "tier"), [(DELEGATE, "WATCH"), ("1" * 32, "CRITICAL"), ("none", "CRITICAL")])
async def test_only_the_delegate_that_was_named_is_expected(named: str, tier: str) -> None:
    async with event_world() as world:
        await answer(world, f"/expect delegate {named} 1h")
        world.change(delegate=DELEGATE)

        heard = [one for _ in range(5) for one in await world.heard(1.0)]

        assert len(heard) == 1
        assert heard[0].startswith(f"{tier} main: delegate 9xQe…VFin may trade now")


async def test_another_account_of_the_owner_is_expected() -> None:
    async with event_world() as world:
        world.change(authority="wallet")
        await world.look()
        await world.bot.app.events.owners.look()
        await answer(world, "/expect subaccount 1h")
        world.put(world.venue.accounts[MAIN], "second")
        await world.look()
        await world.bot.app.events.owners.look()

        (heard,) = await world.heard()

        assert heard.startswith("WATCH main: the owner opened another account, second, announced")


async def test_what_others_are_told_is_written_for_nobody_in_particular() -> None:
    async with event_world() as world:
        await world.bot.link("other", Role.VIEWER)
        await world.bot.say("/settings numbers de")
        await world.bot.say("/settings zone Asia/Tokyo")

        said = await answer(world, "/expect withdrawal 12500.5 2h")

        assert said.startswith("main: a withdrawal of up to 12.500,50 USD is expected until 5 Jan 2026 23:00 JST")
        heard = {one.chat: one.first for one in world.bot.alerts}
        assert heard["other"].endswith("expects a withdrawal of up to 12,500.50 USD until 5 Jan 2026 14:00 UTC")
        assert "12.500,50 USD" in heard["home"]  # numbers are retold to everybody in their own way

        await answer(world, "/expect off 1")
        heard = {one.chat: one.first for one in world.bot.alerts}
        assert heard["other"].endswith("no longer expects a withdrawal of up to 12,500.50 USD")


async def test_what_is_no_address_becomes_no_delegate() -> None:
    class Strict(RecordedVenue):
        """A venue that knows what an address looks like."""

        def require_address(self, text: str) -> None:
            if len(text) < 32:
                raise VenueRejected(f"{text!r} is no address; copy it again")

    clock = FakeClock()
    async with event_world(venue=Strict(clock, MAIN), clock=clock) as world:
        world.put(standing())
        await world.look()
        assert (await answer(world, "/expect delegate foo 1h")).startswith("'foo' is no address; copy it again.")
        assert "is expected" in await answer(world, f"/expect delegate {DELEGATE} 1h")
        assert "is expected" in await answer(world, "/expect delegate none 1h")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/expect nothing 5", "Say what to expect: withdrawal, transfer, delegate, subaccount. Accounts: main."),
        ("/expect withdrawal", "Say how much at most"),
        ("/expect withdrawal lots", "lots is not an amount"),
        ("/expect withdrawal -5", "-5 is not an amount"),
        ("/expect withdrawal nan", "nan is not an amount"),
        ("/expect withdrawal inf", "inf is not an amount"),
        ("/expect withdrawal 500 2", "write it like"),
        ("/expect withdrawal 500 30d", "is too long; at most 1 d"),
        ("/expect delegate", "Say the address"),
        ("/expect off", "Say which, by its number"),
        ("/expect off two", "Say which, by its number"),
    ],
)
async def test_what_cannot_be_meant_is_said(typed: str, said: str) -> None:
    async with event_world() as world:
        assert said in await answer(world, typed)
        assert (await answer(world, "/expect")).startswith("Nothing is expected")


async def test_only_who_may_trade_on_the_account_may_soften_its_alarms() -> None:
    async with event_world() as world:
        await world.bot.link("viewer", Role.VIEWER)
        await world.bot.link("responder", Role.RESPONDER)
        await world.bot.link("trader", Role.TRADER)

        for user in ("viewer", "responder"):
            assert "needs the role trader" in await answer(world, "/expect withdrawal 500", user)
        assert "is expected" in await answer(world, "/expect withdrawal 500", "trader")
        assert "needs the role trader" in await answer(world, "/expect off 1", "responder")
        assert "1 expected" in await answer(world, "/expect", "viewer")


async def test_where_several_are_watched_it_says_which() -> None:
    async with event_world("main", "other") as world:
        assert "Say which account: main, other." in await answer(world, "/expect withdrawal 500")
        assert (await answer(world, "/expect other withdrawal 500")).startswith("other: a withdrawal")
        assert (await withdraws(world, 500.0)).startswith("CRITICAL main")


async def test_two_who_expect_the_same_are_two() -> None:
    async with event_world() as world:
        for _ in range(2):
            await answer(world, "/expect withdrawal 300")

        assert (await withdraws(world, 600.0)).startswith("WATCH")
        assert (await withdraws(world, 10.0)).startswith("CRITICAL")
