"""The signer needs solders and Python, and holds nothing else in its process."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import solders

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "bot" / "signer"
SHARED = ("intent", "wire", "records", "journal", "state", "rules", "files", "errors")  # without solders

# An environment that holds only what the signer's lock holds: nothing else is found, wherever it is installed.
ALONE = """
import importlib.abc, sys
class Only(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in {allowed!r}:
            return None
        if name == "bot" or name == "bot.signer" or name.startswith("bot.signer."):
            return None
        raise ModuleNotFoundError(f"{{name}} is not of the signer's environment", name=name)
sys.meta_path.insert(0, Only())
sys.path[:0] = {paths!r}
"""
LOCKED = ("solders", "jsonalias", "typing_extensions")


def alone(code: str, *arguments: str, allowed: tuple[str, ...] = LOCKED) -> "subprocess.CompletedProcess[str]":
    """Run in an interpreter without site-packages but those of the lock."""
    paths = [str(ROOT), str(Path(solders.__file__).parents[1])]
    program = ALONE.format(allowed=allowed, paths=paths) + code
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.glob("*.py")):
        yield path.stem, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield str(node.module)


def test_every_module_of_the_signer_runs_where_only_its_lock_is_installed() -> None:
    code = "import importlib\n" + "".join(
        f"importlib.import_module('bot.signer.{name}')\n"
        for name, _ in modules()
        if name not in ("__init__", "__main__")
    )
    done = alone(code + "from bot.signer.__main__ import main\nraise SystemExit(main())", "-h")

    assert done.returncode == 0, done.stderr
    assert "keel signer" in done.stdout


def test_the_guard_would_notice() -> None:
    done = alone("import numpy")

    assert "numpy is not of the signer's environment" in done.stderr


def test_nothing_is_imported_but_solders_and_the_standard_library() -> None:
    for name, tree in modules():
        for one in imported(tree):
            top = one.partition(".")[0]
            assert top in sys.stdlib_module_names or top == "solders" or one.startswith("bot.signer"), (name, one)


@pytest.mark.parametrize("name", SHARED)
def test_what_the_asker_shares_needs_no_solders(name: str) -> None:
    done = alone(f"import bot.signer.{name}", allowed=())

    assert done.returncode == 0, done.stderr


def test_nothing_of_the_signer_can_reach_the_net_or_start_a_program() -> None:
    ways_out = {"subprocess", "http", "urllib", "ssl", "smtplib", "ftplib", "multiprocessing", "pickle", "shelve"}
    for name, tree in modules():
        assert not ways_out & {one.partition(".")[0] for one in imported(tree)}, name
    server = (PACKAGE / "server.py").read_text(encoding="utf-8")
    assert "AF_INET" not in server
    assert "start_server" not in server


@pytest.mark.parametrize("python", ["py311", "py312", "py313"])
def test_the_lock_of_the_signer_holds_solders_and_what_solders_needs_by_hash(python: str) -> None:
    text, widest = ((ROOT / "locks" / python / f"{name}.txt").read_text(encoding="utf-8") for name in ("signer", "dev"))
    entries = text.replace("\\\n", " ").splitlines()

    assert {one.partition("==")[0] for one in entries} == {"solders", "jsonalias", "typing-extensions"}
    assert all(re.fullmatch(r"[\w-]+==[\w.]+(\s+--hash=sha256:[0-9a-f]{64})+\s*", one) for one in entries)
    assert {one.split()[0] for one in entries} <= {one.split()[0] for one in widest.splitlines() if "==" in one}


def test_the_contracts_name_the_signer() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {one["id"]: one for one in config["tool"]["importlinter"]["contracts"]}

    assert contracts["signer-key"]["allowed_importers"] == ["bot.signer"]
    assert "bot.signer.key" in contracts["signer-key"]["protected_modules"]
