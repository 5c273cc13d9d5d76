"""Logging: one JSON line an event on stderr, with secrets taken out whoever wrote them."""

import logging
import math
import sys
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot import redaction

# Their INFO lines show request URLs, and with them the token.
_TALKATIVE = ("httpx", "httpcore", "telegram", "apscheduler", "asyncio", "matplotlib")


def setup_logging(
    level: str, *, secrets: Iterable[str] | None = None, stream: TextIO | None = None, interpreter: bool = False
) -> None:
    """Configure structlog and the standard library's loggers.

    Args:
        interpreter: Also what the interpreter would write by itself: warnings, threads that die, errors in destructors,
            and its last words.
        secrets: Texts that this process must never show; None leaves what it knows already. See bot.redaction.
    """
    if secrets is not None:
        redaction.know(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,  # plain: other renderers show the values of variables
        _redacted,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redacted,
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
        sys.excepthook = _crashed
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


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An error that nobody expected ends the process."""
    logging.getLogger("python").critical("process.crashed", exc_info=(kind, error, trace))


def _redacted(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Takes secrets out of every value of an event."""
    return {key: _clean(value) for key, value in event.items()}


def _clean(value: object) -> object:
    if isinstance(value, str):
        return redaction.clean(value)
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such numbers
    if isinstance(value, int | float | bool) or value is None:
        return value
    return redaction.clean(_text_of(value)) if not isinstance(value, logging.LogRecord) else value


def _text_of(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except Exception:  # noqa: BLE001  # whatever a foreign object does, its event is told
        return f"<{type(value).__name__} that cannot be shown>"
