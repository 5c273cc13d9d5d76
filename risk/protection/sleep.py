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
from risk.protection.keepers import KEEPERS, Keepers, band_frac, slippage_frac
from risk.protection.sleep_candidates import Candidates, neat
from risk.protection.sleep_judged import Judged, lacking
from risk.protection.sleep_margin import Leg, Paths, Trigger, TriggeredMargin
from risk.protection.sleep_paths import Recorded, recorded, simulated, survived
from risk.protection.stop_check import open_triggers
from risk.stats.first_passage import wilson
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
        title=f"Sleep {plan.hours:g} h", notes=(plan.why,), requested_by=requested_by,  # why names the deposit
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """A set of triggers and what the search found of it."""

    triggers: tuple[Trigger, ...]
    cost_usd: float


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
        self.resting: tuple[int, ...] = ()
        self.past: Recorded | str = recorded(self.margin, hourly, self.assets, hours)
        self.candidates = Candidates(self.margin, self.book, self.diffusion, depth, keepers)

    def plan(self) -> SleepPlan:
        if not self.fits:
            return self._said_no("the account holds a prediction contract or what cannot be assessed")
        if not self.assets:
            still = self._judged((), self._check_paths())
            return self._answer(still, before=still, bare=still)
        check = self._check_paths()
        bare = self._judged((), check)
        rests = self._resting()
        now = self._judged(rests, check, bare) if rests else bare
        if now.holds:
            return self._answer(now, before=now, bare=bare)
        best = min(now, bare, key=lambda one: one.order)
        for number, tried in enumerate(self._search()):
            judged = self._judged(tried.triggers, check, bare)
            if judged.holds or judged.order < best.order:
                best = judged
            if judged.holds or number + 1 == _MOST_CHECKED:
                break
        return self._answer(best, before=now, bare=bare)

    def _resting(self) -> tuple[Trigger, ...]:
        """Stops that rest already, as far as each is the only one of its position; none where one is not."""
        found: dict[int, Trigger] = {}
        for number, leg in enumerate(self.margin.legs):
            side = Side.SELL if leg.is_long else Side.BUY
            own = [
                one
                for one in open_triggers(self.whole_book)
                if one.market == leg.market and one.side is side and not one.triggered
                and (one.trigger_usd < leg.price_usd) is leg.is_long
            ]  # fmt: skip
            offer = self.depth.get(leg.market)
            if not own:
                continue
            if len(own) > 1 or offer is None or not offer.side(side):
                return ()
            (one,) = own
            size = min(one.size_base, abs(leg.base))
            found[one.order_id] = Trigger(
                leg=number, factor=one.trigger_usd / leg.price_usd, frac=size / abs(leg.base),
                slip_frac=slippage_frac(offer, side, size, self.keepers), fee_frac=offer.taker_fee_frac,
                band=band_frac(self.book, leg.market),
            )  # fmt: skip
        self.resting = tuple(found)
        return tuple(found.values())

    def _check_paths(self) -> Paths:
        if not self.assets:
            still = np.ones((1, 0, 1))
            return Paths(factors=still, hours=np.array([self.hours]), adverse_frac=np.zeros((0, 1)))
        return simulated(self.diffusion, self.hours, paths=_CHECK_PATHS, seed=self.seed + 1, keepers=self.keepers)

    def _judged(self, triggers: tuple[Trigger, ...], check: Paths, bare: Judged | None = None) -> Judged:
        past = None
        if isinstance(self.past, Recorded):
            past = self.margin.outcome(self.past.paths, triggers, bare.past if bare else None)
        night = self.margin.outcome(check, triggers, bare.night if bare else None)
        return Judged(triggers=triggers, night=night, past=past, budget_frac=self.budget)

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
            short = sum(lacking(found, then, self.budget))
            if short:
                rest.append((short, tried))
            else:
                good.append(tried)
        yield from sorted(good, key=lambda one: one.cost_usd)
        yield from (tried for _, tried in sorted(rest, key=lambda pair: (pair[0], pair[1].cost_usd)))

    def _answer(self, judged: Judged, *, before: Judged, bare: Judged) -> SleepPlan:
        deposits = self._deposits(judged)
        kept = judged is before
        trades = () if kept else tuple(self._trade(trigger, at + 1) for at, trigger in enumerate(judged.triggers))
        was, after = before.night.dead_frac, judged.night.dead_frac
        least = judged.night.least_usd + np.array(deposits)[:, None]
        plan = SleepPlan(
            account_id=self.book.accounts.ids[0], hours=self.hours, budget_frac=self.budget, trades=trades,
            deposit_usd=float(sum(deposits)), probability_before=was, probability_after=after,
            probability_with_deposit=float((least < 0).any(axis=0).mean()), worst_start=self._worst_start(),
            survives_worst=judged.past is not None and survived(judged.past),
            expected_cost_usd=float(judged.night.cost_usd.mean()), promised=judged.holds, why="",
            n=self.prospect.history.returns.n, data_age_s=self.prospect.history.data_age_s, seed=self.seed,
            cancels=self.growing, resting=self.resting,
            interval_before=wilson(was, before.night.least_usd.shape[1]),
            interval_after=wilson(after, judged.night.least_usd.shape[1]),
        )  # fmt: skip
        return replace(plan, why=self._why(plan, judged, deposits, bare))

    def _deposits(self, judged: Judged) -> list[float]:
        """For each scope the whole dollars with which both the budget and the past would hold; 0 where they do."""
        if judged.holds:
            return [0.0] * judged.night.least_usd.shape[0]
        return [float(math.ceil(amount)) for amount in lacking(judged.night, judged.past, self.budget)]

    def _trade(self, trigger: Trigger, priority: int) -> PlannedTrade:
        leg = self.margin.legs[trigger.leg]
        price = trigger.factor * leg.price_usd
        size = trigger.frac * abs(leg.base)
        return PlannedTrade(
            market=leg.market, side=Side.SELL if leg.is_long else Side.BUY, size_base=neat(size), reduce_only=True,
            priority=priority, style=OrderStyle.TRIGGER_MARKET, trigger_usd=neat(price),
            triggers_above=not leg.is_long, cancels=self._replaced(leg),
            reasoning=f"{'Closes' if trigger.frac > 0.999 else f'Cuts {trigger.frac:.0%} of'} {leg.market} after a "
            f"{'fall' if leg.is_long else 'rise'} of {abs(trigger.factor - 1):.1%}.",
        )  # fmt: skip

    def _replaced(self, leg: Leg) -> tuple[int, ...]:
        """Stops that rest for a position: with them the orders would be more than there is."""
        side = Side.SELL if leg.is_long else Side.BUY
        return tuple(
            one.order_id
            for one in open_triggers(self.whole_book)
            if one.market == leg.market and one.side is side and (one.trigger_usd < leg.price_usd) is leg.is_long
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

    def _why(self, plan: SleepPlan, judged: Judged, deposits: Sequence[float], bare: Judged) -> str:
        """Sentences: whether it is promised, on what grounds, and what is missing."""
        said: list[str] = []
        probability, budget = _percent(plan.probability_after), _percent(self.budget)
        if plan.promised:
            how = "With these orders" if plan.trades else "Without any order"
            if judged.triggers and not plan.trades:
                numbered = ", ".join(map(str, plan.resting))
                how = f"With what rests already (order{'' if len(plan.resting) == 1 else 's'} {numbered})"
            said.append(
                f"{how} liquidation within {self.hours:g} h has a probability of {probability}, under {budget}."
            )
            if isinstance(self.past, Recorded):
                said.append(
                    f"It survives the worst of {self.past.looked_at:,} recorded stretches since "
                    f"{self.past.since:%Y-%m-%d}, and the fall of 2025-10-10 as one of six minutes."
                )
                if plan.trades and bare.night.dead_frac <= self.budget:
                    said.append(f"That is what the orders are for: without any, {_lower(self._killed(bare))}")
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

    def _killed(self, judged: Judged) -> str:
        if not isinstance(self.past, Recorded) or judged.past is None:
            return ""
        dead = np.flatnonzero((judged.past.least_usd < 0).any(axis=0))
        starts = [start for at in dead if (start := self.past.starts[int(at)]) is not None]
        if not starts:
            return "It would not survive 2025-10-10 as one fall of six minutes, or a rise of half its size."
        return f"It would not survive what began {starts[0]:%Y-%m-%d %H:%M} UTC, as recorded."


def _lower(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:]}"


def _percent(frac: float) -> str:
    """Rounded up, with the digits that the card's own figures have."""
    if 0 < frac < 1e-4:
        return "less than 0.01%"
    places = 2 if frac < 0.01 else 1
    shown = math.ceil(round(frac * 10 ** (places + 2), 6)) / 10**places
    return f"{shown:.{places}f}".rstrip("0").rstrip(".") + "%"
