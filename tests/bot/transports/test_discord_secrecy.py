"""The token is in every request, an interaction's and a webhook's in every URL. They may be nowhere else."""

import gc
import io
import logging
import traceback
from collections.abc import Awaitable, Iterator
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
from bot.transports.discord import DiscordTransport, DiscordUrls, checked_webhook
from bot.transports.discord.webhook import ChannelWebhook
from bot.transports.discord.wire import Wire
from tests.bot.transports.conftest import ANN, Time, at, discord_of, heard
from tests.support.discord_server import DiscordServer, Drop, Fault
from tests.support.png import tiny_png
from tests.support.waiting import PATIENCE_S, hurried, until

SECRET = "canary-Canary_0123456789abcdefghijk"
TOKEN = f"MTQwMDAwMDAwMDAwMDAwMDAwMg.Gx1yZ2.{SECRET}"
CARD = Message(blocks=(*lines("HIGH"), Line("b")), buttons=((Button("Ack", "a"),),))
CHART = Message(blocks=(Line("Equity"), Picture(tiny_png(), alt="Equity rose.")))
NEVER_S = 3_600.0
FAULTS = [
    Fault(status=400),
    Fault(status=400, code=50035, words=f"never seen Bot {TOKEN}"),
    Fault(status=401),
    Fault(status=403, code=50001, words=f"Forbidden: {SECRET}"),
    Fault(status=404),
    Fault(status=404, page=True),
    Fault(status=404, code=10062),
    Fault(status=429, retry_after=5),
    Fault(status=429, retry_after=5, via=False),
    Fault(status=429, page=True),
    Fault(status=500, words=f"Internal: {quote(TOKEN)}"),
    Fault(status=502, page=True),
    Fault(status=503, code=7, words=TOKEN.upper()),
    Fault(status=200, page=True),
    Fault(status=302, page=True),
    Fault(drop=Drop.BEFORE),
    Fault(drop=Drop.AFTER),
    Fault(delay_s=NEVER_S),
]


