"""What a process with secrets in its memory does first."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.config import BadSettings, load_settings
from bot.hardening import harden, look_around

ROOT = Path(__file__).resolve().parents[3]
LINUX = sys.platform.startswith("linux")

_HARDENED = """
import ctypes, os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
from bot.hardening import harden
problems = harden()
dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) if sys.platform.startswith("linux") else 0
print(problems, *resource.getrlimit(resource.RLIMIT_CORE), dumpable, oct(os.umask(0)))
print(harden())
"""


def test_a_hardened_process_leaves_no_core_and_no_file_open_to_others() -> None:
    ended = subprocess.run([sys.executable, "-c", _HARDENED], capture_output=True, text=True, cwd=ROOT, check=True)
    first, again = ended.stdout.splitlines()

    if LINUX:
        assert first == "[] 0 0 0 0o77"
        assert again == "[]"
    else:
        assert first.endswith("0 0 0 0o77")
        assert "cannot forbid looking into a process" in first


_ABORTS = """
import os
from bot.hardening import harden
harden()
os.abort()
"""


@pytest.mark.skipif(not LINUX, reason="other systems name cores in other ways")
def test_even_a_process_that_aborts_leaves_no_core(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _ABORTS], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )

    assert ended.returncode < 0
    assert list(tmp_path.iterdir()) == []


def test_where_the_kernel_refuses_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    def refuses(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (1, 1))
    monkeypatch.setattr(resource, "setrlimit", refuses)
    monkeypatch.setattr("ctypes.CDLL", refuses)
    before = os.umask(0o022)
    try:
        problems = harden()
    finally:
        os.umask(before)

    assert any("LimitCORE=0" in one for one in problems)
    assert len(problems) == 2


@pytest.mark.parametrize(("mode", "allowed"), [(0o700, True), (0o755, True), (0o1777, True), (0o777, False)])
@pytest.mark.parametrize("which", ["database", "backup"])
def test_a_folder_in_which_anybody_may_replace_files_is_refused(
    mode: int, allowed: bool, which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe, folder = tmp_path / "safe", tmp_path / "folder"
    for one in (safe, folder):
        one.mkdir(mode=0o700)
    folder.chmod(mode)
    monkeypatch.setenv("DATABASE_PATH", str((folder if which == "database" else safe) / "keel.sqlite3"))
    monkeypatch.setenv("BACKUP_DIR", str(folder if which == "backup" else safe))
    settings = load_settings(None)

    if allowed:
        look_around(settings, [])
    else:
        with pytest.raises(BadSettings, match=rf"the {which} folder {folder} .* run chmod 700 {folder}"):
            look_around(settings, [])
    assert stat.S_IMODE(folder.stat().st_mode) == mode
