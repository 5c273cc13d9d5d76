"""The demo starts fast because the paper venue brings nothing heavy along."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

LIST_FOREIGN = """
import sys
import numpy
before = set(sys.modules)
import venues.paper
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new - set(sys.stdlib_module_names) - {"numpy"}))
"""


def test_the_paper_venue_imports_numpy_and_risk_and_nothing_else() -> None:
    command = [sys.executable, "-W", "ignore", "-c", LIST_FOREIGN]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=True)
    assert result.stdout.strip() == "['risk', 'venues']"
