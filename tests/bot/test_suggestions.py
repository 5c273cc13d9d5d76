"""What is offered to go on typing, and to whom."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.messages import Person
from bot.suggestions import Suggestions
from storage import LinkClaim, LinkedPerson, People, Role, Store
from tests.bot.test_roster import make_roster

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ANN = Person(transport="discord", user_id="1001")


async def linked(people: People) -> None:
    code = await people.issue_link_code(NOW, Role.VIEWER, timedelta(hours=1))
    claim = LinkClaim(person_id="p", transport="discord", user_id="1001", display_name="ann", chat="5")
    assert isinstance(await people.redeem_link_code(code, claim, NOW), LinkedPerson)


@pytest.mark.parametrize(
    ("command", "typed", "offered"),
    [
        ("health", "", ("Main", "maker", "second")),
        ("health", "ma", ("Main", "maker")),
        ("liq", "SEC", ("second",)),
        ("health", "x", ()),
        ("ack", "", ()),
        ("nonsense", "", ()),
    ],
)
async def test_accounts_are_offered_where_a_command_takes_one(
    command: str, typed: str, offered: tuple[str, ...]
) -> None:
    async with await Store.open(":memory:") as store:
        people = People(store)
        await linked(people)
        suggestions = Suggestions(people, make_roster("Main", "maker", "second"))
        assert await suggestions.suggest(ANN, command, typed) == offered


async def test_strangers_are_shown_nothing() -> None:
    async with await Store.open(":memory:") as store:
        people = People(store)
        await linked(people)
        suggestions = Suggestions(people, make_roster("main"))
        for stranger in (Person(transport="discord", user_id="2"), Person(transport="telegram", user_id="1001")):
            assert await suggestions.suggest(stranger, "health", "") == ()
