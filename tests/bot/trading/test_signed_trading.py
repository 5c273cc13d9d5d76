"""Trading through a signer: what is asked of nobody, what the cards and /status say, who is told when it fails."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.alerts.findings import Finding
from bot.messages import text_of
from bot.signer.intent import Refusal, RefusalCode, SigningVenue
from bot.trading.signer_client import SignerClient, SignerTempo
from bot.trading.signer_watch import CAUSE, SignerWatch
from risk.decisions.tiers import Tier
from risk.model.account import Side
from risk.model.proposal import LegState, ProposalState, Purpose
from risk.model.trading import OrderStyle, TradingState
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.scripted_signer import WELL, ScriptedSigner, scripted_signer
from tests.support.trade_bot import trade_bot
from tests.support.trade_world import sell, trade, trade_world

pytest.importorskip("solders", reason="signatures are made with solders; install keel[solana]")

TEMPO = SignerTempo(answer_s=30.0, patience_s=30.0, pause_s=0.01)
HASTY = SignerTempo(answer_s=30.0, patience_s=0.0, pause_s=0.01)


@contextlib.asynccontextmanager
async def client_of(path: Path, tempo: SignerTempo = TEMPO) -> AsyncIterator[SignerClient]:
    client = SignerClient(path, venue=SigningVenue.PAPER, epoch=5, anchor=_nowhere, tempo=tempo)
    try:
        yield client
    finally:
        await client.close()


async def _nowhere() -> None:
    return None


@pytest.fixture
async def signer() -> AsyncIterator[ScriptedSigner]:
    async with scripted_signer() as running:
        yield running


@pytest.fixture
async def client(signer: ScriptedSigner) -> AsyncIterator[SignerClient]:
    async with client_of(signer.path) as found:
        yield found


async def test_what_is_confirmed_is_signed_once_and_filled(signer: ScriptedSigner, client: SignerClient) -> None:
    async with trade_world(signer=client) as world:
        asked = await world.proposed()
        await world.press(asked)
        done = await world.now(asked)
        assert done.state is ProposalState.DONE
        assert len(signer.signings) == 1
        assert await world.position() == 200.0


async def test_a_refusal_ends_the_order_and_its_words_are_the_reason(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    signer.replies = [lambda _: Refusal(code=RefusalCode.LOCKED, why="locked, after 10 refusals")]
    async with trade_world(signer=client) as world:
        asked = await world.proposed()
        await world.press(asked)
        done = await world.now(asked)
        assert (done.state, done.legs[0].state) == (ProposalState.FAILED, LegState.FAILED)
        assert done.legs[0].reason == "the signer refused: locked, after 10 refusals"
        assert await world.position() == 250.0


@pytest.mark.parametrize("code", [RefusalCode.TWICE, RefusalCode.BROKEN])
async def test_what_may_be_signed_later_is_and_only_once(
    signer: ScriptedSigner, client: SignerClient, code: RefusalCode
) -> None:
    signer.replies = [lambda _: Refusal(code=code, why="not now")]
    async with client_of(signer.path, replace(TEMPO, twice_s=0.0)) as client, trade_world(signer=client) as world:
        asked = await world.proposed()
        await world.press(asked)
        assert (await world.now(asked)).state is ProposalState.DONE
        assert len(signer.signings) == 2
        assert await world.position() == 200.0


async def test_a_signer_that_never_answers_leaves_the_order_until_its_approval_is_over(
    tmp_path: Path, figure: Gauge
) -> None:
    async with (
        client_of(tmp_path / "none.sock", HASTY) as client,
        trade_world(signer=client, valid_s=20.0, execution_s=5.0) as world,
    ):
        asked = await world.proposed()
        await world.press(asked)
        done = await world.now(asked)
        assert done.state is ProposalState.FAILED
        assert "until then it waited: the signer does not answer: there is no socket" in done.legs[0].reason
        figure(Measure.ACCEPTED, int(await world.position() != 250.0))


async def test_what_the_signer_would_not_sign_is_proposed_to_nobody(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    signer.always = lambda _: replace(WELL, max_order_raw_1e6=100 * 10**6)
    async with trade_world(signer=client) as world:
        await client.look()
        found = await world.desk.propose(sell())
        assert found.proposal is None
        assert found.refusal is not None
        assert "an order may be $100" in found.refusal.reason
        adds = await world.desk.propose(sell(trade(Side.BUY, 0.01)))
        assert adds.refusal is not None
        assert "only orders that reduce" in adds.refusal.reason
    assert not signer.signings


async def test_of_several_orders_the_card_says_which_the_signer_would_not_sign(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    both = sell(trade(size_base=10.0), trade(market="ETH-PERP", size_base=1.0))
    async with trade_world(signer=client) as world:
        await client.look()
        asked = await world.proposed(both)
        assert "! The signer would not sign order 2: it signs nothing in ETH-PERP." in asked.notes
        await world.press(asked)
        done = await world.now(asked)
        assert done.state is ProposalState.PARTIAL
        assert "it signs nothing in ETH-PERP" in done.legs[1].reason
    assert len(signer.signings) == 1


async def test_orders_that_together_are_more_than_a_day_allows_are_said_to_be(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    signer.always = lambda _: replace(WELL, daily_raw_1e6=3_000 * 10**6)
    async with trade_world(signer=client) as world:
        await client.look()
        asked = await world.proposed(sell(trade(size_base=10.0), trade(size_base=10.0)))
        assert "! The signer would not sign order 2: $3,000 of its $3,000 a day are left" in asked.notes[-1]


async def test_a_process_that_is_not_the_newest_proposes_and_sends_nothing(
    signer: ScriptedSigner, client: SignerClient, figure: Gauge
) -> None:
    async with trade_world(signer=client) as world:
        asked = await world.proposed()
        signer.always = lambda _: Refusal(code=RefusalCode.FENCED, why="a later process has taken over")
        await world.press(asked)
        done = await world.now(asked)
        assert (done.state, done.legs[0].state) == (ProposalState.FAILED, LegState.FAILED)
        found = await world.desk.propose(sell())
        assert found.refusal is not None
        assert "another Keel process began after this one" in found.refusal.reason
        figure(Measure.ACCEPTED, len(signer.signings))


async def test_halting_cancels_through_the_signer(signer: ScriptedSigner, client: SignerClient) -> None:
    waits = trade(style=OrderStyle.TRIGGER_MARKET, trigger_usd=120.0, triggers_above=False)
    async with trade_world(signer=client) as world:
        await world.press(await world.proposed(sell(waits, purpose=Purpose.STOP)))
        halted = await world.halting.halt(by="ann", reason="enough")
        assert halted.status.state is TradingState.HALTED
        assert (len(halted.cancelled), halted.left) == (1, ())
    assert len(signer.signings) == 2


class Told:
    """What was told to the incident desk."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    async def __call__(self, found: Sequence[Finding]) -> None:
        self.findings += found

    @property
    def tiers(self) -> list[Tier]:
        assert {one.cause for one in self.findings} <= {CAUSE}
        return [one.tier for one in self.findings]


