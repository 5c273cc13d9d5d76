"""keel signer: which interpreter it hands over to, and what that is given."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import cli_signer
from bot.cli import main
from bot.cli_signer import handed_on, interpreter, plays


def test_the_environment_of_the_signer_is_taken_only_when_it_was_built_whole(tmp_path: Path) -> None:
    python = tmp_path / ".venv-signer" / "bin" / "python"
    assert interpreter(tmp_path / ".venv") is None
    python.parent.mkdir(parents=True)
    python.touch()
    assert interpreter(tmp_path / ".venv") is None  # made, and nothing installed yet
    (tmp_path / ".venv-signer" / ".signer").touch()
    assert interpreter(tmp_path / ".venv") == python


def test_none_of_the_bot_s_settings_reach_the_signer() -> None:
    given = handed_on({"PATH": "/bin", "TELEGRAM_TOKEN": "t", "RPC_URLS": "u", "PYTHONPATH": ".", "LD_PRELOAD": "x"})

    assert given == {"PATH": "/bin"}


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    found: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _, program, __: found.append(program))
    return found


def test_all_arguments_are_the_signer_s_own(
    executed: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cli_signer, "interpreter", lambda _: tmp_path / "python")
    done = CliRunner().invoke(main, ["signer", "run", "--config", "/etc/x", "-h"])

    assert done.exit_code == 0, done.stderr
    assert executed == [[str(tmp_path / "python"), "-I", "-m", "bot.signer", "run", "--config", "/etc/x", "-h"]]
    assert done.stderr == ""


def test_without_an_environment_of_its_own_it_runs_in_the_bot_s_and_says_so(
    executed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_signer, "interpreter", lambda _: None)
    done = CliRunner().invoke(main, ["signer", "-h"])

    assert executed == [[sys.executable, "-I", "-m", "bot.signer", "-h"]]
    assert "make signer" in done.stderr


MONEY = {
    "a file for Drift": ["run", "--config", "drift.toml"],
    "written together": ["check", "--config=drift.toml"],
    "abbreviated": ["unlock", "--conf", "drift.toml"],
    "a new file for Drift": ["init", "x", "--venue", "drift"],
    "a file that is none": ["run", "--config", "torn.toml"],
}
PLAY = {
    "a file for paper": ["run", "--config", "paper.toml"],
    "a new file": ["init", "x", "--account", "demo-0"],
    "a file that is not there": ["run", "--config", "none.toml"],
    "help": ["-h"],
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("drift", 'venue = "drift"'), ("paper", 'venue = "paper"'), ("torn", "venue = ")):
        (tmp_path / f"{name}.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("arguments", MONEY.values(), ids=MONEY)
@pytest.mark.parametrize("foreign", [True, False])
def test_for_an_account_with_money_nothing_of_the_bot_s_runs_with_the_signer_s_rights(
    executed: list[list[str]], monkeypatch: pytest.MonkeyPatch, files: Path, arguments: list[str], foreign: bool
) -> None:
    if foreign:  # the signer's environment is there, and the bot's belongs to somebody else
        monkeypatch.setattr(cli_signer, "interpreter", lambda _: files / "python")
        monkeypatch.setattr(os, "geteuid", lambda: 4_711)
    else:
        monkeypatch.setattr(cli_signer, "interpreter", lambda _: None)
    done = CliRunner().invoke(main, ["signer", *arguments])

    assert executed == []
    assert done.exit_code == 1
    assert "make signer SIGNER_VENV=/opt/keel-signer as root, then /opt/keel-signer/bin/keel-signer" in done.stderr


@pytest.mark.parametrize("arguments", PLAY.values(), ids=PLAY)
def test_on_paper_it_runs_wherever_and_as_whomever(
    executed: list[list[str]], monkeypatch: pytest.MonkeyPatch, files: Path, arguments: list[str]
) -> None:
    assert plays(arguments)
    monkeypatch.setattr(cli_signer, "interpreter", lambda _: files / "python")
    monkeypatch.setattr(os, "geteuid", lambda: 4_711)
    assert CliRunner().invoke(main, ["signer", *arguments]).exit_code == 0
    assert len(executed) == 1


def test_without_solders_anywhere_it_says_what_to_run(
    executed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_signer, "interpreter", lambda _: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    done = CliRunner().invoke(main, ["signer", "run"])

    assert done.exit_code == 1
    assert "run make signer" in done.stderr
    assert executed == []


def test_the_command_line_hands_over_and_is_gone() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "signer", "-h"], capture_output=True, text=True, check=True, timeout=60
    )

    assert "The process that holds the key" in done.stdout
    assert all(name in done.stdout for name in ("init", "begin", "check", "run", "log", "verify", "unlock"))
