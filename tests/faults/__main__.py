"""python -m tests.faults [NAME...] [--write]: named faults, listed or injected one by one."""

import argparse
import sys
from collections.abc import Mapping, Sequence

try:
    import solders  # noqa: F401  # what the faults are injected with needs all that a developer has
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed; make .venv/.dev .venv/.project installs what the faults need")

from benchmarks.machine import Machine
from benchmarks.reliability.outcome import Outcome
from benchmarks.reliability.page import write
from benchmarks.reliability.tested import run
from tests.faults import FAULTS, SECTIONS, Fault, Part


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Breaks things on purpose, by name.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the list that is printed when none is given")
    parser.add_argument("--write", action="store_true", help="put what was measured into docs/reliability.md")
    given = parser.parse_args()
    by_name = {fault.name: fault for fault in FAULTS}
    unknown = [name for name in given.names if name not in by_name]
    if unknown:
        parser.error(f"there is no fault {unknown[0]!r}; python -m tests.faults lists them")
    if not given.names:
        sys.stdout.write(listed())
        return
    sound = True
    for part, faults in _by_part([by_name[name] for name in given.names]).items():
        machine = Machine.here()
        outcomes = run(faults) if part is Part.TESTS else _drilled(part)
        sys.stdout.writelines(f"{name}: {one.measured} (wanted: {one.target})\n" for name, one in outcomes.items())
        if given.write:
            write(part, machine, outcomes)
        sound = sound and all(one.met for one in outcomes.values())
    sys.exit(0 if sound else 1)


def listed() -> str:
    """Every fault under the heading of its section, with what it proves."""
    width = max(len(fault.name) for fault in FAULTS)
    blocks = (
        "\n".join([section.title, *(f"  {one.name:{width}}  {one.what} -> {one.must}" for one in section.faults)])
        for section in SECTIONS
    )
    return "\n\n".join(blocks) + "\n"


def _drilled(part: Part) -> Mapping[str, Outcome]:
    from benchmarks.reliability.__main__ import measured  # imports the whole bot, which nobody else here needs

    return measured(part)


def _by_part(faults: Sequence[Fault]) -> Mapping[Part, Sequence[Fault]]:
    part_of = {fault.name: section.part for section in SECTIONS for fault in section.faults}
    return {part: own for part in Part if (own := [fault for fault in faults if part_of[fault.name] is part])}


if __name__ == "__main__":
    main()
