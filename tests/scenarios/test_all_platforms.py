"""One process on Telegram, Discord and the terminal at once, while each of them is lost and comes back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import Stage, fall_to, recover
from tests.support.discord_screen import WAIT_S, Screen
from tests.support.discord_server import Channel, DiscordServer
from tests.support.keel_process import Input, KeelProcess, keel
from tests.support.phone import Phone
from tests.support.plain_tiers import ratio_alone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc

ANN, BOB = 3001, 3002


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
def desk(discord: DiscordServer) -> Channel:
    """The channel of a team Ann is in."""
    guild = discord.add_guild("Desk")
    guild.members.add(ANN)
    return discord.add_channel(guild)


@pytest.fixture
async def bot(stage: Stage, discord: DiscordServer, desk: Channel, scene: OnePosition) -> AsyncIterator[KeelProcess]:
    """A bot at a terminal, on both platforms."""
    async with running(stage, discord, scene) as process:
        yield process


@asynccontextmanager
async def running(stage: Stage, discord: DiscordServer, scene: OnePosition) -> AsyncIterator[KeelProcess]:
    """``keel run``. Its account has tiers on the health ratio alone, and breaks no limit."""
    await ratio_alone(stage.folder / "keel.sqlite3", scene.user)
    env = stage.env | {
        "DISCORD_TOKEN": discord.token,
        "DISCORD_API_URL": discord.api_url,
        "DISCORD_GATEWAY_URL": discord.gateway_url,
    }
    async with keel("run", env=env, folder=stage.folder, stdin=Input.KEYBOARD) as process:
        yield process
    assert discord.token not in process.output
    assert discord.token.rpartition(".")[2] not in process.output


async def linked_everywhere(bot: KeelProcess, phone: Phone, screen: Screen, desk: Channel) -> Channel:
    """Ann is one person on both platforms, and the team's channel hears of the account; returns her direct messages."""
    await phone.link(await bot.link_code())
    code = next(word for word in (await phone.ask("/link")).split() if word.count("-") == 1 and len(word) == 9)
    await screen.connected()
    await screen.until(lambda: desk.guild in screen.server.api.commands, "registered commands")
    assert (await screen.asks("start", code)).startswith("Linked.")
    assert "hears of" in await screen.asks("here", "all", channel=desk)
    return screen.server.direct(ANN)


async def test_each_is_lost_and_comes_back_and_nobody_misses_an_alert(
    bot: KeelProcess, phone: Phone, discord: DiscordServer, desk: Channel, scene: OnePosition, rpc: SolanaRpc,
    figure: Gauge,
) -> None:  # fmt: skip
    screen = Screen(discord, ANN)
    private = await linked_everywhere(bot, phone, screen, desk)

    # All three hear of the same thing, and a thread is opened for it.
    fall_to("HIGH", scene, rpc)
    await phone.alert("HIGH", timeout_s=WAIT_S)
    await screen.sees("HIGH", private)
    high = await screen.sees("HIGH", desk)
    await bot.until(lambda: "HIGH main" in bot.stdout, "HIGH at the terminal", WAIT_S)
    await screen.until(lambda: discord.thread_of(high), "a thread")
    thread = discord.thread_of(high)
    assert thread is not None
    assert thread.name.endswith("main HIGH")

    # Discord is lost. The others hear of what is worse; it hears of it when it is back.
    await discord.stop()
    fall_to("CRITICAL", scene, rpc)
    critical = await phone.alert("CRITICAL", timeout_s=WAIT_S)
    await bot.until(lambda: "CRITICAL main" in bot.stdout, "CRITICAL at the terminal", WAIT_S)
    assert "discord: DOWN" in await phone.ask("/status", WAIT_S)
    await discord.start()
    await screen.connected()
    in_desk = await screen.sees("CRITICAL", desk)
    await screen.sees("CRITICAL", private)
    await screen.until(lambda: thread.name.endswith("main CRITICAL"), "the thread's new name")

    # Telegram is lost. Somebody answers on Discord; the copy on Telegram shows it when it is back.
    await phone.server.stop()
    await discord.press(ANN, in_desk, "Ack")
    await screen.until(lambda: "Acked by" in in_desk.text, "the answer in the channel")
    assert "telegram: DOWN" in await screen.asks("status")
    await phone.server.start()
    await phone.until(lambda: "Acked by" in critical.message.text, "the answer on Telegram", WAIT_S)

    # The terminal is typed at, and lost for good; the others do not notice.
    await bot.type("/health")
    await bot.until(lambda: "main: health" in bot.stdout, "an answer at the terminal", WAIT_S)
    await bot.type("\x04")
    await bot.until(lambda: bot.logged("transport.ended"), "the end of the terminal", WAIT_S)

    # The end of it is told everywhere, in the channel's thread, which is closed.
    recover(scene, rpc)
    await phone.alert("RESOLVED", timeout_s=WAIT_S)
    await screen.sees("RESOLVED", private)
    await screen.until(lambda: thread.archived, "the closed thread")
    assert screen.alert("RESOLVED", thread) is not None
    assert screen.alert("RESOLVED", desk) is None
    heard = [tier in phone.heads for tier in ("HIGH", "CRITICAL", "RESOLVED")]
    heard += [screen.alert(tier, private) is not None for tier in ("HIGH", "CRITICAL", "RESOLVED")]
    figure(Measure.LOST, heard.count(False))
    assert "main" in await screen.asks("health", "main", channel=desk)
    assert "main" in await phone.ask("/health", WAIT_S)
    assert await bot.stop(WAIT_S) == 0


