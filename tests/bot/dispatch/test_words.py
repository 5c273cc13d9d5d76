"""From what people type to what they mean."""

import pytest

from bot.commands.registry import all_commands
from tests.support.bot_world import bot_world

EVERY_COMMAND = sorted(all_commands())


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("/heath", "/heath is not a command. Did you mean /health?"),
        ("/Helth main", "/helth is not a command. Did you mean /health?"),
        ("/pos", "/pos is not a command. Did you mean /positions?"),
        ("porfolio", "/porfolio is not a command. Did you mean /portfolio?"),
        ("/acknowledge 1", "/acknowledge is not a command. Did you mean /ack?"),
        ("/sl SOL -5%", "/sl is not a command. Did you mean /stop?"),
        ("🤷", "/🤷 is not a command. None is like it."),
        ("/", "/? is not a command. None is like it."),
        ("", "/? is not a command. None is like it."),
        ('/"', '/" is not a command. None is like it.'),
        ("/<b>&amp;", "/<b>&amp; is not a command. None is like it."),
    ],
)
async def test_what_is_no_command_gets_the_usage_of_the_nearest(text: str, first: str) -> None:
    async with bot_world() as world:
        answer = await world.answer(text)

        assert answer.first == first
        assert "Usage: /" in answer.text


@pytest.mark.parametrize(
    "text", ["/HEALTH", "health", "/health!", "  /health  ", "/health main", "/health MAIN", '/health "main"']
)
async def test_a_command_is_understood_however_it_is_typed(text: str) -> None:
    async with bot_world() as world:
        await world.check()

        assert (await world.answer(text)).first.startswith("main: health ")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("/health nosuch", "No account is called nosuch. Accounts: main, second."),
        ("/portfolio main extra", "No account is called extra. Accounts: main, second."),
        ("/positions 🤷", "No account is called 🤷. Accounts: main, second."),
        ("/liq x y z", "No account is called x. Accounts: main, second."),
        ("/stress -50%", "No account is called -50%. Accounts: main, second."),
        ("/limits nosuch", "To change a limit give its name and a value, such as leverage 5. Accounts: main, second."),
        ("/limits nosuch 5", "No limit is called nosuch. Limits: portfolio_leverage, position_size_usd,"),
        ("/limits position 5", "position may be several limits. Limits: position_size_usd, position_size_percent."),
        ("/limits leverage five", "five is not a number."),
        ("/limits leverage nan", "nan is not a number."),
        ("/limits leverage inf", "inf is not a number."),
        ("/limits leverage -1", "max_portfolio_leverage must be a positive number, not -1."),
        ("/limits drawdown 15", "max_drawdown_percent is a fraction: write 0.15 for 15 %, not 15."),
        ("/limits health 90", "min_health_ratio is in percent and 100 is liquidation: 90 is too low."),
        ("/ack x", "An alert is named by its number, such as 12."),
        ("/ack 99", "There is no alert #99."),
        ("/ack ٣", "An alert is named by its number, such as 12."),
        ("/ack 99999999999999999999", "An alert is named by its number, such as 12."),
        ("/snooze", "Say which alert, and for how long."),
        ("/snooze 1 soon", "A time is written like 30m or 2h."),
        ("/snooze 1 0m", "A snooze lasts from a minute to 24 h."),
        ("/snooze 1 25h", "A snooze lasts from a minute to 24 h."),
        ("/snooze 99 1h", "There is no alert #99."),
        ("/chart pie", "pie is no account, picture, span or theme."),
        ("/chart 0d", "A span lies between 1h and 730d."),
        ("/chart 999d", "A span lies between 1h and 730d."),
        ("/start", "You are linked already."),
    ],
)
async def test_what_does_not_fit_is_named_and_the_usage_follows(text: str, complaint: str) -> None:
    async with bot_world("main", "second") as world:
        await world.check()
        answer = await world.answer(text)

        assert answer.first.startswith(complaint)
        if text != "/start":
            assert f"Usage: {all_commands()[text.split()[0][1:]].usage}" in answer.text


async def test_in_a_group_only_what_is_addressed_to_the_bot_is_answered() -> None:
    async with bot_world() as world:
        assert await world.say("good morning", private=False, chat="group") == []
        (answer,) = await world.say("/help", private=False, chat="group")

        assert answer.chat == "group"


async def test_help_lists_every_command_and_the_accounts() -> None:
    async with bot_world("main", "second") as world:
        text = (await world.answer("/help")).text

        for command in all_commands().values():
            assert f"/{command.name} - {command.summary}" in text
        assert "/help COMMAND says how one is typed." in text
        assert "Accounts: main, second." in text


@pytest.mark.parametrize("command", EVERY_COMMAND)
async def test_help_knows_each_command_by_itself(command: str) -> None:
    async with bot_world() as world:
        for text in (f"/help {command}", f"/help /{command.upper()}"):
            answer = await world.answer(text)
            assert answer.first == all_commands()[command].usage


async def test_help_on_what_is_no_command_says_so() -> None:
    async with bot_world() as world:
        assert (await world.answer("/help helth")).first == "/helth is not a command. Did you mean /health?"
        assert (await world.answer("/help xyzzy")).first == "/xyzzy is not a command. None is like it."


async def test_every_command_has_a_usage_and_a_summary_that_fit_a_menu() -> None:
    for name, command in all_commands().items():
        assert command.usage.startswith(f"/{name}")
        assert len(command.usage) <= 80
        assert 0 < len(command.summary) <= 60
        assert not command.summary.endswith(".")
