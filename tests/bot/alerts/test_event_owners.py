"""Accounts that an owner opens beside a watched one."""

import pytest

from bot.alerts.event_venue import state_from, state_json
from risk.decisions.venue_events import VenueState
from risk.margin.book import Pause
from risk.model.market import MarketStatus
from tests.bot.alerts.event_world import MAIN, EventWorld, event_world
from venues.errors import VenueUnavailable


async def opens(world: EventWorld, account_id: str, owner: str = "wallet") -> None:
    world.put(world.venue.accounts[MAIN], account_id)
    world.change(account_id, authority=owner)


async def asked(world: EventWorld) -> list[str]:
    """What is heard after the venue was asked for the owners' accounts."""
    await world.look()
    await world.bot.app.events.owners.look()
    return await world.heard()


async def test_what_an_owner_has_at_the_first_look_is_no_news_and_what_comes_is() -> None:
    async with event_world() as world:
        world.change(authority="wallet")
        await opens(world, "old")
        assert await asked(world) == []
        await opens(world, "new")

        (told,) = await asked(world)

        assert told.startswith("WARNING main: the owner opened another account, new, which nobody announced")
        assert await asked(world) == []


async def test_what_strangers_open_is_no_news() -> None:
    async with event_world() as world:
        world.change(authority="wallet")
        await asked(world)
        await opens(world, "new", "somebody else")
        assert await asked(world) == []


async def test_an_account_that_is_watched_already_needs_no_telling() -> None:
    async with event_world("main", "other") as world:
        world.change(authority="wallet")
        await asked(world)
        world.change("account-of-other", authority="wallet")
        assert await asked(world) == []


async def test_a_venue_that_does_not_answer_is_asked_again() -> None:
    async with event_world() as world:
        world.change(authority="wallet")
        await asked(world)
        await opens(world, "new")
        await world.look()
        world.venue.error = VenueUnavailable("not now")
        await world.bot.app.events.owners.look()
        world.venue.error = None
        assert len(await asked(world)) == 1


async def test_many_owners_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"n{number}" for number in range(25)]
    async with event_world(*names) as world:
        for name in names:
            world.change(f"account-of-{name}", authority=f"wallet of {name}")
        await world.look()
        seen: list[str] = []

        async def sub_accounts(owner: str) -> list[str]:
            seen.append(owner)
            return [owner]

        monkeypatch.setattr(world.venue, "sub_accounts", sub_accounts)
        for _ in range(5):
            await world.bot.app.events.owners.look()

        assert len(seen) == 50
        assert sorted(seen) == sorted(2 * [f"wallet of {name}" for name in names])


def test_what_a_venue_allows_survives_being_kept() -> None:
    state = VenueState(
        perps={0: MarketStatus.ACTIVE, 17: MarketStatus.REDUCE_ONLY}, spots={1: MarketStatus.SETTLEMENT},
        names=frozenset({"SOL-PERP", "SOL"}),
        pauses=frozenset({Pause(market="", what="fill"), Pause(market="SOL", what="withdraw")}),
    )  # fmt: skip
    assert state_from(state_json(state)) == state
    assert state_from(state_json(VenueState())) == VenueState()
    with pytest.raises(ValueError, match=r"."):
        state_from('{"perps": {"0": "strange"}}')
