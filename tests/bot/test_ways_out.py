"""What the file of routes and the settings bring beside the bots: built, named, kept secret, refused in words."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.alerts.routes_check import missing_senders
from bot.alerts.routes_file import BadRoutes, parse_routes
from bot.config import BadSettings, Settings, environment, load_settings
from bot.messages import Transport
from bot.run import routes_of
from bot.secret_settings import secrets_of
from bot.ways_out import ways_out
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport

FILE = """
[[routes]]
name = "desk"
steps = [{ to = ["telegram-desk2:1", "discord-webhook", "service:pager", "person:Ann"] }]

[services.pager]
url = "json://user:key-of-the-pager-123@127.0.0.1/hook"

[senders.telegram-desk2]
platform = "telegram"
token_env = "TOKEN_2"
"""
WEBHOOK = "https://discord.com/api/webhooks/1400000000000000001/token-of-the-webhook-123"
TOKEN_2 = "123456789:second-token-of-ours-0123456789abcdef"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Settings.model_fields, "TOKEN_2", "PAGER_URL"):
        monkeypatch.delenv(name.upper(), raising=False)


def made(text: str = FILE, **known: object) -> list[Transport]:
    tokens: list[str] = []

    def bot(token: str) -> Transport:
        tokens.append(token)
        return RecordingTransport(now=lambda: datetime.now(UTC), name="telegram")

    settings = load_settings(None, **{"discord_webhook_url": WEBHOOK, **known})  # type: ignore[arg-type]
    routes = parse_routes(text, environment={"TOKEN_2": TOKEN_2})
    found = ways_out(routes, settings, FakeClock(), telegram=bot, discord=bot)
    assert tokens == [TOKEN_2]
    return found


def test_every_way_out_has_the_name_that_routes_use() -> None:
    found = made()

    assert [one.name for one in found] == ["telegram-desk2", "discord-webhook", "service:pager"]
    routes = parse_routes(FILE, environment={"TOKEN_2": TOKEN_2})
    assert missing_senders(routes, {one.name for one in found}) == ()


def test_no_way_out_shows_its_secret() -> None:
    shown = repr(made())

    assert TOKEN_2 not in shown
    assert "token-of-the-webhook" not in shown
    assert "key-of-the-pager" not in shown


def test_a_way_that_is_not_there_is_named_with_what_to_set() -> None:
    text = '[[routes]]\nname = "a"\nsteps = [{ to = ["telegram:1", "discord-webhook"] }]\n'
    text += '[fallback]\norder = ["discord"]\n'

    assert missing_senders(parse_routes(text), {"console"}) == (
        "route a, step 1: telegram:1 has no way out; set TELEGRAM_TOKEN, or take it out of the file",
        "route a, step 1: discord-webhook has no way out; set DISCORD_WEBHOOK_URL, or take it out of the file",
        "[fallback]: discord has no way out; set DISCORD_TOKEN, or take it out of the file",
    )


def test_a_url_that_is_no_service_keeps_keel_from_starting_and_is_not_repeated() -> None:
    with pytest.raises(BadSettings, match=r"routes\.toml: the URL of service pager is none") as refused:
        made(FILE.replace("json://", "nosuchthing://"))
    assert "key-of-the-pager" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://example.com/api/webhooks/1/secret-a", "secret-a", WEBHOOK + "/secret-a"])
def test_a_webhook_that_is_not_discords_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(BadSettings, match="DISCORD_WEBHOOK_URL: the webhook's URL must") as refused:
        load_settings(None, discord_webhook_url=url)
    assert "secret-a" not in str(refused.value)


def test_everything_secret_in_routes_is_hidden_from_the_log_in_whole_and_in_part() -> None:
    settings = load_settings(None, discord_webhook_url=WEBHOOK)
    secrets = secrets_of(settings, parse_routes(FILE, environment={"TOKEN_2": TOKEN_2}))

    for secret in ("key-of-the-pager-123", "token-of-the-webhook-123", TOKEN_2, WEBHOOK):
        assert secret in secrets
    assert "second-token-of-ours-0123456789abcdef" in secrets


def test_the_file_is_needed_only_where_the_settings_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert routes_of(load_settings(None)).routes == ()
    monkeypatch.setenv("ROUTES_FILE", "mine.toml")
    with pytest.raises(BadRoutes, match=r"mine\.toml: there is no such file"):
        routes_of(load_settings(None))
    (tmp_path / "mine.toml").write_text(FILE)
    with pytest.raises(BadRoutes, match="the variable TOKEN_2 is not set; set it in the environment"):
        routes_of(load_settings(None))
    (tmp_path / ".env").write_text(f"TOKEN_2={TOKEN_2}\n")
    assert routes_of(load_settings(None)).senders["telegram-desk2"].token.get_secret_value() == TOKEN_2


def test_a_variable_of_the_process_wins_over_the_one_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("PAGER_URL=from-the-file\nMixed_Case=kept\n")
    assert environment(file)["PAGER_URL"] == "from-the-file"
    assert environment(file)["Mixed_Case"] == "kept"
    monkeypatch.setenv("PAGER_URL", "from-the-process")
    assert environment(file)["PAGER_URL"] == "from-the-process"
    assert "Mixed_Case" not in environment(None)
