"""What a node says over a websocket, checked for its shape while it is read."""

import json
from dataclasses import dataclass

from venues.solana.accounts import RawAccount
from venues.solana.answers import Malformed, read_account_at, read_mapping, read_slot, read_text

_LARGEST_ID = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A request was granted; notifications come under ``subscription``."""

    request: int
    subscription: int


@dataclass(frozen=True, slots=True)
class Denied:
    """A request was refused; ``request`` is None where the node could not even read it."""

    request: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """An account as it is at ``slot``; None when it is gone."""

    subscription: int
    slot: int
    account: RawAccount | None


@dataclass(frozen=True, slots=True)
class SlotNotice:
    """The node works on a slot."""

    subscription: int
    slot: int


Said = Confirmed | Denied | AccountNotice | SlotNotice


def read_message(text: str | bytes, owners: dict[str, bytes]) -> Said:
    """One message.

    Args:
        owners: Programs met before, by their text; kept by the caller, because reading one takes a while.

    Raises: Malformed for anything a node does not say to whoever subscribes to accounts and slots.
    """
    if isinstance(text, bytes):
        raise Malformed("a text is missing")
    try:
        message = read_mapping(json.loads(text))
        if "method" in message:
            return _notice(read_text(message["method"]), message.get("params"), owners)
        if message.get("error") is not None:
            error = read_mapping(message["error"])
            request = message.get("id")
            return Denied(None if request is None else _number(request), str(error.get("message", "no reason")))
        return Confirmed(_number(message.get("id")), _number(message.get("result")))
    except Malformed:
        raise
    except (ValueError, RecursionError) as exc:
        raise Malformed("it is not JSON-RPC") from exc


def _notice(method: str, params: object, owners: dict[str, bytes]) -> AccountNotice | SlotNotice:
    fields = read_mapping(params)
    subscription, result = _number(fields.get("subscription")), fields.get("result")
    if method == "accountNotification":
        slot, account = read_account_at(result, owners)
        return AccountNotice(subscription, slot, account)
    if method == "slotNotification":
        return SlotNotice(subscription, read_slot(read_mapping(result).get("slot")))
    raise Malformed("nobody asked for such notifications")


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST_ID:
        raise Malformed("a number is missing")
    return value
