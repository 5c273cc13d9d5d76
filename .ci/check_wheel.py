"""Exit with a message unless the one wheel in a directory holds the four packages, typed, and nothing else."""

import sys
from pathlib import Path
from zipfile import ZipFile

PACKAGES = {"risk", "venues", "storage", "bot"}
JUNK = {".pyc", ".so", ".sqlite3", ".env"}


def problems(names: list[str]) -> list[str]:
    """What is wrong with a wheel of these member names, in words; empty when it is right."""
    tops = {name.partition("/")[0] for name in names}
    code = {top for top in tops if not top.endswith(".dist-info")}
    found = [f"{package} is missing" for package in sorted(PACKAGES - code)]
    found += [f"{top} does not belong there" for top in sorted(code - PACKAGES)]
    found += [f"{package} is not marked as typed" for package in sorted(PACKAGES) if f"{package}/py.typed" not in names]
    found += [f"{name} does not belong there" for name in names if Path(name).suffix in JUNK or "__pycache__" in name]
    if len(tops - code) != 1:
        found.append(f"one .dist-info expected, found {sorted(tops - code)}")
    return found


def main(directory: str) -> str | None:
    wheels = sorted(Path(directory).glob("*.whl"))
    if len(wheels) != 1:
        return f"one wheel expected in {directory}, found {len(wheels)}"
    with ZipFile(wheels[0]) as wheel:
        names = wheel.namelist()
    if found := problems(names):
        return f"{wheels[0].name}: " + "; ".join(found)
    print(f"{wheels[0].name}: {len(names)} files, as it should be")
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
