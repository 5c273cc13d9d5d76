"""Which test executes which line, and how long it takes: one run of the tests under coverage."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest

from benchmarks.mutation.suite import Suite, collect

_IMPORT = ""
"""The context of what runs when modules are imported."""


class TestsFail(Exception):
    """The tests fail without any change; its text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a run has shown.

    Attributes:
        seconds: By test, in the order of collection.
        by_line: By file and line, the tests that execute it.
        at_import: By file, the lines executed when modules are imported.
    """

    seconds: Mapping[str, float]
    by_line: Mapping[str, Mapping[int, Sequence[str]]]
    at_import: Mapping[str, frozenset[int]]

    def tests_of(self, path: str, lines: tuple[int, int]) -> set[str]:
        found = self.by_line.get(path, {})
        return {test for line in range(lines[0], lines[1] + 1) for test in found.get(line, ())}

    def is_import(self, path: str, lines: tuple[int, int]) -> bool:
        return any(line in self.at_import.get(path, frozenset()) for line in range(lines[0], lines[1] + 1))


def measure(root: Path, files: Sequence[str], tests: Sequence[str]) -> str:
    """Run the tests in this process. Returns what ``read`` makes a Reach of. Raises: TestsFail."""
    tracer = coverage.Coverage(data_file=None, include=[f"{root / name}" for name in files], config_file=False)
    seconds: dict[str, float] = {}
    running: list[tuple[str, float]] = []

    def enter(item: pytest.Item) -> None:
        leave()
        running.append((item.nodeid, time.process_time()))
        tracer.switch_context(item.nodeid)

    def leave() -> None:
        if running:
            name, began = running.pop()
            seconds[name] = time.process_time() - began

    def work(suite: Suite) -> None:
        suite.run(suite.items, before=enter)
        leave()

    suite = Suite(work)
    tracer.start()
    collect(tests, suite)
    tracer.stop()
    if suite.failed is not None or not seconds:
        raise TestsFail(f"{suite.failed or 'the collection'} fails without any change; mend that first")
    data = tracer.get_data()
    lines = {name: data.contexts_by_lineno(f"{root / name}") for name in files}
    return json.dumps({"seconds": seconds, "lines": lines})


def read(text: str) -> Reach:
    said = json.loads(text)
    by_line: dict[str, dict[int, list[str]]] = {}
    at_import: dict[str, frozenset[int]] = {}
    for name, lines in said["lines"].items():
        by_line[name] = {int(line): [one for one in tests if one != _IMPORT] for line, tests in lines.items()}
        at_import[name] = frozenset(int(line) for line, tests in lines.items() if _IMPORT in tests)
    return Reach(seconds=said["seconds"], by_line=by_line, at_import=at_import)
