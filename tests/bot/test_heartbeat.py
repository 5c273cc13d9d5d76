"""The heartbeat over real sockets: it beats while all is well, stops when it is not, and disturbs nothing."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus

import pytest
import structlog

from bot.beats import SIGNATURE_HEADER, Beat, Counter, opened
from bot.clock import SystemClock
from bot.heartbeat import Heartbeat
from bot.heartbeat_urls import Way, heartbeat_urls
from bot.vitals import Ailment, Organ
from tests.support.beat_server import BeatServer
from tests.support.waiting import PATIENCE_S, until

SECRET = "canary-secret-of-the-beats"
ILL = Ailment(organ=Organ.CHECKS, text="no health check for 20 s", restart_helps=True)
EVERY_S = 0.02


class Body:
    """What the heartbeat asks for."""

    def __init__(self) -> None:
        self.ailments: tuple[Ailment, ...] = ()
        self.defect = False
        self._counter = Counter()

    async def ailing(self) -> Sequence[Ailment]:
        return self.ailments

    async def beat(self) -> Beat:
        if self.defect:
            raise RuntimeError("canary: a defect in making a beat")
        now = SystemClock().now()
        return Beat(counter=self._counter.next(now), sent_at=now, venue="drift")


@contextlib.asynccontextmanager
async def beating(*urls: str, body: Body | None = None, answer_s: float = PATIENCE_S) -> AsyncIterator[Heartbeat]:
    body = body or Body()
    targets = heartbeat_urls(urls, SECRET)
    heartbeat = Heartbeat(
        targets, clock=SystemClock(), ailing=body.ailing, beat=body.beat, secret=SECRET, every_s=EVERY_S,
        answer_s=answer_s,
    )  # fmt: skip
    async with heartbeat:
        running = asyncio.create_task(heartbeat.run())
        try:
            yield heartbeat
        finally:
            running.cancel()
            await asyncio.wait((running,))


@pytest.fixture
async def service() -> AsyncIterator[BeatServer]:
    async with BeatServer() as server:
        yield server


async def test_it_beats_while_all_is_well_and_says_so(service: BeatServer) -> None:
    async with beating(f"{service.url}/ping/canary-id") as heartbeat:
        await service.more(3)
        await until(heartbeat.last_taken_at)

        (line,) = heartbeat.lines()
        assert re.fullmatch(r"Heartbeat to 127\.0\.0\.1: taken \d+ s ago\.", line)
    assert {(beat.method, beat.path, beat.body) for beat in service.beats} == {("GET", "/ping/canary-id", b"")}


async def test_it_is_held_back_while_something_stands_still_and_resumes_by_itself(service: BeatServer) -> None:
    body = Body()
    with structlog.testing.capture_logs() as logs:
        async with beating(service.url, body=body) as heartbeat:
            await service.more()
            body.ailments = (ILL,)
            await until(lambda: heartbeat.held_back)
            before = len(service.beats)
            await asyncio.sleep(10 * EVERY_S)
            assert len(service.beats) <= before + 1  # one may have been on its way
            assert heartbeat.lines()[0] == "Heartbeat HELD BACK: no health check for 20 s."
            body.ailments = ()
            await service.more()
            assert heartbeat.held_back == ""

    assert [entry["event"] for entry in logs] == ["heartbeat.held_back", "heartbeat.resumed"]
    assert logs[0]["reason"] == ILL.text


async def test_a_post_is_made_where_it_is_asked_for(service: BeatServer) -> None:
    async with beating(f"post+{service.url}/x"):
        await service.more()

    assert service.beats[0].method == "POST"


async def test_a_standby_gets_signed_beats_that_count_up(service: BeatServer) -> None:
    async with beating(f"{service.url}/keel/beat"):
        await service.more(3)
    beats = [opened(beat.body, beat.headers, SECRET) for beat in service.beats]

    assert {beat.method for beat in service.beats} == {"POST"}
    assert [beat.counter for beat in beats] == sorted({beat.counter for beat in beats})
    assert SECRET.encode() not in b"".join(beat.body + str(beat.headers).encode() for beat in service.beats)
    assert all(SIGNATURE_HEADER in beat.headers for beat in service.beats)


async def test_a_service_that_hangs_or_is_gone_holds_up_no_other_and_is_shown_without_its_key(
    service: BeatServer,
) -> None:
    async with BeatServer() as hanging:
        hanging.hangs = True
        with structlog.testing.capture_logs() as logs:
            async with beating(
                "http://localhost:9/canary-gone", f"{hanging.url}/canary-slow", f"{service.url}/fine", answer_s=0.05
            ) as heartbeat:
                await service.more(5)
                await until(lambda: all(heartbeat.standings[name].failed for name in ("localhost", "127.0.0.1")))
                await until(lambda: ": taken " in heartbeat.lines()[2])
                gone, slow, fine = heartbeat.lines()

    assert gone.startswith("Heartbeat to localhost: FAILING for ")
    assert re.search(r"it cannot be reached \(Connect(Error|Timeout)\); never taken\.", gone)
    assert "FAILING" in slow
    assert fine.startswith("Heartbeat to 127.0.0.1 (2): taken ")
    failed = [entry["to"] for entry in logs if entry["event"] == "heartbeat.failed"]
    assert [failed.count(name) for name in ("localhost", "127.0.0.1")] == [1, 1]
    assert "canary" not in f"{logs}{gone}{slow}{fine}"


@pytest.mark.parametrize("status", [HTTPStatus.NOT_FOUND, HTTPStatus.FOUND, HTTPStatus.INTERNAL_SERVER_ERROR])
async def test_an_answer_that_is_no_success_is_a_failure_until_one_is(service: BeatServer, status: HTTPStatus) -> None:
    service.status = status
    with structlog.testing.capture_logs() as logs:
        async with beating(service.url) as heartbeat:
            await until(lambda: heartbeat.standings["127.0.0.1"].failed >= 2)
            await until(lambda: f"it answered {status.value}" in heartbeat.lines()[0])
            service.status = HTTPStatus.OK
            await until(heartbeat.last_taken_at)

    assert [entry["event"] for entry in logs] == ["heartbeat.failed", "heartbeat.taken_again"]


async def test_why_a_standby_refuses_is_shown(service: BeatServer) -> None:
    service.status, service.body = HTTPStatus.FORBIDDEN, b"the beat's clock is 80 s\n behind " + b"x" * 10_000
    async with beating(f"{service.url}/keel/beat") as heartbeat:
        await until(lambda: heartbeat.standings["127.0.0.1"].failed)

        await until(lambda: "it answered 403: the beat's clock is 80 s behind" in heartbeat.lines()[0])
        assert len(heartbeat.lines()[0]) < 400


async def test_a_defect_in_making_a_beat_is_logged_without_its_text_and_ends_nothing(service: BeatServer) -> None:
    body = Body()
    body.defect = True
    with structlog.testing.capture_logs() as logs:
        async with beating(f"{service.url}/keel/beat", body=body) as heartbeat:
            await until(lambda: heartbeat.standings["127.0.0.1"].failed)
            body.defect = False
            await service.more()

    assert "heartbeat.defect" in [entry["event"] for entry in logs]
    assert "canary" not in str(logs)


async def test_nobody_to_beat_to_is_said() -> None:
    async with Heartbeat((), clock=SystemClock(), ailing=Body().ailing, beat=Body().beat) as heartbeat:
        assert heartbeat.lines() == ["Heartbeat: none, so nobody outside hears when Keel dies. See HEARTBEAT_URLS."]
        assert heartbeat.last_taken_at() is None


# Where beats may go.

URLS = {
    "https": ("https://hc.example/id", Way.GET),
    "a port": ("https://hc.example:8443/id?x=y", Way.GET),
    "this machine": ("http://127.0.0.1:9/x", Way.GET),
    "this machine by name": ("http://localhost/x", Way.GET),
    "a post": ("post+https://hc.example/id", Way.POST),
    "a standby": ("https://standby.example/keel/beat", Way.SIGNED),
    "a standby behind a proxy": ("https://one.example/second/keel/beat/", Way.SIGNED),
}


@pytest.mark.parametrize(("url", "way"), URLS.values(), ids=URLS)
def test_how_a_beat_is_made_follows_from_its_url(url: str, way: Way) -> None:
    (found,) = heartbeat_urls([url], SECRET)

    assert found.way is way
    assert "id" not in repr(found).replace("standby", "")


BAD = {
    "no URL": "canary",
    "empty": "",
    "unencrypted": "http://hc.example/canary",
    "unencrypted and almost this machine": "http://127.0.0.1.example/canary",
    "another spelling of this machine": "http://127.1/canary",
    "another scheme": "ftp://hc.example/canary",
    "a file": "file:///etc/canary",
    "no host": "https:///canary",
    "a user": "https://canary@hc.example/",
    "a fragment": "https://hc.example/#canary",
    "port 0": "https://hc.example:0/canary",
    "a bad port": "https://hc.example:canary/",
    "a space": "https://hc.example/ca nary",
    "a line break": "https://hc.example/canary\nX: y",
    "brackets": "https://[canary/",
    "not ASCII": "https://hc.examplé/canary",
}


@pytest.mark.parametrize("url", BAD.values(), ids=BAD)
def test_a_url_that_may_not_be_beaten_to_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="HEARTBEAT_URLS: entry 2 ") as refused:
        heartbeat_urls(["https://hc.example/", url], SECRET)

    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_standby_needs_a_secret_worth_the_name(secret: str) -> None:
    with pytest.raises(ValueError, match="HEARTBEAT_SECRET"):
        heartbeat_urls(["https://standby.example/keel/beat"], secret)
