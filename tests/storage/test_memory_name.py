"""What the signer knows a database by."""

import sqlite3
from pathlib import Path

import pytest

from storage import Epochs, Store
from storage.backup import restore
from tests.storage.builders import NOW


async def test_two_databases_have_two_names_and_a_copy_has_that_of_what_it_copies(tmp_path: Path) -> None:
    first, copy = tmp_path / "keel.sqlite3", tmp_path / "copy.sqlite3"
    async with await Store.open(first) as store, await Store.open(":memory:") as other:
        name = await Epochs(store).memory_name()
        assert len(name) == 10
        assert name != await Epochs(other).memory_name()
    restore(first, copy, NOW)
    for path in (first, copy):
        async with await Store.open(path) as store:
            assert await Epochs(store).memory_name() == name


async def test_a_database_keeps_its_name() -> None:
    async with await Store.open(":memory:") as store:
        for statement in ("UPDATE memory_name SET name = 'x'", "DELETE FROM memory_name"):
            with pytest.raises((sqlite3.Error, Exception), match="keeps its name"):
                await store.atomic(lambda db, text=statement: db.execute(text))  # type: ignore[misc]  # of the loop
