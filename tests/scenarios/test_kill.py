"""kill -9 at the worst moment: what was stored before is delivered after."""

import asyncio
from itertools import groupby

import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import Start, fall_to, recover
from tests.support.phone import Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc
from tests.support.telegram import Drop, Fault, TelegramServer
from tests.support.waiting import until

SOME_CHECKS_S = 0.5

# What strikes first; then nothing gets through.
OUTAGES: dict[str, tuple[tuple[Fault, ...], int]] = {
    "5xx": ((), 1),
    # The platform had it already: at least once means twice here, under one number.
    "answers lost": ((Fault(method="sendMessage", drop=Drop.AFTER),), 2),
}


@pytest.mark.parametrize(("outage", "copies"), OUTAGES.values(), ids=OUTAGES)
async def test_an_alert_that_was_stored_but_not_delivered_arrives_after_kill_9(
    outage: tuple[Fault, ...], copies: int, start: Start, phone: Phone, telegram: TelegramServer, scene: OnePosition,
    rpc: SolanaRpc, figure: Gauge,
) -> None:  # fmt: skip
    bot = await start()
    await phone.link(await bot.link_code())
    await phone.quiet()
    for fault in (*outage, Fault(method="sendMessage", status=502, times=None)):
        telegram.inject(fault)
    fall_to("CRITICAL", scene, rpc)
    await bot.until(lambda: bot.logged("delivery.retry"), "a failed delivery")
    await bot.kill()
    telegram.heal()
    lost = len(phone.alerts)
    assert lost == copies - 1

    with figure.timing(Measure.TOLD_AFTER):
        again = await start()
        await again.started()
        alert = await phone.alert("CRITICAL", after=lost)
    assert (await phone.ask("/health")).splitlines()[0].endswith("CRITICAL")
    await asyncio.sleep(SOME_CHECKS_S)
    assert "link code" not in again.stdout
    figure(Measure.LOST, "CRITICAL" not in phone.heads)
    figure(Measure.REPEATS, len(phone.heads) - 1)
    assert phone.heads == ["CRITICAL"] * copies
    assert {one.number for one in phone.alerts} == {alert.number}
    recover(scene, rpc)
    assert (await phone.alert("RESOLVED")).number == alert.number
    assert phone.heads == ["CRITICAL"] * copies + ["RESOLVED"]
    assert await again.stop() == 0


async def test_an_alert_whose_sending_was_under_way_does_not_wait_for_its_lease(
    start: Start, phone: Phone, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc, figure: Gauge
) -> None:
    bot = await start()
    await phone.link(await bot.link_code())
    await phone.quiet()
    telegram.inject(Fault(method="sendMessage", delay_s=60, times=None))
    before = len(telegram.calls)
    fall_to("CRITICAL", scene, rpc)
    await until(lambda: any(call.method == "sendMessage" for call in telegram.calls[before:]))
    await bot.kill()
    telegram.heal()
    with figure.timing(Measure.TOLD_AFTER):
        await start()
        await phone.alert("CRITICAL")
    figure(Measure.LOST, "CRITICAL" not in phone.heads)
    figure(Measure.REPEATS, len(phone.heads) - 1)


async def test_what_was_written_while_the_process_was_dead_is_answered_after(
    start: Start, phone: Phone, figure: Gauge
) -> None:
    bot = await start()
    await phone.link(await bot.link_code())
    await bot.kill()
    before = len(phone.answers)
    await phone.say("/health")
    await start()
    await phone.until(lambda: len(phone.answers) > before, "an answer")
    assert phone.answers[before].text.startswith("main: health 85%, OK")
    await asyncio.sleep(SOME_CHECKS_S)
    figure(Measure.LOST, max(0, before + 1 - len(phone.answers)))
    figure(Measure.REPEATS, max(0, len(phone.answers) - before - 1))


async def test_killed_again_and_again_it_tells_every_tier_and_none_out_of_order(
    start: Start, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    """Killed at once after each fall, whatever it was doing just then."""
    bot = await start()
    await phone.link(await bot.link_code())
    for number, tier in enumerate(("WATCH", "HIGH", "LIQUIDATING")):
        fall_to(tier, scene, rpc)
        await asyncio.sleep(0.05 * number)
        await bot.kill()
        bot = await start()
        await phone.alert(tier)
    assert [tier for tier, _ in groupby(phone.tiers)] == ["WATCH", "HIGH", "LIQUIDATING"]
    assert len({alert.number for alert in phone.alerts}) == 1
    assert "link code" not in bot.stdout
