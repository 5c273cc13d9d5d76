"""The token is in every URL the bot asks for. It may be nowhere else."""

import contextlib
import gc
import io
import logging
import traceback
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import structlog

from bot.messages import (
    Address,
    Button,
    CommandHint,
    DeliveryError,
    Line,
    Message,
    MessageRef,
    Person,
    Picture,
    Press,
    lines,
)
from bot.transports.telegram import TelegramTransport
from tests.bot.transports.conftest import ANN, Time
from tests.support.png import tiny_png
from tests.support.telegram_server import Drop, Fault, TelegramServer
from tests.support.waiting import PATIENCE_S, hurried, until

SECRET = "AAcanary-Canary_0123456789abcdefghijk"
TOKEN = f"7000000001:{SECRET}"
CARD = Message(blocks=(*lines("HIGH"), Line("b")), buttons=((Button("Ack", "a"),),))
CHART = Message(blocks=(Line("Equity"), Picture(tiny_png(), alt="Equity rose.")))
NEVER_S = 3_600.0
FAULTS = [
    Fault(times=None, status=400),
    Fault(times=None, status=400, description=f"Bad Request: never seen bot{TOKEN}"),
    Fault(times=None, status=401),
    Fault(times=None, status=403, description=f"Forbidden: {SECRET}"),
    Fault(times=None, status=404),
    Fault(times=None, status=404, page=True),
    Fault(times=None, status=409),
    Fault(times=None, status=429, retry_after=5),
    Fault(times=None, status=429, page=True),
    Fault(times=None, status=500, description=f"Internal: {quote(TOKEN)}"),
    Fault(times=None, status=502, page=True),
    Fault(times=None, status=200, page=True),
    Fault(times=None, status=302, page=True),
    Fault(times=None, drop=Drop.BEFORE),
    Fault(times=None, drop=Drop.AFTER),
    Fault(times=None, delay_s=NEVER_S),
]


class Everything:
    """All that was logged, at any level, by anybody, and all that was raised."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def note(self, transport: TelegramTransport, error: BaseException | None = None) -> None:
        self.stream.write(f"{transport!r} {transport!s} {transport.health()!r}\n")
        if error is not None:
            report = traceback.TracebackException.from_exception(error, capture_locals=True)
            self.stream.write(f"{error!r} {error} {error.args}\n{''.join(report.format())}")

    def check(self) -> None:
        text = self.stream.getvalue()
        assert text
        assert SECRET not in text
        assert "canary" not in text.lower()


@pytest.fixture
def everything() -> Iterator[Everything]:
    seen = Everything()
    handler = logging.StreamHandler(seen.stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    configured = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(seen.stream))
    try:
        yield seen
    finally:
        structlog.configure(**configured)
        root.removeHandler(handler)
        root.setLevel(level)


def telegram(base_url: str, time: Time, token: str = TOKEN) -> TelegramTransport:
    return TelegramTransport(token, now=time.now, base_url=base_url, sleep=time.sleep, answer_s=PATIENCE_S, poll_s=1)


async def use(transport: TelegramTransport, seen: Everything) -> None:
    """Everything a transport can do, whatever comes of it."""
    ann = Address(transport="telegram", chat=str(ANN))
    ref = MessageRef(address=ann, message_id="101")
    person = Person(transport="telegram", user_id=str(ANN))
    for doing in (
        transport.send(ann, CARD),
        transport.send(ann, CHART),
        transport.edit(ref, CARD),
        transport.edit(ref, CHART),
    ):
        try:
            await doing
        except DeliveryError as error:
            seen.note(transport, error)
    with contextlib.suppress(DeliveryError):
        await transport.announce((CommandHint(name="health", summary="h"),))
    await transport.answer(
        Press(sender=person, message=ref, data="a", pressed_at=transport.health().since, press_id="q")
    )
    seen.note(transport)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.status}{fault.drop}{fault.page}{fault.delay_s:g}")
async def test_no_failure_of_telegram_shows_the_token(time: Time, everything: Everything, fault: Fault) -> None:
    async with TelegramServer(token=TOKEN) as server, hurried(lambda: server.struck if fault.delay_s else 0):
        server.add_user(ANN)
        async with telegram(server.url, time) as transport:
            await server.wait_for(lambda: server.is_polled)
            server.inject(fault)
            await server.say(ANN, "/health")
            await use(transport, everything)
        server.heal()
        server.inject(fault)
        async with telegram(server.url, time) as transport:
            await until(lambda: server.struck)
            await use(transport, everything)
    gc.collect()  # what a forgotten task would log
    everything.check()


@pytest.mark.parametrize(
    "token",
    [
        TOKEN,
        f"{TOKEN}/../x",
        f"7000000001 {SECRET}",
        f"7000000001:{SECRET}\n\x00",
        f"7:{SECRET}ü€",
        f"{{token}}{SECRET}",
        SECRET,
    ],
    ids=["wrong", "slashes", "blank", "controls", "not ascii", "braces", "no number"],
)
async def test_a_wrong_token_is_not_repeated_to_anybody(time: Time, everything: Everything, token: str) -> None:
    async with TelegramServer() as server, telegram(server.url, time, token) as transport:
        await use(transport, everything)
    everything.check()


async def test_a_server_that_is_down_is_no_reason_to_show_the_token(time: Time, everything: Everything) -> None:
    async with TelegramServer(token=TOKEN) as server:
        url = server.url
    async with telegram(url, time) as transport:
        await use(transport, everything)
    everything.check()
