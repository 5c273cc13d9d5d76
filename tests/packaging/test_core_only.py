"""Without the extras everything but the on-chain venues can be imported."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]

# Runs in a fresh interpreter: refuses the extras as if they were not installed, then imports what is asked for.
REFUSE_AND_IMPORT: Final = """
import importlib
import sys
from importlib.abc import MetaPathFinder

REFUSED = {"solana", "solders", "driftpy", "driftpyrs", "anchorpy"}


class Refusal(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


sys.meta_path.insert(0, Refusal())
importlib.import_module(sys.argv[1])
loaded = REFUSED & {name.partition(".")[0] for name in sys.modules}
assert not loaded, loaded
"""


def import_without_extras(module: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "ignore", "-c", REFUSE_AND_IMPORT, module]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.parametrize("module", ["risk", "storage", "venues", "venues.paper", "bot.app", "bot.cli"])
def test_core_module_imports_without_the_extras(module: str) -> None:
    result = import_without_extras(module)

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("module", ["solana", "solders.pubkey", "driftpy.drift_client", "anchorpy"])
def test_the_refusal_itself_works(module: str) -> None:
    result = import_without_extras(module)

    assert result.returncode == 1
    assert "ModuleNotFoundError" in result.stderr
