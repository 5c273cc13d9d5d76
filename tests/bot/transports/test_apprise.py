"""Services over the library that reaches them, against servers on this machine that speak their protocols."""

import asyncio
import contextlib
import io
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.logs import setup_logging
from bot.messages import (
    Accent,
    Address,
    DeliveryError,
    File,
    Line,
    Message,
    MessageRef,
    Picture,
    Rate,
    Refused,
    RetryAfter,
    Table,
    Tone,
    TryAgain,
    Unreachable,
    lines,
)
from bot.transports.apprise import ServiceTransport, UnknownService, title_and_body
from tests.support.services import HttpService, MailServer, text_of_letter
from tests.support.waiting import PATIENCE_S, given_up

KEY = "secret-topic-of-the-pager"
HERE = Address(transport="service:pager", chat="pager")
ALERT = Message(blocks=lines("CRITICAL main: 1.2% to liq", "Health <ratio> 118% & *falling*.", "main · alert #7"))


@pytest.fixture(autouse=True)
def reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy whoever runs the tests has."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
async def server() -> AsyncIterator[HttpService]:
    async with HttpService() as server:
        yield server


@contextlib.asynccontextmanager
async def service(url: str, *, answer_s: float = PATIENCE_S) -> AsyncIterator[ServiceTransport]:
    async with ServiceTransport("pager", url, now=lambda: datetime.now(UTC), answer_s=answer_s) as transport:
        yield transport


async def test_it_says_title_and_text_over_http(server: HttpService) -> None:
    async with service(f"json://{server.host}/{KEY}") as pager:
        ref = await pager.send(HERE, ALERT, key="k1")

    assert ref == MessageRef(address=HERE, message_id="k1")
    (taken,) = server.taken
    assert taken["title"] == "CRITICAL main: 1.2% to liq"
    assert taken["message"] == "Health <ratio> 118% & *falling*.\nmain · alert #7"
    assert server.paths == [f"/{KEY}"]


async def test_it_says_it_to_ntfy(server: HttpService) -> None:
    async with service(f"ntfy://{server.host}/{KEY}?priority=urgent") as phone:
        await phone.send(HERE, ALERT)

    (taken,) = server.taken
    assert (taken["topic"], taken["title"]) == (KEY, "CRITICAL main: 1.2% to liq")
    assert "Health <ratio> 118% & *falling*." in taken["message"]


async def test_it_says_it_by_mail() -> None:
    async with MailServer() as server:
        url = f"mailto://keel:{KEY}@127.0.0.1:{server.port}?mode=insecure&from=keel@example.org&to=ops@example.org"
        async with service(url) as mail:
            await mail.send(HERE, ALERT)
        (letter,) = server.letters

    assert "CRITICAL main: 1.2% to liq" in str(letter["Subject"])
    text = text_of_letter(letter)
    assert "118%" in text
    assert "&amp; *falling*" in text or "& *falling*" in text


KINDS = {
    "urgent": (Message(blocks=lines("a"), tone=Tone.URGENT), "failure"),
    "normal": (Message(blocks=lines("a")), "warning"),
    "quiet": (Message(blocks=lines("a"), tone=Tone.QUIET), "info"),
    "over": (Message(blocks=lines("a"), tone=Tone.QUIET, accent=Accent.GOOD), "success"),
}


@pytest.mark.parametrize(("message", "kind"), KINDS.values(), ids=KINDS)
async def test_how_urgent_it_is_becomes_the_kind_of_the_notice(
    server: HttpService, message: Message, kind: str
) -> None:
    async with service(f"json://{server.host}") as pager:
        await pager.send(HERE, message)

    assert server.taken[0]["type"] == kind
    assert server.taken[0]["message"] == "a"


ANSWERS = {
    "a limit": (429, RetryAfter),
    "trouble": (503, TryAgain),
    "a wrong key": (401, Unreachable),
    "a topic that is gone": (404, Unreachable),
    "a message it does not take": (400, Refused),
}


@pytest.mark.parametrize(("status", "kind"), ANSWERS.values(), ids=ANSWERS)
async def test_what_it_answers_is_told_apart(server: HttpService, status: int, kind: type[DeliveryError]) -> None:
    server.status = status
    async with service(f"json://{server.host}/{KEY}") as pager:
        with pytest.raises(kind) as failed:
            await pager.send(HERE, ALERT)

        assert KEY not in str(failed.value)
        assert pager.health().connected is (status == 429)
        assert pager.health().detail == str(failed.value)
        server.status = 200
        await pager.send(HERE, ALERT)
        assert (pager.health().connected, pager.health().detail) == (True, "took the last alert")


