"""python -m benchmarks.dependencies [advisories] [weights]

Writes the tables of docs/dependencies.md: what is known of the locked versions, out of locks/reviewed.toml, at once;
and what starts and environments come to, with times as ratios to a peer, in about a minute. Both when none is named.
"""

import argparse
from pathlib import Path

from benchmarks.dependencies.page import advisories, replaced, weights
from benchmarks.dependencies.reviewed import read

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "dependencies.md"
PARTS = {"advisories": lambda: advisories(read(ROOT), ROOT), "weights": lambda: weights(ROOT)}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dependencies", description="What is installed, and known."
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; both when none is named")
    given = parser.parse_args()
    unknown = [name for name in given.parts if name not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; choose of {', '.join(PARTS)}")
    for name in given.parts or PARTS:
        text = PARTS[name]()
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), name, text), encoding="utf-8")


if __name__ == "__main__":
    main()
