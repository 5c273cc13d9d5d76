"""PINs: hashed, counted before they are compared, and locked for longer each time."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from storage import AuditAction, BadPin, PinCheck, Pins, PinVerdict, PressKind, Store
from storage.audit import Audit
from tests.storage.builders import NOW, after
from tests.storage.trading_builders import Desk, make_draft

_V = PinVerdict
QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess is meant to be slow; here that would only make the tests slow."""
    monkeypatch.setattr("storage.pins._COST", 2)


@pytest.fixture
async def pins(store: Store) -> Pins:
    found = Pins(store)
    await found.set("ann", "2468", NOW)
    return found


def wrong(left: int) -> PinCheck:
    return PinCheck(verdict=_V.WRONG, left=left)


async def test_the_right_pin_is_right_and_another_one_is_not(pins: Pins) -> None:
    assert await pins.check("ann", "2468", NOW) == PinCheck(verdict=_V.RIGHT)
    for guess in ("2469", "", "02468", "2468 ", "٢٤٦٨", "\ud800"):
        assert (await pins.check("ann", guess, NOW)).verdict is _V.WRONG
        assert (await pins.check("ann", "2468", NOW)).verdict is _V.RIGHT


async def test_somebody_without_a_pin_has_none(pins: Pins) -> None:
    assert await pins.has("ann")
    assert not await pins.has("bob")
    assert await pins.check("bob", "2468", NOW) == PinCheck(verdict=_V.NONE)
    assert await pins.clear("ann", NOW)
    assert not await pins.clear("ann", NOW)
    assert not await pins.has("ann")


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12a4", " 1234", "1234\n", "-1234", "١٢٣٤", "12.4"])
async def test_a_pin_is_4_to_12_digits(pins: Pins, pin: str) -> None:
    with pytest.raises(BadPin, match="4 to 12 digits") as caught:
        await pins.set("ann", pin, NOW)
    assert not pin or pin not in str(caught.value)
    assert (await pins.check("ann", "2468", NOW)).verdict is _V.RIGHT


async def test_the_fifth_wrong_one_locks_and_the_right_one_does_not_open_it(pins: Pins) -> None:
    assert [await pins.check("ann", "0000", NOW) for _ in range(4)] == [wrong(4), wrong(3), wrong(2), wrong(1)]
    locked = PinCheck(verdict=_V.LOCKED, until=NOW + QUARTER)
    assert await pins.check("ann", "0000", NOW) == locked
    assert await pins.check("ann", "2468", NOW + QUARTER - timedelta(microseconds=1)) == locked
    assert (await pins.check("ann", "2468", NOW + QUARTER)).verdict is _V.RIGHT


async def test_with_a_lock_a_right_one_that_was_given_before_is_worth_nothing(pins: Pins, store: Store) -> None:
    desk = await Desk.over(store)
    assert (await pins.check("ann", "2468", NOW)).verdict is _V.RIGHT
    for _ in range(5):
        await pins.check("ann", "0000", after(1))
    pressed = await desk.press(await desk.put(make_draft(pin_needed=True)), now=after(2))
    assert pressed.kind is PressKind.PIN_NEEDED


async def test_wrong_ones_without_a_lock_leave_a_right_one_what_it_is(pins: Pins, store: Store) -> None:
    desk = await Desk.over(store)
    assert (await pins.check("ann", "2468", NOW)).verdict is _V.RIGHT
    for _ in range(4):
        await pins.check("ann", "0000", after(1))
    pressed = await desk.press(await desk.put(make_draft(pin_needed=True)), now=after(2))
    assert pressed.kind is PressKind.APPROVED


