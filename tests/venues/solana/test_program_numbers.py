"""Bytes to dollars: accounts decoded here and evaluated by the engine, against the Drift program's own numbers."""

from pathlib import Path

import pytest

from risk.margin.evaluate import evaluate
from tests.support import program
from tests.support.program import MarginKind, ProgramRefused
from tests.support.random_markets import random_catalogue
from tests.support.random_users import UserGenerator
from tests.support.recorded import WORLD_NAMES, recorded_world
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.comparison import misses
from tests.venues.solana.reading import book_of


@pytest.mark.parametrize("name", WORLD_NAMES)
def test_every_recorded_user_has_the_collateral_and_requirement_the_program_computed(material: Path, name: str) -> None:
    recorded = recorded_world(material, name)
    book = book_of(recorded.world, list(recorded.expected))
    assert book.accounts.problems == {}
    evaluation = evaluate(book)
    found = [
        f"{key} {kind.name} {user.tags}: {miss}"
        for account, (key, user) in enumerate(recorded.expected.items())
        for kind, margin in user.program.items()
        for miss in misses(evaluation, account, kind, margin)
    ]
    assert found == []


def test_the_recorded_high_leverage_account_has_health_41_and_not_13(material: Path) -> None:
    recorded = recorded_world(material, "hlm_btc_jup")
    margin = evaluate(book_of(recorded.world, list(recorded.expected))).maintenance
    assert round((1 - margin.requirement_usd[0] / margin.collateral_usd[0]) * 100) == 41


@pytest.mark.skipif(not program.available(), reason=program.unavailable_reason() or "")
@pytest.mark.parametrize("seed", range(4))
def test_random_users_on_random_markets_agree_with_the_compiled_program(seed: int) -> None:
    builder = WorldBuilder(catalogue=random_catalogue(seed))
    UserGenerator(builder, seed=seed).add(120)
    world = builder.build()
    book, compiled = book_of(world), world.program()
    assert book.accounts.problems == {}
    evaluation = evaluate(book)
    found, compared = [], 0
    for account, (key, raw) in enumerate(world.users.items()):
        for kind in MarginKind:
            try:
                expected = compiled.margin(raw, kind)
            except ProgramRefused:
                continue
            compared += 1
            found += [f"{key} {kind.name}: {miss}" for miss in misses(evaluation, account, kind, expected)]
    assert compared > 200
    assert found == []
