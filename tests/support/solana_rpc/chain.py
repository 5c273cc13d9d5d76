"""The ledger of the fake node: accounts, the slot, and feeds that are posted again while it ticks."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from tests.support.drift_oracles import posted_slot, repriced, restamped
from tests.support.solana_rpc.clock import Timepiece
from tests.support.solana_rpc.faults import SYSTEM_PROGRAM
from tests.support.world import ChainAccount, World, rent_exempt_lamports

SLOT_S = 0.4
BLOCK_HEIGHT_LAG = 21_800_000  # slots without a block, about as many as mainnet had


class ChainListener(Protocol):
    """Told of changes, with the chain's lock held."""

    def account_changed(self, key: str) -> None: ...

    def slot_changed(self) -> None: ...


class _Deaf:
    def account_changed(self, key: str) -> None:
        del key

    def slot_changed(self) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """``behind``: how many slots old a feed stays while the chain ticks; none when it is never posted again."""

    account: ChainAccount
    behind: int | None


class Chain:
    """Accounts at a slot.

    Frozen (0 slots a second) nothing moves by itself. While it ticks the slot follows the clock, and every feed reads
    as if posted again and again: as many slots old as it was when recorded or written, its publish time as old as
    that. Freezing keeps the last stamps, so a slot set later makes every feed stale.
    """

    def __init__(self, world: World, *, clock: Timepiece, slots_per_s: float = 0.0) -> None:
        self.world = world
        self.lock = threading.RLock()
        self.listener: ChainListener = _Deaf()
        self._clock = clock
        self._rate = 0.0
        self._slot = world.slot
        self._since_s = clock.monotonic_s()
        self._slot_time_s = clock.now().timestamp()
        self._stored: dict[str, _Stored] = {}
        self.reset(slots_per_s)

    def reset(self, slots_per_s: float = 0.0) -> None:
        """Back to the world it was made from."""
        with self.lock:
            self._rate, self._slot = 0.0, self.world.slot
            self._stored = {key: self._store(account) for key, account in self.world.accounts.items()}
            self.set_tick(slots_per_s)

    @property
    def slots_per_s(self) -> float:
        return self._rate

    @property
    def slot(self) -> int:
        with self.lock:
            self._follow_clock()
            return self._slot

    @property
    def block_height(self) -> int:
        return max(0, self.slot - BLOCK_HEIGHT_LAG)

    @property
    def now_s(self) -> float:
        return self._clock.now().timestamp()

    @property
    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()

    def slot_time_s(self, slot: int) -> float:
        """When a slot was, in unix seconds: 0.4 s each, back from the time of the newest."""
        with self.lock:
            return self._slot_time_s - (self.slot - slot) * SLOT_S

    def set_tick(self, slots_per_s: float) -> None:
        """From now on so many slots a second; 0 freezes the chain as it is."""
        if not 0 <= slots_per_s <= 10**6:
            raise ValueError("a tick rate is 0, or up to a million slots per second")
        with self.lock:
            self._follow_clock()
            if not slots_per_s:
                self._stored = {key: replace(s, account=self._current(s)) for key, s in self._stored.items()}
            self._rate, self._since_s = float(slots_per_s), self._clock.monotonic_s()

    def set_slot(self, slot: int) -> None:
        with self.lock:
            self._slot, self._slot_time_s = slot, self.now_s
            self._since_s = self._clock.monotonic_s()
            self.listener.slot_changed()

    def advance(self, slots: int) -> None:
        with self.lock:
            self.set_slot(self.slot + slots)

    def account(self, key: str) -> ChainAccount | None:
        """As it reads now; none when there is none."""
        with self.lock:
            self._follow_clock()
            stored = self._stored.get(key)
            return None if stored is None else self._current(stored)

    def accounts_of(self, program: str) -> Iterator[tuple[str, ChainAccount]]:
        """Every account a program owns, in the order they were added."""
        with self.lock:
            self._follow_clock()
            for key, stored in list(self._stored.items()):
                if stored.account.owner == program:
                    yield key, self._current(stored)

    def put_account(
        self, key: str, *, data: bytes | None = None, owner: str | None = None, lamports: int | None = None
    ) -> None:
        """A new account, or other data, owner or lamports for one that exists."""
        with self.lock:
            self._follow_clock()
            old = self.account(key) or ChainAccount(owner=SYSTEM_PROGRAM, data=b"")
            stored = data if data is not None else old.data
            rent = old.lamports or rent_exempt_lamports(len(stored))
            account = ChainAccount(
                owner=owner or old.owner, data=stored, lamports=rent if lamports is None else lamports
            )
            self._stored[key] = self._store(account)
            self.listener.account_changed(key)

    def remove_account(self, key: str) -> None:
        with self.lock:
            self._stored.pop(key, None)
            self.listener.account_changed(key)

    def set_oracle(
        self,
        key: str,
        price: Decimal | str,
        *,
        confidence: Decimal | str | None = None,
        slot: int | None = None,
        hold: bool = False,
    ) -> None:
        """Another price in a feed, posted now or in ``slot``; with ``hold`` never posted again, so it grows stale.

        Raises: KeyError without such an account; ValueError when it is no feed.
        """
        with self.lock:
            self._follow_clock()
            raw = repriced(
                self._current(self._stored[key]).data,
                price=Decimal(price),
                confidence=None if confidence is None else Decimal(confidence),
                slot=self._slot if slot is None else slot,
                publish_time_s=int(self.now_s),
            )
            self.put_account(key, data=raw)
            if hold:
                self._stored[key] = replace(self._stored[key], behind=None)

    def is_live_feed(self, key: str) -> bool:
        """Whether an account is posted again with every slot just now."""
        stored = self._stored.get(key)
        return bool(self._rate) and stored is not None and stored.behind is not None

    def _store(self, account: ChainAccount) -> _Stored:
        posted = posted_slot(account.data)
        return _Stored(account=account, behind=None if posted is None else self._slot - posted)

    def _current(self, stored: _Stored) -> ChainAccount:
        if not self._rate or stored.behind is None:
            return stored.account
        publish_time_s = self.now_s - stored.behind * SLOT_S
        data = restamped(stored.account.data, slot=self._slot - stored.behind, publish_time_s=publish_time_s)
        return replace(stored.account, data=data)

    def _follow_clock(self) -> None:
        ticks = int((self._clock.monotonic_s() - self._since_s) * self._rate)
        if ticks:
            self._slot += ticks
            self._since_s += ticks / self._rate
            self._slot_time_s = self.now_s
