"""A ledger in memory that tests change account by account, and that a LiveBook is fed from without a network."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import numpy as np
from solders.pubkey import Pubkey

from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from tests.support.addresses import key_bytes
from tests.support.drift_oracles import repriced
from tests.support.world import World
from tests.venues.solana.reading import DRIFT, NOON, fetched_of, markets_of
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.decode_book import build_book
from venues.solana.decode_users import gather, read_users
from venues.solana.live_book import LiveBook


class Ledger:
    """Accounts and a slot; ``told`` hands one change to a LiveBook as a notification would."""

    def __init__(self, world: World, users: Iterable[str]) -> None:
        fetched = fetched_of(world)
        self.accounts, self.slot = dict(fetched.accounts), fetched.slot
        self.users = [Pubkey.from_string(user) for user in users]

    def live(self) -> LiveBook:
        """A LiveBook of all users that has read everything it needs."""
        live = LiveBook(DRIFT, self.users)
        self.answer(live)
        return live

    def answer(self, live: LiveBook) -> None:
        """Read what a LiveBook misses until it misses nothing."""
        for _ in range(6):
            missing = live.digest()
            if not missing:
                return
            live.take_all(self.read(missing))
        raise AssertionError("it asks and asks")

    def read(self, keys: Iterable[Pubkey]) -> Fetched:
        asked = frozenset(keys)
        found = {key: self.accounts[key] for key in asked if key in self.accounts}
        return Fetched(asked=asked, accounts=found, slot=self.slot)

    def put(self, key: Pubkey, data: bytes, *, owner: str | None = None) -> None:
        known = self.accounts.get(key)
        self.accounts[key] = RawAccount(key_bytes(owner) if owner else known.owner if known else b"", data)

    def tell(self, live: LiveBook, key: Pubkey, *, slots: int = 1) -> bool:
        self.slot += slots
        return live.take(key, self.accounts.get(key), self.slot)

    def reprice(self, feed: str, factor: float) -> Pubkey:
        """Another price in a feed, posted in the next slot."""
        key = Pubkey.from_string(feed)
        old = self.accounts[key]
        price = Decimal(f"{factor:.6f}")
        data = repriced(old.data, price=price, confidence=None, slot=self.slot + 1, publish_time_s=1)
        self.accounts[key] = replace(old, data=data)
        return key

    def whole(self) -> FleetBook:
        """The book of everything as it is now, decoded at once from its bytes."""
        fetched = Fetched(asked=frozenset(self.accounts), accounts=self.accounts, slot=self.slot)
        raw = gather(DRIFT, self.users, [self.accounts.get(key) for key in self.users])
        users = read_users(DRIFT, raw, with_orders=True)
        return build_book(DRIFT, users, markets_of(fetched, users), observed_at=NOON)


def assert_same(ours: FleetBook, theirs: FleetBook) -> None:
    """Both say the same of every account; one may know more markets than its accounts are in."""
    assert ours.slot == theirs.slot
    assert list(ours.accounts.ids) == list(theirs.accounts.ids)
    assert dict(ours.accounts.problems) == dict(theirs.accounts.problems)
    for name in ("authorities", "names", "delegates"):
        assert list(getattr(ours.accounts, name)) == list(getattr(theirs.accounts, name))
    for name in ("sub_account", "margin_mode", "max_ratio_1e4", "net_deposits_1e6", "being_liquidated", "pool_id"):
        np.testing.assert_array_equal(getattr(ours.accounts, name), getattr(theirs.accounts, name))
    assert _rows(ours) == _rows(theirs)
    for family in ("perp_markets", "spot_markets"):
        mine, other = getattr(ours, family), getattr(theirs, family)
        states = dict(zip(mine.names, mine.validity.tolist(), strict=True))
        expected = dict(zip(other.names, other.validity.tolist(), strict=True))
        assert {name: states[name] for name in expected} == expected
    here, there = evaluate(ours), evaluate(theirs)
    for kind in ("maintenance", "detail"):
        mine, other = getattr(here, kind), getattr(there, kind)
        for name in ("collateral_usd", "requirement_usd") if kind == "maintenance" else ("equity_usd", "perp_pnl_usd"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(other, name))


def _rows(book: FleetBook) -> list[tuple[object, ...]]:
    perps, spots, orders = book.perps, book.spots, book.orders
    assert orders is not None
    names, tokens = book.perp_markets.names, book.spot_markets.names
    return [
        *(
            ("perp", a, names[m], base, funding)
            for a, m, base, funding in zip(
                perps.account.tolist(), perps.market.tolist(), perps.base_1e9.tolist(), perps.funding_1e6.tolist(),
                strict=True,
            )
        ),
        *(
            ("spot", a, tokens[m], raw)
            for a, m, raw in zip(spots.account.tolist(), spots.market.tolist(), spots.tokens_raw.tolist(), strict=True)
        ),
        *(
            ("order", a, (names if perp else tokens)[m], number)
            for a, m, perp, number in zip(
                orders.account.tolist(), orders.market.tolist(), orders.is_perp.tolist(), orders.order_id.tolist(),
                strict=True,
            )
        ),
    ]  # fmt: skip
