"""What is offered to go on typing, and to whom."""

import shlex
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Person, Suggestion, Typing
from bot.suggestions import Suggestions, matching
from storage import Grant, Role
from tests.risk.builders import make_account, make_position
from tests.support.bot_world import OWNER, BotWorld, bot_world


@pytest.fixture
async def world() -> AsyncIterator[BotWorld]:
    async with bot_world("Main", "maker", "second", limits=None) as world:
        yield world


@pytest.fixture
def suggestions(world: BotWorld) -> Suggestions:
    opened = Suggestions()
    opened.open(world.app.services)
    return opened


def who(user: str = OWNER, transport: str = "chat") -> Person:
    return Person(transport=transport, user_id=user)


async def texts(
    suggestions: Suggestions, command: str, argument: str, typed: str = "", person: Person | None = None, **others: str
) -> list[str]:
    typing = Typing(command=command, argument=argument, typed=typed, others=others)
    return [one.text for one in await suggestions.suggest(person or who(), typing)]


@pytest.mark.parametrize(
    ("command", "argument", "typed", "offered"),
    [
        ("health", "account", "", ["Main", "maker", "second"]),
        ("health", "account", "ma", ["Main", "maker"]),
        ("liq", "account", "SEC", ["second"]),
        ("liq", "account", "con", ["second"]),
        ("health", "account", "x", []),
        ("health", "", "", []),
        ("health", "nonsense", "", []),
        ("status", "account", "", []),
        ("nonsense", "account", "", []),
        ("tiers", "tier", "cr", ["critical"]),
        ("tiers", "measure", "", ["moves", "distance"]),
        ("var", "method", "hist", ["historical"]),
        ("events", "switch", "", ["on", "off"]),
        ("settings", "setting", "th", ["theme"]),
        ("settings", "value", "", []),
        ("chart", "picture", "", ["equity", "health", "distance"]),
        ("snooze", "time", "2", ["2h", "24h", "2d", "12h"]),
        ("help", "command", "portf", ["portfolio"]),
    ],
)
async def test_what_fits_is_offered(
    suggestions: Suggestions, command: str, argument: str, typed: str, offered: list[str]
) -> None:
    assert await texts(suggestions, command, argument, typed) == offered


async def test_accounts_come_with_their_tier(suggestions: Suggestions, world: BotWorld) -> None:
    await world.check(115)
    found = await suggestions.suggest(who(), Typing(command="health", argument="account", typed=""))
    assert next(one.label for one in found) == "Main (CRITICAL)"


async def test_alerts_are_offered_by_number_the_worst_first(suggestions: Suggestions, world: BotWorld) -> None:
    world.put(190, "account-of-second")
    await world.check(115)
    found = await suggestions.suggest(who(), Typing(command="ack", argument="number", typed=""))
    health = [one for one in found if one.text != "all" and "LIMIT" not in one.label and "limit" not in one.label]
    assert found[0].text == "all"
    assert health[0].label.startswith("#1 CRITICAL Main: ")
    assert any(one.label.split(" ")[2].startswith("second") for one in health)
    assert await texts(suggestions, "ack", "number", "#1 CRIT") == ["1"]


async def test_markets_are_those_of_the_account_that_was_named(suggestions: Suggestions, world: BotWorld) -> None:
    assert await texts(suggestions, "mute", "market") == []  # nothing was read yet
    await world.check(300)
    every = await texts(suggestions, "mute", "market")
    assert "SOL-PERP" in every
    assert await texts(suggestions, "mute", "market", "sol-p") == ["SOL-PERP"]
    assert set(await texts(suggestions, "mute", "market", account="Main")) <= set(every)
    assert await texts(suggestions, "mute", "market", account="nobody") == []


@pytest.mark.parametrize("command", ["close", "stop", "tp", "bracket"])
async def test_what_is_closed_or_protected_is_an_open_position(
    suggestions: Suggestions, world: BotWorld, command: str
) -> None:
    sold_out = make_position(0.0, market_index=1, quote_usd=50.0)
    world.reader.accounts[world.account] = make_account(make_position(2.0), sold_out, usdc=90.0)
    await world.check()
    assert await texts(suggestions, command, "market", account="Main") == ["SOL-PERP"]


