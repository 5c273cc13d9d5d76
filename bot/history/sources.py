"""Where the past of a venue comes from: its data service, or, for paper, the paper market itself."""

from bot.config import Settings, VenueName
from risk.ports import AccountReader, CandleSource, Clock
from storage import CandleLog, Store
from venues.data_service import DataService
from venues.paper import PaperPast, PaperVenue


def past_of(settings: Settings, reader: AccountReader, clock: Clock) -> CandleSource | None:
    """The source of a venue's history; None where the settings ask nobody."""
    if settings.venue is VenueName.PAPER:
        return reader.past if isinstance(reader, PaperVenue) else None
    url = settings.data_service_url
    return DataService(url, clock=clock, name=f"{settings.venue.value} data service") if url else None


async def begun_anew(store: Store, past: CandleSource | None) -> None:
    """The paper market begins anew with every start, at the same prices, and so does its past: that of the last one
    would end in a leap."""
    if past is not None and isinstance(past, PaperPast):
        await CandleLog(store).forget(past.name)


async def close(past: CandleSource | None) -> None:
    """Let go of a connection, where there is one."""
    if isinstance(past, DataService):
        await past.close()
