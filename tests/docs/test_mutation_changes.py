"""What the mutation runner changes, and that it tells what tests notice from what they do not."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mutation.changes import Program, changes

ROOT = Path(__file__).resolve().parents[2]


def texts(source: str, kind: str | None = None) -> set[str]:
    """What becomes of a piece of source, each change by itself."""
    program = Program("piece.py", source)
    before = ast.dump(program.tree)
    found = set()
    for change in changes(program):
        program.compiled(change)
        assert ast.dump(program.tree) == before, "the tree is as it was"
        if kind is None or change.kind == kind:
            found.add(change.text)
    return found


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("a < b", "comparison", {"a < b → a <= b", "a < b → a >= b"}),
        ("a is None", "comparison", {"a is None → a is not None"}),
        ("a - b * c", "arithmetic", {"a - b * c → a + b * c", "b * c → b / c"}),
        ("x = not a", "arithmetic", {"not a → a"}),
        ("x = 7", "number or flag", {"7 → 8"}),
        ("x = 1", "number or flag", {"1 → 2", "1 → 0"}),
        ("x = 1000000.0", "number or flag", {"1000000.0 → 1010000.0"}),
        ("x = True", "number or flag", {"True → False"}),
        ("a and b", "and, or", {"a and b → a or b", "a and b → a", "a and b → b"}),
        ("a if ready else b", "condition", {"a if ready else b → a if not ready else b"}),
        ("np.floor(a)", "call", {"np.floor(a) → np.ceil(a)", "np.floor(a) → a"}),
        ("np.where(a, b, c)", "call", {"np.where(a, b, c) → np.where(a, c, b)"}),
        ("act()", "statement", {"act() → pass"}),
        ("T = {1: a, 2: b}", "table", {
            "{1: a, 2: b} → {2: b}", "{1: a, 2: b} → {1: b, 2: b}", "{1: a, 2: b} → {1: a}",
            "{1: a, 2: b} → {1: a, 2: a}",
        }),
        ("class E(StrEnum):\n    A = 'a'", "stored name", {
            "class E(StrEnum): A = 'a' → class E(StrEnum): A = 'a_'",
        }),
    ],
)  # fmt: skip
def test_python_is_changed_in_these_ways(source: str, kind: str, expected: set[str]) -> None:
    assert texts(source, kind) == expected


def made_of(sql: str) -> set[str]:
    """What becomes of a statement, each change by itself."""
    news = [change.new for change in changes(Program("p.py", f"q = {sql!r}"))]
    return {" ".join(str(new.value).split()) for new in news if isinstance(new, ast.Constant)}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("DELETE FROM t WHERE a >= :x", {
            "DELETE FROM t WHERE a > :x", "DELETE FROM t WHERE a < :x", "DELETE FROM t WHERE 1",
        }),
        ("UPDATE t SET a = 2, b = NULL", {
            "UPDATE t SET a = 3, b = NULL", "UPDATE t SET b = NULL", "UPDATE t SET a = 2",
        }),
        ("SELECT a FROM t LEFT JOIN u ORDER BY a DESC", {
            "SELECT a FROM t JOIN u ORDER BY a DESC", "SELECT a FROM t LEFT JOIN u ORDER BY a ASC",
        }),
        ("SELECT a IN ('x', 'y')", {
            "SELECT a NOT IN ('x', 'y')", "SELECT a IN ('other', 'y')", "SELECT a IN ('x', 'other')",
            "SELECT a IN ('y' )", "SELECT a IN ('x' )",
        }),
        ("SELECT a WHERE NOT b OR c IS NULL", {
            "SELECT a WHERE b OR c IS NULL", "SELECT a WHERE NOT b AND c IS NULL",
            "SELECT a WHERE NOT b OR c IS NOT NULL", "SELECT a WHERE 1 OR c IS NULL",
        }),
    ],
)  # fmt: skip
def test_sql_is_changed_in_these_ways(sql: str, expected: set[str]) -> None:
    assert made_of(sql) == expected


def test_every_condition_of_a_where_is_left_out_once_and_a_between_is_one_condition() -> None:
    sql = "SELECT a FROM t WHERE b = :b AND c BETWEEN :x AND :y AND NOT EXISTS (SELECT 1 FROM u WHERE d = 1)"
    made = made_of(sql)
    assert "SELECT a FROM t WHERE 1 AND c BETWEEN :x AND :y AND NOT EXISTS (SELECT 1 FROM u WHERE d = 1)" in made
    assert "SELECT a FROM t WHERE b = :b AND 1 AND NOT EXISTS (SELECT 1 FROM u WHERE d = 1)" in made
    assert "SELECT a FROM t WHERE b = :b AND c >= :x AND NOT EXISTS (SELECT 1 FROM u WHERE d = 1)" in made
    assert "SELECT a FROM t WHERE b = :b AND c BETWEEN :x AND :y AND 1" in made
    assert "SELECT a FROM t WHERE b = :b AND c BETWEEN :x AND :y AND NOT EXISTS (SELECT 1 FROM u WHERE 1 )" in made


def test_parts_that_are_put_into_sql_stay_what_they_are() -> None:
    (left_out,) = [
        ast.unparse(change.new)
        for change in changes(Program("p.py", 'q = f"SELECT a FROM t WHERE {KNOWN} AND b"'))
        if "WHERE 1 " in ast.unparse(change.new)
    ]
    assert left_out == "f'SELECT a FROM t WHERE 1 AND b'"


@pytest.mark.parametrize(
    "source",
    [
        '"""Documentation, 3 < 4."""',
        "x: Literal[3] | None",
        "def f(a: int | None = None) -> int | None: ...",
        "@dataclass(frozen=True)\nclass A: ...",
        "__all__ = ['a', 'b']",
        "if TYPE_CHECKING:\n    x = 3",
        "from a import b, c",
    ],
)
def test_what_cannot_go_wrong_at_run_time_is_left_alone(source: str) -> None:
    assert texts(source) == set()


def test_a_change_keeps_its_name_when_the_function_moves() -> None:
    function = "def f(a):\n    return a < 1 or a < 1\n"
    first, moved = ({change.key for change in changes(Program("p.py", head + function))} for head in ("", "x = y\n\n"))
    assert first == moved
    assert len(first) == len(list(changes(Program("p.py", function))))


SOURCE = """LIMIT = 3

