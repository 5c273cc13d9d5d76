"""Fixtures every test may use: the material beside the project, and hypothesis profiles."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from bot import redaction
from tests.faults.figures import Failed, Gauge, names_of, note

# A release must not hang on luck: the same cases every time, and no time limit. ``make fuzz`` searches at random.
_ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", _ANY_MACHINE, derandomize=True, max_examples=60)
settings.register_profile("fuzz", _ANY_MACHINE, derandomize=False, max_examples=600, print_blob=True)
settings.register_profile("thorough", _ANY_MACHINE, derandomize=False, max_examples=1_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

ROOT = Path(__file__).resolve().parent.parent


def material_folder() -> Path:
    """Where recorded accounts and layouts lie: $KEEL_MATERIAL, or a folder beside the checkout."""
    return Path(os.environ.get("KEEL_MATERIAL", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def material() -> Path:
    """The material folder; skips the test, saying so, where there is none."""
    folder = material_folder()
    if not (folder / "data").is_dir():
        pytest.skip(f"no recorded material at {folder}; set KEEL_MATERIAL to its folder")
    return folder


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Gauge:
    """States what a test of docs/reliability.md has measured."""
    return Gauge(request.node.nodeid)


def pytest_itemcollected(item: pytest.Item) -> None:
    """``-k NAME`` picks the test that injects the fault of that name."""
    item.extra_keyword_matches.update(names_of(item.nodeid))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """No figure of a test that failed is believed."""
    if report.failed:
        note(Failed(test=report.nodeid))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Commands configure logging for their process; a test that runs one leaves the next test's as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    redaction.know(())
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
