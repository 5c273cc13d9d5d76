"""What can be typed behind a command, word by word, as its usage says."""

import pytest

from bot.commands.arguments import arguments_of
from bot.commands.registry import all_commands, hints
from bot.transports.discord.menu import commands_json
from tests.support.discord.checks import check_command


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ("/status", []),
        ("/health [account]", [("account", False, "")]),
        ("/start CODE", [("code", True, "")]),
        ("/snooze NUMBER [30m|2h]", [("number", True, ""), ("time", False, "")]),
        ("/chart [account] [equity|health|distance] [24h|7d] [dark|light]",
         [("account", False, ""), ("picture", False, ""), ("span", False, ""), ("theme", False, "")]),
        ("/tiers [account] [TIER [moves|distance] VALUE]",
         [("account", False, ""), ("tier", False, ""), ("measure", False, ""), ("value", False, "")]),
        ("/settings [numbers|zone|clock|account|digest|theme VALUE]",
         [("setting", False, ""), ("value", False, "")]),
        ("/digest [now | HH:MM | off]", [("at", False, "")]),
        ("/ack [number|all]", [("number", False, "")]),
        ("/invite ROLE [ACCOUNT ...] [for NAME]", [("role", True, ""), ("account", False, ""), ("for", False, "for")]),
        ("/accounts [name ACCOUNT NEW | default ACCOUNT]",
         [("name", False, "name"), ("new", False, ""), ("default", False, "default")]),
        ("/here [ACCOUNT ... | all | off]", [("account", False, "")]),
        ("/unmute MARKET | all", [("market", True, "")]),
        ("/quiet [off | HH:MM-HH:MM ... [ZONE]]", [("hours", False, ""), ("zone", False, "")]),
        ("/people [NAME [ROLE|none [ACCOUNT ...]]]",
         [("name", False, ""), ("role", False, ""), ("account", False, "")]),
        ("/x [ACCOUNT] [ACCOUNT] [off]", [("account", False, ""), ("account-2", False, ""), ("off", False, "")]),
        ("/x [digest 08:00|6h]", [("digest", False, "digest")]),
    ],
)  # fmt: skip
def test_each_place_is_an_argument(usage: str, expected: list[tuple[str, bool, str]]) -> None:
    assert [(one.name, one.required, one.before) for one in arguments_of(usage)] == expected


def test_words_that_are_typed_as_they_are_can_be_chosen_and_others_say_what_they_take() -> None:
    (argument,) = arguments_of("/here [ACCOUNT ... | all | off]")
    assert (argument.choices, argument.takes) == (("all", "off"), ("account",))
    (argument,) = arguments_of("/unmute MARKET | all")
    assert (argument.choices, argument.takes) == (("all",), ("market",))


@pytest.mark.parametrize(
    "usage", ["/x [", "/x ]", "/x [a | ", "/x [[[[A] B", "/x | |", "", "x", "/x [...]", "/x ... ..."]
)
def test_a_usage_nobody_would_write_is_no_reason_to_fail(usage: str) -> None:
    arguments_of(usage)


def test_discord_takes_every_command_there_is() -> None:
    commands = commands_json(hints(all_commands()), suggesting=True, direct=False)
    assert {str(one["name"]) for one in commands} == set(all_commands())
    for command in commands:
        check_command(dict(command))
        for option in command["options"]:
            assert option["description"] != option["name"], (command["name"], option)


def test_every_word_a_usage_names_can_be_given() -> None:
    """So that nothing can be typed elsewhere and not be picked on Discord."""
    for command in all_commands().values():
        words = {word.strip("[]") for word in command.usage.split()[1:]} - {"", "|", "..."}
        told = {
            part
            for one in arguments_of(command.usage)
            for part in (one.before, *one.choices, *(kind.upper() for kind in one.takes), *one.takes)
        }
        for word in words:
            for part in word.split("|"):
                assert part in told or part.replace(":", "-") in told, (command.usage, part)
