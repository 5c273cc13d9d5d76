"""The offsets typed into the test support agree with the published layouts, and what is written can be read."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from tests.support import addresses
from tests.support.drift_accounts import OrderSlot, PerpSlot, SpotSlot, make_user
from tests.support.drift_layout import (
    ORDER,
    PERP_POSITION,
    SPOT_POSITION,
    STATE,
    USER,
    USER_STATS,
    Layout,
)
from tests.support.drift_market_layout import LAYOUTS, SWITCHBOARD
from tests.support.drift_oracles import (
    OracleKind,
    make_oracle,
    oracle_kind,
    posted_slot,
    repriced,
    restamped,
)
from tests.support.recorded import WORLD_NAMES, recorded_world

ALL_LAYOUTS = (USER, SPOT_POSITION, PERP_POSITION, ORDER, USER_STATS, STATE, *LAYOUTS)
KIND_SIZES = {"u8": 1, "i8": 1, "bool": 1, "u16": 2, "i16": 2, "u32": 4, "i32": 4, "u64": 8, "i64": 8, "u128": 16}


def _published_fields(document: dict[str, Any], name: str, base: int = 0, prefix: str = "") -> Iterator[Any]:
    """(name, offset, type, count, stride) of every field, nested records spelt out with dots."""
    record = document["accounts"].get(name) or document["structs"][name]
    for field in record["fields"]:
        offset = base + field["offset"]
        if field["type"].startswith("struct:") and "count" not in field:
            yield from _published_fields(document, field["type"][7:], offset, f"{prefix}{field['name']}.")
        else:
            size = field.get("count", 1) * field.get("stride", 0)
            yield prefix + field["name"], (offset, field["type"], size)


@pytest.mark.parametrize("layout", ALL_LAYOUTS, ids=lambda layout: layout.name)
def test_layouts_agree_with_the_published_ones(material: Path, layout: Layout) -> None:
    document = json.loads((material / "data" / "layouts" / "drift_v2.json").read_text())
    record = document["accounts"].get(layout.name) or document["structs"][layout.name]
    assert layout.size == record["size"]
    assert layout.head.hex() == record.get("discriminator", "")
    published = dict(_published_fields(document, layout.name))
    for name, field in layout.fields.items():
        offset, kind, size = published[name]
        assert field.offset == offset, name
        assert field.size == (size or _published_size(kind)), name
        if field.kind in KIND_SIZES and not kind.startswith("enum:"):
            assert field.kind == kind.replace("bool", "u8"), name


def _published_size(kind: str) -> int:
    if kind.startswith("enum:"):
        return 1
    if kind.startswith("bytes["):
        return int(kind[6:-1])
    return KIND_SIZES.get(kind, 32 if kind == "pubkey" else 16)


@pytest.mark.parametrize("name", WORLD_NAMES)
def test_derived_addresses_are_those_of_recorded_accounts(material: Path, name: str) -> None:
    world = recorded_world(material, name).world
    for key, raw in world.users.items():
        authority = str(Pubkey.from_bytes(raw[8:40]))
        assert addresses.user_address(authority, USER.read(raw, "sub_account_id")) == key
    for layout, derive in ((LAYOUTS[0], addresses.perp_market_address), (LAYOUTS[1], addresses.spot_market_address)):
        for key, raw in world.of_layout(layout).items():
            assert derive(layout.read(raw, "market_index")) == key
    assert addresses.state_address() in world.accounts


def test_made_user_reads_back_slot_by_slot() -> None:
    authority = addresses.address("reader")
    raw = make_user(
        authority=authority,
        sub_account_id=3,
        spots=[SpotSlot(market_index=0, scaled_1e9=5), SpotSlot(market_index=1, scaled_1e9=7, is_borrow=True)],
        perps=[PerpSlot(market_index=9, base_1e9=-11, quote_1e6=13)],
        orders=[OrderSlot(market_index=9, order_id=4, base_raw=17, is_buy=False)],
    )
    assert len(raw) == USER.size
    assert raw[8:40] == addresses.key_bytes(authority)
    assert USER.read(raw, "sub_account_id") == 3
    second = USER.fields["spot_positions"].offset + SPOT_POSITION.size
    assert SPOT_POSITION.read(raw, "scaled_balance", second) == 7
    assert SPOT_POSITION.read(raw, "balance_type", second) == 1
    perp = USER.fields["perp_positions"].offset
    assert PERP_POSITION.read(raw, "base_asset_amount", perp) == -11
    assert PERP_POSITION.read(raw, "quote_entry_amount", perp) == 13
    order = USER.fields["orders"].offset
    assert ORDER.read(raw, "direction", order) == 1
    assert ORDER.read(raw, "status", order) == 1


@pytest.mark.parametrize("kind", OracleKind)
def test_feeds_are_recognised_repriced_and_posted_again(kind: OracleKind) -> None:
    _, raw = make_oracle(kind, price="123.5", slot=1_000)
    assert oracle_kind(raw) is kind
    assert posted_slot(raw) == 1_000

    moved = repriced(raw, price=Decimal("99.25"), slot=1_010, publish_time_s=1_700_000_004)
    same = make_oracle(kind, price="99.25", confidence="0.01235", slot=1_010, publish_time_s=1_700_000_004)[1]
    assert oracle_kind(moved) is kind
    assert posted_slot(moved) == 1_010
    stable = [i for i, (a, b) in enumerate(zip(moved, same, strict=True)) if a != b]
    assert len(stable) <= 16, "only the previous price's stamps or the highest price may differ"

    later = restamped(raw, slot=2_000, publish_time_s=1_700_000_400)
    assert posted_slot(later) == 2_000
    back = restamped(later, slot=1_000, publish_time_s=1_700_000_000)
    assert back == raw


def test_switchboard_feed_moves_its_submissions_along() -> None:
    _, raw = make_oracle(OracleKind.SWITCHBOARD, price="1.5", slot=50)
    moved = repriced(raw, price=Decimal(2), slot=60, publish_time_s=1)
    at = SWITCHBOARD.fields["submissions"].offset
    assert int.from_bytes(moved[at + 48 : at + 64], "little") == 2 * 10**18
    assert int.from_bytes(moved[at + 32 : at + 40], "little") == 60
    assert moved[at + 3 * 64 : at + 4 * 64] == bytes(64)
    later = restamped(raw, slot=75, publish_time_s=10)
    assert int.from_bytes(later[at + 32 : at + 40], "little") == 75
    assert int.from_bytes(later[at + 40 : at + 48], "little") == 75
    assert later[at + 3 * 64 : at + 4 * 64] == bytes(64)


def test_bytes_that_are_no_feed_are_refused() -> None:
    with pytest.raises(ValueError, match="not a price feed"):
        repriced(bytes(48), price=Decimal(1), slot=1, publish_time_s=1)
