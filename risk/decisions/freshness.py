"""Whether the venue is still moving. A ledger that stands still, goes back or falls silent is never healthy."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """What was last seen of the venue.

    Attributes:
        slot: Highest slot read so far; None before the first reading.
        moved_at: When a reading first showed that slot.
        read_at: When a reading last arrived at all.
        stood_at: When the last reading that showed no higher slot was asked for: until then at least it has not moved.
    """

    slot: int | None = None
    moved_at: datetime | None = None
    read_at: datetime | None = None
    stood_at: datetime | None = None


def saw(state: Freshness, slot: int, at: datetime, asked_at: datetime | None = None) -> Freshness:
    """The state after a reading of ``slot``. A lower slot than before moves nothing.

    Args:
        at: When it arrived.
        asked_at: When it was asked for; None for just then.
    """
    if state.slot is None or slot > state.slot:
        return Freshness(slot=slot, moved_at=at, read_at=at)
    return replace(state, read_at=at, stood_at=asked_at or at)


def why_stale(state: Freshness, now: datetime, stall: timedelta, silence: timedelta | None = None) -> str:
    """One sentence when the data is too old to say anything, else empty. A limit itself is still fresh.

    Args:
        stall: How long the slot may stand still.
        silence: How long no reading may arrive; None for as long as ``stall``.
    """
    if state.slot is None or state.moved_at is None or state.read_at is None:
        return "no reading yet"
    silent = now - state.read_at
    if silent > (stall if silence is None else silence):
        return f"no usable answer from the venue for {silent.total_seconds():.0f} s"
    stuck = now - state.moved_at
    if stuck > stall:
        # A slot that nobody could look at for most of that time may well have moved.
        if silent > stuck / 2:
            return f"no usable answer from the venue for {silent.total_seconds():.0f} s"
        watched = (state.stood_at or state.moved_at) - state.moved_at
        if watched > stuck / 2:
            return f"slot {state.slot} has not moved for {stuck.total_seconds():.0f} s"
    return ""
