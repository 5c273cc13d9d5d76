"""One account's margin along many price paths on which triggers fire. Pure.

The margin of LinearMargin, with the perp legs taken out of it, so that each can shrink on its own path at its own time.
Size premiums stay those of the whole position, which asks a little too much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from risk.margin import rules
from risk.margin.assets import columns_of
from risk.margin.book import FloatArray, IntArray
from risk.margin.linear import LinearMargin
from risk.margin.plan import MarginPlan
from risk.model.trading import BASE_UNITS

# A path looked at in steps misses hits between them: the barrier moves so many standard deviations of a step
# (Broadie, Glasserman and Kou 1997).
_BETWEEN_STEPS = 0.5826


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A perp position whose price moves.

    Attributes:
        asset: Row of the factors.
        scope: 0 cross, then the isolated positions.
        fixed_usd: PnL that no price changes.
        moving_usd: Value at a factor of 1, > 0 long.
        needed_usd: Requirement of one unit of |size| at a factor of 1.
        base, bids, asks: Signed sizes: held, resting buys, resting sells.
        share: What positive PnL counts less, <= 0.
    """

    market: str
    asset: int
    scope: int
    fixed_usd: float
    moving_usd: float
    needed_usd: float
    base: float
    bids: float
    asks: float
    share: float

    @property
    def is_long(self) -> bool:
        return self.base > 0

    @property
    def price_usd(self) -> float:
        return self.moving_usd / self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A reduce-only trigger on a leg.

    Attributes:
        leg: Place among the legs.
        factor: Its trigger price over the price now.
        frac: Of the position that it closes.
        slip_frac, fee_frac, band: As of risk.protection.keepers.
    """

    leg: int
    factor: float
    frac: float
    slip_frac: float
    fee_frac: float
    band: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paths:
    """Prices on the way.

    Attributes:
        factors: Of today's prices, shape (n_steps, n_assets, n_paths); the first step is after the start.
        hours: Time of each step, shape (n_steps,).
        adverse_frac: By how much the price moves against an order while it waits for a keeper, shape
            (n_assets, n_paths); zeros where the steps themselves show it.
        lag: Steps between the crossing of a trigger and its fill.
        root: Of the covariance of one step, shape (n_assets, n_assets); None where nothing happens between steps.
    """

    factors: FloatArray
    hours: FloatArray
    adverse_frac: FloatArray
    lag: int = 0
    root: FloatArray | None = None

    @property
    def n(self) -> int:
        return int(self.factors.shape[2])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What became of an account on each path.

    Attributes:
        least_usd: The least margin excess on the way, shape (n_scopes, n_paths); below 0 is liquidated.
        cost_usd: Fees, slippage and delay of the triggers that fired, shape (n_paths,).
    """

    least_usd: FloatArray
    cost_usd: FloatArray

    @property
    def dead_frac(self) -> float:
        """Share of paths on which some scope is liquidated."""
        return float((self.least_usd < 0).any(axis=0).mean())


