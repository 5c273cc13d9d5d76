"""The process's memory: one connection, one thread that may touch it, and an async face for everybody else."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar, cast

from storage.connection import MEMORY, Connection
from storage.errors import DatabaseCorrupt, DatabaseLocked, StorageDefect, StoreClosed, translated
from storage.read_only import ReadOnlyConnection

if TYPE_CHECKING:
    from sqlite_utils import Database

T = TypeVar("T")
P = ParamSpec("P")

_BUSY_TIMEOUT = timedelta(seconds=2)
_HURRIED_MS = 200  # while another program holds the file: who has waited once need not hold up all the others again


class Store:
    """Owner of the database. The use cases of this package are given one; nobody else needs its methods.

    ``async with await Store.open(path) as store:`` closes it. A caller that is cancelled while its function runs does
    not stop it: what had begun is stored whole, what had not begun never runs.
    """

    def __init__(self, connection: Connection | ReadOnlyConnection, thread: Executor) -> None:
        self._connection = connection
        self._thread = thread
        self._closed = False
        self._usual_wait_ms: int | None = None  # None unless another program holds the file just now
        self.failures: Counter[str] = Counter()
        """What failed so far, by the name of the error; for metrics."""
        self.damage = ""
        """Why the file must not be used any more; empty while nobody found it damaged. Nothing is read or stored once
        there is a reason, so nothing can be signed."""

    @classmethod
    async def open(cls, path: Path | str, *, busy_timeout: timedelta = _BUSY_TIMEOUT) -> Self:
        """Open a file, made where there is none, or ":memory:". Brings an older schema up to date.

        The first one of a process takes a second or two of its own thread's time, for imports.

        Args:
            busy_timeout: How long to wait for another program that is looking into the file.

        Raises: DatabaseLocked, DatabaseTooNew, DatabaseForeign, DatabaseCorrupt, DatabaseUnavailable, DiskFull.
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage")
        opening = thread.submit(Connection, path, busy_timeout=busy_timeout)
        try:
            connection = await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            # The thread may be past the point where it can be called back: it closes what it opens.
            thread.submit(_close_opened, opening)
            thread.shutdown(wait=False)
            raise
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(connection, thread)

    @classmethod
    def forgetful(cls) -> Self:
        """A store in memory that works in the caller's own thread.

        For working through history, where handing every look to another thread and back is most of the time. Its calls
        keep the event loop; a process that talks to people opens ":memory:" instead.
        """
        return cls(Connection(MEMORY, busy_timeout=_BUSY_TIMEOUT), _CallersThread())

    @classmethod
    def looking(cls, path: Path | str) -> Self:
        """A store that only reads, in the caller's own thread, beside the process that owns the file.

        Raises: DatabaseUnavailable, DatabaseForeign, DatabaseTooNew, DatabaseCorrupt.
        """
        return cls(ReadOnlyConnection(path), _CallersThread())

    @property
    def where(self) -> str:
        """Path of the database, for people."""
        return self._connection.where

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what was asked for, close the file, end the thread. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        closing = self._thread.submit(self._connection.close)
        self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(closing))

    async def run(self, fn: Callable[["Database"], T]) -> T:
        """Call a function with the database, in its thread: for reading, and for a single statement.

        Raises: StorageError, and whatever ``fn`` raises.
        """
        return await self._call(lambda: fn(self._connection.db))

    async def atomic(self, fn: Callable[["Database"], T]) -> T:
        """Call a function inside one durable transaction. Where it raises, nothing of it is stored.

        Raises: StorageError, and whatever ``fn`` raises.
        """

        def transaction() -> T:
            with self._connection.atomic() as db:
                return fn(db)

        return await self._call(transaction, writes=True)

    async def _call(self, fn: Callable[[], T], *, writes: bool = False) -> T:
        if self._closed:
            raise StoreClosed(f"The database {self.where} is closed; open it again first.")

        def translating() -> T:
            try:
                if self.damage:
                    raise DatabaseCorrupt(self.damage)
                found = fn()
                if writes:
                    self._wait_as_usual()
                # A cursor never leaves its thread: thrown away elsewhere, it resets a statement that is in use.
                return cast("T", None) if isinstance(found, sqlite3.Cursor) else found
            except sqlite3.Error as exc:
                error = translated(exc, self.where)
                self.failures[type(error).__name__] += 1
                if type(error) is DatabaseCorrupt:
                    self.damage = self.damage or str(error)
                if isinstance(error, DatabaseLocked):
                    self._wait_no_longer()
                raise error from exc
            except (OverflowError, UnicodeEncodeError) as exc:
                raise StorageDefect(
                    f"A value cannot be stored ({exc}); this is a defect of Keel, please report it."
                ) from exc

        running = self._thread.submit(translating)
        return running.result() if running.done() else await asyncio.wrap_future(running)

    def _wait_no_longer(self) -> None:
        if self._usual_wait_ms is None:
            db = self._connection.db
            self._usual_wait_ms = int(db.execute("PRAGMA busy_timeout").fetchone()[0])
            db.execute(f"PRAGMA busy_timeout={min(_HURRIED_MS, self._usual_wait_ms)}")

    def _wait_as_usual(self) -> None:
        if self._usual_wait_ms is not None:
            self._connection.db.execute(f"PRAGMA busy_timeout={self._usual_wait_ms}")
            self._usual_wait_ms = None


class _CallersThread(Executor):
    """Runs at once what it is given."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as exc:  # noqa: BLE001  # kept for whoever asks for the result, as a thread pool does
            done.set_exception(exc)
        return done


def _close_opened(opening: Future[Connection]) -> None:
    """Runs behind the opening it is given, in the same thread."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
