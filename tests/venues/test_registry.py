"""Venues are found by name, imported when used, and say what is missing."""

import subprocess
import sys

import pytest

import venues
from tests.venues.solana.conftest import StillClock
from venues.errors import VenueRejected
from venues.solana import SolanaSettings, profiles
from venues.solana.adapter import DriftAdapter


def test_every_profile_is_a_venue() -> None:
    assert set(profiles.names()) <= set(venues.available())
    assert "solana" not in venues.available()
    assert not {"cache", "errors", "_feeds"} & set(venues.available())


async def test_a_venue_connects_with_its_own_settings() -> None:
    reader = venues.connect("drift", SolanaSettings(rpc_urls=("https://rpc.example.com",)), clock=StillClock())
    assert isinstance(reader, DriftAdapter)
    assert (reader.profile.name, reader.host) == ("drift", "rpc.example.com")
    await reader.close()


def test_an_unknown_venue_or_profile_names_those_there_are() -> None:
    with pytest.raises(VenueRejected, match=r"set VENUE to one of: .*drift"):
        venues.connect("binance", None, clock=StillClock())
    with pytest.raises(VenueRejected, match="choose one of: drift"):
        venues.connect("drift", SolanaSettings(rpc_urls=("https://a.example.com",), profile="x"), clock=StillClock())


def test_without_the_extra_settings_still_load_and_connecting_says_what_to_install() -> None:
    program = """
import sys
sys.modules["solders"] = sys.modules["solana"] = None
import venues
from venues.errors import VenueRejected
from venues.solana.settings import SolanaSettings
assert "drift" in venues.available()
try:
    venues.connect("drift", SolanaSettings(rpc_urls=("https://rpc.example.com",)), clock=None)
except VenueRejected as refusal:
    print(refusal)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=240)
    assert "keel[solana]" in done.stdout


def test_listing_venues_imports_none_of_them() -> None:
    program = "import sys, venues; venues.available(); print([m for m in sys.modules if m.startswith('venues.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=240)
    assert done.stdout.strip() == "['venues.errors']"


def test_reading_never_imports_driftpy() -> None:
    program = "import sys, venues.solana.adapter; print([m for m in ('driftpy', 'anchorpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=240)
    assert done.stdout.strip() == "[]"
