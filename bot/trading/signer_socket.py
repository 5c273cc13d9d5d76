"""One connection to the signer's Unix socket: a question, its answer."""

import asyncio
import socket
import struct
from pathlib import Path

from bot.signer.intent import Answer, Ask, Refusal
from bot.signer.wire import HEADER, Malformed, framed, length, read_answer

Lost = (OSError, EOFError, TimeoutError, Malformed)
"""What a connection can end with. Malformed bytes as well: what comes behind them cannot be told apart any more."""


_PEER = struct.Struct("3i")  # process, user, group


class SignerSocket:
    """Opened when it is needed. After whatever goes wrong it is to be dropped: an answer may still be on its way.

    Not by streams of asyncio: they forget what was said before the other side hung up, and that is why it did.

    Args:
        answer_s: Longest an answer may take; a signer writes to its disk before it gives one.
    """

    def __init__(self, path: Path, *, answer_s: float) -> None:
        self._path, self._answer_s = path, answer_s
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    async def open(self) -> None:
        """Raises: OSError, TimeoutError."""
        self.drop()
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.setblocking(False)
            async with asyncio.timeout(self._answer_s):
                await asyncio.get_running_loop().sock_connect(opened, str(self._path))
        except BaseException:
            opened.close()
            raise
        self._socket = opened

    async def ask(self, asked: Ask) -> Answer:
        """Raises: what is in Lost."""
        there = self._there()
        async with asyncio.timeout(self._answer_s):
            try:
                await asyncio.get_running_loop().sock_sendall(there, framed(asked))
            except (BrokenPipeError, ConnectionResetError):
                # It has hung up; if it said why, that is still there to be read.
                answer = await _answer(there)
                if isinstance(answer, Refusal):
                    return answer
                raise
            return await _answer(there)

    def peer_uid(self) -> int:
        """Who listens at the other end, as the kernel says. Raises: ConnectionError, OSError."""
        _, uid, _ = _PEER.unpack(self._there().getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        return int(uid)

    def drop(self) -> None:
        """Whatever is on its way is not waited for. A second time is fine."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _there(self) -> socket.socket:
        if self._socket is None:
            raise ConnectionError("the connection is not open")
        return self._socket


async def _answer(there: socket.socket) -> Answer:
    header = await _exactly(there, HEADER.size)
    return read_answer(await _exactly(there, length(header)))


async def _exactly(there: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = await asyncio.get_running_loop().sock_recv(there, count - len(found))
        if not piece:
            raise EOFError("the other side hung up")
        found += piece
    return found
