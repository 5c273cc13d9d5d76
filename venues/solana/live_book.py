"""A book that is kept current: accounts by address with the slot each is of, decoded again only where they changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from solders.pubkey import Pubkey

from risk.margin.book import FleetBook, IntArray
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.addresses import perp_market_address, spot_market_address, state_address
from venues.solana.decode_book import build_book
from venues.solana.decode_markets import Terms, market_terms, priced
from venues.solana.decode_users import Users, gather, read_users
from venues.solana.feeds import Prices
from venues.solana.profiles import Profile
from venues.solana.splice import compact, spliced

_QUOTE_MARKET = frozenset({0})


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """The last book, and what it was made of."""

    users: Users
    terms: Terms
    prices: Prices
    book: FleetBook


@dataclass(frozen=True, slots=True)
class _Held:
    """An account as it was at a slot; None where there was none."""

    slot: int
    account: RawAccount | None


class LiveBook:
    """The accounts of a fleet and everything they depend on.

    Whatever arrives is kept by address with its slot, and no address ever goes back in time. A change that needs what
    is not here yet, an account that enters a market or a market that changes its feed, is held back until that has
    arrived as well; everything else goes on meanwhile.

    Attributes:
        slot: Highest slot seen.
    """

    def __init__(self, profile: Profile, keys: Sequence[Pubkey]) -> None:
        self._profile, self._keys = profile, list(keys)
        self._positions: dict[Pubkey, list[int]] = {}
        for at, key in enumerate(keys):
            self._positions.setdefault(key, []).append(at)
        self._held: dict[Pubkey, _Held] = {}
        self._accounts: dict[Pubkey, RawAccount] = {}  # those of them that exist
        self.slot = 0
        self._wanted_perps, self._wanted_spots = frozenset[int](), _QUOTE_MARKET
        self._late = set(range(len(self._keys)))  # users that changed and are not in the book yet
        self._users: Users | None = None
        self._terms_changed = True
        self._terms: Terms | None = None
        self._feeds = frozenset[Pubkey]()
        self._shown: _Shown | None = None

    def saw_slot(self, slot: int) -> None:
        self.slot = max(self.slot, slot)

    def take(self, key: Pubkey, account: RawAccount | None, slot: int, *, told: bool = True) -> bool:
        """Keep an account as it was at ``slot``; whether that is news.

        Args:
            told: By a notification, which replaces what is known of the same slot. The answer to a reading does not,
                for it may be the older of both.
        """
        held = self._held.get(key)
        if held is not None and (slot < held.slot or (slot == held.slot and not told)):
            return False
        self.saw_slot(slot)
        if held is not None and held.account == account:
            self._held[key] = _Held(slot, held.account)  # the same object, so nobody reads it again
            return False
        self._held[key] = _Held(slot, account)
        if account is None:
            self._accounts.pop(key, None)
        else:
            self._accounts[key] = account
        positions = self._positions.get(key)
        if positions is not None:
            self._late.update(positions)
        elif key not in self._feeds:
            self._terms_changed = True
        return True

    def take_all(self, fetched: Fetched, *, only_held: bool = False) -> list[Pubkey]:
        """Keep the answer to a reading; addresses of which it brought news.

        Its lowest slot stands for all of it: what a part of it knew better, a notification tells again.

        Args:
            only_held: Leave out what is not followed here.
        """
        asked = [key for key in fetched.asked if not only_held or key in self._held]
        return [key for key in asked if self.take(key, fetched.accounts.get(key), fetched.slot, told=False)]

    def digest(self) -> frozenset[Pubkey]:
        """Decode what has changed. Addresses without which some of it cannot be shown: ask for them, take the answer,
        and digest again.

        Raises: VenueRejected when the venue's State is none.
        """
        if not self._late and not self._terms_changed:
            return frozenset()
        first = {state_address(self._profile), *self._keys, *self._market_keys((), _QUOTE_MARKET)}
        if absent := first - self._held.keys():
            return frozenset(absent)
        part, positions = self._decode_late()
        missing = self._market_keys(self._wanted_perps, self._wanted_spots) - self._held.keys()
        if not missing:
            missing = self._renew_terms(self._wanted_perps, self._wanted_spots)
        elif self._terms is not None:
            self._renew_terms(*self._terms.asked)  # what is known already goes on
        if part is not None and self._terms is not None:
            self._let_in(part, positions, self._terms)
        return frozenset(missing)

    def book(self, observed_at: datetime) -> FleetBook:
        """The book as of now. What did not change since the one before is the very same arrays.

        Raises: VenueRejected when not one of the accounts can be read; RuntimeError where ``digest`` has always found
            something missing.
        """
        users, terms, shown = self._users, self._terms, self._shown
        if users is None or terms is None:
            raise RuntimeError("a book was asked for before everything it needs was there")
        if self._keys and len(users.refused) == len(self._keys):
            raise users.refused[0]
        prices = Prices.of(self._profile, terms.columns, self._fetched(), None if shown is None else shown.prices)
        markets = priced(terms, prices)
        same = shown is not None and shown.users is users and shown.terms is terms
        if shown is not None and same and shown.prices.unreadable == prices.unreadable:
            book = replace(
                shown.book, slot=markets.slot, observed_at=observed_at,
                perp_markets=markets.perps, spot_markets=markets.spots, oracles=markets.oracles,
            )  # fmt: skip
        else:
            book = build_book(self._profile, users, markets, observed_at=observed_at)
        self._shown = _Shown(users, terms, prices, book)
        return book

    def _fetched(self) -> Fetched:
        return Fetched(asked=frozenset(), accounts=self._accounts, slot=self.slot)

    def _market_keys(self, perps: Iterable[int], spots: Iterable[int]) -> set[Pubkey]:
        perp_keys = (perp_market_address(self._profile, index) for index in perps)
        return {*perp_keys, *(spot_market_address(self._profile, index) for index in spots)}

    def _decode_late(self) -> tuple[Users | None, IntArray]:
        positions = np.array(sorted(self._late), np.int64)
        if not positions.size:
            return None, positions
        part = self._decode(positions)
        self._wanted_perps |= part.perp_indexes
        self._wanted_spots |= part.spot_indexes
        return part, positions

    def _decode(self, positions: IntArray) -> Users:
        keys = [self._keys[at] for at in positions.tolist()]
        raw = gather(self._profile, keys, [self._accounts.get(key) for key in keys])
        return compact(read_users(self._profile, raw, with_orders=True))

    def _renew_terms(self, perps: frozenset[int], spots: frozenset[int]) -> set[Pubkey]:
        """Decode State and markets where they changed; what else they need that is not held, and then they stay."""
        if self._terms is not None and not self._terms_changed and self._terms.asked == (perps, spots):
            return set()
        terms = market_terms(self._profile, self._fetched(), perps, spots)
        if not terms.quote_indexes <= spots:
            # Markets that settle in a market no account touches need that one too.
            self._wanted_spots |= terms.quote_indexes
            if absent := self._market_keys((), terms.quote_indexes) - self._held.keys():
                return absent
            return self._renew_terms(perps, spots | terms.quote_indexes)
        feeds = terms.columns.keys
        if unread := feeds - self._held.keys():
            return set(unread)
        self._terms, self._feeds, self._terms_changed = terms, feeds, False
        return set()

    def _let_in(self, part: Users, positions: IntArray, terms: Terms) -> None:
        """Put changed users into the fleet, but for those that are in markets which are not here yet."""
        waiting = _outside(part, *terms.asked)
        self._late = {int(positions[at]) for at in waiting}
        if self._users is None:
            if waiting:
                self._late = set(range(len(self._keys)))
            else:
                self._users = part
            return
        if waiting:
            positions = np.delete(positions, sorted(waiting))
            if not positions.size:
                return
            part = self._decode(positions)
        merged = spliced(self._users, part, positions)
        if merged is None:
            # Laid out in another way than the rest, as while a program is upgraded: all are read again, together.
            merged = self._decode(np.arange(len(self._keys)))
            self._late = set()
        self._users = merged


def _outside(users: Users, perps: frozenset[int], spots: frozenset[int]) -> set[int]:
    """Positions of users with anything in other markets than these."""
    rows = [
        (users.perps["market_index"], users.perp_account, perps),
        (users.spots["market_index"], users.spot_account, spots),
    ]
    if users.orders is not None:
        in_perps = users.orders["market_type"] == 1
        in_spots = users.orders["market_type"] == 0
        rows.append((users.orders["market_index"][in_perps], users.order_account[in_perps], perps))
        rows.append((users.orders["market_index"][in_spots], users.order_account[in_spots], spots))
    found: set[int] = set()
    for market, account, known in rows:
        found.update(account[~np.isin(market, sorted(known))].tolist())
    return found