async def test_a_right_one_that_is_compared_while_a_lock_begins_does_not_open_it(
    pins: Pins, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = asyncio.to_thread

    async def lock_meanwhile(work: Callable[..., bytes], *given: object) -> bytes:
        monkeypatch.setattr("storage.pins.asyncio.to_thread", slow)
        for _ in range(4):
            await pins.check("ann", "0000", NOW)
        return await slow(work, *given)

    monkeypatch.setattr("storage.pins.asyncio.to_thread", lock_meanwhile)
    locked = PinCheck(verdict=_V.LOCKED, until=NOW + QUARTER)
    assert await pins.check("ann", "2468", NOW) == locked
    assert await pins.check("ann", "2468", after(1)) == locked


async def test_a_right_one_makes_up_for_wrong_ones(pins: Pins) -> None:
    for _ in range(3):
        for _ in range(4):
            await pins.check("ann", "0000", NOW)
        assert (await pins.check("ann", "2468", NOW)).verdict is _V.RIGHT


async def test_each_lock_is_twice_as_long_up_to_a_day(pins: Pins) -> None:
    now, locks = NOW, []
    for _ in range(9):
        last = [await pins.check("ann", "0000", now) for _ in range(5)][-1]
        assert last.until is not None
        locks.append((last.until - now) / QUARTER)
        now = last.until
    assert locks == [1, 2, 4, 8, 16, 32, 64, 96, 96]


async def test_many_guesses_at_once_are_no_more_guesses(pins: Pins) -> None:
    checks = await asyncio.gather(*(pins.check("ann", f"{guess:04}", NOW) for guess in range(20)))
    assert sum(check.verdict is _V.WRONG for check in checks) == 4
    assert sum(check.verdict is _V.LOCKED for check in checks) == 16
    assert (await pins.check("ann", "2468", NOW)).verdict is _V.LOCKED


async def test_a_guess_counts_though_the_process_dies_while_comparing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await Store.open(tmp_path / "keel.db") as store:
        await Pins(store).set("ann", "2468", NOW)

        def die(*_: object) -> bytes:
            raise SystemError("killed")

        with monkeypatch.context() as patched:
            patched.setattr("storage.pins._hash", die)
            for _ in range(5):
                with pytest.raises(SystemError):
                    await Pins(store).check("ann", "0000", NOW)
    async with await Store.open(tmp_path / "keel.db") as store:
        assert (await Pins(store).check("ann", "2468", after(1))).verdict is _V.LOCKED


async def test_a_pin_that_was_changed_while_it_was_compared_is_not_right(
    pins: Pins, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = asyncio.to_thread

    async def change_meanwhile(work: Callable[..., bytes], *given: object) -> bytes:
        found = await slow(work, *given)
        monkeypatch.setattr("storage.pins.asyncio.to_thread", slow)
        await pins.set("ann", "1357", NOW)
        return found

    monkeypatch.setattr("storage.pins.asyncio.to_thread", change_meanwhile)
    assert (await pins.check("ann", "2468", NOW)).verdict is _V.WRONG
    assert (await pins.check("ann", "1357", NOW)).verdict is _V.RIGHT


async def test_equal_pins_look_different_and_none_is_written_down(pins: Pins, store: Store) -> None:
    await pins.set("bob", "2468", NOW)
    await pins.check("ann", "975310", NOW)
    rows = await store.run(lambda db: db.execute("SELECT salt, hash FROM pins").fetchall())
    assert len({row[0] for row in rows}) == len({row[1] for row in rows}) == 2
    entries = [entry async for entry in Audit(store).all()]
    assert [entry.action for entry in entries] == [AuditAction.PIN_SET, AuditAction.PIN_SET, AuditAction.PIN_WRONG]
    assert not any("2468" in entry.facts_json or "975310" in entry.facts_json for entry in entries)


async def test_a_real_guess_costs_what_it_should(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    await Pins(store).set("ann", "2468", NOW)
    assert (await Pins(store).check("ann", "2468", NOW)).verdict is _V.RIGHT
    assert await store.run(lambda db: db.execute("SELECT cost FROM pins").fetchone()[0]) == 16_384
