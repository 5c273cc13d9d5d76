"""The tables of docs/dependencies.md. What stands outside the markers is written by hand and stays."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.dependencies.locked import Pin, lock_files, locks_of, pins
from benchmarks.dependencies.reviewed import Advisory, Reviewed, Verdict
from benchmarks.dependencies.times import RACES, ratio
from benchmarks.dependencies.weight import OWN_MEGABYTES, SIZES, STARTS, imported, installed_bytes, own_bytes
from benchmarks.machine import Machine


def advisories(reviewed: Reviewed, root: Path) -> str:
    """What is known of what is locked, and of what is not."""
    locks = locks_of(root)
    days = sorted({look.looked_on for look in reviewed.looks.values()})
    open_ = sum(look.verdict is Verdict.OPEN for look in reviewed.looks.values())
    mended = sum(look.verdict is Verdict.MENDED for look in reviewed.looks.values())
    verdict = "no locked version has a known advisory" if not open_ else f"**{open_} locked versions have one**"
    days_said = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    lines = [
        f"Looked at: {len(reviewed.looks)} versions in {len(lock_files(root))} locks, {days_said}; {verdict}."
        f" {mended} mend what earlier versions had:",
        "",
        "| package | locked | in | advisories | what | mended in | reach in Keel | remedy |",
        "|---|---|---|---|---|---|---|---|",
        *(_locked_row(one, locks) for one in reviewed.advisories),
        "",
        "Deliberately not installed, though something asks for it:",
        "",
        "| asked for | advisories | what | mended in | reach in Keel | remedy |",
        "|---|---|---|---|---|---|",
        *(f"| {one.package} | {_names(one)} | {one.about} | {one.mended_in or 'nowhere'} | {one.reach} | {one.remedy} |"
          for one in reviewed.avoided),
    ]  # fmt: skip
    return "\n".join(lines)


def weights(root: Path) -> str:
    """What starts and environments come to here, beside their budgets; takes about a minute."""
    lines = [
        f"Measured on {Machine.here()}.",
        "",
        "| start | modules | budget | third parties |",
        "|---|---|---|---|",
    ]
    for start in STARTS:
        count, third = imported(start, root)
        lines.append(f"| {start.name} | {count} | {start.modules} | {_listed(third)} |")
    lines += ["", "| lock | distributions | budget | installed | budget | largest |", "|---|---|---|---|---|---|"]
    for size in SIZES:
        lock = next(path for path in lock_files(root) if path.stem == size.lock)
        found = installed_bytes(lock)
        largest = sorted(found, key=lambda name: -found[name])[:4]
        lines.append(
            f"| {size.lock} | {len(pins(lock))} | {size.distributions} | {sum(found.values()) / 1e6:.0f} MB"
            f" | {size.megabytes} MB | {', '.join(f'{name} {found[name] / 1e6:.0f}' for name in largest)} |"
        )
    lines.append(f"| Keel itself | 1 | | {own_bytes(root) / 1e6:.1f} MB | {OWN_MEGABYTES} MB | |")
    lines += ["", "| start | time | beside | ratio |", "|---|---|---|---|"]
    for race in RACES:
        ours_s, times = ratio(race, root)
        lines.append(f"| {race.ours} | {ours_s * 1_000:.0f} ms | {race.peer} | {times:.2f} |")
    return "\n".join(lines)


def replaced(page: str, name: str, text: str) -> str:
    """The page with another text between the markers. Raises: ValueError, where it lacks them."""
    begin, end = f"<!-- {name} -->", f"<!-- end: {name} -->"
    before, found, rest = page.partition(f"{begin}\n")
    _, ended, after = rest.partition(f"{end}\n")
    if not found or not ended:
        raise ValueError(f"docs/dependencies.md lacks {begin} or {end}; write both where the table shall stand")
    return f"{before}{begin}\n{text}\n{end}\n{after}"


def _locked_row(one: Advisory, locks: Mapping[Pin, Sequence[str]]) -> str:
    found = [(pin.version, names) for pin, names in locks.items() if pin.name == one.package]
    versions = ", ".join(version for version, _ in found)
    held = _listed({name for _, names in found for name in names})
    return (
        f"| {one.package} | {versions} | {held} | {_names(one)} | {one.about} | {one.mended_in or 'nowhere'}"
        f" | {one.reach} | {one.remedy} |"
    )


def _names(one: Advisory) -> str:
    return ", ".join(one.names) or "none known"


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
