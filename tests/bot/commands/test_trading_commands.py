"""/approvals, /halt, /resume, /arm, /disarm, /orders, /cancel, /audit, and what /status says of trading."""

import csv
import io
import json
from dataclasses import replace

import pytest

from bot.commands import audit
from bot.messages import File
from bot.trading.rules import Quorum
from risk.model.account import Side
from risk.model.proposal import PlannedTrade, ProposalState, Purpose, TradePlan
from risk.model.trading import OrderStyle, TradingState
from storage import AuditAction, Role
from storage.audit import append
from tests.bot.trading.chat_world import ChatWorld, chat_world, labels
from tests.support.bot_world import bot_world
from tests.support.recording_transport import Sent
from tests.support.team import group, member
from tests.support.trade_world import ACCOUNT, sell

TRADING = ("/approvals", "/pin 1", "/halt", "/resume", "/disarm", "/audit")


async def armed(world: ChatWorld, text: str = "/arm SOL cap 5000 8h") -> str:
    """A standing approval that somebody confirmed; what its card says then."""
    card = await world.card(text)
    assert await world.press(card) == "Approved. It is in force."
    return world.text(card)


async def resting_stop(world: ChatWorld) -> None:
    """An order of the bot's own that rests at the venue."""
    stop = PlannedTrade(
        market="SOL-PERP", side=Side.SELL, size_base=50.0, reduce_only=True, style=OrderStyle.TRIGGER_MARKET,
        trigger_usd=140.0, triggers_above=False,
    )  # fmt: skip
    plan = TradePlan(account_id=ACCOUNT, purpose=Purpose.STOP, trades=(stop,), title="Stop at $140.00", requested_by="")
    found = await world.trading.desk.propose(plan)
    assert found.proposal is not None, found.refusal
    await world.idle()
    (card,) = world.cards()
    await world.press(card)
    await world.bot.check()


@pytest.mark.parametrize("text", TRADING)
async def test_where_trading_is_off_every_command_says_what_to_do(text: str) -> None:
    async with bot_world() as world:
        answer = await world.answer(text)
        assert answer.text == (
            "Trading is off: nothing is proposed and nothing goes out. Set TRADING_ENABLED=true and start Keel again."
        )


async def test_trading_that_is_switched_off_in_the_file_says_so() -> None:
    async with chat_world(enabled=False) as world:
        assert (await world.ask("/approvals")).text.startswith("Trading is off")
        assert "Trading: off (read-only)." in (await world.ask("/status")).text


async def test_approvals_list_what_waits_and_who_has_approved() -> None:
    async with chat_world(quorums={"": Quorum(approvals=2, above_usd=0.0)}) as world:
        first = await world.card()
        await world.press(first)
        await world.bot.check(after_s=20)
        found = await world.trading.desk.propose(sell(requested_by="person-owner"))
        assert found.proposal is not None, found.refusal
        answer = await world.ask("/approvals")
        assert answer.text.split("\n")[:5] == [
            "2 proposals wait for a yes",
            "P1 Close main: sell 125 SOL-PERP ≥$159.17",
            "  1 of 2 approvals: Owner, until 12:02:00 UTC, 1 min 40 s left",
            "P2 Close main: sell 50 SOL-PERP ≥$159.17",
            "  0 of 2 approvals, until 12:02:20 UTC, 2 min left",
        ]  # fmt: skip
        again = await world.ask("/approvals p1")
        assert labels(again.message) == ["Confirm", "Cancel", "Half", "Details"]
        unknown = await world.ask("/approvals P9")
        assert unknown.first == "No proposal P9 waits here. There is P1, P2."


async def test_nothing_waits_is_an_answer() -> None:
    async with chat_world() as world:
        assert (await world.ask("/approvals")).text == "Nothing waits for a yes"


async def test_proposals_of_accounts_one_may_not_see_are_not_there() -> None:
    async with chat_world() as world:
        await member(world.bot, "bob", Role.TRADER)
        await world.card()
        bob = await world.bot.app.services.people.person(world.transport.name, "bob")
        assert bob is not None
        await world.bot.app.services.people.take(bob.person_id, "")
        assert (await world.ask("/approvals", user="bob", chat="bob")).text == "Nothing waits for a yes"


