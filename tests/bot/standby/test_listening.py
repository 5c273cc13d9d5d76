"""Where beats arrive: over a real socket, from whoever knows the secret."""

from collections.abc import AsyncIterator

import httpx
import pytest
import structlog

from bot.beats import SIGNATURE_HEADER, BadBeat, Beat, encoded, signature
from bot.http_server import HttpServer
from bot.standby.listening import Listener
from tests.storage.builders import NOW

SECRET = "canary-secret-of-the-beats"
BEAT = Beat(counter=1, sent_at=NOW, venue="drift")


class Ear:
    """Takes beats, or does not."""

    def __init__(self) -> None:
        self.heard: list[Beat] = []
        self.refuses = ""

    def hear(self, beat: Beat) -> None:
        if self.refuses:
            raise BadBeat(self.refuses)
        self.heard.append(beat)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def server(ear: Ear) -> AsyncIterator[HttpServer]:
    async with Listener(ear.hear, secret=SECRET).server("127.0.0.1", 0) as running:
        yield running


async def post(
    server: HttpServer, body: bytes, *, secret: str = SECRET, path: str = "/keel/beat", method: str = "POST"
) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {SIGNATURE_HEADER.title(): signature(body, secret)}
        return await client.request(method, f"http://127.0.0.1:{server.port}{path}", content=body, headers=headers)


@pytest.mark.parametrize("path", ["/keel/beat", "/keel/beat/", "/behind/a/proxy/keel/beat", "/keel/beat?x=1"])
async def test_a_good_beat_is_taken(server: HttpServer, ear: Ear, path: str) -> None:
    assert (await post(server, encoded(BEAT), path=path)).status_code == 204
    assert ear.heard == [BEAT]


async def test_a_beat_of_somebody_else_is_refused_with_a_reason(server: HttpServer, ear: Ear) -> None:
    answer = await post(server, encoded(BEAT), secret="another secret altogether")

    assert (answer.status_code, ear.heard) == (403, [])
    assert "HEARTBEAT_SECRET must be the same" in answer.text
    assert "canary" not in answer.text


async def test_why_a_beat_does_not_count_is_said_to_whoever_sent_it(server: HttpServer, ear: Ear) -> None:
    ear.refuses = "the beat was heard before"

    assert "heard before" in (await post(server, encoded(BEAT))).text


async def test_nothing_else_is_served(server: HttpServer, ear: Ear) -> None:
    assert (await post(server, b"", path="/")).status_code == 404
    assert (await post(server, b"", method="GET")).status_code == 405
    assert (await post(server, b"x" * 600_000)).status_code == 413
    assert ear.heard == []


async def test_whoever_knocks_a_thousand_times_makes_one_line(server: HttpServer, ear: Ear) -> None:
    with structlog.testing.capture_logs() as logs:
        for _ in range(20):
            await post(server, b"nonsense", secret="another secret altogether")
        await post(server, encoded(BEAT))

    assert [entry["event"] for entry in logs] == ["beat.refused", "beat.taken"]
