"""The book that is played over recorded bars, from JSON.

{"collateral_usd": 10000, "positions": [{"market": "SOL-PERP", "leverage": 5, "side": "long"}]}

A position has ``size`` in base units, or ``leverage``: its notional over the collateral at the first open. It may give
``maintenance_ratio`` and ``initial_ratio`` as fractions.
"""

import json
import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from venues.replay.errors import BadReplayBook

MAINTENANCE_RATIO = 0.05
INITIAL_RATIO = 0.10
_SUFFIX = "-PERP"
_BOOK_KEYS = frozenset({"collateral_usd", "positions"})
_POSITION_KEYS = frozenset({"market", "side", "size", "leverage", "maintenance_ratio", "initial_ratio"})
_EXAMPLE = '{"market": "SOL-PERP", "side": "long", "leverage": 5}'


class PositionSide(StrEnum):
    """Which way a position gains."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPosition:
    """One position to open. Exactly one of ``size_base`` (> 0) and ``leverage`` is given; ratios are fractions."""

    market: str
    side: PositionSide
    size_base: float | None = None
    leverage: float | None = None
    maintenance_ratio: float = MAINTENANCE_RATIO
    initial_ratio: float = INITIAL_RATIO

    @property
    def asset(self) -> str:
        """What the market is of: SOL for SOL-PERP."""
        return self.market.removesuffix(_SUFFIX)

    def signed_size_base(self, price_usd: float, collateral_usd: float) -> float:
        """Size when it is opened at a price, > 0 long."""
        size = self.size_base
        if size is None:
            size = (self.leverage or 0.0) * collateral_usd / price_usd
        return size if self.side is PositionSide.LONG else -size


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayBook:
    """Collateral in USD and at least one position, each market once."""

    collateral_usd: float
    positions: tuple[BookPosition, ...]


def read_book(path: Path) -> ReplayBook:
    """The book of a file. Raises: BadReplayBook."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise BadReplayBook(f"{path.name} is not UTF-8 text; write the book as JSON") from exc
    except OSError as exc:
        raise BadReplayBook(f"the book {path} cannot be read ({exc.strerror}); name a JSON file") from exc
    return parse_book(text, path.name)


def parse_book(text: str, name: str = "the book") -> ReplayBook:
    """The book of a JSON text; ``name`` begins the sentence when it is wrong. Raises: BadReplayBook."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise BadReplayBook(f"{name} is not JSON ({exc}); write it like the example in keel replay --help") from exc
    if not isinstance(body, dict):
        raise BadReplayBook(f"{name} must be one JSON object with collateral_usd and positions")
    _known_keys(body, _BOOK_KEYS, name)
    listed = body.get("positions")
    if not isinstance(listed, list) or not listed:
        raise BadReplayBook(f"{name} has no positions; add at least one, such as {_EXAMPLE}")
    positions = tuple(_position(one, f"{name}, position {number}") for number, one in enumerate(listed, start=1))
    markets = [position.market for position in positions]
    for market in markets:
        if markets.count(market) > 1:
            raise BadReplayBook(f"{name} has {market} more than once; a venue nets them, so give one position")
    return ReplayBook(collateral_usd=_positive(body, "collateral_usd", name), positions=positions)


def _position(body: object, where: str) -> BookPosition:
    if not isinstance(body, dict):
        raise BadReplayBook(f"{where} must be a JSON object, such as {_EXAMPLE}")
    _known_keys(body, _POSITION_KEYS, where)
    market, side = body.get("market"), body.get("side")
    if not isinstance(market, str) or not market.removesuffix(_SUFFIX) or not market.endswith(_SUFFIX):
        raise BadReplayBook(f"{where}: the market must be a perp such as SOL-PERP, not {_shown(market)}")
    if side not in tuple(PositionSide):
        raise BadReplayBook(f'{where}: the side must be "long" or "short", not {_shown(side)}')
    given = [key for key in ("size", "leverage") if body.get(key) is not None]
    if len(given) != 1:
        raise BadReplayBook(
            f"{where} needs either size in base units or leverage, and has {' and '.join(given) or 'none'}"
        )
    amount = _positive(body, given[0], where)
    maintenance = _ratio(body, "maintenance_ratio", where, MAINTENANCE_RATIO)
    initial = _ratio(body, "initial_ratio", where, max(INITIAL_RATIO, maintenance))
    if initial < maintenance:
        raise BadReplayBook(f"{where}: an initial ratio of {initial:g} below maintenance {maintenance:g} cannot be")
    return BookPosition(
        market=market,
        side=PositionSide(side),
        size_base=amount if given[0] == "size" else None,
        leverage=amount if given[0] == "leverage" else None,
        maintenance_ratio=maintenance,
        initial_ratio=initial,
    )


def _known_keys(body: dict[str, object], known: frozenset[str], where: str) -> None:
    unknown = sorted(set(body) - known)
    if unknown:
        raise BadReplayBook(
            f"{where} has {_shown(unknown[0])}, which means nothing here; known: {', '.join(sorted(known))}"
        )


def _positive(body: dict[str, object], key: str, where: str) -> float:
    value = body.get(key)
    if not isinstance(value, bool) and isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number) and number > 0:
            return number
    raise BadReplayBook(f"{where}: {key} must be a positive number, not {_shown(value)}")


def _ratio(body: dict[str, object], key: str, where: str, default: float) -> float:
    if body.get(key) is None:
        return default
    value = _positive(body, key, where)
    if value >= 1:
        raise BadReplayBook(f"{where}: {key} is a fraction below 1: write 0.05 for 5 %, not {value:g}")
    return value


def _shown(value: object) -> str:
    return repr(value)[:60]
