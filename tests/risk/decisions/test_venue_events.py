"""What a venue does to all accounts is told once."""

from dataclasses import replace

from risk.decisions.venue_events import VenueState, venue_events, venue_state
from risk.margin.book import FleetBook, Pause
from risk.margin.build import book_of
from risk.model.events import EventKind, MarketEvent, PauseEvent
from risk.model.market import MarketStatus
from tests.risk.builders import make_account, make_btc_market, make_perp_market, make_position, make_spot_market

K = EventKind


def book(status: MarketStatus = MarketStatus.ACTIVE, *pauses: Pause, btc: bool = True, **changes: object) -> FleetBook:
    markets = [make_perp_market(status=status), *([make_btc_market()] if btc else [])]
    accounts = [
        replace(make_account(make_position(size), usdc=9.0, perp_markets=markets), account_id=f"a{size}")
        for size in (1.0, 2.0, 3.0)
    ]
    return replace(book_of(accounts, pauses=pauses), **changes)  # type: ignore[arg-type]


def test_a_status_is_told_once_however_many_accounts_are_in_the_market() -> None:
    (event,) = venue_events(venue_state(book()), book(MarketStatus.REDUCE_ONLY))
    assert isinstance(event, MarketEvent)
    assert (event.kind, event.account_id, event.market) == (K.MARKET_REDUCE_ONLY, "", "SOL-PERP")
    assert (event.before, event.after) == (MarketStatus.ACTIVE, MarketStatus.REDUCE_ONLY)
    assert venue_events(venue_state(book(MarketStatus.REDUCE_ONLY)), book(MarketStatus.REDUCE_ONLY)) == ()


def test_spot_markets_have_statuses_too() -> None:
    settled = make_account(usdc=9.0, spot_markets=[make_spot_market(market_index=0, status=MarketStatus.SETTLEMENT)],
                           perp_markets=[])  # fmt: skip
    fine = make_account(usdc=9.0, spot_markets=[make_spot_market(market_index=0)], perp_markets=[])
    (event,) = venue_events(venue_state(book_of([fine])), book_of([settled]))
    assert event.kind is K.MARKET_SETTLING


def test_pauses_begin_and_end_by_market_and_everywhere() -> None:
    fill, liquidation = Pause(market="SOL-PERP", what="fill"), Pause(market="SOL-PERP", what="liquidation")
    withdraw = Pause(market="", what="withdraw")
    paused = book(MarketStatus.ACTIVE, fill, liquidation, withdraw)
    everywhere, one = venue_events(venue_state(book()), paused)
    assert isinstance(everywhere, PauseEvent)
    assert (everywhere.kind, everywhere.market, everywhere.what) == (K.EXCHANGE_PAUSED, "", ("withdraw",))
    assert isinstance(one, PauseEvent)
    assert (one.kind, one.market, one.what) == (K.MARKET_PAUSED, "SOL-PERP", ("fill", "liquidation"))
    resumed, works = venue_events(venue_state(paused), book(MarketStatus.ACTIVE, fill))
    assert (resumed.kind, works.kind) == (K.EXCHANGE_RESUMED, K.MARKET_ACTIVE)


def test_a_market_nobody_was_in_before_has_no_news() -> None:
    without = venue_state(book(btc=False))
    paused = Pause(market="BTC-PERP", what="fill")
    assert venue_events(without, book(MarketStatus.ACTIVE, paused)) == ()


def test_what_was_known_of_a_market_nobody_is_in_now_stays_known() -> None:
    paused = Pause(market="BTC-PERP", what="fill")
    known = venue_state(book(MarketStatus.ACTIVE, paused))
    meanwhile = venue_state(book(btc=False), known)
    assert venue_events(known, book(btc=False)) == ()
    (event,) = venue_events(meanwhile, book())
    assert (event.kind, event.account_id) == (K.MARKET_ACTIVE, "")


def test_the_first_look_tells_nothing() -> None:
    """What stands when a bot is started stands in its replies."""
    first = book(MarketStatus.REDUCE_ONLY, Pause(market="", what="withdraw"), Pause(market="SOL-PERP", what="fill"))
    assert venue_events(VenueState(), first) == ()
