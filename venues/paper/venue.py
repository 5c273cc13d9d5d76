"""The paper exchange behind the ports of a venue, driven by a clock."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from risk.margin.book import FleetBook, FloatArray
from risk.margin.build import book_of
from risk.model.account import AccountSnapshot, Side
from risk.model.performance import Fill
from risk.ports import Clock
from venues.errors import VenueRejected, VenueUnavailable
from venues.paper.exchange import PaperExchange
from venues.paper.faults import Faults
from venues.paper.past import PaperPast
from venues.paper.units import BASE, PRICE, QUOTE
from venues.paper.world import slots_elapsed

_SILENCE_S = 5.0  # as long as a stream may tell of no new slot


class PaperVenue:
    """An AccountReader, AccountStream and FillRecords over a PaperExchange. Looking at a time advances the exchange to
    it; nothing runs in between.

    Account ids are ``AUTHORITY-SUB``. Second 0 of the exchange is the moment of construction, less the seconds it has
    been advanced already.

    Args:
        past: What was before; None for a market without a past.

    Attributes:
        faults: What goes wrong on demand.
    """

    name = "paper venue"

    def __init__(self, exchange: PaperExchange, *, clock: Clock, past: PaperPast | None = None) -> None:
        self._exchange, self._clock, self.past = exchange, clock, past
        self._started_s = clock.monotonic_s() - exchange.now_s
        self._started_at = clock.now() - timedelta(seconds=exchange.now_s)
        exchange.world.started_unix_s = self._started_at.timestamp()
        self.faults = Faults(clock=clock, world=exchange.world, catch_up=self._catch_up)
        self._is_closed = False

    @property
    def exchange_id(self) -> str:
        """Names the exchange behind it: one that is made again, as when the program starts, is another."""
        return f"{self._started_at.isoformat()}/{self._exchange.world.first_slot}"

    async def reach(self) -> PaperExchange:
        """The exchange as it is now, to move money or trade, through the same faults as a reading.

        Reach for it before each act: an exchange at hand stands still.
        """
        await self._arrive()
        return self._exchange

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        """The given accounts at one slot. One that does not exist has ``problems`` in the book.

        Raises: VenueUnavailable; VenueRejected when none of the accounts exists.
        """
        slot = await self._arrive()
        known = self._known()
        unknown = [account_id for account_id in account_ids if account_id not in known]
        if len(unknown) == len(account_ids):
            raise VenueRejected(_no_account(unknown[0], known) if unknown else "no account was asked for; name one")
        return self._book(account_ids, slot, with_orders=with_orders)

    async def read_with(self, account_id: str, markets: Sequence[str]) -> FleetBook:
        """See risk.trade_ports.MarketBooks."""
        slot = await self._arrive()
        if account_id not in self._known():
            raise VenueRejected(_no_account(account_id, self._known()))
        world = self._exchange.world
        return book_of([world.with_markets(self._snapshot(account_id, slot), markets, slot)])

    async def perp_markets(self) -> tuple[str, ...]:
        """Names of all perp markets, by index."""
        return tuple(listing.terms.name for listing in self._exchange.world.universe.perps)

    async def stream(self, account_ids: Sequence[str]) -> AsyncGenerator[FleetBook, None]:
        """Books of the given accounts, whenever the exchange has moved on; it moves with every whole second.

        Raises: as read; VenueUnavailable also where the slot stands still.
        """
        book = await self.read(account_ids)
        while True:
            yield book
            moved_s = self._clock.monotonic_s()
            while True:
                await self._clock.sleep(self._until_next_second_s())
                slot, book = book.slot, await self.read(account_ids)
                if book.slot > slot:
                    break
                if self._clock.monotonic_s() - moved_s >= _SILENCE_S:
                    raise VenueUnavailable(f"the paper venue has told of no new slot for {_SILENCE_S:g} s")

    def _until_next_second_s(self) -> float:
        elapsed_s = self._clock.monotonic_s() - self._started_s
        return max(1e-3, math.floor(elapsed_s + 1e-6) + 1 - elapsed_s)

    async def sweep(self, *, batch_accounts: int = 10_000) -> AsyncIterator[FleetBook]:
        """Every account, in books of at most ``batch_accounts``, without orders; all at one slot."""
        slot = await self._arrive()
        known = list(self._known())
        # All books first: a slow consumer must not see the world move between two of them.
        books = [
            self._book(known[first : first + batch_accounts], slot, with_orders=False)
            for first in range(0, len(known), batch_accounts)
        ]
        for book in books:
            yield book

    async def resolve(self, reference: str) -> str:
        """The id for an id or ``AUTHORITY:SUB``. Raises: VenueRejected when there is no such account."""
        await self._arrive()
        account_id = account_of(reference)
        if account_id not in self._known():
            raise VenueRejected(_no_account(account_id, self._known()))
        return account_id

    def require_address(self, text: str) -> None:
        """See risk.ports.AddressGrammar: here only accounts and their owners are somebody."""
        accounts = self._exchange.world.accounts
        if text not in accounts and text not in {account.authority for account in accounts.values()}:
            raise VenueRejected(f"{text!r} is nobody's address here; write the id of an account, or of an owner")

    async def sub_accounts(self, authority: str) -> list[str]:
        """Ids of all accounts of an owner, by sub-account number; empty for a stranger."""
        await self._arrive()
        known = self._known()
        owned = [account for account in self._exchange.world.accounts.values() if account.authority == authority]
        return [a.account_id for a in sorted(owned, key=lambda a: a.sub_account) if a.account_id in known]

    async def fees_paid_usd(self, book: FleetBook) -> FloatArray:
        """See risk.ports.FeeStatements; the ledger knows them to the last cent."""
        await self._arrive()
        accounts = self._exchange.world.accounts
        paid = [accounts[one].fees_1e6 / QUOTE if one in accounts else math.nan for one in book.accounts.ids]
        return np.array(paid, dtype=np.float64)

    async def fills_since(self, account_id: str, since: datetime) -> tuple[Fill, ...]:
        """See risk.ports.FillRecords; every one since the market began."""
        await self._arrive()
        perps = self._exchange.world.universe.perp_at
        found = [
            Fill(
                at=self._started_at + timedelta(seconds=one.at_s), market=perps[one.market_index].terms.name,
                side=Side.BUY if one.base_1e9 > 0 else Side.SELL, size_base=abs(one.base_1e9) / BASE,
                price_usd=one.price_1e6 / PRICE, fee_usd=one.fee_1e6 / QUOTE,
                order_id="" if one.order_id is None else str(one.order_id),
                reference=f"{self._started_at.isoformat()}/{number}",
            )
            for number, one in enumerate(self._exchange.fills)
            if one.account_id == account_id
        ]  # fmt: skip
        return tuple(fill for fill in found if fill.at >= since)

    async def close(self) -> None:
        """Ends the connection; closing twice is fine."""
        self._is_closed = True

    async def _arrive(self) -> int:
        """A request reaches the exchange; returns the slot."""
        if self._is_closed:
            raise VenueRejected("the connection to the paper venue was closed; connect again")
        await self.faults.endure()
        return self._catch_up()

    def _catch_up(self) -> int:
        elapsed_s = self._clock.monotonic_s() - self._started_s
        # A clock that counts in floats reaches a second a hair early.
        self._exchange.advance(int(elapsed_s + 1e-6))
        return self._exchange.world.first_slot + slots_elapsed(elapsed_s)

    def _known(self) -> Collection[str]:
        frozen = self.faults.frozen
        return self._exchange.world.accounts.keys() if frozen is None else frozen.accounts.keys()

    def _book(self, account_ids: Sequence[str], slot: int, *, with_orders: bool) -> FleetBook:
        slot = slot if self.faults.frozen is None else self.faults.frozen.slot
        book = book_of([self._snapshot(account_id, slot) for account_id in account_ids])
        known = self._known()
        problems = {
            at: (_no_account(account_id, known),)
            for at, account_id in enumerate(account_ids)
            if account_id not in known
        }
        accounts = replace(book.accounts, problems=problems)
        return replace(book, accounts=accounts, orders=book.orders if with_orders else None)

    def _snapshot(self, account_id: str, slot: int) -> AccountSnapshot:
        now, world = self._clock.now(), self._exchange.world
        if account_id not in self._known():
            return AccountSnapshot(account_id=account_id, slot=slot, observed_at=now)
        if self.faults.frozen is not None:
            return replace(self.faults.frozen.accounts[account_id], observed_at=now)
        return world.snapshot(world.accounts[account_id], slot=slot, observed_at=now)


def account_of(reference: str) -> str:
    """The id of what may be one of these accounts. Raises: VenueRejected for what can be none."""
    authority, colon, number = reference.partition(":")
    if colon and not (authority and number.isascii() and number.isdigit()):
        raise VenueRejected(f"{reference!r} is no account; write an id, or AUTHORITY:SUB with a number, as demo:0")
    return f"{authority}-{int(number)}" if colon else reference


def _no_account(account_id: str, known: Collection[str]) -> str:
    return f"there is no account {account_id} here; accounts: {', '.join(sorted(known)) or 'none yet'}"
