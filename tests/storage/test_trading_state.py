"""The switch: active at first, kept over a restart, every change written down."""

from pathlib import Path

from risk.model.trading import TradingState
from storage import Audit, Store, TradingStates, TradingStatus
from tests.storage.builders import NOW, after


async def test_trading_is_active_until_somebody_says_otherwise(store: Store) -> None:
    assert await TradingStates(store).get() == TradingStatus()


async def test_a_halt_survives_a_restart(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.db") as store:
        halted = await TradingStates(store).set(TradingState.HALTED, by="ann", reason="Enough.", now=NOW)
    async with await Store.open(tmp_path / "keel.db") as store:
        assert await TradingStates(store).get() == halted
    assert halted == TradingStatus(state=TradingState.HALTED, since=NOW, by="ann", reason="Enough.")


async def test_a_second_halt_keeps_the_first_reason_and_both_are_written_down(store: Store) -> None:
    states = TradingStates(store)
    first = await states.set(TradingState.HALTED, by="ann", reason="Enough.", now=NOW)
    assert await states.set(TradingState.HALTED, by="bob", reason="Too much.", now=after(5)) == first
    resumed = await states.set(TradingState.ACTIVE, by="ann", reason="", now=after(9))

    assert (resumed.state, resumed.since) == (TradingState.ACTIVE, after(9))
    assert [entry.actor for entry in await Audit(store).entries(9)] == ["ann", "bob", "ann"]


async def test_what_keel_itself_stops_is_its_own_halt_whoever_had_stopped_it_before(store: Store) -> None:
    states = TradingStates(store)
    await states.set(TradingState.HALTED, by="ann", reason="Enough.", now=NOW)
    stopped = await states.set(TradingState.HALTED, by="keel", reason="Mismatch.", now=after(5))
    assert stopped == TradingStatus(state=TradingState.HALTED, since=after(5), by="keel", reason="Mismatch.")
    assert await states.set(TradingState.HALTED, by="ann", reason="Again.", now=after(6)) == stopped


async def test_another_reason_of_keels_is_added_and_is_a_halt_of_its_own(store: Store) -> None:
    states = TradingStates(store)
    first = await states.set(TradingState.HALTED, by="keel", reason="order 1 of P12", now=NOW)
    assert await states.set(TradingState.HALTED, by="keel", reason="order 1 of P12", now=after(1)) == first
    assert await states.set(TradingState.HALTED, by="keel", reason="", now=after(2)) == first
    second = await states.set(TradingState.HALTED, by="keel", reason="order 1 of P1", now=after(3))
    assert (second.since, second.reason) == (after(3), "order 1 of P12; order 1 of P1")
    assert await states.set(TradingState.HALTED, by="keel", reason="order 1 of P12", now=after(4)) == second
    assert await states.set(TradingState.HALTED, by="ann", reason="Enough.", now=after(5)) == second


async def test_what_keel_says_over_and_over_stays_readable_and_ends_with_the_latest(store: Store) -> None:
    states = TradingStates(store)
    for number in range(300):
        await states.set(TradingState.HALTED, by="keel", reason=f"mismatch {number}", now=after(number))
    status = await states.get()
    assert len(status.reason) <= 1_000
    assert status.reason.endswith("; mismatch 298; mismatch 299")
    long = await states.set(TradingState.HALTED, by="keel", reason="x" * 5_000, now=after(400))
    assert long.reason == "x" * 1_000
    assert await states.set(TradingState.HALTED, by="keel", reason="x" * 5_000, now=after(401)) == long


async def test_a_change_of_what_has_changed_meanwhile_changes_nothing(store: Store) -> None:
    states = TradingStates(store)
    first = await states.set(TradingState.HALTED, by="ann", reason="Enough.", now=NOW)
    stopped = await states.set(TradingState.HALTED, by="keel", reason="Mismatch.", now=after(5))
    found = await states.set(TradingState.ACTIVE, by="ann", reason="", now=after(9), expected_since=first.since)
    assert found == stopped
