"""What the service manager is told, over a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.systemd import Notifier, Supervision


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """NOTIFY_SOCKET as a manager would set it, and its own end."""
    named = str(tmp_path / "notify") if request.param == "path" else f"@keel-test-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(named.replace("@", "\0", 1) if named.startswith("@") else named)
        end.settimeout(5)
        yield named, end


def heard(end: socket.socket) -> list[str]:
    return end.recv(4096).decode().split("\n")


def test_the_manager_hears_of_readiness_life_and_end(manager: tuple[str, socket.socket]) -> None:
    named, end = manager
    notifier = Notifier(Supervision.of({"NOTIFY_SOCKET": named, "WATCHDOG_USEC": "15000000"}, pid=1))
    assert notifier.watchdog_s == 15

    notifier.ready("watching 2 accounts\nREADY=0")
    assert heard(end) == ["READY=1", "STATUS=watching 2 accounts READY=0"]
    notifier.alive("well")
    assert heard(end) == ["WATCHDOG=1", "STATUS=well"]
    notifier.status("no health check for 20 s")
    assert heard(end) == ["STATUS=no health check for 20 s"]
    notifier.stopping()
    assert heard(end) == ["STOPPING=1", "STATUS=stopping"]
    notifier.close()
    notifier.alive("after the end")


def test_a_status_too_long_for_a_datagram_is_cut(manager: tuple[str, socket.socket]) -> None:
    named, end = manager
    notifier = Notifier(Supervision.of({"NOTIFY_SOCKET": named}, pid=1))
    notifier.ready("x" * 100_000)

    assert heard(end)[0] == "READY=1"
    notifier.close()


SUPERVISIONS = {
    "nobody supervises": ({}, Supervision()),
    "no watchdog": ({"NOTIFY_SOCKET": "/run/n"}, Supervision(address="/run/n")),
    "a watchdog": ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "500000"}, Supervision(address="/n", watchdog_s=0.5)),
    "a watchdog of ours": (
        {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "42"},
        Supervision(address="/n", watchdog_s=1.0),
    ),
    "a watchdog of another process": (
        {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "43"}, Supervision(address="/n"),
    ),
    "a watchdog that is no number": ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "soon"}, Supervision(address="/n")),
    "a watchdog of nothing": ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "0"}, Supervision(address="/n")),
    "an abstract socket": ({"NOTIFY_SOCKET": "@keel"}, Supervision(address="\0keel")),
    "a family for virtual machines": ({"NOTIFY_SOCKET": "vsock:2:1"}, Supervision()),
    "a relative path": ({"NOTIFY_SOCKET": "notify"}, Supervision()),
}  # fmt: skip


@pytest.mark.parametrize(("env", "expected"), SUPERVISIONS.values(), ids=SUPERVISIONS)
def test_what_the_environment_says_of_supervision(env: dict[str, str], expected: Supervision) -> None:
    assert Supervision.of(env, pid=42) == expected


def test_a_manager_that_is_away_disturbs_nothing_and_is_one_line(tmp_path: Path) -> None:
    notifier = Notifier(Supervision(address=str(tmp_path / "nobody")))
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            notifier.alive("well")
    notifier.close()

    assert [entry["event"] for entry in logs] == ["systemd.not_notified"]


def test_without_a_manager_nothing_is_sent_and_no_sign_is_due() -> None:
    notifier = Notifier(Supervision())
    notifier.ready("x")

    assert notifier.watchdog_s is None
