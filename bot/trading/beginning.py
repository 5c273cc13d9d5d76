"""From an approval to the first order: what was agreed to is quoted again, and held to the rules of now."""

from collections.abc import Callable
from datetime import timedelta

from bot.trading.making import Maker, plan_of
from bot.trading.rules import TradingRules
from risk.decisions.proposals import ProposalEvent
from risk.decisions.requote import moved
from risk.errors import CannotAssess, ReadFailed
from risk.model.proposal import Proposal, ProposalState, Refusal
from risk.model.trading import TradingState
from risk.ports import Clock
from storage import Handles, Proposals, TradingStates

_BY = "keel"


class Beginning:
    """Begins what still holds; asks anew what does not; ends what cannot be.

    Args:
        crash_point: See bot.trading.execution.Execution.
    """

    def __init__(
        self,
        *,
        maker: Maker,
        proposals: Proposals,
        handles: Handles,
        states: TradingStates,
        rules: TradingRules,
        clock: Clock,
        crash_point: Callable[[str], None],
    ) -> None:
        self._maker, self._proposals, self._handles = maker, proposals, handles
        self._states, self._rules, self._clock, self._crash_point = states, rules, clock, crash_point

    async def begin(self, proposal: Proposal) -> Proposal:
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
