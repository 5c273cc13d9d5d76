"""What a process brings to trade with, from its settings."""

import structlog

import venues
from bot.config import BadSettings, Settings
from bot.roster import Roster
from bot.trading.assembly import TradingSetup
from risk.ports import AccountReader, Clock
from risk.trade_ports import MarketBooks
from storage import ProposalCards, Store
from venues.errors import VenueRejected

log = structlog.get_logger()


async def trading_setup(
    settings: Settings, venue_settings: object, reader: AccountReader, roster: Roster, store: Store, clock: Clock
) -> TradingSetup | None:
    """Where orders go, and under which rules; None where the venue takes none and none were asked for.

    Raises: BadSettings; VenueRejected where trading is switched on and something is in the way of it.
    """
    names = {one.nickname.lower(): one.account_id for one in roster.all}
    try:
        rules = settings.trading_rules(names)
    except ValueError as exc:
        raise BadSettings(str(exc)) from None
    try:
        gateway = venues.connect_orders(settings.venue.value, venue_settings, reader=reader, clock=clock)
    except VenueRejected as exc:
        if rules.enabled:
            raise
        log.info("trading.none", reason=str(exc))
        return None
    if not isinstance(reader, MarketBooks):
        raise VenueRejected(f"the venue {settings.venue.value} cannot be traded on: it does not list its markets")
    return TradingSetup(gateway=gateway, books=reader, handles=await ProposalCards(store).handles(), rules=rules)
