"""python -m benchmarks.mutation [proposals] [presses] [margin] [signer] [--jobs N] [--hours H] [--survivors]

Changes the sources of a target in a thousand small ways, one at a time and in memory alone, and runs the tests that
reach each change. What nobody notices is a test that is missing, or is explained in benchmarks/mutation/explained.toml.
A run that is stopped goes on where it was: what was tried is kept in build/mutation. The result is written between the
markers of docs/mutation.md. The exit code is 1 where less than 90 % was noticed, a survivor is unexplained, or time
was up before everything was tried.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.mutation.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "mutation"
_COPIED = ("risk", "venues", "storage", "bot", "tests", "benchmarks", "pyproject.toml")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description="Do the tests notice?")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all when none is named")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once; 2 when not said")
    parser.add_argument(
        "--hours", type=float, default=2.0, help="stop beginning new ones after this long; 2 when not said"
    )
    parser.add_argument("--survivors", action="store_true", help="only say what is known to have survived")
    parser.add_argument("--kept", type=Path, default=KEPT, help=argparse.SUPPRESS)
    parser.add_argument("--in-copy", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = [name for name in given.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]!r}; choose of {', '.join(TARGETS)}")
    names = given.targets or list(TARGETS)
    if given.in_copy:
        _try_all(names, jobs=given.jobs, hours=given.hours, kept=given.kept)
        return
    tree = given.kept / "tree"
    if not given.survivors:
        _copy(tree)
        _in_copy(tree, names, jobs=given.jobs, hours=given.hours, kept=given.kept)
    sys.exit(0 if _told(names, tree, given.kept, write=not given.survivors) else 1)


def _copy(tree: Path) -> None:
    """The sources as they are now, so that whoever works on them meanwhile does not disturb the run."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, tree / name)


def _in_copy(tree: Path, names: list[str], *, jobs: int, hours: float, kept: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.mutation", "--in-copy", "--jobs", str(jobs), "--hours", str(hours)]
    environment = {
        **os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HYPOTHESIS_PROFILE": "mutation",
        "KEEL_MATERIAL": os.environ.get("KEEL_MATERIAL", f"{ROOT.parent / 'shared'}"),
    }  # fmt: skip
    # S603: this interpreter and a program of the repository.
    done = subprocess.run([*command, "--kept", f"{kept}", *names], cwd=tree, env=environment, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(done.returncode)


def _try_all(names: list[str], *, jobs: int, hours: float, kept: Path) -> None:
    from benchmarks.mutation.reach import TestsFail
    from benchmarks.mutation.trial import Trial

    until_s = time.monotonic() + hours * 3_600
    for name in names:
        target = TARGETS[name]
        if not target.files(Path.cwd()):
            print(f"{name}: {', '.join(target.sources)} do not exist yet; nothing to change", file=sys.stderr)
            continue
        try:
            Trial(target, root=Path.cwd(), kept=kept, jobs=jobs, until_s=until_s).run()
        except TestsFail as failed:
            sys.exit(f"{name}: {failed}")


def _told(names: list[str], tree: Path, kept: Path, *, write: bool) -> bool:
    """Say, and write, what became of the targets; whether all is as it must be."""
    from benchmarks.machine import Machine
    from benchmarks.mutation.outcome import explanations, outcome
    from benchmarks.mutation.page import LEAST_FRAC, block, replaced

    sound = True
    page = ROOT / "docs" / "mutation.md"
    for name in names:
        target = TARGETS[name]
        if not target.files(tree):
            continue
        found = outcome(target, root=tree, kept=kept, known=explanations())
        for one in found.survivors:
            if one.why is None:
                print(f"{one.change.path}: {one.change.where or one.change.statement}: {one.change.text}")
        print(
            f"{name}: {found.tried} tried, {found.noticed_frac:.1%} noticed, {len(found.survivors)} survived"
            f" ({found.unexplained} unexplained), {found.untried} not tried yet; say the same command again to go on",
            file=sys.stderr,
        )
        if write and found.tried:
            text = replaced(page.read_text(encoding="utf-8"), name, block(found, Machine.here()))
            page.write_text(text, encoding="utf-8")
        sound = sound and found.noticed_frac >= LEAST_FRAC and not found.unexplained and not found.untried
    return sound


if __name__ == "__main__":
    main()