def most(size):
    if size > LIMIT:
        return LIMIT
    return size

def unused(size):
    return size + 1
"""
TESTS = """from piece.code import LIMIT, most

CASES = {3: 9}[LIMIT]  # a change of LIMIT is noticed while tests are collected

def test_a_small_one_stays():
    assert most(2) == 2

def test_a_large_one_is_cut():
    assert most(CASES) == 3
"""
RUN = """
import sys, time
from pathlib import Path
from benchmarks.mutation.targets import Target
from benchmarks.mutation.trial import Trial
here = Path.cwd()
target = Target(name="piece", what="", sources=("piece/code.py",), tests=("test_piece.py",))
sys.exit(not Trial(target, root=here, kept=here / "kept", jobs=2, until_s=time.monotonic() + 100).run())
"""


def test_a_run_tells_what_is_noticed_from_what_is_not_and_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "piece").mkdir()
    (tmp_path / "piece" / "__init__.py").write_text("")
    (tmp_path / "piece" / "code.py").write_text(SOURCE)
    (tmp_path / "test_piece.py").write_text(TESTS)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    command = [sys.executable, "-c", RUN]
    for _ in range(2):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=110)
    lines = [json.loads(line) for line in (tmp_path / "kept" / "piece.jsonl").read_text().splitlines()]
    fates = {line["key"].removeprefix("piece/code.py|"): line["fate"] for line in lines}

    assert len(fates) == len(lines), "nothing is tried twice"
    assert fates == {
        "LIMIT = 3|3 → 4|0": "killed",
        "most|if size > LIMIT: return LIMIT → if size > LIMIT: pass|0": "killed",
        "most|size > LIMIT → size >= LIMIT|0": "survived",
        "most|size > LIMIT → size <= LIMIT|0": "killed",
        "most|return LIMIT → return None|0": "killed",
        "most|return size → return None|0": "killed",
        "unused|return size + 1 → return None|0": "survived",
        "unused|size + 1 → size - 1|0": "survived",
        "unused|1 → 2|0": "survived",
        "unused|1 → 0|0": "survived",
    }
