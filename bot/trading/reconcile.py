"""What an earlier life left: every order not known to be final is looked for before anybody may ask for another.

What is known to have ended is held against the venue as well: bytes that were given up and landed all the same, or an
order that rests there otherwise than it was agreed to, mean that something was believed that is not true. Trading then
stops, and people are told.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.alerts.findings import Finding
from bot.trading.desk import Desk
from bot.trading.execution import Execution
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.model.account import OpenOrder
from risk.model.proposal import Leg, LegState, Proposal, ProposalState
from risk.model.trading import BASE_UNITS, PRICE_UNITS, FateKind, TradingState
from risk.ports import Clock
from risk.trade_ports import OrderGateway
from storage import Proposals, Resting, RestingOrder, TradeHistory, TradingStates
from venues.errors import VenueRejected, VenueUnavailable

log = structlog.get_logger()

CAUSE = Cause(kind=CauseKind.SYSTEM, subject="orders")
_LOOKED_BACK = timedelta(hours=24)
_IN_FLIGHT = frozenset({LegState.SIGNED, LegState.SENT, LegState.LANDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What was found.

    Attributes:
        resumed: Proposals that go on.
        mismatches: Sentences; empty where everything is as it was believed.
        unknown: Why something could not be looked up yet; empty where it could.
    """

    resumed: tuple[str, ...]
    mismatches: tuple[str, ...]
    unknown: str = ""


class Reconciliation:
    """Runs at the start, before commands are answered; again while the venue does not answer.

    Args:
        settle: Takes findings, as the incident desk does.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        execution: Execution,
        gateway: OrderGateway,
        proposals: Proposals,
        history: TradeHistory,
        resting: Resting,
        states: TradingStates,
        settle: Callable[[Sequence[Finding]], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._desk, self._execution, self._gateway = desk, execution, gateway
        self._proposals, self._history, self._resting, self._states = proposals, history, resting, states
        self._settle, self._clock = settle, clock
        self._known = False

    async def run(self) -> Reconciled:
        """Look everything up, and let what was approved go on. Raises: StorageError."""
        self._hold("orders of an earlier start are being looked for")
        unfinished = [one for one in await self._proposals.unfinished() if one.state is not ProposalState.OPEN]
        try:
            mismatches = await self._mismatches(unfinished)
        except (VenueUnavailable, VenueRejected) as exc:
            why = f"the venue cannot be asked about earlier orders: {exc}"
            self._hold(why)
            # What is with the venue is followed; nothing new is begun before everything is known.
            return self._begun(unfinished, (), why)
        if mismatches:
            reason = "; ".join(mismatches)
            await self._states.set(TradingState.HALTED, by="keel", reason=reason, now=self._clock.now())
            await self._settle([Finding(cause=CAUSE, tier=Tier.CRITICAL, fact=f"trading is halted: {reason}")])
            log.error("orders.mismatch", mismatches=mismatches)
        self._hold("")
        self._known = True
        return self._begun(unfinished, mismatches, "")

    async def again(self) -> None:
        """A job: as long as the venue could not be asked."""
        if not self._known:
            await self.run()

    def _hold(self, why: str) -> None:
        self._desk.reconciling = why
        self._execution.hold(held=bool(why))

    def _begun(self, unfinished: Sequence[Proposal], mismatches: Sequence[str], unknown: str) -> Reconciled:
        for proposal in unfinished:
            self._execution.start(proposal.proposal_id)
        return Reconciled(
            resumed=tuple(one.proposal_id for one in unfinished), mismatches=tuple(mismatches), unknown=unknown
        )

    async def _mismatches(self, unfinished: Sequence[Proposal]) -> list[str]:
        found: list[str] = []
        for proposal in unfinished:
            for leg in proposal.legs:
                if leg.state in _IN_FLIGHT and leg.signed is not None:
                    found += await self._in_flight(proposal, leg)
        since = self._clock.now() - _LOOKED_BACK
        for proposal_id, leg in await self._history.given_up(since):
            if leg.signed is not None and (await self._gateway.fate(leg.signed)).kind is FateKind.LANDED:
                found.append(f"order {leg.number} of {proposal_id} was given up, and went out all the same")
        for account_id, orders in (await self._resting_by_account()).items():
            there = {one.order_id: one for one in await self._gateway.open_orders(account_id)}
            found += [why for one in orders if (why := _differs(one, there)) is not None]
        return found

    async def _in_flight(self, proposal: Proposal, leg: Leg) -> list[str]:
        """Raises: VenueUnavailable."""
        if leg.signed is None:
            return []
        fate = await self._gateway.fate(leg.signed)
        if leg.state is LegState.LANDED and fate.kind in (FateKind.GONE, FateKind.FAILED):
            return [f"order {leg.number} of {proposal.proposal_id} had gone through, and the venue does not know it"]
        return []

    async def _resting_by_account(self) -> dict[str, list[RestingOrder]]:
        found: dict[str, list[RestingOrder]] = {}
        for order in await self._resting.standing():
            found.setdefault(order.account_id, []).append(order)
        return found


def _differs(believed: RestingOrder, there: dict[int, OpenOrder]) -> str | None:
    """How an order at the venue contradicts what was agreed to. One that is gone may have been filled or cancelled by
    its owner meanwhile: the watch over stops says so."""
    if believed.order_id is None or believed.order_id not in there:
        return None
    order, terms = there[believed.order_id], believed.terms
    what = f"order #{believed.order_id} of {believed.proposal_id}"
    if order.market_index != terms.market_index or order.side is not terms.side:
        return f"{what} is in another market or on another side than was agreed to"
    if round(order.size_base * BASE_UNITS) > terms.size_raw_1e9:
        return f"{what} is larger than was agreed to"
    if terms.reduce_only and not order.reduce_only:
        return f"{what} may open a position, and was agreed to only reduce one"
    trigger = round((order.trigger_price_usd or 0.0) * PRICE_UNITS)
    if terms.trigger_raw_1e6 and trigger != terms.trigger_raw_1e6:
        return f"{what} waits for another price than was agreed to"
    return None