async def test_halt_stops_everything_at_once_and_resume_asks_first() -> None:
    async with chat_world() as world:
        card = await world.card()
        halted = await world.ask("/halt")
        await world.idle()
        assert halted.text.split("\n")[:2] == ["HALTED: no order goes out from now on", "Taken back: P1."]
        assert world.text(card).startswith("Close main: cancelled, nothing was sent")
        assert not world.shown(card.ref).buttons
        refused = await world.ask("/close SOL half")
        assert "! Trading is halted: Owner sent /halt." in refused.text
        assert (
            "! Trading is HALTED since 5 Jan 2026 12:00 UTC: Owner sent /halt. Nothing goes out. "
            in (await world.ask("/status")).text
        )

        asked = await world.ask("/resume")
        assert asked.first == "Resume trading on paper?"
        assert (await world.trading.states.get()).state is TradingState.HALTED
        assert await world.press(asked) == "Resumed"
        assert (await world.trading.states.get()).state is TradingState.ACTIVE
        assert (await world.ask("/resume")).text == "Trading is active; there is nothing to resume."


async def test_halt_cancels_orders_that_rest_for_the_bot_and_may_keep_those_that_protect() -> None:
    async with chat_world() as world:
        await resting_stop(world)
        kept = await world.ask("/halt keep")
        assert "1 order that protects a position was left resting, as you said." in kept.text
        assert "Nothing waited" not in kept.text
        assert len(await world.trading.resting.standing()) == 1
        halted = await world.ask("/halt")
        assert "Cancelled at the venue: main sell 50 SOL-PERP below $140.00." in halted.text
        assert "! Nothing protects those positions now" in halted.text
        assert not [one for one in await world.gateway.open_orders(ACCOUNT) if one.trigger_price_usd == 140.0]


@pytest.mark.parametrize("text", ["/halt now", "/halt main", "/halt!", "/halt all", "/halt NOW please", "/HALT."])
async def test_whatever_stands_behind_halt_it_halts_and_then_complains(text: str) -> None:
    async with chat_world() as world:
        card = await world.card()
        answer = await world.ask(text)
        await world.idle()
        assert answer.first == "HALTED: no order goes out from now on"
        assert (await world.trading.states.get()).state is TradingState.HALTED
        assert not world.shown(card.ref).buttons
        strange = any(word in text for word in ("now", "main", "NOW"))
        assert ("! Not understood: " in answer.text) is strange


@pytest.mark.parametrize("text", ["/halt keep", "/halt kep", "/halt Keep!", "/halt keep main"])
async def test_a_slip_in_keep_cancels_no_stop(text: str) -> None:
    async with chat_world() as world:
        await resting_stop(world)
        await world.ask(text)
        assert len(await world.trading.resting.standing()) == 1


async def test_keeping_what_is_not_there_claims_nothing() -> None:
    async with chat_world() as world:
        answer = await world.ask("/halt keep")
        assert "Nothing waited, and no order of mine rested at the venue." in answer.text
        assert "left resting" not in answer.text


async def test_what_is_halted_while_trading_is_off_can_be_lifted_and_status_says_both() -> None:
    async with chat_world(enabled=False) as world:
        await world.ask("/halt")
        status = (await world.ask("/status")).text
        assert "Trading: off (read-only). Besides, Trading is HALTED since 5 Jan 2026 12:00 UTC" in status
        asked = await world.ask("/resume")
        assert "! Trading is switched off besides: nothing goes out before TRADING_ENABLED=true" in asked.text
        assert await world.press(asked) == "Resumed"
        assert world.text(asked).startswith("Trading is not halted now.")
        assert (await world.trading.states.get()).state is TradingState.ACTIVE


async def test_a_trader_of_one_account_may_halt_but_not_resume() -> None:
    async with chat_world() as world:
        await member(world.bot, "bob", Role.TRADER, "main")
        assert (await world.ask("/halt", user="bob", chat="bob")).first.startswith("HALTED")
        assert (await world.ask("/resume", user="bob", chat="bob")).text.startswith("/resume needs the role trader")


async def test_what_keel_stopped_by_itself_an_admin_has_to_resume() -> None:
    async with chat_world() as world:
        await member(world.bot, "bob", Role.TRADER)
        await world.trading.halting.halt(by="keel", reason="an order rests that nobody knows of")
        assert (await world.ask("/resume", user="bob", chat="bob")).text == (
            "This needs the role admin for all accounts; yours is trader."
        )
        assert "! Keel stopped it by itself" in (await world.ask("/resume")).text


