"""Built worlds are consistent, repeatable and hold what they promise."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin.evaluate import evaluate
from risk.margin.health import worst_ratio_percent
from tests.support import addresses
from tests.support.catalogue import STANDARD
from tests.support.drift_enums import MarginMode, PositionFlag
from tests.support.drift_layout import PERP_POSITION, SPOT_POSITION, STATE, USER
from tests.support.drift_market_layout import PERP_MARKET, SPOT_MARKET
from tests.support.drift_oracles import repriced
from tests.support.market_specs import SpotSpec
from tests.support.random_markets import random_catalogue
from tests.support.random_users import UserGenerator
from tests.support.reading import book_of
from tests.support.scenarios import sol_long
from tests.support.world import World
from tests.support.world_builder import DEFAULT_SLOT, WorldBuilder, scaled_balance


def generated(seed: int, count: int) -> World:
    builder = WorldBuilder(catalogue=random_catalogue(seed))
    UserGenerator(builder, seed=seed).add(count)
    return builder.build()


def test_same_seed_builds_the_same_world_and_another_seed_another() -> None:
    assert generated(3, 30) == generated(3, 30)
    assert generated(3, 30).users.keys() != generated(4, 30).users.keys()


def test_every_market_finds_its_feed_and_state_counts_them() -> None:
    world = WorldBuilder().build()
    state = world.accounts[addresses.state_address()].data
    assert STATE.read(state, "number_of_markets") == 1 + max(perp.index for perp in STANDARD.perps)
    assert STATE.read(state, "number_of_spot_markets") == 1 + max(spot.index for spot in STANDARD.spots)
    oracles = {addresses.key_bytes(key) for key in world.oracles} | {addresses.key_bytes(addresses.SYSTEM_PROGRAM)}
    for layout, field in ((PERP_MARKET, "amm.oracle"), (SPOT_MARKET, "oracle")):
        markets = world.of_layout(layout)
        assert len(markets) == len(STANDARD.perps if layout is PERP_MARKET else STANDARD.spots)
        for key, raw in markets.items():
            at = layout.fields[field].offset
            assert raw[at : at + 32] in oracles
            assert raw[8:40] == addresses.key_bytes(key)


def test_thousands_of_users_are_read_without_a_complaint() -> None:
    world = generated(8, 3_000)
    book = book_of(world, list(world.users), with_orders=True)
    assert book.n_accounts == 3_000
    assert not book.accounts.problems
    assert not np.isnan(evaluate(book).maintenance.collateral_usd).any()


def test_generated_users_reach_every_corner() -> None:
    seen: dict[str, int] = {}

    def count(name: str, happened: bool) -> None:
        seen[name] = seen.get(name, 0) + happened

    for raw in generated(5, 400).users.values():
        spot_at = range(USER.fields["spot_positions"].offset, 424, SPOT_POSITION.size)
        perp_at = range(USER.fields["perp_positions"].offset, 1_192, PERP_POSITION.size)
        spots, perps = [raw[at : at + 40] for at in spot_at], [raw[at : at + 96] for at in perp_at]
        for mode in MarginMode:
            count(f"margin mode {mode.name}", USER.read(raw, "margin_mode") == mode)
        count("user ratio", USER.read(raw, "max_margin_ratio") > 0)
        count("second pool", USER.read(raw, "pool_id") == 1)
        count("second sub-account", USER.read(raw, "sub_account_id") > 0)
        count("borrow", any(SPOT_POSITION.read(slot, "balance_type") for slot in spots))
        count("spot order", any(SPOT_POSITION.read(slot, "open_orders") for slot in spots))
        count("perp order", any(PERP_POSITION.read(slot, "open_orders") for slot in perps))
        flags = [PERP_POSITION.read(slot, "position_flag") for slot in perps]
        count("isolated", any(flag & PositionFlag.ISOLATED for flag in flags))
        count("position ratio", any(PERP_POSITION.read(slot, "max_margin_ratio") for slot in perps))
        count("short", any(PERP_POSITION.read(slot, "base_asset_amount") < 0 for slot in perps))
        count("all perp slots", all(any(slot) for slot in perps))
        count("empty", not any(map(any, spots + perps)))
    assert min(seen.values()) >= 2, seen


def test_a_user_cannot_be_added_twice() -> None:
    builder = WorldBuilder()
    builder.add_user("alice")
    builder.add_user("alice", sub_account_id=1)
    with pytest.raises(ValueError, match="already has sub-account 1"):
        builder.add_user("alice", sub_account_id=1)


@given(raw=st.integers(1, 10**15), spec=st.sampled_from(STANDARD.spots), is_borrow=st.booleans())
def test_stored_balance_reads_back_as_the_amount(raw: int, spec: SpotSpec, is_borrow: bool) -> None:
    amount = Decimal(raw).scaleb(-spec.decimals)
    scaled = scaled_balance(spec, amount, is_borrow=is_borrow)
    interest = int(Decimal(spec.borrow_interest if is_borrow else spec.deposit_interest) * 10**10)
    divisor = 10 ** (19 - spec.decimals)
    tokens = -(-scaled * interest // divisor) if is_borrow else scaled * interest // divisor
    assert tokens - raw in ((-1, 0) if is_borrow else (0, 1))


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("ratio", [300, 200, 150, 120, 100])
def test_long_reaches_the_ratio_its_scenario_foretells(isolated: bool, ratio: int) -> None:
    story = sol_long(isolated=isolated)
    price = story.price_at_ratio(ratio)
    feed = story.world.accounts[story.oracle]
    data = repriced(feed.data, price=price, slot=DEFAULT_SLOT, publish_time_s=0)
    world = story.world.with_accounts({story.oracle: replace(feed, data=data)})
    found = worst_ratio_percent(evaluate(book_of(world, [story.user])))
    assert found[0] == pytest.approx(ratio, rel=1e-4)
    assert story.price_at_ratio(100) == story.liquidation_usd
