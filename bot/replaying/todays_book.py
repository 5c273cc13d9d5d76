"""The book an account holds now, as one to be played over history. Pure."""

from dataclasses import dataclass

import numpy as np

from bot.text.numbers import usd
from risk.margin.assets import asset_of, is_dollar
from risk.margin.book import FleetBook
from risk.margin.evaluate import Evaluation
from venues.replay import BookPosition, PositionSide, ReplayBook
from venues.replay.book import INITIAL_RATIO

_LEAST_SHARE = 0.01  # of the collateral: what is less changes no answer
_LEAST_RATIO, _LARGEST_RATIO = 1e-4, 0.99
_LEAST_LEVERAGE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class TodaysBook:
    """What can be played, and sentences on what cannot.

    Attributes:
        book: None where nothing is left to play.
    """

    book: ReplayBook | None
    left_out: tuple[str, ...]


def todays_book(evaluation: Evaluation) -> TodaysBook:
    """The cross account of a book of one account: what it has as collateral, and its perps at their leverage of now.

    Sizes are kept as leverage, for prices were others then; requirements as a fraction of notional, with what size adds
    to them. Positions in one asset, such as a perp and a dated one, are netted.
    """
    book, detail = evaluation.book, evaluation.full
    collateral_usd = float(evaluation.maintenance.collateral_usd[0])
    left_out = [*_isolated(evaluation), *_moving_collateral(book, detail.spot_value_usd.tolist(), collateral_usd)]
    net_usd: dict[str, float] = {}
    needed_usd: dict[str, float] = {}
    isolated = set(evaluation.isolated_rows.tolist())
    for row, market in enumerate(book.perps.market.tolist()):
        if row in isolated or not book.perps.base_1e9[row]:
            continue
        asset = asset_of(book.perp_markets.names[market])
        signed = float(np.sign(book.perps.base_1e9[row]) * detail.perp_notional_usd[row])
        net_usd[asset] = net_usd.get(asset, 0.0) + signed
        needed_usd[asset] = needed_usd.get(asset, 0.0) + float(detail.perp_requirement_usd[row])
    positions = [
        _position(asset, signed, needed_usd[asset], collateral_usd)
        for asset, signed in net_usd.items()
        if collateral_usd > 0 and abs(signed) >= _LEAST_LEVERAGE * collateral_usd
    ]
    played = ReplayBook(collateral_usd=collateral_usd, positions=tuple(positions)) if positions else None
    return TodaysBook(book=played, left_out=tuple(left_out))


def without(book: ReplayBook, assets: frozenset[str]) -> ReplayBook | None:
    """The rest of a book; None where nothing is left."""
    kept = tuple(position for position in book.positions if position.asset not in assets)
    return ReplayBook(collateral_usd=book.collateral_usd, positions=kept) if kept else None


def _position(asset: str, signed_usd: float, needed_usd: float, collateral_usd: float) -> BookPosition:
    ratio = min(max(needed_usd / abs(signed_usd), _LEAST_RATIO), _LARGEST_RATIO)
    return BookPosition(
        market=f"{asset}-PERP",
        side=PositionSide.LONG if signed_usd > 0 else PositionSide.SHORT,
        leverage=abs(signed_usd) / collateral_usd,
        maintenance_ratio=ratio,
        initial_ratio=max(INITIAL_RATIO, ratio),
    )


def _isolated(evaluation: Evaluation) -> list[str]:
    book = evaluation.book
    markets = [book.perp_markets.names[book.perps.market[row]] for row in evaluation.isolated_rows]
    return [f"isolated {market} is left out, with its collateral" for market in markets]


def _moving_collateral(book: FleetBook, values_usd: list[float], collateral_usd: float) -> list[str]:
    """Balances whose price moves: they are counted at what they are worth now."""
    texts = []
    for market, value_usd in zip(book.spots.market.tolist(), values_usd, strict=True):
        token = book.spot_markets.names[market]
        if is_dollar(token) or abs(value_usd) < _LEAST_SHARE * abs(collateral_usd):
            continue
        what = f"{token}, {'a balance' if value_usd > 0 else 'a debt'} of {usd(abs(value_usd))}"
        texts.append(f"{what}, is held at its price of now; in truth it moves as well")
    return texts
