"""A world: every account of one situation at one slot, in memory or as a ``keel-world-1`` JSON file."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from tests.support import addresses
from tests.support.drift_layout import USER, Layout
from tests.support.drift_market_layout import PERP_MARKET, SPOT_MARKET
from tests.support.drift_oracles import oracle_kind
from tests.support.program import Program

FORMAT = "keel-world-1"


def rent_exempt_lamports(size: int) -> int:
    return (128 + size) * 6_960


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainAccount:
    """An account as the ledger stores it."""

    owner: str
    data: bytes
    lamports: int = 0

    @classmethod
    def rent_exempt(cls, owner: str, data: bytes) -> "ChainAccount":
        return cls(owner=owner, data=data, lamports=rent_exempt_lamports(len(data)))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Accounts by address at a slot."""

    accounts: Mapping[str, ChainAccount]
    slot: int
    program_id: str = addresses.DRIFT_PROGRAM
    genesis_hash: str = addresses.MAINNET_GENESIS

    def of_layout(self, layout: Layout) -> dict[str, bytes]:
        """The program's accounts of one type, in the order of the file."""
        return {
            key: account.data
            for key, account in self.accounts.items()
            if account.owner == self.program_id and account.data.startswith(layout.head)
        }

    @property
    def users(self) -> dict[str, bytes]:
        return self.of_layout(USER)

    @property
    def oracles(self) -> dict[str, tuple[str, bytes]]:
        """Owner and data of every price feed."""
        return {key: (a.owner, a.data) for key, a in self.accounts.items() if oracle_kind(a.data) is not None}

    def program(self) -> Program:
        """The compiled program looking at this world. Raises: program.ProgramMissing."""
        return Program(
            perp_markets=list(self.of_layout(PERP_MARKET).values()),
            spot_markets=list(self.of_layout(SPOT_MARKET).values()),
            oracles=self.oracles,
            slot=self.slot,
        )

    def with_accounts(self, accounts: Mapping[str, ChainAccount]) -> "World":
        """The same world with accounts added or replaced."""
        return replace(self, accounts=MappingProxyType({**self.accounts, **accounts}))


def load_world(path: Path) -> World:
    """Raises: ValueError when the file is no keel-world-1 document."""
    document = json.loads(path.read_text())
    if document.get("format") != FORMAT:
        raise ValueError(f"{path.name} is not a {FORMAT} file")
    accounts = {
        key: ChainAccount(
            owner=entry["owner"], data=base64.b64decode(entry["data_base64"]), lamports=int(entry["lamports"])
        )
        for key, entry in document["accounts"].items()
    }
    return World(
        accounts=MappingProxyType(accounts),
        slot=int(document["slot"]),
        program_id=document["program_id"],
        genesis_hash=document["genesis_hash"],
    )


def save_world(world: World, path: Path) -> None:
    accounts = {
        key: {
            "owner": account.owner,
            "lamports": account.lamports,
            "data_base64": base64.b64encode(account.data).decode(),
        }
        for key, account in world.accounts.items()
    }
    document = {
        "format": FORMAT,
        "program_id": world.program_id,
        "genesis_hash": world.genesis_hash,
        "slot": world.slot,
        "accounts": accounts,
    }
    path.write_text(json.dumps(document))
