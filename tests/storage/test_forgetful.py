"""A store in memory that works in the caller's own thread."""

import threading

import pytest

from storage import Incidents, Store, StoreClosed
from storage.errors import StorageError


async def test_it_works_in_the_callers_thread_and_forgets() -> None:
    async with Store.forgetful() as store:
        assert await store.run(lambda db: threading.current_thread()) is threading.current_thread()
        assert await Incidents(store).next_id() == 1
    with pytest.raises(StoreClosed):
        await Incidents(store).next_id()


async def test_what_fails_fails_as_in_any_store_and_nothing_of_it_is_stored() -> None:
    async with Store.forgetful() as store:
        with pytest.raises(ZeroDivisionError):
            await store.atomic(lambda db: (db.execute("CREATE TABLE half (id INTEGER)"), 1 / 0))
        with pytest.raises(StorageError):
            await store.run(lambda db: db.execute("SELECT * FROM half"))
