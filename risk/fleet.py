"""The one reading and the one evaluation all desks look at."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from risk.decisions.freshness import Freshness, saw, why_stale
from risk.decisions.nearness import Nearness, nearness, trusted_prices_usd, unknown_nearness
from risk.decisions.tiers import TierReading
from risk.decisions.volatility import DailyMoves
from risk.errors import CannotAssess, ReadFailed, UnknownAccount
from risk.good_views import GoodViews
from risk.margin.book import BoolArray, FleetBook, FloatArray
from risk.margin.evaluate import Evaluation, evaluate
from risk.margin.health import worst_ratio_percent
from risk.margin.plan import MarginPlan
from risk.margin.select import row_of
from risk.model.market import OracleValidity
from risk.ports import AccountReader, Clock
from risk.single_flight import SingleFlight

SLOT_STALL = timedelta(seconds=10)
_PROBLEM = {
    OracleValidity.MISSING: "the oracle of {market} cannot be read",
    OracleValidity.NON_POSITIVE: "the oracle of {market} shows no positive price",
    OracleValidity.TOO_VOLATILE: "the oracle of {market} is too far from its average",
    OracleValidity.TOO_UNCERTAIN: "the oracle of {market} is too uncertain",
    OracleValidity.STALE: "the oracle of {market} has not been updated lately",
}


@dataclass(frozen=True, slots=True, eq=False)
class FleetView:
    """One book, evaluated once. Views of single accounts are cut from it on demand.

    Attributes:
        nearness: How near liquidation each account is in daily moves; NaN where nobody watched them.
        liquidating: Which accounts the venue itself says are in liquidation or bankrupt, in whatever scope.
        doubtful: Which accounts have problems of their own or depend on what cannot be trusted.
    """

    book: FleetBook
    evaluation: Evaluation
    worst_ratio_percent: FloatArray
    nearness: Nearness
    liquidating: BoolArray
    doubtful: BoolArray
    _plan: MarginPlan = field(repr=False)
    _position: Mapping[str, int] = field(repr=False)
    _single: dict[str, MarginPlan] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, book: FleetBook, moves: DailyMoves | None = None, before: "FleetView | None" = None) -> "FleetView":
        """A view of a book.

        Args:
            moves: Has seen its prices; None where nobody watches them.
            before: An earlier view; what is the same in both books is not computed again.
        """
        plan = MarginPlan.of(book, None if before is None else before._plan)
        evaluation = evaluate(plan)
        worst = worst_ratio_percent(evaluation)
        near = unknown_nearness(worst.size)
        if moves is not None:
            near = nearness(evaluation, moves.daily_frac(), moves.measured())
        doubtful = doubtful_accounts(book) | np.isnan(worst)
        if before is not None and before.book.accounts.ids == book.accounts.ids:
            position = before._position
        else:
            # A venue may encode an address each time it is looked at, so that is done once.
            position = {one: at for at, one in enumerate(book.accounts.ids)}
        return cls(book, evaluation, worst, near, liquidating_accounts(book), doubtful, plan, position)

    def __contains__(self, account_id: object) -> bool:
        return account_id in self._position

    @property
    def ids(self) -> Sequence[str]:
        """Its accounts, by position."""
        return self.book.accounts.ids

    def has_positions_of(self, other: "FleetView") -> bool:
        """Whether both views have the same accounts in the same order; surely so where it says so."""
        return self._position is other._position

    def position_of(self, account_id: str) -> int:
        """Row of an account in the book. Raises: UnknownAccount."""
        try:
            return self._position[account_id]
        except KeyError:
            raise UnknownAccount(f"account {account_id} was not part of this reading") from None

    def single(self, account_id: str) -> MarginPlan:
        """The plan of one account alone. Raises: UnknownAccount."""
        if account_id not in self._single:
            self._single[account_id] = MarginPlan.of(row_of(self.book, self.position_of(account_id)))
        return self._single[account_id]

    def problems(self, account_id: str) -> tuple[str, ...]:
        """Why the figures of an account must not be trusted, age aside: bad data, invalid oracles, missing prices."""
        if not self.doubtful[self.position_of(account_id)]:
            return ()
        return data_problems(self.single(account_id).book) or ("its margin cannot be computed from what was read",)


def data_problems(book: FleetBook) -> tuple[str, ...]:
    """Problems of the one account of a book: what the venue adapter found, and every invalid oracle it depends on."""
    found = list(book.accounts.problems.get(0, ()))
    perps, spots = np.unique(book.perps.market), np.unique(book.spots.market)
    quotes = np.unique(book.perp_markets.quote[perps])
    names: dict[str, OracleValidity] = {}
    for row in perps:
        names[book.perp_markets.names[row]] = OracleValidity(int(book.perp_markets.validity[row]))
    for row in np.union1d(spots, quotes[quotes >= 0]):
        names[book.spot_markets.names[row]] = OracleValidity(int(book.spot_markets.validity[row]))
    found += [_PROBLEM[validity].format(market=name) for name, validity in names.items() if validity in _PROBLEM]
    return tuple(found)


def liquidating_accounts(book: FleetBook) -> BoolArray:
    """Which accounts of a book carry the venue's own flag, themselves or on an isolated position."""
    flagged = book.accounts.being_liquidated | book.accounts.bankrupt
    own = book.perps.account[book.perps.being_liquidated]
    if own.size:
        flagged[own] = True
    return flagged


