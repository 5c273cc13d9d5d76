"""One connection to the signer's Unix socket: a question, its answer."""

import asyncio
import socket
import struct
from pathlib import Path

from bot.signer.intent import Answer, Ask
from bot.signer.wire import HEADER, MOST_BYTES, Malformed, framed, length, read_answer

Lost = (OSError, EOFError, TimeoutError, Malformed)
"""What a connection can end with. Malformed bytes as well: what comes behind them cannot be told apart any more."""


_PEER = struct.Struct("3i")  # process, user, group


class SignerSocket:
    """Opened when it is needed. After whatever goes wrong it is to be dropped: an answer may still be on its way.

    Args:
        answer_s: Longest an answer may take; a signer writes to its disk before it gives one.
    """

    def __init__(self, path: Path, *, answer_s: float) -> None:
        self._path, self._answer_s = path, answer_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def is_open(self) -> bool:
        return self._streams is not None

    async def open(self) -> None:
        """Raises: OSError, TimeoutError."""
        async with asyncio.timeout(self._answer_s):
            self._streams = await asyncio.open_unix_connection(self._path, limit=HEADER.size + MOST_BYTES)

    async def ask(self, asked: Ask) -> Answer:
        """Raises: what is in Lost."""
        if self._streams is None:
            raise ConnectionError("the connection is not open")
        reader, writer = self._streams
        async with asyncio.timeout(self._answer_s):
            writer.write(framed(asked))
            await writer.drain()
            header = await reader.readexactly(HEADER.size)
            return read_answer(await reader.readexactly(length(header)))

    def peer_uid(self) -> int:
        """Who listens at the other end, as the kernel says. Raises: ConnectionError, OSError."""
        if self._streams is None:
            raise ConnectionError("the connection is not open")
        connected: socket.socket = self._streams[1].get_extra_info("socket")
        _, uid, _ = _PEER.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        return int(uid)

    def drop(self) -> None:
        """Whatever is on its way is not waited for."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def close(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
            try:
                await streams[1].wait_closed()
            except OSError:
                return  # the other side was gone already
