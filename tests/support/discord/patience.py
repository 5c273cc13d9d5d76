"""Waits inside the Discord transport, long enough for a machine that stands still for seconds."""

import pytest

from tests.support.waiting import PATIENCE_S

_WAITS = (
    "channels._PATIENCE_S", "topics._PATIENCE_S", "hearing._SUGGEST_S", "hearing._AUDIENCE_S", "wire._ACKNOWLEDGE_S",
)  # fmt: skip


def lengthen_waits(patch: pytest.MonkeyPatch) -> None:
    """What Discord's own deadlines make short; a test of one of them shortens it again."""
    for name in _WAITS:
        patch.setattr(f"bot.transports.discord.{name}", PATIENCE_S)
