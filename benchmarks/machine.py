"""Facts a figure means nothing without."""

import os
import platform
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_QUIET_FRAC = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where and when a run was made.

    Attributes:
        cores: Those this process may use.
        load: Mean number of busy processes over the minute before the run; above 0.5 or so, others were at work.
        driftpy: Empty where it is not installed.
    """

    measured_at: datetime
    system: str
    cores: int
    load: float
    python: str
    numpy: str
    driftpy: str

    @classmethod
    def here(cls) -> "Machine":
        return cls(
            measured_at=datetime.now(UTC),
            system=f"{platform.system()} {platform.machine()}",
            cores=len(os.sched_getaffinity(0)),
            load=os.getloadavg()[0],
            python=platform.python_version(),
            numpy=_version("numpy"),
            driftpy=_version("driftpy"),
        )

    def facts(self) -> dict[str, str | int | float]:
        """For JSON."""
        return {
            "measured_at": self.measured_at.isoformat(timespec="seconds"), "system": self.system, "cores": self.cores,
            "load": self.load, "python": self.python, "numpy": self.numpy, "driftpy": self.driftpy,
        }  # fmt: skip

    def __str__(self) -> str:
        driftpy = f"driftpy {self.driftpy}" if self.driftpy else "no driftpy, so no peers"
        return (
            f"{self.measured_at:%Y-%m-%d %H:%M} UTC, {self.system}, {self.cores} cores (load {self.load:.1f}),"
            f" Python {self.python}, numpy {self.numpy}, {driftpy}"
        )


def wait_until_idle(patience_s: float) -> None:
    """Return once the cores have had little to do for a second, or when patience is over."""
    until_s = time.monotonic() + patience_s
    while time.monotonic() < until_s and _idle_frac() < _QUIET_FRAC:
        pass


def _idle_frac() -> float:
    before, started_s = _idle_s(), time.monotonic()
    time.sleep(1.0)
    return (_idle_s() - before) / (time.monotonic() - started_s) / (os.cpu_count() or 1)


def _idle_s() -> float:
    """Seconds all cores together have been idle since the start of the machine."""
    return float(Path("/proc/uptime").read_text().split()[1])


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
