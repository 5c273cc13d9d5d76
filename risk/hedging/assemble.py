"""From what a strategy wants to trades that can go out: one after another, reducing first, and what stays behind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from risk.hedging.markets import Part, Wanted, parts_of, why_not
from risk.hedging.steps import Standing, Step, traded, try_part
from risk.hedging.walk import cost_frac, takes_base
from risk.margin.book import FleetBook
from risk.model.hedge import HedgeTrade
from risk.model.limits import RiskLimits
from risk.model.trading import MarketDepth

Measure = Callable[[Mapping[str, float]], float]
"""What must not grow: of the changes of delta by asset in USD; of none at all it is what stands now."""

_NOISE = 1e-9
_LEAST_COST_FRAC = 1e-6
_WHOLE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assembled:
    """Trades in the order in which they go out.

    Attributes:
        left: Sentences: what is not traded, and why.
        book: The account after all of them.
    """

    steps: tuple[Step, ...]
    left: tuple[str, ...]
    book: FleetBook

    @property
    def changes_usd(self) -> dict[str, float]:
        """Of the delta of each asset that is traded."""
        return changes_of(self.steps)

    @property
    def cost_usd(self) -> float:
        return sum(step.walked.trading_usd + step.funding_usd for step in self.steps)

    @property
    def impact_frac(self) -> float:
        """Of the notional, lost against the oracle price."""
        notional = sum(step.walked.notional_usd for step in self.steps)
        return sum(step.walked.slippage_usd for step in self.steps) / notional if notional > 0 else 0.0

    @property
    def trades(self) -> tuple[HedgeTrade, ...]:
        return tuple(_trade(step, priority) for priority, step in enumerate(self.steps, start=1))


def changes_of(steps: Sequence[Step]) -> dict[str, float]:
    """Of the delta of each asset."""
    found: dict[str, float] = {}
    for step in steps:
        asset = step.part.wanted.asset
        found[asset] = found.get(asset, 0.0) + step.change_usd
    return found


def assemble(
    book: FleetBook, wanted: Sequence[Wanted], depths: Mapping[str, MarketDepth], *, limits: RiskLimits, hours: float,
    measures: Sequence[Measure] = (), most: int | None = None, reducing_only: bool = False,
) -> Assembled:  # fmt: skip
    """Trades that do what is wanted, as far as it goes.

    Args:
        measures: None of them is larger after the trades than before: trades at the end are taken back until so.
        most: Trades at most.
        reducing_only: Leave out whatever would open or enlarge a position.
    """
    left: list[str] = []
    parts = [part for part in _feasible(book, wanted, depths, left) if part.reducing or not reducing_only]
    parts.sort(key=lambda part: (not part.reducing, -_help_per_cost(part, depths[part.market]), part.market))
    first, now, steps, stuck = Standing.of(book), book, list[Step](), set[str]()
    for part in parts:
        if most is not None and len(steps) >= most:
            left.append(f"{part.market} stays as it is: no more than {most} trades were wanted")
            continue
        if part.market in stuck:
            left.append(_rest(part, None, f"the position in {part.market} could not be closed first"))
            continue
        tried = try_part(now, part, depths[part.market], first=first, limits=limits, hours=hours)
        if tried.why:
            left.append(_rest(part, tried.step, tried.why))
            stuck.add(part.market)
        if tried.step is not None:
            now = tried.book
            steps.append(tried.step)
    kept, dropped = _within(steps, measures)
    if dropped:
        now = _again(book, kept, depths)
        left += [
            f"{step.part.side.value} {step.size_base:g} {step.part.market} is left out: without what cannot be traded"
            " beside it, it would add to the exposure it is to hedge"
            for step in dropped
        ]
    return Assembled(steps=tuple(kept), left=tuple(dict.fromkeys(left)), book=now)


def _feasible(
    book: FleetBook, wanted: Sequence[Wanted], depths: Mapping[str, MarketDepth], left: list[str]
) -> list[Part]:
    found: list[Part] = []
    for one in wanted:
        if one.market not in book.perp_markets.names:
            left.append(_open(one, f"{one.market} is not among the markets that were read"))
            continue
        parts = parts_of(book, one)
        if not parts and one.change_usd:
            left.append(_open(one, f"{one.market} has no positive price now"))
        # All parts of one market have one side: where the first cannot go, what lies beyond it must not go either.
        for part in parts:
            if reason := why_not(depths, one.market, part.side, reducing=part.reducing):
                left.append(_rest(part, None, f"{one.market} {reason}"))
            else:
                found.append(part)
    return found


def _help_per_cost(part: Part, depth: MarketDepth) -> float:
    size = min(part.size_base, takes_base(depth, part.side))
    cost = max(cost_frac(depth, part.side, size, 0.0), _LEAST_COST_FRAC)
    share = part.size_base * part.per_base_usd / abs(part.wanted.change_usd)
    return part.wanted.help * share / (cost * part.size_base * part.per_base_usd)


def _within(steps: list[Step], measures: Sequence[Measure]) -> tuple[list[Step], list[Step]]:
    """(kept, taken back). Trades are taken back from the end: those before them never needed them."""
    before = [measure({}) for measure in measures]
    kept = list(steps)
    while kept:
        changes = changes_of(kept)
        if all(measure(changes) <= was * (1 + _NOISE) + _NOISE for measure, was in zip(measures, before, strict=True)):
            break
        kept.pop()
    return kept, steps[len(kept) :]


def _again(book: FleetBook, steps: Sequence[Step], depths: Mapping[str, MarketDepth]) -> FleetBook:
    for step in steps:
        book = traded(book, step.part, step.size_base, depths[step.part.market])
    return book


def _open(one: Wanted, why: str) -> str:
    return _left(one, abs(one.change_usd), why)


def _rest(part: Part, step: Step | None, why: str) -> str:
    rest = part.size_base - (step.size_base if step is not None else 0.0)
    return _left(part.wanted, rest * part.per_base_usd, why)


def _left(one: Wanted, usd: float, why: str) -> str:
    if one.own:
        return f"{usd:,.2f} USD of {one.asset} stays open: {why}"
    done = "bought" if one.change_usd > 0 else "sold"
    return f"{usd:,.2f} USD of {one.asset} that were to be {done} are left out: {why}"


def _trade(step: Step, priority: int) -> HedgeTrade:
    wanted = step.part.wanted
    cost, own = step.walked.trading_usd, abs(step.change_usd)
    # Of a change that takes two orders, or could not be had in full, each says what is its own.
    share = f"; {own:,.0f} USD of that by this order" if own < _WHOLE * abs(wanted.change_usd) else ""
    return HedgeTrade(
        market=step.part.market, side=step.part.side, size=step.size_base, hedge_ratio=wanted.ratio, priority=priority,
        reasoning=f"{wanted.why}{share}; fee and slippage about {cost:,.2f} USD", reduce_only=step.part.reducing,
    )  # fmt: skip
