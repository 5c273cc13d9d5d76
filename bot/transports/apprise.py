"""Ways out that are no chat: mail, SMS, phone push, pagers, whatever ``apprise`` has a URL for. They only send.

A service hears text and a title; nobody answers it, and what it has said cannot be changed. The library blocks, so it
works in threads of its own. What it logs may hold addresses and keys, so none of it is let through.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Final, Self
from uuid import uuid4

import structlog

from bot.messages import (
    Accent,
    Address,
    DeliveryError,
    File,
    Limits,
    Line,
    Message,
    MessageRef,
    Picture,
    Rate,
    Refused,
    RetryAfter,
    Table,
    Tone,
    TryAgain,
    Unreachable,
)
from bot.text.tables import lines as table_lines
from bot.transports.send_only import SendOnly

if TYPE_CHECKING:
    from apprise import AppriseResult, NotifyBase, NotifyType

PREFIX: Final = "service:"
_STATUS: Final = re.compile(r"error=(\d{3})")
_SHORT: Final = 1_000  # characters; what takes less, such as SMS, gets the beginning instead of many parts
_LEAST_PACE_S: Final = 0.1
_SLOW_DOWN_S: Final = 15.0  # where a service says that it is too much and not for how long
_AT_ONCE: Final = 2

log = structlog.get_logger()


class UnknownService(ValueError):
    """A URL that stands for no service, or lacks something. The text does not repeat it: it holds keys."""


def require_service(name: str, url: str) -> None:
    """Raises: UnknownService."""
    _service(name, url)


class ServiceTransport(SendOnly):
    """One service; see bot.messages.Transport.

    Args:
        name: As the file of routes has it.
        url: As the library reads it. It appears in no log, error or representation.
        now: Aware time, for records.
        answer_s: How long one message may take, to one target.

    Raises: UnknownService.
    """

    def __init__(self, name: str, url: str, *, now: Callable[[], datetime], answer_s: float = 12.0) -> None:
        super().__init__(now)
        self._name = f"{PREFIX}{name}"
        self._service = _service(name, url)
        self._targets = max(1, len(self._service))
        self._pace_s = max(self._service.request_rate_per_sec * self._targets, _LEAST_PACE_S)
        self._answer_s = answer_s + self._service.request_rate_per_sec * self._targets
        self._threads: ThreadPoolExecutor | None = None
        self._busy = 0

    def __repr__(self) -> str:
        return f"ServiceTransport({self._name!r})"

    @property
    def name(self) -> str:
        return self._name

    @property
    def limits(self) -> Limits:
        """What the library allows itself for this service."""
        return Limits(per_chat=Rate(most=1, per_s=self._pace_s))

    async def __aenter__(self) -> Self:
        self._threads = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix=self._name)
        self._left.clear()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Waits for nothing: what is under way ends by the library's own time-outs."""
        self._left.set()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        """A text and a title. What the service calls the message is not known to the library, so the id is ours."""
        failure = await self._work(message)
        if failure is not None:
            self._became(connected=isinstance(failure, RetryAfter), detail=str(failure))
            raise failure
        self._became(connected=True, detail="took the last alert")
        return MessageRef(address=address, message_id=key or uuid4().hex)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        raise Refused("what a service was told cannot be changed")

    async def _work(self, message: Message) -> DeliveryError | None:
        """What became of a message; None where it was taken."""
        if self._threads is None:
            return TryAgain("the service is not running here: enter the transport first")
        if self._busy >= _AT_ONCE:
            return TryAgain("the service is still busy with earlier alerts")
        self._busy += 1
        working = asyncio.wrap_future(self._threads.submit(self._say, message))
        working.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self._answer_s):
                return await asyncio.shield(working)
        except TimeoutError:
            return TryAgain("the service did not answer in time", unknown=True)

    def _done(self, working: "asyncio.Future[DeliveryError | None]") -> None:
        self._busy -= 1
        if not working.cancelled() and (error := working.exception()) is not None:
            # Its text may hold the URL.
            log.error("service.failed", service=self._name, error=type(error).__name__)

    def _say(self, message: Message) -> DeliveryError | None:
        """In a thread."""
        from apprise import Apprise, NotifyFormat

        speaker = Apprise(asset=self._service.asset)
        speaker.add(self._service)
        title, body = title_and_body(message)
        with speaker.notify(
            body=body or title, title=title if body else "", notify_type=_kind(message), body_format=NotifyFormat.TEXT
        ) as result:
            return _failure(result)


def title_and_body(message: Message) -> tuple[str, str]:
    """The answer, and everything else; plain text."""
    texts: list[str] = []
    for block in message.blocks:
        match block:
            case Line(text=text):
                texts.append(text)
            case Table():
                texts += table_lines(block)
            case Picture(alt=alt):
                texts.append(f"[{alt}]")
            case File(name=name, alt=alt):
                texts.append(f"[{name}: {alt} Files cannot be sent this way.]")
    first, *rest = "\n".join(texts).split("\n")
    return first, "\n".join(rest).strip("\n")


def _service(name: str, url: str) -> "NotifyBase":
    for talkative in ("apprise", "urllib3", "requests"):  # they quote URLs, topics and numbers
        logger = logging.getLogger(talkative)
        logger.setLevel(max(logger.level, logging.WARNING))
    logging.getLogger("apprise").propagate = False
    from apprise import Apprise, AppriseAsset, NotifyBase, OverflowMode

    asset = AppriseAsset(app_id="Keel", app_desc="Keel", app_url="", async_mode=False, storage_mode="memory")
    found = Apprise.instantiate(url.strip(), asset=asset)
    if not isinstance(found, NotifyBase):
        raise UnknownService(
            f"the URL of service {name} is none that apprise knows, or lacks a part; its wiki lists how each is written"
        )
    if "overflow=" not in url:
        # Too long must never mean silence.
        found.overflow_mode = OverflowMode.SPLIT if found.body_maxlen >= _SHORT else OverflowMode.TRUNCATE
    return found


def _kind(message: Message) -> "NotifyType":
    from apprise import NotifyType

    if message.accent is Accent.GOOD:
        return NotifyType.SUCCESS
    return {Tone.URGENT: NotifyType.FAILURE, Tone.NORMAL: NotifyType.WARNING, Tone.QUIET: NotifyType.INFO}[message.tone]


def _failure(result: "AppriseResult") -> DeliveryError | None:
    """What the caller can do about it. The library's words may hold addresses: only a status is taken from them."""
    if result:
        return None
    statuses = [int(status) for entry in result.logs() for status in _STATUS.findall(entry.message)]
    if not statuses:
        return TryAgain("the service cannot be reached, or said no", unknown=True)
    status = statuses[-1]
    if status == 429:
        return RetryAfter(_SLOW_DOWN_S)
    if status in (401, 403, 404, 410):
        return Unreachable(f"the service refuses (status {status}): check its URL in the file of routes")
    if 400 <= status < 500:
        return Refused(f"the service refused the message (status {status})")
    return TryAgain(f"the service has trouble (status {status})")
