"""The bytes of a batch of orders: canonical JSON, so that the same batch has the same bytes and a name of its own."""

import hashlib
import json
from typing import Any

from risk.model.account import Side
from risk.model.trading import OrderBatch, OrderStyle, OrderTerms, Signed
from venues.errors import VenueRejected
from venues.paper.post import Delivery


def encoded(batch: OrderBatch, *, serial: int, last_valid_slot: int, exchange: str) -> bytes:
    """The bytes.

    Args:
        serial: Makes two of the same batch different.
        exchange: Names the exchange they are for; no other takes them.
    """
    payload = {
        "account": batch.account_id,
        "cancels": list(batch.cancels),
        "exchange": exchange,
        "last_valid_slot": last_valid_slot,
        "orders": [_encoded_terms(one) for one in batch.terms],
        "serial": serial,
    }
    return json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()


def signature_of(raw: bytes) -> str:
    """The name of bytes."""
    return hashlib.sha256(raw).hexdigest()


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
    if signature_of(signed.raw) != signed.signature:
        raise VenueRejected("the bytes of the orders are not what was signed; prepare them again")
    try:
        payload: dict[str, Any] = json.loads(signed.raw)
    except ValueError as exc:
        raise VenueRejected("the bytes are no orders of the paper venue; prepare them here") from exc
    return payload


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
