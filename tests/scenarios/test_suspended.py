"""The process is stopped from outside, as a debugger or a machine under pressure does, and goes on later."""

import asyncio
import os
import signal

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import fall_to
from tests.support.keel_process import KeelProcess
from tests.support.phone import Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc

ASLEEP_S = 2.0


async def test_a_fall_while_the_process_is_suspended_is_told_when_it_goes_on(
    bot: KeelProcess, phone: Phone, scene: OnePosition, rpc: SolanaRpc, figure: Gauge
) -> None:
    await phone.quiet()
    os.kill(bot.pid, signal.SIGSTOP)
    fall_to("CRITICAL", scene, rpc)
    await asyncio.sleep(ASLEEP_S)
    assert phone.heads == []
    os.kill(bot.pid, signal.SIGCONT)
    with figure.timing(Measure.TOLD_AFTER):
        await phone.alert("CRITICAL")
    assert await bot.stop() == 0
    figure(Measure.LOST, "CRITICAL" not in phone.heads)
    figure(Measure.REPEATS, phone.heads.count("CRITICAL") - 1)
