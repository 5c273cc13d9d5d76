"""The trade desk: plans become proposals here, presses become approvals, and nothing leaves in any other way."""

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.messages import Address
from bot.trading.allowing import split
from bot.trading.deadlines import Deadlines
from bot.trading.execution import Execution, overdue
from bot.trading.making import Made, Maker, plan_of
from bot.trading.rules import TradingRules
from bot.trading.signer_watch import SignerWatch
from bot.trading.traders import Traders
from risk.decisions.proposals import IllegalTransition, ProposalEvent
from risk.model.proposal import (
    Proposal,
    ProposalState,
    Proposed,
    Purpose,
    Refusal,
    StandingTerms,
    TradePlan,
)
from risk.model.trading import TradingState
from risk.ports import Clock
from storage import (
    Access,
    CardPlace,
    CardPress,
    Handles,
    Pressed,
    PressKind,
    ProposalOutdated,
    Proposals,
    StandingApproval,
    StandingApprovals,
    TradingStates,
)

log = structlog.get_logger()

_BY = "keel"
_HALF = 0.5
_LEAST_CAP_USD = 1.0
# Plans that may add. The others reduce, and what is held bounds them however often they are confirmed.
_EXPOSURE = frozenset({Purpose.HEDGE, Purpose.REBALANCE})


