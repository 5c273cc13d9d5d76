"""/halt while nobody signs: everything stops, and nobody is left to believe that something was cancelled."""

from collections.abc import AsyncIterator

import pytest

from bot.messages import text_of
from bot.signer.intent import Answer, Ask, Enter, Refusal, RefusalCode, SigningVenue
from bot.trading.signer_client import SignerClient, SignerTempo
from risk.model.trading import TradingState
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.scripted_signer import WELL, ScriptedSigner, scripted_signer
from tests.support.trade_bot import trade_bot
from venues.paper.gateway import PaperGateway

pytest.importorskip("solders", reason="signatures are made with solders; install keel[solana]")

LOCKED = "locked, after 10 refusals within ten minutes; look into it, then run keel signer unlock at its machine"


@pytest.fixture
async def signer() -> AsyncIterator[ScriptedSigner]:
    async with scripted_signer() as running:
        yield running


@pytest.fixture
async def client(signer: ScriptedSigner) -> AsyncIterator[SignerClient]:
    tempo = SignerTempo(answer_s=30.0, patience_s=0.0, pause_s=0.01)
    client = SignerClient(signer.path, venue=SigningVenue.PAPER, epoch=5, anchor=_nowhere, tempo=tempo)
    yield client
    await client.close()


async def _nowhere() -> None:
    return None


def locked(ask: Ask) -> Answer:
    return Refusal(code=RefusalCode.LOCKED, why=LOCKED) if isinstance(ask, Enter) else WELL


@pytest.mark.parametrize("gone", [False, True], ids=["locked", "absent"])
async def test_a_halt_that_nobody_signs_says_that_nothing_was_cancelled_and_where_to_do_it(
    signer: ScriptedSigner, client: SignerClient, figure: Gauge, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    monkeypatch.setattr(PaperGateway, "name", "Drift")  # which has a page of its own, and paper has none
    async with trade_bot(signer=client) as bot:
        await bot.click(await bot.answer("/stop SOL 140"), "Confirm")
        signed = len(signer.signings)
        signer.always = locked
        if gone:
            signer.path.unlink()
            client._socket.drop()
        text = text_of((await bot.answer("/halt")).message)

        figure(Measure.NOTICED, text.count("! Nothing could be cancelled: the signer "))
        figure(Measure.ACCEPTED, len(signer.signings) - signed)
        assert ("start keel signer" if gone else "keel signer unlock") in text
        assert "cancels at the venue's own page, with the owner's wallet" in text
        assert "! Still resting: " in text
        assert (await bot.parts.trading.states.get()).state is TradingState.HALTED
