"""The engine says what the rules say, for any account, by a slow second implementation in whole numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.margin.build import book_of
from risk.margin.evaluate import Evaluation, evaluate
from risk.model.account import AccountSnapshot
from tests.risk.generated import Universe, fleets
from tests.risk.reference import Margin, margin_of

RELATIVE, CENT = 1e-6, 0.01
UNIT = 1e-6  # USD; what one floor the other way would make
STRICT = pytest.mark.parametrize("strict", [False, True], ids=["plain", "strict"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One number of one account by both: the engine in USD, the reference in 1e6."""

    name: str
    ours_usd: float
    reference_1e6: int

    @property
    def off_usd(self) -> float:
        return abs(self.ours_usd - self.reference_1e6 / 1e6)

    def __str__(self) -> str:
        return f"{self.name}: {self.ours_usd:.6f} by the engine, {self.reference_1e6 / 1e6:.6f} by the rules"


def pairs_of(accounts: Sequence[AccountSnapshot], *, strict: bool) -> Iterator[Pair]:
    """Every figure of every account: cross and isolated, maintenance and initial, and what comes with maintenance."""
    evaluation = evaluate(book_of(accounts), strict=strict)
    for initial in (False, True):
        place = 0
        for at, account in enumerate(accounts):
            margin = margin_of(account, initial=initial, strict=strict)
            yield from _cross(evaluation, at, margin, initial=initial)
            for position in account.perp_positions:
                if position.isolated:
                    yield from _isolated(evaluation, place, margin, position.market_index, initial=initial)
                    place += 1


def _cross(evaluation: Evaluation, at: int, margin: Margin, *, initial: bool) -> Iterator[Pair]:
    detail = evaluation.full
    totals = detail.initial if initial else evaluation.maintenance
    kind = "initial" if initial else "maintenance"
    found = [
        ("collateral", totals.collateral_usd, margin.cross.collateral),
        ("requirement", totals.requirement_usd, margin.cross.requirement),
    ]
    if not initial:
        found += [
            ("exit shortfall", detail.exit_shortfall_usd, margin.exit_shortfall),
            ("equity", detail.equity_usd, margin.equity),
            ("perp liabilities", detail.perp_liability_usd, margin.perp_liabilities),
            ("borrows", detail.spot_borrow_usd, margin.borrows),
        ]
    for name, ours, reference in found:
        yield Pair(name=f"account {at} {kind} {name}", ours_usd=float(ours[at]), reference_1e6=reference)


def _isolated(evaluation: Evaluation, place: int, margin: Margin, market: int, *, initial: bool) -> Iterator[Pair]:
    totals = evaluation.full.initial if initial else evaluation.maintenance
    name = f"isolated {market} {'initial' if initial else 'maintenance'}"
    scope = margin.isolated[market]
    collateral, requirement = totals.isolated_collateral_usd[place], totals.isolated_requirement_usd[place]
    yield Pair(name=f"{name} collateral", ours_usd=float(collateral), reference_1e6=scope.collateral)
    yield Pair(name=f"{name} requirement", ours_usd=float(requirement), reference_1e6=scope.requirement)


def misses(pairs: Iterator[Pair]) -> list[str]:
    """Beyond 1e-6 or one cent, whichever is larger: what the product promises."""
    return [str(pair) for pair in pairs if not pair.off_usd <= max(RELATIVE * abs(pair.reference_1e6 / 1e6), CENT)]


@STRICT
@given(accounts=fleets())
def test_any_account_has_the_margin_the_rules_give_it(accounts: list[AccountSnapshot], strict: bool) -> None:
    assert not misses(pairs_of(accounts, strict=strict))


@STRICT
@settings(max_examples=max(1, settings().max_examples // 2))
@given(seed=st.integers(0, 2**63))
def test_hundred_accounts_at_a_time_have_the_margin_the_rules_give_them(seed: int, strict: bool) -> None:
    assert not misses(pairs_of(Universe(Random(seed)).accounts(100), strict=strict))


@STRICT
@pytest.mark.parametrize("seed", range(10))
def test_no_floor_of_the_rules_is_left_out(seed: int, strict: bool) -> None:
    """Far inside the promise: an engine that rounds elsewhere is off by more than a few millionths somewhere."""
    for pair in pairs_of(Universe(Random(seed)).accounts(60), strict=strict):
        # The engine does not floor the buffer of a running liquidation, row by row.
        allowed = 12 * UNIT if "shortfall" in pair.name else 3 * UNIT
        assert pair.off_usd <= allowed + 1e-13 * abs(pair.ours_usd), str(pair)


def test_generated_accounts_reach_every_corner() -> None:
    """The tests above prove little if the generator makes easy accounts only."""
    accounts = [account for seed in range(20) for account in Universe(Random(seed)).accounts(50)]
    positions = [position for account in accounts for position in account.perp_positions]
    balances = [balance for account in accounts for balance in account.spot_balances]
    maintenance = [margin_of(account).cross for account in accounts]
    healthy = sum(cross.collateral >= cross.requirement for cross in maintenance)
    assert 0.2 < healthy / len(accounts) < 0.8
    assert sum(position.isolated for position in positions) > 100
    assert sum(position.size_base == 0 for position in positions) > 50
    assert sum(position.max_margin_ratio > 0 for position in positions) > 100
    assert sum(position.open_orders > 0 for position in positions) > 300
    assert sum(balance.amount_tokens < 0 for balance in balances) > 200
    assert sum(balance.open_orders > 0 and balance.amount_tokens == 0 for balance in balances) > 30
    assert sum(account.margin_mode.value > 0 for account in accounts) > 200
    assert sum(account.pool_id == 1 for account in accounts) > 20
    assert min(abs(cross.collateral) for cross in maintenance) < 10**4
    assert max(cross.requirement for cross in maintenance) > 10**12
