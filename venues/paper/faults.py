"""Faults on demand: what a venue does on a bad day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from risk.model.account import AccountSnapshot
from risk.model.market import MarketStatus
from risk.ports import Clock
from venues.errors import VenueUnavailable
from venues.paper.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Every account, by id, at the moment the slot froze."""

    slot: int
    accounts: Mapping[str, AccountSnapshot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What happens to one batch of orders that is handed over.

    Attributes:
        rejected: Why nobody takes it; empty for taken.
        dropped: It is taken and never arrives.
        failure: Why it lands without effect; empty for none.
        answer_lost: Whoever hands it over is told nothing.
        delay_s: Until it arrives.
    """

    rejected: str
    dropped: bool
    failure: str
    answer_lost: bool
    delay_s: int


class Faults:
    """Switches of one paper venue. Each stays on until ``clear``.

    Args:
        catch_up: Brings the world to the present, so that a fault never reaches into the past; returns the slot.

    Attributes:
        frozen: What readings show while the slot is frozen; None while it moves.
    """

    def __init__(self, *, clock: Clock, world: World, catch_up: Callable[[], int]) -> None:
        self._clock, self._world, self._catch_up = clock, world, catch_up
        self._is_down = False
        self._delay_s = 0.0
        self.frozen: Frozen | None = None
        self._order_delay_s = 0
        self._rejected, self._failed = _Counted(), _Counted()
        self._dropped, self._unanswered = _Counted(), _Counted()

    def down(self) -> None:
        """Every request fails with VenueUnavailable. The markets go on."""
        self._is_down = True

    def slow(self, seconds: float) -> None:
        """Every request takes this long, on the clock."""
        self._delay_s = seconds

    def stale_oracle(self, market: str) -> None:
        """The oracle of a market stops and grows old, for everything priced by it. Raises: VenueRejected."""
        oracle_id = self._world.universe.oracle_of(market)
        self._catch_up()
        self._world.board.halt(oracle_id, self._world.now_s)

    def frozen_slot(self) -> None:
        """Readings show this moment for ever, as from a node that fell behind. The markets go on."""
        slot = self._catch_up()
        if self.frozen is None:
            accounts = self._world.accounts.items()
            shown = {account_id: self._world.snapshot(account, slot=slot) for account_id, account in accounts}
            self.frozen = Frozen(slot=slot, accounts=shown)

    def clear(self) -> None:
        """All is well again."""
        self._catch_up()
        self._is_down, self._delay_s, self.frozen = False, 0.0, None
        self._world.board.resume_all()
        self._world.conditions.clear()
        self._order_delay_s = 0
        for counted in (self._rejected, self._failed, self._dropped, self._unanswered):
            counted.left = 0

    def late_orders(self, seconds: int) -> None:
        """Batches reach the exchange this much after they were sent. Prices and accounts go on meanwhile."""
        self._order_delay_s = seconds

    def reject_orders(
        self, count: int = 1, *, reason: str = "the paper venue takes no orders now; send them again later"
    ) -> None:
        """Sending fails with VenueRejected for the next batches, and they do not land by it."""
        self._rejected.start(count, reason)

    def fail_orders(self, count: int = 1, *, reason: str = "the exchange refused the batch") -> None:
        """The next batches land and fail: nothing of them happens."""
        self._failed.start(count, reason)

    def drop_orders(self, count: int = 1) -> None:
        """The next batches are taken and never arrive: sent again, they may."""
        self._dropped.start(count)

    def lose_answers(self, count: int = 1) -> None:
        """Sending fails with OutcomeUnknown for the next batches, whatever becomes of them."""
        self._unanswered.start(count)

    def next_sending(self) -> Sending:
        """What happens to the batch that is handed over now; uses up what was counted for the next ones."""
        return Sending(
            rejected=self._rejected.reason if self._rejected.use() else "",
            dropped=self._dropped.use(),
            failure=self._failed.reason if self._failed.use() else "",
            answer_lost=self._unanswered.use(),
            delay_s=self._order_delay_s,
        )

    def thin_books(self, offered_frac: float) -> None:
        """Every market offers only this fraction of what it usually does."""
        self._catch_up()
        self._world.conditions.offered_frac = offered_frac

    def empty_book(self, market: str) -> None:
        """A market offers nothing at all. Raises: VenueRejected."""
        self._catch_up()
        self._world.conditions.bookless.add(self._world.universe.perp(market).terms.market_index)

    def pause_market(self, market: str) -> None:
        """A market fills nothing and takes only cancellations. Raises: VenueRejected."""
        self._set_status(market, MarketStatus.FILL_PAUSED)

    def pause_exchange(self) -> None:
        """Likewise every market."""
        for listing in self._world.universe.perps:
            self._set_status(listing.terms.name, MarketStatus.FILL_PAUSED)

    def restrict_to_reducing(self, market: str) -> None:
        """A market takes only orders that reduce a position. Raises: VenueRejected."""
        self._set_status(market, MarketStatus.REDUCE_ONLY)

    def delist_market(self, market: str) -> None:
        """A market trades no more. Raises: VenueRejected."""
        self._set_status(market, MarketStatus.DELISTED)

    def late_keepers(self, seconds: int) -> None:
        """Keepers come this much after a trigger's price was crossed, from now on."""
        self._catch_up()
        self._world.conditions.keeper_delay_s = seconds

    def no_keepers(self) -> None:
        """Nobody triggers orders, or executes those that have triggered."""
        self._catch_up()
        self._world.conditions.keepers_work = False

    def _set_status(self, market: str, status: MarketStatus) -> None:
        listing = self._world.universe.perp(market)
        self._catch_up()
        self._world.conditions.statuses[listing.terms.market_index] = status

    async def endure(self) -> None:
        """What a request goes through before it is answered. Raises: VenueUnavailable while down."""
        if self._delay_s:
            await self._clock.sleep(self._delay_s)
        if self._is_down:
            raise VenueUnavailable("the paper venue does not answer; try again later")


@dataclass(slots=True)
class _Counted:
    """A fault that happens a number of times."""

    left: int = 0
    reason: str = ""

    def start(self, count: int, reason: str = "") -> None:
        self.left, self.reason = count, reason

    def use(self) -> bool:
        """Whether it happens now."""
        if not self.left:
            return False
        self.left -= 1
        return True
