"""Accounts followed over one websocket: subscribed, read once, and kept current by what the node tells."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Coroutine, Iterable, Sequence
from typing import Any

from solders.pubkey import Pubkey

from risk.margin.book import FleetBook
from risk.ports import Clock
from venues.errors import VenueUnavailable
from venues.solana.accounts import Fetched
from venues.solana.answers import Malformed
from venues.solana.client import ClientManager
from venues.solana.endpoint import printable_reason
from venues.solana.live_book import LiveBook
from venues.solana.notifications import AccountNotice, Confirmed, Denied, SlotNotice, read_message
from venues.solana.profiles import Profile
from venues.solana.settings import SolanaSettings
from venues.solana.subscriptions import Notice, Subject, Subscriptions, Topic
from venues.solana.websocket import Socket, opened

_AT_ONCE = 200  # requests on their way
_LARGEST_MESSAGE = 2**20
_ROUNDS = 6
_GATHER_S = 0.005  # notifications of one moment come in several packets
_LEAP = 150  # slots, a minute; a node that skips more has gone somewhere else
_READ_BEHIND = 4  # slots that what is read lies behind what is told, when all is well
_CATCH_UPS = 5
_CATCH_UP_S = 0.4
_UNHEARD_SLOTS = 32  # how long a change that a reading shows may take to be told


class Following:
    """One connection. Its books are those of LiveBook, whenever something changed.

    Args:
        known: What the accounts were known to need before, so that all can be asked for at once.
    """

    def __init__(
        self, *, profile: Profile, client: ClientManager, settings: SolanaSettings, clock: Clock,
        keys: Sequence[Pubkey], known: Iterable[Pubkey],
    ) -> None:  # fmt: skip
        self._client, self._settings, self._clock = client, settings, clock
        self._live = LiveBook(profile, keys)
        self._known = frozenset(known)
        self._wake, self._confirmed = asyncio.Event(), asyncio.Event()
        self._data_moved = self._slot_moved = False
        self._shown_s = 0.0
        self._heard_slot = 0
        self._level_s = 0.0  # when what is told was last as new as what is read
        self._owners: dict[str, bytes] = {}
        self._unheard: dict[Pubkey, int] = {}  # the slot since when a change that was read should have been told
        self._entering: asyncio.Task[None] | None = None

    def offer(self, fetched: Fetched) -> None:
        """What somebody read meanwhile. It may show what this connection was not told."""
        news = self._live.take_all(fetched, only_held=True)
        for key in news:
            self._unheard.setdefault(key, self._heard_slot)
        if news:
            self._moved()

    async def books(self, url: str) -> AsyncGenerator[FleetBook, None]:
        """The first as soon as everything was read. Raises: VenueUnavailable, VenueRejected."""
        async with opened(url, timeout_s=self._settings.timeout_s, max_bytes=_LARGEST_MESSAGE) as socket:
            subscriptions = Subscriptions(socket.host)
            ear = asyncio.create_task(self._listen(socket, subscriptions, url))
            try:
                await _unless(ear, self._begin(socket, subscriptions))
                while True:
                    self._data_moved = self._slot_moved = False
                    self._shown_s = _loop_s()
                    yield self._live.book(self._clock.now())
                    await self._news(ear)
                    await self._enter_new(socket, subscriptions)
            finally:
                await _ended(ear, self._entering)
                self._entering = None

    async def _begin(self, socket: Socket, subscriptions: Subscriptions) -> None:
        await self._subscribe(socket, subscriptions, [Topic.SLOT])
        for _ in range(_ROUNDS):
            missing = self._live.digest()
            if not missing:
                return
            await self._enter(socket, subscriptions, missing | self._known)
            self._known = frozenset()
        raise VenueUnavailable("the accounts enter new markets faster than these can be read; ask again")

    async def _enter(self, socket: Socket, subscriptions: Subscriptions, keys: Collection[Pubkey]) -> None:
        """Subscribe first and read then, so that nothing happens unseen between the two."""
        ordered = sorted(keys, key=bytes)
        await self._subscribe(socket, subscriptions, ordered)
        confirmed_at = self._heard_slot
        for attempt in range(_CATCH_UPS):
            if attempt:
                await asyncio.sleep(_CATCH_UP_S)
            fetched = await self._client.accounts(ordered)
            if self._heard_slot > fetched.slot + _LEAP:
                raise VenueUnavailable(
                    f"{socket.host} tells of slot {self._heard_slot}, but accounts were just read at {fetched.slot}"
                )
            self._live.take_all(fetched)
            if fetched.slot >= confirmed_at - _READ_BEHIND:
                break

    async def _subscribe(self, socket: Socket, subscriptions: Subscriptions, subjects: Sequence[Subject]) -> None:
        new, timeout_s = subscriptions.new(subjects), self._settings.timeout_s
        for first in range(0, len(new), _AT_ONCE):
            for subject in new[first : first + _AT_ONCE]:
                await socket.send(subscriptions.request(subject))
            try:
                async with asyncio.timeout(timeout_s):
                    while subscriptions.waiting:
                        self._confirmed.clear()
                        await self._confirmed.wait()
            except TimeoutError:
                raise VenueUnavailable(
                    f"{socket.host} left {subscriptions.waiting} subscriptions unconfirmed for {timeout_s:g} s"
                ) from None

    async def _enter_new(self, socket: Socket, subscriptions: Subscriptions) -> None:
        """Ask for what has come to be missing, beside everything else that happens."""
        if self._entering is not None and self._entering.done():
            task, self._entering = self._entering, None
            await task
        missing = self._live.digest()
        if missing and self._entering is None:
            self._entering = asyncio.create_task(self._enter(socket, subscriptions, missing))
            self._entering.add_done_callback(lambda _: self._moved())

    async def _news(self, ear: asyncio.Task[None]) -> None:
        """Until there is something to show, and not sooner than the pace allows."""
        settings = self._settings
        while True:
            pace_s = settings.stream_pace_s if self._data_moved else settings.slot_pace_s
            left_s = self._shown_s + pace_s - _loop_s()
            if self._data_moved or self._slot_moved:
                # The last that a connection told is shown while it is true, not at its pace when it is old.
                if left_s <= 0 or ear.done():
                    break
            elif ear.done():
                ear.result()
            self._wake.clear()
            try:
                async with asyncio.timeout(left_s if self._data_moved or self._slot_moved else None):
                    await self._wake.wait()
            except TimeoutError:
                continue
        if self._data_moved and not ear.done():
            await asyncio.sleep(_GATHER_S)

    def _moved(self) -> None:
        self._data_moved = True
        self._wake.set()

    async def _listen(self, socket: Socket, subscriptions: Subscriptions, url: str) -> None:
        """Take in everything as fast as it comes, whatever the others do meanwhile."""
        silence_s = self._settings.stream_silence_s
        self._level_s = _loop_s()
        try:
            async with asyncio.timeout(silence_s) as limit:
                while True:
                    said = read_message(await socket.receive(), self._owners)
                    if isinstance(said, Denied):
                        raise subscriptions.deny(said, printable_reason(said.reason, url))
                    notices = subscriptions.confirm(said) if isinstance(said, Confirmed) else [said]
                    if not subscriptions.waiting:
                        self._confirmed.set()
                    for notice in notices:
                        if self._hear(socket, subscriptions, notice):
                            limit.reschedule(_loop_s() + silence_s)
        except TimeoutError:
            raise VenueUnavailable(f"{socket.host} has told of no new slot for {silence_s:g} s") from None
        except Malformed as exc:
            raise VenueUnavailable(f"{socket.host} said something that is no notification: {exc}") from exc
        finally:
            self._wake.set()

    def _hear(self, socket: Socket, subscriptions: Subscriptions, notice: Notice) -> bool:
        """Whether the node has moved on."""
        before = max(self._heard_slot, self._live.slot)
        if before and notice.slot > before + _LEAP:
            raise VenueUnavailable(f"{socket.host} leaps to slot {notice.slot} from {before}; all is read again")
        if isinstance(notice, SlotNotice):
            return subscriptions.is_of_slots(notice) and self._hear_slot(socket, notice.slot)
        key = subscriptions.key_of(notice)
        if key is not None:
            self._hear_account(socket, key, notice)
        return False

    def _hear_slot(self, socket: Socket, slot: int) -> bool:
        if slot <= self._heard_slot:
            return False
        self._heard_slot = slot
        self._live.saw_slot(slot)
        self._check_level(socket)
        if not self._slot_moved:
            self._slot_moved = True
            self._wake.set()
        return True

    def _hear_account(self, socket: Socket, key: Pubkey, notice: AccountNotice) -> None:
        behind = self._heard_slot - notice.slot
        if behind > self._settings.slot_tolerance:
            raise VenueUnavailable(f"{socket.host} tells of an account {behind} slots late")
        self._unheard.pop(key, None)
        if self._live.take(key, notice.account, notice.slot):
            self._moved()

    def _check_level(self, socket: Socket) -> None:
        """Raises: VenueUnavailable where this node lies behind what others say, or keeps something back."""
        behind = self._client.newest_slot - self._heard_slot
        if behind <= self._settings.slot_tolerance:
            self._level_s = _loop_s()
        elif _loop_s() - self._level_s > self._settings.stream_silence_s:
            raise VenueUnavailable(f"{socket.host} tells of slots that lie {behind} behind what was already read")
        for key, since in self._unheard.items():
            if self._heard_slot > since + _UNHEARD_SLOTS:
                raise VenueUnavailable(f"{socket.host} kept back a change of the account {key}")


def _loop_s() -> float:
    return asyncio.get_running_loop().time()


async def _unless(ear: asyncio.Task[None], work: Coroutine[Any, Any, None]) -> None:
    """Do some work, unless the connection ends before it is done."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait((task, ear), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            ear.result()
        await task
    finally:
        await _ended(task)


async def _ended(*tasks: asyncio.Task[None] | None) -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
