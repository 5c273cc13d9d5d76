"""A signer whose journal was put back or begun anew: told, nothing goes out, until an admin has looked at it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.messages import text_of
from bot.signer.intent import Ask, Enter, Identity, SigningVenue
from bot.trading.signer_client import SignerClient, SignerTempo, SignerUnavailable
from risk.decisions.tiers import Tier
from risk.model.proposal import ProposalState
from risk.model.trading import TradingState
from storage import SeenJournal, SignerMemory, Store
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.scripted_signer import WELL, ScriptedSigner, scripted_signer
from tests.support.signer_process import signer_process
from tests.support.trade_bot import TradeBot, trade_bot
from tests.support.trade_world import ACCOUNT

pytest.importorskip("solders", reason="signatures are made with solders; install keel[solana]")

SEEN = replace(WELL, journal_rows=7, journal_head="a" * 64)
CHANGES = {
    "put back": ({"journal_rows": 3, "journal_head": "b" * 64}, "the signer forgot: its journal had 7 rows and has 3"),
    "written anew": ({"journal_head": "c" * 64}, "row 7 is another one than before"),
    "begun anew": ({"journal_rows": 90, "journal_id": "9" * 32}, "the signer keeps another journal than before"),
}


class Shown:
    """What the signer shows of itself."""

    def __init__(self) -> None:
        self.identity: Identity = SEEN

    def __call__(self, ask: Ask) -> Identity:
        return replace(self.identity, epoch=ask.epoch) if isinstance(ask, Enter) else self.identity


@contextlib.asynccontextmanager
async def watching(path: Path) -> AsyncIterator[TradeBot]:
    """A bot that saw the journal at seven rows, in this life or in an earlier one."""
    async with await Store.open(":memory:") as store:
        await SignerMemory(store).see(
            SeenJournal(journal=SEEN.journal_id, rows=SEEN.journal_rows, head=SEEN.journal_head)
        )
        client = SignerClient(
            path, venue=SigningVenue.PAPER, epoch=5, anchor=_nowhere, memory=SignerMemory(store),
            tempo=SignerTempo(answer_s=30.0, patience_s=0.0, pause_s=0.01),
        )  # fmt: skip
        try:
            async with trade_bot(signer=client) as bot:
                yield bot
        finally:
            await client.close()


async def _nowhere() -> None:
    return None


async def look(bot: TradeBot) -> None:
    assert bot.parts.signer is not None
    await bot.parts.signer.look()
    await bot.settle()


async def grave(bot: TradeBot) -> list[str]:
    found = await bot.app.services.incidents.open_incidents()
    return [one.fact for one in found if one.tier is Tier.CRITICAL and one.cause.subject == "signer"]


@pytest.fixture
async def signer() -> AsyncIterator[ScriptedSigner]:
    async with scripted_signer() as running:
        yield running


@pytest.mark.parametrize(("changes", "words"), CHANGES.values(), ids=CHANGES)
async def test_a_signer_that_forgot_is_told_and_signs_nothing_until_an_admin_resumes(
    signer: ScriptedSigner, figure: Gauge, changes: dict[str, object], words: str
) -> None:
    shown = Shown()
    signer.always = shown
    async with watching(signer.path) as bot:
        await look(bot)
        card = await bot.answer("/close SOL half")
        shown.identity = replace(SEEN, **changes)  # type: ignore[arg-type]  # its fields
        await bot.click(card, "Confirm")
        held = await bot.latest()
        await look(bot)
        told = [fact for fact in await grave(bot) if words in fact]
        status = await bot.parts.trading.states.get()

        figure(Measure.ACCEPTED, len(signer.signings))
        figure(Measure.NOTICED, len(told))
        assert held.state is not ProposalState.DONE
        assert (status.state, status.by) == (TradingState.HALTED, "keel")
        assert words in status.reason
        assert words in text_of((await bot.answer("/status")).message)

        resume = await bot.answer("/resume")
        await bot.click(resume, "Confirm")
        await look(bot)
        assert await grave(bot) == []
        again = await bot.answer("/close SOL half")
        await bot.click(again, "Confirm")
        assert (await bot.latest()).state is ProposalState.DONE


async def test_a_journal_that_grows_is_nothing_to_tell(signer: ScriptedSigner) -> None:
    shown = Shown()
    signer.always = shown
    async with watching(signer.path) as bot:
        for rows in (8, 9, 30):
            shown.identity = replace(SEEN, journal_rows=rows, journal_head=f"{rows:064}")
            await look(bot)
        assert await grave(bot) == []
        assert (await bot.parts.trading.states.get()).state is TradingState.ACTIVE


async def test_a_real_journal_whose_end_was_cut_off_is_noticed_and_one_of_a_killed_signer_is_not(
    tmp_path: Path,
) -> None:
    async with await Store.open(":memory:") as store:
        with signer_process(tmp_path, accounts=[ACCOUNT]) as real:
            client = SignerClient(
                real.socket, venue=SigningVenue.PAPER, epoch=int(time.time()), anchor=_nowhere,
                memory=SignerMemory(store),
                tempo=SignerTempo(answer_s=30.0, patience_s=30.0, pause_s=0.01),
            )  # fmt: skip
            try:
                await client.look()
                real.kill()
                await asyncio.to_thread(real.restart)
                client._socket.drop()  # it would be missed at the next look, and opened anew at the one after it
                await client.look()
                assert client.trouble is None

                real.kill()
                (journal,) = real.state.glob("journal-*.jsonl")
                *kept, _, _, _ = journal.read_bytes().splitlines(keepends=True)
                journal.write_bytes(b"".join(kept))
                await asyncio.to_thread(real.restart)
                client._socket.drop()
                with pytest.raises(SignerUnavailable, match="the signer forgot: its journal had"):
                    await client.look()
                await client.accept_journal()
                await client.look()
            finally:
                await client.close()
