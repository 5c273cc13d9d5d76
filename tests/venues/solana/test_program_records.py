"""Bytes of the program's events: read back as written, held to the published IDL and its parser, never a surprise."""

import contextlib
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.model.events import GapReason
from tests.support import addresses
from tests.support import drift_events as written
from tests.venues.solana.reading import DRIFT
from venues.solana.borsh import Choice, EventLayout, Field, Listed, Maybe, Record, Unreadable, Values
from venues.solana.program_records import Transaction, read_records, touched

USER, OTHER = addresses.address("ann"), addresses.address("bob")
LAYOUTS = {layout.name: layout for layout in DRIFT.events.values()}
RANGES = {
    "u8": (0, 2**8 - 1), "u16": (0, 2**16 - 1), "u32": (0, 2**32 - 1), "u64": (0, 2**64 - 1),
    "i32": (-(2**31), 2**31 - 1), "i64": (-(2**63), 2**63 - 1),
    "u128": (0, 2**128 - 1), "i128": (-(2**127), 2**127 - 1),
}  # fmt: skip
BOOLS = frozenset({"bankrupt", "order.reduce_only", "order.post_only", "order.immediate_or_cancel"})


def drawn(field: str, kind: str) -> st.SearchStrategy[Any]:
    """Any value a field can have."""
    if kind.endswith("?"):
        return st.none() | drawn(field, kind[:-1])
    if kind.startswith("["):
        return st.lists(drawn(field, kind[1:-1]), max_size=5)
    if kind in ("key", "bytes32"):
        return st.binary(min_size=32, max_size=32)
    if field in BOOLS:
        return st.integers(0, 1)
    return st.integers(*RANGES[kind])


