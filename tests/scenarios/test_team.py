"""Two people, two accounts, a group and a process that restarts, over real sockets: who hears and may do what."""

import asyncio
import re
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.scenarios.conftest import Start, fall_to
from tests.support.keel_process import KeelProcess
from tests.support.phone import OWNER, Phone
from tests.support.scenarios import OnePosition, sol_long
from tests.support.solana_rpc import SolanaRpc
from tests.support.telegram import SentMessage, TelegramServer
from tests.support.world_builder import WorldBuilder

BOB, MALLORY = 2002, 3003
DESK, ELSEWHERE = -1001, -1002
A_MOMENT_S = 0.5
CODE = re.compile(r"/start ([0-9A-Z]{4}-[0-9A-Z]{4})")
BOT = {"id": 7_000_000_001, "is_bot": True, "first_name": "Keel", "username": "keel_test_bot"}


@pytest.fixture
def scene() -> OnePosition:
    """Alice's SOL long, and beside it Bob's BTC long and Carol's USDC."""
    scene, builder = sol_long(leverage=5), WorldBuilder()
    for owner, market, size in (("bob", "BTC-PERP", "0.05"), ("carol", "", "")):
        perps = [builder.position(market, Decimal(size))] if market else []
        builder.add_user(owner, spots=[builder.deposit("USDC", Decimal(1_000))], perps=perps)
    more = builder.build()
    assert set(scene.world.accounts) & set(more.accounts), "the same markets"
    return replace(scene, world=replace(scene.world, accounts={**more.accounts, **scene.world.accounts}))


def account_of(owner: str) -> str:
    from tests.support import addresses

    return addresses.user_address(addresses.address(owner), 0)


def accounts(scene: OnePosition) -> str:
    return f"{scene.user}=main,{account_of('bob')}=desk"


def btc_falls(rpc: SolanaRpc) -> None:
    """To where Bob's account is CRITICAL: 1,000 USDC behind 0.05 BTC."""
    builder = WorldBuilder()
    rpc.set_oracle(builder.oracle_address("BTC"), round(_price_at(builder, Decimal("1.10")), 4))


def _price_at(builder: WorldBuilder, ratio: Decimal) -> Decimal:
    entry, size = builder.catalogue.feed("BTC").price_usd, Decimal("0.05")
    maintenance = Decimal("0.03")
    return (size * entry - 1_000) / (size * (1 - maintenance * ratio))


async def added(telegram: TelegramServer, chat: int, by: int) -> None:
    """Somebody lets the bot into a group."""
    telegram.add_group(chat)
    await telegram.report(
        "my_chat_member",
        {
            "chat": {"id": chat, "type": "supergroup", "title": "Desk"},
            "from": {"id": by, "is_bot": False, "first_name": "Somebody"},
            "date": 1_760_000_000,
            "old_chat_member": {"status": "left", "user": BOT},
            "new_chat_member": {"status": "member", "user": BOT},
        },
    )


async def pressed(phone: Phone, message: SentMessage, button: str) -> str:
    """Press a button of any message; the notice beside it."""
    query = await phone.server.press(phone.user, message, button)
    await phone.until(lambda: query in phone.server.answers, f"an answer to {button}")
    return phone.server.answers[query]


async def confirmed(phone: Phone, text: str) -> str:
    """Ask for something that wants a Confirm, and confirm it; the card as it reads then."""
    await phone.ask(text)
    card = next(message for message in reversed(phone.messages) if "Confirm" in message.labels)
    before = card.text
    await pressed(phone, card, "Confirm")
    await phone.until(lambda: card.text != before, f"what became of {text}")
    return card.text


async def both(bot: KeelProcess, telegram: TelegramServer, roles: str = "responder desk") -> tuple[Phone, Phone]:
    """The owner, and Bob, who was invited for one account."""
    owner, bob = Phone(telegram), Phone(telegram, BOB)
    telegram.add_user(BOB, "Bob")
    await owner.link(await bot.link_code())
    code = CODE.search(await owner.ask(f"/invite {roles} for Bob"))
    assert code is not None
    assert (await bob.ask(f"/start {code[1]}")).startswith("Linked. You are responder of desk.")
    return owner, bob