async def test_limits_come_with_their_value(suggestions: Suggestions, world: BotWorld) -> None:
    found = await suggestions.suggest(
        who(), Typing(command="limits", argument="name", typed="leverage", others={"account": "main"})
    )
    assert [(one.text, one.label.startswith("max_portfolio_leverage, now ")) for one in found] == [
        ("portfolio_leverage", True)
    ]


@pytest.mark.parametrize(
    ("setting", "typed", "offered"),
    [
        ("zone", "europe/berl", ["Europe/Berlin"]),
        ("theme", "", ["dark", "light"]),
        ("account", "mak", ["maker"]),
        ("nonsense", "", []),
    ],
)
async def test_a_setting_is_offered_what_it_can_be(
    suggestions: Suggestions, setting: str, typed: str, offered: list[str]
) -> None:
    assert await texts(suggestions, "settings", "value", typed, setting=setting) == offered


async def test_assets_and_kinds_of_events_are_offered(suggestions: Suggestions, world: BotWorld) -> None:
    await world.check(300)
    assert await texts(suggestions, "vol", "asset", "so") == ["SOL"]
    assert await texts(suggestions, "events", "kind", "liq") != []


async def test_who_may_see_one_account_is_offered_that_one(suggestions: Suggestions, world: BotWorld) -> None:
    people = world.app.services.people
    bob = await world.link("bob", Role.VIEWER)
    await people.take(bob.person_id, "")
    assert await texts(suggestions, "health", "account", person=who("bob")) == []
    await people.give(bob.person_id, [Grant(account_id="account-of-maker", role=Role.VIEWER)])
    assert await texts(suggestions, "health", "account", person=who("bob")) == ["maker"]
    await world.check(115)
    assert await texts(suggestions, "ack", "number", person=who("bob")) == ["all"]
    assert "SOL-PERP" in await texts(suggestions, "mute", "market", person=who("bob"))
    assert await texts(suggestions, "mute", "market", person=who("bob"), account="Main") == []
    assert await texts(suggestions, "revoke", "name", person=who("bob")) == ["Bob"]
    assert set(await texts(suggestions, "revoke", "name")) == {"Owner", "Bob"}


@pytest.mark.parametrize("stranger", [who("2"), who(OWNER, "telegram"), who("gone")])
async def test_strangers_are_shown_nothing(suggestions: Suggestions, world: BotWorld, stranger: Person) -> None:
    gone = await world.link("gone", Role.VIEWER)
    await world.app.services.people.revoke(gone.person_id, world.clock.now())
    await world.check(115)
    for command, argument in (("health", "account"), ("ack", "number"), ("mute", "market"), ("revoke", "name"),
                              ("chart", "picture"), ("snooze", "time")):  # fmt: skip
        assert await texts(suggestions, command, argument, person=stranger) == []


async def test_before_it_is_opened_there_is_nothing() -> None:
    assert await texts(Suggestions(), "health", "account") == []


async def test_a_name_that_is_two_words_is_typed_as_one() -> None:
    async with bot_world("my hedge", "o'neil") as world:
        suggestions = Suggestions()
        suggestions.open(world.app.services)
        offered = await texts(suggestions, "health", "account")
        assert [shlex.split(one) for one in offered] == [["my hedge"], ["o'neil"]]
        for name in offered:
            assert "cannot" not in (await world.answer(f"/health {name}")).text


async def test_where_several_words_can_stand_the_last_one_is_completed(suggestions: Suggestions) -> None:
    assert await texts(suggestions, "here", "account", "Main ma") == ["Main Main", "Main maker"]


@given(st.lists(st.text(max_size=4), max_size=40), st.text(max_size=3))
def test_what_is_offered_has_what_was_typed_begins_with_it_first_and_is_short(found: list[str], typed: str) -> None:
    offered = matching([Suggestion(text=one, label=one) for one in found], typed)
    assert len(offered) <= 25
    assert len({one.text for one in offered}) == len(offered)
    last = typed.rpartition(" ")[2].lower()
    assert all(last in one.text.lower() for one in offered)
