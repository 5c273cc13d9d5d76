"""docs/correctness.md names tests that exist, and no property without one."""

import ast
import re
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "correctness.md").read_text(encoding="utf-8")
PROPERTY = re.compile(r"^\*\*([A-Z])(\d+)\.\*\*", re.MULTILINE)
NAMED = re.compile(r"^- `(tests/[^`]+\.py)::(test_\w+)`$", re.MULTILINE)


@cache
def functions_of(path: Path) -> frozenset[str]:
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def properties() -> dict[str, str]:
    """Text of each property by its number."""
    starts = [*PROPERTY.finditer(PAGE), None]
    return {
        f"{this[1]}{this[2]}": PAGE[this.start() : following.start() if following else len(PAGE)]
        for this, following in pairwise(starts)
        if this is not None
    }


@pytest.mark.parametrize(("path", "name"), NAMED.findall(PAGE), ids=lambda value: value.removeprefix("tests/"))
def test_every_named_test_exists(path: str, name: str) -> None:
    assert (ROOT / path).is_file(), f"{path} does not exist"
    assert name in functions_of(ROOT / path), f"{path} has no {name}"


def test_every_property_names_a_test_and_says_something() -> None:
    for number, text in properties().items():
        assert NAMED.search(text), f"{number} names no test"
        assert len(NAMED.sub("", text).split()) > 5, f"{number} says nothing"


def test_numbers_count_up_within_their_section() -> None:
    numbers = [(letter, int(number)) for letter, number in PROPERTY.findall(PAGE)]
    sections = [[number for _, number in group] for _, group in groupby(numbers, key=lambda pair: pair[0])]
    assert all(section == list(range(1, len(section) + 1)) for section in sections)
    assert len(sections) == len({letter for letter, _ in numbers})


def test_every_line_that_looks_like_a_test_is_read_as_one() -> None:
    assert PAGE.count("::") == len(NAMED.findall(PAGE))
    assert len(NAMED.findall(PAGE)) == len(set(NAMED.findall(PAGE)))
