"""The audit: it only grows, and whatever is done to it behind our back is noticed."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.model.account import Side
from storage import Audit, AuditAction, AuditEntry, AuditVerdict, Store
from storage.audit import append, seal
from storage.errors import StorageDefect
from storage.trading_json import facts
from tests.storage.builders import NOW, after

_GUARDS = ("audit_log_holds", "audit_log_stays", "audit_log_grows", "audit_head_follows", "audit_head_grows")


async def write(store: Store, count: int, *, account: str = "main") -> None:
    for number in range(count):
        entry = AuditEntry(
            at=after(number), action=AuditAction.VOTED, actor="ann", proposal_id=f"P{number + 1}", account_id=account,
            facts_json=facts(number=number, name="Zoë"),
        )  # fmt: skip
        await store.atomic(lambda db, entry=entry: append(db, entry))  # type: ignore[misc]  # it is called at once


async def test_entries_come_back_newest_first_and_all_of_them_oldest_first(store: Store) -> None:
    await write(store, 3)
    audit = Audit(store)

    assert [entry.seq for entry in await audit.entries(2)] == [3, 2]
    entries = [entry async for entry in audit.all()]
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert json.loads(entries[2].facts_json) == {"number": 2, "name": "Zoë"}
    assert [entry.prev_hash for entry in entries] == ["", entries[0].hash, entries[1].hash]
    assert all(entry.hash == seal(entry) for entry in entries)


async def test_only_what_concerns_some_accounts_or_none_is_shown(store: Store) -> None:
    for account in ("main", "hedge", ""):
        await write(store, 1, account=account)
    assert [entry.account_id for entry in await Audit(store).entries(9, ["hedge"])] == ["", "hedge"]
    assert [entry.account_id for entry in await Audit(store).entries(9, [])] == [""]


async def test_an_audit_that_nobody_touched_is_sound(store: Store) -> None:
    audit = Audit(store)
    assert await audit.verify() == AuditVerdict(ok=True, rows=0)
    await write(store, 5)
    last = (await audit.entries(1))[0]
    assert await audit.verify() == AuditVerdict(ok=True, rows=5, head_hash=last.hash)


async def test_more_rows_than_fit_a_page_are_all_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.audit._PAGE", 3)
    await write(store, 8)
    assert (await Audit(store).verify()).rows == 8
    assert [entry.seq async for entry in Audit(store).all()] == list(range(1, 9))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_log SET actor = 'eve' WHERE seq = 2",
        "UPDATE OR REPLACE audit_log SET seq = 1 WHERE seq = 2",
        "DELETE FROM audit_log WHERE seq = 3",
        "DELETE FROM audit_log",
        "INSERT OR REPLACE INTO audit_log SELECT seq, at, action, 'eve', '', '', '', prev_hash, hash FROM audit_log",
        "INSERT INTO audit_log SELECT 9, at, action, actor, '', '', '', hash, 'x' FROM audit_log WHERE seq = 3",
        "INSERT INTO audit_log SELECT 4, at, action, actor, '', '', '', 'wrong', 'x' FROM audit_log WHERE seq = 3",
        "UPDATE audit_head SET row_count = 2",
        "UPDATE audit_head SET row_count = 4, hash = 'x'",
        "UPDATE audit_head SET hash = 'x'",
        "DELETE FROM audit_head",
        "INSERT INTO audit_head VALUES (2, 9, 'x')",
        "INSERT OR REPLACE INTO audit_head VALUES (1, 0, '')",
    ],
)
async def test_the_database_itself_refuses_every_change(store: Store, change: str) -> None:
    await write(store, 3)
    with pytest.raises(StorageDefect):
        await store.atomic(lambda db: db.execute(change))
    assert (await Audit(store).verify()).ok


@dataclass(frozen=True)
class Tampering:
    """Something done with the guards taken away, and what is found out about it."""

    statements: Sequence[str]
    broken_at: int
    why: str


_SWAP = [
    "UPDATE audit_log SET seq = -2 WHERE seq = 2", "UPDATE audit_log SET seq = 2 WHERE seq = 3",
    "UPDATE audit_log SET seq = 3 WHERE seq = -2",
]  # fmt: skip


@pytest.mark.parametrize(
    "done",
    [
        Tampering(["UPDATE audit_log SET actor = 'eve' WHERE seq = 2"], 2, "was changed"),
        Tampering(["UPDATE audit_log SET at = at + 1 WHERE seq = 1"], 1, "was changed"),
        Tampering(["UPDATE audit_log SET action = 'nonsense' WHERE seq = 5"], 5, "was changed"),
        Tampering(["UPDATE audit_log SET facts_json = replace(facts_json, '3', '4') WHERE seq = 4"], 4, "was changed"),
        Tampering(["UPDATE audit_log SET hash = 'x' WHERE seq = 2"], 2, "was changed"),
        Tampering(["DELETE FROM audit_log WHERE seq = 3"], 3, "is missing"),
        Tampering(
            ["DELETE FROM audit_log WHERE seq = 3", "UPDATE audit_log SET seq = seq - 1 WHERE seq > 3"],
            3, "does not follow",
        ),
        Tampering(_SWAP, 2, "does not follow"),
        Tampering(["DELETE FROM audit_log WHERE seq = 5"], 5, "its end is missing: 4 of 5 rows are left"),
        Tampering(["DELETE FROM audit_log"], 1, "its end is missing: 0 of 5 rows are left"),
        Tampering(["INSERT INTO audit_log SELECT 6, at, action, actor, '', '', '', hash, 'x' FROM audit_log"
                   " WHERE seq = 5"], 6, "was added from outside"),
        Tampering(["UPDATE audit_head SET hash = 'x'"], 5, "is not the one that was written"),
    ],
)  # fmt: skip
async def test_what_is_done_behind_our_back_is_found(store: Store, done: Tampering) -> None:
    await write(store, 5)
    for statement in (*(f"DROP TRIGGER {name}" for name in _GUARDS), *done.statements):
        await store.atomic(lambda db, statement=statement: db.execute(statement))  # type: ignore[misc]  # at once
    verdict = await Audit(store).verify()

    assert (verdict.ok, verdict.broken_at) == (False, done.broken_at)
    assert done.why in verdict.why


async def test_it_is_read_beside_the_process_that_writes(file_store: Store) -> None:
    await write(file_store, 2)
    async with Store.looking(Path(file_store.where)) as looking:
        assert (await Audit(looking).verify()).rows == 2
        await write(file_store, 1)
        assert (await Audit(looking).verify()).rows == 3


async def test_a_row_and_what_it_explains_are_one(store: Store) -> None:
    def fail(db: object) -> None:
        append(db, AuditEntry(at=NOW, action=AuditAction.VOTED, actor="ann"))  # type: ignore[arg-type]  # a database
        raise sqlite3.OperationalError("what it explains failed")

    with pytest.raises(StorageDefect):
        await store.atomic(fail)
    assert await Audit(store).verify() == AuditVerdict(ok=True, rows=0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(Side) | st.just(NOW),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner) | st.tuples(inner),
    max_leaves=8,
)


@given(json_values)
def test_facts_are_the_same_text_however_they_are_read_back(value: object) -> None:
    written = facts(value=value)
    assert facts(**json.loads(written)) == written
    written.encode()


def test_facts_that_cannot_be_written_are_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="no way to write a bytes"):
        facts(raw=b"x")


async def test_the_seal_covers_every_column() -> None:
    entry = AuditEntry(
        seq=1, at=NOW, action=AuditAction.VOTED, actor="a", proposal_id="P1", account_id="m", facts_json="{}"
    )
    changed = [
        replace(entry, seq=2), replace(entry, at=after(1)), replace(entry, action=AuditAction.APPROVED),
        replace(entry, actor="b"), replace(entry, proposal_id="P2"), replace(entry, account_id="n"),
        replace(entry, facts_json="[]"), replace(entry, prev_hash="0"),
    ]  # fmt: skip
    assert len({seal(one) for one in (entry, *changed)}) == 9


def test_the_moment_of_an_entry_has_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        seal(AuditEntry(at=datetime(2026, 1, 1), action=AuditAction.VOTED, actor="a"))  # noqa: DTZ001  # the mistake
