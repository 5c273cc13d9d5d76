"""How far each account was followed, and the next step of each: its readings beside the venue's own history.

Where a node has not listed everything yet, a step is taken again a little later. Where it could not be asked at all,
readings tell what they can after a while, and the history is asked once more when it may answer again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from bot.alerts.event_codec import event_from, prepare, reading_from, reading_json
from bot.alerts.event_history import EventListener, Listened, Reach
from risk.decisions.event_following import Following, Heard, Look, Rules, acted, forget, look
from risk.decisions.event_tiers import DEFAULT_TIERS
from risk.decisions.events import diff
from risk.decisions.incidents import severity
from risk.decisions.money_events import costs_eased
from risk.model.account import AccountSnapshot
from risk.model.events import AccountEvent, InterestEvent, MarketEvent
from storage import Events, FollowedAccount

log = structlog.get_logger()

_ASK_EVERY_S = 1.0  # one account's history
_WAITS_S = (0.5, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # between looks at one whose history lags behind its readings
_AGAIN_S = (15.0, 60.0, 300.0, 1_800.0)  # once the readings have told it alone
_CATCHES_UP = timedelta(seconds=30)  # what a long history may take before the readings speak alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Where one account stands.

    Attributes:
        not_before: Its history is not asked again before.
        due_at: When to ask it although nothing was seen to happen; None where everything is accounted for.
        behind_since: Since when a long history has been read; None where it is at its end.
        tries: Questions in vain.
        troubled: Whether the last reading could not be trusted.
    """

    following: Following
    reach: Reach
    not_before: datetime | None = None
    due_at: datetime | None = None
    behind_since: datetime | None = None
    tries: int = 0
    troubled: bool = False

    @property
    def waits(self) -> bool:
        """Whether readings and history differ, so that the same step is to be taken again."""
        return self.following.differs_since is not None

    def early(self, now: datetime) -> bool:
        """Whether it was asked a moment ago."""
        return self.not_before is not None and now < self.not_before

    def due(self, now: datetime) -> bool:
        return self.due_at is not None and now >= self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one look at an account came to. It counts once it was stored and given to ``EventFollowers.took``.

    Attributes:
        news: What is to be told, in the order it happened as far as known.
        records: What the history said that it had not said before, told already or not.
        stored: What is to be kept; None where that has not changed.
    """

    account_id: str
    after: Followed
    news: tuple[AccountEvent, ...] = ()
    records: tuple[AccountEvent, ...] = ()
    stored: FollowedAccount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an account needs before its next step.

    Attributes:
        history: Whether its history is to be asked; else the readings are enough.
        urgency: Of what the readings show, as ``severity`` counts.
    """

    history: bool
    urgency: int = 0


