"""python -m benchmarks.alert_quality [--material DIR] [--quick] [--out FILE] [--picture FILE] [--date DAY]"""

import argparse
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from benchmarks.alert_quality.page import page
from benchmarks.alert_quality.picture import picture
from benchmarks.alert_quality.study import QUICK, THOROUGH, study
from bot.logs import setup_logging
from venues.errors import VenueRejected


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.alert_quality", description="Writes docs/alert-quality.md: a few minutes."
    )
    parser.add_argument(
        "--material", type=Path, default=Path(os.environ.get("KEEL_MATERIAL", "../shared")),
        help="folder with data/prices; $KEEL_MATERIAL, or ../shared, where left out",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="a few books: whether it runs, not what it says")
    parser.add_argument("--out", type=Path, default=Path("docs/alert-quality.md"), help="the page")
    parser.add_argument("--picture", type=Path, default=Path("docs/pictures/alert-quality.png"), help="its picture")
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(UTC).date(), help="to write on it")
    arguments = parser.parse_args()
    effort = QUICK if arguments.quick else THOROUGH
    setup_logging("ERROR")  # the alerts of thousands of books are not news
    try:
        found = study(arguments.material / "data" / "prices", effort, _said)
    except VenueRejected as exc:
        parser.error(str(exc))
    arguments.out.write_text(page(found, effort, arguments.date), encoding="utf-8")
    arguments.picture.write_bytes(picture(found.curves, *found.on_curve))


def _said(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
