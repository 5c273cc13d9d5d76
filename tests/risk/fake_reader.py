"""A venue that answers what a test put into it; implements risk.ports.AccountReader."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from risk.errors import ReadFailed, UnknownAccount
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.model.account import AccountSnapshot
from risk.ports import Clock
from tests.risk.builders import SLOT


class FakeReader:
    """Every answer carries the clock's present moment and ``slot``.

    Attributes:
        fails: What the next readings raise; None while the venue answers.
        gate: Where a reading waits until the test lets it pass.
        change: Applied to every book before it is handed out.
        reads: Accounts of every reading that was asked for.
    """

    def __init__(self, clock: Clock, *accounts: AccountSnapshot) -> None:
        self._clock = clock
        self._accounts = {account.account_id: account for account in accounts}
        self.slot = SLOT
        self.fails: ReadFailed | None = None
        self.gate: asyncio.Event | None = None
        self.change: Callable[[FleetBook], FleetBook] = lambda book: book
        self.reads: list[tuple[str, ...]] = []

    def put(self, account: AccountSnapshot) -> None:
        self._accounts[account.account_id] = account

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        self.reads.append(tuple(account_ids))
        if self.gate is not None:
            await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        book = self._book(account_ids)
        return book if with_orders else replace(book, orders=None)

    async def sweep(self, *, batch_accounts: int = 10_000) -> AsyncIterator[FleetBook]:
        known = list(self._accounts)
        for start in range(0, len(known), batch_accounts):
            yield replace(self._book(known[start : start + batch_accounts]), orders=None)

    async def resolve(self, reference: str) -> str:
        if reference not in self._accounts:
            raise UnknownAccount(f"there is no account {reference}")
        return reference

    async def sub_accounts(self, authority: str) -> list[str]:
        return [name for name, account in self._accounts.items() if account.authority == authority]

    async def close(self) -> None:
        return None

    def _book(self, account_ids: Sequence[str]) -> FleetBook:
        now = self._clock.now()
        read = [replace(self._accounts[name], slot=self.slot, observed_at=now) for name in account_ids]
        return self.change(book_of(read))
