"""Who may be asked with the token in the URL."""

import pytest

from bot.transports.telegram import OFFICIAL_URL, checked_base_url


@pytest.mark.parametrize(
    "url",
    [
        "https://api.telegram.org",
        "https://api.telegram.org/",
        "https://api.telegram.org:443/bot",
        " https://API.telegram.org ",
    ],
)
def test_telegram_itself_is_always_allowed(url: str) -> None:
    assert checked_base_url(url, allow_loopback=False) == OFFICIAL_URL


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("http://127.9.8.7:1/bot/", "http://127.9.8.7:1"),
        ("http://[::1]:8081", "http://[::1]:8081"),
        ("http://localhost:80", "http://localhost:80"),
        ("https://localhost", "https://localhost"),
    ],
)
def test_this_machine_is_allowed_only_with_the_switch(url: str, normal: str) -> None:
    assert checked_base_url(url, allow_loopback=True) == normal
    with pytest.raises(ValueError, match="ALLOW_LOOPBACK_PLATFORMS"):
        checked_base_url(url, allow_loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.telegram.org",
        "http://api.telegram.org",  # the token would travel in clear
        "https://api.telegram.org:8443",
        "https://api.telegram.org.evil.example",
        "https://api.telegram.org@evil.example",
        "https://evil.example#api.telegram.org",
        "https://evil.example/?api.telegram.org",
        "https://api.telegram.org/../evil",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1\\@evil.example",
        "http://127.0.0.1:8081/other",
        "http://2130706433",
        "http://127.1",
        "http://0x7f000001",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://169.254.169.254",
        "http://localhost.evil.example",
        "http://[::1",
        "http://127.0.0.1:99999",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "//127.0.0.1",
        "javascript:alert(1)",
    ],
)
def test_anybody_else_is_refused_even_with_the_switch(url: str) -> None:
    with pytest.raises(ValueError, match="TELEGRAM_BASE_URL"):
        checked_base_url(url, allow_loopback=True)