@st.composite
def events(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    name = draw(st.sampled_from(sorted(written.TABLES)))
    return name, {field: draw(drawn(field, kind)) for field, kind in written.fields_of(name)}


def kind_of(record: Record, path: str) -> Field:
    head, _, rest = path.partition(".")
    kind = dict(record.fields)[head]
    if rest:
        assert isinstance(kind, Record)
        return kind_of(kind, rest)
    return kind


def found_in(values: Values, path: str, kind: Field) -> object:
    """A value as our reader gives it, in the writer's terms."""
    head, _, rest = path.partition(".")
    if rest:
        return found_in(values.record(head), rest, kind)
    inner = kind.of if isinstance(kind, Maybe) else kind
    if isinstance(inner, Listed):
        return values.count(path)
    if isinstance(inner, Choice):
        name = values.maybe_choice(path)
        return None if name is None else int(name[1:]) if name.startswith("#") else inner.names.index(name)
    if inner in ("key", "bytes32"):
        return values.maybe_blob(path)
    return int(values.flag(path)) if inner == "bool" else values.maybe_number(path)


@given(events())
def test_what_the_program_writes_is_read_as_it_was_written(event: tuple[str, dict[str, Any]]) -> None:
    name, values = event
    layout = LAYOUTS[name]
    found = layout.read(written.event_bytes(name, values))
    for field, value in values.items():
        expected = len(value) if isinstance(value, list) else value
        assert found_in(found, field, kind_of(layout.record, field)) == expected, field


@given(events(), st.data())
def test_damaged_bytes_are_read_or_refused_and_nothing_else(
    event: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    name, values = event
    raw = bytearray(written.event_bytes(name, values))
    at = data.draw(st.integers(8, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(8, len(raw)))
    for bytes_ in (bytes(raw), bytes(raw[:cut]), bytes(raw) + b"\0" * 9):
        with contextlib.suppress(Unreadable):
            assert isinstance(LAYOUTS[name].read(bytes_), Values)


@given(st.binary(max_size=400), st.sampled_from(sorted(LAYOUTS)))
def test_bytes_of_any_kind_end_in_values_or_are_refused(raw: bytes, name: str) -> None:
    with contextlib.suppress(Unreadable):
        LAYOUTS[name].read(LAYOUTS[name].discriminator + raw)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_whatever_is_shorter_than_what_every_version_writes_is_refused(name: str) -> None:
    layout = LAYOUTS[name]
    whole = written.event_bytes(name)
    shortest = next(size for size in range(8, len(whole) + 1) if _readable(layout, whole[:size]))
    assert not any(_readable(layout, whole[:size]) for size in range(8, shortest))
    assert _readable(layout, whole)
    for tail in (b"appended by a newer program", b"\1", b"\xff"):
        assert _readable(layout, whole + tail)


def _readable(layout: EventLayout, raw: bytes) -> bool:
    try:
        layout.read(raw)
    except Unreadable:
        return False
    return True


def test_fields_that_were_appended_later_are_missing_in_older_events() -> None:
    whole = written.event_bytes("OrderActionRecord", {"bit_flags": 3})
    layout = LAYOUTS["OrderActionRecord"]
    assert layout.read(whole).number("bit_flags") == 3
    older = whole[: len(whole) - 8]  # bit flags and seven options that are left out
    assert layout.read(older).maybe_number("bit_flags") is None
    deposit = written.flow(USER, 5)
    assert LAYOUTS["DepositRecord"].read(deposit).maybe_blob("signer") is None
    newer = deposit + b"\1" + addresses.key_bytes(OTHER) + (12).to_bytes(16, "little")
    assert LAYOUTS["DepositRecord"].read(newer).maybe_blob("signer") == addresses.key_bytes(OTHER)
    assert LAYOUTS["DepositRecord"].read(newer).number("user_token_amount_after") == 12


@pytest.mark.parametrize("size", [2**32 - 1, 10**6])
def test_a_list_that_claims_to_be_endless_is_refused_at_once(size: int) -> None:
    raw = written.liquidation("LiquidatePerp", USER, OTHER, cancelled=[1, 2])
    at = raw.index((2).to_bytes(4, "little") + (1).to_bytes(4, "little"))
    with pytest.raises(Unreadable, match="longer"):
        LAYOUTS["LiquidationRecord"].read(raw[:at] + size.to_bytes(4, "little") + raw[at + 4 :])


# A second opinion: what the program's publishers say.


def published() -> Path:
    spec = importlib.util.find_spec("driftpy")
    if spec is None or spec.origin is None:
        pytest.skip("driftpy is not installed, and with it the published IDL")
    return Path(spec.origin).parent / "idl" / "drift.json"


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def as_field(kind: Any, types: dict[str, Any]) -> Field:
    """A type of the IDL in our words."""
    if isinstance(kind, str):
        return {"publicKey": "key"}.get(kind, kind)
    if "option" in kind:
        return Maybe(as_field(kind["option"], types))
    if "vec" in kind:
        return Listed(as_field(kind["vec"], types))
    if "array" in kind:
        return {("u8", 32): "bytes32", ("u8", 1): "u8"}[tuple(kind["array"])]
    defined = types[kind["defined"]]
    if defined["kind"] == "enum":
        return Choice(*(variant["name"] for variant in defined["variants"]))
    return Record(**{snake(part["name"]): as_field(part["type"], types) for part in defined["fields"]})


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_layouts_are_those_of_the_published_idl(name: str) -> None:
    document = json.loads(published().read_text())
    types = {one["name"]: one["type"] for one in document["types"]}
    event = next(one for one in document["events"] if one["name"] == name)
    theirs = tuple((snake(part["name"]), as_field(part["type"], types)) for part in event["fields"])
    layout = LAYOUTS[name]
    assert layout.record.fields[: len(theirs)] == theirs
    assert layout.required <= len(theirs)


def test_the_publishers_own_parser_reads_the_same() -> None:
    path = published()
    from anchorpy.coder.coder import Coder
    from anchorpy_core.idl import Idl

    coder = Coder(Idl.from_json(path.read_text()))
    for name in sorted(LAYOUTS):
        values = {
            field: number for number, (field, kind) in enumerate(written.fields_of(name), 1)
            if kind in RANGES and kind != "u8"
        }  # fmt: skip
        raw = written.event_bytes(name, values)
        theirs = coder.events.parse(raw)
        assert theirs is not None
        assert theirs.name == name
        ours = LAYOUTS[name].read(raw)
        for field, number in values.items():
            parts = field.split(".")
            other, own = theirs.data, ours
            for part in parts[:-1]:
                other, own = getattr(other, part), own.record(part)
            assert getattr(other, parts[-1]) == number == own.number(parts[-1]), field


# Which records concern an account.


def read(account: str, lines: list[str] | None) -> Any:
    transaction = Transaction(signature="s", slot=9, at=None, logs=lines)
    return read_records(DRIFT, addresses.key_bytes(account), transaction)


def test_records_of_others_are_left_alone() -> None:
    lines = written.log_of(
        written.fill(USER, OTHER), written.placed(OTHER, 5, 10), written.flow(USER, 7), written.flow(OTHER, 8)
    )
    assert [record.name for record in read(USER, lines).records] == ["OrderActionRecord", "DepositRecord"]
    assert [record.name for record in read(OTHER, lines).records] == [
        "OrderActionRecord", "OrderRecord", "DepositRecord",
    ]  # fmt: skip
    assert read(addresses.address("carl"), lines).records == ()


def test_what_cannot_be_read_is_a_gap_and_what_is_unknown_is_none() -> None:
    broken = written.fill(USER, OTHER)[:30]
    lines = written.log_of(written.flow(USER, 7), broken, b"unknown event", "Program log: hello")
    found = read(USER, lines)
    assert len(found.records) == 1
    assert [reason for _, reason in found.gaps] == [GapReason.UNREADABLE]
    assert [reason for _, reason in read(USER, None).gaps] == [GapReason.NO_LOG]
    cut = [*lines[:3], "Log truncated", written.data_line(written.flow(USER, 9))]
    assert [reason for _, reason in read(USER, cut).gaps] == [GapReason.LOG_TRUNCATED]
    assert len(read(USER, cut).records) == 1


def test_the_markets_of_every_kind_of_record_are_looked_up() -> None:
    lines = written.log_of(
        written.fill(USER, OTHER, market_index=3),
        written.fill(USER, OTHER, market_index=4, market_type=written.SPOT),
        written.placed(USER, 1, 1, market_index=5),
        written.flow(USER, 1, market_index=6),
        written.event_bytes("SwapRecord", user=USER, in_market_index=7, out_market_index=8),
        written.event_bytes("FundingPaymentRecord", user=USER, market_index=9),
        written.liquidation("LiquidateSpot", USER, OTHER, liquidate_spot__asset_market_index=10,
                            liquidate_spot__liability_market_index=11),
        written.liquidation("LiquidateBorrowForPerpPnl", USER, OTHER,
                            liquidate_borrow_for_perp_pnl__perp_market_index=12,
                            liquidate_borrow_for_perp_pnl__liability_market_index=13),
        written.liquidation("SpotBankruptcy", USER, OTHER, spot_bankruptcy__market_index=14),
    )  # fmt: skip
    assert touched(read(USER, lines).records) == ({3, 5, 9, 12}, {4, 6, 7, 8, 10, 11, 13, 14})
