"""SignerClient: what it asks, what becomes of each answer, and of none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from bot.signer.intent import (
    Anchor,
    Answer,
    Ask,
    AskIdentity,
    Enter,
    Given,
    IntentSide,
    Refusal,
    RefusalCode,
    Sign,
    SigningVenue,
)
from bot.signer.wire import paper_message, read_ask
from bot.trading.signer_client import (
    SignerClient,
    SignerRefused,
    SignerTempo,
    SignerUnavailable,
)
from bot.trading.signer_trouble import Plight
from risk.model.trading import OrderBatch
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support import addresses
from tests.support.order_terms import agreed, halting, make_terms
from tests.support.scripted_signer import WELL, Reply, ScriptedSigner, honest, scripted_signer
from tests.support.signer_process import SignerProcess, signer_process
from venues import ed25519
from venues.errors import VenueRejected, VenueUnavailable
from venues.signing import SigningRequest

ACCOUNT = "ann-0"
EPOCHS = count(100)
ANCHOR = Anchor(rows=7, head="ab" * 32)
NOW_S = make_terms(ACCOUNT).expires_at_s - 60
# Patient where an answer is on its way however slow the machine, and quick where none will ever come.
PATIENT = SignerTempo(answer_s=30.0, patience_s=30.0, pause_s=0.01)
HASTY = SignerTempo(answer_s=0.2, patience_s=0.0, pause_s=0.01)


async def anchored() -> Anchor | None:
    return ANCHOR


@contextlib.asynccontextmanager
async def asking(
    path: Path, *, epoch: int = 5, tempo: SignerTempo = PATIENT, venue: SigningVenue = SigningVenue.PAPER
) -> AsyncIterator[SignerClient]:
    client = SignerClient(path, venue=venue, epoch=epoch, anchor=anchored, tempo=tempo, now_s=lambda: NOW_S)
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def signer() -> AsyncIterator[ScriptedSigner]:
    async with scripted_signer() as running:
        yield running


@pytest.fixture
async def client(signer: ScriptedSigner) -> AsyncIterator[SignerClient]:
    async with asking(signer.path) as found:
        yield found


def batch(**changes: object) -> OrderBatch:
    return replace(agreed(ACCOUNT, make_terms(ACCOUNT)), leg=1, **changes)  # type: ignore[arg-type]  # its fields


def request(given: OrderBatch | None = None, *, height: int = 1_000) -> SigningRequest:
    """On paper."""
    return SigningRequest(batch=given or batch(), message=None, height=height, valid_until=height + 150)


def refusing(code: RefusalCode, why: str = "the signer's own words") -> Reply:
    return lambda _: Refusal(code=code, why=why)


async def test_what_was_agreed_to_is_what_the_signer_is_asked_for(signer: ScriptedSigner, client: SignerClient) -> None:
    given = request()
    signed = await client.sign(given)

    who, entered, asked = map(read_ask, signer.asked)
    assert (who, entered) == (AskIdentity(), Enter(epoch=5))
    assert isinstance(asked, Sign)
    intent, terms = asked.intent, given.batch.terms[0]
    assert (intent.venue, intent.account, intent.authority, intent.chain) == (SigningVenue.PAPER, ACCOUNT, "", None)
    assert (intent.epoch, intent.anchor, intent.height, intent.valid_until) == (5, ANCHOR, 1_000, 1_150)
    assert (intent.proposal, intent.revision, intent.leg) == (given.batch.consent.reference, 1, 1)
    (order,) = intent.orders
    assert (order.market_index, order.side, order.size_raw_1e9) == (0, IntentSide.SELL, terms.size_raw_1e9)
    assert (order.limit_raw_1e6, order.reduce_only, order.expires_at_s) == (140_000_000, True, terms.expires_at_s)
    assert signed.message == intent.message == paper_message(intent)
    assert ed25519.fits(signed.signature, signed.message, await client.public_key())


async def test_a_halts_cancellations_have_a_reference_of_their_own(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    await client.sign(request(halting(ACCOUNT, 3, 4)))
    asked = read_ask(signer.signings[0])
    assert isinstance(asked, Sign)
    assert (asked.intent.orders, asked.intent.cancels, asked.intent.leg) == ((), (3, 4), 0)
    assert asked.intent.proposal.startswith("H")


ENDS_THE_LEG = {
    RefusalCode.MALFORMED: (True, None),
    RefusalCode.STRANGER: (True, Plight.REFUSED),
    RefusalCode.GRAMMAR: (True, None),
    RefusalCode.CAP: (True, None),
    RefusalCode.FENCED: (True, Plight.FENCED),
    RefusalCode.LOCKED: (True, Plight.LOCKED),
    # An earlier signature may still land, and a full disk may be emptied: the order itself is not refused.
    RefusalCode.TWICE: (False, None),
    RefusalCode.BROKEN: (False, Plight.BROKEN),
}


@pytest.mark.parametrize("code", RefusalCode)
async def test_each_refusal_ends_the_leg_or_leaves_it_to_be_asked_again(
    signer: ScriptedSigner, client: SignerClient, code: RefusalCode
) -> None:
    ends, plight = ENDS_THE_LEG[code]
    signer.replies = [refusing(code)]
    with pytest.raises(VenueRejected if ends else VenueUnavailable) as caught:
        await client.sign(request())
    assert (client.trouble.plight if client.trouble else None) is plight
    if code is RefusalCode.FENCED:
        assert "another Keel process began after this one" in str(caught.value)
    else:
        assert str(caught.value) == "the signer refused: the signer's own words"


async def test_a_leg_that_may_still_land_otherwise_is_not_asked_for_over_and_over(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    given = request()
    signer.replies = [refusing(RefusalCode.TWICE)]
    for _ in range(5):
        with pytest.raises(SignerUnavailable, match="own words"):
            await client.sign(given)
    assert len(signer.signings) == 1
    await client.sign(request())  # another one is


async def test_a_process_that_is_not_the_newest_never_asks_again(signer: ScriptedSigner, client: SignerClient) -> None:
    signer.always = refusing(RefusalCode.FENCED)
    for _ in range(3):
        with pytest.raises(SignerRefused, match="has taken over"):
            await client.sign(request())
    assert sum(isinstance(read_ask(one), Enter) for one in signer.asked) == 1


async def test_an_answer_that_got_lost_is_asked_for_again_word_for_word(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    signer.replies = [lambda _: None]
    signed = await client.sign(request())
    first, second = signer.signings
    assert first == second
    assert signer.connections == 2
    assert ed25519.fits(signed.signature, signed.message, WELL.public_key)


async def test_what_is_beyond_the_caps_is_never_asked_for(signer: ScriptedSigner, client: SignerClient) -> None:
    with pytest.raises(SignerRefused, match="only orders that reduce"):
        await client.sign(request(agreed(ACCOUNT, make_terms(ACCOUNT, reduce_only=False))))
    with pytest.raises(SignerRefused, match="nothing for the account bob-0"):
        await client.sign(request(agreed("bob-0", make_terms("bob-0"))))
    assert not signer.signings


async def test_a_signature_that_does_not_fit_the_key_is_refused(signer: ScriptedSigner, client: SignerClient) -> None:
    forged = Given(signature=bytes(addresses.keypair("eve").sign_message(b"x")), again=False)
    signer.replies = [lambda _: forged, honest]
    with pytest.raises(SignerRefused, match="does not fit"):
        await client.sign(request())
    await client.sign(request())


async def test_a_signer_with_another_key_is_not_asked(signer: ScriptedSigner, client: SignerClient) -> None:
    await client.look()
    signer.always = lambda _: replace(WELL, public_key=addresses.address("eve"))
    with pytest.raises(SignerRefused, match="another key than when Keel started"):
        await client.sign(request())
    assert not signer.signings


async def test_a_signer_of_another_venue_is_not_asked(signer: ScriptedSigner) -> None:
    async with asking(signer.path, venue=SigningVenue.DRIFT) as client:
        with pytest.raises(SignerRefused, match="signs for paper and orders go to drift"):
            await client.look()
    assert not [one for one in signer.asked if isinstance(read_ask(one), Enter)], "whose it is would be shut out"


async def test_a_locked_signer_still_says_who_it_is(signer: ScriptedSigner, client: SignerClient) -> None:
    def locked(ask: Ask) -> Answer:
        if isinstance(ask, Enter):
            return Refusal(code=RefusalCode.LOCKED, why="locked, after 10 refusals")
        return replace(WELL, locked="after 10 refusals")

    signer.always = locked
    with pytest.raises(SignerRefused, match="locked, after 10 refusals"):
        await client.look()
    assert client.identity is not None
    assert client.identity.locked
    signer.always = honest
    await client.look()
    assert client.trouble is None


async def test_no_signer_at_all_is_said_with_what_to_do(tmp_path: Path) -> None:
    async with asking(tmp_path / "none.sock", tempo=HASTY) as client:
        with pytest.raises(SignerUnavailable, match=r"does not answer: there is no socket .* start keel signer"):
            await client.sign(request())
        assert client.trouble is not None
        assert client.trouble.plight is Plight.SILENT


async def test_a_signer_that_says_nothing_is_not_waited_for_for_ever(signer: ScriptedSigner) -> None:
    signer.silent = True
    async with asking(signer.path, tempo=HASTY) as client:
        with pytest.raises(SignerUnavailable, match="no answer in time"):
            await client.look()


async def test_who_gives_up_waiting_does_not_spoil_the_next_answer(
    signer: ScriptedSigner, client: SignerClient
) -> None:
    await client.look()
    signer.silent = True
    asking = asyncio.create_task(client.look())
    await signer.heard(3)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    signer.silent = False
    signed = await client.sign(request())
    assert ed25519.fits(signed.signature, signed.message, WELL.public_key)
    assert signer.connections == 2


async def test_several_at_once_take_turns(signer: ScriptedSigner, client: SignerClient) -> None:
    given = [request() for _ in range(20)]
    signed = await asyncio.gather(*map(client.sign, given))
    for one in signed:
        assert ed25519.fits(one.signature, one.message, WELL.public_key)
    assert len({one.signature for one in signed}) == 20
    assert signer.connections == 1


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignerProcess]:
    pytest.importorskip("solders", reason="the signer needs solders; install keel[drift] from its lock")
    with signer_process(tmp_path_factory.mktemp("signer"), accounts=[ACCOUNT]) as running:
        yield running


async def test_the_same_question_after_the_signer_was_killed_gives_the_same_signature(
    real: SignerProcess, figure: Gauge
) -> None:
    given = request()
    async with asking(real.socket, epoch=next(EPOCHS)) as client:
        first = await client.sign(given)
        real.kill()
        again = asyncio.create_task(client.sign(given))
        await asyncio.to_thread(real.restart)
        second = await again
    figure(Measure.DUPLICATES, len({first.signature, second.signature}) - 1)
    assert first == second
    assert len(real.logged("signer.given_again")) == 1


async def test_another_question_for_the_same_leg_waits_until_the_first_cannot_land(real: SignerProcess) -> None:
    given = batch()
    async with asking(real.socket, epoch=next(EPOCHS)) as client:
        await client.sign(request(given))
        with pytest.raises(SignerUnavailable, match="can still take effect, until height 1150"):
            await client.sign(request(given, height=1_100))


async def test_a_process_that_began_later_takes_over(real: SignerProcess) -> None:
    async with asking(real.socket, epoch=next(EPOCHS)) as old, asking(real.socket, epoch=next(EPOCHS)) as new:
        await old.sign(request())
        await new.look()
        with pytest.raises(SignerRefused, match="another Keel process began after this one"):
            await old.sign(request())
        await new.sign(request())
