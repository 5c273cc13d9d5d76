"""The profile's offsets, against the published layout and against recorded accounts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from risk.model.account import OrderKind
from tests.support.drift_layout import ORDER, PERP_POSITION, SPOT_POSITION, STATE, USER, USER_STATS, Layout
from tests.support.drift_market_layout import PERP_MARKET, SPOT_MARKET
from tests.venues.solana.reading import DRIFT
from venues.solana.profiles import RecordType, drift

NUMPY_KINDS = {"u1": "u8", "u2": "u16", "u4": "u32", "u8": "u64", "i2": "i16", "i4": "i32", "i8": "i64"}
# Fields of ours that are named after more than one published name.
QUALIFIED = {"perp_fee_tiers": "perp_fee_structure.fee_tiers"}
RECORDS: dict[str, tuple[RecordType, Layout]] = {
    "User": (drift.USER, USER),
    "UserStats": (drift.USER_STATS, USER_STATS),
    "PerpMarket": (drift.PERP_MARKET, PERP_MARKET),
    "SpotMarket": (drift.SPOT_MARKET, SPOT_MARKET),
    "State": (drift.STATE, STATE),
    "SpotPosition": (drift.SPOT_POSITION, SPOT_POSITION),
    "PerpPosition": (drift.PERP_POSITION, PERP_POSITION),
    "Order": (drift.ORDER, ORDER),
}


def fields_of(record: RecordType) -> dict[str, tuple[int, str]]:
    """(offset, kind) of every field, in the words of the published layout."""
    found = {}
    for name, (kind, offset, *_) in (record.fields or {}).items():
        if kind.names == ("lo", "hi"):
            found[name] = (offset, "i128" if kind["hi"].kind == "i" else "u128")
        elif kind.subdtype is None:
            found[name] = (offset, NUMPY_KINDS[kind.str[1:]])
        else:
            found[name] = (offset, f"{kind.itemsize} bytes")
    return found


def published_fields(document: dict[str, Any], name: str, at: int = 0) -> dict[str, tuple[int, str]]:
    """The same from the layout file; nested structures are spread out under their own field names."""
    spec = document["accounts"].get(name) or document["structs"][name]
    found = {}
    for field in spec["fields"]:
        kind, offset = field["type"], at + field["offset"]
        if "count" in field:
            found[field["name"]] = (offset, f"{field['count'] * field['stride']} bytes")
        elif kind.startswith("struct:"):
            inner = published_fields(document, kind[7:], offset)
            found.update(inner | {field["name"]: (offset, kind)})
            found.update({f"{field['name']}.{name}": place for name, place in inner.items()})
        else:
            simple = {"pubkey": "32 bytes", "bool": "u8"}.get(kind, "u8" if kind.startswith("enum:") else kind)
            found[field["name"]] = (offset, simple.replace("bytes[32]", "32 bytes"))
    return found


@pytest.mark.parametrize("name", RECORDS)
def test_offsets_and_types_are_the_published_ones(material: Path, name: str) -> None:
    document = json.loads((material / "data" / "layouts" / "drift_v2.json").read_text())
    record = RECORDS[name][0]
    published = published_fields(document, name)
    ours = {field: place for field, place in fields_of(record).items() if field != "discriminator"}
    assert {field: published.get(QUALIFIED.get(field, field)) for field in ours} == ours
    assert record.itemsize == (document["accounts"].get(name) or document["structs"][name])["size"]


@pytest.mark.parametrize("name", RECORDS)
def test_offsets_are_those_the_tests_write_with(name: str) -> None:
    record, written = RECORDS[name]
    shared = {field.rpartition(".")[2]: place.offset for field, place in written.fields.items()}
    ours = {field: offset for field, (offset, _) in fields_of(record).items() if field in shared}
    assert len(ours) >= len(record.names or ()) - 3  # what tests have no builder for
    assert {field: shared[field] for field in ours} == ours


def test_discriminators_and_codes_are_the_published_ones(material: Path) -> None:
    document = json.loads((material / "data" / "layouts" / "drift_v2.json").read_text())
    accounts, enums, bits = document["accounts"], document["enums"], document["bit_flags"]
    for name, layout in {
        "User": DRIFT.user,
        "UserStats": DRIFT.user_stats,
        "PerpMarket": DRIFT.perp_market,
        "SpotMarket": DRIFT.spot_market,
        "State": DRIFT.state,
    }.items():
        assert layout.discriminator.hex() == accounts[name]["discriminator"]
    sources = document["oracle_sources"]
    for code, source in DRIFT.oracle_sources.items():
        assert source.name == enums["OracleSource"][code]
        if source.name in sources:
            published = sources[source.name]
            assert (source.multiple, source.stable_coin_snap) == (published["multiple"], published["stable_coin_snap"])
    for table, name in (
        (DRIFT.market_statuses, "MarketStatus"),
        (DRIFT.contract_types, "ContractType"),
        (DRIFT.contract_tiers, "ContractTier"),
        (DRIFT.asset_tiers, "AssetTier"),
        (DRIFT.margin_modes, "MarginMode"),
    ):
        published_names = [value.upper() for value in enums[name]]
        assert [table[code].name.replace("_", "") for code in range(len(published_names))] == published_names
    assert [DRIFT.order_kinds[code].value.replace("_", "") for code in range(len(OrderKind))] == [
        kind.lower() for kind in enums["OrderType"]
    ]
    assert DRIFT.status_bits[2] == sum(bits["UserStatus"].values())
    assert DRIFT.position_bits[2] == sum(bits["PositionFlag"].values())
    assert set(DRIFT.exchange_pauses) == set(bits["ExchangeStatus"].values())
    assert set(DRIFT.perp_pauses) == set(bits["PerpOperation"].values())
    assert set(DRIFT.spot_pauses) == set(bits["SpotOperation"].values())


def test_recorded_accounts_have_the_lengths_and_heads_of_the_profile(material: Path) -> None:
    folder = material / "data" / "drift" / "accounts"
    seen = 0
    for kind, layout in (
        ("User", DRIFT.user),
        ("UserStats", DRIFT.user_stats),
        ("PerpMarket", DRIFT.perp_market),
        ("SpotMarket", DRIFT.spot_market),
    ):
        for path in folder.glob(f"{kind}_*.bin"):
            raw = path.read_bytes()
            fields = layout.for_length(len(raw))
            assert fields is not None
            assert raw.startswith(layout.discriminator)
            assert np.frombuffer(raw, fields).size == 1
            seen += 1
    assert seen > 150
