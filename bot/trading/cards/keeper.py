"""Keeps every copy of every card, in every chat, equal to its row, whatever becomes of the process in between."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from bot.alerts.sender import Lane, Sender
from bot.messages import DeliveryError, Limits, Message, MessageRef, Refused, RetryAfter, TryAgain, Unreachable
from bot.trading.cards import countdown
from bot.trading.cards.card import ChatCards
from bot.trading.cards.words import Drawn, over, pressable
from risk.decisions.proposals import FINAL_PROPOSALS
from risk.model.proposal import Proposal, ProposalState
from risk.ports import Clock
from storage import CardCopy, CardPlace, ProposalCards, Proposals, StorageError

log = structlog.get_logger()

_IDLE_S = 30.0  # nothing is counted down: only to be sure that nothing was missed
_LONGEST_RETRY_S = 60.0
_SETTLES_S = 60.0  # how long the end of a proposal waits for a newer reading of its account
_TICKS_SHARE = 4  # of what a chat takes, at most one in so many is a countdown
_TICKS_APART_S = 5.0
_PRINTS = "console"  # what is edited there is printed again: no countdown
_NOTHING_WENT_OUT = (ProposalState.CANCELLED, ProposalState.EXPIRED)


class CardKeeper:
    """Sends cards that were not sent, edits those that say something else than their row.

    A copy that can be edited no more is given up; a report is then said anew. What the clock alone changes waits behind
    everything else that goes to a chat.
    """

    def __init__(
        self,
        *,
        proposals: Proposals,
        copies: ProposalCards,
        cards: ChatCards,
        senders: Mapping[str, Sender],
        clock: Clock,
    ) -> None:
        self._proposals, self._copies, self._cards = proposals, copies, cards
        self._senders, self._clock = senders, clock
        self._changed = asyncio.Event()
        self._working: dict[CardPlace, asyncio.Task[None]] = {}
        self._shown: dict[str, str] = {}
        self._failures: dict[str, int] = {}
        self._not_before_s: dict[str, float] = {}
        self._ticked_s: dict[CardPlace, float] = {}
        self._skipped: set[CardPlace] = set()
        self._beside: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something changed."""
        self._changed.set()

    async def run(self) -> None:
        """Keep them until cancelled."""
        try:
            while True:
                self._changed.clear()
                try:
                    due_s = await self.look()
                except StorageError as exc:
                    log.warning("cards.unknown", error=str(exc))
                    due_s = _TICKS_APART_S
                await self._pause(due_s)
        finally:
            for task in (*self._working.values(), *self._beside):
                task.cancel()

    async def settle(self) -> None:
        """Look once, and wait until everything that was due is done."""
        await self.look()
        while self._working or self._beside:
            await asyncio.wait((*self._working.values(), *self._beside))

    async def look(self, *, only: CardPlace | None = None) -> float:
        """Begin what is due now; returns how long until something else is, as far as is known.

        Args:
            only: The one chat to look at; all of them where it is left out.
        """
        due_s, by_place = _IDLE_S, dict[CardPlace, list[tuple[CardCopy, Proposal]]]()
        known: dict[str, Proposal | None] = {}
        for copy in await self._copies.stale():
            if only is not None and copy.place != only:
                continue
            if copy.proposal_id not in known:
                known[copy.proposal_id] = await self._proposals.get(copy.proposal_id)
            proposal = known[copy.proposal_id]
            if proposal is None or copy.place.transport not in self._senders:
                continue
            due_s = min(due_s, self._due_s(copy, proposal))
            if self._clock.monotonic_s() >= self._not_before_s.get(copy.card_key, 0.0):
                by_place.setdefault(copy.place, []).append((copy, proposal))
        for ref, message in self._cards.left():
            self._spawn(self._say_it_moved(ref, message))
        for place, there in by_place.items():
            if place in self._working:
                self._skipped.add(place)
                continue
            # Chats side by side: one that hangs holds up nobody in another.
            task = asyncio.create_task(self._bring_up_to_date(place, there), name="cards.chat")
            self._working[place] = task
            task.add_done_callback(partial(self._done, place))
        return due_s

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="cards.beside")
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _say_it_moved(self, ref: MessageRef, message: Message) -> None:
        """Best done, and no harm where it is not: buttons of that message are worth nothing any more."""
        sender = self._senders.get(ref.address.transport)
        if sender is None:
            return
        try:
            await sender.edit(ref, message)
        except DeliveryError as exc:
            log.info("card.not_retired", error=str(exc))

    def _done(self, place: CardPlace, _: asyncio.Task[None]) -> None:
        self._working.pop(place, None)
        if place in self._skipped:
            # This chat alone: a look at all of them would skip whoever is at work now, whose end would be the next
            # look, and so on without a pause for as long as any card is open.
            self._skipped.discard(place)
            self._spawn(self._look_again(place))

    async def _look_again(self, place: CardPlace) -> None:
        try:
            await self.look(only=place)
        except StorageError as exc:
            log.warning("cards.unknown", error=str(exc))
            self.wake()

    def _due_s(self, copy: CardCopy, proposal: Proposal) -> float:
        now_s, now = self._clock.monotonic_s(), self._clock.now()
        if (wait_s := self._not_before_s.get(copy.card_key, 0.0) - now_s) > 0:
            return wait_s
        if pressable(proposal, now):
            return countdown.next_step_s(countdown.left_s(proposal.expires_at, now))
        return _TICKS_APART_S if proposal.state in FINAL_PROPOSALS or copy.message_id is None else _IDLE_S

    async def _bring_up_to_date(self, place: CardPlace, there: Sequence[tuple[CardCopy, Proposal]]) -> None:
        for copy, proposal in there:
            try:
                await self._bring(copy, proposal, self._senders[place.transport])
            except (RetryAfter, TryAgain) as exc:
                self._later(copy, exc)
            except DeliveryError as exc:
                log.warning("card.given_up", transport=place.transport, proposal_id=copy.proposal_id, error=str(exc))
                await self._give_up(copy)
            except StorageError as exc:
                log.warning("card.not_kept", proposal_id=copy.proposal_id, error=str(exc))
                self._not_before_s[copy.card_key] = self._clock.monotonic_s() + _TICKS_APART_S
            except Exception:
                # The top of a task: a card that trips Keel itself must not keep the others from being shown.
                log.exception("card.failed", proposal_id=copy.proposal_id)
                self._not_before_s[copy.card_key] = self._clock.monotonic_s() + _LONGEST_RETRY_S
            else:
                self._failures.pop(copy.card_key, None)
                self._not_before_s.pop(copy.card_key, None)

    async def _bring(self, copy: CardCopy, proposal: Proposal, sender: Sender) -> None:
        """Raises: DeliveryError, StorageError."""
        now = self._clock.now()
        card = await self._cards.draw(proposal, copy.place)
        if copy.message_id is None:
            if proposal.state in _NOTHING_WENT_OUT or (over(proposal, now) and proposal.state is ProposalState.OPEN):
                await self._give_up(copy)  # nobody saw it, and nothing came of it
            elif not self._cards.is_answered(copy, proposal):
                await self._say(copy, proposal, card, sender)
            return
        if 0 < copy.revision_shown < proposal.revision and pressable(proposal, now):
            # A message of its own: whoever presses twice must not confirm figures they have not seen.
            await self._retire(copy, proposal, sender)
            await self._say(copy, proposal, card, sender)
            return
        before = self._shown.get(copy.card_key) or copy.fingerprint
        if before != card.fingerprint:
            if before.partition("/")[0] == card.steady:
                if not await self._tick(copy, card, sender):
                    return
            else:
                await self._edit(copy, proposal, card, sender)
        await self._note(copy, proposal, card)

    async def _edit(self, copy: CardCopy, proposal: Proposal, card: Drawn, sender: Sender) -> None:
        """What has something new to say. A report whose message is gone is said anew. Raises: DeliveryError."""
        try:
            await sender.edit(self._ref(copy), card.message)
        except Refused:
            if proposal.state is ProposalState.OPEN or proposal.state in _NOTHING_WENT_OUT:
                raise
            self._cards.forget(copy.card_key)
            await self._say(copy, proposal, card, sender)

    async def _tick(self, copy: CardCopy, card: Drawn, sender: Sender) -> bool:
        """Only the countdown went on: shown where there is room for it. False where there was none."""
        now_s, place = self._clock.monotonic_s(), copy.place
        address = self._cards.address(copy)
        if place.transport == _PRINTS or now_s - self._ticked_s.get(place, -_IDLE_S) < _apart_s(sender.limits, place):
            return False
        if sender.place_of(address) in sender.busy():
            return False
        (ticket,) = await sender.turn(Lane.EDIT)
        if not sender.take(ticket, address):
            return False
        self._ticked_s[place] = now_s
        await sender.correct(ticket, self._ref(copy), card.message)
        return True

    async def _retire(self, copy: CardCopy, proposal: Proposal, sender: Sender) -> None:
        """The card of an older revision loses its buttons."""
        try:
            await sender.edit(self._ref(copy), await self._cards.superseded(proposal, copy.place))
        except (Refused, Unreachable) as exc:
            log.info("card.not_retired", proposal_id=copy.proposal_id, error=str(exc))
        self._cards.forget(copy.card_key)

    async def _say(self, copy: CardCopy, proposal: Proposal, card: Drawn, sender: Sender) -> None:
        # The key makes no second message of one that was taken and whose answer was lost, where the platform can tell.
        key = f"{copy.card_key}.{proposal.revision}.{proposal.state.value}"
        ref = await sender.send(self._cards.address(copy), card.message, key=key)
        await self._copies.bind(copy.card_key, copy.place, ref.message_id, self._clock.now())
        self._shown[copy.card_key] = card.fingerprint
        settled = proposal.state not in FINAL_PROPOSALS or self._settled(proposal)
        await self._store(replace(copy, changes=copy.changes if settled else 0), ref.message_id, proposal, card)

    async def _note(self, copy: CardCopy, proposal: Proposal, card: Drawn) -> None:
        """Remember what a copy shows; the last thing it is to show, for good. A tick is not worth a write."""
        self._shown[copy.card_key] = card.fingerprint
        final = proposal.state in FINAL_PROPOSALS
        if final and not self._settled(proposal):
            return  # not stored: it is looked at again until the account was
        if final or copy.fingerprint.partition("/")[0] != card.steady:
            await self._store(copy, copy.message_id, proposal, card)
        if final:
            self._forget(copy)

    async def _store(self, copy: CardCopy, message_id: str | None, proposal: Proposal, card: Drawn) -> None:
        await self._copies.shown(
            copy.card_key, message_id=message_id, revision=proposal.revision, fingerprint=card.fingerprint,
            changes=copy.changes, now=self._clock.now(),
        )  # fmt: skip

    def _settled(self, proposal: Proposal) -> bool:
        if proposal.finished_at is None or proposal.state in _NOTHING_WENT_OUT:
            return True
        waited_s = (self._clock.now() - proposal.finished_at).total_seconds()
        return waited_s > _SETTLES_S or self._cards.has_aftermath(proposal)

    def _later(self, copy: CardCopy, error: DeliveryError) -> None:
        failures = self._failures[copy.card_key] = self._failures.get(copy.card_key, 0) + 1
        wait_s = error.seconds if isinstance(error, RetryAfter) else min(2.0 ** min(failures, 10), _LONGEST_RETRY_S)
        self._not_before_s[copy.card_key] = self._clock.monotonic_s() + wait_s
        log.info("card.later", transport=copy.place.transport, proposal_id=copy.proposal_id, error=str(error))

    async def _give_up(self, copy: CardCopy) -> None:
        await self._copies.give_up(copy.card_key)
        self._forget(copy)

    def _forget(self, copy: CardCopy) -> None:
        self._cards.forget(copy.card_key)
        self._shown.pop(copy.card_key, None)
        self._failures.pop(copy.card_key, None)
        self._not_before_s.pop(copy.card_key, None)

    def _ref(self, copy: CardCopy) -> MessageRef:
        return MessageRef(address=self._cards.address(copy), message_id=copy.message_id or "")

    async def _pause(self, seconds: float) -> None:
        awaited: set[asyncio.Task[object]] = {
            asyncio.create_task(self._changed.wait()), asyncio.create_task(self._clock.sleep(seconds))
        }  # fmt: skip
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in awaited:
                one.cancel()


def _apart_s(limits: Limits, place: CardPlace) -> float:
    """How far apart countdowns in one chat are, so that most of what it takes is left to everything else."""
    rates = [limits.per_chat]
    if place.chat.startswith(limits.group_prefix):
        rates.append(limits.per_group)
    return max([_TICKS_APART_S, *(_TICKS_SHARE * rate.per_s / rate.most for rate in rates if rate is not None)])
