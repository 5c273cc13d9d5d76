"""What one message of the stream costs, with a thousand accounts watched: bytes to a book, to a view, to tiers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from solders.pubkey import Pubkey

from benchmarks.figures import Figure, timed
from benchmarks.runner import Effort, Job, time_in_turn
from benchmarks.sample import Sample, thousand
from risk.decisions.nearness import trusted_prices_usd
from risk.decisions.screening import Readings, Standing, may_change
from risk.decisions.tiers import Tier, TierState, TierThresholds
from risk.decisions.volatility import DailyMoves
from risk.fleet import FleetView
from tests.support.addresses import key_bytes
from tests.support.drift_oracles import repriced
from tests.support.world_builder import WorldBuilder
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.addresses import perp_market_address
from venues.solana.live_book import LiveBook

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TARGET_S = 5e-3  # of the 150 ms from a price to a message


class Following:
    """A LiveBook, the view of its last book, and what happens to both."""

    def __init__(self, sample: Sample) -> None:
        self._accounts = {
            Pubkey.from_string(key): RawAccount(key_bytes(account.owner), account.data)
            for key, account in sample.world.accounts.items()
        }
        self._sample, self._slot = sample, sample.world.slot
        self._live = LiveBook(sample.profile, sample.keys)
        while missing := self._live.digest():
            found = {key: self._accounts[key] for key in missing if key in self._accounts}
            self._live.take_all(Fetched(asked=missing, accounts=found, slot=self._slot))
        self._moves = DailyMoves()
        self.view = FleetView.of(self._live.book(_NOW))
        self._turns = 0

    def price_moves(self) -> None:
        key = Pubkey.from_string(WorldBuilder().oracle_address("SOL"))
        price = Decimal(150 + self._turns % 7)
        data = repriced(
            self._accounts[key].data, price=price, confidence=None, slot=self._slot, publish_time_s=self._turns
        )
        self._tell(key, data)

    def user_changes(self) -> None:
        key = self._sample.keys[self._turns % len(self._sample.keys)]
        data = bytearray(self._accounts[key].data)
        data[104] ^= 1  # in the scaled balance of its first deposit
        self._tell(key, bytes(data))

    def market_changes(self) -> None:
        key = perp_market_address(self._sample.profile, 0)
        data = bytearray(self._accounts[key].data)
        data[-1] ^= 1
        self._tell(key, bytes(data))

    def slot_moves(self) -> None:
        self._slot += 1
        self._turns += 1
        self._live.saw_slot(self._slot)
        self._show()

    def _tell(self, key: Pubkey, data: bytes) -> None:
        self._slot += 1
        self._turns += 1
        self._accounts[key] = replace(self._accounts[key], data=data)
        self._live.take(key, self._accounts[key], self._slot)
        self._show()

    def _show(self) -> None:
        assert not self._live.digest(), "everything is here"
        book = self._live.book(_NOW)
        self._moves = self._moves.after(book.oracles.ids, trusted_prices_usd(book), float(self._turns))
        self.view = FleetView.of(book, self._moves, self.view)


def figures(effort: Effort) -> Iterator[Figure]:
    """Each from the bytes of a notification to the ratios and daily moves of all accounts."""
    following = Following(thousand())
    cases: dict[str, Callable[[], object]] = {
        "a price moves: 1,000 accounts evaluated": following.price_moves,
        "one account changes: the same": following.user_changes,
        "a market changes: the same": following.market_changes,
        "only the slot moves: the same": following.slot_moves,
        "who of 1,000 accounts may change its tier": _screen(following),
    }
    timings = time_in_turn([Job(call=call) for call in cases.values()], effort.quick_rounds)
    for number, (name, timing) in enumerate(zip(cases, timings, strict=True)):
        # Prices move in every slot; the others are here to be seen.
        yield timed(name, timing, target_s=_TARGET_S if not number else None)


def _screen(following: Following) -> Callable[[], object]:
    count = following.view.book.n_accounts
    standing = Standing.of([TierState(tier=Tier.OK, known=Tier.OK)] * count)
    thresholds = TierThresholds()

    def screen() -> object:
        view = following.view
        readings = Readings(view.worst_ratio_percent, view.nearness.sigmas, view.liquidating, view.doubtful)
        return may_change(standing, readings, thresholds)

    return screen
