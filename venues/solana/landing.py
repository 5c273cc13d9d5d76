"""Answers about transactions on their way: blockhashes, fees, simulations, statuses, heights."""

from dataclasses import dataclass

from solders.hash import Hash

from venues.solana.answers import Malformed, read_at_slot, read_list, read_mapping, read_slot, read_text

_MOST_UNITS = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentBlockhash:
    """What a message is dated with, and the last block height it can land at."""

    blockhash: Hash
    last_valid_height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """How a transaction would end now. ``error`` is as RPC states it, None for none."""

    units: int
    error: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a transaction stands at one node.

    Attributes:
        settled: Whether a vote of the cluster stands behind it; a node alone may have seen a fork.
    """

    slot: int
    settled: bool
    error: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Heights:
    """The newest block that can never go away."""

    slot: int
    height: int


def read_blockhash(result: object) -> RecentBlockhash:
    """Raises: ValueError."""
    _, value = read_at_slot(result)
    fields = read_mapping(value)
    return RecentBlockhash(
        blockhash=Hash.from_string(read_text(fields.get("blockhash"))),
        last_valid_height=read_slot(fields.get("lastValidBlockHeight")),
    )


def read_fees(result: object) -> list[int]:
    """What was paid for a compute unit in recent blocks. Raises: ValueError."""
    return [read_slot(read_mapping(row).get("prioritizationFee")) for row in read_list(result)]


def read_simulation(result: object) -> Simulation:
    """Raises: ValueError."""
    _, value = read_at_slot(result)
    fields = read_mapping(value)
    units = fields.get("unitsConsumed")
    if "err" not in fields:
        raise Malformed("the simulation does not say how it ended")
    counted = units if type(units) is int and 0 <= units < _MOST_UNITS else 0
    return Simulation(units=counted, error=fields["err"])


def read_status(result: object) -> tuple[int, Status | None]:
    """(slot of the answer, status of the one signature asked for). Raises: ValueError."""
    slot, value = read_at_slot(result)
    rows = read_list(value)
    if len(rows) != 1:
        raise Malformed("one signature was asked for")
    if rows[0] is None:
        return slot, None
    fields = read_mapping(rows[0])
    return slot, Status(
        slot=read_slot(fields.get("slot")),
        settled=fields.get("confirmationStatus") in ("confirmed", "finalized"),
        error=fields.get("err"),
    )


def read_heights(result: object) -> Heights:
    """Raises: ValueError."""
    fields = read_mapping(result)
    return Heights(slot=read_slot(fields.get("absoluteSlot")), height=read_slot(fields.get("blockHeight")))
