"""The locks: hashed, free of addresses, consistent with each other and with pyproject.toml."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHONS: Final = {"py311": "3.11", "py312": "3.12", "py313": "3.13"}
EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "core": (),
    "drift": ("solana", "drift"),
    "dev": ("solana", "drift", "dev"),
}
LOCKS: Final = [(python, lock) for python in PYTHONS for lock in EXTRAS]

# driftpy 0.8.89's own exact pins that its corrected metadata replaces; locks/reviewed.toml has their advisories.
OLD_PINS: Final = {
    "certifi": "2025.1.31",
    "h11": "0.14.0",
    "idna": "3.4",
    "urllib3": "1.26.13",
    "grpcio": "1.68.1",
    "protobuf": "5.29.2",
    "aiosignal": "1.3.1",
    "anyio": "4.4.0",
    "attrs": "22.2.0",
    "charset-normalizer": "2.1.1",
    "construct": "2.10.68",
    "httpcore": "1.0.7",
    "packaging": "23.1",
    "toolz": "0.11.2",
    "websockets": "13.0",
}
FLOORS: Final = {
    "aiohttp": "3.14",
    "certifi": "2026.10",
    "h11": "0.16",
    "idna": "3.20",
    "numpy": "2.4",
    "requests": "2.34",
    "urllib3": "2.8",
}


def lock_text(python: str, lock: str) -> str:
    return (ROOT / "locks" / python / f"{lock}.txt").read_text(encoding="utf-8")


def pinned(python: str, lock: str) -> dict[str, Version]:
    """Canonical distribution name -> the version it is locked to."""
    pins = re.findall(r"^([\w.-]+)==(\S+)", lock_text(python, lock), flags=re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in pins}


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def direct_requirements(python: str, lock: str) -> list[Requirement]:
    """What pyproject.toml asks of one lock, without what its markers exclude there and without the project itself."""
    table = project()
    lines = [
        *table["dependencies"],
        *(line for extra in EXTRAS[lock] for line in table["optional-dependencies"][extra]),
    ]
    environment = {"python_version": PYTHONS[python], "sys_platform": "linux", "platform_machine": "x86_64"}
    wanted = [Requirement(line) for line in lines]
    return [r for r in wanted if r.name != table["name"] and (r.marker is None or r.marker.evaluate(environment))]


def test_there_is_a_directory_of_locks_for_every_supported_python() -> None:
    directories = {path.name for path in (ROOT / "locks").iterdir() if path.is_dir()}
    classifiers = {f"py{c.rpartition(' ')[2].replace('.', '')}" for c in project()["classifiers"] if ":: 3." in c}

    assert directories == set(PYTHONS) == classifiers


@pytest.mark.parametrize(("python", "lock"), LOCKS)
def test_every_line_is_an_exact_version_with_hashes(python: str, lock: str) -> None:
    entries = lock_text(python, lock).replace("\\\n", " ").splitlines()

    assert entries
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==[\w.+!]+(\s+--hash=sha256:[0-9a-f]{64})+\s*", entry), entry[:80]


@pytest.mark.parametrize(("python", "lock"), LOCKS)
def test_no_line_names_an_address_or_an_option_of_an_index(python: str, lock: str) -> None:
    found = re.findall(r"\w+://\S*|--(?!hash)\S+|@ \S+", lock_text(python, lock))

    assert found == []


@pytest.mark.parametrize("python", PYTHONS)
def test_an_environment_only_grows_from_core_to_drift_to_dev(python: str) -> None:
    core, drift, dev = (pinned(python, lock) for lock in ("core", "drift", "dev"))

    assert core.items() <= drift.items() <= dev.items()


@pytest.mark.parametrize(("python", "lock"), LOCKS)
def test_every_direct_dependency_is_locked_within_its_bounds(python: str, lock: str) -> None:
    versions = pinned(python, lock)

    for requirement in direct_requirements(python, lock):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not locked"
        assert requirement.specifier.contains(version), f"{requirement} does not allow the locked {version}"


@pytest.mark.parametrize("python", PYTHONS)
def test_the_core_is_free_of_what_reads_the_chain(python: str) -> None:
    assert pinned(python, "core").keys().isdisjoint({"solana", "solders", "driftpy", "anchorpy", "driftpyrs"})


@pytest.mark.parametrize(("python", "lock"), LOCKS)
def test_no_old_pin_of_driftpy_is_used(python: str, lock: str) -> None:
    versions = pinned(python, lock)

    old = {
        name: str(versions[name])
        for name, pin in OLD_PINS.items()
        if name in versions and versions[name] <= Version(pin)
    }
    low = {
        name: str(versions[name])
        for name, least in FLOORS.items()
        if name in versions and versions[name] < Version(least)
    }
    assert old == {}
    assert low == {}