async def test_a_resume_card_of_an_earlier_halt_is_worth_nothing() -> None:
    async with chat_world() as world:
        await world.ask("/halt")
        asked = await world.ask("/resume")
        await world.trading.halting.resume(by="person-owner")
        world.clock.pass_s(1)
        await world.ask("/halt")
        assert "meanwhile" in await world.press(asked)
        assert (await world.trading.states.get()).state is TradingState.HALTED


async def test_a_standing_approval_is_itself_confirmed_and_shown_in_every_status() -> None:
    async with chat_world() as world:
        card = await world.card("/arm SOL-PERP, BTC cap $5,000 8h")
        assert card.first == "Arm main: up to $5,000, until 20:00:00 UTC"
        assert "standing approval" not in (await world.ask("/status")).text.lower()
        assert await world.press(card) == "Approved. It is in force."
        line = (
            "Standing approval S1 for main: reduce-only BTC-PERP, SOL-PERP, $5,000 of $5,000 and 8 h left, by Owner."
            " /disarm ends it."
        )
        assert line in (await world.ask("/status")).text
        assert line in (await world.ask("/approvals")).text


async def test_disarm_ends_it_at_once() -> None:
    async with chat_world() as world:
        assert (await armed(world)).startswith("Arm main: in force until 20:00:00 UTC")
        assert (await world.ask("/disarm")).first == "Disarmed: 1 standing approval is over"
        assert not await world.trading.standing.active(world.clock.now())
        assert (await world.ask("/disarm")).first == "No standing approval was in force."
        assert (await world.ask("/disarm other")).first.startswith("other is no standing approval and no account.")


async def test_all_stands_for_what_is_held_now() -> None:
    async with chat_world() as world:
        await armed(world, "/arm all cap 5k 90m")
        (one,) = await world.trading.standing.active(world.clock.now())
        assert one.terms.markets == {"SOL-PERP", "BTC-PERP", "ETH-PERP"}
        assert one.terms.cap_usd == 5_000.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/arm", "Say which markets"),
        ("/arm SOL", "Say what may be traded at most in USD"),
        ("/arm SOL cap 5000", "Say for how long"),
        ("/arm cap 5000 8h", "Say which markets"),
        ("/arm SOL cap 0 8h", "0 is no amount of USD above zero"),
        ("/arm SOL cap -5 8h", "-5 is no amount of USD above zero"),
        ("/arm SOL cap nan 8h", "nan is no amount of USD above zero"),
        ("/arm SOL cap 1e999 8h", "1e999 is no amount of USD above zero"),
        ("/arm SOL cap 5000 25h", "25h is too long"),
        ("/arm SOL cap 5000 0h", "A standing approval lasts longer"),
        ("/arm SOL cap 5000 8", "'8' is no time"),
        ("/arm DOGE cap 5000 8h", "DOGE is no perp market here"),
        ("/arm SOL cap", "Cap of what?"),
        ("/arm SOL 5000 6000 8h", "'6000' is no time"),
        ("/arm SOL 5000 8h 6000", "One cap at a time: $5,000 or $6,000"),
    ],
)
async def test_what_cannot_be_armed_says_what_could(text: str, says: str) -> None:
    async with chat_world() as world:
        answer = await world.ask(text)
        assert answer.first.lower().startswith(says.lower()), answer.text
        assert not answer.message.buttons


@pytest.mark.parametrize("text", ["/arm SOL 5000 8h", "/arm 5k 8h SOL", "/arm SOL 8h cap 5,000", "/arm SOL 480m $5000"])
async def test_an_amount_needs_no_word_before_it(text: str) -> None:
    async with chat_world() as world:
        assert (await world.ask(text)).first == "Arm main: up to $5,000, until 20:00:00 UTC"


async def test_a_second_standing_approval_names_the_one_in_force() -> None:
    async with chat_world() as world:
        await armed(world)
        card = await world.card("/arm BTC cap 1000 1h")
        assert "S1 is in force as well: SOL-PERP, $5,000 left until 5 Jan 2026 20:00 UTC; this comes" in card.text
        await world.press(card, "Details")
        assert world.transport.sent[-1].text.startswith("Arm main: in detail\n")
        assert "0 orders" not in world.transport.sent[-1].text


