"""What every contract needs."""

import pytest

from tests.support.discord.patience import lengthen_waits


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    lengthen_waits(monkeypatch)
