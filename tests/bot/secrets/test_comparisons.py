"""Secrets are compared in a time that says nothing of where they differ: read off the source itself."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot.secret_settings import same
from storage import Cards, Store

ROOT = Path(__file__).resolve().parents[3]
T0 = datetime(2026, 11, 23, tzinfo=UTC)
PACKAGES = ("bot", "storage", "venues", "risk")
SECRET = re.compile(r"(^|_)(pin|token|secret|handle|password|passphrase|link_code|webhook)s?$")
# SQLite compares as it likes. What it looks up is the SHA-256 of a handle or a code: whoever could time it would learn
# of a digest, which leads back to nothing. A PIN is fetched by its person and compared here.
IN_SQL = re.compile(r"\b(pin|handle|code|token|secret)\s*(=|IN\b|LIKE\b)\s*[?:(]", re.IGNORECASE)


def compared(source: str) -> Iterator[tuple[int, str]]:
    """Comparisons by == and its like in which something is called as a secret is; constants are no secrets."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for operator, pair in zip(node.ops, pairwise(sides), strict=True):
            if not isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                continue
            if any(isinstance(side, ast.Constant) for side in pair):
                continue
            if any(SECRET.search(name_of(side)) for side in pair):
                yield node.lineno, ast.unparse(node)


def name_of(node: ast.expr) -> str:
    """What a value is called: the last word of it."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        at = node.slice
        return at.value if isinstance(at, ast.Constant) and isinstance(at.value, str) else name_of(node.value)
    if isinstance(node, ast.Call):
        inside = node.func.value if isinstance(node.func, ast.Attribute) else node.func
        return name_of(inside)
    return ""


@pytest.mark.parametrize("package", PACKAGES)
def test_no_secret_is_compared_by_equality(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, text in compared(path.read_text(encoding="utf-8"))
    ]

    assert not found, "compare with bot.secret_settings.same or hmac.compare_digest"


def test_no_secret_is_looked_up_as_it_is() -> None:
    found = [
        f"{path.name}: {match[0]}"
        for path in sorted((ROOT / "storage").rglob("*.py"))
        for match in IN_SQL.finditer(path.read_text(encoding="utf-8"))
    ]

    # What is stored there as a handle is its digest: test_a_card_is_stored_under_a_digest_of_its_handle.
    assert set(found) <= {"cards.py: handle = ?"}


async def test_a_card_is_stored_under_a_digest_of_its_handle(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        cards = Cards(store)
        handle = await cards.put("{}", T0, T0 + timedelta(minutes=5))
        stored = await store.run(lambda db: [str(row["handle"]) for row in db.query("SELECT * FROM cards")])

        assert handle not in stored
        assert await cards.take(stored[0], T0) is None
        assert await cards.take(handle, T0) == "{}"
        assert await cards.take(handle, T0) is None


def test_what_guards_a_door_compares_in_constant_time() -> None:
    for file in ("storage/pins.py", "storage/link_codes.py", "bot/beats.py"):
        assert "hmac.compare_digest(" in (ROOT / file).read_text(encoding="utf-8"), file


@pytest.mark.parametrize(
    "source",
    [
        "given == settings.telegram_token", "token != other", "row['pin'] == typed", "handle in handles",
        "self._secret == secret", "token.get_secret_value() == other", "pins[0] == x",
    ],
)  # fmt: skip
def test_the_look_at_the_source_sees_one(source: str) -> None:
    assert list(compared(source))


@pytest.mark.parametrize("source", ["token == ''", "len(pin) > 3", "pin is None", "x == 'token'", "tokens_left == 3"])
def test_the_look_at_the_source_sees_no_other(source: str) -> None:
    assert not list(compared(source))


def test_two_secrets_are_the_same_or_are_not() -> None:
    assert same("hunter2ü", "hunter2ü")
    assert not same("hunter2", "hunter3")
    assert not same("hunter2", "hunter22")
    assert not same("", "\ud800")
