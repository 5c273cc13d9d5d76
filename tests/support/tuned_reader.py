"""A venue whose accounts stand wherever a test puts them; implements risk.ports.AccountReader."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.model.account import AccountSnapshot
from risk.ports import Clock
from tests.risk.builders import make_account, make_position
from venues.errors import VenueRejected

FIRST_SLOT = 400_000_000


def at_ratio(percent: float) -> AccountSnapshot:
    """An account at this health ratio: long 10 SOL at 100 USD, whose maintenance requirement is 50 USD."""
    return make_account(make_position(10.0, entry_usd=100.0), usdc=percent / 2)


class TunedReader:
    """One slot every 400 ms of the clock.

    Attributes:
        accounts: What is read, by account id.
        problems: Why an account cannot be assessed, by account id.
        notices: What the venue says of itself.
        error: What every request ends with; None while the venue answers.
        frozen: Whether the slot stands still.
        reads: Requests for accounts so far.
    """

    def __init__(self, clock: Clock, *account_ids: str) -> None:
        self._clock = clock
        self.accounts: dict[str, AccountSnapshot] = {account_id: at_ratio(400) for account_id in account_ids or ("a1",)}
        self.problems: dict[str, tuple[str, ...]] = {}
        self.notices: tuple[str, ...] = ()
        self.error: Exception | None = None
        self.reads = 0
        self.closed = False
        self._frozen_at: int | None = None

    @property
    def slot(self) -> int:
        return FIRST_SLOT + int(self._clock.monotonic_s() * 2.5) if self._frozen_at is None else self._frozen_at

    def freeze(self, *, frozen: bool = True) -> None:
        """The slot stands still, or moves again."""
        self._frozen_at = self.slot if frozen else None

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        self.reads += 1
        self._answer()
        return self._book(account_ids)

    async def sweep(self, *, batch_accounts: int = 10_000) -> AsyncIterator[FleetBook]:
        self._answer()
        ids = list(self.accounts)
        for first in range(0, len(ids), batch_accounts):
            yield self._book(ids[first : first + batch_accounts])

    async def resolve(self, reference: str) -> str:
        self._answer()
        authority, colon, number = reference.partition(":")
        for account_id, account in self.accounts.items():
            if account_id == reference or (
                colon and account.authority == authority and number == str(account.sub_account)
            ):
                return account_id
        raise VenueRejected(f"there is no account {reference}; check it")

    async def sub_accounts(self, authority: str) -> list[str]:
        self._answer()
        return [account_id for account_id, account in self.accounts.items() if account.authority == authority]

    async def close(self) -> None:
        self.closed = True

    def _answer(self) -> None:
        if self.error is not None:
            raise self.error

    def _book(self, account_ids: Sequence[str]) -> FleetBook:
        now, slot = self._clock.now(), self.slot
        snapshots = [
            replace(self.accounts[account_id], account_id=account_id, slot=slot, observed_at=now)
            for account_id in account_ids
        ]
        book = book_of(snapshots, notices=self.notices)
        problems = {at: self.problems[one] for at, one in enumerate(account_ids) if one in self.problems}
        return replace(book, accounts=replace(book.accounts, problems=problems))
