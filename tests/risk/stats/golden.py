"""Second opinions beside the project: numbers other implementations published, and the series they are of."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from risk.margin.book import FloatArray


def figures(material: Path, name: str) -> Any:
    """One file of expected numbers."""
    return json.loads((material / "data" / "golden" / name).read_text())


def columns(material: Path, name: str) -> dict[str, FloatArray]:
    """The numeric columns of a series file; missing values are left out."""
    with (material / "data" / "golden" / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for key in rows[0]:
        texts = [row[key] for row in rows if row[key] not in ("", "NA")]
        try:
            found[key] = np.array([float(text) for text in texts])
        except ValueError:
            continue  # dates
    return found