async def test_whoever_may_not_press_gets_a_card_to_read() -> None:
    async with chat_world() as world:
        await member(world.bot, "viv", Role.VIEWER)
        card = await world.card()
        answer = await world.ask("/approvals", user="viv", chat="viv")
        assert answer.first == card.first
        assert not answer.message.buttons
        assert "To read only: pressing takes the role trader for main." in answer.text
        assert labels(world.shown(card.ref)) == ["Confirm", "Cancel", "Half", "Details"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/hedge 0 main", "Name the account first: main 0."),
        ("/close SOL main", "Name the account first: main SOL."),
        ("/cancel 4 main", "Name the account first: main 4."),
        ("/emergency 2 main", "Name the account first: main 2."),
        ("/rebalance SOL=40 main", "Name the account first: main SOL=40."),
        ("/close all", "One market at a time. Positions: SOL-PERP, BTC-PERP, ETH-PERP. To close every position use"),
        ("/stop SOL half", "Say one price, such as /stop SOL -5%."),
        ("/tp SOL", "Say one price, such as /tp SOL +5%."),
        ("/rebalance SOL=0.4 BTC=0.4", "SOL=0.4 would be 0.4% of equity. Write SOL=40 for 40%"),
    ],
)
async def test_what_is_typed_wrongly_is_answered_with_what_would_work(text: str, says: str) -> None:
    async with chat_world() as world:
        assert (await world.ask(text)).first.startswith(says)


async def test_no_chat_raises_the_cap_of_the_file() -> None:
    async with chat_world(standing_cap_usd=1_000.0) as world:
        answer = await world.ask("/arm SOL cap 1001 1h")
        assert "more than may be allowed beforehand" in answer.text
        assert not answer.message.buttons


async def test_orders_tell_the_bots_own_from_others() -> None:
    async with chat_world() as world:
        await resting_stop(world)
        answer = await world.ask("/orders")
        assert answer.first == "main: 2 resting orders, 1 of them by Keel"
        lines = answer.text.split("\n")
        assert any("sell 50 SOL-PERP below $140.00, reduce-only; by Keel, P1 stop, 5 s ago" in one for one in lines)
        assert "4 sell 100 SOL-PERP at $178.00, reduce-only" in lines


async def test_orders_work_without_trading() -> None:
    async with bot_world() as world:
        await world.check(400)
        assert (await world.answer("/orders")).first == "main: no order rests at the venue"


async def test_cancelling_takes_a_confirmation_and_warns_of_what_protects() -> None:
    async with chat_world() as world:
        card = await world.card("/cancel 4")
        assert card.first == "Cancel orders main: order 4"
        assert "1 cancel order 4" in card.text
        assert "P1: Cancel order 4 sell 100 SOL-PERP at $178.00, reduce-only" in card.text
        assert "Order 4 takes a profit; stops stay as they are." in card.text
        assert "Until then" not in card.text
        assert len(await world.gateway.open_orders(ACCOUNT)) == 1
        assert await world.press(card) == "Approved. Cancelling at the venue."
        assert await world.state() is ProposalState.DONE
        assert not await world.gateway.open_orders(ACCOUNT)


async def test_taking_back_a_cancellation_says_that_the_orders_are_still_there() -> None:
    async with chat_world() as world:
        card = await world.card("/cancel 4")
        assert await world.press(card, "Cancel") == (
            "Taken back: nothing was cancelled, the orders still rest at the venue."
        )
        assert world.text(card).startswith("Cancel orders main: NOT cancelled, they rest on")
        assert len(await world.gateway.open_orders(ACCOUNT)) == 1


async def test_cancelling_a_stop_says_what_it_protected() -> None:
    async with chat_world() as world:
        await resting_stop(world)
        card = await world.card("/cancel 5")
        assert "! order 5 is a stop: nothing of it protects the SOL-PERP position any more." in card.text


@pytest.mark.parametrize(
    "text", ["/cancel", "/cancel 5", "/cancel x", "/cancel 4 5", "/cancel " + "9" * 40, "/cancel -4"]
)
async def test_an_order_that_is_not_there_cannot_be_cancelled(text: str) -> None:
    async with chat_world() as world:
        answer = await world.ask(text)
        assert "There is 4" in answer.text
        assert not answer.message.buttons


