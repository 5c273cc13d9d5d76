"""Settings: what is accepted, what is refused and in which words, and that .env.example tells of all of it."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.config import AccountSpec, BadSettings, LogLevel, Settings, VenueName, load_settings, parse_accounts
from bot.run import venue_settings
from bot.secret_settings import secrets_of
from storage import Role

ROOT = Path(__file__).resolve().parents[2]
DRIFT = {"VENUE": "drift", "RPC_URLS": "https://rpc.example/key", "ACCOUNTS": "9xQe=main"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have settings of their own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name, raising=False)


def loaded(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings(None)


def test_without_settings_it_is_the_paper_venue_and_nothing_is_switched_on() -> None:
    settings = load_settings(None)

    assert settings.venue is VenueName.PAPER
    assert not settings.trading_enabled
    assert not settings.allow_loopback_platforms
    assert settings.check_interval.total_seconds() == 5
    assert settings.slot_stall_s == 10
    assert settings.database_path == Path("keel.sqlite3")
    assert not settings.telegram_token.get_secret_value()


BAD = {
    "a venue there is none of": ({"VENUE": "bybit-secret"}, "VENUE"),
    "an interval that is no number": ({"CHECK_INTERVAL_S": "secret"}, "CHECK_INTERVAL_S"),
    "an interval of nothing": ({"CHECK_INTERVAL_S": "0"}, "CHECK_INTERVAL_S"),
    "an interval of an hour": ({"CHECK_INTERVAL_S": "3600"}, "CHECK_INTERVAL_S"),
    "an interval of NaN": ({"CHECK_INTERVAL_S": "nan"}, "CHECK_INTERVAL_S"),
    "an interval without end": ({"CHECK_INTERVAL_S": "inf"}, "CHECK_INTERVAL_S"),
    "a stall of nothing": ({"SLOT_STALL_S": "0"}, "SLOT_STALL_S"),
    "a stall of NaN": ({"SLOT_STALL_S": "nan"}, "SLOT_STALL_S"),
    "a dwell before its beginning": ({"EASE_DWELL_S": "-1"}, "EASE_DWELL_S"),
    "trading, maybe": ({"TRADING_ENABLED": "maybe-secret"}, "TRADING_ENABLED"),
    "loopback, maybe": ({"ALLOW_LOOPBACK_PLATFORMS": "maybe"}, "ALLOW_LOOPBACK_PLATFORMS"),
    "a level there is none of": ({"LOG_LEVEL": "loud-secret"}, "LOG_LEVEL"),
    "an account without an address": ({"ACCOUNTS": "9xQe=secret,=secret2"}, "ACCOUNTS"),
    "a nickname given twice": ({"ACCOUNTS": "9xQe=secret,7yTr=Secret"}, "ACCOUNTS"),
    "drift without an RPC": ({"VENUE": "drift", "ACCOUNTS": "9xQe"}, "RPC_URLS"),
    "drift without an account": ({"VENUE": "drift", "RPC_URLS": "https://rpc.example/secret"}, "ACCOUNTS"),
    "drift with commas only": ({"VENUE": "drift", "RPC_URLS": " , ,", "ACCOUNTS": "9xQe"}, "RPC_URLS"),
    "another Telegram": ({"TELEGRAM_BASE_URL": "https://secret.example"}, "TELEGRAM_BASE_URL"),
    "Telegram on this machine": ({"TELEGRAM_BASE_URL": "http://127.0.0.1:8081"}, "TELEGRAM_BASE_URL"),
    "another Discord": ({"DISCORD_API_URL": "https://secret.example/api/v10"}, "DISCORD_API_URL"),
    "Discord in the clear": ({"DISCORD_API_URL": "http://discord.com/api/v10"}, "DISCORD_API_URL"),
    "Discord with a guest": ({"DISCORD_API_URL": "https://secret@discord.com/"}, "DISCORD_API_URL"),
    "almost Discord": ({"DISCORD_API_URL": "https://discord.com.secret.example"}, "DISCORD_API_URL"),
    "another gateway": ({"DISCORD_GATEWAY_URL": "wss://secret.example"}, "DISCORD_GATEWAY_URL"),
    "a gateway on this machine": ({"DISCORD_GATEWAY_URL": "ws://127.0.0.1:1"}, "DISCORD_GATEWAY_URL"),
    "no URL": ({"DISCORD_GATEWAY_URL": "wss://[secret"}, "DISCORD_GATEWAY_URL"),
    "a server by its name": ({"DISCORD_GUILD_IDS": "12,secret"}, "DISCORD_GUILD_IDS"),
    "a role by its name": ({"DISCORD_REQUIRE_ROLE": "@secret"}, "DISCORD_REQUIRE_ROLE"),
    "a command with a blank": ({"DISCORD_PUBLIC_COMMANDS": "health, the secret"}, "DISCORD_PUBLIC_COMMANDS"),
    "threads, maybe": ({"DISCORD_THREADS": "secret"}, "DISCORD_THREADS"),
    "everybody rung": ({"DISCORD_PING_ROLE": "12=@everyone-secret"}, "DISCORD_PING_ROLE"),
    "a server as its own role": ({"DISCORD_PING_ROLE": "12=12"}, "DISCORD_PING_ROLE"),
    "admins made by Discord": ({"DISCORD_ROLE_MAP": "12=admin"}, "DISCORD_ROLE_MAP"),
    "a role there is none of": ({"DISCORD_ROLE_MAP": "12=secret"}, "DISCORD_ROLE_MAP"),
}


@pytest.mark.parametrize(("variables", "name"), BAD.values(), ids=BAD)
def test_a_bad_value_is_refused_by_name_and_never_shown(
    variables: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadSettings) as refused:
        loaded(monkeypatch, **variables)

    assert name in str(refused.value)
    assert "secret" not in str(refused.value).lower()
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSettings, match=r"VENUE: .*; CHECK_INTERVAL_S: .*; LOG_LEVEL: "):
        loaded(monkeypatch, VENUE="x", CHECK_INTERVAL_S="y", LOG_LEVEL="z")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TELEGRAM_BASE_URL", "http://127.0.0.1:8081"),
        ("TELEGRAM_BASE_URL", "http://localhost:8081"),
        ("DISCORD_API_URL", "http://127.0.0.1:8082/api/v10"),
        ("DISCORD_GATEWAY_URL", "ws://[::1]:8083"),
    ],
)
def test_the_loopback_switch_lets_a_test_name_this_machine_and_no_other(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loaded(monkeypatch, ALLOW_LOOPBACK_PLATFORMS="true", **{variable: value}).allow_loopback_platforms

    monkeypatch.delenv(variable)
    elsewhere = re.sub(r"127\.0\.0\.1|localhost", "evil.example", value).replace("[::1]", "[2001:db8::1]")
    with pytest.raises(BadSettings, match=variable):
        loaded(monkeypatch, **{variable: elsewhere})


@pytest.mark.parametrize("venue", ["paper", "PAPER", " Paper "])
@pytest.mark.parametrize("level", ["debug", "Debug", " DEBUG "])
def test_case_does_not_matter(venue: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, VENUE=venue, LOG_LEVEL=level)

    assert (settings.venue, settings.log_level) == (VenueName.PAPER, LogLevel.DEBUG)


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = {name.upper(): "" for name in Settings.model_fields}

    assert loaded(monkeypatch, **empty) == load_settings(None)


@pytest.mark.parametrize(
    ("text", "specs"),
    [
        ("", []),
        (" , ,", []),
        ("9xQe", [("9xQe", "")]),
        ("9xQe=main", [("9xQe", "main")]),
        (" 9xQe = main , 7yTr:3 ", [("9xQe", "main"), ("7yTr:3", "")]),
        ("9xQe=a=b", [("9xQe", "a=b")]),
        ("9xQe=", [("9xQe", "")]),
        ("9xQe,9xQe", [("9xQe", ""), ("9xQe", "")]),
    ],
)
def test_accounts_are_references_with_nicknames(text: str, specs: list[tuple[str, str]]) -> None:
    assert parse_accounts(text) == tuple(AccountSpec(reference=ref, nickname=nick) for ref, nick in specs)


def test_rpc_urls_are_several(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, **{**DRIFT, "RPC_URLS": " https://a.example/k , https://b.example "})

    assert settings.rpc_urls == (SecretStr("https://a.example/k"), SecretStr("https://b.example"))


@pytest.mark.parametrize(
    ("variables", "websocket"),
    [
        ({"RPC_URLS": "https://rpc.example/key"}, "wss://rpc.example/key"),
        ({"RPC_URLS": "https://rpc.example:8443/key?a=b,https://b"}, "wss://rpc.example:8443/key?a=b"),
        ({"RPC_URLS": "http://127.0.0.1:8899"}, "ws://127.0.0.1:8899"),
        ({"RPC_URLS": "https://a", "WS_URL": "wss://b:1"}, "wss://b:1"),
        ({}, ""),
    ],
)
def test_the_websocket_is_the_first_rpc_with_its_port_unless_it_is_named(
    variables: dict[str, str], websocket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loaded(monkeypatch, **variables).websocket_url.get_secret_value() == websocket


def test_the_environment_wins_over_the_file_and_what_is_known_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("CHECK_INTERVAL_S=7\nSLOT_STALL_S=20\n# LOG_LEVEL=DEBUG\nSOMETHING_ELSE=x\n")
    monkeypatch.setenv("SLOT_STALL_S", "30")
    settings = load_settings(file, ease_dwell_s=1.0)

    assert (settings.check_interval_s, settings.slot_stall_s, settings.ease_dwell_s) == (7, 30, 1)
    assert settings.log_level is LogLevel.INFO


def test_a_file_that_is_not_text_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xff\xfe\x00secret")

    with pytest.raises(BadSettings, match=r"\.env cannot be read as UTF-8 text"):
        load_settings(file)


def test_secrets_do_not_show_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(
        monkeypatch, **DRIFT, TELEGRAM_TOKEN="123456789:canary-canary-canary-canary-canary", DISCORD_TOKEN="canary2",
        WS_URL="wss://rpc.example/canary3",
    )  # fmt: skip

    assert "canary" not in repr(settings)
    assert "canary" not in str(settings)
    assert "rpc.example/key" not in repr(settings)


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(None).trading_enabled = True  # type: ignore[misc]  # what is tried


def test_what_must_not_be_shown_includes_the_key_inside_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(
        monkeypatch, VENUE="drift", ACCOUNTS="9xQe", TELEGRAM_TOKEN="123456789:AAhalfOfTheTokenThatIsSecret_0123",
        RPC_URLS="https://mainnet.rpc.example/v2/0123456789abcdef,https://b.example/?api-key=fedcba9876543210",
    )  # fmt: skip

    assert {"0123456789abcdef", "fedcba9876543210", "AAhalfOfTheTokenThatIsSecret_0123"} <= set(secrets_of(settings))
    assert "mainnet.rpc.example" not in secrets_of(settings)


def test_what_discord_may_do_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(
        monkeypatch, DISCORD_GUILD_IDS=" 12, 34,12 ", DISCORD_PUBLIC_COMMANDS="/Health, liq", DISCORD_THREADS="off",
        DISCORD_PING_ROLE="12=99", DISCORD_ROLE_MAP="7=responder", DISCORD_REQUIRE_ROLE="8,9",
    )  # fmt: skip

    assert settings.discord_guild_ids == (12, 34)
    assert settings.discord_public_commands == ("health", "liq")
    assert not settings.discord_threads
    assert settings.discord_pings.at(12) == ("99",)
    assert settings.discord_roles.granted == {"7": Role.RESPONDER}
    assert settings.discord_roles.required == {"8", "9"}


# .env.example

EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
VARIABLE = re.compile(r"^#([A-Z_]+)=(.*)$", re.MULTILINE)


def test_the_example_lists_every_setting_once_and_nothing_else() -> None:
    listed = [name for name, _ in VARIABLE.findall(EXAMPLE)]

    assert sorted(listed) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(VARIABLE.sub(r"\1=\2", EXAMPLE))
    shown = {name: value for name, value in VARIABLE.findall(EXAMPLE) if value}

    assert load_settings(file) == load_settings(None)
    for name, field in Settings.model_fields.items():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        word = str(default).lower() if isinstance(default, bool) else str(default)
        assert shown.get(name.upper(), "") == ("" if default in ("", (), None) else word), name


def test_the_example_says_of_every_setting_what_it_leads_to() -> None:
    described = re.findall(r"((?:^# .*\n)+)^#([A-Z_]+)=", EXAMPLE, re.MULTILINE)

    assert len(described) == len(Settings.model_fields)
    for above, name in described:
        assert "Consequence: " in above, name
        assert above.startswith("# Seconds ") is name.endswith("_S"), name


def test_the_example_as_it_is_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(EXAMPLE)

    assert load_settings(file) == load_settings(None)


@pytest.mark.parametrize(("stall_s", "at_most_s"), [("1", 0.25), ("600", 1.0)])
def test_a_stream_is_heard_well_before_its_slot_counts_as_standing_still(
    monkeypatch: pytest.MonkeyPatch, stall_s: str, at_most_s: float
) -> None:
    pytest.importorskip("solders", reason="the extra solana is not installed")
    settings = loaded(monkeypatch, **DRIFT, SLOT_STALL_S=stall_s)
    assert venue_settings(settings).slot_pace_s == at_most_s


@pytest.mark.parametrize(
    ("named", "folder"),
    [("", Path("m/keel-backups")), (" ", Path("m/keel-backups")), ("/b", Path("/b")), ("off", None), (" OFF ", None)],
)
def test_backups_are_made_beside_the_database_unless_something_else_is_said(
    named: str, folder: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_DIR", named)
    monkeypatch.setenv("DATABASE_PATH", "m/keel.sqlite3")
    plan = Settings().backup_plan

    assert (plan.folder if plan is not None else None) == folder