async def test_operators_hear_of_a_silent_signer_after_the_second_look_and_of_its_return(
    signer: ScriptedSigner,
) -> None:
    told = Told()
    async with client_of(signer.path, HASTY) as client:
        watch = SignerWatch(client, settle=told)
        await watch.look()
        assert told.tiers == [Tier.OK]  # what an earlier process may have left open is over
        here = signer.path.rename(signer.path.with_name("away.sock"))
        client._socket.drop()
        for _ in range(3):
            await watch.look()
        assert told.tiers == [Tier.OK, Tier.HIGH]
        assert "no order can be signed: the signer does not answer" in told.findings[-1].fact
        assert "keel signer" in told.findings[-1].remedy
        here.rename(signer.path)
        for _ in range(2):
            await watch.look()
        assert told.tiers == [Tier.OK, Tier.HIGH, Tier.OK]


@pytest.mark.parametrize(
    ("code", "tier", "words"),
    [
        (RefusalCode.LOCKED, Tier.HIGH, "keel signer unlock"),
        (RefusalCode.STRANGER, Tier.HIGH, "keel check"),
        (RefusalCode.FENCED, Tier.CRITICAL, "restart the one that is to trade"),
    ],
)
async def test_a_no_to_everything_is_told_at_once_with_what_to_do(
    signer: ScriptedSigner, client: SignerClient, code: RefusalCode, tier: Tier, words: str
) -> None:
    told, changes = Told(), list[str]()
    watch = SignerWatch(client, settle=told, changed=lambda: changes.append(watch.trouble))
    signer.always = lambda _: Refusal(code=code, why="no")
    for _ in range(3):
        await watch.look()
    assert told.tiers == [tier]
    assert words in told.findings[0].remedy
    assert changes == [watch.trouble]
    assert bool(watch.barred) is (code is RefusalCode.FENCED)


async def test_a_broken_signer_stays_broken_until_it_is_started_again(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    told = Told()
    watch = SignerWatch(client, settle=told)
    async with trade_world(signer=client, valid_s=20.0, execution_s=5.0) as world:
        signer.replies = [lambda _: Refusal(code=RefusalCode.BROKEN, why="the journal cannot be written")] * 10**4
        asked = await world.proposed()
        await world.press(asked)
    await watch.look()
    await watch.look()
    assert told.tiers == [Tier.HIGH]
    client._socket.drop()  # as a restart does
    await watch.look()
    assert told.tiers == [Tier.HIGH, Tier.OK]


async def test_status_and_cards_say_who_signs_and_when_nobody_does(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    async with trade_bot(signer=client) as bot:
        assert bot.parts.signer is not None
        await bot.parts.signer.look()
        key = WELL.public_key[:4]
        mode = f"Trading: active on paper via signer {key}.., cap $100,000 an order and $1,000,000 a day, $0 of it used"
        assert mode in text_of((await bot.answer("/status")).message)
        card = await bot.answer("/close SOL half")
        assert "Nothing can be sent now" not in text_of(card.message)
        signer.always = lambda _: Refusal(code=RefusalCode.LOCKED, why="locked, after 10 refusals")
        await bot.parts.signer.look()
        await bot.settle()
        warning = "! Nothing can be sent now: the signer refused: locked, after 10 refusals."
        assert warning in text_of((await bot.answer("/status")).message)
        assert warning in text_of(bot.transport.shown(card.ref))
