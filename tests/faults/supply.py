"""Faults of what is installed: a package that is not the one that was looked at."""

from tests.faults.parts import Fault, Measure, Section, enough, none
from tests.faults.promises import Row

SUPPLY = Section(
    title="What is installed",
    faults=(
        Fault(
            name="supply-other-bytes",
            proves=Row.SUPPLY_CHAIN,
            what="a package of the right name and version with other bytes",
            how="a wheel is built anew after it was locked; a line of a lock without a hash, and without a version",
            must="not installed",
            by="tests/packaging/test_hashes.py::test_a_package_with_other_bytes_than_were_locked_is_not_installed",
            goals=(enough(Measure.TRIED, 3), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="supply-unseen-version",
            proves=Row.SUPPLY_CHAIN,
            what="a version nobody has looked at",
            how="every line of every lock is compared with what was looked at, and for which advisories",
            must="none",
            by="tests/packaging/test_reviewed.py::test_nothing_is_locked_that_nobody_has_looked_at",
            goals=(enough(Measure.TRIED, 100), *none(Measure.ACCEPTED)),
        ),
    ),
)

SECTIONS = (SUPPLY,)
