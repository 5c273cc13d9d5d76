"""From an approval to its report: quoted again, signed, stored, sent, followed, re-read. One proposal, one task.

Whatever is signed is stored before it is sent. The same bytes may be sent again; new ones are signed only when the old
ones can no longer land and nobody knows them. Nothing here waits for a person.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.trading.making import Maker, plan_of
from bot.trading.rules import TradingRules
from risk.decisions.proposals import FINAL_LEGS, LegEvent, ProposalEvent
from risk.decisions.requote import moved
from risk.errors import CannotAssess, ReadFailed
from risk.model.proposal import Leg, LegState, Proposal, ProposalState, Refusal
from risk.model.trading import FateKind, OrderBatch, PlacedOrder, TradingState
from risk.ports import Clock
from risk.trade_ports import OrderGateway
from storage import Handles, ProposalOutdated, Proposals, Resting, RestingEnd, SignedBefore, TradingStates
from venues.errors import OutcomeUnknown, VenueRejected, VenueUnavailable

log = structlog.get_logger()

_BY = "keel"
_MOST_ATTEMPTS = 3
_BEGINS_WITHIN_S = 2.0
_IN_FLIGHT = frozenset({LegState.SIGNED, LegState.SENT, LegState.LANDED})


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


class Execution:
    """Works approved proposals off.

    Args:
        changed: Called whenever a card has something new to show.
        crash_point: Named moments, for those who test what a crash at each of them leaves.
        submitted: Called with the seconds from the press to the venue taking the first order of what was pressed.
    """

    def __init__(
        self,
        *,
        gateway: OrderGateway,
        maker: Maker,
        proposals: Proposals,
        resting: Resting,
        handles: Handles,
        states: TradingStates,
        rules: TradingRules,
        clock: Clock,
        changed: Callable[[], None] = lambda: None,
        tempo: Tempo | None = None,
        crash_point: Callable[[str], None] = lambda name: None,
        submitted: Callable[[float], None] = lambda latency_s: None,
    ) -> None:
        self._gateway, self._maker, self._proposals, self._handles = gateway, maker, proposals, handles
        self._resting, self._states, self._rules = resting, states, rules
        self._clock, self._changed = clock, changed
        self._tempo, self._crash_point = tempo or Tempo(), crash_point
        self._submitted = submitted
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pressed_s: dict[str, float] = {}
        self._begun: dict[str, asyncio.Event] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._free = asyncio.Event()
        self._free.set()

    def start(self, proposal_id: str, *, pressed_s: float | None = None) -> None:
        """Work a proposal off in the background; one that is being worked on already goes on.

        Args:
            pressed_s: When the press that approved it came in, monotonic; None where that was in another life.
        """
        if proposal_id in self._tasks:
            return
        if pressed_s is not None:
            self._pressed_s[proposal_id] = pressed_s
        self._begun[proposal_id] = asyncio.Event()
        task = asyncio.create_task(self._guarded(proposal_id), name=f"order.{proposal_id}")
        self._tasks[proposal_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(proposal_id, None))

    def hold(self, *, held: bool) -> None:
        """Whether nothing new may be begun; what may be with the venue already is followed in any case."""
        if held:
            self._free.clear()
        else:
            self._free.set()

    async def begun(self, proposal_id: str) -> Proposal | None:
        """A proposal once it was quoted again after its approval, or as it stands where that takes too long."""
        event = self._begun.get(proposal_id)
        if event is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), _BEGINS_WITHIN_S)
        return await self._proposals.get(proposal_id)

    async def resume(self) -> None:
        """A job: whatever was approved and is not being worked on, because its task failed, goes on."""
        for proposal in await self._proposals.unfinished():
            if proposal.state is not ProposalState.OPEN:
                self.start(proposal.proposal_id)

    async def idle(self) -> None:
        """Until nothing is being worked on."""
        while self._tasks:
            await asyncio.wait(set(self._tasks.values()))

    async def stop(self) -> None:
        """Leave everything where it is; the next life goes on from there."""
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _guarded(self, proposal_id: str) -> None:
        try:
            await self.work(proposal_id)
        except ProposalOutdated as exc:
            log.info("order.outdated", proposal_id=proposal_id, error=str(exc))
        except Exception:
            # The top of a task: what is stored stays true, and the next start reconciles it.
            log.exception("order.failed", proposal_id=proposal_id)
        finally:
            self._pressed_s.pop(proposal_id, None)
            if (begun := self._begun.pop(proposal_id, None)) is not None:
                begun.set()  # however it ended: whoever pressed waits for it
            self._changed()

    async def work(self, proposal_id: str) -> None:
        """Everything that is left to do of a proposal. Raises: StorageError, ProposalOutdated."""
        proposal = await self._proposals.get(proposal_id)
        if proposal is None:
            return
        if any(leg.terms is not None and not leg.terms.reduce_only for leg in proposal.legs):
            # Two plans that add are judged one after the other: each alone may keep limits that both together break.
            async with self._turns.setdefault(proposal.account_id, asyncio.Lock()):
                await self._work(proposal)
        else:
            await self._work(proposal)

    async def _work(self, proposal: Proposal) -> None:
        await self._released(proposal)
        current = await self._current(proposal)
        if current.state is ProposalState.APPROVED:
            current = await self._begin(current)
        if (event := self._begun.get(proposal.proposal_id)) is not None:
            event.set()
        while current.state is ProposalState.EXECUTING:
            leg = next((one for one in current.legs if one.state not in FINAL_LEGS), None)
            if leg is None:
                return
            current = await self._advance(current, leg)
            self._changed()

    async def _released(self, proposal: Proposal) -> None:
        """Until new orders may be begun."""
        if not any(leg.state in _IN_FLIGHT for leg in proposal.legs):
            await self._free.wait()

    async def _begin(self, proposal: Proposal) -> Proposal:
        """Quote again; what was agreed to goes out only where it still holds, by the rules of now."""
        self._crash_point("approved")
        now = self._clock.now()
        if now >= proposal.expires_at + timedelta(seconds=self._rules.execution_s):
            late = "it was approved, and time ran out before it went out"
            return await self._happened(proposal, ProposalEvent.EXPIRED, late)
        if not self._rules.enabled:
            return await self._happened(proposal, ProposalEvent.CANCELLED, "trading was switched off meanwhile")
        if (await self._states.get()).state is TradingState.HALTED:
            return await self._happened(proposal, ProposalEvent.CANCELLED, "trading is halted")
        if all(leg.terms is None for leg in proposal.legs):
            return await self._happened(proposal, ProposalEvent.STARTED, "")
        try:
            again = await self._maker.requote(proposal)
        except (CannotAssess, ReadFailed) as exc:
            return await self._happened(proposal, ProposalEvent.REFUSED, f"nothing was sent: {exc}")
        self._crash_point("requoted")
        if isinstance(again, Refusal):
            return await self._happened(proposal, ProposalEvent.REFUSED, f"nothing was sent: {again.reason}")
        changed = moved(proposal.legs, again.legs, proposal.effect, again.effect, self._rules.bounds)
        if proposal.standing_id:
            if changed:
                return await self._happened(proposal, ProposalEvent.CANCELLED, f"nothing was sent: {changed[0]}")
            return await self._happened(proposal, ProposalEvent.STARTED, "")
        if refusal := await self._maker.over_the_day(proposal.account_id, again.legs, now):
            return await self._happened(proposal, ProposalEvent.REFUSED, f"nothing was sent: {refusal.reason}")
        changed += self._asked_too_little(proposal)
        if changed:
            return await self._revise(proposal, changed)
        return await self._happened(proposal, ProposalEvent.STARTED, "")

    def _asked_too_little(self, proposal: Proposal) -> tuple[str, ...]:
        """Where the rules of now ask for more than those it was proposed by."""
        needed = self._rules.approvals(proposal.account_id, proposal.notional_usd)
        if len(proposal.votes) < needed:
            return (f"it takes {needed} approvals now",)
        if self._rules.pin_needed(proposal.notional_usd) and not proposal.pin_needed:
            return ("it takes a PIN now",)
        return ()

    async def _revise(self, proposal: Proposal, changed: tuple[str, ...]) -> Proposal:
        """The new figures are asked about again; nothing goes out."""
        now = self._clock.now()
        expires_at = now + timedelta(seconds=self._rules.valid_s)
        try:
            made = await self._maker.make(plan_of(proposal), expires_at=expires_at)
        except (CannotAssess, ReadFailed) as exc:
            return await self._happened(proposal, ProposalEvent.REFUSED, f"nothing was sent: {exc}")
        if isinstance(made, Refusal):
            return await self._happened(proposal, ProposalEvent.REFUSED, f"nothing was sent: {made.reason}")
        notional = sum(leg.notional_usd for leg in made.legs)
        return await self._proposals.revise(
            proposal.proposal_id, expected_revision=proposal.revision, legs=made.legs, effect=made.effect,
            changed=changed, notes=made.notes, expires_at=expires_at, now=now, by=_BY, handles=self._handles,
            approvals_needed=self._rules.approvals(proposal.account_id, notional),
            pin_needed=self._rules.pin_needed(notional),
            holds_after_expiry=timedelta(seconds=self._rules.execution_s), expected=ProposalState.APPROVED,
        )  # fmt: skip

    async def _happened(self, proposal: Proposal, event: ProposalEvent, reason: str) -> Proposal:
        found = await self._proposals.happened(
            proposal.proposal_id, event, now=self._clock.now(), by=_BY, reason=reason, expected=proposal.state
        )
        self._crash_point(event.value)
        return found

    async def _advance(self, proposal: Proposal, leg: Leg) -> Proposal:
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
            return await self._leg(proposal, leg, LegEvent.SKIPPED, why)
        try:
            batch = await self._batch(proposal, leg)
            signed = await self._gateway.prepare(batch)
        except VenueRejected as exc:
            return await self._leg(proposal, leg, LegEvent.REFUSED, str(exc))
        except VenueUnavailable as exc:
            log.info("order.not_prepared", proposal_id=proposal.proposal_id, leg=leg.number, error=str(exc))
            await self._clock.sleep(self._tempo.retry_s)
            return await self._current(proposal)
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
        return OrderBatch(account_id=proposal.account_id, consent=consent, terms=terms, cancels=leg.cancels)

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
        if (pressed_s := self._pressed_s.pop(proposal.proposal_id, None)) is not None:
            self._submitted(self._clock.monotonic_s() - pressed_s)
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
                case FateKind.GONE:
                    why = fate.reason or await self._why_not(proposal, leg)
                    if why:
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


def overdue(proposal: Proposal, now: datetime) -> bool:
    """Whether nobody may press any more."""
    return proposal.state is ProposalState.OPEN and now >= proposal.expires_at
