"""Which kinds of events no chat but this one hears of: what is CRITICAL must be told somewhere."""

from collections.abc import Iterable

from bot.commands.spec import Services
from risk.decisions.event_tiers import DEFAULT_TIERS
from risk.decisions.hearing import urgent
from risk.model.event_kinds import EventKind
from storage import Receiver


async def heard_here_alone(services: Services, chat: Receiver, kinds: Iterable[EventKind]) -> tuple[EventKind, ...]:
    """Those of CRITICAL or worse that no other chat which can be reached would hear of, for any account there is."""
    weighty = [kind for kind in kinds if urgent(DEFAULT_TIERS[kind])]
    if not weighty:
        return ()
    hearers, now = await services.book.load(), services.clock.now()
    account_ids = [one.account_id for one in services.book.accounts] or [""]
    return tuple(
        kind
        for kind in weighty
        if any(hearers.alone(chat, kind.value, DEFAULT_TIERS[kind], account_id, now) for account_id in account_ids)
    )
