"""From a link code to an alarm that somebody takes on: the main story, over real sockets."""

import asyncio
import sqlite3
from pathlib import Path

from tests.scenarios.conftest import Stage, Start, fall_to, recover
from tests.support.keel_process import Input, KeelProcess, keel
from tests.support.phone import LADDER, Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc

SOME_CHECKS_S = 0.5


async def test_a_fall_rings_once_for_every_tier_in_order_and_recovery_resolves(
    bot: KeelProcess, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    health, liq = await phone.ask("/health"), await phone.ask("/liq")
    assert health.startswith("main: health 85%, OK")
    assert liq.startswith(f"main: SOL 17.5% lower liquidates, at {scene.liquidation_usd:.2f}\n")
    for tier in LADDER:
        fall_to(tier, scene, rpc)
        alert = await phone.alert(tier)
        assert "slot 300,000," in alert.text
        await asyncio.sleep(SOME_CHECKS_S)
        assert (await phone.ask("/health")).splitlines()[0].endswith(tier)
    assert phone.heads == list(LADDER)
    assert len({alert.number for alert in phone.alerts}) == 1
    recover(scene, rpc)
    resolved = await phone.alert("RESOLVED")
    assert resolved.number == phone.alerts[0].number
    assert resolved.message.silent
    assert (await phone.ask("/health")).startswith("main: health 85%, OK")
    assert await bot.stop() == 0
    assert bot.logged("app.stopped")


async def test_ack_marks_every_copy_and_a_further_fall_still_rings(
    stage: Stage, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    """With somebody at a terminal, so that there are two copies."""
    async with keel("run", env=stage.env, folder=stage.folder, stdin=Input.KEYBOARD) as bot:
        await phone.link(await bot.link_code())
        fall_to("CRITICAL", scene, rpc)
        critical = await phone.alert("CRITICAL")
        await bot.until(lambda: "CRITICAL main:" in bot.stdout, "the copy at the terminal")
        notice = await phone.press(critical, "Ack")
        # What was found together is one message, and one press takes on all of it.
        assert notice.startswith("Acked ")
        assert f"#{critical.number}" in notice
        await phone.until(lambda: "Acked by Ann at" in critical.text, "the edited copy")
        assert critical.message.labels == ("Snooze 1 h", "Details")
        await bot.until(lambda: "Acked by Ann at" in bot.stdout, "the edited copy at the terminal")
        await phone.press(critical, "Details")
        await phone.until(lambda: "main: health 9" in phone.answers[-1].text, "the details")
        fall_to("LIQUIDATING", scene, rpc)
        worse = await phone.alert("LIQUIDATING")
        assert worse.number == critical.number
        assert "Ack" in worse.message.labels
        await bot.type(f"/ack {worse.number}")
        await phone.until(lambda: "Acked by the console" in worse.text, "the ack from the terminal")
        assert phone.tiers == ["CRITICAL", "LIQUIDATING"]
        assert await bot.stop() == 0


async def test_what_nobody_took_on_is_said_again_and_what_somebody_did_is_not(
    start: Start, stage: Stage, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    """Repeats come minutes apart: between two runs of the process what is stored is made ten minutes older."""
    bot = await start()
    await phone.link(await bot.link_code())
    fall_to("CRITICAL", scene, rpc)
    first = await phone.alert("CRITICAL")
    assert await bot.stop() == 0
    _make_older(Path(stage.env["DATABASE_PATH"]), minutes=10)
    bot = await start()
    again = await phone.alert("CRITICAL", after=1)
    assert again.number == first.number
    assert "Said again because nobody has acknowledged it." in again.text
    await phone.press(again, "Ack")
    assert await bot.stop() == 0
    _make_older(Path(stage.env["DATABASE_PATH"]), minutes=10)
    bot = await start()
    assert "CRITICAL" in await phone.ask("/health")
    await asyncio.sleep(SOME_CHECKS_S)
    assert phone.heads == ["CRITICAL", "CRITICAL"]
    assert await bot.stop() == 0


def _make_older(database: Path, *, minutes: int) -> None:
    connection = sqlite3.connect(database)
    with connection:
        connection.execute(
            "UPDATE outbox SET created_at = created_at - ?1, sent_at = sent_at - ?1", [minutes * 60 * 10**6]
        )
    connection.close()
