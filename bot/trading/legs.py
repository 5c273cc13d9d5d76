"""One order at a time: signed, stored, sent, followed, re-read.

Whatever is signed is stored before it is sent. The same bytes may be sent again; new ones are signed only when the old
ones can no longer land and nobody knows them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from bot.trading.rules import TradingRules
from risk.decisions.proposals import LegEvent
from risk.model.proposal import Leg, LegState, Proposal, ProposalState
from risk.model.trading import FateKind, OrderBatch, PlacedOrder
from risk.ports import Clock
from risk.trade_ports import OrderGateway
from storage import ProposalOutdated, Proposals, Resting, RestingEnd, SignedBefore
from venues.errors import OutcomeUnknown, VenueRejected, VenueUnavailable

log = structlog.get_logger()

_MOST_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """How often the venue is asked.

    Attributes:
        ask_s: For the fate of bytes, and for fills.
        resend_s: How long bytes of which nothing is known are left before the same ones are sent again.
        retry_s: After a venue that did not answer.
    """

    ask_s: float = 0.4
    resend_s: float = 2.0
    retry_s: float = 1.0


class Legs:
    """Works the orders of proposals that have begun.

    Args:
        crash_point: See bot.trading.execution.Execution.
        sent: Called with a proposal's id when the venue took the first of its bytes.
    """

    def __init__(
        self,
        *,
        gateway: OrderGateway,
        proposals: Proposals,
        resting: Resting,
        rules: TradingRules,
        clock: Clock,
        tempo: Tempo,
        crash_point: Callable[[str], None],
        sent: Callable[[str], None],
    ) -> None:
        self._gateway, self._proposals, self._resting, self._rules = gateway, proposals, resting, rules
        self._clock, self._tempo, self._crash_point, self._sent = clock, tempo, crash_point, sent
        self._waited: dict[tuple[str, int], str] = {}

    def waiting(self, proposal_id: str) -> str:
        """What the next order of a proposal waits for, a clause; empty where it waits for nothing that is known."""
        return next((why for (which, _), why in self._waited.items() if which == proposal_id), "")

    async def advance(self, proposal: Proposal, leg: Leg) -> Proposal:
        """One step of one leg."""
        match leg.state:
            case LegState.PLANNED:
                return await self._sign(proposal, leg)
            case LegState.SIGNED | LegState.SENT:
                return await self._follow(proposal, leg)
            case _:
                return await self._read_back(proposal, leg)

    async def _leg(
        self, proposal: Proposal, leg: Leg, event: LegEvent, reason: str = "", placed: PlacedOrder | None = None
    ) -> Proposal:
        found = await self._proposals.leg_happened(
            proposal.proposal_id, leg.number, event, now=self._clock.now(), reason=reason, placed=placed
        )
        self._crash_point(f"leg {event.value}")
        return found

    async def _sign(self, proposal: Proposal, leg: Leg) -> Proposal:
        if why := await self._why_not(proposal, leg):
            return await self._leg(proposal, leg, LegEvent.SKIPPED, self._after_waiting(proposal, leg, why))
        try:
            batch = await self._batch(proposal, leg)
            signed = await self._gateway.prepare(batch)
        except VenueRejected as exc:
            return await self._leg(proposal, leg, LegEvent.REFUSED, self._after_waiting(proposal, leg, str(exc)))
        except VenueUnavailable as exc:
            log.info("order.not_prepared", proposal_id=proposal.proposal_id, leg=leg.number, error=str(exc))
            self._waited[proposal.proposal_id, leg.number] = str(exc)
            await self._clock.sleep(self._tempo.retry_s)
            return await self._current(proposal)
        self._waited.pop((proposal.proposal_id, leg.number), None)
        self._crash_point("prepared")
        try:
            proposal = await self._proposals.leg_happened(
                proposal.proposal_id, leg.number, LegEvent.SIGNED, now=self._clock.now(), signed=signed
            )
        except ProposalOutdated as exc:
            # Halted, disarmed or too late at this very moment: what was signed is thrown away unsent.
            return await self._leg(proposal, leg, LegEvent.SKIPPED, str(exc))
        except SignedBefore as exc:
            # Two equal orders within one block: dated with a later one, this one has bytes of its own.
            log.info("order.signed_before", proposal_id=proposal.proposal_id, leg=leg.number, error=str(exc))
            await self._clock.sleep(self._tempo.retry_s)
            return await self._current(proposal)
        self._crash_point("leg signed")
        return await self._send_first(proposal, proposal.legs[leg.number - 1])

    def _after_waiting(self, proposal: Proposal, leg: Leg, why: str) -> str:
        """Why an order came to nothing, and what it had waited for until then."""
        waited = self._waited.pop((proposal.proposal_id, leg.number), "")
        if not waited or waited in why:
            return why
        return f"{why.rstrip('.')}; until then it waited: {waited}"

    async def _why_not(self, proposal: Proposal, leg: Leg) -> str:
        """Why nothing may be signed for a leg now; empty where it may."""
        if not self._rules.enabled:
            return "trading was switched off meanwhile"
        if leg.attempt >= _MOST_ATTEMPTS:
            return f"it did not get through in {leg.attempt} attempts"
        adds = leg.terms is not None and not leg.terms.reduce_only
        if adds and any(one.state is not LegState.FILLED for one in proposal.legs[: leg.number - 1]):
            return "an order before it was not filled as planned, and this one would add to a position"
        return await self._proposals.why_not_send(proposal.proposal_id, leg.number, self._clock.now())

    async def _batch(self, proposal: Proposal, leg: Leg) -> OrderBatch:
        consent = await self._proposals.consent(proposal.proposal_id)
        if consent is None:
            raise VenueRejected("there is no approval for it")
        terms = () if leg.terms is None else (leg.terms,)
        return OrderBatch(
            account_id=proposal.account_id, consent=consent, terms=terms, cancels=leg.cancels, leg=leg.number
        )

    async def _send_first(self, proposal: Proposal, leg: Leg) -> Proposal:
        """The first sending of bytes that were signed a moment ago, by this very process."""
        if leg.signed is None:
            raise AssertionError("a signed leg has its bytes")
        if why := await self._why_not_send(proposal, leg):
            return await self._leg(proposal, leg, LegEvent.REFUSED, f"it was never sent: {why}")
        try:
            await self._gateway.send(leg.signed)
        except VenueRejected as exc:
            return await self._leg(proposal, leg, LegEvent.REFUSED, str(exc))
        except OutcomeUnknown as exc:
            return await self._leg(proposal, leg, LegEvent.SENT, f"no answer yet: {exc}")
        except VenueUnavailable as exc:
            log.info("order.not_sent", proposal_id=proposal.proposal_id, leg=leg.number, error=str(exc))
            await self._clock.sleep(self._tempo.retry_s)
            return await self._current(proposal)
        self._crash_point("sent")
        self._sent(proposal.proposal_id)
        return await self._leg(proposal, leg, LegEvent.SENT)

    async def _follow(self, proposal: Proposal, leg: Leg) -> Proposal:
        """Until it is known what became of bytes that may be out there."""
        if leg.signed is None:
            raise AssertionError("a signed leg has its bytes")
        sent_s = float("-inf")
        while True:
            try:
                fate = await self._gateway.fate(leg.signed)
            except (VenueUnavailable, VenueRejected) as exc:
                log.info("order.fate_unknown", proposal_id=proposal.proposal_id, leg=leg.number, error=str(exc))
                await self._clock.sleep(self._tempo.retry_s)
                continue
            match fate.kind:
                case FateKind.LANDED:
                    await self._cancelled(proposal, leg)
                    return await self._leg(proposal, leg, LegEvent.LANDED)
                case FateKind.FAILED:
                    return await self._leg(proposal, leg, LegEvent.FAILED, fate.reason)
                case FateKind.GONE if fate.reason:
                    return await self._leg(proposal, leg, LegEvent.GIVEN_UP, fate.reason)
                case FateKind.GONE:
                    if why := await self._why_not(proposal, leg):
                        return await self._leg(proposal, leg, LegEvent.GIVEN_UP, f"it never arrived; {why}")
                    return await self._leg(proposal, leg, LegEvent.GONE, "it never arrived; it is signed anew")
            due = self._clock.monotonic_s() - sent_s >= self._tempo.resend_s
            if due and not await self._why_not_send(proposal, leg):
                sent_s = self._clock.monotonic_s()
                await self._send_again(leg)
                if leg.state is LegState.SIGNED:
                    return await self._leg(proposal, leg, LegEvent.SENT, "sent again after a restart")
            await self._clock.sleep(self._tempo.ask_s)

    async def _cancelled(self, proposal: Proposal, leg: Leg) -> None:
        """Orders of ours that went with a leg do not rest any more; a second time changes nothing."""
        for order in await self._resting.standing(proposal.account_id) if leg.cancels else ():
            if order.order_id in leg.cancels:
                reason = f"cancelled by {proposal.proposal_id}"
                await self._resting.ended(order.row_id, RestingEnd.CANCELLED, self._clock.now(), reason)

    async def _why_not_send(self, proposal: Proposal, leg: Leg) -> str:
        """Why bytes that exist are held back; empty where they may be handed over, for the first time or again."""
        if not self._rules.enabled:
            return "trading was switched off meanwhile"
        return await self._proposals.why_not_send(proposal.proposal_id, leg.number, self._clock.now())

    async def _send_again(self, leg: Leg) -> None:
        if leg.signed is None:
            raise AssertionError("a signed leg has its bytes")
        try:
            await self._gateway.send(leg.signed)
        except (VenueRejected, VenueUnavailable, OutcomeUnknown) as exc:
            # Whatever this sending came to, an earlier one may have landed: their fate decides.
            log.info("order.sent_again", signature=leg.signed.signature, error=str(exc))

    async def _read_back(self, proposal: Proposal, leg: Leg) -> Proposal:
        """How a landed order stands, until nothing more comes of it."""
        if leg.signed is None:
            raise AssertionError("a landed leg has its bytes")
        if leg.terms is None:
            return await self._leg(proposal, leg, LegEvent.FILLED)
        batch = await self._batch(proposal, leg)
        while True:
            try:
                placed = (await self._gateway.placed(leg.signed, batch))[0]
            except (VenueUnavailable, VenueRejected) as exc:
                log.info("order.not_read_back", proposal_id=proposal.proposal_id, leg=leg.number, error=str(exc))
                await self._clock.sleep(self._tempo.retry_s)
                continue
            self._crash_point("read back")
            event = _told(leg, placed)
            if event is not None:
                return await self._leg(proposal, leg, event, placed.reason, placed)
            if placed.filled_raw_1e9 > leg.filled_raw_1e9:
                return await self._leg(proposal, leg, LegEvent.FILLED_SOME, placed.reason, placed)
            await self._clock.sleep(self._tempo.ask_s)

    async def _current(self, proposal: Proposal) -> Proposal:
        return await self._proposals.get(proposal.proposal_id) or replace(proposal, state=ProposalState.FAILED)


def _told(leg: Leg, placed: PlacedOrder) -> LegEvent | None:
    """How a leg ended; None while it goes on."""
    if leg.terms is None:
        return LegEvent.FILLED
    if placed.filled_raw_1e9 >= leg.terms.size_raw_1e9:
        return LegEvent.FILLED
    if placed.open:
        return LegEvent.RESTS if leg.terms.style.rests else None
    return LegEvent.ENDED_PARTLY if placed.filled_raw_1e9 else LegEvent.ENDED_UNFILLED
