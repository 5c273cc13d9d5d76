"""What the signer remembers, and what happened to it. Pure: a state is what its events made of the empty one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from bot.signer.intent import Anchor, ModifyIntent, OrderIntent, RefusalCode, SigningVenue
from bot.signer.rules import LEGS_KEPT_S, REFUSALS_WITHIN_S

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The last signature for one leg of one proposal.

    Attributes:
        digest: SHA-256 of the message, in hex.
        valid_until: Last height at which it can take effect.
    """

    proposal: str
    leg: int
    revision: int
    digest: str
    signature: bytes
    valid_until: int
    signed_at_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    index: int
    raw_1e9: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one transaction takes from the day's allowance."""

    usd_raw_1e6: int
    lamports: int
    cancels: int
    markets: tuple[Used, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What one day has seen so far.

    Attributes:
        number: Days since 1970.
    """

    number: int = 0
    usd_raw_1e6: int = 0
    lamports: int = 0
    cancels: int = 0
    signatures: int = 0
    epochs: int = 0
    markets: tuple[Used, ...] = ()

    def used_raw_1e9(self, index: int) -> int:
        return next((one.raw_1e9 for one in self.markets if one.index == index), 0)

    def plus(self, cost: Cost) -> "Day":
        markets = {one.index: one.raw_1e9 for one in self.markets}
        for one in cost.markets:
            markets[one.index] = markets.get(one.index, 0) + one.raw_1e9
        return replace(
            self,
            usd_raw_1e6=self.usd_raw_1e6 + cost.usd_raw_1e6,
            lamports=self.lamports + cost.lamports,
            cancels=self.cancels + cost.cancels,
            signatures=self.signatures + 1,
            markets=tuple(Used(index=index, raw_1e9=raw) for index, raw in sorted(markets.items())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Somebody at this machine began the journal, or began it anew: no other state is taken for this one.

    Attributes:
        journal_id: Drawn at random.
    """

    journal_id: str
    by_uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A signer began to listen.

    Attributes:
        rules: SHA-256 of the file that says what is allowed, in hex.
    """

    public_key: str
    venue: SigningVenue
    rules: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature that is about to be given."""

    epoch: int
    account: str
    leg: Leg
    cost: Cost
    height: int
    orders: tuple[OrderIntent, ...]
    cancels: tuple[int, ...]
    modifies: tuple[ModifyIntent, ...]
    anchor: Anchor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Attributes:
    counts: Whether enough of them lock.
    """

    code: RefusalCode
    why: str
    proposal: str
    leg: int
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """Somebody at this machine looked into it. ``lock`` is the number of the row that locked."""

    lock: int
    by_uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """The last line was cut short when the process before was killed; its signature was never given."""

    cut_bytes: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All of a state, so that what came before need not be read again."""

    journal_id: str
    venue: SigningVenue | None
    epoch: int
    seen_s: int
    today: Day
    legs: tuple[Leg, ...]
    refused_at_s: tuple[int, ...]
    expected_at_s: tuple[int, ...]
    lock: int
    locked: str


Event = Begun | Started | Entered | Signed | Refused | Locked | Unlocked | Torn | Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the next decision depends on.

    Attributes:
        journal_id: Of the journal; empty before it was begun.
        venue: None before the first start.
        seen_s: Latest time ever read; a clock that goes back opens no day again.
        today: May be of a day before; see ``on``.
        legs: By proposal and leg.
        refused_at_s: Refusals that should never happen, of the last minutes, oldest first.
        expected_at_s: Likewise those that may happen, and lock nothing.
        lock: Number of the row that locked; 0 for none.
        locked: Why; empty for not locked.
    """

    journal_id: str = ""
    venue: SigningVenue | None = None
    epoch: int = 0
    seen_s: int = 0
    today: Day = Day()  # frozen
    legs: Mapping[tuple[str, int], Leg] = field(default_factory=lambda: MappingProxyType({}))
    refused_at_s: tuple[int, ...] = ()
    expected_at_s: tuple[int, ...] = ()
    lock: int = 0
    locked: str = ""

    def on(self, now_s: int) -> Day:
        """The day it is at a time, as far as it is used up."""
        number = max(now_s, self.seen_s) // DAY_S
        return self.today if self.today.number == number else Day(number=number)

    def after(self, event: Event, *, number: int, at_s: int) -> "State":
        """With one more event, which stands in row ``number`` of the journal."""
        now = replace(self, seen_s=max(self.seen_s, at_s))
        match event:
            case Begun():
                return self._begun_anew(event, at_s)
            case Started():
                return replace(now, venue=event.venue)
            case Entered():
                today = self.on(at_s)
                return replace(now, epoch=event.epoch, today=replace(today, epochs=today.epochs + 1))
            case Signed():
                legs = {**self.legs, (event.leg.proposal, event.leg.leg): event.leg}
                return replace(
                    now, epoch=max(self.epoch, event.epoch), today=self.on(at_s).plus(event.cost),
                    legs=MappingProxyType(legs),
                )  # fmt: skip
            case Refused():
                # By the latest time ever read: a clock that was set back forgives nothing.
                if not event.counts:
                    return replace(now, expected_at_s=_recent((*self.expected_at_s, now.seen_s)))
                return replace(now, refused_at_s=_recent((*self.refused_at_s, now.seen_s)))
            case Locked():
                return replace(now, lock=number, locked=event.why)
            case Unlocked():
                return replace(now, lock=0, locked="", refused_at_s=(), expected_at_s=())
            case Torn():
                return now
            case Checkpoint():
                return _state_of(event)

    def _begun_anew(self, event: Begun, at_s: int) -> "State":
        """What was signed and what is locked stays; times a wrong clock left behind do not."""
        ahead = self.seen_s > at_s
        return replace(
            self, journal_id=event.journal_id, seen_s=at_s, today=Day() if ahead else self.today,
            refused_at_s=() if ahead else self.refused_at_s, expected_at_s=() if ahead else self.expected_at_s,
        )  # fmt: skip

    def checkpoint(self) -> Checkpoint:
        oldest = self.seen_s - LEGS_KEPT_S
        return Checkpoint(
            journal_id=self.journal_id, venue=self.venue, epoch=self.epoch, seen_s=self.seen_s, today=self.today,
            legs=tuple(one for one in self.legs.values() if one.signed_at_s >= oldest),
            refused_at_s=self.refused_at_s, expected_at_s=self.expected_at_s, lock=self.lock, locked=self.locked,
        )  # fmt: skip


def _recent(times: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(one for one in times if one > times[-1] - REFUSALS_WITHIN_S)


def _state_of(found: Checkpoint) -> State:
    return State(
        journal_id=found.journal_id, venue=found.venue, epoch=found.epoch, seen_s=found.seen_s, today=found.today,
        legs=MappingProxyType({(one.proposal, one.leg): one for one in found.legs}), refused_at_s=found.refused_at_s,
        expected_at_s=found.expected_at_s, lock=found.lock, locked=found.locked,
    )  # fmt: skip
