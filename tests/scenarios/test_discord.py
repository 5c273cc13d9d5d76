"""The whole process with Discord: linking, alerts, commands and buttons, and everything that may break on the way."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.scenarios.conftest import Start, fall_to, recover
from tests.support.discord_server import Channel, DiscordServer, SentMessage
from tests.support.keel_process import KeelProcess
from tests.support.phone import Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc

ANN, BOB = 3001, 3002
WAIT_S = 15.0


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
def desk(discord: DiscordServer) -> Channel:
    return discord.add_channel(discord.add_guild("Desk"))


@pytest.fixture
def run(start: Start, discord: DiscordServer, desk: Channel) -> Start:
    """Starts ``keel run`` with Discord, which has one guild."""

    async def started(**changes: str) -> KeelProcess:
        return await start(
            DISCORD_TOKEN=discord.token,
            DISCORD_API_URL=discord.api_url,
            DISCORD_GATEWAY_URL=discord.gateway_url,
            **changes,
        )

    return started


async def seen(server: DiscordServer, holds: Callable[[], object], what: str) -> None:
    try:
        await server.wait_for(holds, WAIT_S)
    except TimeoutError:
        shown = "\n---\n".join(message.text for message in server.api.sent)
        raise AssertionError(f"no {what}; Discord shows\n{shown}") from None


async def link(server: DiscordServer, bot: KeelProcess) -> None:
    code = await bot.link_code()
    await server.wait_for(lambda: server.gateway.live, WAIT_S)
    await server.slash(ANN, "start", code)
    await seen(server, server.messages, "answer to /start")
    assert server.messages()[0].text.startswith("Linked. You are the owner.")


def alert(server: DiscordServer, tier: str) -> SentMessage | None:
    return next((message for message in server.messages() if message.text.startswith(tier)), None)


async def test_a_code_from_the_console_links_and_alerts_arrive_with_buttons_that_outlive_the_process(
    run: Start, discord: DiscordServer, desk: Channel, scene: OnePosition, rpc: SolanaRpc
) -> None:
    bot = await run(TELEGRAM_TOKEN="")
    await link(discord, bot)
    fall_to("HIGH", scene, rpc)
    await seen(discord, lambda: alert(discord, "HIGH"), "HIGH alert")
    await bot.until(
        lambda: "HIGH" in [line["tier"] for line in bot.logged("alert.delivered")], "a note of its delivery"
    )
    await bot.kill()

    bot = await run(TELEGRAM_TOKEN="")
    await bot.started()
    high = alert(discord, "HIGH")
    assert high is not None
    await discord.press(ANN, high, "Ack")
    await seen(discord, lambda: "Acked by ann" in high.text, "acknowledged alert")
    assert await bot.stop() == 0
    assert discord.token not in bot.output
    assert discord.token.rpartition(".")[2] not in bot.output


async def test_an_answer_in_a_guild_is_seen_by_whoever_asked_and_commands_are_there_to_pick(
    run: Start, discord: DiscordServer, desk: Channel
) -> None:
    await link(discord, await run(TELEGRAM_TOKEN=""))
    await seen(discord, lambda: len(discord.api.commands) == 2, "registered commands")
    names = {command["name"] for command in discord.api.commands[desk.guild]}
    assert {"health", "start", "ack", "help"} <= names
    await discord.slash(ANN, "health", "main", channel=desk)
    await seen(discord, lambda: discord.messages(desk, seen_by=ANN), "answer to /health")
    assert "main" in discord.messages(desk, seen_by=ANN)[0].text
    assert discord.messages(desk, seen_by=BOB) == []
    typing = await discord.typing(ANN, "health", "m", channel=desk)
    await seen(discord, lambda: typing.acknowledged, "suggestions")
    assert typing.choices == ("main",)
    typing = await discord.typing(BOB, "health", "m", channel=desk)
    await seen(discord, lambda: typing.acknowledged, "no suggestions")
    assert typing.choices == ()


async def test_telegram_and_discord_side_by_side_survive_the_loss_and_return_of_each(
    run: Start, discord: DiscordServer, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    bot = await run()
    await phone.link(await bot.link_code())
    await discord.wait_for(lambda: discord.gateway.live, WAIT_S)

    await discord.stop()
    fall_to("WARNING", scene, rpc)
    await phone.alert("WARNING")
    await discord.start()
    await discord.wait_for(lambda: discord.gateway.live, WAIT_S)
    await discord.slash(BOB, "health")
    await seen(discord, discord.messages, "refusal")
    assert discord.messages()[0].text.startswith("This is a private bot.")

    await phone.server.stop()
    recover(scene, rpc)
    await discord.slash(BOB, "start", "AAAA-AAAA")
    await seen(discord, lambda: len(discord.messages()) == 2, "answer while Telegram is away")
    await phone.server.start()
    assert "main" in await phone.ask("/health")
    assert await bot.stop() == 0
