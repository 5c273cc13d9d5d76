"""Oracle columns of a book, one for each feed and way to read it, and what they quote at one slot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from solders.pubkey import Pubkey

from risk.margin.book import IntArray, OracleTable
from risk.model.market import OracleValidity
from venues.errors import BadAccountData
from venues.solana import oracles
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.oracles import GuardRails, Quote
from venues.solana.profiles import OracleKind, OracleSource, Profile

# A confirmed reading cannot hold a later price; a few slots may lie between the halves of a large one.
_FUTURE_SLOTS = 150
_QUOTE_ASSET = b""


@dataclass(frozen=True, slots=True)
class Column:
    """A feed and a way to read it. ``key`` is None for the quote asset, which no account prices."""

    key: Pubkey | None
    source: OracleSource
    group: int

    @property
    def name(self) -> str:
        return "quote asset" if self.key is None else str(self.key)


class Columns:
    """Columns in the order markets ask for them. Columns of one group are one feed."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._known: dict[tuple[bytes, int], int] = {}
        self._groups: dict[bytes, int] = {}
        self._head: tuple[tuple[str, ...], IntArray] = ((), np.zeros(0, np.int64))
        self.all: list[Column] = []

    def of(self, key: bytes, code: int) -> int:
        """Column of a feed under the oracle source a market stores."""
        source = self._profile.oracle_sources[code]
        if source.kind is OracleKind.QUOTE_ASSET:
            key = _QUOTE_ASSET
        known = self._known.get((key, code))
        if known is not None:
            return known
        column = self._known[key, code] = len(self.all)
        group = self._groups.setdefault(key, len(self._groups))
        self.all.append(Column(None if key == _QUOTE_ASSET else Pubkey(key), source, group))
        return column

    @property
    def keys(self) -> frozenset[Pubkey]:
        """Accounts of all feeds asked for."""
        return frozenset(column.key for column in self.all if column.key is not None)

    def head(self) -> tuple[tuple[str, ...], IntArray]:
        """(name, group) of every column: the same objects as long as no column is added."""
        if len(self._head[0]) != len(self.all):
            groups = np.array([column.group for column in self.all], np.int64)
            self._head = tuple(column.name for column in self.all), groups
        return self._head


@dataclass(frozen=True, slots=True)
class _Read:
    """What one account says under one source, whatever the slot."""

    account: RawAccount | None
    quote: Quote | None
    problem: str = ""


class Prices:
    """Quotes of all columns at one slot.

    Attributes:
        unreadable: Why a column has no price.
    """

    def __init__(self, columns: Columns, read: Sequence[_Read], slot: int) -> None:
        self._columns, self._read, self.slot = columns, read, slot
        self._quotes: list[Quote | None] = []
        self.unreadable: dict[int, str] = {}
        for number, (column, one) in enumerate(zip(columns.all, read, strict=True)):
            problem, quote = one.problem, one.quote
            if quote is not None and quote.slot is not None and quote.slot > slot + _FUTURE_SLOTS:
                problem = (
                    f"the {column.source.name} oracle {column.name} states slot {quote.slot}, but it is only {slot}"
                )
            if problem:
                self.unreadable[number] = problem
            self._quotes.append(None if problem else quote)

    @classmethod
    def of(cls, profile: Profile, columns: Columns, fetched: Fetched, before: "Prices | None" = None) -> "Prices":
        """Read every feed; one whose account is the same object as in ``before`` is not read again.

        Args:
            before: Earlier prices of the very same columns.
        """
        if before is None or before._columns is not columns:
            return cls(columns, [_read(profile, column, fetched) for column in columns.all], fetched.slot)
        read = [
            old if column.key is None or fetched.accounts.get(column.key) is old.account
            else _read(profile, column, fetched)
            for column, old in zip(columns.all, before._read, strict=True)
        ]  # fmt: skip
        return cls(columns, read, fetched.slot)

    def _behind(self, quote: Quote | None) -> int:
        return 0 if quote is None or quote.slot is None else max(0, self.slot - quote.slot)

    def validity(self, column: int, twap_1e6: int, confidence_factor: int, rails: GuardRails) -> OracleValidity:
        """Whether a market may use this column for margin."""
        quote = self._quotes[column]
        if quote is None:
            return OracleValidity.MISSING
        return oracles.validity(
            quote,
            self._columns.all[column].source,
            twap_1e6=twap_1e6,
            confidence_factor=confidence_factor,
            rails=rails,
            slots_behind=self._behind(quote),
        )

    def table(self) -> OracleTable:
        nan, quotes = float("nan"), self._quotes
        ids, groups = self._columns.head()
        return OracleTable(
            ids=ids,
            feeds=groups,
            price_1e6=np.array([nan if quote is None else float(quote.price_1e6) for quote in quotes]),
            confidence_1e6=np.array([nan if quote is None else float(quote.confidence_1e6) for quote in quotes]),
            slots_behind=np.array([self._behind(quote) for quote in quotes], np.int64),
        )


def _read(profile: Profile, column: Column, fetched: Fetched) -> _Read:
    if column.key is None:
        return _Read(None, oracles.QUOTE_ASSET)
    account = fetched.accounts.get(column.key)
    try:
        return _Read(account, oracles.read_quote(profile, column.source, column.name, account))
    except BadAccountData as problem:
        return _Read(account, None, str(problem))