class EventFollowers:
    """Follows accounts, each at its own pace."""

    def __init__(self, *, listener: EventListener, events: Events, rules: Rules | None = None) -> None:
        self._listener, self._events, self._rules = listener, events, rules or Rules()
        self._stored: Mapping[str, FollowedAccount] = {}
        self._followed: dict[str, Followed] = {}

    async def load(self) -> None:
        """Take up what an earlier process left."""
        self._stored = dict(await self._events.followed())
        await asyncio.to_thread(prepare)

    @property
    def known(self) -> frozenset[str]:
        """Accounts that were ever seen."""
        return frozenset((*self._stored, *self._followed))

    async def forget(self, account_ids: frozenset[str]) -> None:
        """These are not watched any more; whoever watches one again begins anew."""
        await self._events.unfollow(account_ids)
        self._stored = {one: stored for one, stored in self._stored.items() if one not in account_ids}
        self._followed = {one: followed for one, followed in self._followed.items() if one not in account_ids}

    def due(self, now: datetime) -> tuple[str, ...]:
        """Accounts to look at although nothing new was seen of them."""
        return tuple(account_id for account_id, one in self._followed.items() if one.due(now))

    async def where(self, account_id: str) -> Followed | None:
        """Where an account stands; None for one that was never seen."""
        if account_id not in self._followed and account_id in self._stored:
            restored = await self._restored(self._stored[account_id])
            if restored is not None:
                self._followed[account_id] = restored
        return self._followed.get(account_id)

    async def _restored(self, stored: FollowedAccount) -> Followed | None:
        try:
            base = reading_from(stored.body_json)
            logged = await self._events.behind_slot(stored.account_id, min(stored.heard_slot, base.slot))
            events = [event_from(one.body_json) for one in logged]
        except ValueError as exc:
            # Written by another version: to begin anew is better than to tell nothing ever again.
            log.error("events.unreadable_past", account_id=stored.account_id, error=type(exc).__name__)
            return None
        following = Following(
            base=base,
            records=tuple(event for event in events if event.recorded and event.slot > base.slot),
            heard={event.source: event.slot for event in events if event.recorded},
            told=tuple(event for event in events if not event.recorded and event.after_slot is not None),
            first=not stored.cursor,
        )
        return Followed(following=following, reach=Reach.from_stored(stored.cursor, stored.heard_slot))

    def first(self, current: AccountSnapshot) -> Step:
        """An account is seen for the first time: nothing is news, and everything from here on is."""
        after = Followed(following=Following(base=current, first=True), reach=Reach(begins=current.slot))
        return Step(account_id=current.account_id, after=after, stored=_stored(after))

    def wish(self, one: Followed, current: AccountSnapshot, now: datetime) -> Wish | None:
        """What the next step of an account needs; None where there is none to take."""
        base = one.following.base
        if current.slot < base.slot:
            return None
        seen = diff(base, current, self._rules.thresholds)
        if self._listener.asks(now) and (one.due(now) or one.troubled or one.waits or acted(base, current)):
            return Wish(history=True, urgency=max((severity(DEFAULT_TIERS[e.kind]) for e in seen), default=0))
        # Interest is told once a day, and a market's status once for all who are in it.
        worth = any(not isinstance(event, InterestEvent | MarketEvent) for event in seen)
        eased = costs_eased(base, current, self._rules.thresholds)
        if worth or eased or one.waits or (seen and _day(base) != _day(current)):
            return Wish(history=False)
        return None

    async def step(self, one: Followed, current: AccountSnapshot, wish: Wish, now: datetime) -> Step:
        """The next step of an account."""
        listened = Listened(heard=Heard(), reach=one.reach)
        if wish.history or not self._listener.asks(now):
            listened = await self._listener.listen(current.account_id, one.reach, current.slot, now)
        behind_since = (one.behind_since or now) if listened.more else None
        following = one.following
        if behind_since is not None and now - behind_since < _CATCHES_UP:
            following = replace(following, differs_since=None)  # it is coming
        outcome = look(following, current, listened.heard, now, self._rules)
        reach = listened.reach
        after = Followed(
            following=forget(outcome.following, reach.heard_slot), reach=reach, behind_since=behind_since
        )  # fmt: skip
        after = _scheduled(one, after, outcome, listened, now)
        news = tuple(event for event in outcome.news if not isinstance(event, MarketEvent))
        return Step(
            account_id=current.account_id, after=after, news=news, records=_fresh(one, listened),
            stored=_stored_if_new(one, after),
        )  # fmt: skip

    async def step_of_troubled(self, one: Followed, slot: int, now: datetime) -> Step:
        """Of an account whose reading cannot be trusted, or that is closed, only the history can say why."""
        base = one.following.base
        listened = await self._listener.listen(base.account_id, one.reach, max(slot, base.slot), now)
        before = one.following
        fresh = _fresh(one, listened)
        behind = tuple(event for event in fresh if event.slot > base.slot)
        beside = tuple(event for event in fresh if event.slot <= base.slot) if before.first else ()
        following = replace(
            before, records=(*before.records, *behind), beside=(*before.beside, *beside),
            heard={**before.heard, **{event.source: event.slot for event in fresh}},
        )  # fmt: skip
        tries = one.tries + 1 if one.troubled else 0
        asks_again = self._listener.asks(now) and tries < len(_AGAIN_S) and not (fresh and listened.heard.complete)
        after = replace(
            one, following=following, reach=listened.reach, tries=tries, troubled=True,
            due_at=now + timedelta(seconds=_AGAIN_S[tries]) if asks_again else None,
            not_before=now + timedelta(seconds=_ASK_EVERY_S),
        )  # fmt: skip
        return Step(
            account_id=base.account_id, after=after, news=behind if before.first else fresh, records=fresh,
            stored=_stored_if_new(one, after),
        )  # fmt: skip

    def took(self, step: Step) -> None:
        """A step was stored."""
        if step.account_id not in self._followed:
            log.debug("events.following", account_id=step.account_id, slot=step.after.following.base.slot)
        self._followed[step.account_id] = step.after


def _fresh(one: Followed, listened: Listened) -> tuple[AccountEvent, ...]:
    return tuple(event for event in listened.heard.events if event.source not in one.following.heard)


def _scheduled(one: Followed, after: Followed, outcome: Look, listened: Listened, now: datetime) -> Followed:
    """When an account is looked at again."""
    if listened.heard.silent:
        return after
    asked = now + timedelta(seconds=_ASK_EVERY_S) if listened.reach is not one.reach else one.not_before
    if not outcome.settled:
        wait_s = 0.0 if listened.more else _WAITS_S[min(one.tries, len(_WAITS_S) - 1)]
        tries = one.tries if listened.more else one.tries + 1
        return replace(after, tries=tries, not_before=now + timedelta(seconds=wait_s))
    if outcome.agrees:
        return replace(after, not_before=asked)
    tries = one.tries + 1 if one.due_at is not None else 0
    due_at = now + timedelta(seconds=_AGAIN_S[tries]) if tries < len(_AGAIN_S) else None
    return replace(after, tries=tries, due_at=due_at, not_before=asked)


def _day(snapshot: AccountSnapshot) -> object:
    return snapshot.observed_at.astimezone(UTC).date()


def _stored(one: Followed) -> FollowedAccount:
    base, reach = one.following.base, one.reach
    # As long as the first reading stands, another process begins with it as well: of its slot not all may be decided.
    first = one.following.first
    return FollowedAccount(
        account_id=base.account_id, body_json=reading_json(base), slot=base.slot, observed_at=base.observed_at,
        cursor="" if first else reach.cursor, heard_slot=base.slot if first else reach.heard_slot,
    )  # fmt: skip


def _stored_if_new(before: Followed, after: Followed) -> FollowedAccount | None:
    same = before.following.base is after.following.base and before.reach.cursor == after.reach.cursor
    return None if same and before.reach.heard_slot == after.reach.heard_slot else _stored(after)
