"""What the service manager wants to know (sd_notify): ready, alive, how it stands, stopping. Without one, nothing.

Protocol: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import structlog

log = structlog.get_logger()

_LONGEST_STATUS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """What the environment of a service says.

    Attributes:
        address: Where notices go; empty where nobody supervises. A name that begins with a zero byte is abstract.
        watchdog_s: After how long without a sign of life the process is killed; None for never.
    """

    address: str = ""
    watchdog_s: float | None = None

    @classmethod
    def of(cls, env: Mapping[str, str], *, pid: int) -> Self:
        """Unusable values count as absent, as for any other program."""
        named = env.get("NOTIFY_SOCKET", "")
        # Abstract sockets are written with an at sign. Other families (vsock:) are for virtual machines.
        address = f"\0{named[1:]}" if named.startswith("@") else named if named.startswith("/") else ""
        usec, meant_for = env.get("WATCHDOG_USEC", ""), env.get("WATCHDOG_PID", "")
        ours = not meant_for or meant_for == str(pid)
        watchdog_s = int(usec) / 1e6 if usec.isascii() and usec.isdigit() and int(usec) > 0 and ours else None
        return cls(address=address, watchdog_s=watchdog_s)


class Notifier:
    """Tells the service manager. Never raises and never waits: whoever supervises must not be able to stop the work."""

    def __init__(self, supervision: Supervision | None = None) -> None:
        self._to = supervision or Supervision.of(os.environ, pid=os.getpid())
        self._socket: socket.socket | None = None
        self._failed = False
        if self._to.address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    @property
    def watchdog_s(self) -> float | None:
        """How often a sign of life is expected; None for never."""
        return self._to.watchdog_s if self._socket is not None else None

    def ready(self, status: str) -> None:
        """The work has begun."""
        self._send("READY=1", _status(status))

    def alive(self, status: str) -> None:
        """The work goes on."""
        self._send("WATCHDOG=1", _status(status))

    def status(self, status: str) -> None:
        """How it stands, without vouching for it."""
        self._send(_status(status))

    def stopping(self) -> None:
        """The work ends."""
        self._send("STOPPING=1", _status("stopping"))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, *lines: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto("\n".join(lines).encode(), self._to.address)
            self._failed = False
        except OSError as error:  # the manager is restarting, or its queue is full; the next notice comes soon
            if not self._failed:
                log.warning("systemd.not_notified", error=error.strerror or type(error).__name__)
            self._failed = True


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split())[:_LONGEST_STATUS]
