"""The one reading and the one evaluation all desks look at."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from risk.decisions.freshness import Freshness, saw, why_stale
from risk.decisions.tiers import TierReading
from risk.errors import CannotAssess, ReadFailed, UnknownAccount
from risk.margin.book import FleetBook, FloatArray
from risk.margin.evaluate import Evaluation, evaluate
from risk.margin.health import worst_ratio_percent
from risk.margin.plan import MarginPlan
from risk.margin.select import row_of, rows_of
from risk.model.market import OracleValidity
from risk.ports import AccountReader, Clock

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
    """One book, evaluated once. Views of single accounts are cut from it on demand."""

    book: FleetBook
    evaluation: Evaluation
    worst_ratio_percent: FloatArray
    _position: Mapping[str, int] = field(repr=False)
    _doubtful: frozenset[int] = field(repr=False)
    _single: dict[str, MarginPlan] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, book: FleetBook) -> "FleetView":
        evaluation = evaluate(book)
        worst = worst_ratio_percent(evaluation)
        doubtful = frozenset(doubtful_accounts(book)) | frozenset(np.flatnonzero(np.isnan(worst)).tolist())
        # A venue may encode an address each time it is looked at, so that is done once.
        return cls(book, evaluation, worst, {one: at for at, one in enumerate(book.accounts.ids)}, doubtful)

    def __contains__(self, account_id: object) -> bool:
        return account_id in self._position

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
        if self.position_of(account_id) not in self._doubtful:
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


def doubtful_accounts(book: FleetBook) -> set[int]:
    """Positions of the accounts of a book that depend on an invalid oracle or have problems of their own."""
    valid = OracleValidity.VALID.value
    perps, spots = book.perp_markets.validity != valid, book.spot_markets.validity != valid
    quotes = book.perp_markets.quote
    by_quote = (quotes >= 0) & spots[quotes] if spots.size else np.zeros(quotes.size, np.bool_)
    touched = np.concatenate(
        [book.perps.account[(perps | by_quote)[book.perps.market]], book.spots.account[spots[book.spots.market]]]
    )
    return set(touched.tolist()) | set(book.accounts.problems)


class Fleet:
    """Reads a set of accounts and keeps the latest good view. Single flight: concurrent callers share one reading.

    Args:
        max_age: A view younger than this serves without asking the venue.
        stall: How long a slot may stand still before nothing can be said.
        silence: How long no reading may arrive; None for as long as ``stall``.
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
        self._turn = asyncio.Lock()

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
        if self._latest is not None and self._turn.locked():
            # A check is reading: whoever asks is told what is known, not made to wait for a venue that may hang.
            return self._latest
        try:
            return await self.refresh(if_older=True)
        except ReadFailed:
            if self._latest is None:
                raise
            return self._latest

    async def refresh(self, *, if_older: bool = False) -> FleetView:
        """Read now. The last good view stays when this fails or when the venue answers with an older slot.

        Raises: ReadFailed.
        """
        async with self._turn:
            if if_older and self._young(self._latest):
                return self._known()
            book = await self._reader.read(self.account_ids)
            behind = self._freshness.slot is not None and book.slot < self._freshness.slot
            self._freshness = saw(self._freshness, book.slot, self._clock.now())
            if not behind or self._latest is None:
                self._latest = FleetView.of(book)
            return self._latest

    def watch(self, account_ids: Sequence[str]) -> None:
        """Replace the set of accounts; the next reading has them."""
        self.account_ids = tuple(account_ids)
        self._latest = None

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
        at, book = self._latest.position_of(account_id), self._latest.book
        flagged = book.accounts.being_liquidated[at] or book.accounts.bankrupt[at]
        flagged = flagged or bool(book.perps.being_liquidated[rows_of(book.perps, at)].any())
        return TierReading(
            ratio_percent=float(self._latest.worst_ratio_percent[at]),
            liquidating=bool(flagged),
        )

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

    def _young(self, view: FleetView | None) -> bool:
        return view is not None and self._clock.now() - view.book.observed_at <= self._max_age

    def _known(self) -> FleetView:
        if self._latest is None:
            raise CannotAssess(["no reading yet"])
        return self._latest