async def test_the_audit_shows_each_step() -> None:
    async with chat_world() as world:
        card = await world.card()
        await world.press(card)
        answer = await world.ask("/audit")
        lines = answer.text.split("\n")
        assert lines[0] == "The last 9 steps, newest first"
        assert lines[1].startswith("#9 5 Jan 12:00:00 UTC main P1 completed, by Keel")
        assert any(line.startswith("#3 5 Jan 12:00:00 UTC main P1 approved, by Owner") for line in lines)
        assert any("125 filled, fee $7.00" in line for line in lines)
        assert len((await world.ask("/audit 2")).text.split("\n")) == 4
        assert (await world.ask("/audit 0")).first == "Say how many steps, 1 to 50, or export."
        entries = await world.trading.audit.entries(20)
        assert all(isinstance(json.loads(one.facts_json), dict) for one in entries)


def file_of(answer: Sent) -> File:
    (file,) = [block for block in answer.message.blocks if isinstance(block, File)]
    return file


async def test_the_audit_comes_as_a_file_for_a_spreadsheet_or_for_a_program() -> None:
    async with chat_world() as world:
        await world.press(await world.card())
        answer = await world.ask("/audit export")
        assert answer.first == "The audit, 9 rows, oldest first"
        file = file_of(answer)
        assert (file.name, file.alt) == ("keel-audit-20260105-120000.csv", "The audit as CSV, 9 rows.")
        rows = list(csv.DictReader(io.StringIO(file.content.decode())))
        assert [row["seq"] for row in rows] == [str(number) for number in range(1, 10)]
        assert [row["prev_hash"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]
        steps = json.loads(file_of(await world.ask("/audit export JSON")).content)
        assert [(step["seq"], step["action"]) for step in steps] == [(int(row["seq"]), row["action"]) for row in rows]
        for unfit in ("/audit export xml", "/audit export csv json"):
            assert (await world.ask(unfit)).first == "Say csv or json behind export."


async def test_the_file_has_only_rows_of_accounts_that_are_seen_where_it_is_asked_for() -> None:
    async with chat_world() as world:
        await world.press(await world.card())
        await world.trading.pins.set("person-owner", "1234", now=world.clock.now())
        (step,) = await world.trading.audit.entries(1)
        foreign = replace(step, action=AuditAction.CANCELLED, account_id="of somebody else")
        await world.bot.store.atomic(lambda db: append(db, foreign))
        await member(world.bot, "bob", Role.TRADER, "main")
        await group(world.bot, "-100")
        whole = json.loads(file_of(await world.ask("/audit export json")).content)
        assert {"pin_set", "cancelled"} < {row["action"] for row in whole}
        for who in ({"user": "bob", "chat": "bob"}, {"chat": "-100", "private": False}):
            answer = await world.ask("/audit export json", **who)
            seen = [row["seq"] for row in json.loads(file_of(answer).content)]
            assert seen == [row["seq"] for row in whole if row["action"] not in ("pin_set", "cancelled")]
            assert "Only rows of accounts that are seen here" in answer.text


async def test_a_file_that_would_be_too_long_has_the_newest_rows_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chat_world() as world:
        await world.press(await world.card())
        monkeypatch.setattr(audit, "EXPORT_ROWS", 4)
        answer = await world.ask("/audit export")
        assert answer.first == "The audit, the newest 4 rows, oldest first"
        assert "! Older rows are left out" in answer.text
        rows = list(csv.DictReader(io.StringIO(file_of(answer).content.decode())))
        assert [row["seq"] for row in rows] == ["6", "7", "8", "9"]
        monkeypatch.setattr(audit, "EXPORT_BYTES", 700)
        for kind in ("csv", "json"):
            content = file_of(await world.ask(f"/audit export {kind}")).content
            assert len(content) <= 700
            assert b"completed" in content


async def test_the_audit_is_for_traders() -> None:
    async with chat_world() as world:
        await member(world.bot, "viv", Role.VIEWER)
        await group(world.bot, "-100")
        assert "role trader" in (await world.ask("/audit", user="viv", chat="viv")).text