class Desk:
    """Implements risk.trade_ports.TradeDesk.

    Args:
        traders: Chats in which traders of an account may be asked, beside the one where somebody asked.
        doubts: Why nothing can be said of an account now; empty where it can.
        changed: Called whenever cards have something new to show.
        signer: Says what would not be signed, so that nobody is asked for it; None where nobody signs.
    """

    def __init__(
        self,
        *,
        maker: Maker,
        execution: Execution,
        proposals: Proposals,
        handles: Handles,
        states: TradingStates,
        standing: StandingApprovals,
        traders: Traders,
        doubts: Callable[[str], Sequence[str]],
        rules: TradingRules,
        clock: Clock,
        changed: Callable[[], None] = lambda: None,
        signer: SignerWatch | None = None,
    ) -> None:
        self._signer = signer
        self._maker, self._execution, self._proposals, self._handles = maker, execution, proposals, handles
        self._states, self._standing = states, standing
        self._traders, self._doubts = traders, doubts
        self._rules, self._clock, self._changed = rules, clock, changed
        self._deadlines = Deadlines(clock)
        self.reconciling = ""
        """Why nothing may be proposed yet: orders of an earlier life are being looked for; empty once known."""
        self.forgetful = ""
        """Why the memory takes nothing, so that nothing may be proposed; empty while it works."""

    async def propose(self, plan: TradePlan, *, place: Address | None = None) -> Proposed:
        """See TradeDesk.propose.

        Args:
            place: Where somebody asked for it; the card is shown there, and to others only where it takes several.
                None for what the bot proposes of itself: every trader of the account is asked.
        """
        if refusal := await self._refused(plan):
            return Proposed(proposal=None, refusal=refusal)
        now = self._clock.now()
        expires_at = now + timedelta(seconds=self._rules.valid_s)
        made = await self._maker.make(plan, expires_at=expires_at)
        if isinstance(made, Refusal):
            return Proposed(proposal=None, refusal=made)
        made = self._signable(plan, made)
        if isinstance(made, Refusal):
            return Proposed(proposal=None, refusal=made)
        approval = await self._covering(plan, made)
        if approval is None:
            return await self._asked(plan, made, place)
        covered, rest = split(plan, made.legs, approval)
        done = await self._allowed(covered, approval, expires_at)
        if rest is not None and done.proposal is not None:
            await self.propose(replace(rest, requested_by=_BY))
        return done if done.proposal is not None else await self._asked(plan, made, place)

    def _signable(self, plan: TradePlan, made: Made) -> Made | Refusal:
        """With a word about every order that the signer would not sign; nothing where it would sign none of them."""
        if self._signer is None or not made.legs:
            return made
        unsigned = self._signer.unsigned(plan.account_id, made.legs)
        if all(unsigned):
            nearest = self._signer.remedy(plan.account_id)
            return Refusal(reason=f"the signer would not sign it: {unsigned[0]}", nearest=nearest)
        notes = (
            f"! The signer would not sign order {leg.number}: {why}."
            for leg, why in zip(made.legs, unsigned, strict=True)
            if why
        )
        return replace(made, notes=(*made.notes, *notes))

    async def _asked(self, plan: TradePlan, made: Made, place: Address | None) -> Proposed:
        """Somebody has to press."""
        draft = self._draft(plan, made)
        if refusal := await self._maker.over_the_day(plan.account_id, made.legs, self._clock.now()):
            return Proposed(proposal=None, refusal=refusal)
        await self._take_over(plan)
        proposal = await self._put(draft, await self._places(draft, place))
        self._changed()
        log.info("trade.proposed", proposal_id=proposal.proposal_id, purpose=plan.purpose.value)
        return Proposed(proposal=proposal)

    async def _allowed(self, plan: TradePlan, approval: StandingApproval, expires_at: datetime) -> Proposed:
        """Somebody allowed it beforehand; nothing where it is not covered after all, or cannot be made."""
        made = await self._maker.make(plan, expires_at=expires_at)
        if isinstance(made, Refusal):
            return Proposed(proposal=None, refusal=made)
        approved = await self._proposals.put_allowed(
            self._draft(plan, made), standing_id=approval.standing_id,
            places=await self._traders.places(plan.account_id), now=self._clock.now(), by=_BY, handles=self._handles,
            holds_after_expiry=timedelta(seconds=self._rules.execution_s),
        )  # fmt: skip
        if approved is None:
            return Proposed(proposal=None)
        self._execution.start(approved.proposal_id)
        self._changed()
        log.info("trade.allowed", proposal_id=approved.proposal_id, standing_id=approval.standing_id)
        ids = tuple(f"{approved.proposal_id}/{leg.number}" for leg in approved.legs if leg.terms is not None)
        return Proposed(proposal=approved, order_ids=ids)

    async def _take_over(self, plan: TradePlan) -> None:
        """A newer plan for the account's exposure: an older one that waits would, confirmed as well, do it twice."""
        if plan.purpose not in _EXPOSURE:
            return
        for older in await self._proposals.open():
            if older.account_id == plan.account_id and older.purpose in _EXPOSURE:
                with contextlib.suppress(ProposalOutdated, IllegalTransition):  # it was confirmed at this very moment
                    await self._proposals.happened(
                        older.proposal_id, ProposalEvent.CANCELLED, now=self._clock.now(), by=_BY,
                        reason="a newer plan has taken its place", expected=ProposalState.OPEN,
                    )  # fmt: skip

    async def preview(self, plan: TradePlan) -> Made | Refusal:
        """A plan as it would be proposed; nothing is stored and nobody is asked. Raises: as propose()."""
        return await self._maker.make(plan, expires_at=self._clock.now() + timedelta(seconds=self._rules.valid_s))

    async def _put(self, draft: Proposal, places: Sequence[CardPlace]) -> Proposal:
        return await self._proposals.put(
            draft, places=places, now=self._clock.now(), by=draft.requested_by or _BY, handles=self._handles,
            holds_after_expiry=timedelta(seconds=self._rules.execution_s),
        )  # fmt: skip

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """See TradeDesk.proposal."""
        return await self._proposals.get(proposal_id)

    async def press(self, press: CardPress) -> Pressed:
        """Somebody pressed a button of a card. What it came to is stored when this returns; orders go out behind it.

        Raises: CannotAssess, ReadFailed for a half that cannot be quoted now; the card then stays.
        """
        pressed_s = self._clock.monotonic_s()
        pressed = await self._proposals.press(press, self._clock.now())
        return await self._followed(pressed, press.person_id, pressed_s)

    async def pin_given(self, person_id: str, access: Access) -> Pressed:
        """Somebody's PIN was right: the press that waited for it counts; FOREIGN where none did."""
        pressed_s = self._clock.monotonic_s()
        pressed = await self._proposals.pin_given(person_id, access, self._clock.now())
        return await self._followed(pressed, person_id, pressed_s)

    async def cancel(self, proposal_id: str, *, by: str, reason: str) -> Proposal:
        """Take a proposal back that nobody acted on yet. Raises: ProposalOutdated."""
        try:
            found = await self._proposals.happened(
                proposal_id, ProposalEvent.CANCELLED, now=self._clock.now(), by=by, reason=reason
            )
        except IllegalTransition as exc:
            raise ProposalOutdated(f"Proposal {proposal_id} has gone on meanwhile: {exc}.") from exc
        self._changed()
        return found

    async def expire(self) -> None:
        """What nobody answered in time ends. A job calls this every second."""
        now = self._clock.now()
        waiting = await self._proposals.open()
        self._deadlines.keep(waiting)
        for proposal in waiting:
            if overdue(proposal, now) or self._deadlines.passed(proposal):
                try:
                    await self._proposals.happened(
                        proposal.proposal_id, ProposalEvent.EXPIRED, now=now, by=_BY, expected=ProposalState.OPEN,
                        reason="nobody confirmed it in time",
                    )  # fmt: skip
                except ProposalOutdated:
                    continue  # somebody pressed at this very moment
                self._changed()

    async def _followed(self, pressed: Pressed, person_id: str, pressed_s: float) -> Pressed:
        if pressed.kind is PressKind.APPROVED and pressed.proposal is not None:
            if pressed.proposal.state is ProposalState.APPROVED:
                self._execution.start(pressed.proposal.proposal_id, pressed_s=pressed_s)
                # Whoever pressed is told what came of it: sent, asked anew, or refused.
                begun = await self._execution.begun(pressed.proposal.proposal_id)
                pressed = replace(pressed, proposal=begun or pressed.proposal)
        elif pressed.kind is PressKind.HALVE and pressed.proposal is not None:
            pressed = await self._halved(pressed, pressed.proposal, person_id)
        self._changed()
        return pressed

    async def _halved(self, pressed: Pressed, proposal: Proposal, person_id: str) -> Pressed:
        """Half of it is another thing to agree to: a new revision, with figures of its own."""
        expires_at = self._clock.now() + timedelta(seconds=self._rules.valid_s)
        # What the notes say is said of the whole.
        half = replace(plan_of(proposal, _HALF), notes=(), deposit_usd=0.0)
        made = await self._maker.make(half, expires_at=expires_at)
        if isinstance(made, Refusal):
            return replace(pressed, proposal=replace(proposal, reason=f"half of it cannot be: {made.reason}"))
        try:
            revised = await self._proposals.revise(
                proposal.proposal_id, expected_revision=proposal.revision, legs=made.legs, effect=made.effect,
                changed=("half of the size",), notes=made.notes, expires_at=expires_at, now=self._clock.now(),
            approvals_needed=self._rules.approvals(proposal.account_id, sum(leg.notional_usd for leg in made.legs)),
            pin_needed=self._rules.pin_needed(sum(leg.notional_usd for leg in made.legs)),
                by=person_id, handles=self._handles, holds_after_expiry=timedelta(seconds=self._rules.execution_s),
                expected=ProposalState.OPEN,
            )  # fmt: skip
        except ProposalOutdated:
            # Somebody else pressed while half of it was quoted: what they pressed stands.
            now = await self._proposals.get(proposal.proposal_id) or proposal
            kind = PressKind.SUPERSEDED if now.state is ProposalState.OPEN else PressKind.USED
            return Pressed(kind=kind, proposal=now)
        return replace(pressed, proposal=revised)

    async def _refused(self, plan: TradePlan) -> Refusal | None:
        if not self._rules.enabled:
            return Refusal(reason="trading is off", nearest="set TRADING_ENABLED=true and start again")
        if why := self.forgetful or self.reconciling:
            return Refusal(reason=why, nearest="try again in a moment")
        if self._signer is not None and self._signer.barred:
            return Refusal(reason=self._signer.barred, nearest="restart this process")
        status = await self._states.get()
        adds = any(not trade.reduce_only for trade in plan.trades)
        if status.state is TradingState.HALTED:
            return Refusal(
                reason=f"trading is halted: {status.reason or 'somebody said so'}", nearest="/resume lifts it"
            )
        if status.state is TradingState.REDUCING and adds:
            return Refusal(reason="only what reduces may be traded now", nearest="reduce, or lift it with /resume")
        if doubts := self._doubts(plan.account_id):
            return Refusal(
                reason=f"nothing is traded on data that cannot be trusted: {doubts[0]}", nearest="see /status"
            )
        if plan.standing is not None:
            return await self._standing_refused(plan.standing)
        return None

    async def _standing_refused(self, terms: StandingTerms) -> Refusal | None:
        now, most = self._clock.now(), self._rules.standing_cap_usd
        given = sum(one.left_usd for one in await self._standing.active(now, terms.account_id))
        if not (math.isfinite(terms.cap_usd) and terms.cap_usd >= _LEAST_CAP_USD):
            return Refusal(reason=f"a cap of ${terms.cap_usd:,.2f} allows nothing", nearest=f"${_LEAST_CAP_USD:,.0f}")
        if terms.cap_usd + given > most:
            left = max(0.0, most - given)
            why = f"with the ${given:,.0f} allowed already " if given else ""
            return Refusal(
                reason=f"${terms.cap_usd:,.0f} {why}is more than may be allowed beforehand",
                nearest=f"${left:,.0f}" if left else "/disarm ends what is in force",
            )
        lasts = terms.expires_at - now
        if lasts > timedelta(hours=self._rules.standing_hours):
            hours = self._rules.standing_hours
            return Refusal(reason=f"nothing is allowed for longer than {hours:g} h", nearest=f"{hours:g}h")
        if lasts < timedelta(seconds=2 * self._rules.valid_s):
            return Refusal(reason="it would be over about when it is confirmed", nearest="allow at least 10 min")
        return None

    def _draft(self, plan: TradePlan, made: Made) -> Proposal:
        now = self._clock.now()
        notional = sum(leg.notional_usd for leg in made.legs)
        if plan.standing is not None:
            notional = plan.standing.cap_usd
        return Proposal(
            proposal_id="",
            revision=1,
            account_id=plan.account_id,
            purpose=plan.purpose,
            title=plan.title,
            state=ProposalState.OPEN,
            legs=made.legs,
            effect=None if plan.purpose is Purpose.ARM else made.effect,
            notes=made.notes,
            deposit_usd=plan.deposit_usd,
            requested_by=plan.requested_by,
            created_at=now,
            expires_at=now + timedelta(seconds=self._rules.valid_s),
            approvals_needed=self._rules.approvals(plan.account_id, notional),
            pin_needed=self._rules.pin_needed(notional),
            standing=plan.standing,
        )

    async def _covering(self, plan: TradePlan, made: Made) -> StandingApproval | None:
        """The standing approval that covers what the bot itself wants to do, or the most of it; None for none."""
        if plan.requested_by or plan.purpose not in (Purpose.PROTECT, Purpose.EMERGENCY, Purpose.HEDGE):
            return None
        found = await self._standing.active(self._clock.now(), plan.account_id)
        covering = [one for one in found if split(plan, made.legs, one)[0].trades]
        return max(covering, key=lambda one: one.left_usd, default=None)

    async def _places(self, draft: Proposal, place: Address | None) -> tuple[CardPlace, ...]:
        found: list[CardPlace] = []
        if place is not None:
            found.append(CardPlace(transport=place.transport, chat=place.chat, thread=place.thread))
        if place is None or draft.approvals_needed > 1:
            found += await self._traders.places(draft.account_id)
        return tuple(dict.fromkeys(found))
