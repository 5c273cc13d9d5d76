"""The socket: who may ask, whole frames in time, everybody in turn. Decisions are the desk's."""

import asyncio
import contextlib
import signal
import socket
import struct
import time
from collections.abc import Callable

from bot.signer import wire
from bot.signer.config import Config
from bot.signer.desk import Desk
from bot.signer.intent import Answer, RefusalCode
from bot.signer.listening import listener
from bot.signer.logs import log
from bot.signer.records import Malformed
from bot.signer.seats import Seats

FRAME_S = 5.0  # from its first byte to its last, and for an answer to be taken
BACK_OFF_S = 0.5  # where the machine has no descriptor left
_PEER = struct.Struct("3i")  # pid, uid, gid


class Server:
    """Answers on one socket until it is told to end, or the journal cannot be kept."""

    def __init__(self, config: Config, desk: Desk, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._config, self._desk = config, desk
        self._seats = Seats[asyncio.Task[None]](now_s)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()

    async def run(self) -> None:
        """Raises: Unfit for a socket that cannot be where it should be; Broken once the journal cannot be kept."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._ending.set)
        listening = listener(self._config)
        accepting = asyncio.create_task(self._accept(listening))
        log("signer.listening", socket=str(self._config.socket))
        try:
            await self._ending.wait()
        finally:
            for task in (accepting, *self._tasks):
                task.cancel()
            await asyncio.gather(accepting, *self._tasks, return_exceptions=True)
            listening.close()
            self._config.socket.unlink(missing_ok=True)
            log("signer.ended")
        self._desk.require_whole()

    async def _accept(self, listening: socket.socket) -> None:
        """One, then everybody else's turn: who connects without end keeps nobody from being answered."""
        loop, short = asyncio.get_running_loop(), False
        while True:
            try:
                connected, _ = await loop.sock_accept(listening)
            except OSError as exc:
                if not short:
                    log("signer.no_connection", why=exc.strerror)
                short = True
                self._seats.send_away()
                await asyncio.sleep(BACK_OFF_S)
                continue
            short = False
            self._seat(connected)
            await asyncio.sleep(0)

    def _seat(self, connected: socket.socket) -> None:
        uid = peer_uid(connected)
        if uid not in self._config.allowed_uids:
            why = f"user {uid} may not ask; allowed_uids in the signer's file says who may"
            with connected, contextlib.suppress(OSError):
                connected.send(wire.framed(self._desk.refuse(RefusalCode.STRANGER, why)))
            return
        if not self._seats.make_room():
            connected.close()
            return
        task = asyncio.create_task(self._serve(connected))
        self._seats.take(task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._seats.leave)

    async def _serve(self, connected: socket.socket) -> None:
        with connected:
            try:
                reader, writer = await _streams(connected)
            except OSError:
                return
            try:
                await self._answer(reader, writer)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                return  # whoever asked is gone, or too slow; nothing half-asked is answered
            except Exception as exc:  # noqa: BLE001  # the top of a connection: the others go on
                log("signer.failed", kind=type(exc).__name__)  # its text might quote what was asked
            finally:
                writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Raises: OSError, TimeoutError, IncompleteReadError."""
        try:
            while (body := await _frame(reader)) is not None:
                ask = wire.read_ask(body)
                self._seats.asked(asyncio.current_task())
                await _send(writer, self._desk.answer(ask))
                if self._desk.is_broken:
                    # Only the next process, which reads the journal again, knows what was signed.
                    self._ending.set()
                    return
                await asyncio.sleep(0)  # who asks without waiting waits for the others all the same
        except Malformed as problem:
            await _send(writer, self._desk.refuse(RefusalCode.MALFORMED, str(problem)))


async def _streams(connected: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises: OSError."""
    reader, writer = await asyncio.open_unix_connection(sock=connected, limit=2**14)
    writer.transport.set_write_buffer_limits(high=0)
    return reader, writer


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next body; None at the end. Raises: Malformed, TimeoutError, IncompleteReadError."""
    first = await reader.read(1)
    if not first:
        return None
    async with asyncio.timeout(FRAME_S):
        header = first + await reader.readexactly(wire.HEADER.size - 1)
        return await reader.readexactly(wire.length(header))


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    async with asyncio.timeout(FRAME_S):
        writer.write(wire.framed(answer))
        await writer.drain()


def peer_uid(connected: socket.socket) -> int:
    """Who is at the other end, as the kernel says it."""
    _, uid, _ = _PEER.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return int(uid)
