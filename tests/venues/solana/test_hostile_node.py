"""A node that means harm: it sends elsewhere, or answers without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from solders.rpc.requests import GetGenesisHash

from tests.faults import Measure
from tests.faults.figures import Gauge
from venues.errors import VenueError, VenueRejected
from venues.solana.answers import read_text
from venues.solana.endpoint import Endpoint

SECRET = "canary-rpc-path-6c1f0a93"
MEGABYTE = 2**20


@dataclass(slots=True)
class Listener:
    """Answers every request with the same head, then with ``body`` for as long as somebody reads.

    Attributes:
        heard: All that was said to it.
        written: Bytes of bodies that it got rid of.
    """

    head: bytes = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    body: bytes = b""
    heard: bytes = b""
    written: int = 0
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{self.port}"
        finally:
            server.close()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            self.heard += await reader.readuntil(b"\r\n\r\n")
            writer.write(self.head)
            while self.body:
                writer.write(self.body)
                await writer.drain()
                self.written += len(self.body)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has had enough
        finally:
            writer.close()


async def ask(url: str, *, max_bytes: int = MEGABYTE) -> str:
    endpoint = Endpoint(url, timeout_s=20.0)
    try:
        return await endpoint.ask(GetGenesisHash(), read_text, timeout_s=20.0, max_bytes=max_bytes)
    finally:
        await endpoint.close()


async def test_whoever_a_node_sends_to_hears_nothing(figure: Gauge) -> None:
    """All of its ways: each status, whole and relative addresses, also to another path of its own."""
    thief, tried = Listener(), 0
    async with thief.listening() as there:
        for status in (301, 302, 303, 307, 308):
            for location in (f"{there}/{SECRET}", there.removeprefix("http:"), "/elsewhere"):
                head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
                node = Listener(head=head.encode())
                async with node.listening() as here:
                    with pytest.raises(
                        VenueRejected, match=rf"sends elsewhere \({status}\), which is not followed"
                    ) as refusal:
                        await ask(f"{here}/{SECRET}")
                assert SECRET not in str(refusal.value)
                assert node.heard.count(b"POST ") == 1
                tried += 1
    figure(Measure.TRIED, tried)
    figure(Measure.OVERHEARD, len(thief.heard))


@pytest.mark.parametrize("length", ["", "Content-Length: 999999999999\r\n"], ids=["no length", "a length"])
async def test_an_answer_without_end_is_cut_off(length: str) -> None:
    node = Listener(head=f"HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n".encode(), body=b"[" * 2**16)
    async with node.listening() as here:
        with pytest.raises(VenueRejected, match=f"answered more than {MEGABYTE} bytes; use another provider"):
            await ask(f"{here}/{SECRET}")
    assert node.written < 64 * MEGABYTE  # what the sockets of both sides hold


async def test_an_answer_that_unpacks_without_end_is_cut_off() -> None:
    """16 kilobytes that are 16 megabytes."""
    import gzip

    packed = gzip.compress(bytes(16 * MEGABYTE))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    node = Listener(head=head + packed)
    async with node.listening() as here:
        with pytest.raises(VenueError, match=f"answered more than {MEGABYTE} bytes"):
            await ask(here)
