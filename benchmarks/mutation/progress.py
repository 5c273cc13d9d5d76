"""What has been tried, one line of JSON each, so that a run that was stopped goes on where it was.

A change that was noticed stays noticed while its file is the same; one that was not is tried again when tests change,
and then only with those that did.
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

    def passed(self, key: str, *, source: str) -> str:
        """Digest of the tests that a change has survived already; empty where it was never tried."""
        tried = self._tried.get(key)
        return tried.tests if tried is not None and tried.source == source and tried.fate is Fate.SURVIVED else ""

    def add(self, tried: Tried) -> None:
        self._tried[tried.key] = tried
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(tried), ensure_ascii=False) + "\n")


class TestFiles:
    """The tests of a target as they are now, and as they were whenever a change was tried."""

    __test__ = False  # not one of pytest's

    def __init__(self, root: Path, files: list[str], kept: Path) -> None:
        self.digest = digest(root, files)
        self._kept = kept
        self._now = {name: digest(root, [name]) for name in files}
        self._file(self.digest).write_text(json.dumps(self._now), encoding="utf-8")

    def same_as_in(self, tests: str) -> frozenset[str]:
        """Files that are what they were under another digest."""
        path = self._file(tests)
        then = json.loads(path.read_text(encoding="utf-8")) if tests and path.exists() else {}
        return frozenset(name for name, now in self._now.items() if then.get(name) == now)

    def _file(self, tests: str) -> Path:
        return self._kept / f"tests-{tests}.json"


def digest(root: Path, files: list[str]) -> str:
    """Of what files hold and are called."""
    sha = hashlib.sha256()
    for name in sorted(files):
        sha.update(name.encode() + b"\0" + (root / name).read_bytes() + b"\0")
    return sha.hexdigest()[:16]