def doubtful_accounts(book: FleetBook) -> BoolArray:
    """Which accounts of a book depend on an invalid oracle or have problems of their own."""
    valid = OracleValidity.VALID.value
    perps, spots = book.perp_markets.validity != valid, book.spot_markets.validity != valid
    quotes = book.perp_markets.quote
    by_quote = (quotes >= 0) & spots[quotes] if spots.size else np.zeros(quotes.size, np.bool_)
    doubtful = np.zeros(book.n_accounts, np.bool_)
    doubtful[book.perps.account[(perps | by_quote)[book.perps.market]]] = True
    doubtful[book.spots.account[spots[book.spots.market]]] = True
    doubtful[list(book.accounts.problems)] = True
    return doubtful


class Fleet:
    """Reads a set of accounts and keeps the latest good view. Single flight: concurrent callers share one reading.

    Args:
        max_age: A view younger than this serves without asking the venue.
        stall: How long a slot may stand still before nothing can be said.
        silence: How long no reading may arrive; None for as long as ``stall``.

    Attributes:
        moves: How much prices move in a day, as far as was seen; set it to what an earlier process had seen.
    """

    def __init__(
        self,
        reader: AccountReader,
        account_ids: Sequence[str],
        clock: Clock,
        *,
        max_age: timedelta = timedelta(seconds=5),
        stall: timedelta = SLOT_STALL,
        silence: timedelta | None = None,
    ) -> None:
        self._reader, self._clock = reader, clock
        self.account_ids = tuple(account_ids)
        self._max_age, self._stall, self._silence = max_age, stall, silence
        self._latest: FleetView | None = None
        self._freshness = Freshness()
        self.moves = DailyMoves()
        self._good: GoodViews[FleetView] = GoodViews()
        self._flight = SingleFlight(self._read)
        self._followers: list[Callable[[], None]] = []

    @property
    def latest(self) -> FleetView | None:
        """The last good view, however old; None before the first reading."""
        return self._latest

    async def current(self) -> FleetView:
        """A view no older than ``max_age``, or the last good one when the venue does not answer now.

        Raises: ReadFailed when there has never been a view. How old a view is stands in it; whether it is too old, in
            problems().
        """
        if self._young(self._latest):
            return self._known()
        if self._latest is not None and self._flight.busy:
            # A check is reading: whoever asks is told what is known, not made to wait for a venue that may hang.
            return self._latest
        try:
            return await self.refresh()
        except ReadFailed:
            if self._latest is None:
                raise
            return self._latest

    async def refresh(self, *, if_older: bool = False) -> FleetView:
        """Read now, or share the reading that is under way. The last good view stays when this fails or when the venue
        answers with an older slot.

        Args:
            if_older: Than ``max_age``, else the latest view will do.

        Raises: ReadFailed, to everybody who shares the reading.
        """
        if if_older and self._young(self._latest):
            return self._known()
        return await self._flight.join()

    def accept(self, book: FleetBook) -> FleetView:
        """Take a book that the venue sent by itself.

        It counts as a reading does: one of an older slot than was seen says that the venue speaks, and changes nothing
        else; so whichever of stream and polling knows the later slot is what everybody sees. One of other accounts than
        were read last, or are watched now, is left alone.

        Returns: The latest view.
        """
        of_before = self._latest is not None and self._latest.book.accounts.ids == book.accounts.ids
        if not of_before and tuple(book.accounts.ids) != self.account_ids:
            return self._latest or FleetView.of(book)
        return self._take(book, self._clock.now())

    def watch(self, account_ids: Sequence[str]) -> None:
        """Replace the set of accounts; the next reading has them. What is known of those that stay is still known."""
        self.account_ids = tuple(account_ids)
        for follower in self._followers:
            follower()

    def when_watched(self, follower: Callable[[], None]) -> None:
        """Call this whenever the set of accounts is replaced."""
        self._followers.append(follower)

    def why_stale(self) -> str:
        """One sentence when the venue's data is too old to say anything, else empty."""
        return why_stale(self._freshness, self._clock.now(), self._stall, self._silence)

    def problems(self, account_id: str) -> tuple[str, ...]:
        """Every reason why an account cannot be assessed now; empty when it can."""
        stale = self.why_stale()
        view = self._latest
        if view is None or account_id not in view:
            return (stale or "this account has not been read yet",)
        return ((stale,) if stale else ()) + view.problems(account_id)

    def reading(self, account_id: str) -> TierReading:
        """What the tiers look at, from the latest view."""
        problems = self.problems(account_id)
        if problems or self._latest is None:
            return TierReading(unknown_because=problems or ("no reading yet",))
        at = self._latest.position_of(account_id)
        return TierReading(
            ratio_percent=float(self._latest.worst_ratio_percent[at]),
            distance_sigmas=_or_none(float(self._latest.nearness.sigmas[at])),
            liquidating=bool(self._latest.liquidating[at]),
        )

    def last_good(self, account_id: str) -> FleetView | None:
        """The newest view whose figures of an account could be trusted when it was read, however old; None where this
        process has seen none, or has forgotten it."""
        view = self._latest
        if view is not None and account_id in view and not view.doubtful[view.position_of(account_id)]:
            return view
        return self._good.of(account_id)

    def require_assessable(self, account_id: str) -> None:
        """Raises: CannotAssess, with every reason."""
        if problems := self.problems(account_id):
            raise CannotAssess(problems)

    def age_s(self) -> float | None:
        """Seconds since what the latest view shows was new: a slot that stands still ages; None before the first."""
        if self._latest is None:
            return None
        new_at = min(self._latest.book.observed_at, self._freshness.moved_at or self._latest.book.observed_at)
        return (self._clock.now() - new_at).total_seconds()

    def observed_at(self) -> datetime | None:
        return None if self._latest is None else self._latest.book.observed_at

    async def _read(self) -> FleetView:
        """One reading of what is watched when it ends."""
        while True:
            asked_for, asked_at = self.account_ids, self._clock.now()
            book = await self._reader.read(asked_for)
            if asked_for == self.account_ids:
                break
        stood = self._freshness.slot is not None and book.slot <= self._freshness.slot
        view = self._take(book, asked_at)
        if stood and self._clock.now() - asked_at > self._stall / 2:
            # An answer that hung may have been made long ago: whether the venue stands still, only another can tell.
            asked_at = self._clock.now()
            view = self._take(await self._reader.read(self.account_ids), asked_at)
        return view

    def _take(self, book: FleetBook, asked_at: datetime) -> FleetView:
        behind = self._freshness.slot is not None and book.slot < self._freshness.slot
        self._freshness = saw(self._freshness, book.slot, self._clock.now(), asked_at)
        # What is older is better than nothing for accounts that are new.
        if not behind or self._latest is None or not self._covered_by(self._latest):
            before, self._latest = self._latest, self._view_of(book)
            self._good.follow(before, self._latest)
        return self._latest

    def _view_of(self, book: FleetBook) -> FleetView:
        """A view of a book that is new, whose prices are remembered."""
        self.moves = self.moves.after(book.oracles.ids, trusted_prices_usd(book), book.observed_at.timestamp())
        return FleetView.of(book, self.moves, self._latest)

    def _young(self, view: FleetView | None) -> bool:
        if view is None or self._clock.now() - view.book.observed_at > self._max_age:
            return False
        return self._covered_by(view)

    def _covered_by(self, view: FleetView) -> bool:
        return all(account_id in view for account_id in self.account_ids)

    def _known(self) -> FleetView:
        if self._latest is None:
            raise CannotAssess(["no reading yet"])
        return self._latest


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
