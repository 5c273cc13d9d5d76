"""Which sets of triggers are tried for a night: on which positions, how far away, for how much of each. Pure."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from risk.decisions.order_terms import Untradeable, exact
from risk.margin.book import FleetBook, FloatArray
from risk.margin.paths import Diffusion
from risk.model.account import Side
from risk.model.proposal import PlannedTrade
from risk.model.trading import BASE_UNITS, MarketDepth, OrderStyle
from risk.protection.keepers import Keepers, band_frac, slippage_frac
from risk.protection.sleep_margin import Leg, Trigger, TriggeredMargin

# Where a trigger stands between the price now, 0, and the price that liquidates, 1.
_DEPTHS = (0.85, 0.7, 0.55, 0.4, 0.3, 0.2)
_FRACTIONS = (0.25, 0.5, 0.75, 1.0)
_FALLS = np.linspace(0.0, 0.98, 197)
_RISES = np.concatenate([np.linspace(0.0, 1.0, 201), np.geomspace(1.02, 6.0, 100)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A leg on which a trigger can rest.

    Attributes:
        room_frac: Move of its price that liquidates, the book moving with it.
        least_frac: A trigger nearer than this may fire at once.
        sizes: By fraction, what the market takes of it, in units.
    """

    number: int
    leg: Leg
    room_frac: float
    least_frac: float
    sizes: Mapping[float, float]
    depth: MarketDepth
    band: float


class Candidates:
    """The sets that are tried for one account.

    Attributes:
        notes: Why a position takes no trigger, once each.
    """

    def __init__(
        self, margin: TriggeredMargin, book: FleetBook, diffusion: Diffusion, depth: Mapping[str, MarketDepth],
        keepers: Keepers,
    ) -> None:  # fmt: skip
        self._margin, self._book, self._diffusion, self._depth, self._keepers = margin, book, diffusion, depth, keepers
        self.notes: list[str] = []

    def sets(self) -> Iterator[tuple[Trigger, ...]]:
        """All of them."""
        places = self._places()
        longs = [one for one in places if one.leg.is_long]
        shorts = [one for one in places if not one.leg.is_long]
        groups = [places, longs, shorts, *([one] for one in places)]
        known: set[tuple[int, ...]] = set()
        for group in groups:
            key = tuple(one.number for one in group)
            if not group or key in known:
                continue
            known.add(key)
            for at in _DEPTHS:
                for frac in _FRACTIONS:
                    found = [trigger for one in group if (trigger := self._trigger(one, at, frac)) is not None]
                    if len(found) == len(group):
                        yield tuple(found)

    def _trigger(self, place: _Place, at: float, frac: float) -> Trigger | None:
        moved = at * place.room_frac
        size = place.sizes.get(frac)
        if size is None or moved < place.least_frac:
            return None
        side = Side.SELL if place.leg.is_long else Side.BUY
        return Trigger(
            leg=place.number, factor=1.0 - moved if place.leg.is_long else 1.0 + moved,
            frac=size / abs(place.leg.base), slip_frac=slippage_frac(place.depth, side, size, self._keepers),
            fee_frac=place.depth.taker_fee_frac, band=place.band,
        )  # fmt: skip

    def _places(self) -> list[_Place]:
        found = []
        rooms = self._rooms()
        for number, leg in enumerate(self._margin.legs):
            room = rooms[number]
            offer = self._depth.get(leg.market)
            if math.isnan(room):
                continue
            if offer is None or not offer.side(Side.SELL if leg.is_long else Side.BUY):
                self.notes.append(f"{leg.market} offers nothing now, so no trigger of it can be priced")
                continue
            sizes = {frac: size for frac in _FRACTIONS if (size := _size(leg, frac, offer)) > 0}
            if not sizes:
                self.notes.append(f"{leg.market} takes no order of this position's size")
                continue
            band = band_frac(self._book, leg.market)
            sigma = float(self._diffusion.volatility_hourly[leg.asset])
            found.append(
                _Place(
                    number=number, leg=leg, room_frac=room, least_frac=band + sigma / 2, sizes=sizes, depth=offer,
                    band=band,
                )
            )  # fmt: skip
        return found

    def _rooms(self) -> list[float]:
        """For each leg the move against it that liquidates its scope: of the whole market, else of its asset alone;
        NaN where neither does."""
        jumps = self._diffusion.jumps
        betas = np.ones(len(self._margin.whole.assets)) if jumps is None or jumps.betas is None else jumps.betas
        rooms = []
        for leg in self._margin.legs:
            alone = np.zeros(len(self._margin.whole.assets))
            alone[leg.asset] = 1.0
            together = self._first(leg, betas) * betas[leg.asset]
            rooms.append(together if not math.isnan(together) else self._first(leg, alone))
        return rooms

    def _first(self, leg: Leg, weights: FloatArray) -> float:
        moves = -_FALLS if leg.is_long else _RISES
        factors = np.maximum(1.0 + weights[:, None] * moves[None, :], 1e-4)
        below = np.flatnonzero(self._margin.whole.excess(factors)[leg.scope] < 0)
        return float(abs(moves[below[0]])) if below.size and below[0] > 0 else math.nan


def _size(leg: Leg, frac: float, offer: MarketDepth) -> float:
    """What the market takes of a fraction of a leg, in units; 0 where it takes none."""
    side = Side.SELL if leg.is_long else Side.BUY
    trade = PlannedTrade(
        market=leg.market, side=side, size_base=neat(abs(leg.base) * frac), reduce_only=True,
        style=OrderStyle.TRIGGER_MARKET, trigger_usd=leg.price_usd, triggers_above=not leg.is_long,
    )  # fmt: skip
    held = round(leg.base * BASE_UNITS)
    try:
        return exact(trade, offer, account_id="", held_raw_1e9=held, slippage_frac=0.0, expires_at_s=0).terms.size_base
    except Untradeable:
        return 0.0


def neat(number: float) -> float:
    """Without what float arithmetic left behind the ninth decimal."""
    return round(number, 9)
