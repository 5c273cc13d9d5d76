"""Who may learn the token, and who may get the alerts."""

import pytest

from bot.transports.discord import DiscordUrls, checked_urls, checked_webhook
from bot.transports.discord.urls import OFFICIAL_API_URL, OFFICIAL_GATEWAY_URL

HOOK = "/webhooks/1400000000000000001/abc-DEF_123"


@pytest.mark.parametrize(
    ("api", "gateway"),
    [
        (OFFICIAL_API_URL, OFFICIAL_GATEWAY_URL),
        (" https://Discord.com/api/v10/ ", "wss://gateway.discord.gg/"),
        ("https://discord.com:443", "wss://gateway.discord.gg:443"),
        ("https://discordapp.com/api", OFFICIAL_GATEWAY_URL),
    ],
)
def test_discord_itself_is_always_allowed(api: str, gateway: str) -> None:
    urls = checked_urls(api, gateway, allow_loopback=False)
    assert urls == DiscordUrls()
    assert urls.official


@pytest.mark.parametrize(
    ("api", "gateway", "normal"),
    [
        ("http://127.0.0.1:81/api/v10/", "ws://127.0.0.1:81/", ("http://127.0.0.1:81/api/v10", "ws://127.0.0.1:81")),
        ("http://localhost", "wss://localhost:2/gateway", ("http://localhost", "wss://localhost:2/gateway")),
        ("https://[::1]:8", "ws://[::1]:9", ("https://[::1]:8", "ws://[::1]:9")),
    ],
)
def test_this_machine_is_allowed_only_with_the_switch(api: str, gateway: str, normal: tuple[str, str]) -> None:
    urls = checked_urls(api, gateway, allow_loopback=True)
    assert (urls.api, urls.gateway) == normal
    assert not urls.official
    with pytest.raises(ValueError, match="ALLOW_LOOPBACK_PLATFORMS"):
        checked_urls(api, gateway, allow_loopback=False)


@pytest.mark.parametrize(
    "api",
    [
        "",
        "discord.com",
        "http://discord.com/api/v10",
        "https://discord.com:8443/api/v10",
        "https://discord.com/api/v10/../../evil",
        "https://discord.com.evil.example",
        "https://discord.com@evil.example",
        "https://evil.example/api/v10#discord.com",
        "https://evil.example/?discord.com",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1\\@evil.example",
        "http://127.1",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://[::1",
        "http://127.0.0.1:99999",
        "ftp://127.0.0.1",
        "ws://127.0.0.1",
    ],
)
def test_no_other_server_gets_the_token(api: str) -> None:
    with pytest.raises(ValueError, match="DISCORD_API_URL"):
        checked_urls(api, "ws://127.0.0.1", allow_loopback=True)


@pytest.mark.parametrize(
    "gateway",
    ["", "ws://gateway.discord.gg", "wss://gateway.discord.gg.evil.example", "wss://discord.gg", "http://127.0.0.1"],
)
def test_no_other_gateway_gets_the_token(gateway: str) -> None:
    with pytest.raises(ValueError, match="DISCORD_GATEWAY_URL"):
        checked_urls("http://127.0.0.1", gateway, allow_loopback=True)


@pytest.mark.parametrize(
    ("api", "gateway"), [("http://127.0.0.1", OFFICIAL_GATEWAY_URL), (OFFICIAL_API_URL, "ws://127.0.0.1")]
)
def test_half_a_test_server_is_a_mistake(api: str, gateway: str) -> None:
    with pytest.raises(ValueError, match="set both, or neither"):
        checked_urls(api, gateway, allow_loopback=True)


@pytest.mark.parametrize(
    ("urls", "told", "used"),
    [
        (DiscordUrls(), "wss://gateway-us-east1-b.discord.gg", "wss://gateway-us-east1-b.discord.gg"),
        (DiscordUrls(), "wss://discord.gg.evil.example", OFFICIAL_GATEWAY_URL),
        (DiscordUrls(), "ws://gateway-us-east1-b.discord.gg", OFFICIAL_GATEWAY_URL),
        (DiscordUrls(), "wss://[", OFFICIAL_GATEWAY_URL),
        (DiscordUrls(api="http://127.0.0.1", gateway="ws://127.0.0.1:1"), "ws://127.0.0.1:2", "ws://127.0.0.1:2"),
        (DiscordUrls(api="http://127.0.0.1", gateway="ws://127.0.0.1:1"), OFFICIAL_GATEWAY_URL, "ws://127.0.0.1:1"),
    ],
)
def test_a_session_is_resumed_at_no_stranger(urls: DiscordUrls, told: str, used: str) -> None:
    assert urls.resume_at(told) == used


@pytest.mark.parametrize(
    ("url", "api"),
    [
        (f"https://discord.com/api{HOOK}", OFFICIAL_API_URL),
        (f"https://discord.com/api/v10{HOOK}/", OFFICIAL_API_URL),
        (f"https://discordapp.com/api{HOOK}", OFFICIAL_API_URL),
        (f"http://127.0.0.1:8/api/v10{HOOK}", "http://127.0.0.1:8/api/v10"),
        (f"http://127.0.0.1:8{HOOK}", "http://127.0.0.1:8"),
    ],
)
def test_a_webhook_is_taken_apart_and_never_shown(url: str, api: str) -> None:
    webhook = checked_webhook(url, allow_loopback=True)
    assert (webhook.api, webhook.webhook_id, webhook.token) == (api, "1400000000000000001", "abc-DEF_123")
    assert "abc" not in repr(webhook)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://discord.com/api/webhooks/1",
        f"https://evil.example/api{HOOK}",
        f"https://discord.com.evil.example/api{HOOK}",
        f"http://discord.com/api{HOOK}",
        f"https://discord.com/api{HOOK}/slack",
        f"https://discord.com/api{HOOK}?wait=true",
        f"http://10.0.0.1{HOOK}",
    ],
)
def test_alerts_go_to_no_other_webhook_and_the_refusal_does_not_repeat_it(url: str) -> None:
    with pytest.raises(ValueError, match="webhook") as caught:
        checked_webhook(url, allow_loopback=True)
    assert "abc-DEF" not in str(caught.value)


def test_a_webhook_on_this_machine_needs_the_switch() -> None:
    with pytest.raises(ValueError, match=r"https://discord\.com"):
        checked_webhook(f"http://127.0.0.1:8/api{HOOK}", allow_loopback=False)
