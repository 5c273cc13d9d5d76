"""What the buttons of a card carry. Pure.

A handle says nothing by itself, can be made again after a restart, and cannot be made without the key.
"""

import base64
import hashlib
import hmac
import json

from storage.trading_records import CardAction, CardPlace

KEY_BYTES = 32
HANDLE_LENGTH = 22

_HANDLE_BITS = 128


class Handles:
    """Makes handles with the server's key."""

    def __init__(self, key: bytes) -> None:
        """Raises: ValueError for a key that is not of 32 bytes."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of handles has {KEY_BYTES} bytes; make a new one")
        self._key = key

    def __repr__(self) -> str:
        return "Handles(***)"

    def of(self, proposal_id: str, revision: int, action: CardAction, place: CardPlace) -> str:
        """The handle of one button: 22 characters of base64url."""
        # As JSON, so that no two different meanings run together into the same text.
        meaning = json.dumps([proposal_id, revision, action.value, place.transport, place.chat, place.thread])
        code = hmac.new(self._key, meaning.encode(), hashlib.sha256).digest()[: _HANDLE_BITS // 8]
        return base64.urlsafe_b64encode(code).decode().rstrip("=")


def handle_digest(handle: str) -> bytes:
    """What is stored of a handle."""
    return hashlib.sha256(handle.encode("utf-8", "replace")).digest()
