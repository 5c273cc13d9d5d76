"""What the process switches off, and its commands as they are typed."""

import io
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.signer import __main__ as program
from bot.signer import config as configuration
from bot.signer import key as keys
from bot.signer import listening
from bot.signer.__main__ import main
from bot.signer.config import Config
from bot.signer.errors import Unfit
from bot.signer.intent import AskIdentity, Identity
from bot.signer.journal import Journal
from bot.signer.listening import listener
from tests.bot.signer.asking import make_config
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support import addresses
from tests.support.signer_process import signer_process

HARD = """
import ctypes, resource
from bot.signer.hardening import harden
harden()
libc = ctypes.CDLL(None)
print(resource.getrlimit(resource.RLIMIT_CORE), libc.prctl(3, 0, 0, 0, 0), libc.prctl(39, 0, 0, 0, 0))
"""


def test_it_leaves_no_core_dump_and_lets_nobody_look_into_it() -> None:
    done = subprocess.run([sys.executable, "-c", HARD], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.split() == ["(0,", "0)", "0", "1"]
    assert resource.getrlimit(resource.RLIMIT_CORE)[1] != 0  # its own, not ours


@pytest.fixture(autouse=True)
def hardened(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One for each time this process would have been hardened, which would last for all tests."""
    times: list[None] = []
    monkeypatch.setattr(program, "harden", lambda: times.append(None))
    return times


def test_a_key_is_made_only_where_nobody_can_look_into_the_process(tmp_path: Path, hardened: list[None]) -> None:
    assert main(["init", str(tmp_path / "a"), "--account", "demo-0"]) == 0
    assert hardened == []
    assert main(["init", str(tmp_path / "b"), "--account", "demo-0", "--new-key"]) == 0
    assert hardened == [None]


def test_a_first_signer_is_set_up_and_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "s"
    assert main(["init", str(folder), "--account", "demo-0", "--new-key"]) == 0
    assert "signer check" in capsys.readouterr().out
    assert {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {
        "signer.toml": 0o600, "signer.key": 0o400, "state": 0o700,
    }  # fmt: skip
    assert main(["init", str(folder), "--account", "demo-0"]) == 2
    assert "there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("venue", "account", "says", "most", "prices"),
    [
        (
            "paper",
            "demo-0",
            "Account demo-0, on paper: no signature moves money.",
            "$25,000.00",
            ("$300.00", "$100.00"),
        ),
        (
            "drift",
            addresses.address("ann"),
            f"sub-account 0 of {addresses.address('ann')}",
            "$250.00",
            ("$500.00", "$50.00"),
        ),
    ],
)
def test_check_says_what_would_be_signed(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    venue: str,
    account: str,
    says: str,
    most: str,
    prices: tuple[str, str],
) -> None:
    folder = tmp_path / "s"
    main(["init", str(folder), "--venue", venue, "--account", account, "--new-key"])
    done = subprocess.run(
        [sys.executable, "-m", "bot.signer", "check", "--config", str(folder / "signer.toml")], capture_output=True,
        text=True, check=True, timeout=60,
    )  # fmt: skip

    assert says in done.stdout
    assert "Only orders that reduce a position" in done.stdout
    assert f"An order is worth at most {most}" in done.stdout
    assert f"no buying above {prices[0]}, no selling below {prices[1]}" in done.stdout
    assert "Never signed: withdrawals" in done.stdout
    capsys.readouterr()


def test_check_works_where_only_the_service_manager_has_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "harden", lambda: None)  # not this process
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    folder = tmp_path / "s"
    main(["init", str(folder), "--account", "demo-0"])
    config = folder / "signer.toml"
    text = config.read_text().replace("# credential =", "credential =")
    config.write_text("".join(f"{line}\n" for line in text.splitlines() if not line.startswith("key_file")))

    assert main(["check", "--config", str(config)]) == 0
    assert "with the credential keel-signer-key, at its start" in capsys.readouterr().out


def test_a_wallet_that_is_none_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "s"
    assert main(["init", str(folder), "--venue", "drift", "--account", "nobody"]) == 2
    assert "wallet in base58" in capsys.readouterr().err
    assert not (folder / "signer.toml").exists()


def test_log_and_verify_read_the_journal_of_a_running_signer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with signer_process(tmp_path, accounts=["demo-0"]) as signer:
        assert main(["log", "5", "--config", str(signer.config)]) == 0
        assert "started for paper" in capsys.readouterr().out
        assert main(["verify", "--config", str(signer.config)]) == 0
        head = signer.ask(AskIdentity())
        assert isinstance(head, Identity)
        assert (
            f"2 rows, each sealed with the one before. The last seal is {head.journal_head}." in capsys.readouterr().out
        )
        assert main(["unlock", "--config", str(signer.config)]) == 0
        assert capsys.readouterr().out == "Nothing is locked.\n"
        part = next(signer.state.glob("journal-*"))
        content = part.read_bytes()
        part.write_bytes(content.replace(b"paper", b"drift"))
        assert main(["verify", "--config", str(signer.config)]) == 1
        assert "changed or damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("breaks", "says"),
    [
        (lambda one: one.config.chmod(0o666), "chmod go-w"),
        (lambda one: one.key_file.chmod(0o600), "chmod 0400"),
        (lambda one: one.key_file.unlink(), "cannot be opened"),
        (lambda one: one.state.chmod(0o755), "chmod 0700"),
        (lambda one: one.state.rename(one.state.with_name("x")), "make it, with mode 0700"),
        (lambda one: one.config.parent.chmod(0o777), "others can write into the folder"),
        (lambda one: one.config.unlink(), "cannot be opened"),
        (lambda one: next(one.state.iterdir()).unlink(), "run keel signer begin"),
    ],
    ids=["file", "key mode", "no key", "state mode", "no state", "folder", "no file", "no journal"],
)
def test_it_does_not_start_on_what_others_could_have_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], breaks: Callable[[object], object], says: str
) -> None:
    with signer_process(tmp_path, accounts=["demo-0"], start=False) as signer:
        breaks(signer)
        done = subprocess.run(
            [sys.executable, "-m", "bot.signer", "run", "--config", str(signer.config)], capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
    tmp_path.chmod(0o700)

    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_of_all_modes_its_files_can_have_only_private_ones_are_used(tmp_path: Path, figure: Gauge) -> None:
    readable = 0 if os.geteuid() == 0 else 0o400  # root opens everything
    with signer_process(tmp_path, accounts=["demo-0"], start=False) as signer:
        tries: tuple[tuple[Path, Callable[[], object], Callable[[int], bool]], ...] = (
            (signer.key_file, lambda: keys.from_file(signer.key_file), lambda mode: mode == 0o400),
            (
                signer.config,
                lambda: configuration.load(signer.config),
                lambda mode: not mode & 0o022 and mode & readable == readable,
            ),
            (signer.state, lambda: Journal(signer.state).close(), lambda mode: mode == 0o700),
        )
        wrong = [
            (path, mode)
            for path, use, fits in tries
            for mode in range(0o1000)
            if _is_used(path, mode, use) is not fits(mode)
        ]
        signer.state.chmod(0o700)
    figure(Measure.TRIED, len(tries) * 0o1000)
    figure(Measure.WRONG, len(wrong))


def _is_used(path: Path, mode: int, use: Callable[[], object]) -> bool:
    path.chmod(mode)
    try:
        use()
    except Unfit:
        return False
    return True


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o777, 0o770, 0o711])
def test_a_socket_others_could_reach_is_not_opened(tmp_path: Path, mode: int) -> None:
    config = make_config(tmp_path)
    config.socket.parent.mkdir()
    config.socket.parent.chmod(mode)
    with pytest.raises(Unfit, match="with mode 0700"):
        listener(config)


def test_a_group_that_is_named_may_connect_and_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = _with_group(tmp_path, monkeypatch)
    listener(config).close()

    assert config.socket.parent.stat().st_mode & 0o777 == 0o750
    assert config.socket.stat().st_mode & 0o777 == 0o660
    assert config.socket.stat().st_gid == os.getegid()
    config.socket.parent.chmod(0o770)
    with pytest.raises(Unfit, match="with mode 0700"):
        listener(config)


def _with_group(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr(listening, "_group", lambda name: os.getegid() if name else None)
    return replace(make_config(folder), socket_group="keel")


def test_a_group_that_is_not_there_and_a_file_in_the_way_are_named(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    with pytest.raises(Unfit, match="there is no group"):
        listener(replace(config, socket_group="nobody-has-this-group"))
    config.socket.parent.mkdir(mode=0o700)
    config.socket.touch()
    with pytest.raises(Unfit, match="is no socket"):
        listener(config)


def test_begin_is_what_an_empty_state_folder_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with signer_process(tmp_path, accounts=["demo-0"], start=False, begun=False) as signer:
        assert main(["begin", "--config", str(signer.config)]) == 0
        assert main(["log", "--config", str(signer.config)]) == 0
        signer.restart()
        found = signer.ask(AskIdentity())
        assert isinstance(found, Identity)
        told = capsys.readouterr().out
        assert f"Journal {found.journal_id} begun in" in told
        assert f"journal {found.journal_id} begun by user {os.getuid()}" in told
        assert main(["begin", "--config", str(signer.config)]) == 2  # not while it runs
        assert "another signer works in" in capsys.readouterr().err


def test_who_may_ask_is_named_when_it_is_set_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, user, uid in (("a", "4711", 4711), ("b", "root", 0), ("c", "", os.geteuid())):
        assert main(["init", str(tmp_path / name), "--account", "demo-0", "--asked-by", user]) == 0
        assert f"\nallowed_uids = [{uid}]\n" in (tmp_path / name / "signer.toml").read_text()
    assert main(["init", str(tmp_path / "d"), "--account", "demo-0", "--asked-by", "nobody-is-called-so"]) == 2
    assert "there is no user" in capsys.readouterr().err


def test_what_is_said_fits_every_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    program._say("日本 ok")
    assert raw.getvalue() == b"\\u65e5\\u672c ok\n"