class Everything:
    """All that was logged, at any level, by anybody, and all that was raised."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def note(self, *shown: object, error: BaseException | None = None) -> None:
        self.stream.write(f"{shown!r} {[str(one) for one in shown]}\n")
        if error is not None:
            report = traceback.TracebackException.from_exception(error, capture_locals=True)
            self.stream.write(f"{error!r} {error} {error.args}\n{''.join(report.format())}")

    def check(self) -> None:
        text = self.stream.getvalue()
        assert text
        assert SECRET not in text
        assert "canary" not in text.lower()
        assert "interactiontokenof" not in text.lower()


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


async def tried(doing: Awaitable[object], seen: Everything) -> None:
    try:
        await doing
    except DeliveryError as error:
        seen.note(error=error)


async def use(transport: DiscordTransport, seen: Everything) -> None:
    """Everything a transport can do, whatever comes of it."""
    ann = Address(transport="discord", chat="5")
    ref = MessageRef(address=ann, message_id="101")
    person = Person(transport="discord", user_id=str(ANN))
    for doing in (
        transport.send(ann, CARD),
        transport.send(ann, CHART),
        transport.edit(ref, CARD),
        transport.edit(ref, CHART),
        transport.announce((CommandHint(name="health", summary="h"),)),
        transport.answer(
            Press(sender=person, message=ref, data="a", pressed_at=transport.health().since, press_id="9"), "x"
        ),
    ):
        await tried(doing, seen)
    seen.note(transport, transport.health())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: f"{one.status}{one.code}{one.drop}{one.page}{one.delay_s:g}")
async def test_no_failure_of_discord_shows_a_token(time: Time, everything: Everything, fault: Fault) -> None:
    forever = Fault(**{name: getattr(fault, name) for name in fault.__slots__} | {"times": None})
    async with (
        DiscordServer(token=TOKEN) as server,
        hurried(lambda: server.struck if fault.delay_s else 0, after_s=100.0),
    ):
        desk = server.add_channel(server.add_guild())
        async with discord_of(server, time, token=TOKEN, answer_s=PATIENCE_S) as transport:
            await transport.send(at(desk), CARD)
            await server.slash(ANN, "health", channel=desk)
            await server.press(ANN, server.messages()[0], "Ack")
            command, press = await heard(transport, 2)
            await server.wait_for(lambda: all(one.acknowledged for one in server.api.interactions.values()))
            server.inject(forever)
            await server.slash(ANN, "status")
            await use(transport, everything)
            assert not isinstance(command, Press)
            await tried(transport.send(command.address, CHART), everything)
            assert isinstance(press, Press)
            await tried(transport.edit(press.message, CARD), everything)
            await transport.answer(press, "done")
        server.heal()
        server.inject(forever)
        async with discord_of(server, time, token=TOKEN, answer_s=PATIENCE_S) as transport:
            await until(lambda: server.struck)
            await use(transport, everything)
    gc.collect()  # what a forgotten task would log
    everything.check()


@pytest.mark.parametrize(
    "token",
    [TOKEN, f"{TOKEN}/../x", f"MTQ {SECRET}", f"MTQ.{SECRET}\n\x00", f"MTQ.{SECRET}ü€", f"{{token}}{SECRET}", SECRET],
    ids=["wrong", "slashes", "blank", "controls", "not ascii", "braces", "no parts"],
)
async def test_a_wrong_token_is_not_repeated_to_anybody(time: Time, everything: Everything, token: str) -> None:
    async with DiscordServer() as server, discord_of(server, time, token=token, answer_s=PATIENCE_S) as transport:
        await use(transport, everything)
    gc.collect()
    everything.check()


@pytest.mark.parametrize("code", [1000, 4004, 4014])
async def test_a_gateway_that_hangs_up_is_no_reason_to_show_the_token(
    time: Time, everything: Everything, code: int
) -> None:
    async with DiscordServer(token=TOKEN) as server, discord_of(server, time, token=TOKEN) as transport:
        await server.wait_for(lambda: server.gateway.live)
        await server.gateway.close(code)
        await server.wait_for(lambda: server.gateway.identified + server.gateway.resumed == 2)
        everything.note(transport, transport.health())
    everything.check()


async def test_a_server_that_is_down_is_no_reason_to_show_the_token(time: Time, everything: Everything) -> None:
    async with DiscordServer(token=TOKEN) as server:
        urls = DiscordUrls(api=server.api_url, gateway=server.gateway_url)
    async with DiscordTransport(TOKEN, now=time.now, urls=urls, sleep=time.sleep, answer_s=PATIENCE_S) as transport:
        await use(transport, everything)
    everything.check()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: f"{one.status}{one.code}{one.drop}{one.page}{one.delay_s:g}")
async def test_no_failure_shows_the_token_of_a_webhook(everything: Everything, fault: Fault) -> None:
    async with DiscordServer() as server:
        channel = server.add_channel(server.add_guild())
        server.api.webhooks[77] = (SECRET, channel.channel_id)
        server.inject(Fault(**{name: getattr(fault, name) for name in fault.__slots__} | {"times": None}))
        url = checked_webhook(f"{server.api_url}/webhooks/77/{SECRET}", allow_loopback=True)
        patient = ChannelWebhook(url, answer_s=PATIENCE_S)
        async with patient as webhook, hurried(lambda: server.struck if fault.delay_s else 0, after_s=100.0):
            await tried(webhook.send(CARD), everything)
            await tried(webhook.send(CHART), everything)
            await tried(webhook.edit(MessageRef(address=webhook.address, message_id="1"), CARD), everything)
            everything.note(webhook, url)
    everything.check()


def test_the_wire_does_not_show_itself(time: Time) -> None:
    urls = DiscordUrls(api="http://127.0.0.1:1/api/v10", gateway="ws://127.0.0.1:1")
    transport = discord_of(DiscordServer(), time, token=TOKEN)
    wire = Wire(TOKEN, urls=urls, events=transport._hearing, answer_s=1.0, silence_s=1.0)
    assert repr(wire) == "Wire()"
