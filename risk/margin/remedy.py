"""What would help: the deposit, or the cut of one leg, that brings an account back to a health ratio.

Both are found with the engine itself by trying many sizes at once: variants of the account side by side in one book.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from risk.margin.book import BoolArray, FleetBook, FloatArray, IntArray
from risk.margin.evaluate import evaluate
from risk.margin.health import ratio_percent
from risk.margin.select import variants

_TRIES = 33
_ROUNDS = 4  # each narrows 32-fold: to a millionth of the first span


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Reduce one perp position. ``fraction`` of the position, 1 closes it; ``size_base`` and ``notional_usd`` >= 0."""

    market: str
    fraction: float
    size_base: float
    notional_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What lifts the worst scope of an account to a target ratio.

    Attributes:
        target_ratio_percent: The ratio aimed at.
        scope: Market of the isolated position that is worst, empty for the cross account.
        deposit_usd: Quote tokens to add to that scope; None when no deposit can be computed, 0 when none is needed.
        cut: The smallest single-position cut in notional that suffices; None when none does alone.
        cut_all_frac: Share by which all positions of the scope must shrink together; None where a single cut does, or
            where not even closing everything would.
    """

    target_ratio_percent: float
    scope: str
    deposit_usd: float | None
    cut: Cut | None
    cut_all_frac: float | None = None


def remedy(book: FleetBook, target_ratio_percent: float) -> Remedy:
    """For the one account of a book. NaN figures give a remedy that knows neither deposit nor cut."""
    now = evaluate(book, maintenance_only=True)
    totals, rows = now.maintenance, now.isolated_rows
    ratios = np.append(
        ratio_percent(totals.isolated_collateral_usd, totals.isolated_requirement_usd),
        ratio_percent(totals.collateral_usd, totals.requirement_usd),
    )
    if np.isnan(ratios).any():
        return Remedy(target_ratio_percent=target_ratio_percent, scope="", deposit_usd=None, cut=None)
    worst = int(ratios.argmin())
    own = worst < rows.size
    scope = book.perp_markets.names[book.perps.market[rows[worst]]] if own else ""
    if ratios[worst] >= target_ratio_percent:
        return Remedy(target_ratio_percent=target_ratio_percent, scope=scope, deposit_usd=0.0, cut=None)
    if own:
        lacking = (
            target_ratio_percent / 100 * totals.isolated_requirement_usd[worst]
            - (totals.isolated_collateral_usd[worst])
        )
        deposit = _deposit_isolated(book, int(rows[worst]), float(lacking), target_ratio_percent)
        legs = rows[worst : worst + 1]
    else:
        lacking = target_ratio_percent / 100 * totals.requirement_usd[0] - totals.collateral_usd[0]
        deposit = _deposit_cross(book, float(lacking), target_ratio_percent)
        legs = np.flatnonzero(~book.perps.isolated & (book.perps.base_1e9 != 0.0))
    cuts = [cut for leg in legs if (cut := _cut(book, int(leg), target_ratio_percent)) is not None]
    best = min(cuts, key=lambda cut: cut.notional_usd, default=None)
    together = None if best or len(legs) < 2 else _cut_share(book, legs, target_ratio_percent)
    return Remedy(
        target_ratio_percent=target_ratio_percent, scope=scope, deposit_usd=deposit, cut=best, cut_all_frac=together
    )


def _least(span: float, reached: Callable[[FloatArray], BoolArray]) -> float | None:
    """Smallest amount in [0, span] for which a condition holds; None where it holds for none of those tried.

    It need not hold for all larger ones: with less of a position, orders that rest against it may need more.
    """
    low, high = 0.0, span
    for _ in range(_ROUNDS):
        amounts = np.linspace(low, high, _TRIES)
        enough = reached(amounts)
        if not enough.any():
            return None
        first = int(enough.argmax())
        low, high = amounts[max(first - 1, 0)], amounts[first]
    return float(high)


def _deposit_cross(book: FleetBook, lacking_usd: float, target: float) -> float | None:
    quote = np.flatnonzero(book.spot_markets.market_index == 0)
    if not quote.size or book.accounts.pool_id[0] == 1:
        return None
    book = _with_spot_row(book, int(quote[0]))
    row = int(np.flatnonzero(book.spots.market == quote[0])[0])
    unit = 10.0 ** int(book.spot_markets.decimals[quote[0]])
    price = float(book.oracles.price_1e6[book.spot_markets.oracle[quote[0]]]) / 1e6
    copies = variants(book, _TRIES)
    at = np.arange(_TRIES) * book.spots.account.size + row

    def reached(tokens: FloatArray) -> BoolArray:
        amounts = copies.spots.tokens_raw.copy()
        amounts[at] += np.rint(tokens * unit)
        result = evaluate(replace(copies, spots=replace(copies.spots, tokens_raw=amounts)), maintenance_only=True)
        totals = result.maintenance
        return np.asarray(ratio_percent(totals.collateral_usd, totals.requirement_usd) >= target)

    tokens = _least(max(lacking_usd, 0.0) / price * 1.01 + 1.0, reached)
    return None if tokens is None else tokens * price


def _deposit_isolated(book: FleetBook, row: int, lacking_usd: float, target: float) -> float | None:
    quote = int(book.perp_markets.quote[book.perps.market[row]])
    unit = 10.0 ** int(book.spot_markets.decimals[quote])
    price = float(book.oracles.price_1e6[book.spot_markets.oracle[quote]]) / 1e6
    copies, at = variants(book, _TRIES), np.arange(_TRIES) * book.perps.account.size + row
    place = _isolated_place(book, row)

    def reached(tokens: FloatArray) -> BoolArray:
        amounts = copies.perps.isolated_tokens_raw.copy()
        amounts[at] += np.rint(tokens * unit)
        return _isolated_reached(
            replace(copies, perps=replace(copies.perps, isolated_tokens_raw=amounts)), place, target
        )

    tokens = _least(max(lacking_usd, 0.0) / price * 1.01 + 1.0, reached)
    return None if tokens is None else tokens * price


def _cut(book: FleetBook, row: int, target: float) -> Cut | None:
    fraction = _cut_share(book, np.array([row]), target)
    if fraction is None:
        return None
    market = int(book.perps.market[row])
    size = abs(float(book.perps.base_1e9[row])) / 1e9 * fraction
    price_usd = float(book.oracles.price_1e6[book.perp_markets.oracle[market]]) / 1e6
    name = book.perp_markets.names[market]
    return Cut(market=name, fraction=fraction, size_base=size, notional_usd=size * price_usd)


def _cut_share(book: FleetBook, legs: IntArray, target: float) -> float | None:
    """Share of some positions to close at the oracle price: size shrinks, PnL stays in the quote amount."""
    price = book.oracles.price_1e6[book.perp_markets.oracle[book.perps.market[legs]]]
    base = book.perps.base_1e9[legs]
    copies = variants(book, _TRIES)
    at = np.arange(_TRIES)[:, None] * book.perps.account.size + legs
    place = _isolated_place(book, int(legs[0])) if book.perps.isolated[legs[0]] else None

    def reached(fractions: FloatArray) -> BoolArray:
        closed = np.trunc(base * fractions[:, None])
        sizes, quotes = copies.perps.base_1e9.copy(), copies.perps.quote_1e6.copy()
        sizes[at] -= closed
        quotes[at] += np.trunc(closed * price / 1e9)
        cut = replace(copies, perps=replace(copies.perps, base_1e9=sizes, quote_1e6=quotes))
        if place is not None:
            return _isolated_reached(cut, place, target)
        totals = evaluate(cut, maintenance_only=True).maintenance
        return np.asarray(ratio_percent(totals.collateral_usd, totals.requirement_usd) >= target)

    return _least(1.0, reached)


def _isolated_place(book: FleetBook, row: int) -> int:
    return int(np.count_nonzero(book.perps.isolated[:row]))


def _isolated_reached(copies: FleetBook, place: int, target: float) -> BoolArray:
    result = evaluate(copies, maintenance_only=True).maintenance
    count = result.isolated_collateral_usd.size // copies.n_accounts
    at: IntArray = np.arange(copies.n_accounts) * count + place
    ratio = ratio_percent(result.isolated_collateral_usd[at], result.isolated_requirement_usd[at])
    return np.asarray(ratio >= target)


def _with_spot_row(book: FleetBook, market: int) -> FleetBook:
    """The book of one account with a row for a spot market, empty where there was none."""
    if (book.spots.market == market).any():
        return book
    rows = book.spots
    grown = replace(
        rows,
        account=np.append(rows.account, 0),
        market=np.append(rows.market, market),
        tokens_raw=np.append(rows.tokens_raw, 0.0),
        shares_1e9=np.append(rows.shares_1e9, 0.0),
        open_bids_raw=np.append(rows.open_bids_raw, 0.0),
        open_asks_raw=np.append(rows.open_asks_raw, 0.0),
        open_orders=np.append(rows.open_orders, 0.0),
    )
    return replace(book, spots=grown)


def with_deposit(book: FleetBook, usd: float, scope: str = "") -> FleetBook | None:
    """The one account of a book with so many USD of quote tokens more; None where its scope takes none.

    Args:
        scope: Market of an isolated position, empty for the cross account.
    """
    if scope:
        market = book.perp_markets.names.index(scope)
        row = int(np.flatnonzero((book.perps.market == market) & book.perps.isolated)[0])
        quote = int(book.perp_markets.quote[market])
        tokens = book.perps.isolated_tokens_raw.copy()
        tokens[row] += _tokens_raw(book, quote, usd)
        return replace(book, perps=replace(book.perps, isolated_tokens_raw=tokens))
    found = np.flatnonzero(book.spot_markets.market_index == 0)
    if not found.size or book.accounts.pool_id[0] == 1:
        return None
    grown = _with_spot_row(book, int(found[0]))
    amounts = grown.spots.tokens_raw.copy()
    amounts[int(np.flatnonzero(grown.spots.market == found[0])[0])] += _tokens_raw(book, int(found[0]), usd)
    return replace(grown, spots=replace(grown.spots, tokens_raw=amounts))


def _tokens_raw(book: FleetBook, spot_market: int, usd: float) -> float:
    """At the oracle price, rounded up."""
    price = float(book.oracles.price_1e6[book.spot_markets.oracle[spot_market]]) / 1e6
    return float(np.ceil(usd / price * 10.0 ** int(book.spot_markets.decimals[spot_market]) - 1e-6))
