"""Logging: one JSON line an event on stderr, with secrets taken out whoever wrote them."""

import logging
import math
import re
import sys
import threading
from collections.abc import Iterable
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# A Telegram token, whoever it belongs to. No word boundary before it: in a URL it follows "/bot".
_TOKEN_SHAPES = re.compile(r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}")
_REMOVED = "[secret]"
# Their INFO lines show request URLs, and with them the token.
_TALKATIVE = ("httpx", "httpcore", "telegram", "apscheduler", "asyncio", "matplotlib")


def setup_logging(
    level: str, *, secrets: Iterable[str] = (), stream: TextIO | None = None, interpreter: bool = False
) -> None:
    """Configure structlog and the standard library's loggers.

    Args:
        interpreter: Also what the interpreter would write by itself: warnings, threads that die, errors in destructors.
        secrets: Texts that must never appear; shorter than 6 characters are ignored, they would hide half the log.
    """
    redact = _Redactor(secret for secret in secrets if len(secret) >= 6)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    if interpreter:
        logging.captureWarnings(True)
        threading.excepthook = _thread_died
        sys.unraisablehook = _unraisable
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _thread_died(args: threading.ExceptHookArgs) -> None:
    """A thread that nobody waits for has ended by an error."""
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread is not None else ""
        logging.getLogger("threading").error("thread.died: %s", name, exc_info=args.exc_value)


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    """An error where there is nobody to raise it to, such as in a destructor."""
    logging.getLogger("python").error("unraisable: %s", args.err_msg or "", exc_info=args.exc_value)


class _Redactor:
    """Replaces secrets in every value of an event."""

    def __init__(self, secrets: Iterable[str]) -> None:
        parts = [re.escape(secret) for secret in sorted(set(secrets), key=len, reverse=True)]
        self._known = re.compile("|".join(parts)) if parts else None

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        if isinstance(value, str):
            cleaned = self._known.sub(_REMOVED, value) if self._known else value
            return _TOKEN_SHAPES.sub(_REMOVED, cleaned)
        if isinstance(value, dict):
            return {self._clean(str(key)): self._clean(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(inner) for inner in value]
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)  # JSON has no such numbers
        if isinstance(value, int | float | bool) or value is None:
            return value
        return self._clean(str(value)) if not isinstance(value, logging.LogRecord) else value
