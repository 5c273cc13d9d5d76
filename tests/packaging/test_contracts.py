"""The import contract of risk names every dependency it must not use, so a new one cannot be forgotten."""

import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPROJECT: Final = Path(__file__).resolve().parents[2] / "pyproject.toml"
ALLOWED: Final = {"numpy", "scipy", "arch"}


def test_every_dependency_is_either_allowed_or_forbidden_in_risk() -> None:
    config = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    project, contracts = config["project"], config["tool"]["importlinter"]["contracts"]
    forbidden = next(set(c["forbidden_modules"]) for c in contracts if c["id"] == "risk-third-parties")
    lines = [*project["dependencies"], *(x for e in ("solana", "drift") for x in project["optional-dependencies"][e])]
    wanted = {canonicalize_name(Requirement(line).name) for line in lines} - {project["name"]}

    modules = {
        module
        for module, owners in packages_distributions().items()
        if not module.startswith("_") and wanted & {canonicalize_name(owner) for owner in owners}
    }

    assert modules >= ALLOWED
    assert modules - ALLOWED - forbidden == set()
