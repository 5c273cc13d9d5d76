"""A store of one test."""

from collections.abc import AsyncIterator

import pytest

from storage import Store


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with await Store.open(":memory:") as opened:
        yield opened
