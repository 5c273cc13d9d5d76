"""What ``keel inspect --json`` and ``keel sweep --json`` print, beside what the Drift program said."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from solders.pubkey import Pubkey

from tests.support.comparison import ABSOLUTE_USD, RELATIVE
from tests.support.drift_market_layout import PERP_MARKET
from tests.support.program import MarginKind, ScopeMargin
from tests.support.recorded import ExpectedUser, RecordedWorld
from tests.support.world import World

Row = Mapping[str, Any]

_FIELDS = {
    MarginKind.MAINTENANCE: ("total_collateral_usd", "maintenance_requirement_usd"),
    MarginKind.INITIAL: ("initial_collateral_usd", "initial_requirement_usd"),
}
_NOTHING = ScopeMargin(collateral_1e6=0, requirement_1e6=0)  # the program leaves such a scope out


def misses(rows: Sequence[Row], recorded: RecordedWorld) -> list[str]:
    """Every number of every account that differs by more than one in a million and one cent."""
    indexes = {name: index for index, (name, _) in _perp_markets(recorded.world).items()}
    return [miss for row in rows for miss in _misses_of(row, recorded.expected[row["account"]], indexes)]


def _misses_of(row: Row, expected: ExpectedUser, indexes: Mapping[str, int]) -> Iterator[str]:
    isolated = {indexes[scope["market"]]: scope for scope in row["isolated"]}
    for kind, margin in expected.program.items():
        yield from _differences(row["account"], row, margin.cross, kind)
        for index in sorted(isolated.keys() | margin.isolated.keys()):
            where = f"{row['account']} isolated {index}"
            if index in isolated:
                yield from _differences(where, isolated[index], margin.isolated.get(index, _NOTHING), kind)
            else:
                yield f"{where} is missing"
    healths = {"cross": (row["health_percent"], expected.health)}
    for index, theirs in expected.isolated_health.items():
        healths[f"isolated {index}"] = (isolated[index]["health_percent"] if index in isolated else math.nan, theirs)
    for scope, (ours, rounded) in healths.items():
        if not abs(ours - rounded) <= 0.5 + RELATIVE:
            yield f"{row['account']} {scope}: health {ours}, expected {rounded}"


def _differences(where: str, row: Row, scope: ScopeMargin, kind: MarginKind) -> Iterator[str]:
    for field, theirs_1e6 in zip(_FIELDS[kind], (scope.collateral_1e6, scope.requirement_1e6), strict=True):
        ours, theirs = row[field], theirs_1e6 / 1e6
        if not abs(ours - theirs) <= max(ABSOLUTE_USD, RELATIVE * abs(theirs)):
            yield f"{where} {field}: {ours}, the program {theirs}"


def worst_ratio(row: Row) -> float:
    """The least of cross and isolated health ratio, as the order of a sweep has it."""
    pairs = [(s["total_collateral_usd"], s["maintenance_requirement_usd"]) for s in (row, *row["isolated"])]
    return min(collateral / requirement if requirement > 0 else math.inf for collateral, requirement in pairs)


def feed_of(world: World, market: str) -> str:
    """Address of a perp market's oracle."""
    return next(oracle for name, oracle in _perp_markets(world).values() if name == market)


def _perp_markets(world: World) -> dict[int, tuple[str, str]]:
    """(name, oracle) by market index."""
    found = {}
    for raw in world.of_layout(PERP_MARKET).values():
        name = _bytes_of(raw, "name").decode().strip()
        oracle = str(Pubkey.from_bytes(_bytes_of(raw, "amm.oracle")))
        found[PERP_MARKET.read(raw, "market_index")] = (name, oracle)
    return found


def _bytes_of(raw: bytes, name: str) -> bytes:
    field = PERP_MARKET.fields[name]
    return raw[field.offset : field.offset + field.size]
