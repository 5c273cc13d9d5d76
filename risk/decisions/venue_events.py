"""What a venue does to all accounts: markets that allow less or more, pauses. Told once, not to each account. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from risk.decisions.events import kind_of_status
from risk.margin.book import FleetBook, Pause
from risk.model.account import MarketKind
from risk.model.events import AccountEvent, EventKind, MarketEvent, PauseEvent
from risk.model.market import MarketStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueState:
    """What a venue allowed when it was last looked at.

    Attributes:
        perps: Status of every perp market that was ever seen, by its index; likewise ``spots``.
        names: Names of all those markets: of one that was never seen nobody knows whether its pause is new.
    """

    perps: Mapping[int, MarketStatus] = field(default_factory=dict)
    spots: Mapping[int, MarketStatus] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    pauses: frozenset[Pause] = frozenset()


def venue_state(book: FleetBook, before: VenueState | None = None) -> VenueState:
    """What a venue allows now. Of markets that are not in this book the last that was known stays."""
    known = before or VenueState()
    perps = {index: MarketStatus(code) for index, code in _statuses(book, MarketKind.PERP)}
    spots = {index: MarketStatus(code) for index, code in _statuses(book, MarketKind.SPOT)}
    seen = frozenset((*book.perp_markets.names, *book.spot_markets.names))
    unseen = frozenset(pause for pause in known.pauses if pause.market and pause.market not in seen)
    return VenueState(
        perps={**known.perps, **perps},
        spots={**known.spots, **spots},
        names=known.names | seen,
        pauses=frozenset(book.pauses) | unseen,
    )


def _statuses(book: FleetBook, kind: MarketKind) -> list[tuple[int, int]]:
    table = book.perp_markets if kind is MarketKind.PERP else book.spot_markets
    return list(zip(table.market_index.tolist(), table.status.tolist(), strict=True))


def venue_events(before: VenueState, book: FleetBook) -> tuple[AccountEvent, ...]:
    """What became different, by market. A market that was never seen before has no before."""
    return (*_market_events(before, book), *_pause_events(before, book))


def _market_events(before: VenueState, book: FleetBook) -> tuple[MarketEvent, ...]:
    found: list[MarketEvent] = []
    for kind, known in ((MarketKind.PERP, before.perps), (MarketKind.SPOT, before.spots)):
        table = book.perp_markets if kind is MarketKind.PERP else book.spot_markets
        for row, (index, code) in enumerate(_statuses(book, kind)):
            status = MarketStatus(code)
            if known.get(index, status) is status:
                continue
            found.append(
                MarketEvent(
                    kind=kind_of_status(status), account_id="", slot=book.slot, observed_at=book.observed_at,
                    market=table.names[row], market_kind=kind, before=known[index], after=status,
                )
            )  # fmt: skip
    return tuple(found)


def _pause_events(before: VenueState, book: FleetBook) -> tuple[PauseEvent, ...]:
    seen = {"", *book.perp_markets.names, *book.spot_markets.names}
    now = set(book.pauses)
    known = {"", *before.names} if before.names else set()  # at the first look nobody knows what is new
    began = {pause for pause in now - before.pauses if pause.market in known}
    ended = {pause for pause in before.pauses - now if pause.market in seen}
    found: list[PauseEvent] = []
    for pauses, everywhere, one in (
        (began, EventKind.EXCHANGE_PAUSED, EventKind.MARKET_PAUSED),
        (ended, EventKind.EXCHANGE_RESUMED, EventKind.MARKET_ACTIVE),
    ):
        for market in sorted({pause.market for pause in pauses}):
            found.append(
                PauseEvent(
                    kind=one if market else everywhere, account_id="", slot=book.slot, observed_at=book.observed_at,
                    market=market, what=tuple(sorted(pause.what for pause in pauses if pause.market == market)),
                )
            )  # fmt: skip
    return tuple(found)
