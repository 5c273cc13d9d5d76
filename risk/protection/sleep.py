"""What keeps an account alive while bot, server and phone are dead: the cheapest triggers that do, by trial. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from risk.after_plan import without_orders
from risk.after_trade import Prospect
from risk.errors import BadParameter
from risk.liquidation_probability import hourly_funding_usd
from risk.margin.book import FleetBook
from risk.margin.linear import LinearMargin
from risk.margin.plan import MarginPlan
from risk.model.account import Side
from risk.model.candles import Candles
from risk.model.proposal import PlannedTrade, Purpose, TradePlan
from risk.model.protection import SleepPlan
from risk.model.trading import MarketDepth, OrderStyle
from risk.protection.graduated import risk_increasing_orders
from risk.protection.keepers import KEEPERS, Keepers
from risk.protection.sleep_candidates import Candidates, neat
from risk.protection.sleep_margin import Outcome, Paths, Trigger, TriggeredMargin
from risk.protection.sleep_paths import Recorded, recorded, simulated, survived
from risk.protection.stop_check import open_triggers
from risk.stats.series import checked_seed

LEAST_HOURS, MOST_HOURS = 1.0, 48.0
DEFAULT_BUDGET_FRAC = 0.01
_SEARCH_PATHS, _CHECK_PATHS = 2_000, 8_000
_MOST_CHECKED = 10


def plan_sleep(
    book: FleetBook,
    prospect: Prospect,
    hourly: Mapping[str, Candles],
    depth: Mapping[str, MarketDepth],
    *,
    hours: float = 8.0,
    budget_frac: float = DEFAULT_BUDGET_FRAC,
    seed: int = 0,
    keepers: Keepers = KEEPERS,
) -> SleepPlan:
    """The cheapest set of reduce-only triggers with which the account outlives some hours by itself.

    Tried are triggers on every position, on those of one direction and on each alone, at several depths between the
    price and liquidation, for a quarter to all of the position. A set does when liquidation within the hours stays
    below the budget on simulated paths, drawn anew for the check, and when the account survives the worst recorded
    stretches of that length and the worst day on record as one fall.

    Args:
        book: Of the one account, read with its orders.
        prospect: What its assets may do.
        hourly: Hourly bars by asset.
        depth: By market; a market that is absent takes no trigger.

    Raises: BadParameter; NotEnoughData for too little daily history.
    """
    if not LEAST_HOURS <= hours <= MOST_HOURS:
        raise BadParameter(f"{hours:g} hours are not supported; give {LEAST_HOURS:g} to {MOST_HOURS:g}")
    if not 0 < budget_frac <= 0.5:
        raise BadParameter(f"a budget of {budget_frac:g} is not supported; give above 0 and up to 50 %")
    return _Night(book, prospect, hourly, depth, hours, budget_frac, checked_seed(seed), keepers).plan()


def sleep_trade_plan(plan: SleepPlan, requested_by: str = "") -> TradePlan:
    """What is to be proposed for a night."""
    return TradePlan(
        account_id=plan.account_id, purpose=Purpose.SLEEP, trades=plan.trades, cancels=plan.cancels,
        title=f"Sleep {plan.hours:g} h", notes=(plan.why,), deposit_usd=plan.deposit_usd, requested_by=requested_by,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """A set of triggers and what the search found of it."""

    triggers: tuple[Trigger, ...]
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A set of triggers, and what holds of it on paths it was not chosen by."""

    triggers: tuple[Trigger, ...]
    night: Outcome
    past: Outcome | None
    budget_frac: float

    @property
    def holds(self) -> bool:
        return self.night.dead_frac <= self.budget_frac and self.past is not None and survived(self.past)

    @property
    def order(self) -> tuple[float, float]:
        """The smaller the better, where nothing holds: what has to be deposited as well, then what it costs."""
        lacking = sum(_lacking(self.night, self.past, self.budget_frac))
        return (lacking, float(self.night.cost_usd.mean()))


