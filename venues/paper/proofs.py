"""What a signer has put its name under, held against what arrives: nothing else lands where somebody signs."""

import json

from venues import ed25519
from venues.errors import VenueRejected
from venues.paper.post import Delivery
from venues.signing import SignedMessage

_PREFIX = b"\xffsolana offchain"  # what the signer writes before everything that is no transaction


def require_proof(delivery: Delivery, proof: SignedMessage | None, public_key: str) -> None:
    """Raises: VenueRejected for orders that this key has not signed, or has not signed as they arrive."""
    if proof is None:
        raise VenueRejected("nobody has signed the orders, and here somebody has to; prepare them again")
    if not ed25519.fits(proof.signature, proof.message, public_key):
        raise VenueRejected("the signature of the orders does not fit the signer's key; prepare them again")
    if _stated(proof.message) != _expected(delivery):
        raise VenueRejected("what was signed are other orders than those that arrive; prepare them again")


def _stated(message: bytes) -> dict[str, object]:
    try:
        found = json.loads(message.removeprefix(_PREFIX))
    except ValueError as exc:
        raise VenueRejected("what was signed are no orders on paper; look at which signer is asked") from exc
    if not message.startswith(_PREFIX) or not isinstance(found, dict):
        raise VenueRejected("what was signed are no orders on paper; look at which signer is asked")
    return {name: found.get(name) for name in ("venue", "account", "orders", "cancels", "modifies", "valid_until")}


def _expected(delivery: Delivery) -> dict[str, object]:
    orders = [
        {
            "market_index": one.market_index,
            "side": one.side.value,
            "style": one.style.value,
            "size_raw_1e9": one.size_raw_1e9,
            "limit_raw_1e6": one.limit_raw_1e6,
            "reduce_only": one.reduce_only,
            "expires_at_s": one.expires_at_s,
            "trigger_raw_1e6": one.trigger_raw_1e6,
            "triggers_above": one.triggers_above,
        }
        for one in delivery.terms
    ]
    return {
        "venue": "paper", "account": delivery.account_id, "orders": orders, "cancels": list(delivery.cancels),
        "modifies": [], "valid_until": delivery.last_valid_slot,
    }  # fmt: skip
