"""Standard output and error without secrets, whoever writes: a print, a library, the interpreter's own traceback."""

import contextlib
import io
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import TextIO

from bot import redaction

_LONGEST_HELD = 2**16


class GuardedStream(io.TextIOBase):
    """A stream whose lines are cleaned before they leave.

    It holds a line until it is whole, or until somebody flushes it, so that what is written in pieces is seen as one.
    It has no ``buffer``: there is no way around it.
    """

    def __init__(self, inner: TextIO) -> None:
        self._inner, self._held = inner, ""

    def write(self, text: str) -> int:
        self._held += text
        whole, newline, rest = self._held.rpartition("\n")
        if len(rest) > _LONGEST_HELD:
            whole, newline, rest = self._held, "", ""
        if whole or newline:
            self._held = rest
            self._inner.write(redaction.clean(whole) + newline)
        return len(text)

    def flush(self) -> None:
        if self._held:
            held, self._held = self._held, ""
            self._inner.write(redaction.clean(held))
        self._inner.flush()

    def close(self) -> None:
        """The stream itself belongs to the interpreter and stays open."""
        if not self.closed:
            with contextlib.suppress(ValueError, OSError):
                self.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._inner.isatty()

    def fileno(self) -> int:
        return self._inner.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute there
        return self._inner.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # likewise
        return self._inner.errors


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Guard this process' standard streams, and its last words: an error that nobody expected."""
    before = sys.stdout, sys.stderr
    if not isinstance(sys.stdout, GuardedStream):
        sys.stdout = GuardedStream(sys.stdout)
    if not isinstance(sys.stderr, GuardedStream):
        sys.stderr = GuardedStream(sys.stderr)
    sys.excepthook = _last_words
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(ValueError, OSError):  # closed, or its reader has gone
                stream.flush()
        sys.stdout, sys.stderr = before


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """As the interpreter has them: no values of variables, causes included."""
    written = redaction.clean("".join(traceback.format_exception(kind, error, trace)))
    with contextlib.suppress(ValueError, OSError):
        sys.stderr.write(written)
        sys.stderr.flush()
