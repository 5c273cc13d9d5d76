"""Limits per channel as Discord keeps them: headers tell them in advance, and whoever ignores those gets a 429."""

from dataclasses import dataclass, field
from time import monotonic

from tests.support.discord.errors import ApiError


@dataclass(slots=True)
class Limits:
    """Messages to one channel.

    Attributes:
        messages: How many may be sent within ``per_s``; without limit if None.
        broken: How often somebody sent more.
    """

    messages: int | None = None
    per_s: float = 5.0
    broken: int = 0
    _windows: dict[int, tuple[float, int]] = field(default_factory=dict)

    def take(self, method: str, path: str, channel: int | None) -> dict[str, str]:
        """The headers that tell what is left. Raises: ApiError 429."""
        if self.messages is None or channel is None or method != "POST" or not path.endswith("/messages"):
            return {}
        now = monotonic()
        ends, used = self._windows.get(channel, (now + self.per_s, 0))
        if now >= ends:
            ends, used = now + self.per_s, 0
        if used >= self.messages:
            self.broken += 1
            raise ApiError(429, 0, "You are being rate limited.", retry_after=ends - now)
        self._windows[channel] = (ends, used + 1)
        return {
            "X-RateLimit-Bucket": "messages",
            "X-RateLimit-Limit": str(self.messages),
            "X-RateLimit-Remaining": str(self.messages - used - 1),
            "X-RateLimit-Reset-After": f"{ends - now:.3f}",
        }
