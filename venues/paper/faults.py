"""Faults on demand: what a venue does on a bad day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from risk.model.account import AccountSnapshot
from risk.ports import Clock
from venues.errors import VenueUnavailable
from venues.paper.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Every account, by id, at the moment the slot froze."""

    slot: int
    accounts: Mapping[str, AccountSnapshot]


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

    async def endure(self) -> None:
        """What a request goes through before it is answered. Raises: VenueUnavailable while down."""
        if self._delay_s:
            await self._clock.sleep(self._delay_s)
        if self._is_down:
            raise VenueUnavailable("the paper venue does not answer; try again later")
