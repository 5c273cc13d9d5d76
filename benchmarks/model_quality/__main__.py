"""python -m benchmarks.model_quality DIR [--out FILE]

DIR is the folder of price files that the tests look for as material: it holds daily_bybit_perp/ and
hourly_binance_perp/. Takes about two minutes.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.model_quality.books import SOURCES, Judged, judge
from benchmarks.model_quality.page import page

_OUT = Path(__file__).resolve().parents[2] / "docs" / "model-quality.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_quality", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder that holds daily_bybit_perp/ and hourly_binance_perp/")
    parser.add_argument("--out", type=Path, default=_OUT)
    options = parser.parse_args()
    judged: list[Judged] = []
    for source in SOURCES:
        for one in judge(source, options.folder):
            print(f"{source.name}: {one.book.name}, {one.days.size} days", file=sys.stderr, flush=True)
            judged.append(one)
    options.out.write_text(page(judged, datetime.now(UTC).date()), encoding="utf-8")
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
