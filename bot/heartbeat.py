"""The heartbeat: somebody outside hears every few seconds that Keel does its work, and pages when that stops.

A beat is made only while everything progresses (bot.vitals). Whoever is beaten to must not be able to disturb the work:
each has a loop of its own, a time limit, and nobody waits for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import httpx
import structlog

from bot.beats import SIGNATURE_HEADER, Beat, encoded, signature
from bot.heartbeat_urls import HeartbeatUrl, Way
from bot.text.ages import age
from bot.text.clean import sentence
from bot.vitals import Ailment, said
from risk.ports import Clock

log = structlog.get_logger()

BEAT_EVERY_S = 10.0
_ANSWER_S = 5.0
_AGAIN_S = 3.0  # a lost beat is made up for before anybody misses it
_LONGEST_REASON_BYTES = 300


@dataclass(slots=True, kw_only=True)
class Standing:
    """How one receiver of beats fares.

    Attributes:
        taken_at: When it last took one; None for never.
        failing_since: None while it takes them.
        problem: Why not, free of its URL.
    """

    taken: int = 0
    failed: int = 0
    taken_at: datetime | None = None
    failing_since: datetime | None = None
    problem: str = ""


class NotTaken(Exception):
    """A beat that did not arrive. The text is free of the URL."""


class Heartbeat:
    """Used as ``async with Heartbeat(...) as heartbeat`` around ``await heartbeat.run()``.

    Args:
        ailing: What makes no progress now; a beat is made while there is nothing.
        beat: The next signed beat.
        secret: Shared with the standby.
    """

    def __init__(
        self,
        urls: Sequence[HeartbeatUrl],
        *,
        clock: Clock,
        ailing: Callable[[], Awaitable[Sequence[Ailment]]],
        beat: Callable[[], Awaitable[Beat]],
        secret: str = "",
        every_s: float = BEAT_EVERY_S,
        answer_s: float = _ANSWER_S,
    ) -> None:
        self._urls, self._clock, self._ailing, self._beat = tuple(urls), clock, ailing, beat
        self._secret, self._every_s, self._answer_s = secret, every_s, answer_s
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self.standings = {url.name: Standing() for url in self._urls}
        self.held_back = ""

    async def __aenter__(self) -> Self:
        for name in ("httpx", "httpcore"):  # their INFO lines hold the URL
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
        for loopback in {url.loopback for url in self._urls}:
            # This machine is reached directly, whatever the proxy.
            self._clients[loopback] = httpx.AsyncClient(
                timeout=self._answer_s, follow_redirects=False, trust_env=not loopback
            )
        return self

    async def __aexit__(self, *exc: object) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def run(self) -> None:
        """Beat until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for url in self._urls:
                tasks.create_task(self._beating(url), name=f"heartbeat.{url.name}")

    def lines(self) -> list[str]:
        """For /status."""
        if not self._urls:
            return ["Heartbeat: none, so nobody outside hears when Keel dies. See HEARTBEAT_URLS."]
        lines = [f"Heartbeat HELD BACK: {self.held_back}."] if self.held_back else []
        return lines + [self._line(name, standing) for name, standing in self.standings.items()]

    def last_taken_at(self) -> datetime | None:
        """When anybody last took a beat."""
        return max((one.taken_at for one in self.standings.values() if one.taken_at is not None), default=None)

    def _line(self, name: str, standing: Standing) -> str:
        now = self._clock.now()
        taken = "never taken"
        if standing.taken_at is not None:
            taken = f"taken {age((now - standing.taken_at).total_seconds())} ago"
        if standing.failing_since is None:
            return f"Heartbeat to {name}: {taken}."
        since = age((now - standing.failing_since).total_seconds())
        return f"Heartbeat to {name}: FAILING for {since}, {standing.problem}; {taken}."

    async def _beating(self, url: HeartbeatUrl) -> None:
        while True:
            began_s = self._clock.monotonic_s()
            wait_s = self._every_s
            if await self._well():
                try:
                    await self._send(url)
                except NotTaken as error:
                    self._missed(url, str(error))
                    wait_s = min(self._every_s, _AGAIN_S)
                except Exception as error:  # noqa: BLE001  # the top of a task: the next beat must come whatever this was
                    log.error("heartbeat.defect", to=url.name, error=type(error).__name__)
                    self._missed(url, "a defect of Keel; see its log")
                else:
                    self._taken(url)
            await self._clock.sleep(max(0.0, wait_s - (self._clock.monotonic_s() - began_s)))

    async def _well(self) -> bool:
        reason = said(await self._ailing())
        if bool(reason) != bool(self.held_back):
            if reason:
                log.error("heartbeat.held_back", reason=reason)
            else:
                log.info("heartbeat.resumed")
        self.held_back = reason
        return not reason

    async def _send(self, url: HeartbeatUrl) -> None:
        client = self._clients[url.loopback]
        body, headers = b"", {}
        if url.way is Way.SIGNED:
            body = encoded(await self._beat())
            headers = {SIGNATURE_HEADER: signature(body, self._secret), "Content-Type": "application/json"}
        method = "GET" if url.way is Way.GET else "POST"
        problem = ""
        try:
            async with asyncio.timeout(2 * self._answer_s):  # the client's own is per read
                content = body or None
                async with client.stream(method, url.url, content=content, headers=headers) as response:
                    if not response.is_success:
                        problem = f"it answered {response.status_code}"
                        if url.way is Way.SIGNED:
                            problem += await _reason(response)
        except TimeoutError:
            problem = "it did not answer in time"
        except httpx.HTTPError as error:
            problem = f"it cannot be reached ({type(error).__name__})"
        if problem:
            raise NotTaken(problem)

    def _taken(self, url: HeartbeatUrl) -> None:
        standing = self.standings[url.name]
        standing.taken += 1
        standing.taken_at = self._clock.now()
        if standing.failing_since is not None:
            log.info("heartbeat.taken_again", to=url.name)
        standing.failing_since, standing.problem = None, ""

    def _missed(self, url: HeartbeatUrl, problem: str) -> None:
        standing = self.standings[url.name]
        standing.failed += 1
        if standing.failing_since is None:
            standing.failing_since = self._clock.now()
            log.warning("heartbeat.failed", to=url.name, error=problem)
        standing.problem = problem


async def _reason(response: httpx.Response) -> str:
    """What a standby says of a beat it refused."""
    text = b""
    async for part in response.aiter_bytes():
        text += part
        if len(text) >= _LONGEST_REASON_BYTES:
            break
    words = sentence(text[:_LONGEST_REASON_BYTES].decode("utf-8", "replace"))
    return f": {words}" if words else ""
