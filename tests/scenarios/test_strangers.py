"""Who is not linked learns nothing, in private and in a group, and can change nothing."""

import asyncio

from tests.scenarios.conftest import Start, fall_to
from tests.support.keel_process import KeelProcess
from tests.support.phone import OWNER, Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc
from tests.support.telegram import TelegramServer

STRANGER = 2002
GROUP = -1001
REFUSAL = "This is a private bot. If it is yours, send /start with the code from its console."
A_MOMENT_S = 0.5


async def test_a_stranger_gets_one_polite_refusal_and_no_account_data(
    bot: KeelProcess, phone: Phone, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc
) -> None:
    stranger = Phone(telegram, STRANGER)
    for text in ("/health", "/liq main", "hello", "/portfolio", "/start", "/nonsense"):
        await stranger.say(text)
    await stranger.until(lambda: stranger.messages, "a refusal")
    fall_to("HIGH", scene, rpc)
    await phone.alert("HIGH")
    await asyncio.sleep(A_MOMENT_S)
    assert [message.text for message in stranger.messages] == [REFUSAL]


async def test_a_stranger_cannot_use_the_code_of_the_owner_nor_guess_one(
    start: Start, phone: Phone, telegram: TelegramServer
) -> None:
    bot = await start()
    code = await bot.link_code()
    await phone.link(code)
    stranger = Phone(telegram, STRANGER)
    assert "used already" in await stranger.ask(f"/start {code}")
    assert "not right" in await stranger.ask("/start AAAA-AAAA")
    assert await stranger.ask("/health") == REFUSAL
    for message in stranger.messages:
        assert "main" not in message.text


async def test_a_member_of_the_group_who_is_not_linked_gets_nothing_and_presses_in_vain(
    start: Start, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc
) -> None:
    """The owner linked the group, so its members read the alerts; being there is no authority."""
    bot = await start()
    telegram.add_user(OWNER)
    telegram.add_user(STRANGER, "Mallory")
    telegram.add_group(GROUP)
    owner, member = Phone(telegram, OWNER, chat=GROUP), Phone(telegram, STRANGER, chat=GROUP)
    await owner.link(await bot.link_code())
    fall_to("CRITICAL", scene, rpc)
    alert = await owner.alert("CRITICAL")
    said = len(owner.answers)
    for text in ("/health", f"/health@{telegram.api.username}", "/ack 1", "what is this?"):
        await member.say(text)
    for button in ("Ack", "Snooze 1 h", "Details"):
        assert await member.press(alert, button) == "This button is not for you."
    await asyncio.sleep(A_MOMENT_S)
    assert len(owner.answers) == said
    assert "Acked" not in alert.text
    assert "not acknowledged" not in await owner.ask("/alerts")
    assert (await owner.press(alert, "Ack")).startswith("Acked ")
    assert (await owner.ask("/health")).startswith("main: health")
