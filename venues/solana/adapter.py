"""DriftAdapter: accounts of one venue profile as FleetBooks; implements the reader and the stream of risk.ports."""

from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from solders.pubkey import Pubkey

from risk.margin.book import FleetBook, FloatArray
from risk.ports import Clock, EventPage
from venues.errors import VenueError
from venues.solana import profiles
from venues.solana.accounts import Fetched
from venues.solana.addresses import parse_key
from venues.solana.client import ClientManager
from venues.solana.decode_book import build_book
from venues.solana.decode_users import Users, gather, read_users
from venues.solana.directory import Directory
from venues.solana.fees import fees_paid_usd
from venues.solana.following import Following
from venues.solana.history import History
from venues.solana.market_books import MarketBooks
from venues.solana.profiles import Profile
from venues.solana.reading import Reader, Touched
from venues.solana.settings import SolanaSettings
from venues.solana.turns import Turns

_REMEMBERED_GROUPS = 1_024
_SWEEP_ADDRESS_CHECKS = 64


def connect(settings: SolanaSettings, *, clock: Clock) -> "DriftAdapter":
    """A reader for the profile the settings name. Nothing is asked before the first read."""
    profile = profiles.load(settings.profile)
    return DriftAdapter(profile, ClientManager(settings, clock=clock), settings, clock=clock)


class DriftAdapter:
    """Drift, or a venue laid out like it: one getMultipleAccounts per check, and a websocket to follow accounts."""

    def __init__(self, profile: Profile, client: ClientManager, settings: SolanaSettings, *, clock: Clock) -> None:
        self.profile, self._client, self._settings, self._clock = profile, client, settings, clock
        self._reader, self._directory = Reader(profile, client), Directory(profile, client)
        # A reader of its own: it remembers what it decoded last, and the two read different markets.
        self.books = MarketBooks(profile, client, Reader(profile, client), clock=clock)
        self._history = History(profile, client, clock, slot_tolerance=settings.slot_tolerance)
        self._extra: OrderedDict[tuple[str, ...], frozenset[Pubkey]] = OrderedDict()
        self._turns = Turns(len(settings.websocket_urls))
        self._followings: set[Following] = set()

    @property
    def host(self) -> str:
        """Host of the RPC endpoint in use, for people."""
        return self._client.host

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        """The given accounts at one slot. One that cannot be read or assessed has ``problems`` in the book.

        Raises: VenueUnavailable; VenueRejected, mostly BadAccountData, when not one of the accounts can be read.
        """
        group, keys = tuple(account_ids), [parse_key(account_id) for account_id in account_ids]

        def decode(fetched: Fetched) -> Users:
            # A stream of the same accounts must not show less than a reading has found, be it damage.
            for following in self._followings:
                following.offer(fetched)
            raw = gather(self.profile, keys, [fetched.accounts.get(key) for key in keys])
            users = read_users(self.profile, raw, with_orders=with_orders)
            if keys and len(users.refused) == len(keys):
                raise users.refused[0]
            return users

        reading = await self._reader.read(keys, self._extra.get(group, ()), decode)
        self._remember(group, reading.extra)
        book = build_book(self.profile, reading.users, reading.markets, observed_at=self._clock.now())
        if reading.fetched.slot_spread > self._settings.slot_spread:
            note = f"the parts of this reading lie {reading.fetched.slot_spread} slots apart"
            book = replace(book, notices=(*book.notices, note))
        return book

    async def read_with(self, account_id: str, markets: Sequence[str]) -> FleetBook:
        """See risk.trade_ports.MarketBooks."""
        return await self.books.read_with(account_id, markets)

    async def perp_markets(self) -> tuple[str, ...]:
        """See risk.trade_ports.MarketBooks."""
        return await self.books.perp_markets()

    async def fees_paid_usd(self, book: FleetBook) -> FloatArray:
        """See risk.ports.FeeStatements."""
        return await fees_paid_usd(self.profile, self._client, book)

    async def stream(self, account_ids: Sequence[str]) -> AsyncGenerator[FleetBook, None]:
        """Books of the given accounts as they change, over one websocket; see risk.ports.AccountStream.

        A book's slot is the newest the node works on, a little ahead of what a reading shows. After a failure the next
        call connects to the next endpoint.
        """
        group = tuple(account_ids)
        now_s = self._clock.monotonic_s
        index = self._turns.take(now_s())
        following = Following(
            profile=self.profile, client=self._client, settings=self._settings, clock=self._clock,
            keys=[parse_key(account_id) for account_id in group], known=self._extra.get(group, ()),
        )  # fmt: skip
        self._followings.add(following)
        try:
            await self._client.vouch(index)
            async with aclosing(following.books(self._settings.websocket_urls[index])) as books:
                async for book in books:
                    self._turns.works(index)
                    yield book
        except VenueError as problem:
            told = self._turns.failed(index, problem, now_s())
            if told is problem:
                raise
            raise told from problem
        finally:
            self._followings.discard(following)

    def _remember(self, group: tuple[str, ...], extra: frozenset[Pubkey]) -> None:
        self._extra[group] = extra
        self._extra.move_to_end(group)
        if len(self._extra) > _REMEMBERED_GROUPS:
            self._extra.popitem(last=False)

    async def sweep(self, *, batch_accounts: int = 10_000) -> AsyncIterator[FleetBook]:
        """Every account of the venue, in books of at most ``batch_accounts``, without orders.

        All prices are of one reading, made after the accounts were listed; ``slot`` is the older of both. Of the
        addresses only a sample is derived again.
        """
        listed = await self._client.program_accounts(Pubkey.from_string(self.profile.program_id), self.profile.user)
        batches: deque[Users] = deque()
        while listed.addresses:
            addresses, accounts = listed.addresses[:batch_accounts], listed.accounts[:batch_accounts]
            # From here only the joined bytes are needed; a venue's accounts are too many to hold twice.
            del listed.addresses[:batch_accounts], listed.accounts[:batch_accounts]
            raw = gather(self.profile, addresses, accounts)
            batches.append(read_users(self.profile, raw, with_orders=False, address_checks=_SWEEP_ADDRESS_CHECKS))
        touched = Touched(
            perp_indexes=frozenset(index for users in batches for index in users.perp_indexes),
            spot_indexes=frozenset(index for users in batches for index in users.spot_indexes),
        )
        reading = await self._reader.read([], [], lambda _: touched)
        lag = reading.fetched.slot - listed.slot
        while batches:
            book = build_book(self.profile, batches.popleft(), reading.markets, observed_at=self._clock.now())
            notices = book.notices
            if abs(lag) > self._settings.slot_tolerance:
                notices = (*notices, f"the accounts were listed {lag} slots before they were priced")
            yield replace(book, slot=min(book.slot, listed.slot), notices=notices)

    async def resolve(self, reference: str) -> str:
        """See Directory.resolve."""
        return await self._directory.resolve(reference)

    def require_address(self, text: str) -> None:
        """See risk.ports.AddressGrammar."""
        parse_key(text)

    async def sub_accounts(self, authority: str) -> list[str]:
        """Ids of all accounts of a wallet, by sub-account number; empty when it has none."""
        return [str(address) for _, address in await self._directory.sub_accounts(parse_key(authority))]

    async def events_since(self, account_id: str, cursor: str, *, up_to_slot: int | None = None) -> EventPage:
        """What the program recorded of an account; see risk.ports.EventHistory."""
        return await self._history.events_since(account_id, cursor, up_to_slot=up_to_slot)

    async def close(self) -> None:
        await self._client.close()
