"""What lending markets pay and cost a year, from their utilisation: the program's own curve, in its integers.

Source: program file math/spot_balance.rs. A rate of 1e6 is 100 % a year.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from risk.margin.book import UNSTATED
from venues.solana.market_records import MarketRecords

_UNIT = 10**6
_MIN_RATE_UNIT = _UNIT // 200  # the lowest rate is stored in steps of half a percent
# (utilisation up to which, share of the rate between optimal and highest that is added on the way there, in 1e3)
_SEGMENTS = ((850_000, 50), (900_000, 100), (950_000, 150), (990_000, 200), (995_000, 250), (_UNIT, 250))


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestRates:
    """Of one market, in 1e6 a year; UNSTATED where the market says nothing that makes sense."""

    deposit_1e6: float
    borrow_1e6: float


_NO_RATES = InterestRates(deposit_1e6=UNSTATED, borrow_1e6=UNSTATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How the borrow rate of a market follows its utilisation, all in 1e6.

    Attributes:
        optimal_utilization: Up to here the rate rises from 0 to ``optimal_rate``; above, ever steeper to ``max_rate``.
        min_rate: The rate is never below.
        insurance_factor: Share of what borrowers pay that goes to the insurance fund.
    """

    optimal_utilization: int
    optimal_rate: int
    max_rate: int
    min_rate: int
    insurance_factor: int

    @property
    def makes_sense(self) -> bool:
        return self.optimal_utilization > 0 and self.max_rate >= self.optimal_rate and self.insurance_factor <= _UNIT

    def borrow_1e6(self, utilization_1e6: int) -> int:
        """What a borrow costs at a utilisation."""
        if utilization_1e6 <= self.optimal_utilization:
            slope = self.optimal_rate * _UNIT // self.optimal_utilization
            return max(self.min_rate, utilization_1e6 * slope // _UNIT)
        extra, rate, passed = self.max_rate - self.optimal_rate, self.optimal_rate, self.optimal_utilization
        for end, weight_1e3 in _SEGMENTS:
            whole = extra * weight_1e3 // 1_000
            if utilization_1e6 <= end:
                rate += whole * (utilization_1e6 - passed) // (end - passed)
                break
            rate, passed = rate + whole, end
        return max(self.min_rate, rate)

    def rates(self, deposits_raw: int, borrows_raw: int) -> InterestRates:
        """Both rates of a market with so many tokens in it and so many out of it."""
        if not self.makes_sense:
            return _NO_RATES
        # Borrowers of a market without deposits pay as if all of it were out.
        utilization = borrows_raw * _UNIT // deposits_raw if deposits_raw else _UNIT * bool(borrows_raw)
        borrow = self.borrow_1e6(utilization)
        deposit = borrow * (_UNIT - self.insurance_factor) * utilization // _UNIT // _UNIT
        return InterestRates(deposit_1e6=float(deposit), borrow_1e6=float(borrow))


def interest_rates(found: MarketRecords) -> list[InterestRates]:
    """The rates of every market, in the order of the records."""
    return [curve.rates(deposits, borrows) for curve, deposits, borrows in _markets(found)]


def _markets(found: MarketRecords) -> Iterator[tuple[Curve, int, int]]:
    columns = (
        found.integers("optimal_utilization"),
        found.integers("optimal_borrow_rate"),
        found.integers("max_borrow_rate"),
        found.integers("min_borrow_rate"),
        found.integers("total_factor"),
    )
    balances = zip(
        found.wide("deposit_balance"), found.wide("cumulative_deposit_interest"),
        found.wide("borrow_balance"), found.wide("cumulative_borrow_interest"),
        strict=True,
    )  # fmt: skip
    for terms, (deposits, earned, borrows, owed) in zip(zip(*columns, strict=True), balances, strict=True):
        optimal, optimal_rate, highest, lowest, insurance = (int(term) for term in terms)
        curve = Curve(
            optimal_utilization=optimal, optimal_rate=optimal_rate, max_rate=highest,
            min_rate=lowest * _MIN_RATE_UNIT, insurance_factor=insurance,
        )  # fmt: skip
        # The unit of both sums is the same; it cancels out in their quotient.
        yield curve, deposits * earned, borrows * owed
