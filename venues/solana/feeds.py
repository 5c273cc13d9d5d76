"""Oracle columns of a book, made as markets ask for them: one for each feed and way to read it."""

import numpy as np
from solders.pubkey import Pubkey

from risk.margin.book import OracleTable
from risk.model.market import OracleValidity
from venues.errors import BadAccountData
from venues.solana import oracles
from venues.solana.accounts import Fetched
from venues.solana.oracles import GuardRails, Quote
from venues.solana.profiles import OracleKind, Profile

# A confirmed reading cannot hold a later price; a few slots may lie between the halves of a large one.
_FUTURE_SLOTS = 150
_QUOTE_ASSET = b""


class Feeds:
    """Prices of one reading.

    Attributes:
        keys: Accounts of all feeds asked for.
        unreadable: Why a column has no price.
    """

    def __init__(self, profile: Profile, fetched: Fetched) -> None:
        self._profile, self._fetched = profile, fetched
        self._columns: dict[tuple[bytes, int], int] = {}
        self._groups: dict[bytes, int] = {}
        self._feeds: list[int] = []
        self._ids: list[str] = []
        self._quotes: list[Quote | None] = []
        self.keys: set[Pubkey] = set()
        self.unreadable: dict[int, str] = {}

    def column(self, key: bytes, code: int) -> int:
        """Column of a feed under the oracle source a market stores."""
        if self._profile.oracle_sources[code].kind is OracleKind.QUOTE_ASSET:
            key = _QUOTE_ASSET
        known = self._columns.get((key, code))
        if known is not None:
            return known
        column = self._columns[key, code] = len(self._ids)
        self._feeds.append(self._groups.setdefault(key, len(self._groups)))
        quote = None
        try:
            if key == _QUOTE_ASSET:
                self._ids.append("quote asset")
                quote = oracles.QUOTE_ASSET
            else:
                quote = self._read(Pubkey(key), code)
        except BadAccountData as problem:
            self.unreadable[column] = str(problem)
        self._quotes.append(quote)
        return column

    def _read(self, address: Pubkey, code: int) -> Quote:
        self._ids.append(str(address))
        self.keys.add(address)
        source, account = self._profile.oracle_sources[code], self._fetched.accounts.get(address)
        quote = oracles.read_quote(self._profile, source, str(address), account)
        if quote.slot is not None and quote.slot > self._fetched.slot + _FUTURE_SLOTS:
            raise BadAccountData(
                f"the {source.name} oracle {address} states slot {quote.slot}, but it is only {self._fetched.slot}"
            )
        return quote

    def _behind(self, quote: Quote | None) -> int:
        return 0 if quote is None or quote.slot is None else max(0, self._fetched.slot - quote.slot)

    def validity(
        self, column: int, code: int, twap_1e6: int, confidence_factor: int, rails: GuardRails
    ) -> OracleValidity:
        """Whether a market may use this column for margin."""
        quote = self._quotes[column]
        if quote is None:
            return OracleValidity.MISSING
        return oracles.validity(
            quote,
            self._profile.oracle_sources[code],
            twap_1e6=twap_1e6,
            confidence_factor=confidence_factor,
            rails=rails,
            slots_behind=self._behind(quote),
        )

    def table(self) -> OracleTable:
        nan, quotes = float("nan"), self._quotes
        return OracleTable(
            ids=tuple(self._ids),
            feeds=np.array(self._feeds, np.int64),
            price_1e6=np.array([nan if quote is None else float(quote.price_1e6) for quote in quotes]),
            confidence_1e6=np.array([nan if quote is None else float(quote.confidence_1e6) for quote in quotes]),
            slots_behind=np.array([self._behind(quote) for quote in quotes], np.int64),
        )
