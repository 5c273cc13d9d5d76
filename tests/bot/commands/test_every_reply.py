"""What holds for every answer about an account, whatever state it is in."""

import re

import pytest

from bot.commands.registry import all_commands
from bot.messages import Line, Picture, Table
from bot.text.tables import lines as table_lines
from risk.model.account import AccountSnapshot
from tests.bot.commands.accounts import DOUBTFUL, STATES, rich
from tests.support.bot_world import BotWorld, bot_world
from tests.support.recording_transport import Sent
from venues.errors import VenueUnavailable

ABOUT_ACCOUNTS = [
    "/portfolio", "/positions", "/health", "/liq", "/stress", "/limits", "/limits leverage 4", "/tiers",
    "/tiers critical 130", "/chart equity", "/chart health", "/chart distance",
]  # fmt: skip
PROVENANCE = re.compile(r"main · (STALE )?\d+ s old · slot 400,000,\d{3}")


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures have tests of their own."""
    for name in ("equity_chart", "health_chart", "distance_chart"):
        monkeypatch.setattr(f"bot.commands.chart.{name}", lambda *args, **given: b"PNG")


async def ask(world: BotWorld, text: str) -> Sent:
    answer = await world.answer(text)
    assert "inside Keel" not in answer.text
    return answer


def require_readable(answer: Sent) -> None:
    """Tables fit a phone, nothing reads like a programmer's number, the first line is short and about the account."""
    for block in answer.message.blocks:
        if isinstance(block, Table):
            assert block.rows, "a table of nothing"
            assert all(len(line) <= 34 for line in table_lines(block, columns=200))
            assert not any("…" in cell for row in block.rows for cell in row), block
        if isinstance(block, Line):
            assert block.text.strip()
    assert not re.search(r"\b(nan|inf|None|null)\b", answer.text), answer.text
    assert answer.first.startswith("main: ")
    assert len(answer.first) <= 66
    assert all(len(button.data.encode()) <= 64 for row in answer.message.buttons for button in row)


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
@pytest.mark.parametrize("text", ABOUT_ACCOUNTS)
async def test_it_is_readable_and_says_where_it_comes_from(text: str, state: AccountSnapshot) -> None:
    async with bot_world(limits=None) as world:
        world.reader.accounts[world.account] = state
        await world.check()
        await world.app.equity.record()
        world.clock.pass_s(2)
        answer = await ask(world, text)

        require_readable(answer)
        assert PROVENANCE.fullmatch(answer.text.split("\n")[-1]), answer.text
        assert "STALE" not in answer.text
        assert "UNKNOWN" not in answer.first


@pytest.mark.parametrize("state", DOUBTFUL.values(), ids=DOUBTFUL)
@pytest.mark.parametrize(
    "text", ["/portfolio", "/positions", "/health", "/liq", "/stress", "/limits", "/chart distance"]
)
async def test_figures_that_cannot_be_trusted_say_so_first_and_why(text: str, state: AccountSnapshot) -> None:
    async with bot_world(limits=None) as world:
        world.reader.accounts[world.account] = state
        await world.check()
        answer = await ask(world, text)

        require_readable(answer)
        assert re.match("main: (UNKNOWN|cannot be assessed now)", answer.first)
        assert re.search(r"^! the oracle of (SOL|BTC)-PERP (cannot be read|has not been updated)", answer.text, re.M)
        assert PROVENANCE.fullmatch(answer.text.split("\n")[-1]), answer.text


@pytest.mark.parametrize(
    "text", ["/portfolio", "/positions", "/health", "/liq", "/stress", "/limits", "/chart distance"]
)
async def test_figures_of_a_silent_venue_come_with_their_age_and_are_called_stale(text: str) -> None:
    async with bot_world(limits=None) as world:
        world.reader.accounts[world.account] = rich()
        await world.check()
        world.reader.error = VenueUnavailable("no endpoint answers; try later")
        await world.checks(35)
        answer = await ask(world, text)

        require_readable(answer)
        assert re.match("main: (UNKNOWN|cannot be assessed now)", answer.first)
        assert "! no usable answer from the venue for 35 s" in answer.text
        assert answer.text.endswith("main · STALE 35 s old · slot 400,000,012")


@pytest.mark.parametrize("text", ABOUT_ACCOUNTS)
async def test_before_the_first_reading_there_are_no_figures(text: str) -> None:
    async with bot_world(limits=None) as world:
        world.reader.error = VenueUnavailable("no endpoint answers; try later")
        answer = await ask(world, text)

        if not text.startswith(("/limits", "/tiers")):
            assert not re.search(r"\$\d|\d%", answer.text), answer.text
        assert not any(isinstance(block, Picture) for block in answer.message.blocks)


@pytest.mark.parametrize("text", ["/portfolio", "/positions", "/liq", "/stress", "/limits", "/tiers"])
async def test_with_several_accounts_the_first_is_meant_unless_one_is_named(text: str) -> None:
    async with bot_world("main", "second") as world:
        await world.check()

        assert (await ask(world, text)).first.startswith("main: ")
        assert (await ask(world, f"{text} second")).first.startswith("second: ")
        assert (await ask(world, f"{text} account-of-second")).first.startswith("second: ")


@pytest.mark.parametrize(
    "text", ["/portfolio", "/positions", "/health", "/liq", "/stress", "/limits", "/tiers", "/chart"]
)
async def test_without_an_account_the_answer_says_how_to_get_one(text: str) -> None:
    async with bot_world() as world:
        world.app.services.roster.remove(world.account)
        answer = await ask(world, text)

        assert answer.first == "No account is watched. Set ACCOUNTS, run keel setup, or /watch one."


async def test_what_the_venue_says_of_itself_is_passed_on_and_raises_no_doubt() -> None:
    async with bot_world() as world:
        world.reader.notices = ("exchange paused: withdraw",)
        await world.check()
        answer = await ask(world, "/health")

        assert "note: exchange paused: withdraw" in answer.text
        assert answer.first == "main: health 75%, OK"


async def test_every_button_of_every_answer_is_answered() -> None:
    known = {prefix for command in all_commands().values() for prefix in command.presses} | {"details"}
    async with bot_world() as world:
        await world.check(110)
        await ask(world, "/limits leverage 4")
        await ask(world, "/tiers critical 130")
        await world.say("/alerts")
        await ask(world, "/verbosity critical")
        await ask(world, "/quiet 22-7")
        datas = [button.data for sent in world.transport.sent for row in sent.message.buttons for button in row]

        found = {data.partition(":")[0] for data in datas}
        assert found >= {"ack", "snooze", "details", "limit", "limit-no", "tier", "tier-no"}
        assert found >= {"hear", "hear-no", "hear-undo"}
        assert found <= known