async def test_a_server_that_is_not_there_is_worth_another_try(server: HttpService) -> None:
    async with service(f"json://{server.host}/{KEY}") as pager:
        await server.__aexit__(None, None, None)
        with pytest.raises(TryAgain, match="the service cannot be reached, or said no"):
            await pager.send(HERE, ALERT)
        assert not pager.health().connected


async def test_a_mail_that_is_refused_is_worth_another_try() -> None:
    async with MailServer(refuse=True) as server:
        url = f"mailto://keel:{KEY}@127.0.0.1:{server.port}?mode=insecure&from=keel@example.org&to=ops@example.org"
        async with service(url) as mail:
            with pytest.raises(TryAgain):
                await mail.send(HERE, ALERT)
        assert len(server.logins) == 1
        assert server.letters == []


async def test_a_server_that_does_not_answer_holds_nobody_up(server: HttpService) -> None:
    server.delay_s = 3_600.0
    async with service(f"json://{server.host}?rto=300") as pager:  # by itself the library reads for 4 s
        for _ in range(2):
            with pytest.raises(TryAgain, match="did not answer in time") as failed:
                await given_up(pager.send(HERE, ALERT), heard=lambda: server.asked)
            assert failed.value.unknown
        with pytest.raises(TryAgain, match="still busy with earlier alerts"):
            await pager.send(HERE, ALERT)
        await server.__aexit__(None, None, None)


async def test_what_was_said_cannot_be_changed_and_nothing_is_heard(server: HttpService) -> None:
    async with service(f"json://{server.host}") as pager:
        ref = await pager.send(HERE, ALERT)
        with pytest.raises(Refused):
            await pager.edit(ref, ALERT)
        hearing = asyncio.create_task(anext(aiter(pager.incoming()), None))
        await asyncio.sleep(0)
        assert not hearing.done()
    assert await hearing is None
    with pytest.raises(TryAgain, match="not running here"):
        await pager.send(HERE, ALERT)


async def test_its_pace_is_the_one_the_library_keeps_for_the_service() -> None:
    async with service("json://127.0.0.1") as quick, service("pagerduty://integration@apikey") as slow:
        assert quick.limits.per_chat == Rate(most=1, per_s=0.1)
        assert slow.limits.per_chat is not None
        assert slow.limits.per_chat.per_s >= 1


@pytest.mark.parametrize(
    "url", ["", "nonsense", f"nosuchservice://{KEY}", "pagerduty://", f"http://{KEY}/?x", "json://"]
)
def test_a_url_that_stands_for_nothing_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(UnknownService, match="the URL of service pager is none that apprise knows") as refused:
        ServiceTransport("pager", url, now=lambda: datetime.now(UTC))
    assert KEY not in str(refused.value)


async def test_its_url_is_shown_nowhere_at_the_loudest_level(server: HttpService) -> None:
    shown = io.StringIO()
    setup_logging("DEBUG", stream=shown)
    try:
        async with service(f"json://user:{KEY}@{server.host}/{KEY}?+X-Key={KEY}") as pager:
            await pager.send(HERE, ALERT)
            for status in (401, 500):
                server.status = status
                with pytest.raises(DeliveryError):
                    await pager.send(HERE, ALERT)
            logging.getLogger("somebody").debug("this is heard")
            assert KEY not in repr(pager)
    finally:
        setup_logging("WARNING")

    assert "this is heard" in shown.getvalue()
    assert KEY not in shown.getvalue()


async def test_a_text_too_long_for_it_arrives_in_parts_or_cut_and_never_not_at_all(server: HttpService) -> None:
    long = Message(blocks=(Line("CRITICAL"), *(Line(f"line {number} " + "x" * 90) for number in range(500))))
    async with service(f"json://{server.host}") as pager:
        await pager.send(HERE, long)

    assert "".join(one["message"] for one in server.taken).count("line ") == 500


def test_tables_and_pictures_become_text() -> None:
    message = Message(
        blocks=(
            Line("main: 2 markets"),
            Table(rows=(("SOL", "1.5"), ("BTC", "0.25"))),
            Picture(png=b"", alt="A chart."),
        )
    )

    assert title_and_body(message) == ("main: 2 markets", "SOL  1.5\nBTC 0.25\n[A chart.]")
    assert title_and_body(Message(blocks=lines("alone"))) == ("alone", "")


def test_a_file_cannot_go_there_and_the_text_says_so() -> None:
    message = Message(blocks=(Line("The audit"), File("a.csv", b"1", alt="The audit as CSV.")))
    assert title_and_body(message) == ("The audit", "[a.csv: The audit as CSV. Files cannot be sent this way.]")
