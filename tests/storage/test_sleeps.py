"""Nights: begun once, due in the morning, told once."""

import pytest

from risk.model.proposal import Purpose
from storage import AuditAction, Sleeps, Store
from storage.errors import StorageDefect
from tests.storage.builders import NOW, after
from tests.storage.trading_builders import GROUP, PHONE, Desk, make_draft

NIGHT_S = 8 * 3_600


@pytest.fixture
async def desk(store: Store) -> Desk:
    desk = await Desk.over(store)
    await desk.put(make_draft(purpose=Purpose.SLEEP))
    return desk


async def test_a_night_is_standing_then_due_then_told(desk: Desk) -> None:
    sleeps = Sleeps(desk.store)
    night = await sleeps.begin(
        "P1", person_id="ann", place=GROUP, ends_at=after(NIGHT_S), body_json='{"health": 44}', now=NOW
    )
    assert (night.account_id, night.place, night.body_json) == ("main", GROUP, '{"health": 44}')
    assert await sleeps.standing(NOW) == await sleeps.standing(NOW, "main") == (night,)
    assert await sleeps.standing(NOW, "hedge") == ()
    assert await sleeps.due(after(NIGHT_S - 1)) == ()
    assert await sleeps.due(after(NIGHT_S)) == (night,)
    assert await sleeps.standing(after(NIGHT_S)) == ()

    assert await sleeps.reported(night.sleep_id, after(NIGHT_S))
    assert not await sleeps.reported(night.sleep_id, after(NIGHT_S))
    assert await sleeps.due(after(2 * NIGHT_S)) == ()
    assert (await desk.audited())[-2:] == [AuditAction.SLEEP_BEGAN, AuditAction.SLEEP_REPORTED]


async def test_a_night_that_is_begun_again_after_a_crash_is_the_same(desk: Desk) -> None:
    sleeps = Sleeps(desk.store)
    first = await sleeps.begin("P1", person_id="ann", place=PHONE, ends_at=after(9), body_json="{}", now=NOW)
    again = await sleeps.begin("P1", person_id="bob", place=GROUP, ends_at=after(99), body_json="[]", now=after(1))
    assert again == first
    with pytest.raises(StorageDefect):
        await sleeps.begin("P2", person_id="ann", place=PHONE, ends_at=after(9), body_json="{}", now=NOW)