class TriggeredMargin:
    """The margin of one account, its legs apart.

    Args:
        funding_usd_per_hour: What each scope pays, > 0 a cost, shape (n_scopes,).
    """

    def __init__(self, plan: MarginPlan, assets: Sequence[str], funding_usd_per_hour: FloatArray) -> None:
        self.whole = LinearMargin.of(plan, assets)
        self.legs = _legs(plan, self.whole)
        self._funding = funding_usd_per_hour
        scopes = self.whole.excess_usd.size
        self._excess, self._slope = self.whole.excess_usd.copy(), self.whole.excess_slope_usd.copy()
        bends, own = list(self.whole.bends), []
        for leg in self.legs:
            self._excess[leg.scope] -= leg.fixed_usd
            self._slope[leg.scope, leg.asset] -= leg.moving_usd - leg.needed_usd * _worst(leg, 1.0)
            own += [
                bend for bend in bends if leg.share and bend.slope_usd == leg.moving_usd and bend.scope == leg.scope
            ]
        self._bends = [bend for bend in bends if bend not in own]
        now = self.whole.excess(np.ones((len(assets), 1)))[:, 0]
        idle = (now == 0) & ~self.whole.excess_slope_usd.any(axis=1)
        self.held = tuple(int(scope) for scope in range(scopes) if not idle[scope])

    def outcome(self, paths: Paths, triggers: Sequence[Trigger], untouched: Outcome | None = None) -> Outcome:
        """What becomes of the account.

        Args:
            untouched: The outcome of the same paths without triggers, so that those on which none fires are not
                computed again.
        """
        if untouched is None or not triggers:
            return self._along(paths, np.arange(paths.n), triggers)
        touched = np.zeros(paths.n, np.bool_)
        for one in triggers:
            leg = self.legs[one.leg]
            prices = paths.factors[:, leg.asset]
            touched |= _crossed(prices, one, leg).any(axis=0)
        rows = np.flatnonzero(touched)
        if not rows.size:
            return untouched
        some = self._along(paths, rows, triggers)
        least, cost = untouched.least_usd.copy(), untouched.cost_usd.copy()
        least[:, rows], cost[rows] = some.least_usd, some.cost_usd
        return Outcome(least_usd=least, cost_usd=cost)

    def _along(self, paths: Paths, rows: IntArray, triggers: Sequence[Trigger]) -> Outcome:
        factors = paths.factors if rows.size == paths.n else paths.factors[:, :, rows]
        steps, _, n = factors.shape
        held: list[FloatArray | float] = [1.0] * len(self.legs)
        cash: list[FloatArray | float] = [0.0] * len(self.legs)
        cost = np.zeros(n)
        fills: list[tuple[int, IntArray, FloatArray]] = []
        clock = np.arange(steps)[:, None]
        never = steps
        filled_at = np.full((len(self.legs), n), never)
        for one in triggers:
            leg = self.legs[one.leg]
            prices = factors[:, leg.asset]
            crossed = _crossed(prices, one, leg)
            first = np.where(crossed.any(axis=0), crossed.argmax(axis=0), never)
            at = np.minimum(first + paths.lag, steps - 1)
            fires = first < never
            got = _worst_of(prices, np.minimum(first, steps - 1), at, one.factor, leg)
            sign = 1.0 if leg.is_long else -1.0
            got = got * (1.0 - sign * paths.adverse_frac[leg.asset][rows])
            fill = got * (1.0 - sign * one.slip_frac)
            notional = one.frac * abs(leg.moving_usd)
            fee = notional * fill * one.fee_frac
            after = (clock >= at) & fires
            held[one.leg] = 1.0 - one.frac * after
            cash[one.leg] = np.where(after, one.frac * leg.moving_usd * fill - fee, 0.0)
            cost += np.where(fires, sign * (one.factor - fill) * notional + fee, 0.0)
            filled_at[one.leg] = np.where(fires, at, never)
            fills.append((one.leg, filled_at[one.leg], got))
        least = self._excess_of(factors, held, cash, paths.hours[:, None], paths.root).min(axis=1)
        for leg_at, at, got in fills:
            least = np.minimum(least, self._before_fill(factors, held, cash, filled_at, leg_at, at, got, paths.hours))
        return Outcome(least_usd=least, cost_usd=cost)

    def _before_fill(
        self, factors: FloatArray, held: Sequence[FloatArray | float], cash: Sequence[FloatArray | float],
        filled_at: IntArray, leg_at: int, at: IntArray, got: FloatArray, hours: FloatArray,
    ) -> FloatArray:  # fmt: skip
        """Excess in the moment before a fill, its own price as far as it has run by then; infinite without a fill."""
        steps, _, n = factors.shape
        fires, columns = at < steps, np.arange(n)
        step = np.minimum(at, steps - 1)
        prices = factors[step, :, columns].T.copy()
        prices[self.legs[leg_at].asset] = got
        before_held, before_cash = list[FloatArray | float](), list[FloatArray | float]()
        for number in range(len(self.legs)):
            done = filled_at[number] < at
            own_held, own_cash = held[number], cash[number]
            now_held = own_held[step, columns] if isinstance(own_held, np.ndarray) else own_held
            now_cash = own_cash[step, columns] if isinstance(own_cash, np.ndarray) else own_cash
            before_held.append(np.where(done, now_held, 1.0))
            before_cash.append(np.where(done, now_cash, 0.0))
        excess = self._excess_of(prices[None], before_held, before_cash, hours[step][None], None)[:, 0]
        return np.where(fires, excess, np.inf)

    def _excess_of(
        self, factors: FloatArray, held: Sequence[FloatArray | float], cash: Sequence[FloatArray | float],
        hours: FloatArray, root: FloatArray | None,
    ) -> FloatArray:  # fmt: skip
        """Shape (n_scopes, n_steps, n_paths); infinite for scopes that hold nothing."""
        out = np.full((self._excess.size, factors.shape[0], factors.shape[2]), np.inf)
        for scope in self.held:
            excess = self._excess[scope] - self._funding[scope] * hours
            excess = excess + np.einsum("k,tkn->tn", self._slope[scope], factors)
            for bend in self._bends:
                if bend.scope == scope:
                    moving = bend.constant_usd + bend.slope_usd * factors[:, bend.asset]
                    excess = excess + bend.share * np.maximum(moving, 0.0)
            deltas = None if root is None else [self._slope[scope, a] for a in range(factors.shape[1])]
            for number, leg in enumerate(self.legs):
                if leg.scope != scope:
                    continue
                price, share = factors[:, leg.asset], held[number]
                slope = leg.moving_usd * share
                pnl = leg.fixed_usd + cash[number] + slope * price
                needed = leg.needed_usd * _worst(leg, share)
                excess = excess + pnl - needed * price
                if leg.share:
                    excess = excess + leg.share * np.maximum(pnl, 0.0)
                if deltas is not None:
                    deltas[leg.asset] = deltas[leg.asset] + slope - needed
            if root is not None and deltas is not None:
                excess = excess - _BETWEEN_STEPS * _spread(deltas, factors, root)
            out[scope] = excess
        return out


