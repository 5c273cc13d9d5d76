"""Whole-process stories over real sockets: the next person on the other platform, and the way round what is blocked."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import Stage, Start, fall_to
from tests.support.discord_screen import WAIT_S, Screen
from tests.support.discord_server import Channel, DiscordServer
from tests.support.discord_server import Fault as DiscordFault
from tests.support.keel_process import KeelProcess
from tests.support.phone import Phone
from tests.support.plain_tiers import ratio_alone
from tests.support.scenarios import OnePosition
from tests.support.services import HttpService
from tests.support.solana_rpc import Reset, SolanaRpc
from tests.support.telegram import Fault, TelegramServer
from tests.support.waiting import until

BOB = 3001
PAGER_KEY = "key-of-the-pager-1234567890"
GROUP = -1001

STORY = """
[[routes]]
name = "desk"
from = "HIGH"
steps = [
    { to = ["person:telegram/1001"] },
    { after = "3 s", to = ["person:Bob"] },
]
"""
ONLY_ANN = """
[[routes]]
name = "ann"
steps = [{ to = ["person:telegram/1001"] }]

[services.pager]
url_env = "PAGER_URL"
rings_through_dnd = true

[fallback]
order = ["telegram", "discord", "discord-webhook", "service:pager"]
after = "2 s"
"""


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
def desk(discord: DiscordServer) -> Channel:
    """A channel with a webhook that nobody has linked."""
    return discord.add_channel(discord.add_guild("Desk"))


@pytest.fixture
async def pager() -> AsyncIterator[HttpService]:
    async with HttpService() as server:
        yield server


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Ann sits at Telegram, Bob at Discord; the bot knows both."""

    bot: KeelProcess
    ann: Phone
    bob: Screen
    private: Channel
    again: Callable[[], Awaitable[KeelProcess]]


Play = Callable[[str], Awaitable[Cast]]


@pytest.fixture
async def play(
    start: Start, stage: Stage, phone: Phone, discord: DiscordServer, desk: Channel, scene: OnePosition,
    pager: HttpService,
) -> AsyncIterator[Play]:  # fmt: skip
    """Starts a bot with this file of routes; however it ends, it shows no secret."""
    webhook = discord.add_webhook(desk)
    started: list[KeelProcess] = []

    async def begin(routes: str) -> Cast:
        (stage.folder / "routes.toml").write_text(routes)
        await ratio_alone(stage.folder / "keel.sqlite3", scene.user)

        async def again() -> KeelProcess:
            bot = await start(
                DISCORD_TOKEN=discord.token, DISCORD_API_URL=discord.api_url, DISCORD_GATEWAY_URL=discord.gateway_url,
                DISCORD_WEBHOOK_URL=webhook, ROUTES_FILE="routes.toml",
                PAGER_URL=f"json://{pager.host}/{PAGER_KEY}", NO_PROXY="127.0.0.1",
            )  # fmt: skip
            started.append(bot)
            return bot

        bot = await again()
        await phone.link(await bot.link_code())
        code = (await phone.ask("/invite responder all for Bob")).split("/start ")[1][:9]
        bob = Screen(discord, BOB)
        await bob.connected()
        assert (await bob.asks("start", code)).startswith("Linked.")
        # Before Ann was there, that the file names her was no fault that she would have to hear of.
        assert not [one.text for one in phone.messages if "is called telegram/1001" in one.text]
        return Cast(bot=bot, ann=phone, bob=bob, private=discord.direct(BOB), again=again)

    yield begin
    for bot in started:
        for secret in (discord.token, webhook.rpartition("/")[2], PAGER_KEY):
            assert secret not in bot.output


def paged(pager: HttpService) -> list[str]:
    return [str(one["title"]).split(" ")[0] for one in pager.taken]


async def test_high_unacknowledged_goes_to_the_next_person_on_the_other_platform_and_ack_there_edits_the_first_message(
    play: Play, scene: OnePosition, rpc: SolanaRpc
) -> None:
    cast = await play(STORY)
    fall_to("HIGH", scene, rpc)
    first = await cast.ann.alert("HIGH", timeout_s=WAIT_S)
    assert cast.bob.alert("HIGH", cast.private) is None

    second = await cast.bob.sees("HIGH", cast.private)
    assert f"alert #{first.number}" in second.text
    await cast.bob.server.press(BOB, second, "Ack")
    await cast.ann.until(lambda: "Acked by Bob at" in first.text, "the answer on Ann's phone", WAIT_S)
    await cast.bob.until(lambda: "Acked by Bob at" in second.text, "the answer on Bob's screen")
    assert cast.ann.heads.count("HIGH") == 1

    fall_to("CRITICAL", scene, rpc)
    await cast.ann.alert("CRITICAL", timeout_s=WAIT_S)
    assert await cast.bot.stop() == 0


async def test_a_step_that_falls_due_while_nobody_runs_is_told_with_figures_after_the_start(
    play: Play, scene: OnePosition, rpc: SolanaRpc
) -> None:
    cast = await play(STORY)
    fall_to("HIGH", scene, rpc)
    await cast.ann.alert("HIGH", timeout_s=WAIT_S)
    await cast.bot.kill()
    await asyncio.sleep(3)  # the turn of step 2 comes by the wall clock
    assert cast.bob.alert("HIGH", cast.private) is None

    await cast.again()
    page = await cast.bob.sees("HIGH", cast.private)
    assert "Health ratio" in page.text
    assert "Back to WATCH: " in page.text
    assert "cannot be read" not in page.text


