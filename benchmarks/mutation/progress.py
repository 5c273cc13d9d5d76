"""What has been tried, one line of JSON each, so that a run that was stopped goes on where it was.

A change that was noticed stays noticed while its file is the same; one that was not is tried again when tests change.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path


class Fate(StrEnum):
    """What the tests made of a change."""

    KILLED = "killed"
    TOO_LONG = "too long"
    SURVIVED = "survived"
    STILLBORN = "stillborn"

    @property
    def noticed(self) -> bool:
        return self in (Fate.KILLED, Fate.TOO_LONG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One change and its fate.

    Attributes:
        source: Digest of the file that was changed.
        tests: Digest of all tests of the target.
        by: The test that noticed; empty when none did.
        cpu_s: Seconds of a core it took.
    """

    key: str
    source: str
    tests: str
    fate: Fate
    by: str
    cpu_s: float


class Progress:
    """The file of one target."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._tried: dict[str, Tried] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                read = json.loads(line)
            except ValueError:
                continue  # the line that was being written when it was stopped
            self._tried[read["key"]] = Tried(**{**read, "fate": Fate(read["fate"])})

    def known(self, key: str, *, source: str, tests: str) -> Tried | None:
        """What is known of a change and still holds."""
        tried = self._tried.get(key)
        if tried is None or tried.source != source:
            return None
        return tried if tried.fate is not Fate.SURVIVED or tried.tests == tests else None

    def add(self, tried: Tried) -> None:
        self._tried[tried.key] = tried
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(tried), ensure_ascii=False) + "\n")


def digest(root: Path, files: list[str]) -> str:
    """Of what files hold and are called."""
    sha = hashlib.sha256()
    for name in sorted(files):
        sha.update(name.encode() + b"\0" + (root / name).read_bytes() + b"\0")
    return sha.hexdigest()[:16]