async def test_each_hears_of_their_accounts_alone_and_an_ack_shows_everywhere(
    start: Start, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc
) -> None:
    bot = await start(ACCOUNTS=accounts(scene))
    owner, bob = await both(bot, telegram)
    assert (await owner.ask("/accounts")).startswith("2 accounts")
    assert (await bob.ask("/health")).startswith("desk: health ")
    assert (await bob.ask("/health main")).startswith("No account is called main. Accounts: desk.")

    fall_to("CRITICAL", scene, rpc)
    first = await owner.alert("CRITICAL")
    assert "main" in first.text
    await asyncio.sleep(A_MOMENT_S)
    assert not [message for message in bob.messages if "main" in message.text.replace("called main", "")]
    # Told together with others, or alone.
    refused = (f"There is no alert #{first.number}.", "Nothing of this waits for an acknowledgement any more.")
    assert await pressed(bob, first.message, "Ack") in refused
    assert "Acked" not in first.text

    btc_falls(rpc)
    await bob.until(lambda: any("CRITICAL desk" in message.text for message in bob.messages), "Bob's alert")
    theirs = next(message for message in bob.messages if "CRITICAL desk" in message.text)
    await owner.until(lambda: any("CRITICAL desk" in message.text for message in owner.messages), "the owner's copy")
    assert (await pressed(bob, theirs, "Ack")).startswith("Acked ")
    copy = next(message for message in owner.messages if "CRITICAL desk" in message.text)
    await owner.until(lambda: "Acked by Bob" in copy.text, "Bob's name on the owner's copy")
    assert "Acked by Bob" not in first.text

    assert "is a stranger now" in await confirmed(owner, "/revoke Bob")
    assert await pressed(bob, theirs, "Details") == "This button is not for you."
    heard = len(bob.messages)
    rpc.set_oracle(WorldBuilder().oracle_address("BTC"), round(_price_at(WorldBuilder(), Decimal("0.95")), 4))
    await owner.until(lambda: any("LIQUIDATING desk" in message.text for message in owner.messages), "it getting worse")
    await asyncio.sleep(A_MOMENT_S)
    assert len(bob.messages) == heard


async def test_groups_hear_what_they_were_linked_for_and_unknown_ones_are_left(
    start: Start, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc
) -> None:
    bot = await start(ACCOUNTS=accounts(scene))
    owner, _ = await both(bot, telegram)
    telegram.add_user(MALLORY, "Mallory")
    await added(telegram, ELSEWHERE, MALLORY)
    await telegram.wait_for(lambda: telegram.api.left == [ELSEWHERE])
    assert not telegram.messages(ELSEWHERE)

    await added(telegram, DESK, OWNER)
    here, bob_here = Phone(telegram, OWNER, chat=DESK), Phone(telegram, BOB, chat=DESK)
    await here.until(lambda: here.messages, "a hello")
    assert await bob_here.ask("/health") == (
        "Nobody has linked this group. Ask me in private, or have an admin link it with /here."
    )
    assert (await bob_here.ask("/here desk")).startswith("Only an admin of desk may do that.")
    assert (await here.ask("/here desk")).startswith("This group hears of desk from now on.")
    assert (await bob_here.ask("/health")).startswith("desk: health ")
    assert await here.ask("/health main") == "main is not spoken of here. Ask me in private."
    said = len(here.messages)
    await Phone(telegram, MALLORY, chat=DESK).say("/health")
    fall_to("CRITICAL", scene, rpc)
    await owner.alert("CRITICAL")
    btc_falls(rpc)
    await here.until(lambda: any("CRITICAL desk" in message.text for message in here.messages), "the group's alert")
    assert not [message for message in here.messages[said:] if "main" in message.text]


async def test_what_was_added_and_chosen_in_chat_outlives_a_restart(
    start: Start, telegram: TelegramServer, scene: OnePosition
) -> None:
    bot = await start(ACCOUNTS=accounts(scene))
    owner, bob = await both(bot, telegram)
    assert "whale is watched from now on." in await confirmed(owner, f"/watch {account_of('carol')} whale")
    await bob.ask("/settings numbers de")
    await bob.ask("/accounts name desk mine")
    assert await bot.stop() == 0

    again = await start(ACCOUNTS=accounts(scene))
    await again.started()
    assert (await owner.ask("/health whale", 20.0)).startswith("whale: health 100%, OK")
    assert re.match(r"mine: \$\d{3},\d\d|mine: \$1\.\d{3}|mine: \$\d{3}, ", await bob.ask("/portfolio"))
    assert "whale is watched no longer." in await confirmed(owner, "/unwatch whale")
    assert (await owner.ask("/accounts")).startswith("2 accounts")
