"""What the bot asks for when it is invited, and that the page about it says the same."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.messages import DeliveryError
from bot.transports.discord import DiscordTransport
from bot.transports.discord.invitation import PERMISSIONS, invitation
from tests.support.discord.model import APPLICATION
from tests.support.discord_server import DiscordServer

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "discord.md").read_text(encoding="utf-8")


def test_it_asks_for_what_it_uses_and_for_no_power_over_others() -> None:
    url = urlsplit(invitation(APPLICATION))
    asked = parse_qs(url.query)
    assert (url.scheme, url.netloc, url.path) == ("https", "discord.com", "/oauth2/authorize")
    assert asked["client_id"] == [str(APPLICATION)]
    assert asked["scope"] == ["bot applications.commands"]
    assert int(asked["permissions"][0]) == sum(PERMISSIONS.values())
    administrator, manage, mention_everyone = 1 << 3, (1 << 4, 1 << 5, 1 << 13, 1 << 28, 1 << 34), 1 << 17
    assert not sum(PERMISSIONS.values()) & (administrator | sum(manage) | mention_everyone)


def test_the_page_names_each_permission_and_shows_the_same_invitation() -> None:
    assert not [name for name in PERMISSIONS if name not in PAGE]
    assert re.findall(r"permissions=(\d+)", PAGE) == [str(sum(PERMISSIONS.values()))]


async def test_it_is_known_as_soon_as_the_bot_knows_itself(
    discord: DiscordTransport, discord_idle: DiscordTransport
) -> None:
    assert await discord.invitation() == invitation(APPLICATION)


async def test_before_that_it_is_not(discord_server: DiscordServer, discord_idle: DiscordTransport) -> None:
    await discord_server.stop()
    async with discord_idle:
        with pytest.raises(DeliveryError):
            await discord_idle.invitation()
