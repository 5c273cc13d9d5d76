"""Price feed accounts of every kind Drift reads: built, repriced, and posted again at a later slot."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from tests.support import addresses
from tests.support.drift_layout import Layout, Value
from tests.support.drift_market_layout import (
    PRELAUNCH,
    PYTH_LAZER,
    PYTH_LEGACY,
    PYTH_PULL_FULL,
    PYTH_PULL_PARTIAL,
    SWITCHBOARD,
    SWITCHBOARD_SUBMISSION,
)

SUBMISSIONS = 32


class OracleKind(Enum):
    PYTH_LEGACY = "pyth legacy"
    PYTH_PULL_FULL = "pyth pull, fully verified"
    PYTH_PULL_PARTIAL = "pyth pull, partly verified"
    PYTH_LAZER = "pyth lazer"
    PRELAUNCH = "prelaunch"
    SWITCHBOARD = "switchboard on demand"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """Which fields of a feed say price, confidence and time.

    Attributes:
        slots: Of the current price; readers measure its age by the first. ``older_slots`` keep their distance to it.
        times: Publish time of the current price, then of the one before; ``time_unit`` is per second.
        exponent: A field, or the number itself where the feed has none.
    """

    layout: Layout
    owner: str
    prices: tuple[str, ...]
    confidences: tuple[str, ...]
    exponent: str | int
    slots: tuple[str, ...]
    older_slots: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    time_unit: int = 1

    def exponent_of(self, raw: bytes | bytearray) -> int:
        return self.exponent if isinstance(self.exponent, int) else self.layout.read(raw, self.exponent)


_PULL_TIMES = ("publish_time", "prev_publish_time")
_FORMS = {
    OracleKind.PYTH_LEGACY: _Form(
        layout=PYTH_LEGACY,
        owner=addresses.PYTH_LEGACY_PROGRAM,
        prices=("agg_price",),
        confidences=("agg_conf",),
        exponent="exponent",
        slots=("valid_slot", "last_slot", "agg_pub_slot"),
        older_slots=("prev_slot",),
        times=("timestamp", "prev_timestamp"),
    ),
    OracleKind.PYTH_PULL_FULL: _Form(
        layout=PYTH_PULL_FULL,
        owner=addresses.PYTH_RECEIVER_PROGRAM,
        prices=("price",),
        confidences=("conf",),
        exponent="exponent",
        slots=("posted_slot",),
        times=_PULL_TIMES,
    ),
    OracleKind.PYTH_PULL_PARTIAL: _Form(
        layout=PYTH_PULL_PARTIAL,
        owner=addresses.PYTH_RECEIVER_PROGRAM,
        prices=("price",),
        confidences=("conf",),
        exponent="exponent",
        slots=("posted_slot",),
        times=_PULL_TIMES,
    ),
    OracleKind.PYTH_LAZER: _Form(
        layout=PYTH_LAZER,
        owner=addresses.DRIFT_PROGRAM,
        prices=("price",),
        confidences=("conf",),
        exponent="exponent",
        slots=("posted_slot",),
        times=("publish_time",),
        time_unit=10**6,
    ),
    OracleKind.PRELAUNCH: _Form(
        layout=PRELAUNCH,
        owner=addresses.DRIFT_PROGRAM,
        prices=("price",),
        confidences=("confidence",),
        exponent=-6,
        slots=("last_update_slot", "amm_last_update_slot"),
    ),
    OracleKind.SWITCHBOARD: _Form(
        layout=SWITCHBOARD,
        owner=addresses.SWITCHBOARD_PROGRAM,
        prices=("result_value", "result_mean", "result_min_value", "result_max_value"),
        confidences=("result_range", "result_std_dev"),
        exponent=-18,
        slots=("result_slot", "result_min_slot", "result_max_slot"),
        times=("last_update_timestamp",),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One Switchboard oracle's answer; those landed last count."""

    price: Decimal
    slot: int


def oracle_kind(raw: bytes | bytearray) -> OracleKind | None:
    """The kind of feed these bytes are, or none."""
    for kind, form in _FORMS.items():
        if raw.startswith(form.layout.head) and len(raw) >= form.layout.size:
            if form.layout is PYTH_PULL_FULL and raw[40] != 1:
                continue
            return kind
    return None


def _scaled(price: Decimal, exponent: int) -> int:
    return int(price.scaleb(-exponent))


