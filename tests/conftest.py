"""Fixtures every test may use: the material beside the project, and hypothesis profiles."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support.figures import Failed, Gauge, note

settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", deadline=None, max_examples=1_000)
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
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
