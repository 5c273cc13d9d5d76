"""Stopping everything at once, and going on. Stopping asks nobody; what is already with the venue is cancelled."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.trading.desk import Desk
from risk.model.proposal import LegState, Proposal, ProposalState
from risk.model.trading import FateKind, OrderBatch, TradingState
from risk.ports import Clock
from risk.trade_ports import OrderGateway
from storage import ProposalOutdated, Proposals, Resting, RestingEnd, RestingOrder, TradingStates, TradingStatus
from venues.errors import OutcomeUnknown, VenueRejected, VenueUnavailable

log = structlog.get_logger()

_ASK_S = 0.4
_ASK_FOR_S = 10.0
_AGAIN_S, _AGAIN_AT_MOST_S = 5.0, 60.0
_ON_ITS_WAY = frozenset({LegState.SIGNED, LegState.SENT, LegState.LANDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """What a halt came to.

    Attributes:
        proposals: Ids of those that were taken back.
        executing: Ids of those of which something may be with the venue already; nothing more of them is sent.
        stopped: Ids of those that had begun, of which nothing was on its way.
        cancelled: Resting orders of the bot that were cancelled.
        left: Resting orders of the bot that could not be cancelled, with the reason.
    """

    status: TradingStatus
    proposals: tuple[str, ...]
    executing: tuple[str, ...]
    stopped: tuple[str, ...]
    cancelled: tuple[RestingOrder, ...]
    left: tuple[tuple[RestingOrder, str], ...]


class Halting:
    """Sets what may go out.

    Args:
        changed: Called whenever cards have something new to show.
        resumed: Called when somebody has let orders go out again; None for nobody who wants to know.
        trouble: Why nothing can be signed now; empty while everything can.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        gateway: OrderGateway,
        proposals: Proposals,
        resting: Resting,
        states: TradingStates,
        clock: Clock,
        changed: Callable[[], None] = lambda: None,
        resumed: Callable[[], Awaitable[None]] | None = None,
        trouble: Callable[[], str] = lambda: "",
    ) -> None:
        self._desk, self._gateway, self._proposals, self._resting = desk, gateway, proposals, resting
        self._states, self._clock, self._changed, self._resumed = states, clock, changed, resumed
        self._trouble = trouble
        self._not_before_s, self._pause_s = 0.0, _AGAIN_S

    async def halt(self, *, by: str, reason: str, keep_protection: bool = False) -> Halted:
        """Nothing more goes out from this moment on. Raises: StorageError; what was said before it then still holds.

        Args:
            by: Person id, or "keel".
            keep_protection: Whether orders that only protect a position stay at the venue.
        """
        status = await self._states.set(TradingState.HALTED, by=by, reason=reason, now=self._clock.now())
        taken_back = []
        unfinished = await self._proposals.unfinished()
        for proposal in unfinished:
            if proposal.state is not ProposalState.EXECUTING:
                try:
                    await self._desk.cancel(proposal.proposal_id, by=by, reason="trading was halted")
                    taken_back.append(proposal.proposal_id)
                except ProposalOutdated:
                    continue  # it ended by itself a moment ago, or went on: then the state stops it
        begun = [one for one in unfinished if one.state is ProposalState.EXECUTING]
        orders = [one for one in await self._resting.standing() if not (keep_protection and one.terms.style.is_trigger)]
        await self._resting.doom([one.row_id for one in orders])
        cancelled, left = await self._cancel(orders, by)
        self._changed()
        log.warning("trading.halted", by=by, reason=reason, cancelled=len(cancelled), left=len(left))
        return Halted(
            status=status,
            proposals=tuple(taken_back),
            executing=tuple(one.proposal_id for one in begun if _on_its_way(one)),
            stopped=tuple(one.proposal_id for one in begun if not _on_its_way(one)),
            cancelled=tuple(cancelled),
            left=tuple(left),
        )

    async def look(self) -> None:
        """A job: whatever a halt is to cancel is tried again until it is gone; also what was on its way when trading
        was halted, and came to rest since. Where nobody signs it waits for who does: each try is written down."""
        status = await self._states.get()
        if status.state is not TradingState.HALTED:
            return
        late = [one for one in await self._resting.standing() if one.placed_at >= status.since]
        orders = {one.row_id: one for one in (*await self._resting.doomed(), *late)}
        if not orders:
            self._not_before_s, self._pause_s = 0.0, _AGAIN_S
        elif not self._trouble() and self._clock.monotonic_s() >= self._not_before_s:
            cancelled, left = await self._cancel(tuple(orders.values()), "keel")
            self._not_before_s = self._clock.monotonic_s() + self._pause_s
            self._pause_s = min(2 * self._pause_s, _AGAIN_AT_MOST_S) if left else _AGAIN_S
            log.warning("trading.halt_goes_on", cancelled=len(cancelled), left=len(left))
            if cancelled:
                self._changed()

    async def resume(
        self,
        *,
        by: str,
        state: TradingState = TradingState.ACTIVE,
        reason: str = "",
        since: datetime | None = None,
    ) -> TradingStatus:
        """Let orders go out again. Whoever calls this has asked for a confirmation.

        Args:
            since: Of the halt that is to be lifted, so that a later one stays; None for whichever it is.
        """
        status = await self._states.set(state, by=by, reason=reason, now=self._clock.now(), expected_since=since)
        if self._resumed is not None and status.state is TradingState.ACTIVE:
            await self._resumed()
        self._changed()
        return status

    async def _cancel(
        self, orders: Sequence[RestingOrder], by: str
    ) -> tuple[list[RestingOrder], list[tuple[RestingOrder, str]]]:
        cancelled: list[RestingOrder] = []
        left: list[tuple[RestingOrder, str]] = []
        for account_id in dict.fromkeys(one.account_id for one in orders):
            own = [one for one in orders if one.account_id == account_id]
            try:
                there = {one.order_id for one in await self._gateway.open_orders(account_id)}
                resting = [one for one in own if one.order_id in there]
                if resting:
                    await self._send(account_id, resting, by)
                still = {one.order_id for one in await self._gateway.open_orders(account_id)}
            except (VenueRejected, VenueUnavailable, OutcomeUnknown) as exc:
                left += [(one, str(exc)) for one in own]
                continue
            gone = [one for one in resting if one.order_id not in still]
            for one in gone:
                await self._resting.ended(one.row_id, RestingEnd.CANCELLED, self._clock.now(), "trading was halted")
            cancelled += gone
            left += [(one, "it still rests at the venue") for one in resting if one.order_id in still]
        return cancelled, left

    async def _send(self, account_id: str, orders: Sequence[RestingOrder], by: str) -> None:
        """Raises: VenueRejected, VenueUnavailable, OutcomeUnknown."""
        consent = await self._proposals.halt_consent(by=by, now=self._clock.now())
        ids = tuple(one.order_id for one in orders if one.order_id is not None)
        signed = await self._gateway.prepare(OrderBatch(account_id=account_id, consent=consent, cancels=ids))
        await self._gateway.send(signed)
        until_s = self._clock.monotonic_s() + _ASK_FOR_S
        while (fate := await self._gateway.fate(signed)).kind is FateKind.PENDING:
            if self._clock.monotonic_s() >= until_s:
                raise OutcomeUnknown("the cancellation is on its way and has not arrived yet")
            await self._clock.sleep(_ASK_S)
        if fate.kind is not FateKind.LANDED:
            raise VenueRejected(fate.reason or "the cancellation did not arrive")


def _on_its_way(proposal: Proposal) -> bool:
    """Whether something of it may still be filled, or was filled without our having read so."""
    return any(leg.state in _ON_ITS_WAY for leg in proposal.legs)