def make_oracle(
    kind: OracleKind,
    *,
    price: Decimal | str,
    slot: int,
    confidence: Decimal | str | None = None,
    exponent: int = -8,
    publish_time_s: int = 1_700_000_000,
    submissions: Sequence[Submission] | None = None,
) -> tuple[str, bytes]:
    """Owner and data of a feed posted in ``slot``.

    Args:
        price: In the feed's own unit: a 1M market reads a million times this.
        confidence: Half width, a ten thousandth of the price unless given.
        submissions: Of a Switchboard feed, three equal ones unless given.
    """
    form, price = _FORMS[kind], Decimal(price)
    confidence = abs(price) / 10_000 if confidence is None else Decimal(confidence)
    values: dict[str, Value] = {}
    if kind is OracleKind.PYTH_LEGACY:
        values = {"account_type": 3, "size": form.layout.size, "price_type": 1, "num": 20, "num_qt": 18}
        values |= {"agg_status": 1, "prev_slot": max(0, slot - 1), "prev_timestamp": publish_time_s}
    elif kind in (OracleKind.PYTH_PULL_FULL, OracleKind.PYTH_PULL_PARTIAL):
        values = {"verification_level": 1} if kind is OracleKind.PYTH_PULL_FULL else {"num_signatures": 5}
        values["prev_publish_time"] = publish_time_s - 1
    elif kind is OracleKind.PRELAUNCH:
        values = {"max_price": _scaled(price * 10, -6)}
    elif kind is OracleKind.SWITCHBOARD:
        equal = [Submission(price=price, slot=slot)] * 3
        given = equal if submissions is None else submissions
        values = {"submissions": _submissions(given), "result_num_samples": len(given)}
    raw = form.layout.encode(values | ({"exponent": exponent} if isinstance(form.exponent, str) else {}))
    _write(raw, form, price=price, confidence=confidence, slot=slot, publish_time_s=publish_time_s)
    return form.owner, bytes(raw)


def _submissions(given: Sequence[Submission]) -> bytes:
    packed = b"".join(
        SWITCHBOARD_SUBMISSION.encode(
            {
                "oracle": addresses.key_bytes(addresses.address(f"switchboard oracle {number}")),
                "slot": submission.slot,
                "landed_at": submission.slot,
                "value": _scaled(submission.price, -18),
            }
        )
        for number, submission in enumerate(given)
    )
    return packed.ljust(SUBMISSIONS * SWITCHBOARD_SUBMISSION.size, b"\0")


def _write(
    raw: bytearray, form: _Form, *, price: Decimal, confidence: Decimal | None, slot: int, publish_time_s: int
) -> None:
    exponent = form.exponent_of(raw)
    form.layout.write(raw, [(field, _scaled(price, exponent)) for field in form.prices])
    if confidence is not None:
        form.layout.write(raw, [(field, _scaled(confidence, exponent)) for field in form.confidences])
    form.layout.write(raw, [(field, slot) for field in form.slots])
    form.layout.write(raw, [(field, publish_time_s * form.time_unit) for field in form.times[:1]])


def repriced(raw: bytes, *, price: Decimal, slot: int, publish_time_s: int, confidence: Decimal | None = None) -> bytes:
    """The same feed with another price, posted in ``slot``. Raises: ValueError when these bytes are no feed."""
    kind = oracle_kind(raw)
    if kind is None:
        raise ValueError(f"{len(raw)} bytes starting {raw[:8].hex()} are not a price feed of a known kind")
    out = bytearray(raw)
    _write(out, _FORMS[kind], price=price, confidence=confidence, slot=slot, publish_time_s=publish_time_s)
    if kind is OracleKind.SWITCHBOARD:
        newest = max(_submission_slots(raw))
        for at in range(8, 8 + SUBMISSIONS * SWITCHBOARD_SUBMISSION.size, SWITCHBOARD_SUBMISSION.size):
            if newest and SWITCHBOARD_SUBMISSION.read(raw, "landed_at", at) == newest:
                new = (("slot", slot), ("landed_at", slot), ("value", _scaled(price, -18)))
                SWITCHBOARD_SUBMISSION.write(out, new, at)
    return bytes(out)


def _submission_slots(raw: bytes) -> list[int]:
    ends = 8 + SUBMISSIONS * SWITCHBOARD_SUBMISSION.size
    starts = range(8, ends, SWITCHBOARD_SUBMISSION.size)
    return [SWITCHBOARD_SUBMISSION.read(raw, "landed_at", at) for at in starts]


def posted_slot(raw: bytes) -> int | None:
    """The slot by which readers measure a feed's age; none when these bytes are no feed."""
    kind = oracle_kind(raw)
    return None if kind is None else _FORMS[kind].layout.read(raw, _FORMS[kind].slots[0])


def restamped(raw: bytes, *, slot: int, publish_time_s: float) -> bytes:
    """The same feed as if posted in ``slot``: its stamps keep their distances to each other, and 0 stays 0."""
    kind = oracle_kind(raw)
    if kind is None:
        return raw
    form, out = _FORMS[kind], bytearray(raw)
    moved_slots = slot - form.layout.read(raw, form.slots[0])
    _shift(out, form.layout, form.slots + form.older_slots, moved_slots)
    if form.times:
        moved_time = int(publish_time_s * form.time_unit) - form.layout.read(raw, form.times[0])
        _shift(out, form.layout, form.times, moved_time)
    if kind is OracleKind.SWITCHBOARD:
        for at in range(8, 8 + SUBMISSIONS * SWITCHBOARD_SUBMISSION.size, SWITCHBOARD_SUBMISSION.size):
            _shift(out, SWITCHBOARD_SUBMISSION, ("slot", "landed_at"), moved_slots, at)
    return bytes(out)


def _shift(raw: bytearray, layout: Layout, fields: Sequence[str], by: int, base: int = 0) -> None:
    for field in fields:
        before = layout.read(raw, field, base)
        if before:
            struct.pack_into("<Q", raw, base + layout.fields[field].offset, max(0, before + by))
