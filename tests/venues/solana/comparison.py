"""Evaluations against what the program says, scope by scope."""

from collections.abc import Iterator

from risk.margin.evaluate import Evaluation, Totals
from tests.support.program import MarginKind, ProgramMargin, ScopeMargin

RELATIVE, CENT = 1e-6, 0.01


def totals_of(evaluation: Evaluation, kind: MarginKind) -> Totals:
    return evaluation.maintenance if kind is MarginKind.MAINTENANCE else evaluation.full.initial


def misses(evaluation: Evaluation, account: int, kind: MarginKind, expected: ProgramMargin) -> Iterator[str]:
    """Numbers of one account further off than 1e-6 or one cent, whichever is larger."""
    book, totals = evaluation.book, totals_of(evaluation, kind)
    cross = (float(totals.collateral_usd[account]), float(totals.requirement_usd[account]))
    yield from _scope("cross", cross, expected.cross)
    found = {}
    for at, row in enumerate(evaluation.isolated_rows):
        if book.perps.account[row] == account:
            market = int(book.perp_markets.market_index[book.perps.market[row]])
            found[market] = (float(totals.isolated_collateral_usd[at]), float(totals.isolated_requirement_usd[at]))
    for market, scope in expected.isolated.items():
        yield from _scope(f"isolated {market}", found.get(market, (float("nan"), float("nan"))), scope)


def _scope(name: str, found: tuple[float, float], expected: ScopeMargin) -> Iterator[str]:
    for what, value, wanted_1e6 in (
        ("collateral", found[0], expected.collateral_1e6),
        ("requirement", found[1], expected.requirement_1e6),
    ):
        wanted = wanted_1e6 / 1e6
        if not abs(value - wanted) <= max(RELATIVE * abs(wanted), CENT):
            yield f"{name} {what} {value} instead of {wanted}"
