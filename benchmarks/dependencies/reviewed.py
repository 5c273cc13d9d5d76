"""locks/reviewed.toml: who looked at which version when, and with what result."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from benchmarks.dependencies.locked import Pin


class Verdict(StrEnum):
    """What is known of a version."""

    CLEAR = "clear"  # no advisory was found for the package since it is worth asking
    MENDED = "mended"  # earlier versions have some, this one does not
    OPEN = "open"  # this version has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """Known weaknesses of a package that have one remedy.

    Attributes:
        names: CVE or GHSA numbers.
        about: What can go wrong, in a few words.
        mended_in: The first version without them; empty where there is none.
        reach: Whether anybody could reach it through Keel.
        remedy: What is done.
    """

    package: str
    names: Sequence[str]
    about: str
    mended_in: str
    reach: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Somebody looked at a version."""

    looked_on: date
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The file.

    Attributes:
        looks: By pin.
        advisories: Of packages that are locked.
        avoided: Of versions that are never installed, although something asks for them; ``remedy`` says who asks.
    """

    looks: Mapping[Pin, Look]
    advisories: Sequence[Advisory]
    avoided: Sequence[Advisory]


def read(root: Path) -> Reviewed:
    """Raises: KeyError, ValueError, where the file is not of its form."""
    said = tomllib.loads((root / "locks" / "reviewed.toml").read_text(encoding="utf-8"))
    looks = {
        Pin(*pin.split("==")): Look(looked_on=day, verdict=Verdict(verdict))
        for pin, (day, verdict) in said["looked"].items()
    }
    return Reviewed(
        looks=looks,
        advisories=[Advisory(**one) for one in said["advisory"]],
        avoided=[Advisory(**one) for one in said["avoided"]],
    )
