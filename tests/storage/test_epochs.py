"""Which start of the bot this is."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from storage import Epochs, Store
from tests.storage.builders import NOW


async def test_an_epoch_is_the_second_of_the_start_and_is_stored_before_it_is_used(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        taken = await Epochs(store).take(NOW)
    assert taken == int(NOW.timestamp())
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        assert await Epochs(store).latest() == taken


async def test_every_start_is_above_those_before_whatever_the_clock_says(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.sqlite3") as store:
        epochs = Epochs(store)
        taken = [await epochs.take(NOW + timedelta(seconds=jump)) for jump in (0, 0, -86_400, 5, 3_600, 10)]
    assert taken == sorted(set(taken))
    assert taken[4] == int(NOW.timestamp()) + 3_600


async def test_a_database_that_was_put_back_from_a_copy_is_above_what_came_after_the_copy() -> None:
    async with await Store.open(":memory:") as lost, await Store.open(":memory:") as restored:
        before = [await Epochs(lost).take(NOW) for _ in range(5)][-1]
        assert await Epochs(restored).take(NOW + timedelta(minutes=1)) > before


async def test_an_epoch_cannot_be_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "keel.sqlite3"
    async with await Store.open(path) as store:
        await Epochs(store).take(NOW)
    with sqlite3.connect(path) as raw, pytest.raises(sqlite3.IntegrityError, match="never"):
        raw.execute("UPDATE signer_epoch SET epoch = 1")
    with sqlite3.connect(path) as raw, pytest.raises(sqlite3.IntegrityError, match="never"):
        raw.execute("DELETE FROM signer_epoch")
