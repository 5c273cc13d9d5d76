"""What make installs is what was locked: a file of the right name with other bytes is refused, and one without hash."""

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

from tests.faults import Measure
from tests.faults.figures import Gauge

ROOT: Final = Path(__file__).resolve().parents[2]
WHEEL: Final = "harmless-1.0-py3-none-any.whl"
METADATA: Final = "Metadata-Version: 2.1\nName: harmless\nVersion: 1.0\n"
TAG: Final = "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(folder: Path, body: str) -> str:
    """A wheel whose one module says this. Returns the hash of the file."""
    path = folder / WHEEL
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("harmless.py", body)
        packed.writestr("harmless-1.0.dist-info/METADATA", METADATA)
        packed.writestr("harmless-1.0.dist-info/WHEEL", TAG)
        packed.writestr("harmless-1.0.dist-info/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def installs(folder: Path, line: str) -> bool:
    """Whether pip takes what lies there, asked as make asks it."""
    lock = folder / "lock.txt"
    lock.write_text(line + "\n", encoding="utf-8")
    asked = [
        sys.executable, "-m", "pip", "--isolated", "install", "--disable-pip-version-check", "--no-index",
        "--find-links", str(folder), "--target", str(folder / "there"), "--no-deps", "--require-hashes",
        "--only-binary", ":all:", "-r", str(lock),
    ]  # fmt: skip
    ended = subprocess.run(asked, check=False, capture_output=True, timeout=240)
    return ended.returncode == 0


def test_a_package_with_other_bytes_than_were_locked_is_not_installed(tmp_path: Path, figure: Gauge) -> None:
    locked = wheel(tmp_path, "said = 'what was looked at'\n")
    genuine = installs(tmp_path, f"harmless==1.0 --hash=sha256:{locked}")
    there = (tmp_path / "there" / "harmless.py").exists()
    wheel(tmp_path, "said = 'something else'\n")
    tries = [f"harmless==1.0 --hash=sha256:{locked}", "harmless==1.0", "harmless"]
    accepted = [line for line in tries if installs(tmp_path, line)]

    assert genuine
    assert there
    figure(Measure.TRIED, len(tries))
    figure(Measure.ACCEPTED, len(accepted))


def test_make_installs_packages_from_locks_by_their_hashes_and_in_no_other_way() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    by_hash = re.search(r"^PIP_LOCKED .*--no-deps --require-hashes --only-binary :all: -r$", makefile, re.MULTILINE)
    otherwise = [line for line in makefile.splitlines() if "$(PIP_QUIET)" in line and not line.startswith("PIP_LOCKED")]

    assert by_hash
    # What is left is the project itself, from its own folder, and the tool that writes locks.
    assert all("--no-build-isolation" in line or "$(UV)" in line for line in otherwise), otherwise
