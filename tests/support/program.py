"""The Drift program's own margin arithmetic as a second opinion.

The wheel ``driftpyrs==0.1.0`` (CPython 3.11, Linux x86-64) carries a native library compiled from the Rust sources of
the program, v2.156. Its exported margin function is called here through ctypes: ordinary prices (never strict), no
liquidation buffer, oracle validity not looked at, every number an integer in millionths of a dollar.

The binary interface was found by experiment and holds for exactly this wheel: accounts carry their 8-byte
discriminator, the user does not; a Rust ``Vec`` is (capacity, pointer, length); 128-bit integers are aligned to 8 bytes
in accounts (Rust 1.76) and to 16 in the returned struct.
"""

import ctypes
import functools
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.support import addresses
from tests.support.drift_layout import USER, Layout
from tests.support.drift_market_layout import PERP_MARKET, SPOT_MARKET
from tests.support.drift_oracles import oracle_kind

_SYMBOL = "math_calculate_margin_requirement_and_total_collateral_and_liability_info"
_RESULT_BYTES = 2_048
_ISOLATED_AT, _ISOLATED_STRIDE, _ISOLATED_SLOTS = 112, 80, 8


class ProgramMissing(Exception):
    """The compiled program cannot be loaded on this interpreter."""


class ProgramRefused(Exception):
    """The program returned an error instead of a margin."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the program answered error {code} instead of a margin")
        self.code = code


class MarginKind(IntEnum):
    MAINTENANCE = 0
    INITIAL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeMargin:
    """Collateral and requirement of the cross scope or of one isolated position."""

    collateral_1e6: int
    requirement_1e6: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramMargin:
    """What the program says of one user.

    Attributes:
        isolated: By perp market index; not part of ``cross``. An isolated position without collateral and without
            requirement is not reported.
        spot_assets_1e6: Like the other values, with isolated positions.
    """

    cross: ScopeMargin
    isolated: Mapping[int, ScopeMargin]
    spot_assets_1e6: int
    spot_liabilities_1e6: int
    perp_liabilities_1e6: int
    perp_pnl_1e6: int


class _Account(ctypes.Structure):
    _fields_ = (
        ("key", ctypes.c_uint8 * 32),
        ("lamports", ctypes.c_uint64),
        ("capacity", ctypes.c_uint64),
        ("pointer", ctypes.c_void_p),
        ("length", ctypes.c_uint64),
        ("owner", ctypes.c_uint8 * 32),
        ("executable", ctypes.c_uint8),
        ("padding", ctypes.c_uint8 * 7),
        ("rent_epoch", ctypes.c_uint64),
    )


class _Accounts(ctypes.Structure):
    """Three slices, no guard rails (tag 0), and the slot."""

    _fields_ = (
        ("perps", ctypes.c_void_p),
        ("perp_count", ctypes.c_uint64),
        ("spots", ctypes.c_void_p),
        ("spot_count", ctypes.c_uint64),
        ("oracles", ctypes.c_void_p),
        ("oracle_count", ctypes.c_uint64),
        ("guard_rails_tag", ctypes.c_uint64),
        ("guard_rails", ctypes.c_uint64 * 6),
        ("slot", ctypes.c_uint64),
    )


@functools.cache
def _margin_function() -> Any:
    if sys.implementation.name != "cpython" or platform.machine() != "x86_64" or sys.platform != "linux":
        raise ProgramMissing("the compiled Drift program exists for CPython on Linux x86-64 only")
    found = (path for entry in sys.path for path in sorted(Path(entry).glob("driftpyrs.libs/libdrift_ffi_sys*.so")))
    library = next(found, None)
    if library is None:
        raise ProgramMissing("driftpyrs 0.1.0 is not installed; it has a wheel for CPython 3.11 on Linux x86-64 only")
    try:
        function = getattr(ctypes.CDLL(str(library)), _SYMBOL)
    except (OSError, AttributeError) as exc:
        raise ProgramMissing(f"{library.name} cannot be loaded: {exc}") from exc
    function.restype = ctypes.c_void_p
    function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64)
    return function


def unavailable_reason() -> str | None:
    """Why tests against the program must be skipped here; none when they can run."""
    try:
        _margin_function()
    except ProgramMissing as exc:
        return str(exc)
    return None


def clear_cache() -> None:
    """Look for the library anew, after sys.path changed."""
    _margin_function.cache_clear()


def available() -> bool:
    return unavailable_reason() is None


class Program:
    """The program's view of one world: markets and oracles at a slot, ready to be asked about users."""

    def __init__(
        self,
        *,
        perp_markets: Sequence[bytes],
        spot_markets: Sequence[bytes],
        oracles: Mapping[str, tuple[str, bytes]],
        slot: int,
    ) -> None:
        """``oracles`` maps addresses to owner and data. Raises: ProgramMissing; ValueError for malformed accounts."""
        self._function = _margin_function()
        self._buffers: list[Any] = []  # keeps the memory alive that the structures point into
        for raws, layout in ((perp_markets, PERP_MARKET), (spot_markets, SPOT_MARKET)):
            for raw in raws:
                _check(raw, layout)
        for key, (_, raw) in oracles.items():
            if oracle_kind(raw) is None:
                raise ValueError(f"oracle {key} is of no known kind; the program would end this process")
        nobody, drift = bytes(32), addresses.key_bytes(addresses.DRIFT_PROGRAM)
        feeds = [(addresses.key_bytes(key), addresses.key_bytes(owner), raw) for key, (owner, raw) in oracles.items()]
        self._accounts = _Accounts(slot=slot)
        for name, rows in (
            ("perp", [(nobody, drift, raw) for raw in perp_markets]),
            ("spot", [(nobody, drift, raw) for raw in spot_markets]),
            ("oracle", feeds),
        ):
            setattr(self._accounts, f"{name}s", self._array(rows))
            setattr(self._accounts, f"{name}_count", len(rows))

    def margin(self, user: bytes, kind: MarginKind) -> ProgramMargin:
        """Totals of a User account. Raises: ProgramRefused; ValueError when it is no User account."""
        _check(user, USER)
        result, keep = _aligned(bytes(_RESULT_BYTES))
        body, keep_body = _aligned(user[8:])
        self._function(result, body, ctypes.addressof(self._accounts), int(kind))
        raw = ctypes.string_at(result, _RESULT_BYTES)
        del keep, keep_body
        if raw[0]:
            raise ProgramRefused(int.from_bytes(raw[4:8], "little"))
        return _decode(raw[16:])

    def _array(self, rows: Sequence[tuple[bytes, bytes, bytes]]) -> int:
        array = (_Account * max(1, len(rows)))()
        for entry, (key, owner, raw) in zip(array, rows, strict=False):
            entry.key[:], entry.owner[:], entry.lamports = list(key), list(owner), 10**9
            entry.capacity = entry.length = len(raw)
            entry.pointer, buffer = _aligned(raw)
            self._buffers.append(buffer)
        self._buffers.append(array)
        return ctypes.addressof(array)


