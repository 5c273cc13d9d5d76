"""Everything at once, for ten minutes and for a day."""

import math

from tests.faults.parts import Fault, Goal, Measure, Part, Section, enough, none
from tests.faults.promises import Row

_SLICE = "tests/scenarios/test_soak_slice.py::"
_MUST = "no alert lost, no order twice or unasked, nothing called well from stale data, nothing unhandled or growing"

SLICE = Section(
    title="Everything at once",
    faults=(
        Fault(
            name="soak-slice", proves=Row.KILLED,
            what="ten minutes of faults by chance, several at once",
            how="simulated time: kills, outages, full disks, lost answers, stalls, set clocks, and people who press",
            must=_MUST, by=f"{_SLICE}test_ten_minutes_of_everything_at_once_break_no_promise",
            goals=(enough(Measure.TRIED, 20), *none(Measure.VIOLATIONS)),
        ),
    ),
)  # fmt: skip

DAY = Section(
    title="Soak",
    part=Part.SOAK,
    faults=(
        Fault(
            name="soak-day", proves=Row.MEMORY,
            what="a day of faults by chance, several at once", how="likewise; docs/soak.md has its report",
            must=f"{_MUST}; below 1 MB for 100,000 assessments", by="benchmarks/soak/day.py::day",
            goals=(
                enough(Measure.TRIED, 500), enough(Measure.LIVES, 20), *none(Measure.VIOLATIONS),
                Goal(measure=Measure.MEMORY_SLOPE, at_least=-math.inf, at_most=1.0),
            ),
        ),
    ),
)  # fmt: skip

SECTIONS = (SLICE,)  # and DAY, once `python -m benchmarks.reliability soak` has measured it
