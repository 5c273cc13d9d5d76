"""The tests of a target in one process: collected once, then run in a child for every change of a function.

A function gets the changed code put in its place, so no module is imported again. What happens at the import of a
module (tables, constants, SQL) is changed on the way in, in a process that has not imported it yet.
"""

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

PROFILE = "mutation"
_OPTIONS = (
    "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler", "--capture=no",
    "-o", "timeout=0", "-o", "addopts=", "-p", "no:pytest_anchorpy", "-p", "no:simcord", "--import-mode=importlib",
    "--no-header", "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip


def prepare() -> None:
    """The same examples every time, and none made smaller: what fails is enough to know."""
    settings.register_profile(
        PROFILE, deadline=None, max_examples=15, derandomize=True, database=None,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
    )  # fmt: skip


class Suite:
    """A pytest plugin: collects, and hands the collected tests to whoever works with them."""

    def __init__(self, work: "Callable[[Suite], None]") -> None:
        self._work = work
        self.items: list[pytest.Item] = []
        self.failed: str | None = None

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = session.items
        self._work(self)
        return True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file whose cases cannot even be built has noticed as well."""
        if report.failed and self.failed is None:
            self.failed = report.nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid

    def run(self, items: Sequence[pytest.Item], before: Callable[[pytest.Item], None] | None = None) -> str | None:
        """Run tests until one fails, in this process; its name."""
        if self.failed is not None:
            return self.failed
        for index, item in enumerate(items):
            if before is not None:
                before(item)
            following = items[index + 1] if index + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed is not None:
                return self.failed
        return None


def collect(tests: Sequence[str], suite: Suite) -> int:
    """Collect tests and let the suite do its work. Returns pytest's exit code."""
    return int(pytest.main([*_OPTIONS, *tests], plugins=[suite]))


class LiveFunctions:
    """The functions of this process by file, name and line; their code can be exchanged."""

    def __init__(self, files: Sequence[str]) -> None:
        self._by_code: dict[tuple[str, str, int], list[FunctionType]] = {}
        wanted = set(files)
        for found in gc.get_objects():
            if isinstance(found, FunctionType) and found.__code__.co_filename in wanted:
                self._by_code.setdefault(_name(found.__code__), []).append(found)

    def exchange(self, module: CodeType, file: str, where: str, line: int) -> bool:
        """Put the code of one function of a compiled module in place of the living one's; False where none lives."""
        for code in _codes(module):
            if code.co_qualname == where and code.co_firstlineno == line:
                living = self._by_code.get((file, where, line), [])
                for function in living:
                    function.__code__ = code
                return bool(living)
        return False


def _name(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


class ChangedImport(importlib.abc.MetaPathFinder):
    """Gives one module another code when it is imported."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        self._name, self._path, self._code = name, path, code
        self.imported = False

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> Any:
        if fullname != self._name:
            return None
        loader = _Loader(fullname, self._path, self)
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)

    def install(self) -> None:
        sys.meta_path.insert(0, self)

    @property
    def code(self) -> CodeType:
        return self._code


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, change: ChangedImport) -> None:
        super().__init__(fullname, path)
        self._change = change

    def get_code(self, fullname: str) -> CodeType:
        return self._change.code

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        self._change.imported = True
