"""A line editor for terminals, with history and completion. The only module that imports prompt_toolkit."""

import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout


@contextlib.contextmanager
def output_above_prompt() -> Iterator[TextIO]:
    """A stream whose text appears above the line being typed."""
    with patch_stdout(raw=True):
        yield sys.stdout


async def prompted_lines(history_path: Path | None, words: Callable[[], Sequence[str]]) -> AsyncIterator[str]:
    """Each line typed, until the input ends (Ctrl-D). Ctrl-C drops the line and interrupts the process, as anywhere.

    Args:
        history_path: Where lines are kept between runs; in memory if None.
        words: What completes with the tab key, asked anew each time.
    """
    history: History = InMemoryHistory() if history_path is None else FileHistory(history_path)
    completer = WordCompleter(lambda: list(words()), WORD=True)
    session: PromptSession[str] = PromptSession("> ", history=history, completer=completer, complete_while_typing=False)
    while True:
        try:
            # Its own handling of SIGINT would put the application's out of action; the key arrives either way.
            yield await session.prompt_async(handle_sigint=False)
        except EOFError:
            return
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGINT)
