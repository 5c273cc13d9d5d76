"""Orders and the consent they need, built from defaults."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from risk.model.account import Side
from risk.model.trading import Consent, ConsentKind, OrderBatch, OrderStyle, OrderTerms, digest_of

_FAR = datetime(2100, 1, 1, tzinfo=UTC)
_NUMBERS = count(1)


def make_terms(
    account_id: str,
    *,
    market: str = "SOL-PERP",
    market_index: int = 0,
    side: Side = Side.SELL,
    style: OrderStyle = OrderStyle.IOC,
    size: int = 2 * 10**9,
    limit: int | None = None,
    reduce_only: bool = True,
    expires_at_s: int = 4_000_000_000,
    trigger: int = 0,
    triggers_above: bool | None = None,
) -> OrderTerms:
    """Sell 2 SOL-PERP at once for at least 140, or buy for at most 160."""
    if limit is None:
        limit = 140_000_000 if side is Side.SELL else 160_000_000
    return OrderTerms(
        account_id=account_id, market=market, market_index=market_index, side=side, style=style, size_raw_1e9=size,
        limit_raw_1e6=limit, reduce_only=reduce_only, expires_at_s=expires_at_s, trigger_raw_1e6=trigger,
        triggers_above=triggers_above,
    )  # fmt: skip


def agreed(
    account_id: str, *terms: OrderTerms, cancels: Sequence[int] = (), holds_until: datetime = _FAR
) -> OrderBatch:
    """A batch somebody has agreed to, each by a yes of its own."""
    consent = Consent(
        kind=ConsentKind.CONFIRMED,
        reference=f"P{next(_NUMBERS)}",
        revision=1,
        given_by=("ann",),
        digests=frozenset({digest_of(terms, tuple(cancels))}),
        holds_until=holds_until,
    )
    return OrderBatch(account_id=account_id, consent=consent, terms=terms, cancels=tuple(cancels))


def halting(account_id: str, *cancels: int) -> OrderBatch:
    """What a halt sends."""
    consent = Consent(
        kind=ConsentKind.HALT, reference=f"H{next(_NUMBERS)}", revision=0, given_by=("ann",), digests=frozenset(),
        holds_until=_FAR,
    )  # fmt: skip
    return OrderBatch(account_id=account_id, consent=consent, cancels=cancels)


def in_seconds(now: datetime, seconds: float) -> int:
    return int((now + timedelta(seconds=seconds)).timestamp())
