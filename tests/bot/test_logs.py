"""The log: one JSON line an event, and no secret in it, whoever wrote it."""

import io
import json
import logging
import math
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import setup_logging

CANARY = "canary-4f1c9a7e"
URL = "https://rpc.example/v2/canary-url-key-0123456789"
TOKEN = "123456789:AAcanaryTokenNobodyConfigured_0123456"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is the process's; what a test sets up ends with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = threading.excepthook, sys.unraisablehook
    yield
    root.handlers[:], root.level = handlers, level
    threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def started(level: str = "DEBUG", secrets: tuple[str, ...] = (CANARY, URL)) -> io.StringIO:
    stream = io.StringIO()
    setup_logging(level, secrets=secrets, stream=stream)
    return stream


def test_an_event_is_one_line_with_its_fields_time_and_level() -> None:
    stream = started()
    structlog.get_logger().info("alert.delivered", incident_id=12, latency_s=0.25)
    (line,) = lines(stream)

    assert line["event"] == "alert.delivered"
    assert (line["incident_id"], line["latency_s"], line["level"]) == (12, 0.25, "info")
    assert str(line["timestamp"]).endswith("Z")


def test_a_line_break_in_a_name_makes_no_second_line() -> None:
    stream = started()
    structlog.get_logger().info("person.linked", name='Ann\n{"event": "forged"}\r\u2028x')

    assert [line["event"] for line in lines(stream)] == ["person.linked"]


def test_no_secret_gets_through_wherever_it_stands() -> None:
    stream = started()
    log = structlog.get_logger()
    log.info(f"event with {CANARY}")
    log.info("field", text=f"x{CANARY}y", nested={"a": [CANARY, {"b": (CANARY,)}]}, key={CANARY: 1}, obj=Holder())
    log.info("url", url=URL, quoted=f"GET '{URL}' failed", binary=CANARY.encode())
    log.info("token", url=f"https://api.telegram.org/bot{TOKEN}/getMe")
    structlog.contextvars.bind_contextvars(bound=CANARY)
    log.warning("bound")
    structlog.contextvars.clear_contextvars()
    try:
        raise RuntimeError(f"could not reach {URL} with {CANARY}")
    except RuntimeError:
        log.exception("failed", reason="x")

    assert "canary" not in stream.getvalue()
    assert len(lines(stream)) == 6


def test_no_secret_gets_through_from_loggers_of_others() -> None:
    stream = started()
    foreign = logging.getLogger("somebody.else")
    foreign.warning("reached %s with %r", URL, {"token": CANARY})
    foreign.error(f"token {TOKEN}")
    try:
        raise ValueError(CANARY)
    except ValueError:
        foreign.exception("failed")

    assert "canary" not in stream.getvalue()
    assert [line["level"] for line in lines(stream)] == ["warning", "error", "error"]


class Holder:
    """Shows more of itself than it should."""

    def __repr__(self) -> str:
        return f"Holder(token={CANARY})"


@pytest.mark.parametrize("name", ["httpx", "httpcore", "telegram.ext", "apscheduler.scheduler"])
def test_talkative_libraries_are_quiet_below_warning_even_when_debugging(name: str) -> None:
    stream = started("DEBUG")
    logging.getLogger(name).info("HTTP Request: POST https://api.telegram.org/bot123:abc/getUpdates")

    assert stream.getvalue() == ""


@pytest.mark.parametrize(("level", "events"), [("ERROR", 1), ("WARNING", 2), ("INFO", 3), ("DEBUG", 4)])
def test_the_level_decides_how_much(level: str, events: int) -> None:
    stream = started(level)
    log = structlog.get_logger()
    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")

    assert len(lines(stream)) == events


def test_numbers_that_json_does_not_have_are_words() -> None:
    stream = started()
    structlog.get_logger().info("x", a=math.nan, b=[math.inf, {"c": -math.inf}], d=1.5)
    line = json.loads(stream.getvalue(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))

    assert (line["a"], line["b"], line["d"]) == ("nan", ["inf", {"c": "-inf"}], 1.5)


def test_what_the_interpreter_would_write_is_a_line_too() -> None:
    stream = io.StringIO()
    setup_logging("DEBUG", secrets=(CANARY,), stream=stream, interpreter=True)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"something about {CANARY}", UserWarning, stacklevel=1)

    def dies() -> None:
        raise RuntimeError(CANARY)

    thread = threading.Thread(target=dies, name="worker")
    thread.start()
    thread.join()
    sys.unraisablehook(Unraised())  # type: ignore[arg-type]  # as the interpreter calls it

    assert [line["level"] for line in lines(stream)] == ["warning", "error", "error"]
    assert "worker" in str(lines(stream)[1]["event"])
    assert "canary" not in stream.getvalue()
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines(stream))


class Unraised:
    """What the interpreter hands over."""

    exc_value = RuntimeError(CANARY)
    err_msg = None


def test_a_secret_too_short_to_be_one_does_not_hide_half_the_log() -> None:
    stream = started(secrets=("a", "ok", ""))
    structlog.get_logger().info("a token is ok")

    assert lines(stream)[0]["event"] == "a token is ok"


def test_a_longer_secret_is_removed_before_one_that_it_contains() -> None:
    stream = started(secrets=("canary", "canary-and-more"))
    structlog.get_logger().info("x", text="canary-and-more")

    assert lines(stream)[0]["text"] == "[secret]"


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
keys = st.text(max_size=5) | st.just(CANARY)
json_like = st.recursive(
    plain | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), json_like, max_size=3))
def test_whatever_is_logged_is_one_line_of_json_without_the_secret(fields: dict[str, object]) -> None:
    stream = started()
    structlog.get_logger().info("x", **fields)

    assert len(lines(stream)) == 1
    assert CANARY not in stream.getvalue()