def _spread(deltas: Sequence[FloatArray | float], factors: FloatArray, root: FloatArray) -> FloatArray:
    """Standard deviation of the excess over one step."""
    moved = [delta * factors[:, asset] for asset, delta in enumerate(deltas)]
    variance = np.zeros(factors[:, 0].shape) if moved else np.zeros((factors.shape[0], factors.shape[2]))
    for column in range(root.shape[1]):
        part = np.zeros_like(variance)
        for asset, one in enumerate(moved):
            if root[asset, column]:
                part = part + root[asset, column] * one
        variance = variance + part * part
    return np.asarray(np.sqrt(variance))


def _crossed(prices: FloatArray, one: Trigger, leg: Leg) -> FloatArray:
    """Where the venue's trigger price is beyond, whatever the band lets it be."""
    if leg.is_long:
        return np.asarray(prices * (1.0 + one.band) < one.factor)
    return np.asarray(prices * (1.0 - one.band) > one.factor)


def _worst_of(prices: FloatArray, first: IntArray, last: IntArray, factor: float, leg: Leg) -> FloatArray:
    """The worst price between the crossing of a trigger and its fill; never better than the trigger."""
    columns = np.arange(prices.shape[1])
    worse = np.minimum if leg.is_long else np.maximum
    found = worse(prices[first, columns], factor)
    for step in range(1, int((last - first).max(initial=0)) + 1):
        found = worse(found, prices[np.minimum(first + step, last), columns])
    return np.asarray(found)


def _worst(leg: Leg, share: FloatArray | float) -> FloatArray | float:
    """Unsigned size that margin is asked for, the worse order side."""
    held = leg.base * share
    if not leg.bids and not leg.asks:
        return np.abs(held)
    return np.maximum(np.abs(held + leg.bids), np.abs(held + leg.asks))


def _legs(plan: MarginPlan, margin: LinearMargin) -> tuple[Leg, ...]:
    book, perps = plan.book, plan.perps
    prices = book.oracles.price_1e6 / 1e6
    asset_of: dict[int, int] = {}
    columns = columns_of(book)
    for number, asset in enumerate(margin.assets):
        asset_of |= {int(column): number for column in np.flatnonzero(columns[asset])}
    scope_of = {int(row): 1 + number for number, row in enumerate(perps.isolated)}
    settling = set(perps.settling.tolist())
    found = []
    for row in range(perps.base_1e9.size):
        oracle, base = int(perps.oracle[row]), float(perps.base_1e9[row]) / BASE_UNITS
        if not base or oracle not in asset_of or row in settling:
            continue
        price, quote = float(prices[oracle]), float(prices[perps.quote_oracle[row]])
        found.append(
            Leg(
                market=book.perp_markets.names[int(book.perps.market[row])], asset=asset_of[oracle],
                scope=scope_of.get(row, 0), fixed_usd=float(perps.fixed_pnl_1e6[row]) / 1e6 * quote,
                moving_usd=base * quote * price,
                needed_usd=price * quote * float(perps.maintenance_1e4[row]) / 1e4, base=base,
                bids=float(book.perps.open_bids_1e9[row]) / BASE_UNITS,
                asks=float(book.perps.open_asks_1e9[row]) / BASE_UNITS,
                share=float(perps.maintenance_weight_1e4[row]) / rules.RATIO_ONE - 1.0,
            )
        )  # fmt: skip
    return tuple(found)
