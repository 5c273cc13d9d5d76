"""Program addresses and named keys for made-up accounts."""

import hashlib

from solders.keypair import Keypair
from solders.pubkey import Pubkey

DRIFT_PROGRAM = "dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH"
SYSTEM_PROGRAM = "11111111111111111111111111111111"
PYTH_LEGACY_PROGRAM = "FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH"
PYTH_RECEIVER_PROGRAM = "G6EoTTTgpkNBtVXo96EQp2m6uwwVh2Kt6YidjkmQqoha"
SWITCHBOARD_PROGRAM = "SBondMDrcV3K4kxZR1HNVT7osZxAHVHgYXL5Ze1oMUv"
USDC_MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
MAINNET_GENESIS = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"


def keypair(name: str) -> Keypair:
    """The same key for the same name, in every run."""
    return Keypair.from_seed(hashlib.sha256(f"keel tests: {name}".encode()).digest())


def address(name: str) -> str:
    """An address nobody else uses, the same for the same name."""
    return str(keypair(name).pubkey())


def key_bytes(text: str) -> bytes:
    return bytes(Pubkey.from_string(text))


def derived(*seeds: bytes, program: str = DRIFT_PROGRAM) -> str:
    return str(Pubkey.find_program_address(list(seeds), Pubkey.from_string(program))[0])


def _index(number: int) -> bytes:
    return number.to_bytes(2, "little")


def state_address(program: str = DRIFT_PROGRAM) -> str:
    return derived(b"drift_state", program=program)


def user_address(authority: str, sub_account_id: int = 0, program: str = DRIFT_PROGRAM) -> str:
    return derived(b"user", key_bytes(authority), _index(sub_account_id), program=program)


def user_stats_address(authority: str, program: str = DRIFT_PROGRAM) -> str:
    return derived(b"user_stats", key_bytes(authority), program=program)


def perp_market_address(market_index: int, program: str = DRIFT_PROGRAM) -> str:
    return derived(b"perp_market", _index(market_index), program=program)


def spot_market_address(market_index: int, program: str = DRIFT_PROGRAM) -> str:
    return derived(b"spot_market", _index(market_index), program=program)


def spot_vault_address(market_index: int, program: str = DRIFT_PROGRAM) -> str:
    return derived(b"spot_market_vault", _index(market_index), program=program)


def lazer_oracle_address(feed_id: int, program: str = DRIFT_PROGRAM) -> str:
    return derived(b"pyth_lazer", feed_id.to_bytes(4, "little"), program=program)
