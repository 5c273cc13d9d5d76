"""The bytes of a batch of orders: canonical JSON, so that the same batch has the same bytes and a name of its own.

Where somebody signs orders, the bytes carry what was signed and the signature, which is their name then.
"""

import base64
import binascii
import hashlib
import json
from typing import Any

from risk.model.account import Side
from risk.model.trading import OrderBatch, OrderStyle, OrderTerms, Signed
from venues.errors import VenueRejected
from venues.paper.post import Delivery
from venues.signing import SignedMessage

_MESSAGE, _PROOF = "message", "signature"


def encoded(
    batch: OrderBatch, *, serial: int, last_valid_slot: int, exchange: str, proof: SignedMessage | None = None
) -> Signed:
    """The bytes with their name.

    Args:
        serial: Makes two of the same batch different.
        exchange: Names the exchange they are for; no other takes them.
    """
    payload: dict[str, Any] = {
        "account": batch.account_id,
        "cancels": list(batch.cancels),
        "exchange": exchange,
        "last_valid_slot": last_valid_slot,
        "orders": [_encoded_terms(one) for one in batch.terms],
        "serial": serial,
    }
    if proof is not None:
        payload[_MESSAGE] = base64.b64encode(proof.message).decode()
        payload[_PROOF] = base64.b64encode(proof.signature).decode()
    raw = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    return Signed(signature=_name(raw, proof), raw=raw, last_valid_height=last_valid_slot)


def _name(raw: bytes, proof: SignedMessage | None) -> str:
    """What is signed is executed once, whatever it is wrapped in."""
    return hashlib.sha256(raw).hexdigest() if proof is None else proof.signature.hex()


def proof_of(signed: Signed) -> SignedMessage | None:
    """What was signed of bytes, and how; None for bytes that nobody signed. Raises: VenueRejected."""
    return _proof(_payload(signed))


def exchange_of(signed: Signed) -> str:
    """The exchange that bytes are for. Raises: VenueRejected."""
    return str(_payload(signed)["exchange"])


def delivered(signed: Signed) -> Delivery:
    """What bytes say. Raises: VenueRejected for bytes that were changed, or were never made by encoded."""
    payload = _payload(signed)
    return Delivery(
        signature=signed.signature,
        account_id=payload["account"],
        cancels=tuple(payload["cancels"]),
        terms=tuple(_terms(payload["account"], one) for one in payload["orders"]),
        last_valid_slot=payload["last_valid_slot"],
    )


def _payload(signed: Signed) -> dict[str, Any]:
    try:
        payload: dict[str, Any] = json.loads(signed.raw)
        name = _name(signed.raw, _proof(payload))
    except (ValueError, TypeError, AttributeError) as exc:
        raise VenueRejected("the bytes are no orders of the paper venue; prepare them here") from exc
    if name != signed.signature:
        raise VenueRejected("the bytes of the orders are not what was signed; prepare them again")
    return payload


def _proof(payload: dict[str, Any]) -> SignedMessage | None:
    """Raises: ValueError, TypeError, AttributeError."""
    message, signature = payload.get(_MESSAGE), payload.get(_PROOF)
    if message is None and signature is None:
        return None
    try:
        return SignedMessage(
            message=base64.b64decode(message or "", validate=True),
            signature=base64.b64decode(signature or "", validate=True),
        )
    except binascii.Error as exc:
        raise ValueError("neither a message nor its signature") from exc


def _encoded_terms(terms: OrderTerms) -> dict[str, Any]:
    return {
        "market": terms.market,
        "market_index": terms.market_index,
        "side": terms.side.value,
        "style": terms.style.value,
        "size_raw_1e9": terms.size_raw_1e9,
        "limit_raw_1e6": terms.limit_raw_1e6,
        "reduce_only": terms.reduce_only,
        "expires_at_s": terms.expires_at_s,
        "trigger_raw_1e6": terms.trigger_raw_1e6,
        "triggers_above": terms.triggers_above,
    }


def _terms(account_id: str, payload: dict[str, Any]) -> OrderTerms:
    return OrderTerms(
        account_id=account_id,
        **{**payload, "side": Side(payload["side"]), "style": OrderStyle(payload["style"])},
    )
