"""Following one account: readings and records in, news out, everything once. Pure; whoever asks does the reading.

The earlier reading is only given up for the later one when both readings and records say the same of what lies between,
or when there has been no point in waiting for a while. Records are news at once; what only the readings say is news
when the earlier one is given up. So nothing is told twice where a record comes late, and nothing is lost where none
comes at all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from risk.decisions.event_merge import Merged, late, merge, with_remains
from risk.decisions.event_tiers import DEFAULT_TIERS
from risk.decisions.events import EventThresholds, diff
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier
from risk.model.account import AccountSnapshot
from risk.model.events import AccountEvent, FlowEvent, LiquidationEvent, OrderEvent, PositionEvent

_TOLD_KEPT = 200
_BESIDE_KEPT = 50
_AHEAD_SLOTS = 16  # a reading's slot may be this far ahead of what it shows of an account


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long readings wait for records that say the same.

    Attributes:
        loud: Where what only the readings say is urgent.
        quiet: Where it is not.
        idle: Where they say nothing that no record says, so that waiting costs nothing.
    """

    loud: timedelta = timedelta(seconds=3)
    quiet: timedelta = timedelta(seconds=6)
    idle: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """How far an account was followed.

    Attributes:
        base: The reading up to which everything was told.
        records: What was recorded since, told already, oldest first.
        heard: Slots of records by their source: they come again as long as the history is read from before them.
        told: What readings alone said lately; a record of the same that comes late is no news.
        differs_since: Since when readings and records have differed; None while they agree.
        first: Whether nothing was followed before the base, so that what it holds already was never news.
        beside: Records of the base's own slot, or of just before it, of which nobody can tell yet whether the base
            holds them; told already, unless it is the first.
    """

    base: AccountSnapshot
    records: tuple[AccountEvent, ...] = ()
    heard: Mapping[str, int] = field(default_factory=dict)
    told: tuple[AccountEvent, ...] = ()
    differs_since: datetime | None = None
    first: bool = False
    beside: tuple[AccountEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at an account.

    Attributes:
        news: What is to be told, in the order it happened as far as known.
        absorbed: Records that came too late to be news.
        settled: Whether the base is now the current reading.
        agrees: Whether readings and records say the same; else a later look at the history may still tell something.
    """

    following: Following
    news: tuple[AccountEvent, ...] = ()
    absorbed: tuple[AccountEvent, ...] = ()
    settled: bool = True
    agrees: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a venue's history said.

    Attributes:
        complete: Whether that is all up to the current reading.
        silent: Whether there is no history to ask at all.
    """

    events: tuple[AccountEvent, ...] = ()
    complete: bool = True
    silent: bool = False


NO_HISTORY = Heard(silent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How to look. ``ours`` are the orders that Keel placed, None where nobody knows."""

    thresholds: EventThresholds = field(default_factory=EventThresholds)
    patience: Patience = field(default_factory=Patience)
    ours: Collection[int] | None = None


def look(following: Following, current: AccountSnapshot, heard: Heard, now: datetime, rules: Rules) -> Look:
    """What is new since the base.

    Raises: ValueError for a reading of another account, or of an older slot than the base.
    """
    base = following.base
    again = following.heard.keys() | {event.source for event in following.records}
    fresh = [event for event in heard.events if event.source not in again]
    belated = [event for event in fresh if event.slot <= base.slot]
    still_news = late(belated, following.told)
    absorbed = tuple(event for event in belated if event not in still_news)
    near = [event for event in still_news if event.slot > base.slot - _AHEAD_SLOTS]
    following = replace(
        following, beside=(*following.beside, *near)[-_BESIDE_KEPT:],
        heard={**following.heard, **{event.source: event.slot for event in fresh}},
    )  # fmt: skip
    both = _both(following, current, [event for event in fresh if event.slot > base.slot], rules)
    told_at_once = (*(() if following.first else still_news), *both.fresh)
    agrees = heard.complete and both.merged.agrees
    since = None if agrees else following.differs_since or now
    waits = not heard.silent and since is not None and now - since < _patience(both.merged.events, rules.patience)
    if waits:
        records = (*following.records, *both.fresh)
        state = replace(following, records=records, differs_since=since)
        return Look(following=state, news=told_at_once, absorbed=absorbed, settled=False, agrees=False)
    alone = () if agrees or heard.silent else tuple(event for event in both.merged.events if _may_be_recorded(event))
    # Where all is accounted for no record of it can come late.
    told = () if agrees else (*following.told, *alone)[-_TOLD_KEPT:]
    state = Following(base=current, told=told, heard=following.heard)
    found = both.behind if following.first else ()
    return Look(
        following=state, news=(*found, *told_at_once, *both.merged.events), absorbed=absorbed, agrees=agrees
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Both:
    """Readings and records, held against each other.

    Attributes:
        behind: Those of ``Following.beside`` that the base does not hold, as far as that can be told.
        fresh: The new records behind the base.
    """

    behind: tuple[AccountEvent, ...]
    fresh: tuple[AccountEvent, ...]
    merged: Merged


def _both(following: Following, current: AccountSnapshot, newer: Sequence[AccountEvent], rules: Rules) -> _Both:
    """What the base does not hold of its own slot was done behind it: the fewest of the last of it that make both sides
    agree, and none where nothing does."""
    seen = diff(following.base, current, rules.thresholds, ours=rules.ours)
    plain = found = _with_behind(following, current, seen, (), newer)
    for count in range(1, len(following.beside) + 1):
        if found.merged.agrees:
            return found
        found = _with_behind(following, current, seen, following.beside[-count:], newer)
    return found if found.merged.agrees else plain


def _with_behind(
    following: Following, current: AccountSnapshot, seen: Sequence[AccountEvent], behind: Sequence[AccountEvent],
    newer: Sequence[AccountEvent],
) -> _Both:  # fmt: skip
    base = following.base
    told = (*with_remains(base, current, behind), *following.records)
    records = with_remains(base, current, (*told, *newer), len(told))
    merged = merge(base, current, seen, (*told, *records))
    return _Both(behind=told[: len(behind)], fresh=records, merged=merged)


def acted(previous: AccountSnapshot, current: AccountSnapshot) -> bool:
    """Whether something was done to an account in between, by whomever, even where it left nothing behind.

    What time and prices change by themselves is not counted: funding that accrues, interest.
    """
    return _own(previous) != _own(current)


def _own(snapshot: AccountSnapshot) -> tuple[object, ...]:
    """An account's state as the venue keeps it."""
    positions = frozenset(
        (p.market_index, p.isolated, p.size_base, p.quote_usd, p.quote_entry_usd, p.settled_pnl_usd, p.being_liquidated)
        for p in snapshot.perp_positions
    )
    balances = frozenset(
        (b.market_index, b.amount_tokens if b.shares is None else b.shares) for b in snapshot.spot_balances
    )
    flags = (snapshot.being_liquidated, snapshot.bankrupt, snapshot.delegate, snapshot.last_active_slot)
    sums = (snapshot.net_deposits_usd, snapshot.settled_pnl_usd)
    return positions, balances, frozenset(snapshot.open_orders), flags, sums


def forget(following: Following, slot: int) -> Following:
    """The history is read from behind this slot from now on, so older records will not come again."""
    heard = {source: at for source, at in following.heard.items() if at >= slot}
    return replace(following, heard=heard, told=tuple(event for event in following.told if event.slot >= slot))


def _may_be_recorded(event: AccountEvent) -> bool:
    return isinstance(event, PositionEvent | OrderEvent | FlowEvent | LiquidationEvent)


def _patience(left: Sequence[AccountEvent], patience: Patience) -> timedelta:
    news = [event for event in left if not (isinstance(event, PositionEvent) and _is_recorded(event))]
    if not news:
        return patience.idle
    loudest = max(severity(DEFAULT_TIERS[event.kind]) for event in news)
    return patience.loud if loudest >= severity(Tier.HIGH) else patience.quiet


def _is_recorded(event: PositionEvent) -> bool:
    return abs(event.change_base - event.recorded_base) <= 1e-9 * max(1.0, abs(event.change_base))
