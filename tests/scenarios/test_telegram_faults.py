"""Telegram limits, fails, forgets to answer, and refuses the token. The watch goes on, and nothing secret is said."""

import time

import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import RPC_KEY, Start, fall_to, rpc_url
from tests.support.keel_process import KeelProcess
from tests.support.phone import Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import UPGRADE, Garbage, HttpError, Refusal, Reset, SolanaRpc
from tests.support.telegram import Drop, Fault, TelegramServer
from tests.support.waiting import until

READ = "getMultipleAccounts"

# Fault, how long the alert may not come, and how many copies of it come in the end.
FAULTS = {
    "429 on the chat": (Fault(method="send", status=429, retry_after=1), 1.0, 1),
    "502": (Fault(method="send", status=502), 1.0, 1),
    "error page of a proxy": (Fault(method="send", status=504, page=True), 1.0, 1),
    "cut before": (Fault(method="send", drop=Drop.BEFORE), 1.0, 1),
    "accepted, then cut": (Fault(method="send", drop=Drop.AFTER), 0.0, 2),
}


@pytest.mark.parametrize(("fault", "not_before_s", "copies"), FAULTS.values(), ids=FAULTS)
async def test_an_alert_that_telegram_does_not_take_comes_later(
    fault: Fault,
    not_before_s: float,
    copies: int,
    bot: KeelProcess,
    phone: Phone,
    telegram: TelegramServer,
    scene: OnePosition,
    rpc: SolanaRpc,
    figure: Gauge,
) -> None:
    await phone.quiet()
    telegram.inject(fault)
    started = time.monotonic()
    fall_to("CRITICAL", scene, rpc)
    await phone.alert("CRITICAL", after=copies - 1)
    took_s = time.monotonic() - started
    assert took_s >= not_before_s
    figure.took(Measure.TOLD_AFTER, took_s)
    figure(Measure.LOST, phone.heads.count("CRITICAL") == 0)
    figure(Measure.REPEATS, len(phone.heads) - 1)
    assert phone.heads == ["CRITICAL"] * copies
    assert len({alert.number for alert in phone.alerts}) == 1
    assert await bot.stop() == 0


async def test_a_limit_on_one_chat_holds_up_no_other(
    bot: KeelProcess, phone: Phone, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc, figure: Gauge
) -> None:
    telegram.inject(Fault(method="send", chat=phone.chat, status=429, retry_after=30, times=None))
    fall_to("CRITICAL", scene, rpc)
    await bot.until(lambda: bot.logged("incident.opened"), "the incident")
    other = Phone(telegram, 2002)
    with figure.timing(Measure.OTHERS_WAIT):
        assert "private bot" in await other.ask("/help")


async def test_alerts_go_out_while_another_poller_takes_the_updates(
    bot: KeelProcess, phone: Phone, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc, figure: Gauge
) -> None:
    telegram.inject(Fault(method="getUpdates", status=409, times=None))
    await telegram.say(phone.user, "/help")  # ends the poll that is under way, so that the next one meets the conflict
    fall_to("CRITICAL", scene, rpc)
    with figure.timing(Measure.TOLD_AFTER):
        await phone.alert("CRITICAL")
    await bot.until(lambda: bot.logged("telegram.health")[1:], "a word about the conflict")
    assert "another process reads this bot's messages" in bot.logged("telegram.health")[-1]["detail"]
    telegram.heal()
    await phone.until(lambda: any("/portfolio" in answer.text for answer in phone.answers), "the answer to /help")
    assert "another process reads" in await phone.ask("/status")


async def test_a_refused_token_leaves_the_watch_running_and_is_told_without_the_token(
    start: Start, telegram: TelegramServer, rpc: SolanaRpc
) -> None:
    bot = await start(TELEGRAM_TOKEN="7000000002:AAwrongTokenOfNobodyAtAll00000000001")
    await bot.started()
    await bot.until(lambda: bot.logged("telegram.health"), "a word about the token")
    assert bot.logged("telegram.health")[0]["detail"] == "Telegram refused the token: check TELEGRAM_TOKEN"
    seen = rpc.count(READ)
    await until(lambda: rpc.count(READ) > seen)
    assert "AAwrongToken" not in bot.output
    assert await bot.stop() == 0


async def test_no_secret_is_written_whatever_fails(
    bot: KeelProcess, phone: Phone, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc
) -> None:
    """Everything at once, at LOG_LEVEL=DEBUG. Both sides quote what they were asked with: the page of a proxy has the
    token, the error of a node has the key. The fixtures look for secrets in the output and in the chat."""
    for method in ("sendMessage", "getUpdates", "editMessage", "answerCallback"):
        telegram.inject(Fault(method=method, status=502, page=True))
        telegram.inject(Fault(method=method, status=500, description=f"Internal: bot{telegram.token}"))
        telegram.inject(Fault(method=method, drop=Drop.BEFORE))
    for broken in (HttpError(status=404), Garbage(body=rpc_url(rpc)), Reset(), Refusal(message=f"bad {RPC_KEY}")):
        rpc.inject(broken, count=3)
    fall_to("CRITICAL", scene, rpc)
    await phone.say("/health")
    await bot.until(lambda: bot.logged("check.venue_failed"), "a failed check")
    await bot.until(lambda: bot.logged("delivery.retry"), "a failed delivery")
    alert = await phone.alert("CRITICAL")
    await telegram.press(phone.user, alert.message, "Ack")
    await bot.until(lambda: bot.logged("incident.acked"), "the ack")
    assert (await phone.ask("/status")).startswith("Keel: ")
    assert await bot.stop() == 0
    assert len(bot.stderr.splitlines()) > 20


async def test_an_error_that_quotes_the_key_reaches_the_chat_without_it(
    start: Start, phone: Phone, rpc: SolanaRpc
) -> None:
    bot = await start(SLOT_STALL_S="3")
    await phone.link(await bot.link_code())
    await phone.quiet()  # or one message might group both, and a group has no room for reasons
    rpc.inject(HttpError(status=503), methods=[UPGRADE])
    rpc.drop_websockets()  # what a stream still delivers is known
    rpc.inject(Refusal(message=f"no more calls for {RPC_KEY}"))
    assert "no more calls for [secret]" in (await phone.alert("UNKNOWN")).text