async def test_where_the_node_is_down_as_well_the_last_figures_known_are_told_with_their_time(
    play: Play, scene: OnePosition, rpc: SolanaRpc
) -> None:
    cast = await play(STORY)
    fall_to("HIGH", scene, rpc)
    await cast.ann.alert("HIGH", timeout_s=WAIT_S)
    await cast.bot.kill()
    rpc.inject(Reset())
    await asyncio.sleep(3)

    await cast.again()
    page = await cast.bob.sees("HIGH", cast.private)
    assert "HIGH main: last known " in page.text
    assert "Health ratio" in page.text
    assert "main · as of " in page.text


async def blocked(cast: Cast, telegram: TelegramServer) -> None:
    telegram.block(1001)


async def revoked(cast: Cast, telegram: TelegramServer) -> None:
    telegram.inject(Fault(status=401, times=None))


async def partitioned(cast: Cast, telegram: TelegramServer) -> None:
    telegram.inject(Fault(delay_s=60, times=None))


@pytest.mark.parametrize("what", [blocked, revoked, partitioned])
async def test_critical_goes_round_whatever_is_wrong_with_telegram(
    play: Play,
    telegram: TelegramServer,
    scene: OnePosition,
    rpc: SolanaRpc,
    what: Callable[[Cast, TelegramServer], Awaitable[None]],
    figure: Gauge,
) -> None:
    cast = await play(ONLY_ANN)
    await what(cast, telegram)
    fall_to("CRITICAL", scene, rpc)

    with figure.timing(Measure.ELSEWHERE_AFTER):
        alert = await cast.bob.sees("CRITICAL", cast.private)
    assert "Comes this way because" in alert.text
    await cast.bot.kill()  # Telegram may hold its end for a minute
    telegram.heal()


async def test_when_discord_is_shut_as_well_its_webhook_and_then_the_pager_are_tried(
    play: Play, telegram: TelegramServer, discord: DiscordServer, desk: Channel, pager: HttpService,
    scene: OnePosition, rpc: SolanaRpc, figure: Gauge,
) -> None:  # fmt: skip
    cast = await play(ONLY_ANN)
    await telegram.stop()
    discord.inject(DiscordFault(path="/channels", status=503, times=None))
    fall_to("CRITICAL", scene, rpc)
    with figure.timing(Measure.ELSEWHERE_AFTER):
        webhook = await cast.bob.sees("CRITICAL", desk)
    assert "Comes this way because it does not get through on discord" in webhook.text

    discord.inject(DiscordFault(path="/webhooks", status=503, times=None))
    fall_to("LIQUIDATING", scene, rpc)
    with figure.timing(Measure.ELSEWHERE_AFTER):
        await until(lambda: "LIQUIDATING" in paged(pager), within_s=WAIT_S)
    assert pager.paths[0] == f"/{PAGER_KEY}"

    # Everything comes back, and nothing was lost.
    discord.heal()
    await telegram.start()
    await cast.ann.alert("LIQUIDATING", timeout_s=WAIT_S)
    await cast.bob.sees("LIQUIDATING", cast.private)
    figure(Measure.LOST, 2 - ("LIQUIDATING" in cast.ann.heads) - bool(cast.bob.alert("LIQUIDATING", cast.private)))


async def test_a_bot_that_was_removed_from_a_group_is_shown_and_the_others_are_told(
    play: Play, telegram: TelegramServer, discord: DiscordServer, scene: OnePosition, rpc: SolanaRpc
) -> None:
    telegram.add_group(GROUP)
    cast = await play(
        f'[[routes]]\nname = "group"\nsteps = [\n    {{ to = ["telegram:{GROUP}"] }},\n'
        '    { after = "1 h", to = ["person:Bob"] },\n]\n'
    )
    words = "Forbidden: bot was kicked from the supergroup chat"
    telegram.inject(Fault(chat=GROUP, status=403, description=words, times=None))
    fall_to("HIGH", scene, rpc)

    await cast.bob.sees("HIGH", cast.private)
    answer = await cast.ann.ask("/routes", WAIT_S)
    assert f"at once: telegram:{GROUP} (takes no messages)" in answer
    assert "kicked from the supergroup" in answer
    # Of what concerns Keel itself the same route tells the same people.
    await cast.bob.until(
        lambda: any("no alert reaches group -1001 on Telegram" in one.text for one in discord.messages(cast.private)),
        "the news",
    )


async def test_a_file_of_routes_that_cannot_be_used_is_named_at_the_start(start: Start, stage: Stage) -> None:
    (stage.folder / "bad.toml").write_text('[[routes]]\nname = "desk"\nsteps = [{ to = ["discord:1"] }]\n')

    bot = await start(ROUTES_FILE="bad.toml")
    assert await bot.ended(WAIT_S) == 2
    assert "bad.toml: route desk, step 1: discord:1 has no way out; set DISCORD_TOKEN" in bot.output
    bot = await start(ROUTES_FILE="nowhere.toml")
    assert await bot.ended(WAIT_S) == 2
    assert f"nowhere.toml: there is no such file; write one, or leave ROUTES_FILE out{os.linesep}" in bot.output
