"""The whole process with Discord: linking, alerts, commands and buttons, and everything that may break on the way."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import Stage, Start, fall_to, recover
from tests.support.discord_screen import WAIT_S, Screen
from tests.support.discord_server import Channel, DiscordServer, Drop, Fault
from tests.support.keel_process import KeelProcess
from tests.support.phone import Phone
from tests.support.plain_tiers import ratio_alone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc

ANN, BOB = 3001, 3002
TRADERS = 1_400_000_000_000_055_555


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
def desk(discord: DiscordServer) -> Channel:
    guild = discord.add_guild("Desk")
    guild.members.add(ANN)
    return discord.add_channel(guild)


@pytest.fixture
def ann(discord: DiscordServer) -> Screen:
    return Screen(discord, ANN)


@pytest.fixture
def run(start: Start, stage: Stage, discord: DiscordServer, desk: Channel, scene: OnePosition) -> Start:
    """Starts ``keel run`` with Discord alone, which has one guild; ended without a trace of its token."""

    async def started(**changes: str) -> KeelProcess:
        database = stage.folder / "keel.sqlite3"
        if not database.exists():
            await ratio_alone(database, scene.user)
        env = {
            "TELEGRAM_TOKEN": "",
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
        }
        return await start(**(env | changes))

    return started


async def link(bot: KeelProcess, ann: Screen, *, channel: Channel | None = None) -> None:
    code = await bot.link_code()
    await ann.connected()
    if channel is not None:
        await ann.until(lambda: channel.guild in ann.server.api.commands, "registered commands")
    assert (await ann.asks("start", code, channel=channel)).startswith("Linked. You are the owner.")


async def test_alerts_arrive_with_buttons_and_a_thread_that_outlive_the_process(
    run: Start, discord: DiscordServer, desk: Channel, ann: Screen, scene: OnePosition, rpc: SolanaRpc
) -> None:
    bot = await run()
    await link(bot, ann, channel=desk)
    fall_to("HIGH", scene, rpc)
    high = await ann.sees("HIGH", desk)
    assert [embed.colour for embed in high.embeds] == [0xE2572B]
    await ann.until(lambda: discord.thread_of(high), "a thread")
    await bot.until(
        lambda: "HIGH" in [line["tier"] for line in bot.logged("alert.delivered")], "a note of its delivery"
    )
    await bot.kill()

    bot = await run()
    await bot.started()
    await discord.press(ANN, high, "Ack")
    await ann.until(lambda: "Acked by ann" in high.text, "acknowledged alert")
    recover(scene, rpc)
    thread = discord.thread_of(high)
    assert thread is not None
    await ann.sees("RESOLVED", thread)
    await ann.until(lambda: thread.archived, "closed thread")
    assert ann.alert("RESOLVED", desk) is None
    assert await bot.stop() == 0
    assert discord.token not in bot.output
    assert discord.token.rpartition(".")[2] not in bot.output


async def test_an_alert_whose_answer_was_lost_with_the_process_is_one_message(
    run: Start, discord: DiscordServer, desk: Channel, ann: Screen, scene: OnePosition, rpc: SolanaRpc, figure: Gauge
) -> None:
    bot = await run()
    await link(bot, ann, channel=desk)
    discord.inject(Fault(method="POST", path="/messages", channel=desk.channel_id, drop=Drop.AFTER))
    fall_to("CRITICAL", scene, rpc)
    await ann.sees("CRITICAL", desk)
    await bot.kill()
    bot = await run()
    await bot.until(lambda: bot.logged("alert.delivered"), "a note of the delivery", WAIT_S)
    heads = [one.headline.split(" ")[0] for one in discord.messages(desk) if "alert #" in one.text]
    figure(Measure.LOST, max(0, 1 - heads.count("CRITICAL")))
    figure(Measure.REPEATS, max(0, heads.count("CRITICAL") - 1))


async def test_an_answer_in_a_guild_is_seen_by_whoever_asked_and_words_are_there_to_pick(
    run: Start, discord: DiscordServer, desk: Channel, ann: Screen
) -> None:
    bot = await run(DISCORD_PUBLIC_COMMANDS="liq")
    await link(bot, ann)
    await ann.until(lambda: len(discord.api.commands) == 2, "registered commands")
    names = {command["name"] for command in discord.api.commands[desk.guild]}
    assert {"health", "start", "ack", "help"} <= names
    assert "main" in await ann.asks("health", "main", channel=desk)
    assert "main" in await ann.asks("liq", "main", channel=desk)  # nobody linked the channel, so nobody else reads it
    assert len(discord.messages(desk, seen_by=ANN)) == 2
    assert discord.messages(desk) == []
    assert "hears of" in await ann.asks("here", "all", channel=desk)
    assert "main" in await ann.asks("liq", "main", channel=desk)
    (aloud,) = [
        message for message in discord.messages(desk) if "alert #" not in message.text and "liq" in message.text
    ]
    assert aloud.only_for is None
    for user, offered in ((ANN, ("main",)), (BOB, ())):
        typing = await discord.typing(user, "health", "m", channel=desk)
        await ann.until(partial(getattr, typing, "acknowledged"), "suggestions")
        assert typing.choices == offered
    assert await bot.stop() == 0


async def test_a_stranger_hears_one_sentence_and_nobody_keeps_thinking(
    run: Start, discord: DiscordServer, desk: Channel, ann: Screen
) -> None:
    bot = await run(DISCORD_PUBLIC_COMMANDS="health")
    await link(bot, ann, channel=desk)
    bob = Screen(discord, BOB)
    for name in ("health", "status", "start", "here"):
        assert (await bob.asks(name, channel=desk)).startswith("This is a private bot.")
        assert (await bob.asks(name)).startswith("This is a private bot.")
    assert [message.text for message in discord.messages(desk) if "private" in message.text] == []
    strangers = discord.add_channel(await discord.join("Strangers"))
    await bot.until(lambda: len(bot.logged("group.joined")) == 2, "a note of the guild", WAIT_S)
    assert "Linked" not in await bob.asks("start", "AAAA-AAAA", channel=strangers)
    assert "main" not in await ann.asks("help", channel=strangers)
    assert discord.messages(strangers) == []
    assert await bot.stop() == 0


async def test_who_may_press_is_decided_at_the_press_by_the_roles_discord_vouches_for(
    run: Start, discord: DiscordServer, desk: Channel, ann: Screen, scene: OnePosition, rpc: SolanaRpc
) -> None:
    bot = await run(DISCORD_REQUIRE_ROLE=str(TRADERS))
    await link(bot, ann, channel=desk)
    fall_to("HIGH", scene, rpc)
    high = await ann.sees("HIGH", desk)
    await discord.press(ANN, high, "Ack")
    await ann.until(lambda: discord.messages(desk, seen_by=ANN)[-1].only_for == ANN, "a refusal")
    refusal = discord.messages(desk, seen_by=ANN)[-1].text
    assert refusal.startswith("This needs the role responder; yours is viewer. Here it takes a role of Discord's")
    assert "Acked" not in high.text
    discord.api.guilds[desk.guild or 0].roles[ANN] = (TRADERS,)
    await discord.press(ANN, high, "Ack")
    await ann.until(lambda: "Acked by ann" in high.text, "acknowledged alert")
    assert await bot.stop() == 0


@pytest.mark.parametrize(
    ("token", "code", "words"),
    [
        ("MTQwMDAwMDAwMDAwMDAwMDAwMg.Wrong0.0123456789wrongWrong0123456789wro", None, "check DISCORD_TOKEN"),
        ("", 4004, "check DISCORD_TOKEN"),
        ("", 4014, "does not allow what the bot asks to hear of"),
    ],
    ids=["refused by REST", "refused by the gateway", "intents"],
)
async def test_why_discord_is_down_is_said_where_it_can_be_heard(
    run: Start, stage: Stage, discord: DiscordServer, phone: Phone, token: str, code: int | None, words: str
) -> None:
    discord.gateway.refuses = code
    bot = await run(TELEGRAM_TOKEN=stage.env["TELEGRAM_TOKEN"], DISCORD_TOKEN=token or discord.token)
    await phone.link(await bot.link_code())
    await bot.until(lambda: words in bot.stderr, "the reason in the log", WAIT_S)
    assert words in await phone.ask("/status")
    assert "watching" in (await phone.ask("/status")).splitlines()[0]
    assert await bot.stop() == 0
    for secret in (token or discord.token).split(".")[1:]:
        assert secret not in bot.output


async def test_alerts_go_out_while_the_gateway_is_away_and_presses_count_when_it_is_back(
    run: Start, discord: DiscordServer, desk: Channel, ann: Screen, scene: OnePosition, rpc: SolanaRpc, figure: Gauge
) -> None:
    bot = await run()
    await link(bot, ann, channel=desk)
    discord.gateway.silent_at_first = True
    discord.gateway.cut()
    fall_to("CRITICAL", scene, rpc)
    with figure.timing(Measure.TOLD_AFTER):
        critical = await ann.sees("CRITICAL", desk)
    assert discord.gateway.live is None
    discord.gateway.silent_at_first = False
    discord.gateway.cut()
    await ann.connected()
    await discord.press(ANN, critical, "Ack")
    await ann.until(lambda: "Acked by ann" in critical.text, "acknowledged alert")
    figure(Measure.LOST, "Acked by ann" not in critical.text)
    assert await bot.stop() == 0
