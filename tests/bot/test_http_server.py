"""The small server: what is plainly a short request is answered, everything else is refused and cut."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import http_server
from bot.http_server import HttpServer, Request, Response
from tests.support.waiting import PATIENCE_S

HEARD: list[Request] = []


async def echo(request: Request) -> Response:
    HEARD.append(request)
    if request.path == "/defect":
        raise RuntimeError("a defect")
    return Response(status=HTTPStatus.OK, body=b"got " + request.body, headers={"X-Kind": "echo"})


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    HEARD.clear()
    async with HttpServer(echo, host="127.0.0.1", port=0, name="test", longest_body=100) as running:
        yield running


async def answered(server: HttpServer, raw: bytes, *, end: bool = False) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(raw)
        if end:
            writer.write_eof()
        async with asyncio.timeout(30):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


async def test_a_plain_request_is_handed_over_and_answered(server: HttpServer) -> None:
    raw = b"POST /beat?x=1 HTTP/1.1\r\nHost: a\r\nX-Mark:  b \r\nContent-Length: 5\r\n\r\nhello"
    answer = await answered(server, raw)
    head, _, body = answer.partition(b"\r\n\r\n")

    assert (status(answer), body) == (200, b"got hello")
    assert {b"Content-Length: 9", b"Connection: close", b"X-Kind: echo"} <= set(head.split(b"\r\n"))
    (request,) = HEARD
    assert (request.method, request.path, request.body) == ("POST", "/beat", b"hello")
    assert (request.headers["host"], request.headers["x-mark"]) == ("a", "b")


async def test_head_is_answered_without_a_body(server: HttpServer) -> None:
    answer = await answered(server, b"HEAD / HTTP/1.1\r\n\r\n")

    assert status(answer) == 200
    assert answer.endswith(b"\r\n\r\n")


REFUSED = {
    "no HTTP": (b"hello\r\n\r\n", 400),
    "another version": (b"GET / HTTP/2.0\r\n\r\n", 400),
    "a lower-case method": (b"get / HTTP/1.1\r\n\r\n", 400),
    "a whole URL": (b"GET http://a/ HTTP/1.1\r\n\r\n", 400),
    "a target with a space": (b"GET /a b HTTP/1.1\r\n\r\n", 400),
    "a target too long": (b"GET /" + b"a" * 3_000 + b" HTTP/1.1\r\n\r\n", 400),
    "a header without a colon": (b"GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
    "a header with a space before its colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "a header that goes on in the next line": (b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400),
    "a lone line feed": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    "a control character": (b"GET / HTTP/1.1\r\nHost: \x07\r\n\r\n", 400),
    "too many headers": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 65 + b"\r\n", 400),
    "two lengths": (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
    "a length that is no number": (b"POST / HTTP/1.1\r\nContent-Length: 1e1\r\n\r\n", 400),
    "a negative length": (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    "a length of other digits": ("POST / HTTP/1.1\r\nContent-Length: \u0661\r\n\r\n".encode(), 400),
    "a body too long": (b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", 413),
    "a body in chunks": (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
    "a head too long": (b"GET / HTTP/1.1\r\nA: " + b"a" * 9_000 + b"\r\n\r\n", 431),
}


@pytest.mark.parametrize(("raw", "expected"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_plain_request_is_refused(server: HttpServer, raw: bytes, expected: int) -> None:
    assert status(await answered(server, raw)) in (expected, 0)  # 0: cut before all of it was read
    assert HEARD == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=300))
async def test_whatever_arrives_the_next_one_is_answered(server: HttpServer, raw: bytes) -> None:
    await answered(server, raw + b"\r\n\r\n", end=True)

    assert status(await answered(server, b"GET / HTTP/1.1\r\n\r\n")) == 200


async def test_a_request_that_breaks_off_is_no_news(server: HttpServer) -> None:
    with structlog.testing.capture_logs() as logs:
        assert await answered(server, b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nhalf", end=True) == b""

    assert (HEARD, logs) == ([], [])


async def test_a_slow_client_is_cut_and_holds_up_nobody(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_PATIENCE_S", 0.05)
    assert await answered(server, b"GET / HT") == b""
    monkeypatch.setattr(http_server, "_PATIENCE_S", PATIENCE_S)
    assert status(await answered(server, b"GET / HTTP/1.1\r\n\r\n")) == 200


async def test_only_so_many_are_served_at_once(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_AT_ONCE", 2)
    monkeypatch.setattr(http_server, "_PATIENCE_S", PATIENCE_S)
    held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
    for _, writer in held:
        writer.write(b"GET / ")
        await writer.drain()
    await asyncio.sleep(0.05)
    assert await answered(server, b"GET / HTTP/1.1\r\n\r\n") == b""
    for _, writer in held:
        writer.close()
    async with asyncio.timeout(30):
        while status(await answered(server, b"GET / HTTP/1.1\r\n\r\n")) != 200:  # noqa: ASYNC110  # nobody tells when a connection has ended
            await asyncio.sleep(0.01)


async def test_a_defect_in_an_answer_ends_one_connection(server: HttpServer) -> None:
    with structlog.testing.capture_logs() as logs:
        assert await answered(server, b"GET /defect HTTP/1.1\r\n\r\n") == b""
    assert [entry["event"] for entry in logs] == ["http.failed"]
    assert status(await answered(server, b"GET / HTTP/1.1\r\n\r\n")) == 200


async def test_leaving_ends_what_is_under_way() -> None:
    async with HttpServer(echo, host="127.0.0.1", port=0, name="test") as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / ")
        await writer.drain()
        await asyncio.sleep(0.02)
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()
