"""Lines from a pipe or a file, without a thread that would outlive its reader."""

import asyncio
import codecs
import io
import os
from collections.abc import AsyncIterator
from typing import TextIO

_CHUNK_BYTES = 65_536


async def lines_of(stream: TextIO) -> AsyncIterator[str]:
    """Each line without its end, until the stream ends. What was typed after the last newline counts as a line."""
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:  # in memory
        for line in stream:
            yield line.rstrip("\r\n")
        return
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while True:
        await _readable(descriptor)
        chunk = os.read(descriptor, _CHUNK_BYTES)
        *lines, rest = (rest + decoder.decode(chunk, final=not chunk)).split("\n")
        for line in lines:
            yield line.rstrip("\r")
        if not chunk:
            break
    if rest:
        yield rest


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    try:
        loop.add_reader(descriptor, _set, ready)
    except PermissionError:  # a regular file: it never keeps a reader waiting, and epoll refuses it
        return
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
