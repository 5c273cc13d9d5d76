"""What became of all changes of a target, and why those that nobody noticed are no weakness."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.mutation.changes import Change, Program, changes
from benchmarks.mutation.progress import Fate, Progress, Tried, digest
from benchmarks.mutation.targets import Target

EXPLAINED = Path(__file__).with_name("explained.toml")


class Excuse(StrEnum):
    """Why a change may survive."""

    EQUIVALENT = "equivalent"  # nothing that anybody can see depends on it
    ACCEPTED = "accepted"  # it is a change, and not worth a test


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why changes of one text in one function survive.

    Attributes:
        where: The function; empty at the level of module or class.
        change: The text of the change, before and after.
        statement: First line of its statement, where the same change stands in several; else empty.
    """

    path: str
    where: str
    change: str
    statement: str
    excuse: Excuse
    reason: str

    def covers(self, change: Change) -> bool:
        same = (self.path, self.where, self.change) == (change.path, change.where, change.text)
        return same and self.statement in ("", change.statement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A change nobody noticed; ``why`` is None where nobody has looked at it."""

    change: Change
    why: Explanation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A target's run.

    Attributes:
        stillborn: No program: it cannot be compiled or imported. Counted nowhere else.
        untried: Of sources as they are now.
        cpu_s: Of all changes together.
    """

    target: Target
    killed: int
    too_long: int
    stillborn: int
    survivors: Sequence[Survivor]
    untried: int
    cpu_s: float

    @property
    def tried(self) -> int:
        return self.killed + self.too_long + len(self.survivors)

    @property
    def noticed_frac(self) -> float:
        """Of all that were tried, those that change nothing included; NaN where none was."""
        return (self.killed + self.too_long) / self.tried if self.tried else float("nan")

    def excused(self, excuse: Excuse) -> int:
        return sum(one.why is not None and one.why.excuse is excuse for one in self.survivors)

    @property
    def unexplained(self) -> int:
        return sum(one.why is None for one in self.survivors)


def explanations(path: Path = EXPLAINED) -> list[Explanation]:
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Explanation(
            path=one["path"], where=one["where"], change=change, statement=one.get("statement", ""),
            excuse=Excuse(one["excuse"]), reason=one["reason"],
        )
        for one in read.get("survivor", [])
        for change in one["changes"]
    ]  # fmt: skip


def outcome(target: Target, *, root: Path, kept: Path, known: Sequence[Explanation]) -> Outcome:
    """What the progress says of the sources and tests as they are in a folder."""
    progress = Progress(kept / f"{target.name}.jsonl")
    tests = digest(root, target.test_files(root))
    tried: list[tuple[Change, Tried]] = []
    untried = 0
    for name in target.files(root):
        source = digest(root, [name])
        for change in changes(Program(name, (root / name).read_text(encoding="utf-8"))):
            found = progress.known(change.key, source=source, tests=tests)
            if found is None:
                untried += 1
            else:
                tried.append((change, found))
    fates = [found.fate for _, found in tried]
    survivors = [
        Survivor(change=change, why=next((one for one in known if one.covers(change)), None))
        for change, found in tried
        if found.fate is Fate.SURVIVED
    ]
    return Outcome(
        target=target, killed=fates.count(Fate.KILLED), too_long=fates.count(Fate.TOO_LONG),
        stillborn=fates.count(Fate.STILLBORN), survivors=survivors, untried=untried,
        cpu_s=sum(found.cpu_s for _, found in tried),
    )  # fmt: skip
