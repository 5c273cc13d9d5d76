"""The decode and the margin engine together say what the Drift program says, for any account on any markets.

Random users on random markets are read by the product and judged by the program's own compiled function. With
HYPOTHESIS_PROFILE=thorough many times as many users are tried.
"""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import program
from tests.support.catalogue import STANDARD
from tests.support.comparison import compare, compare_with, explained
from tests.support.random_markets import random_catalogue
from tests.support.random_users import Frequencies, UserGenerator
from tests.support.recorded import WORLD_NAMES, recorded_world
from tests.support.world_builder import WorldBuilder

USERS_PER_WORLD = 100
WORLDS = max(3, settings().max_examples // 10)
# The program refuses a spot position that an order would leave with less than one token unit.
TOO_SMALL = 6_073
DUST = Frequencies(dust=1.0, orders=0.6, flat_with_pnl=0.2)
CROWDED = Frequencies(isolated=0.5, high_leverage=0.4, user_ratio=0.5, position_ratio=0.5, orders=0.8, second_pool=0.2)

needs_program = pytest.mark.skipif(not program.available(), reason=str(program.unavailable_reason()))


def assert_agreement(builder: WorldBuilder, users: list[str]) -> None:
    world = builder.build()
    result = compare(world, users)
    assert result.agrees, explained(world, result)
    assert set(result.refused.values()) <= {TOO_SMALL}
    assert len(result.refused) <= len(users) // 20
    assert result.numbers >= 4 * (len(users) - len(result.refused))


@needs_program
def test_users_of_ordinary_markets_get_the_programs_numbers() -> None:
    builder = WorldBuilder(catalogue=STANDARD)
    assert_agreement(builder, UserGenerator(builder, seed=1).add(USERS_PER_WORLD))


@needs_program
@pytest.mark.parametrize("seed", range(WORLDS))
def test_users_of_random_markets_get_the_programs_numbers(seed: int) -> None:
    builder = WorldBuilder(catalogue=random_catalogue(seed))
    assert_agreement(builder, UserGenerator(builder, seed=seed).add(USERS_PER_WORLD))


@needs_program
@pytest.mark.parametrize("frequencies", [DUST, CROWDED], ids=["dust", "crowded"])
@pytest.mark.parametrize("seed", range(1_000, 1_000 + WORLDS // 3))
def test_users_in_the_corners_get_the_programs_numbers(seed: int, frequencies: Frequencies) -> None:
    builder = WorldBuilder(catalogue=random_catalogue(seed))
    assert_agreement(builder, UserGenerator(builder, seed=seed, frequencies=frequencies).add(USERS_PER_WORLD))


@pytest.mark.parametrize("name", WORLD_NAMES)
def test_recorded_users_get_the_recorded_numbers(material: Path, name: str) -> None:
    recorded = recorded_world(material, name)
    result = compare_with(recorded.world, {key: user.program for key, user in recorded.expected.items()})
    assert not result.problems
    assert not result.mismatches, "\n".join(map(str, result.mismatches))
    assert result.numbers >= 4 * len(recorded.expected)
