"""Which events are told together, and when. Pure.

What trades of one market have led to is one message: the position, and the fills behind it. An order that is filled in
parts is waited for, but not for more than a minute; so are the takings of a liquidation that goes on, once the first
was told. That one has begun the health of the account says, mostly. Interest and funding are told once a day.
Everything else is told at once, alike things together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier
from risk.model.event_kinds import EventKind
from risk.model.events import (
    AccountEvent,
    FundingPaidEvent,
    InterestEvent,
    LiquidationEvent,
    OrderEvent,
    PositionEvent,
)

K = EventKind
TOGETHER = timedelta(seconds=60)
_SETTLING = timedelta(seconds=3)  # how long fills wait for the reading that shows where they led
_HEALTH_SAYS_IT = timedelta(seconds=5)  # by then: the same reading tells the account's health


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An event that is to be told."""

    event_id: int
    event: AccountEvent
    tier: Tier
    happened_at: datetime
    logged_at: datetime


class Family(Enum):
    """What is told together."""

    TRADES = auto()
    ORDERS = auto()
    LIQUIDATION = auto()
    FLAG = auto()
    INTEREST = auto()
    FUNDING = auto()
    ALIKE = auto()
    ALONE = auto()


Key = tuple[Family, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Events of one message, in the order they were logged.

    Attributes:
        due_at: When it is to be told.
    """

    key: Key
    members: tuple[Waiting, ...]
    due_at: datetime

    @property
    def event_ids(self) -> tuple[int, ...]:
        return tuple(one.event_id for one in self.members)

    @property
    def account_id(self) -> str:
        return self.members[0].event.account_id

    @property
    def tier(self) -> Tier:
        """That of the loudest."""
        return self._loudest.tier

    @property
    def kind(self) -> EventKind:
        """The kind that the message is about."""
        return self._loudest.event.kind

    @property
    def market(self) -> str:
        return market_of(self.members[0].event)

    @property
    def goes_on(self) -> bool:
        """Whether what it tells may be told again while it goes on, so that one incident is enough for all of it."""
        return self.key[0] is Family.LIQUIDATION or (self.key[0] is Family.FLAG and not self.ends)

    @property
    def ends(self) -> bool:
        """Whether a liquidation is over with it."""
        return self.members[-1].event.kind is K.LIQUIDATION_ENDED

    @property
    def _loudest(self) -> Waiting:
        # Of equals the last: a position stands behind the fills that led to it.
        return max(reversed(self.members), key=lambda one: severity(one.tier))


def market_of(event: AccountEvent) -> str:
    """The market an event is about, for those who do not want to hear of it; empty for everything else."""
    return str(getattr(event, "market", "") or getattr(event, "token", ""))


def groups(waiting: Sequence[Waiting], last_taken: Mapping[str, datetime]) -> tuple[Group, ...]:
    """What is told together, the first logged first.

    Args:
        last_taken: When a taking was told last, by account.
    """
    found: dict[Key, list[Waiting]] = {}
    for one in waiting:
        found.setdefault(_key(one), []).append(one)
    return tuple(
        Group(key=key, members=tuple(members), due_at=_due_at(key, members, last_taken))
        for key, members in found.items()
    )


def _key(one: Waiting) -> Key:
    event = one.event
    account, market = event.account_id, market_of(event)
    match event:
        case PositionEvent():
            return Family.TRADES, account, market, ""
        case OrderEvent() if event.is_fill:
            return Family.TRADES, account, market, ""
        case OrderEvent():
            return Family.ORDERS, account, market, event.kind.value
        case LiquidationEvent(kind=K.LIQUIDATION_TAKEN):
            return Family.LIQUIDATION, account, "", ""
        case LiquidationEvent():
            return Family.FLAG, account, market, ""
        case InterestEvent():
            return Family.INTEREST, account, market, ""
        case FundingPaidEvent():
            return Family.FUNDING, account, market, ""
        case _ if severity(one.tier) < severity(Tier.HIGH):
            return Family.ALIKE, account, market, event.kind.value
        case _:
            return Family.ALONE, account, market, str(one.event_id)


def _due_at(key: Key, members: Sequence[Waiting], last_taken: Mapping[str, datetime]) -> datetime:
    first = members[0].logged_at
    match key[0]:
        case Family.TRADES:
            return first + _trades_wait(members)
        case Family.LIQUIDATION:
            last = last_taken.get(key[1])
            return first if last is None else max(first, last + TOGETHER)
        case Family.FLAG if members[-1].event.kind is K.LIQUIDATION_BEGUN:
            return first + _HEALTH_SAYS_IT
        case Family.INTEREST | Family.FUNDING:
            day = min(one.happened_at for one in members).astimezone(UTC)
            return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        case _:
            return first


def _trades_wait(members: Sequence[Waiting]) -> timedelta:
    rests: dict[int, float] = {}
    for one in members:
        if isinstance(one.event, OrderEvent):
            rests[one.event.order_id] = one.event.rest_base
    if any(rests.values()):
        return TOGETHER
    shown = any(isinstance(one.event, PositionEvent) for one in members)
    return timedelta() if shown or not rests else _SETTLING
