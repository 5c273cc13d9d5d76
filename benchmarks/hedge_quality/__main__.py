"""python -m benchmarks.hedge_quality --material DIR [--out FILE]

DIR is the folder of recorded material that the tests use, or its folder of prices: the one that holds
hourly_binance_perp/ and funding_binance/. Takes a few minutes.
"""

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.hedge_quality.history import read_history
from benchmarks.hedge_quality.page import page
from benchmarks.hedge_quality.trial import BOOKS, forecasts, tried

_OUT = Path(__file__).resolve().parents[2] / "docs" / "hedge-quality.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hedge_quality", description=__doc__)
    parser.add_argument("--material", type=Path, required=True, help="folder of recorded material, or of its prices")
    parser.add_argument("--out", type=Path, default=_OUT)
    options = parser.parse_args()
    folder = options.material / "data" / "prices"
    history = read_history(folder if folder.is_dir() else options.material)
    begun = time.perf_counter()
    models = forecasts(history)
    print(f"{len(models)} forecasts in {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    trials = [tried(history, models, book) for book in BOOKS]
    options.out.write_text(page(history, trials, datetime.now(UTC).date()), encoding="utf-8")
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
