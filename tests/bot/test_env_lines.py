"""Lines of an env file that would have no effect, and those that are nobody's business but their writer's."""

from pathlib import Path

import pytest

from bot.config import BadSettings, Settings, load_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


MISSPELLED = {
    "SIGNER_SOKET": "SIGNER_SOCKET is one",
    "SIGNER_SOCKET_FILE": "SIGNER_SOCKET is one",
    "HEARTBEAT_URL": "HEARTBEAT_URLS is one",
    "RPC_URL": "RPC_URLS is one",
    "ALLOW_OWNERKEY": "ALLOW_OWNER_KEY is one",
    "TELEGRAM_TOKENS_FILE": "TELEGRAM_TOKEN_FILE is one",
    "DATABASEPATH": "DATABASE_PATH is one",
    "SIGNER_UID_OF_THE_BOT": "there is SIGNER_SOCKET:",
    "BACKUP_ENCRYPTION": "BACKUP_DIR, BACKUP_EVERY_H, BACKUP_KEEP:",
}


@pytest.mark.parametrize(("name", "says"), MISSPELLED.items(), ids=MISSPELLED)
def test_a_name_that_resembles_a_setting_is_refused_with_the_right_one(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{name}=x\n", encoding="utf-8")
    with pytest.raises(BadSettings, match=f"{name} is no setting.*{says}"):
        load_settings(tmp_path / ".env")


@pytest.mark.parametrize("name", [one for one in MISSPELLED if one.startswith(("SIGNER_SO", "HEARTBEAT_", "ALLOW_"))])
def test_so_is_one_of_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(BadSettings, match=f"{name} is no setting"):
        load_settings(None)


@pytest.mark.parametrize(
    "text",
    [
        "COMPOSE_PROJECT_NAME=keel\nTZ=UTC",
        "RPC_SECRET=abc\nDATA_URL=https://data.example/${RPC_SECRET}",
        "KEY_FILE=/somewhere/key",
        "LOG_LEVEL=DEBUG\nBACKUP_KEEP=3",
    ],
)
def test_names_of_others_and_helpers_of_other_lines_are_let_be(text: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{text}\n", encoding="utf-8")
    load_settings(tmp_path / ".env", asks_venue=False)


def test_a_name_of_others_in_the_environment_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_URL", "https://somebody.example")
    monkeypatch.setenv("SIGNER_OF_SOMETHING_ELSE_ENTIRELY", "x")
    load_settings(None, asks_venue=False)
