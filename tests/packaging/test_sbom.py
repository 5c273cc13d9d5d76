"""A bill of materials that does not say what its lock says is found out."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ONE, TWO = "1" * 64, "2" * 64
LOCK = f"""first==1.0 \
    --hash=sha256:{ONE} \
    --hash=sha256:{TWO}
second-part==2.0.1 \
    --hash=sha256:{TWO}
"""


def check() -> Callable[[str, dict[str, Any]], list[str]]:
    spec = importlib.util.spec_from_file_location("check_sbom", ROOT / ".ci" / "check_sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    problems: Callable[[str, dict[str, Any]], list[str]] = module.problems
    return problems


def part(name: str, version: str, *hashes: str) -> dict[str, Any]:
    link = {"type": "distribution", "hashes": [{"alg": "SHA-256", "content": one} for one in hashes]}
    return {"type": "library", "name": name, "version": version, "externalReferences": [link]}


def bill(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "components": list(parts)}


def test_a_bill_that_says_what_the_lock_says_is_right() -> None:
    assert check()(LOCK, bill(part("first", "1.0", TWO, ONE), part("Second.Part", "2.0.1", TWO))) == []


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([part("first", "1.0", ONE, TWO)], "second-part 2.0.1 is missing"),
        ([part("first", "1.0", ONE), part("second-part", "2.0.1", TWO)], "the hashes of first 1.0 differ"),
        (
            [part("first", "1.0", ONE, TWO), part("second-part", "2.0.1", TWO), part("third", "3", ONE)],
            "third 3 is not in the lock",
        ),
    ],
)
def test_what_is_missing_foreign_or_of_another_hash_is_named(parts: list[dict[str, Any]], problem: str) -> None:
    assert check()(LOCK, bill(*parts)) == [problem]


def test_another_version_is_missing_and_foreign() -> None:
    found = check()(LOCK, bill(part("first", "1.1", ONE, TWO), part("second-part", "2.0.1", TWO)))
    assert found == ["first 1.0 is missing", "first 1.1 is not in the lock"]


def test_an_empty_lock_and_another_format_are_never_right() -> None:
    assert check()("", {"components": []}) == ["it is not of the CycloneDX format", "the lock is empty"]
