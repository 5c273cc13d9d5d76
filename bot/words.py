"""What somebody typed, as a command and its arguments."""

import difflib
import shlex
from collections.abc import Mapping

from bot.commands.spec import Command
from bot.messages import Line, Message, lines
from bot.text.clean import name
from bot.text.numbers import count

LONGEST_TEXT = 1_000
# What is called otherwise elsewhere, and is spelled like something else here.
_MEANT: Mapping[str, str] = {"sl": "stop", "stoploss": "stop", "takeprofit": "tp", "kill": "halt", "panic": "halt"}


def words(text: str) -> tuple[str, tuple[str, ...]]:
    """The command's name in lower case and its arguments; quotes keep words together."""
    cut = text[:LONGEST_TEXT].strip().removeprefix("/")
    try:
        parts = shlex.split(cut)
    except ValueError:
        parts = cut.split()
    # Whoever is in a hurry writes /halt! and means it.
    return (parts[0].lower().rstrip("!.,") or parts[0], tuple(parts[1:])) if parts else ("", ())


def too_long(text: str) -> Message | None:
    """The answer to a text of which only a part would be obeyed; None for one that is not too long."""
    if len(text) <= LONGEST_TEXT:
        return None
    return Message(
        blocks=lines(f"That is {count(len(text))} characters long; I read at most {count(LONGEST_TEXT)}. Say less.")
    )


def nearest(word: str, commands: Mapping[str, Command]) -> Message:
    """The answer to what is no command."""
    meant = [_MEANT[word]] if word in _MEANT else []
    starts = meant or [known for known in commands if word and (known.startswith(word) or word.startswith(known))]
    close = starts or difflib.get_close_matches(word, commands, n=1, cutoff=0.5)
    if not close:
        return Message(
            blocks=(
                Line(f"/{name(word)} is not a command. None is like it.", strong=True),
                Line(f"Usage: {commands['help'].usage}"),
            )
        )
    found = commands[close[0]]
    return Message(
        blocks=(
            Line(f"/{name(word)} is not a command. Did you mean /{found.name}?", strong=True),
            Line(f"Usage: {found.usage}"),
            Line("/help lists everything."),
        )
    )
