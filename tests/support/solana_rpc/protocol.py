"""JSON-RPC as Solana nodes speak it: calls, errors, and their numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from solders.pubkey import Pubkey

Json = Any  # whatever json.loads gives: the wire is the one place without a type
NOTHING: Mapping[str, Json] = MappingProxyType({})

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32_700, -32_600, -32_601, -32_602
PREFLIGHT_FAILED, SIGNATURE_INVALID, BLOCK_NOT_AVAILABLE = -32_002, -32_003, -32_004
NODE_UNHEALTHY, MIN_CONTEXT_SLOT, VERSION_UNSUPPORTED = -32_005, -32_016, -32_015


class RpcError(Exception):
    """An error answer with the node's own number and words."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    def as_json(self) -> Json:
        return {"code": self.code, "message": self.message} | ({} if self.data is None else {"data": self.data})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: positional parameters, and the last one apart where it is an object of options."""

    method: str
    params: tuple[Json, ...] = ()
    config: Mapping[str, Json] = field(default_factory=lambda: NOTHING)

    @classmethod
    def read(cls, request: Json) -> "Call":
        """Raises: RpcError when this is no request."""
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            raise RpcError(INVALID_REQUEST, "Invalid request")
        params = request.get("params")
        given = tuple(params) if isinstance(params, list) else ()
        options = given[-1] if given and isinstance(given[-1], dict) else NOTHING
        return cls(method=request["method"], params=given, config=options)

    def argument(self, position: int = 0) -> Json:
        """Raises: RpcError when it is missing."""
        if position >= len(self.params):
            raise RpcError(INVALID_PARAMS, f"`params` should have at least {position + 1} argument(s)")
        return self.params[position]

    def address(self, position: int = 0) -> str:
        """Raises: RpcError when it is no address."""
        return checked_address(self.argument(position))

    def addresses(self, most: int, position: int = 0) -> list[str]:
        return [checked_address(item) for item in self.items(most, position)]

    def items(self, most: int, position: int = 0) -> list[Json]:
        """A list parameter. Raises: RpcError when it is none or too long."""
        items = self.argument(position)
        if not isinstance(items, list):
            raise RpcError(INVALID_PARAMS, "Invalid params: invalid type, expected a sequence")
        if len(items) > most:
            raise RpcError(INVALID_PARAMS, f"Too many inputs provided; max {most}")
        return items


def checked_address(text: Json) -> str:
    try:
        return str(Pubkey.from_string(text))
    except (TypeError, ValueError) as exc:
        raise RpcError(INVALID_PARAMS, "Invalid param: Invalid") from exc
