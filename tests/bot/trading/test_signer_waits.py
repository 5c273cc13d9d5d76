"""While nobody signs, or not yet: what the card, /halt and /status say, and that two databases are told apart."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.messages import text_of
from bot.signer.intent import Answer, Ask, Refusal, RefusalCode, Sign, SigningVenue
from bot.signer.wire import read_ask
from bot.trading.cards.words import Place, drawn
from bot.trading.signer_client import SignerClient, SignerTempo, SignerUnavailable
from risk.decisions.tiers import Tier
from risk.model.proposal import LegState, ProposalState
from storage import Epochs, Store
from tests.bot.trading.proposals import NOW, leg, proposal
from tests.support.order_terms import agreed, make_terms
from tests.support.scripted_signer import WELL, ScriptedSigner, honest, scripted_signer
from tests.support.signer_process import signer_process
from tests.support.trade_bot import trade_bot
from tests.support.trade_world import trade_world
from venues.signing import SigningRequest

pytest.importorskip("solders", reason="signatures are made with solders; install keel[solana]")

TEMPO = SignerTempo(answer_s=30.0, patience_s=30.0, pause_s=0.01, twice_s=0.0)
ACCOUNT = "ann-0"


def client_of(path: Path, *, epoch: int = 5, memory_name: str = "") -> SignerClient:
    return SignerClient(
        path, venue=SigningVenue.PAPER, epoch=epoch, anchor=_nowhere, memory_name=memory_name, tempo=TEMPO
    )


async def _nowhere() -> None:
    return None


@pytest.fixture
async def signer() -> AsyncIterator[ScriptedSigner]:
    async with scripted_signer() as running:
        yield running


@pytest.fixture
async def client(signer: ScriptedSigner) -> AsyncIterator[SignerClient]:
    found = client_of(signer.path)
    yield found
    await found.close()


async def test_the_first_order_of_a_fresh_database_is_not_that_of_the_one_before(tmp_path: Path) -> None:
    batch = replace(agreed(ACCOUNT, make_terms(ACCOUNT, expires_at_s=int(time.time()) + 60)), leg=1)
    with signer_process(tmp_path, accounts=[ACCOUNT]) as running:
        for epoch in (5, 6):
            async with await Store.open(":memory:") as store:
                name = await Epochs(store).memory_name()
                asking = client_of(running.socket, epoch=epoch, memory_name=name)
                await asking.sign(SigningRequest(batch=batch, message=None, height=epoch, valid_until=epoch + 150))
                await asking.close()


async def test_who_asks_is_known_by_the_name_of_its_database(signer: ScriptedSigner) -> None:
    asking = client_of(signer.path, memory_name="3fa2")
    batch = replace(agreed(ACCOUNT, make_terms(ACCOUNT, expires_at_s=int(time.time()) + 60)), leg=1)
    await asking.sign(SigningRequest(batch=batch, message=None, height=1, valid_until=151))
    await asking.close()
    (asked,) = map(read_ask, signer.signings)
    assert isinstance(asked, Sign)
    assert asked.intent.proposal == f"3fa2.{batch.consent.reference}"


async def test_while_an_order_waits_it_is_known_what_for_and_once_it_is_signed_no_more(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    async with trade_world(signer=client) as world:
        seen: list[str] = []

        def twice(_: Ask) -> Answer:
            seen.append(world.execution.waiting("P1"))
            return Refusal(code=RefusalCode.TWICE, why="signed before, and that may land until block 7")

        signer.replies = [twice, twice]
        asked = await world.proposed()
        await world.press(asked)
        assert seen == ["", "the signer refused: signed before, and that may land until block 7"]
        assert world.execution.waiting("P1") == ""
        assert (await world.now(asked)).state is ProposalState.DONE


def test_the_card_says_what_its_order_waits_for() -> None:
    going_on = proposal(leg(), state=ProposalState.EXECUTING)
    place = Place(label="main", gateway="paper", waits="the signer refused: not before block 7")
    assert "! An order waits: the signer refused: not before block 7." in text_of(drawn(going_on, place, NOW).message)
    silent = replace(place, trouble="the signer does not answer")
    said = text_of(drawn(going_on, silent, NOW).message)
    assert "! Nothing can be sent now: the signer does not answer." in said
    assert "An order waits" not in said


def test_where_nothing_can_be_signed_nobody_is_told_to_ask_again() -> None:
    failed = proposal(leg(state=LegState.FAILED), state=ProposalState.FAILED, finished_at=NOW)
    place = Place(label="main", gateway="paper")
    assert "then ask again with /" in text_of(drawn(failed, place, NOW).message)
    locked = replace(place, trouble="the signer refused: locked; keel signer unlock")
    said = text_of(drawn(failed, locked, NOW).message)
    assert "ask again with" not in said
    assert "Asking again does not help before this is mended: the signer refused: locked; keel signer unlock." in said


async def test_halt_and_status_say_what_still_rests_and_it_goes_once_somebody_signs(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    async with trade_bot(signer=client) as bot:
        assert bot.parts.signer is not None
        await bot.click(await bot.answer("/stop SOL 140"), "Confirm")
        signer.always = lambda _: Refusal(code=RefusalCode.LOCKED, why="locked, after 10 refusals")
        await bot.parts.signer.look()
        halted = text_of((await bot.answer("/halt")).message)
        assert "! Nothing could be cancelled: the signer refused: locked, after 10 refusals." in halted
        assert "Cancelling it is tried again until it is gone, or until /resume." in halted
        assert "venue's own page" not in halted, "paper money has none"
        status = text_of((await bot.answer("/status")).message)
        assert "! 1 order still rests that the halt is to cancel" in status
        assert "Trading: active" not in status
        assert "Trading: switched on on paper via signer" in status
        before = len(signer.asked)
        await bot.parts.trading.halting.look()
        assert len(signer.asked) == before, "a signer that signs nothing is left alone"
        signer.always = honest
        await bot.parts.signer.look()
        bot.clock.pass_s(60.0)
        await bot.parts.trading.halting.look()
        assert "still rests" not in text_of((await bot.answer("/status")).message)
        assert not await bot.parts.trading.resting.standing()


async def test_a_signer_of_other_accounts_is_said_to_be_one(signer: ScriptedSigner, client: SignerClient) -> None:
    signer.always = lambda _: replace(WELL, accounts=("somebody",))
    async with trade_bot(signer=client) as bot:
        assert bot.parts.signer is not None
        await bot.parts.signer.look()
        status = text_of((await bot.answer("/status")).message)
        assert "! Nothing can be sent now: the signer signs for none of the accounts that are watched (main)." in status
        assert "nothing for main" in status
        refused = text_of((await bot.answer("/close SOL half")).message)
        assert "it signs nothing for main" in refused
        assert "an [[account]] for it in the signer's own file" in refused
        assert "demo-0" not in refused
        found = await bot.app.services.incidents.open_incidents()
        assert [one.tier for one in found if one.cause.subject == "signer"] == [Tier.HIGH]


async def test_people_are_told_while_a_silent_signer_is_still_being_asked(tmp_path: Path) -> None:
    told = list[str]()
    asking = SignerClient(
        tmp_path / "none.sock", venue=SigningVenue.PAPER, epoch=5, anchor=_nowhere,
        tempo=replace(TEMPO, patience_s=0.1, told_s=0.0),
    )  # fmt: skip
    asking.noticed = lambda: told.append("" if asking.trouble is None else asking.trouble.why)
    batch = replace(agreed(ACCOUNT, make_terms(ACCOUNT, expires_at_s=int(time.time()) + 60)), leg=1)
    with pytest.raises(SignerUnavailable):
        await asking.sign(SigningRequest(batch=batch, message=None, height=1, valid_until=151))
    assert told == ["the signer does not answer: there is no socket where SIGNER_SOCKET says; start keel signer"]
