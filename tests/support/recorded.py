"""The numbers recorded worlds come with: what the Drift program said of each user."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.support.program import MarginKind, ProgramMargin, ScopeMargin
from tests.support.world import World, load_world

WORLD_NAMES = ("hlm_btc_jup", "settlement_prediction", "fuzz_shared", "features_shared")
_KINDS = {"Maintenance": MarginKind.MAINTENANCE, "Initial": MarginKind.INITIAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedUser:
    """One user's expected numbers.

    Attributes:
        health: 0 to 100, of the cross scope; ``isolated_health`` by perp market index.
        liquidatable: Cross scope or any isolated position.
    """

    tags: tuple[str, ...]
    program: Mapping[MarginKind, ProgramMargin]
    health: int
    isolated_health: Mapping[int, int]
    liquidatable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedWorld:
    world: World
    expected: Mapping[str, ExpectedUser]


def recorded_world(material: Path, name: str) -> RecordedWorld:
    """One of WORLD_NAMES from the material folder."""
    path = material / "data" / "drift" / "worlds" / f"{name}.json"
    document = json.loads(path.read_text())
    expected = {
        key: ExpectedUser(
            tags=tuple(entry["tags"]),
            program=MappingProxyType({_KINDS[kind]: _margin(raw) for kind, raw in entry["program"].items()}),
            health=entry["health"],
            isolated_health=MappingProxyType({int(k): v for k, v in entry["isolated_health"].items()}),
            liquidatable=entry["liquidatable"],
        )
        for key, entry in document["expected"].items()
    }
    return RecordedWorld(world=load_world(path), expected=MappingProxyType(expected))


def _scope(raw: Mapping[str, Any]) -> ScopeMargin:
    return ScopeMargin(collateral_1e6=raw["total_collateral"], requirement_1e6=raw["margin_requirement"])


def _margin(raw: Mapping[str, Any]) -> ProgramMargin:
    return ProgramMargin(
        cross=_scope(raw),
        isolated=MappingProxyType({int(market): _scope(scope) for market, scope in raw["isolated"].items()}),
        spot_assets_1e6=raw["spot_asset_value"],
        spot_liabilities_1e6=raw["spot_liability_value"],
        perp_liabilities_1e6=raw["perp_liability_value"],
        perp_pnl_1e6=raw["perp_pnl"],
    )
