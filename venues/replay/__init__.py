"""The replay venue: one account in recorded history, with the margin rules of the real venue."""

from typing import Any

from risk.ports import Clock
from venues.errors import VenueRejected
from venues.replay.bars import Bars, assets_in, read_bars
from venues.replay.book import BookPosition, PositionSide, ReplayBook, parse_book, read_book
from venues.replay.errors import BadRecording, BadReplayBook
from venues.replay.recording import ACCOUNT_ID, Recording, load, record
from venues.replay.venue import ReplaySettings, ReplayVenue

__all__ = [
    "ACCOUNT_ID",
    "BadRecording",
    "BadReplayBook",
    "Bars",
    "BookPosition",
    "PositionSide",
    "Recording",
    "ReplayBook",
    "ReplaySettings",
    "ReplayVenue",
    "assets_in",
    "connect",
    "load",
    "parse_book",
    "read_bars",
    "read_book",
    "record",
]


def connect(settings: Any, *, clock: Clock) -> ReplayVenue:
    """The recording that the settings name, from now on. Raises: VenueRejected."""
    if not isinstance(settings, ReplaySettings):
        raise VenueRejected("the replay venue plays files, not a ledger; use keel replay FOLDER --book FILE")
    return ReplayVenue(load(settings.bars_folder, settings.book_file), clock=clock)