async def test_all_of_them_lost_at_once_lose_nothing(
    bot: KeelProcess, phone: Phone, discord: DiscordServer, desk: Channel, scene: OnePosition, rpc: SolanaRpc,
    figure: Gauge,
) -> None:  # fmt: skip
    screen = Screen(discord, ANN)
    private = await linked_everywhere(bot, phone, screen, desk)
    await phone.server.stop()
    await discord.stop()
    fall_to("CRITICAL", scene, rpc)
    await bot.until(lambda: "CRITICAL main" in bot.stdout, "CRITICAL at the terminal", WAIT_S)
    await discord.start()
    await phone.server.start()
    await phone.alert("CRITICAL", timeout_s=WAIT_S)
    for channel in (private, desk):
        await screen.sees("CRITICAL", channel)
    tiers = [one.headline.split(" ")[0] for one in discord.messages(desk) if "alert #" in one.text]
    told = [tiers.count("CRITICAL"), phone.heads.count("CRITICAL")]
    figure(Measure.LOST, told.count(0))
    figure(Measure.REPEATS, sum(max(0, count - 1) for count in told))
    assert await bot.stop(WAIT_S) == 0


async def test_what_nobody_answers_goes_to_the_next_person_on_the_other_platform_whose_ack_edits_the_first_message(
    stage: Stage, phone: Phone, discord: DiscordServer, desk: Channel, scene: OnePosition, rpc: SolanaRpc
) -> None:
    """The five minutes of the story are two seconds here; what counts them is tested with a clock moved by hand."""
    routes = f"""
        [[routes]]
        name = "desk"
        from = "high"
        steps = [
            {{ to = "telegram:{phone.chat}" }},
            {{ after = "2 s", to = "person:discord/{BOB}" }},
        ]
    """
    (stage.folder / "routes.toml").write_text(routes)
    (stage.folder / "routes.toml").chmod(0o600)
    screen, private = Screen(discord, BOB), discord.direct(BOB, "bob")
    async with running(stage, discord, scene) as bot:
        await phone.link(await bot.link_code())
        invitation = await phone.ask("/invite responder for Bob")
        code = next(word for word in invitation.split() if word.count("-") == 1 and len(word) == 9)
        await screen.connected()
        assert (await screen.asks("start", code)).startswith("Linked.")

        fall_to("HIGH", scene, rpc)
        first = await phone.alert("HIGH", timeout_s=WAIT_S)
        second = await screen.sees("HIGH", private)
        assert "Acked" not in first.message.text
        await discord.press(BOB, second, "Ack")
        await phone.until(lambda: "Acked by Bob" in first.message.text, "the answer in the first message", WAIT_S)
        assert "Acked by Bob" in second.text
        assert phone.heads.count("HIGH") == 1
        assert await bot.stop(WAIT_S) == 0