def _aligned(raw: bytes, to: int = 16) -> tuple[int, Any]:
    """A copy at an aligned address, and the buffer that owns it."""
    buffer = ctypes.create_string_buffer(len(raw) + to)
    at = -(-ctypes.addressof(buffer) // to) * to
    ctypes.memmove(at, raw, len(raw))
    return at, buffer


def _check(raw: bytes, layout: Layout) -> None:
    # Native code ends the whole process on a malformed account, so it is refused here.
    if len(raw) != layout.size or not raw.startswith(layout.head):
        raise ValueError(f"{len(raw)} bytes starting {raw[:8].hex()} are not a {layout.name} account")


def _decode(raw: bytes) -> ProgramMargin:
    def signed(at: int) -> int:
        return int.from_bytes(raw[at : at + 16], "little", signed=True)

    def unsigned(at: int) -> int:
        return int.from_bytes(raw[at : at + 16], "little")

    isolated = {}
    for slot in range(_ISOLATED_SLOTS):
        at = _ISOLATED_AT + slot * _ISOLATED_STRIDE
        scope = ScopeMargin(collateral_1e6=signed(at + 16), requirement_1e6=unsigned(at))
        if scope.collateral_1e6 or scope.requirement_1e6:
            isolated[int.from_bytes(raw[at + 64 : at + 66], "little")] = scope
    return ProgramMargin(
        cross=ScopeMargin(collateral_1e6=signed(0), requirement_1e6=unsigned(16)),
        isolated=MappingProxyType(isolated),
        spot_assets_1e6=signed(48),
        spot_liabilities_1e6=unsigned(64),
        perp_liabilities_1e6=unsigned(80),
        perp_pnl_1e6=signed(96),
    )
