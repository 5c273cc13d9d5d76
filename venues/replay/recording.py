"""A book over recorded bars: what it is worth at every moment, and the FleetBook a reading then shows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from risk.margin.book import BoolArray, FleetBook, FloatArray
from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.health import liquidatable, worst_ratio_percent
from risk.margin.plan import MarginPlan
from risk.model.account import AccountSnapshot, PerpPosition, SpotBalance
from risk.model.market import OracleReading, OracleValidity, PerpMarket, SpotMarket
from venues.replay.bars import Bars, read_bars
from venues.replay.book import BookPosition, ReplayBook, read_book
from venues.replay.errors import BadReplayBook
from venues.replay.ticks import Ticks, ticks_of

AUTHORITY = "replay"
ACCOUNT_ID = "replay-0"
FIRST_SLOT = 1
_LARGEST_1E9 = 1e27
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EQUAL_FRAC = 1e-9
_AT_ONCE = 20_000  # moments evaluated in one call: a few megabytes of scenarios


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """History with one account in it, which holds its positions unchanged from the first moment on.

    Attributes:
        book: What was asked for.
        opened: The account when it opened, at the first moment's prices.
        excess_usd: Maintenance collateral minus requirement at every moment; NaN where a price is missing.
        ratio_percent: Health ratio at every moment; NaN likewise.
        liquidated: The first moment below maintenance; None where there is none.
    """

    book: ReplayBook
    opened: FleetBook
    ticks: Ticks
    excess_usd: FloatArray
    ratio_percent: FloatArray
    liquidated: int | None

    def __len__(self) -> int:
        return int(self.ticks.at_s.size)

    @property
    def sizes_base(self) -> tuple[float, ...]:
        """Signed size of each position, in the order of the book."""
        return tuple(float(size) / 1e9 for size in self.opened.perps.base_1e9)

    @property
    def entry_prices_usd(self) -> tuple[float, ...]:
        """What each position was opened at."""
        return tuple(float(price) for price in self.ticks.prices_usd[0])

    @property
    def room_frac(self) -> FloatArray:
        """Excess over the value of all positions, whatever their side, at every moment; NaN without a price."""
        value_usd = (np.abs(np.array(self.sizes_base)) * self.ticks.prices_usd).sum(axis=1)
        return np.asarray(self.excess_usd / value_usd)

    def at(self, number: int) -> datetime:
        """When a moment is."""
        return _EPOCH + timedelta(seconds=float(self.ticks.at_s[number]))

    def offset_s(self, number: int) -> float:
        """Seconds from the first moment to this one."""
        return float(self.ticks.at_s[number] - self.ticks.at_s[0])

    def reading(self, number: int, observed_at: datetime) -> FleetBook:
        """The account as somebody sees it who reads at a moment. From its liquidation on it is flagged."""
        book, prices = self.opened, self.ticks.prices_usd[number]
        missing = np.isnan(prices)
        markets = book.perp_markets
        if missing.any():
            validity = np.where(missing, OracleValidity.MISSING.value, OracleValidity.VALID.value).astype(np.int8)
            markets = replace(markets, validity=validity)
        accounts = book.accounts
        if self.liquidated is not None and number >= self.liquidated:
            accounts = replace(accounts, being_liquidated=np.ones(1, np.bool_))
        return replace(
            book,
            slot=FIRST_SLOT + number,
            observed_at=observed_at,
            accounts=accounts,
            perp_markets=markets,
            oracles=replace(book.oracles, price_1e6=_columns_usd(book, prices) * 1e6),
        )


def load(bars_folder: Path, book_file: Path) -> Recording:
    """Read and check the book and the bars it needs. Raises: BadReplayBook, BadRecording."""
    book = read_book(book_file)
    return record(book, [read_bars(bars_folder, position.asset) for position in book.positions])


def record(book: ReplayBook, every: Sequence[Bars]) -> Recording:
    """Play a book over bars, one asset for each position and in that order. Raises: BadRecording."""
    ticks = ticks_of(every)
    if _net_short(book, ticks):
        ticks = ticks_of(every, high_first=True)
    opened = _opened(book, ticks)
    excess, ratio, below = _assessed(opened, ticks)
    first = np.flatnonzero(below)
    return Recording(
        book=book,
        opened=opened,
        ticks=ticks,
        excess_usd=excess,
        ratio_percent=ratio,
        liquidated=int(first[0]) if first.size else None,
    )


def _net_short(book: ReplayBook, ticks: Ticks) -> bool:
    """Whether the shorts are worth more than the longs at the first open; the order of prices within it is the same."""
    prices = ticks.prices_usd[0]
    pairs = zip(book.positions, prices, strict=True)
    notional = [one.signed_size_base(float(usd), book.collateral_usd) * float(usd) for one, usd in pairs]
    # A book whose sides are equal is not short; the rounding of a float must not make it so.
    return sum(notional) < -_EQUAL_FRAC * sum(map(abs, notional))


def _opened(book: ReplayBook, ticks: Ticks) -> FleetBook:
    """The account with its positions bought and sold at the first moment, for nothing but their price."""
    prices = [float(price) for price in ticks.prices_usd[0]]
    pairs = list(enumerate(zip(book.positions, prices, strict=True)))
    opened = book_of(
        [
            AccountSnapshot(
                account_id=ACCOUNT_ID,
                authority=AUTHORITY,
                name=AUTHORITY,
                perp_positions=tuple(_position(index, one, usd, book.collateral_usd) for index, (one, usd) in pairs),
                spot_balances=(SpotBalance(market_index=0, amount_tokens=book.collateral_usd),),
                perp_markets={index: _market(index, one, usd) for index, (one, usd) in pairs},
                spot_markets={0: _QUOTE},
                oracles={_feed(one): OracleReading(oracle_id=_feed(one), price_usd=usd) for _, (one, usd) in pairs}
                | {_QUOTE.oracle_id: OracleReading(oracle_id=_QUOTE.oracle_id, price_usd=1.0)},
                net_deposits_usd=book.collateral_usd,
                slot=FIRST_SLOT,
                observed_at=_EPOCH + timedelta(seconds=float(ticks.at_s[0])),
            )
        ]
    )
    # A book made of dataclasses is rounded to the venue's units. Ratios and the prices of small coins need more.
    maintenance, initial = (np.array(column) for column in zip(*map(_ratios_1e4, book.positions), strict=True))
    price_1e6 = _columns_usd(opened, ticks.prices_usd[0]) * 1e6
    # Rounded as the margin engine rounds, so that nothing is gained or lost at the moment of opening.
    worth_1e6 = np.trunc(opened.perps.base_1e9 * price_1e6[opened.perp_markets.oracle[opened.perps.market]] / 1e9)
    return replace(
        opened,
        perps=replace(opened.perps, quote_1e6=-worth_1e6, quote_entry_1e6=-worth_1e6),
        oracles=replace(opened.oracles, price_1e6=price_1e6),
        perp_markets=replace(opened.perp_markets, maintenance_1e4=maintenance, initial_1e4=initial),
    )


_QUOTE = SpotMarket(
    name="USDC", market_index=0, oracle_id="quote", decimals=6,
    initial_asset_weight=1.0, maintenance_asset_weight=1.0,
    initial_liability_weight=1.0, maintenance_liability_weight=1.0,
)  # fmt: skip


def _feed(position: BookPosition) -> str:
    return f"{position.asset}/USD"


def _market(index: int, position: BookPosition, price_usd: float) -> PerpMarket:
    return PerpMarket(
        name=position.market,
        market_index=index,
        oracle_id=_feed(position),
        initial_ratio=position.initial_ratio,
        maintenance_ratio=position.maintenance_ratio,
        oracle_twap_usd=price_usd,
    )


def _position(index: int, position: BookPosition, price_usd: float, collateral_usd: float) -> PerpPosition:
    size = position.signed_size_base(price_usd, collateral_usd)
    # A size that was given is rounded; one that follows from leverage must not grow beyond it.
    base_1e9 = float(np.rint(size * 1e9) if position.size_base is not None else np.trunc(size * 1e9))
    if not (base_1e9 and abs(base_1e9) < _LARGEST_1E9):
        raise BadReplayBook(f"{position.market}: a size of {size:g} is not one a venue could hold; check its amount")
    return PerpPosition(market_index=index, size_base=base_1e9 / 1e9)


def _ratios_1e4(position: BookPosition) -> tuple[float, float]:
    return round(position.maintenance_ratio * 1e4, 6), round(position.initial_ratio * 1e4, 6)


def _columns_usd(opened: FleetBook, prices_usd: FloatArray) -> FloatArray:
    """Prices of the assets, shape (..., n_assets), in the places of the book's oracles; the quote is worth 1."""
    columns = np.ones((*prices_usd.shape[:-1], len(opened.oracles.ids)))
    columns[..., opened.perp_markets.oracle] = prices_usd
    return columns


def _assessed(opened: FleetBook, ticks: Ticks) -> tuple[FloatArray, FloatArray, BoolArray]:
    """(excess USD, health ratio percent, whether below maintenance) at every moment, by the margin engine."""
    plan, prices = MarginPlan.of(opened), _columns_usd(opened, ticks.prices_usd)
    excess, ratio, below = [], [], []
    for first in range(0, len(prices), _AT_ONCE):
        evaluation = evaluate(plan, prices[first : first + _AT_ONCE], maintenance_only=True)
        totals = evaluation.maintenance
        excess.append((totals.collateral_usd - totals.requirement_usd)[:, 0])
        ratio.append(worst_ratio_percent(evaluation)[:, 0])
        below.append(liquidatable(evaluation)[:, 0])
    return np.concatenate(excess), np.concatenate(ratio), np.concatenate(below)
