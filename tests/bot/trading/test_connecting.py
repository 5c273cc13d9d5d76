"""What a process brings to trade with: the signer that its settings name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.config import Settings, load_settings
from bot.roster import Roster
from bot.signer.intent import SigningVenue
from bot.trading.assembly import TradingSetup
from bot.trading.connecting import trading_setup
from bot.trading.signer_trouble import Plight
from storage import Epochs, Store
from tests.support.clock import FakeClock
from tests.support.scripted_signer import WELL, scripted_signer
from tests.support.trade_world import still
from venues.paper import PaperSettings
from venues.paper.demo import demo_exchange
from venues.paper.venue import PaperVenue

pytest.importorskip("solders", reason="signatures are made with solders; install keel[solana]")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


async def made(store: Store, **given: Any) -> TradingSetup:
    clock = FakeClock()
    venue = PaperVenue(demo_exchange(still(), liquidates=False), clock=clock)
    settings = load_settings(None, **({"trading_enabled": True} | given))
    setup = await trading_setup(settings, PaperSettings(), venue, Roster([]), store, clock)
    assert setup is not None
    await setup.close()
    return setup


async def test_without_a_socket_nobody_is_asked_and_no_epoch_is_taken() -> None:
    async with await Store.open(":memory:") as store:
        assert (await made(store)).signer is None
        assert await Epochs(store).latest() == 0


async def test_where_nothing_is_traded_no_signer_is_looked_at() -> None:
    async with await Store.open(":memory:") as store:
        setup = await made(store, trading_enabled=False, signer_socket="/nowhere/signer.sock")
        assert setup.signer is None


async def test_the_signer_is_told_an_epoch_that_was_stored_before() -> None:
    async with scripted_signer() as signer, await Store.open(":memory:") as store:
        first, second = [await made(store, signer_socket=str(signer.path)) for _ in range(2)]
        assert first.signer is not None
        assert second.signer is not None
        assert first.signer.identity is not None
        assert first.signer._memory_name == await Epochs(store).memory_name()
        assert second.signer.identity is not None
        assert second.signer.identity.epoch == first.signer.identity.epoch + 1 == await Epochs(store).latest()


async def test_a_signer_that_is_not_there_keeps_nobody_from_being_warned(tmp_path: Path) -> None:
    async with await Store.open(":memory:") as store:
        setup = await made(store, signer_socket=str(tmp_path / "none.sock"))
        assert setup.signer is not None
        assert setup.signer.trouble is not None
        assert setup.signer.trouble.plight is Plight.SILENT


async def test_the_signer_of_another_venue_keeps_nobody_from_being_warned() -> None:
    async with scripted_signer() as signer, await Store.open(":memory:") as store:
        signer.always = lambda _: replace(WELL, venue=SigningVenue.DRIFT)
        setup = await made(store, signer_socket=str(signer.path))
        assert setup.signer is not None
        assert setup.signer.trouble is not None
        assert setup.signer.trouble.plight is Plight.REFUSED
        assert "signs for drift and orders go to paper" in setup.signer.trouble.why
