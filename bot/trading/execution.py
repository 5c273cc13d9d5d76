"""From an approval to its report. One proposal, one task; nothing here waits for a person.

What is agreed to is quoted again (beginning.py); then its orders are worked one by one (legs.py).
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from bot.trading.beginning import Beginning
from bot.trading.legs import Legs, Tempo
from bot.trading.making import Maker
from bot.trading.rules import TradingRules
from risk.decisions.proposals import FINAL_LEGS
from risk.model.proposal import LegState, Proposal, ProposalState
from risk.ports import Clock
from risk.trade_ports import OrderGateway
from storage import Handles, ProposalOutdated, Proposals, Resting, TradingStates

__all__ = ["Execution", "Tempo", "overdue"]

log = structlog.get_logger()

_BEGINS_WITHIN_S = 2.0
_IN_FLIGHT = frozenset({LegState.SIGNED, LegState.SENT, LegState.LANDED})


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
        self._proposals, self._clock, self._changed, self._submitted = proposals, clock, changed, submitted
        self._beginning = Beginning(
            maker=maker, proposals=proposals, handles=handles, states=states, rules=rules, clock=clock,
            crash_point=crash_point,
        )  # fmt: skip
        self._legs = Legs(
            gateway=gateway, proposals=proposals, resting=resting, rules=rules, clock=clock, tempo=tempo or Tempo(),
            crash_point=crash_point, sent=self._sent,
        )  # fmt: skip
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pressed_s: dict[str, float] = {}
        self._begun: dict[str, asyncio.Event] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._held_by: set[str] = set()
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

    def waiting(self, proposal_id: str) -> str:
        """Why a proposal that has begun does not go on, a clause; empty where it does."""
        return self._legs.waiting(proposal_id)

    def hold(self, *, held: bool, by: str = "reconciliation") -> None:
        """Whether nothing new may be begun; what may be with the venue already is followed in any case."""
        if held:
            self._held_by.add(by)
            self._free.clear()
        else:
            self._held_by.discard(by)
            if not self._held_by:
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
            current = await self._beginning.begin(current)
        if (event := self._begun.get(proposal.proposal_id)) is not None:
            event.set()
        while current.state is ProposalState.EXECUTING:
            leg = next((one for one in current.legs if one.state not in FINAL_LEGS), None)
            if leg is None:
                return
            current = await self._legs.advance(current, leg)
            self._changed()

    async def _released(self, proposal: Proposal) -> None:
        """Until new orders may be begun."""
        if not any(leg.state in _IN_FLIGHT for leg in proposal.legs):
            await self._free.wait()

    def _sent(self, proposal_id: str) -> None:
        if (pressed_s := self._pressed_s.pop(proposal_id, None)) is not None:
            self._submitted(self._clock.monotonic_s() - pressed_s)

    async def _current(self, proposal: Proposal) -> Proposal:
        return await self._proposals.get(proposal.proposal_id) or replace(proposal, state=ProposalState.FAILED)


def overdue(proposal: Proposal, now: datetime) -> bool:
    """Whether nobody may press any more."""
    return proposal.state is ProposalState.OPEN and now >= proposal.expires_at
