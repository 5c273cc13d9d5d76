"""What a child process does differently: it says nothing, has an end, and reports through a pipe."""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

_PATIENCE_S = 240
_GRACE_CPU_S = 10


@dataclass(frozen=True, slots=True)
class Child:
    """A process on its way.

    Attributes:
        report: The pipe's end to read.
    """

    pid: int
    report: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended.

    Attributes:
        said: The JSON it wrote; empty where it died before.
        cpu_s: Of it and its own children.
    """

    said: dict[str, object]
    cpu_s: float
    too_long: bool


def fork(work: Callable[[], dict[str, object]], *, cpu_s: float) -> Child:
    """Do work in a child; what it returns is read by ``wait``."""
    reads, writes = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(writes)
        return Child(pid, reads)
    code = 1
    try:
        os.close(reads)
        _silence()
        limit = int(cpu_s) + _GRACE_CPU_S
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_PATIENCE_S)  # for one that waits for ever without calculating; pytest-timeout is off
        said = json.dumps(work()).encode()
        with os.fdopen(writes, "wb") as pipe:
            pipe.write(said)
        code = 0
    finally:
        os._exit(code)


def wait(child: Child) -> Ended:
    with os.fdopen(child.report, "rb") as pipe:
        said = pipe.read()
    _, status, usage = os.wait4(child.pid, 0)
    stopped = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL)
    return Ended(json.loads(said) if said else {}, usage.ru_utime + usage.ru_stime, stopped)


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
