"""What the lock files pin."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PIN = re.compile(r"^([\w.-]+)==(\S+)", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """A distribution, by its normal name, and its exact version."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def lock_files(root: Path) -> list[Path]:
    """Every lock of every Python."""
    return sorted((root / "locks").glob("*/*.txt"))


def pins(lock: Path) -> list[Pin]:
    return [Pin(_normal(name), version) for name, version in _PIN.findall(lock.read_text(encoding="utf-8"))]


def locks_of(root: Path) -> Mapping[Pin, list[str]]:
    """In which locks a pin stands, such as ["core", "dev"]; Pythons are not told apart."""
    found: dict[Pin, list[str]] = {}
    for lock in lock_files(root):
        for pin in pins(lock):
            names = found.setdefault(pin, [])
            if lock.stem not in names:
                names.append(lock.stem)
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
