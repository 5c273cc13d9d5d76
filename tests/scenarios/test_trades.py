"""From a command on a phone to a fill: nothing goes out that was not confirmed, and the card says what became of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import SLOTS_PER_S, Start, rpc_url
from tests.support.keel_process import KeelProcess
from tests.support.phone import Phone
from tests.support.signer_process import SOL_LINES, AccountLines, MarketLines, SignerProcess, signer_process
from tests.support.solana_rpc import SolanaRpc, running_rpc
from tests.support.telegram import SentMessage

TRADES = {
    "TRADING_ENABLED": "true",
    "TRADING_REDUCE_ONLY": "false",
    "TRADING_MAX_ORDER_USD": "1000000",
    "TRADING_DAILY_USD": "10000000",
    "TRADING_SLIPPAGE_BPS": "200",
}
MARKETS = [SOL_LINES, MarketLines(index=1, name="BTC-PERP", price_from_usd="10000", price_to_usd="1000000")]
PAPER = TRADES | {"VENUE": "paper", "ACCOUNTS": "demo:0=main", "RPC_URLS": "", "CHECK_INTERVAL_S": "0.5"}


@pytest.fixture
async def trader(start: Start, phone: Phone) -> KeelProcess:
    """A bot that trades on paper, and knows its owner."""
    process = await start(**PAPER)
    await phone.link(await process.link_code())
    return process


def card(phone: Phone, begins: str) -> SentMessage:
    """The newest message that begins like this."""
    return [one for one in phone.messages if one.text.startswith(begins)][-1]


async def pressed(phone: Phone, message: SentMessage, button: str) -> str:
    query = await phone.server.press(phone.user, message, button)
    await phone.until(lambda: query in phone.server.answers, f"an answer to {button}", 20.0)
    return phone.server.answers[query]


async def ended(phone: Phone, message: SentMessage, words: str) -> str:
    await phone.until(lambda: words in message.text, words, 20.0)
    return message.text


async def test_flatten_is_asked_about_filled_and_reported_on_its_card(trader: KeelProcess, phone: Phone) -> None:
    await phone.say("/flatten")
    await phone.until(lambda: any(one.text.startswith("Flatten main") for one in phone.messages), "a card", 20.0)
    asked = card(phone, "Flatten main")
    assert asked.labels == ("Confirm", "Cancel", "Half", "Details")

    assert (await pressed(phone, asked, "Confirm")).startswith("Approved")

    report = await ended(phone, asked, "· ended")
    assert "sold" in report
    assert not asked.labels
    assert "completed" in await phone.ask("/audit 3")
    await ended(phone, asked, "No position is open any more.")


async def test_a_cancelled_card_sends_nothing(trader: KeelProcess, phone: Phone) -> None:
    await phone.say("/close SOL half")
    await phone.until(lambda: any(one.text.startswith("Close main") for one in phone.messages), "a card", 20.0)
    asked = card(phone, "Close main")
    await pressed(phone, asked, "Cancel")
    await ended(phone, asked, "cancelled")
    assert not asked.labels
    assert "leg signed" not in await phone.ask("/audit 20")


async def test_halt_is_obeyed_at_once_and_seen_in_the_status(trader: KeelProcess, phone: Phone) -> None:
    assert "halted" in (await phone.ask("/halt")).lower()
    assert "halted" in (await phone.ask("/flatten")).lower()
    assert "halted" in (await phone.ask("/status")).lower()


@pytest.fixture
async def signed_paper(start: Start, phone: Phone, tmp_path: Path) -> AsyncIterator[SignerProcess]:
    """A bot whose paper orders are signed by a signer beside it."""
    pytest.importorskip("solders", reason="the signer needs solders; install keel[solana]")
    folder = tmp_path / "signer"
    folder.mkdir()
    with signer_process(folder, accounts=["demo-0"], markets=MARKETS) as signer:
        process = await start(**(PAPER | {"SIGNER_SOCKET": str(signer.socket)}))
        await phone.link(await process.link_code())
        yield signer


async def test_on_paper_through_the_signer_every_order_is_signed_and_status_says_by_whom(
    signed_paper: SignerProcess, phone: Phone
) -> None:
    status = await phone.ask("/status")
    assert f"Trading: active on paper via signer {signed_paper.public_key[:4]}.." in status
    assert "only orders that reduce" in status
    assert "Steps towards money: TRADING_ENABLED=true, SIGNER_SOCKET, TRADING_REDUCE_ONLY=false." in status

    await phone.say("/close SOL half")
    await phone.until(lambda: any(one.text.startswith("Close main") for one in phone.messages), "a card", 30.0)
    asked = card(phone, "Close main")
    await pressed(phone, asked, "Confirm")
    assert "sold 125 SOL-PERP" in await ended(phone, asked, "· ended")
    (signature,) = signed_paper.logged("signer.signed")
    memory, _, proposal = str(signature["proposal"]).partition(".")
    assert (proposal, signature["leg"], signature["account"]) == ("P1", 1, "demo-0")
    assert memory


async def test_what_the_signer_would_not_sign_gets_no_card_and_is_not_asked_for(
    signed_paper: SignerProcess, phone: Phone
) -> None:
    answer = await phone.ask("/close ETH")
    assert "The signer would not sign it: it signs nothing in ETH-PERP" in answer
    assert not signed_paper.logged("signer.refused")


@pytest.fixture
async def on_chain(start: Start, phone: Phone, tmp_path: Path) -> AsyncIterator[SolanaRpc]:
    """A bot that trades on Drift, by its delegate's key in the signer's hands, at a node that executes orders."""
    pytest.importorskip("driftpy", reason="the extra drift is not installed")
    from tests.support.drift_trading import DELEGATE, OWNER, TradingNode, account_id, trading_world

    folder = tmp_path / "signer"
    folder.mkdir()
    with (
        running_rpc(trading_world(), slots_per_s=SLOTS_PER_S) as rpc,
        signer_process(folder, venue="drift", accounts=[AccountLines.of(OWNER)], key=DELEGATE) as signer,
    ):
        TradingNode.of(rpc)
        changes = {"RPC_URLS": rpc_url(rpc), "ACCOUNTS": f"{account_id()}=main", "SIGNER_SOCKET": str(signer.socket)}
        process = await start(**(TRADES | changes))
        await phone.link(await process.link_code())
        yield rpc


async def test_what_was_confirmed_on_a_phone_is_what_arrives_at_the_node(on_chain: SolanaRpc, phone: Phone) -> None:
    await phone.say("/close SOL half")
    await phone.until(lambda: any(one.text.startswith("Close main") for one in phone.messages), "a card", 30.0)
    asked = card(phone, "Close main")
    assert not on_chain.sent

    await pressed(phone, asked, "Confirm")

    report = await ended(phone, asked, "· ended")
    assert "sold 5 SOL-PERP" in report
    assert len(on_chain.sent) == 1
