"""A Solana JSON-RPC node on loopback that serves a world, with faults: SolanaRpc and running_rpc."""

from tests.support.solana_rpc.background import running_rpc
from tests.support.solana_rpc.faults import (
    UPGRADE,
    BitFlip,
    Delay,
    Garbage,
    HttpError,
    Injection,
    RateLimit,
    Refusal,
    Reset,
    StaleSlot,
    Truncate,
    Unanswered,
    Withheld,
    WrongOwner,
)
from tests.support.solana_rpc.front import RecordedCall
from tests.support.solana_rpc.ledger import Executed, Landing, LandingMode, Sent
from tests.support.solana_rpc.server import SolanaRpc

__all__ = [
    "UPGRADE",
    "BitFlip",
    "Delay",
    "Executed",
    "Garbage",
    "HttpError",
    "Injection",
    "Landing",
    "LandingMode",
    "RateLimit",
    "RecordedCall",
    "Refusal",
    "Reset",
    "Sent",
    "SolanaRpc",
    "StaleSlot",
    "Truncate",
    "Unanswered",
    "Withheld",
    "WrongOwner",
    "running_rpc",
]
