"""What starts often imports little, and an environment stays within its size: counts, the same on every machine."""

from pathlib import Path
from typing import Final

import pytest

from benchmarks.dependencies.locked import lock_files, pins
from benchmarks.dependencies.weight import (
    OWN_MEGABYTES,
    SIZES,
    STARTS,
    Size,
    Start,
    imported,
    installed_bytes,
    own_bytes,
)

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.name)
def test_a_start_imports_no_more_than_it_may(start: Start) -> None:
    modules, third_parties = imported(start, ROOT)

    assert start.allowed is None or third_parties <= start.allowed
    assert third_parties.isdisjoint(start.refused)
    assert modules <= start.modules


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.lock)
def test_a_lock_and_what_it_installs_stay_within_their_budget(size: Size) -> None:
    for lock in (path for path in lock_files(ROOT) if path.stem == size.lock):
        assert len(pins(lock)) <= size.distributions
        assert sum(installed_bytes(lock).values()) <= size.megabytes * 1e6


def test_keel_itself_stays_small() -> None:
    assert own_bytes(ROOT) <= OWN_MEGABYTES * 1e6


def test_the_page_names_every_budget() -> None:
    for start in STARTS:
        assert f"| {start.name} |" in PAGE, "run python -m benchmarks.dependencies weights"
    for size in SIZES:
        assert f"| {size.megabytes} MB |" in PAGE, "run python -m benchmarks.dependencies weights"
