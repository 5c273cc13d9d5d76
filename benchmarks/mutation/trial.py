"""Every change of a target tried against its tests, each in a process of its own that is forked and thrown away.

Nothing is written into the sources: the changed code exists in the child alone.
"""

import os
import select
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.mutation.changes import Change, Program, changes
from benchmarks.mutation.progress import Fate, Progress, TestFiles, Tried, digest
from benchmarks.mutation.quiet import Child, Ended, fork, wait
from benchmarks.mutation.reach import Reach, TestsFail, measure, read
from benchmarks.mutation.suite import ChangedImport, LiveFunctions, Suite, collect, prepare
from benchmarks.mutation.targets import Target

_BASELINE_CPU_S = 900
_TOLERANCE = 3
"""Times as much as the tests have taken before, a changed program may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    change: Change
    program: Program
    source: str


class Trial:
    """One target on its way."""

    def __init__(self, target: Target, *, root: Path, kept: Path, jobs: int, until_s: float) -> None:
        self._target, self._root, self._kept, self._jobs, self._until_s = target, root, kept, jobs, until_s
        self._files, self._test_files = target.files(root), target.test_files(root)
        self._progress = Progress(kept / f"{target.name}.jsonl")
        self._tests = TestFiles(root, self._test_files, kept)
        self._killers: Counter[str] = Counter()
        self._done = self._all = 0

    def run(self) -> bool:
        """Try what has not been tried. Returns whether nothing is left. Raises: TestsFail."""
        prepare()
        tasks = list(self._tasks())
        left = [task for task in tasks if not self._known(task)]
        self._all, self._done = len(tasks), len(tasks) - len(left)
        self._say()
        if not left:
            return True
        reach = self._reach()
        inside = [task for task in left if task.change.where and not self._at_import(task, reach)]
        outside = [task for task in left if not task.change.where or self._at_import(task, reach)]
        self._all_in_one_process(inside, reach)
        self._progress = Progress(self._kept / f"{self._target.name}.jsonl")
        self._done = sum(1 for task in tasks if self._known(task))
        self._each(outside, lambda task: self._forked_import(task, reach))
        return all(self._known(task) for task in tasks)

    def _tasks(self) -> Iterator[_Task]:
        for name in self._files:
            path = self._root / name
            program = Program(name, path.read_text(encoding="utf-8"), file=f"{path}")
            source = digest(self._root, [name])
            for change in changes(program):
                yield _Task(change=change, program=program, source=source)

    def _known(self, task: _Task) -> bool:
        return self._progress.known(task.change.key, source=task.source, tests=self._tests.digest) is not None

    @staticmethod
    def _at_import(task: _Task, reach: Reach) -> bool:
        """Some functions only make a constant."""
        change = task.change
        return not reach.tests_of(change.path, change.lines) and reach.is_import(change.path, change.lines)

    def _reach(self) -> Reach:
        path = self._kept / f"{self._target.name}-reach-{self._tests.digest}-{digest(self._root, self._files)}.json"
        if not path.exists():
            print(f"{self._target.name}: the tests as they are ...", file=sys.stderr, flush=True)

            def work() -> dict[str, object]:
                try:
                    path.write_text(measure(self._root, self._files, self._test_files), encoding="utf-8")
                except TestsFail as failed:
                    return {"failed": str(failed)}
                return {}

            ended = wait(fork(work, cpu_s=_BASELINE_CPU_S))
            if not path.exists():
                raise TestsFail(f"{ended.said.get('failed', 'the tests did not come to their end')}")
        return read(path.read_text(encoding="utf-8"))

    # Changes of functions.

    def _all_in_one_process(self, tasks: Sequence[_Task], reach: Reach) -> None:
        """Collect in a child, so that this process stays free of the project's modules; it forks again for each."""
        if not tasks:
            return
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
            return
        try:

            def work(suite: Suite) -> None:
                items = {item.nodeid: item for item in suite.items}
                living = LiveFunctions([f"{self._root / name}" for name in self._files])
                self._each(tasks, lambda task: self._forked_function(task, suite, items, living, reach))

            collect(self._test_files, Suite(work))
        finally:
            os._exit(0)

    def _forked_function(
        self, task: _Task, suite: Suite, items: dict[str, pytest.Item], living: LiveFunctions, reach: Reach
    ) -> Child | None:
        change = task.change
        names = self._ordered(self._untried(task, reach.tests_of(change.path, change.lines)), reach)
        if not names:
            return None

        def work() -> dict[str, object]:
            try:
                code = task.program.compiled(change)
            except (SyntaxError, ValueError, TypeError):
                return {"stillborn": True}
            if not living.exchange(code, task.program.file, change.where, change.first_line):
                return {"lost": True}
            return {"by": suite.run([items[name] for name in names])}

        return fork(work, cpu_s=_TOLERANCE * sum(reach.seconds[name] for name in names))

    # Changes of what happens at import.

    def _forked_import(self, task: _Task, reach: Reach) -> Child | None:
        module = task.change.path.removesuffix(".py").replace("/", ".")
        names = self._ordered(self._untried(task, set(reach.seconds)), reach)
        order = {name: place for place, name in enumerate(names)}
        if not names:
            return None

        def work() -> dict[str, object]:
            try:
                code = task.program.compiled(task.change)
            except (SyntaxError, ValueError, TypeError):
                return {"stillborn": True}
            changed = ChangedImport(module, task.program.file, code)
            changed.install()
            found: list[str | None] = []

            def run(suite: Suite) -> None:
                items = [item for item in suite.items if item.nodeid in order]
                found.append(suite.run(sorted(items, key=lambda item: order[item.nodeid])))

            collect(self._test_files, Suite(run))
            if not changed.imported:
                return {"stillborn": True}
            return {"by": found[0] if found else "the collection of the tests"}

        return fork(work, cpu_s=_TOLERANCE * sum(reach.seconds[name] for name in names))

    # Both.

    def _untried(self, task: _Task, names: set[str]) -> set[str]:
        """Without tests that let the change pass before, and are the same."""
        passed = self._tests.same_as_in(self._progress.passed(task.change.key, source=task.source))
        return {name for name in names if name.partition("::")[0] not in passed}

    def _ordered(self, names: set[str], reach: Reach) -> list[str]:
        """Who has noticed much, and then who is quick, first."""
        return sorted(names, key=lambda name: (-self._killers[name], reach.seconds[name]))

    def _each(self, tasks: Sequence[_Task], begin: Callable[[_Task], Child | None]) -> None:
        waiting = list(reversed(tasks))
        running: dict[int, tuple[_Task, Child]] = {}
        while waiting or running:
            while waiting and len(running) < self._jobs and time.monotonic() < self._until_s:
                task = waiting.pop()
                child = begin(task)
                if child is None:
                    self._note(task, Ended({"by": None}, 0.0, False))
                else:
                    running[child.report] = task, child
            if not running:
                return
            ready, _, _ = select.select(list(running), [], [])
            for report in ready:
                task, child = running.pop(report)
                self._note(task, wait(child))

    def _note(self, task: _Task, ended: Ended) -> None:
        by = ended.said.get("by")
        if ended.said.get("lost"):
            raise RuntimeError(f"nobody found the function of {task.change.key}; this is a defect of the runner")
        if ended.said.get("stillborn"):
            fate = Fate.STILLBORN
        elif ended.too_long:
            fate = Fate.TOO_LONG
        elif not ended.said:
            fate, by = Fate.KILLED, "the interpreter"
        else:
            fate = Fate.KILLED if by else Fate.SURVIVED
        if by:
            self._killers[str(by)] += 1
        self._progress.add(Tried(
            key=task.change.key, source=task.source, tests=self._tests.digest, fate=fate, by=str(by or ""),
            cpu_s=round(ended.cpu_s, 3),
        ))  # fmt: skip
        self._done += 1
        if self._done % 25 == 0 or self._done == self._all:
            self._say()

    def _say(self) -> None:
        print(f"{self._target.name}: {self._done} of {self._all}", file=sys.stderr, flush=True)
