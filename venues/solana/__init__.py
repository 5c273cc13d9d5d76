"""Venues on Solana: accounts read over JSON-RPC, decoded by the layouts of a profile, checked before anything is said.

Needs the extra ``solana``, but only to connect: settings and this module import without it. A venue of this family is
one file in ``profiles/``.
"""

from risk.ports import AccountReader, Clock
from venues.solana.settings import SolanaSettings

__all__ = ["SolanaSettings", "connect"]


def connect(settings: SolanaSettings, *, clock: Clock) -> AccountReader:
    """A reader for the profile the settings name. Nothing is asked before the first read.

    Raises: VenueRejected for a profile there is none of, ModuleNotFoundError without the extra.
    """
    from venues.solana import adapter  # the extra may be missing, and its import takes a while

    return adapter.connect(settings, clock=clock)
