"""What the desks need from the world. Protocols exist where two real implementations exist."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from risk.margin.book import FleetBook, FloatArray
from risk.model.candles import Candles, Interval
from risk.model.changes import RiskSnapshot
from risk.model.events import AccountEvent
from risk.model.funding import FundingHistory
from risk.model.limits import LimitFigures, RiskLimits
from risk.model.performance import EquityCurve, Fill
from risk.model.portfolio import BookStatistics
from risk.stats.history import BookHistory

if TYPE_CHECKING:
    from risk.fleet import FleetView
    from risk.liquidation_probability import LiquidationProbability
    from risk.model.metrics import RiskMetrics  # scipy's distributions take half a second to import


class Clock(Protocol):
    """Time, injected. ``now`` is for records and people, ``monotonic_s`` for waits and intervals."""

    def now(self) -> datetime: ...

    def monotonic_s(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class AccountReader(Protocol):
    """A venue one can read accounts from.

    Raises, from every method: venues.errors.VenueUnavailable when asking again may help,
    venues.errors.VenueRejected when it will not.
    """

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        """The given accounts, in the given order, with the markets and oracles they touch, at one slot."""
        ...

    def sweep(self, *, batch_accounts: int = 10_000) -> AsyncIterator[FleetBook]:
        """Every account of the venue, in books of at most ``batch_accounts``, without orders."""
        ...

    async def resolve(self, reference: str) -> str:
        """The account id a person means by ``ADDRESS`` or ``AUTHORITY:SUB``.

        A venue that does not answer need not be an error here: where the id follows from the reference alone, it is
        that one, unchecked.
        """
        ...

    async def sub_accounts(self, authority: str) -> list[str]:
        """Ids of all accounts an owner has, by sub-account number."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class AddressGrammar(Protocol):
    """A venue that knows what an address can look like. A reader may be one as well."""

    def require_address(self, text: str) -> None:
        """Refuse what can be nobody's address. Raises: venues.errors.VenueRejected, saying what one looks like."""
        ...


@runtime_checkable
class AccountStream(Protocol):
    """A venue that tells of changes by itself. A reader may be one as well; where it is none, polling is all."""

    def stream(self, account_ids: Sequence[str]) -> AsyncGenerator[FleetBook, None]:
        """Books of the given accounts, in the given order: the first at once, then one whenever anything they depend
        on has changed, be it the slot alone. Changes that arrive together are one book. A book's slot is never below
        that of the one before. Close it (``aclosing``) when enough was heard.

        Raises: VenueUnavailable when the connection is lost or falls silent; begin again. VenueRejected when there is
            nothing to connect to.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Some of what a venue's own program recorded of an account, oldest first.

    Attributes:
        cursor: Where to go on; as opaque as the one before.
        complete: Whether this is all there is by now; else ask again with ``cursor``.
    """

    events: tuple[AccountEvent, ...]
    cursor: str
    complete: bool


@runtime_checkable
class EventHistory(Protocol):
    """A venue that keeps a record of what happened to an account. A reader may be one as well."""

    async def events_since(self, account_id: str, cursor: str, *, up_to_slot: int | None = None) -> EventPage:
        """What happened behind a cursor, each event exactly once. One call does a bounded amount of work.

        Args:
            cursor: Of an earlier page; empty for "from now on", which tells nothing and gives a cursor.
            up_to_slot: What happened later is left for another call.

        Raises: VenueUnavailable, also where a part was read: nothing is lost, ask again. VenueRejected where the venue
            keeps no such record.
        """
        ...


@runtime_checkable
class FeeStatements(Protocol):
    """A venue that says what trading has cost. A reader may be one as well; where it is none, nobody knows."""

    async def fees_paid_usd(self, book: FleetBook) -> FloatArray:
        """Fees paid less rebates received over the life of every account of a book, shape (n_accounts,); NaN where the
        venue does not state it for that account alone.

        Raises: VenueUnavailable.
        """
        ...


class LimitsStore(Protocol):
    """Where an account's limits live."""

    async def load_limits(self, account_id: str) -> RiskLimits | None: ...

    async def save_limits(self, account_id: str, limits: RiskLimits) -> None: ...


class EquityHistory(Protocol):
    """Flow-adjusted equity, as far as it was recorded."""

    async def drawdown_frac(self, account_id: str) -> float | None:
        """Fall from the high-water mark of the unitised equity as a positive fraction; None without history."""
        ...


class EquityCurves(Protocol):
    """Equity over time, for those who measure performance on it."""

    async def curve(self, account_id: str) -> EquityCurve:
        """Everything that was recorded of an account, oldest first; empty for one nobody watched."""
        ...


class FillHistory(Protocol):
    """Executions, from wherever they are known: Keel's own, account events, files somebody imported."""

    async def fills(self, account_id: str) -> Sequence[Fill]:
        """In order of time, each once."""
        ...


@runtime_checkable
class FillRecords(Protocol):
    """Who keeps a record of an account's fills. A venue's reader may be one, and so may its data service."""

    @property
    def name(self) -> str:
        """As it is shown beside the numbers."""
        ...

    async def fills_since(self, account_id: str, since: datetime) -> Sequence[Fill]:
        """Fills of a moment and later, as far back as the record goes, oldest first, each with its reference.

        Raises: venues.errors.VenueUnavailable, venues.errors.VenueRejected.
        """
        ...


class BookHistories(Protocol):
    """Who knows the price history behind an account."""

    async def book_of(self, view: "FleetView", *, also: Sequence[str] = ()) -> BookHistory:
        """The account of a view with the history of its assets and of some others. Raises: NotEnoughData."""
        ...


class RiskEstimates(Protocol):
    """Who estimates an account's risk."""

    async def calculate_portfolio_risk(self) -> "RiskMetrics":
        """Raises: CannotAssess."""
        ...

    async def limit_figures(self) -> LimitFigures:
        """What limits on statistics are held against. Raises: CannotAssess."""
        ...

    async def position_statistics(self) -> BookStatistics:
        """Raises: NotEnoughData, CannotAssess."""
        ...


class LiquidationOdds(Protocol):
    """Who simulates whether an account is liquidated."""

    async def liquidation_probability(self) -> "LiquidationProbability":
        """Raises: NotEnoughData, CannotAssess."""
        ...


class RiskSnapshots(Protocol):
    """One set of risk figures a day and account, to be compared with the next."""

    async def before(self, account_id: str, at: datetime) -> RiskSnapshot | None:
        """The newest that is at least 20 hours older than a moment; None without one."""
        ...

    async def latest(self, account_id: str) -> RiskSnapshot | None:
        """The newest; None without one."""
        ...

    async def save(self, account_id: str, snapshot: RiskSnapshot) -> None: ...


class CandleStore(Protocol):
    """Price history, as far as it is at hand."""

    async def candles(self, asset: str, interval: Interval) -> Candles:
        """Every complete bar of an asset; empty for one without history."""
        ...


class CandleSource(Protocol):
    """Where price history comes from.

    Raises, from every method: venues.errors.VenueUnavailable, venues.errors.VenueRejected.
    """

    @property
    def name(self) -> str:
        """As it is shown beside the numbers."""
        ...

    async def fetch(self, asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        """Bars that open in [since, until); those the source does not have are missing, none is made up."""
        ...


@runtime_checkable
class FundingSource(Protocol):
    """Where funding comes from. A source of candles may be one as well."""

    @property
    def name(self) -> str:
        """As it is shown beside the numbers."""
        ...

    async def funding(self, market: str) -> FundingHistory:
        """As much as the source has. Raises: venues.errors.VenueUnavailable, venues.errors.VenueRejected."""
        ...
