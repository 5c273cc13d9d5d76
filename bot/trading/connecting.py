"""What a process brings to trade with, from its settings."""

import asyncio

import structlog

import venues
from bot.config import BadSettings, Settings
from bot.roster import Roster
from bot.signer.intent import Anchor, SigningVenue
from bot.trading.assembly import TradingSetup
from bot.trading.signer_client import SignerClient
from risk.ports import AccountReader, Clock
from risk.trade_ports import MarketBooks
from storage import Audit, Epochs, ProposalCards, SignerMemory, Store
from venues import ed25519
from venues.errors import VenueError, VenueRejected

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
    signer = await _signer(settings, store, clock) if rules.enabled else None
    try:
        gateway = venues.connect_orders(settings.venue.value, venue_settings, reader=reader, clock=clock, signer=signer)
    except VenueRejected as exc:
        if rules.enabled:
            raise
        log.info("trading.none", reason=str(exc))
        return None
    if not isinstance(reader, MarketBooks):
        raise VenueRejected(f"the venue {settings.venue.value} cannot be traded on: it does not list its markets")
    handles = await ProposalCards(store).handles()
    return TradingSetup(gateway=gateway, books=reader, handles=handles, rules=rules, signer=signer)


async def _signer(settings: Settings, store: Store, clock: Clock) -> SignerClient | None:
    """The way to the signer the settings name; None for none.

    It may answer later than this process begins, or be the wrong one: then nothing is signed, and alerts go out.
    """
    path = settings.signer_path
    if path is None:
        return None
    await asyncio.to_thread(ed25519.load)
    audit = Audit(store)

    async def anchor() -> Anchor | None:
        rows, head = await audit.head()
        return Anchor(rows=rows, head=head)

    epochs = Epochs(store)
    epoch = await epochs.take(clock.now())
    venue = SigningVenue(settings.venue.value)
    client = SignerClient(
        path, venue=venue, epoch=epoch, anchor=anchor, memory=SignerMemory(store),
        now_s=lambda: clock.now().timestamp(), memory_name=await epochs.memory_name(),
    )  # fmt: skip
    try:
        found = await client.look()
    except VenueError as exc:
        # Alerts do not wait for it: SignerWatch says so, and asks again.
        log.warning("signer.not_there", error=str(exc))
    else:
        log.info("signer.found", public_key=found.public_key, epoch=epoch, reduce_only=found.reduce_only)
    return client
