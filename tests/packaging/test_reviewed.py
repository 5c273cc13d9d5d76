"""Every version of every lock was looked at, and docs/dependencies.md says what was found."""

import re
from pathlib import Path
from typing import Final

import pytest

from benchmarks.dependencies.locked import lock_files, locks_of
from benchmarks.dependencies.page import advisories, replaced
from benchmarks.dependencies.reviewed import Advisory, Verdict, read
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.packaging.test_locks import OLD_PINS

ROOT: Final = Path(__file__).resolve().parents[2]
REVIEWED: Final = read(ROOT)
PAGE: Final = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
LOCKS: Final = lock_files(ROOT)


def test_nothing_is_locked_that_nobody_has_looked_at(figure: Gauge) -> None:
    new = sorted(str(pin) for pin in locks_of(ROOT).keys() - REVIEWED.looks.keys())

    assert not new, f"look at {', '.join(new)}, and write it into locks/reviewed.toml"
    figure(Measure.TRIED, len(locks_of(ROOT)))
    figure(Measure.ACCEPTED, len(new))


def test_nothing_was_looked_at_that_is_not_locked_any_more() -> None:
    gone = sorted(str(pin) for pin in REVIEWED.looks.keys() - locks_of(ROOT).keys())
    assert not gone, f"take {', '.join(gone)} out of locks/reviewed.toml"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: f"{lock.parent.name}-{lock.stem}")
def test_every_line_of_every_lock_is_an_exact_version_with_hashes(lock: Path) -> None:
    entries = lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()

    assert entries
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==[\w.+!]+(\s+--hash=sha256:[0-9a-f]{64})+\s*", entry), entry[:80]


def test_every_python_has_the_same_locks() -> None:
    assert len({frozenset(path.stem for path in folder.glob("*.txt")) for folder in {p.parent for p in LOCKS}}) == 1


def test_what_has_advisories_names_them_and_nothing_else_does() -> None:
    listed = {one.package for one in REVIEWED.advisories}
    marked = {pin.name for pin, look in REVIEWED.looks.items() if look.verdict is not Verdict.CLEAR}
    assert listed == marked


@pytest.mark.parametrize("one", [*REVIEWED.advisories, *REVIEWED.avoided], ids=lambda one: f"{one.package} {one.names}")
def test_every_advisory_has_a_number_a_reach_and_a_remedy(one: Advisory) -> None:
    assert all(re.fullmatch(r"CVE-\d{4}-\d{4,6}|GHSA(-\w{4}){3}", name) for name in one.names), one.names
    assert one.names or one in REVIEWED.avoided
    assert min(len(one.about), len(one.reach), len(one.remedy)) > 3


@pytest.mark.parametrize("one", REVIEWED.advisories, ids=lambda one: f"{one.package} {one.mended_in}")
def test_a_version_that_is_said_to_be_mended_is_not_older_than_the_mended_one(one: Advisory) -> None:
    from packaging.version import Version

    for pin, look in REVIEWED.looks.items():
        if pin.name == one.package and look.verdict is Verdict.MENDED:
            assert Version(pin.version) >= Version(one.mended_in)


def test_every_old_pin_with_an_advisory_is_among_what_is_avoided() -> None:
    said = " ".join(one.package for one in REVIEWED.avoided)
    for name in ("certifi", "h11", "idna", "urllib3", "grpcio", "protobuf"):
        assert f"{name} {OLD_PINS[name]}" in said


def test_the_page_says_what_the_file_says() -> None:
    again = replaced(PAGE, "advisories", advisories(REVIEWED, ROOT))
    assert again == PAGE, "run python -m benchmarks.dependencies advisories"
