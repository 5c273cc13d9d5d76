"""The socket: who may ask, whole frames in time, a few connections at once. Decisions are the desk's."""

import asyncio
import contextlib
import grp
import os
import signal
import socket
import stat
import struct
from pathlib import Path

from bot.signer import wire
from bot.signer.config import Config
from bot.signer.desk import Desk
from bot.signer.errors import Unfit
from bot.signer.intent import Answer, RefusalCode
from bot.signer.logs import log
from bot.signer.records import Malformed

FRAME_S = 5.0  # from its first byte to its last, and for an answer to be taken
MOST_CONNECTIONS = 16
_PEER = struct.Struct("3i")  # pid, uid, gid


class Server:
    """Answers on one socket until it is told to end."""

    def __init__(self, config: Config, desk: Desk) -> None:
        self._config, self._desk = config, desk
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: dict[asyncio.StreamWriter, None] = {}  # the one longest without a whole frame first
        self._ending = asyncio.Event()

    async def run(self) -> None:
        """Raises: Unfit for a socket that cannot be where it should be."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._ending.set)
        listening = listener(self._config)
        server = await asyncio.start_unix_server(self._accept, sock=listening, limit=2**14)
        log("signer.listening", socket=str(self._config.socket))
        try:
            await self._ending.wait()
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._config.socket.unlink(missing_ok=True)
            log("signer.ended")

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MOST_CONNECTIONS:
            # A process that comes back gets in, however many idle connections somebody holds.
            leaves = next(iter(self._open))
            self._open.pop(leaves)
            leaves.transport.abort()
        self._open[writer] = None
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=0)
        try:
            uid = peer_uid(writer)
            if uid not in self._config.allowed_uids:
                why = f"user {uid} may not ask; allowed_uids in the signer's file says who may"
                await _send(writer, self._desk.refuse(RefusalCode.STRANGER, why))
                return
            while (body := await _frame(reader)) is not None:
                if writer in self._open:
                    self._open[writer] = self._open.pop(writer)
                await _send(writer, self._desk.answer(wire.read_ask(body)))
        except Malformed as problem:
            with contextlib.suppress(OSError, TimeoutError):
                await _send(writer, self._desk.refuse(RefusalCode.MALFORMED, str(problem)))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return  # whoever asked is gone, or too slow; nothing half-asked is answered
        except Exception as exc:  # noqa: BLE001  # the top of a connection: the others go on
            log("signer.failed", kind=type(exc).__name__)  # its text might quote what was asked
        finally:
            self._open.pop(writer, None)
            writer.transport.abort()


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


def peer_uid(writer: asyncio.StreamWriter) -> int:
    """Who is at the other end, as the kernel says it."""
    connected: socket.socket = writer.get_extra_info("socket")
    _, uid, _ = _PEER.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return int(uid)


def listener(config: Config) -> socket.socket:
    """A listening socket that only the right people reach. Raises: Unfit."""
    path, group = config.socket, _group(config.socket_group)
    _prepare_folder(path.parent, group)
    _take_away_old(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        before = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        if group is not None:
            _give_to(path, group)
            path.chmod(0o660)
        listening.listen(MOST_CONNECTIONS)
    except OSError as exc:
        listening.close()
        raise Unfit(f"the signer cannot listen at {path}: {exc.strerror}; name another socket") from None
    return listening


def _group(name: str) -> int | None:
    if not name:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise Unfit(f"there is no group {name[:40]}; make it, or name another in socket_group") from None


def _give_to(path: Path, group: int) -> None:
    # A service manager may have done it, and then forbids the call.
    if path.lstat().st_gid != group:
        os.chown(path, -1, group)


def _prepare_folder(folder: Path, group: int | None) -> None:
    wanted = 0o700 if group is None else 0o750
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700)
            if group is not None:
                _give_to(folder, group)
            folder.chmod(wanted)
        found = folder.lstat()
    except OSError as exc:
        raise Unfit(f"the folder of the socket, {folder}, cannot be made: {exc.strerror}; name another") from None
    mode = stat.S_IMODE(found.st_mode)
    fits = mode == 0o700 or (group is not None and mode == 0o750 and found.st_gid == group)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or not fits:
        raise Unfit(
            f"the folder of the socket, {folder}, must belong to who runs the signer, with mode 0700, or 0750 with the "
            "group of socket_group; run chmod or chown on it"
        )


def _take_away_old(path: Path) -> None:
    """Of a signer that was killed. Raises: Unfit where one answers, or something else is there."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Unfit(f"{path} is no socket; move it away, or name another")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as exc:
            raise Unfit(f"what is at {path} cannot be told ({exc.strerror}); move it away, or name another") from None
    raise Unfit(f"a signer listens at {path} already; end it first, or name another socket")
