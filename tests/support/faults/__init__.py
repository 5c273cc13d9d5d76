"""The rows of docs/reliability.md: every fault, who injects it, and what is measured."""

from tests.support.faults.chat import DISCORD, TELEGRAM
from tests.support.faults.delivery import DELIVERY, KILLS, ORDERS, STORM
from tests.support.faults.execution import EXECUTION
from tests.support.faults.parts import Fault, Goal, Measure, Section, Unit, number
from tests.support.faults.process import CLOCK, PROCESS
from tests.support.faults.venue import DATA, STREAM

TESTED = (DATA, STREAM, TELEGRAM, DISCORD, DELIVERY, CLOCK, PROCESS, EXECUTION)
DRILLED = (ORDERS, STORM, KILLS)  # too long for a test
SECTIONS = TESTED + DRILLED

__all__ = [
    "CLOCK", "DATA", "DELIVERY", "DISCORD", "DRILLED", "EXECUTION", "KILLS", "ORDERS", "PROCESS", "SECTIONS", "STORM",
    "STREAM", "TELEGRAM", "TESTED", "Fault", "Goal", "Measure", "Section", "Unit", "number",
]  # fmt: skip