class _Night:
    def __init__(
        self, book: FleetBook, prospect: Prospect, hourly: Mapping[str, Candles], depth: Mapping[str, MarketDepth],
        hours: float, budget_frac: float, seed: int, keepers: Keepers,
    ) -> None:  # fmt: skip
        self.hours, self.budget, self.seed, self.keepers = hours, budget_frac, seed, keepers
        self.whole_book, self.depth, self.prospect = book, depth, prospect
        self.growing = risk_increasing_orders(book)
        self.book = without_orders(book, self.growing)
        self.diffusion, _ = prospect.diffusion
        self.assets = prospect.history.margin.assets
        plan = MarginPlan.of(self.book)
        linear = LinearMargin.of(plan, self.assets)
        self.fits = linear.fits
        self.margin = TriggeredMargin(plan, self.assets, hourly_funding_usd(linear))
        self.past: Recorded | str = recorded(self.margin, hourly, self.assets, hours)
        self.candidates = Candidates(self.margin, self.book, self.diffusion, depth, keepers)

    def plan(self) -> SleepPlan:
        if not self.fits:
            return self._said_no("the account holds a prediction contract or what cannot be assessed")
        if not self.assets:
            return self._answer(self._judged((), self._check_paths()), before=0.0)
        check = self._check_paths()
        bare = self._judged((), check)
        if bare.holds:
            return self._answer(bare, before=bare.night.dead_frac)
        best = bare
        for number, tried in enumerate(self._search()):
            judged = self._judged(tried.triggers, check, bare)
            if judged.holds or judged.order < best.order:
                best = judged
            if judged.holds or number + 1 == _MOST_CHECKED:
                break
        return self._answer(best, before=bare.night.dead_frac)

    def _check_paths(self) -> Paths:
        if not self.assets:
            still = np.ones((1, 0, 1))
            return Paths(factors=still, hours=np.array([self.hours]), adverse_frac=np.zeros((0, 1)))
        return simulated(self.diffusion, self.hours, paths=_CHECK_PATHS, seed=self.seed + 1, keepers=self.keepers)

    def _judged(self, triggers: tuple[Trigger, ...], check: Paths, bare: _Judged | None = None) -> _Judged:
        past = None
        if isinstance(self.past, Recorded):
            past = self.margin.outcome(self.past.paths, triggers, bare.past if bare else None)
        night = self.margin.outcome(check, triggers, bare.night if bare else None)
        return _Judged(triggers=triggers, night=night, past=past, budget_frac=self.budget)

    def _search(self) -> Iterator[_Tried]:
        """Sets that may do, the cheapest first; then those that come nearest."""
        paths = simulated(self.diffusion, self.hours, paths=_SEARCH_PATHS, seed=self.seed, keepers=self.keepers)
        bare = self.margin.outcome(paths, ())
        past = self.past.paths if isinstance(self.past, Recorded) else None
        bare_past = None if past is None else self.margin.outcome(past, ())
        good, rest = list[_Tried](), list[tuple[float, _Tried]]()
        for triggers in self.candidates.sets():
            found = self.margin.outcome(paths, triggers, bare)
            tried = _Tried(triggers=triggers, cost_usd=float(found.cost_usd.mean()))
            then = None if past is None else self.margin.outcome(past, triggers, bare_past)
            lacking = sum(_lacking(found, then, self.budget))
            if lacking:
                rest.append((lacking, tried))
            else:
                good.append(tried)
        yield from sorted(good, key=lambda one: one.cost_usd)
        yield from (tried for _, tried in sorted(rest, key=lambda pair: (pair[0], pair[1].cost_usd)))

    def _answer(self, judged: _Judged, *, before: float) -> SleepPlan:
        deposits = self._deposits(judged)
        trades = tuple(self._trade(trigger, at + 1) for at, trigger in enumerate(judged.triggers))
        after = judged.night.dead_frac
        least = judged.night.least_usd + np.array(deposits)[:, None]
        plan = SleepPlan(
            account_id=self.book.accounts.ids[0], hours=self.hours, budget_frac=self.budget, trades=trades,
            deposit_usd=float(sum(deposits)), probability_before=before, probability_after=after,
            probability_with_deposit=float((least < 0).any(axis=0).mean()), worst_start=self._worst_start(),
            survives_worst=judged.past is not None and survived(judged.past),
            expected_cost_usd=float(judged.night.cost_usd.mean()), promised=judged.holds, why="",
            n=self.prospect.history.returns.n, data_age_s=self.prospect.history.data_age_s, seed=self.seed,
            cancels=(*self.growing, *self._replaced(trades)),
        )  # fmt: skip
        return replace(plan, why=self._why(plan, judged, deposits))

    def _deposits(self, judged: _Judged) -> list[float]:
        """For each scope the whole dollars with which both the budget and the past would hold; 0 where they do."""
        if judged.holds:
            return [0.0] * judged.night.least_usd.shape[0]
        return [float(math.ceil(amount)) for amount in _lacking(judged.night, judged.past, self.budget)]

    def _trade(self, trigger: Trigger, priority: int) -> PlannedTrade:
        leg = self.margin.legs[trigger.leg]
        price = trigger.factor * leg.price_usd
        size = trigger.frac * abs(leg.base)
        return PlannedTrade(
            market=leg.market, side=Side.SELL if leg.is_long else Side.BUY, size_base=neat(size), reduce_only=True,
            priority=priority, style=OrderStyle.TRIGGER_MARKET, trigger_usd=neat(price),
            triggers_above=not leg.is_long,
            reasoning=f"{'Closes' if trigger.frac > 0.999 else f'Cuts {trigger.frac:.0%} of'} {leg.market} after a "
            f"{'fall' if leg.is_long else 'rise'} of {abs(trigger.factor - 1):.1%}.",
        )  # fmt: skip

    def _replaced(self, trades: Sequence[PlannedTrade]) -> tuple[int, ...]:
        """Stops that rest for the same positions: with them the orders would be more than there is."""
        sides = {(trade.market, trade.side, trade.triggers_above) for trade in trades}
        prices = {leg.market: leg.price_usd for leg in self.margin.legs}
        return tuple(
            one.order_id
            for one in open_triggers(self.whole_book)
            if one.market in prices and (one.market, one.side, one.trigger_usd > prices[one.market]) in sides
        )

    def _worst_start(self) -> datetime | None:
        return self.past.starts[0] if isinstance(self.past, Recorded) else None

    def _said_no(self, why: str) -> SleepPlan:
        """Nothing can be computed: nothing is proposed, and nothing promised."""
        history = self.prospect.history
        return SleepPlan(
            account_id=self.book.accounts.ids[0], hours=self.hours, budget_frac=self.budget, trades=(),
            deposit_usd=0.0, probability_before=math.nan, probability_after=math.nan,
            probability_with_deposit=math.nan, worst_start=None, survives_worst=False, expected_cost_usd=0.0,
            promised=False, why=f"This cannot be promised: {why}.", n=history.returns.n,
            data_age_s=history.data_age_s, seed=self.seed,
        )  # fmt: skip

    def _why(self, plan: SleepPlan, judged: _Judged, deposits: Sequence[float]) -> str:
        """Sentences: whether it is promised, on what grounds, and what is missing."""
        said: list[str] = []
        probability, budget = _percent(plan.probability_after), _percent(self.budget)
        if plan.promised:
            how = "With these orders" if plan.trades else "Without any order"
            said.append(
                f"{how} liquidation within {self.hours:g} h has a probability of {probability}, under {budget}."
            )
            if isinstance(self.past, Recorded):
                said.append(
                    f"It survives the worst of {self.past.looked_at:,} recorded stretches since "
                    f"{self.past.since:%Y-%m-%d}, and the fall of 2025-10-10 as one of six minutes."
                )
        else:
            said.append(f"This cannot be promised for {self.hours:g} h.")
            if plan.probability_after > self.budget:
                best = "even with these orders" if plan.trades else "and no order lowers that"
                said.append(f"Liquidation has a probability of {probability}, above {budget}, {best}.")
            if isinstance(self.past, str):
                said.append(f"The worst recorded stretch is not known: {self.past}.")
            elif not plan.survives_worst:
                said.append(self._killed(judged))
            if plan.deposit_usd:
                where = [
                    f"${amount:,.0f}" + (f" to isolated {self.margin.whole.scope_names[scope]}" if scope else "")
                    for scope, amount in enumerate(deposits)
                    if amount
                ]
                said.append(f"A deposit of {' and '.join(where)} as well would do.")
        return " ".join([*said, *(f"{one[0].upper()}{one[1:]}." for one in dict.fromkeys(self.candidates.notes))])

    def _killed(self, judged: _Judged) -> str:
        if not isinstance(self.past, Recorded) or judged.past is None:
            return ""
        dead = np.flatnonzero((judged.past.least_usd < 0).any(axis=0))
        starts = [start for at in dead if (start := self.past.starts[int(at)]) is not None]
        if not starts:
            return "It would not survive 2025-10-10 as one fall of six minutes, or a rise of half its size."
        return f"It would not survive what began {starts[0]:%Y-%m-%d %H:%M} UTC, as recorded."


def _lacking(night: Outcome, past: Outcome | None, budget_frac: float) -> list[float]:
    """For each scope the USD of collateral with which both the budget and the past would hold; 0 where they do."""
    if night.dead_frac <= budget_frac and (past is None or survived(past)):
        return [0.0] * night.least_usd.shape[0]
    alive = int(np.isfinite(night.least_usd).any(axis=1).sum())
    found = []
    for scope, least in enumerate(night.least_usd):
        spare = min(int(budget_frac / max(alive, 1) * least.size), least.size - 1)
        lacking = -float(np.partition(least, spare)[spare])
        if past is not None:
            lacking = max(lacking, -float(past.least_usd[scope].min()))
        found.append(max(lacking, 0.0))
    return found


def _percent(frac: float) -> str:
    if 0 < frac < 1e-4:
        return "less than 0.01%"
    return f"{frac:.2%}" if frac < 0.1 else f"{frac:.0%}"
