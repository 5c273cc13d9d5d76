"""The compiled program answers what the recorded worlds say it answered."""

import sys
from pathlib import Path

import pytest

from tests.support import program
from tests.support.program import MarginKind
from tests.support.recorded import WORLD_NAMES, recorded_world

needs_program = pytest.mark.skipif(not program.available(), reason=str(program.unavailable_reason()))


@needs_program
@pytest.mark.parametrize("name", WORLD_NAMES)
def test_program_repeats_the_recorded_numbers(material: Path, name: str) -> None:
    recorded = recorded_world(material, name)
    judge = recorded.world.program()
    users = recorded.world.users
    assert users.keys() == recorded.expected.keys()
    for key, expected in recorded.expected.items():
        assert {kind: judge.margin(users[key], kind) for kind in MarginKind} == expected.program, key


@needs_program
def test_foreign_accounts_are_refused_before_the_native_code_sees_them(material: Path) -> None:
    judge = recorded_world(material, "hlm_btc_jup").world.program()
    with pytest.raises(ValueError, match="not a User account"):
        judge.margin(bytes(4376), MarginKind.INITIAL)


def test_without_the_wheel_the_reason_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    program.clear_cache()
    try:
        assert not program.available()
        assert "driftpyrs 0.1.0" in str(program.unavailable_reason()) or sys.platform != "linux"
    finally:
        monkeypatch.undo()
        program.clear_cache()
