"""Many presses at once, and many that are worth nothing."""

import asyncio
import base64
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from bot.messages import Address, MessageRef
from bot.trading.cards.card import PREFIX
from risk.decisions.proposals import ProposalEvent
from risk.model.account import Side
from risk.model.proposal import Proposal, ProposalState
from storage import (
    NO_ACCESS,
    Access,
    AuditAction,
    CardAction,
    CardPress,
    PressKind,
    Role,
    Store,
)
from tests.bot.trading.proposals import NOW
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.storage.trading_builders import GROUP, PHONE, TRADER, Desk, make_legs, make_press
from tests.support.bot_world import OWNER
from tests.support.trade_bot import TradeBot, trade_bot
from tests.support.trade_world import TradeWorld, card_press, sell, trade, trade_world

PEOPLE = tuple(f"person {number}" for number in range(8))
STORMS = 200
DECISIVE = (CardAction.CONFIRM, CardAction.HALF, CardAction.CANCEL)
WORTHLESS = frozenset({
    PressKind.ALREADY_VOTED, PressKind.EXPIRED, PressKind.SUPERSEDED, PressKind.USED, PressKind.FOREIGN,
    PressKind.NOT_ALLOWED,
})  # fmt: skip


async def storm(world: TradeWorld, proposal: Proposal, actions: Sequence[CardAction]) -> Counter[PressKind]:
    """Everybody presses at once, each their own button."""
    presses = [
        card_press(world.handles, proposal, action, by=person) for person, action in zip(PEOPLE, actions, strict=True)
    ]
    pressed = await asyncio.gather(*(world.desk.press(press) for press in presses))
    await world.execution.idle()
    return Counter(one.kind for one in pressed)


async def test_of_eight_confirmations_at_once_one_counts_two_hundred_times(figure: Gauge) -> None:
    async with trade_world() as world:
        for number in range(STORMS):
            side = Side.SELL if number % 2 else Side.BUY
            before = await world.position()
            proposal = await world.proposed(sell(trade(side, 1.0)))
            kinds = await storm(world, proposal, [CardAction.CONFIRM] * len(PEOPLE))

            assert kinds == {PressKind.APPROVED: 1, PressKind.USED: len(PEOPLE) - 1}
            assert await world.position() == before + (1.0 if side is Side.BUY else -1.0)
            ended = await world.now(proposal)
            assert ended.state is ProposalState.DONE
            assert len(ended.votes) == 1
        signed = [one async for one in world.audit.all() if one.action is AuditAction.LEG_SIGNED]
        figure(Measure.TRIED, STORMS)
        figure(Measure.DUPLICATES, len(signed) - STORMS)
        assert len(signed) == STORMS


async def test_confirm_half_and_cancel_at_once_leave_one_outcome() -> None:
    dice = random.Random(8)
    ends: Counter[str] = Counter()
    async with trade_world() as world:
        for _ in range(STORMS):
            before = await world.position()
            proposal = await world.proposed(sell(trade(Side.SELL if before > 100 else Side.BUY, 2.0)))
            kinds = await storm(world, proposal, [dice.choice(DECISIVE) for _ in PEOPLE])

            ended, moved = await world.now(proposal), abs(await world.position() - before)
            confirmed = ended.state is ProposalState.DONE
            assert ended.state in (ProposalState.DONE, ProposalState.CANCELLED, ProposalState.OPEN)
            assert moved == (2.0 if confirmed else 0.0), "what was agreed to went out, or nothing did"
            assert kinds[PressKind.APPROVED] <= 1
            assert kinds[PressKind.CANCELLED] <= 1
            assert ended.revision <= 2, "one of the halves counts"
            if ended.state is ProposalState.OPEN:
                assert ended.revision == 2
                assert not ended.votes
                await world.desk.cancel(proposal.proposal_id, by="ann", reason="enough of it")
            ends[ended.state.value] += 1
    assert len(ends) == 3, f"every end came about: {ends}"


async def test_of_eight_presses_of_one_person_one_counts() -> None:
    async with trade_world() as world:
        proposal = await world.proposed()
        press = card_press(world.handles, proposal)
        pressed = await asyncio.gather(*(world.desk.press(press) for _ in range(8)))
        await world.execution.idle()
        kinds = Counter(one.kind for one in pressed)
        assert kinds == {PressKind.APPROVED: 1, PressKind.ALREADY_VOTED: 7}
        assert await world.position() == 200.0


async def test_eight_traders_press_the_same_card_in_a_chat_at_once() -> None:
    async with trade_bot() as bot:
        users = [OWNER, *(f"u{number}" for number in range(7))]
        for user in users[1:]:
            await bot.link(user, Role.TRADER)
        for round_ in range(10):
            before = await bot.position()
            (card,) = await bot.say("/close SOL 1%")
            await bot.settle()
            confirm = next(one for one in bot.buttons(card.ref) if one.label.startswith("Confirm"))
            presses = [
                bot.pressed(confirm.data, user=user, ref=card.ref, press_id=f"{round_} {user}") for user in users
            ]
            heard = len(bot.transport.answers)
            await bot.serve(*presses)
            await bot.settle()
            notices = Counter(text.split()[0] for _, text in bot.transport.answers[heard:])
            assert notices == {"Approved.": 1, "This": 7}
            assert (await bot.latest()).state is ProposalState.DONE
            assert await bot.position() == pytest.approx(before * 0.99, abs=0.1)


@dataclass(slots=True, kw_only=True)
class Stage:
    """Proposals in every state in which a press is worth nothing, beside one that could be pressed."""

    desk: Desk
    open: Proposal
    expired: Proposal
    decided: tuple[Proposal, ...]
    revised: Proposal
    now: datetime = NOW

    @classmethod
    async def over(cls, store: Store) -> "Stage":
        desk = await Desk.over(store)
        proposals = [await desk.put(places=[PHONE, GROUP]) for _ in range(6)]
        for proposal in proposals:
            for card in await desk.cards.of(proposal.proposal_id):
                await desk.cards.bind(card.card_key, card.place, "77", NOW)
        await desk.press(proposals[1])  # approved
        await desk.press(proposals[2], CardAction.CANCEL)
        await desk.proposals.happened(
            proposals[3].proposal_id, ProposalEvent.EXPIRED, now=NOW, by="keel", reason="nobody confirmed it in time"
        )
        revised = await desk.proposals.revise(
            proposals[4].proposal_id, expected_revision=1, legs=make_legs(), effect=None, changed=("half",), notes=(),
            expires_at=NOW + timedelta(hours=1), now=NOW, by="ann", handles=desk.handles,
        )  # fmt: skip
        return cls(desk=desk, open=proposals[0], expired=proposals[5], decided=tuple(proposals[1:4]), revised=revised)

    def press(self, dice: random.Random) -> tuple[str, CardPress, datetime]:
        """How it is worthless, the press, and when it is made."""
        how = dice.choice(["forged", "foreign", "expired", "replayed", "superseded", "stranger", "guessed"])
        place, action = dice.choice([PHONE, GROUP]), dice.choice(DECISIVE)
        person, now = dice.choice(["ann", "bob", "cem"]), self.now
        access: Access = TRADER
        proposal, revision, message = self.open, 1, "77"
        match how:
            case "expired":
                now += timedelta(seconds=dice.choice([120, 121, 10_000]))
            case "replayed":
                proposal = dice.choice(self.decided)
            case "superseded":
                proposal = self.revised
            case "stranger":
                access = dice.choice([NO_ACCESS, Access(roles={"other": Role.ADMIN}), _only(Role.RESPONDER)])
            case "guessed":
                revision = dice.choice([0, 2, 3, 10**9])
                proposal = dice.choice([self.open, replace(self.open, proposal_id=f"P{dice.randrange(7, 99)}")])
                revision = revision if proposal is self.open else 1
        handle = self.desk.handles.of(proposal.proposal_id, revision, action, place)
        press = make_press(handle, person=person, access=access, place=place, message_id=message)
        if how == "forged":
            press = replace(press, handle=_mangled(handle, dice))
        elif how == "foreign":
            press = dice.choice([
                replace(press, chat=f"{press.chat}0"), replace(press, thread=f"{press.thread}1"),
                replace(press, transport="discord"), replace(press, message_id="78"), replace(press, message_id=""),
                replace(press, chat=GROUP.chat if place == PHONE else PHONE.chat),
            ])  # fmt: skip
        return how, press, now


def _only(role: Role) -> Access:
    return Access(roles={"main": role})


def _mangled(handle: str, dice: random.Random) -> str:
    """Not a handle any more, by a little or by all of it."""
    at = dice.randrange(len(handle))
    other = dice.choice([one for one in "ABCabc012-_" if one != handle[at]])
    # A last character may carry bits that base64 throws away: as text it is another handle all the same.
    return dice.choice([
        handle[:at] + other + handle[at + 1 :], handle[:-1], handle + "A", handle[::-1], handle.swapcase(), "",
        base64.urlsafe_b64encode(dice.randbytes(16)).decode().rstrip("="), "\x00" * 22, "\ud800",
        "'; DROP TABLE", "ß" * 999,
    ])  # fmt: skip


async def test_ten_thousand_worthless_presses_have_no_effect_and_raise_nothing(figure: Gauge) -> None:
    dice, seen = random.Random(20_251_010), Counter[tuple[str, PressKind]]()
    async with Store.forgetful() as store:
        stage = await Stage.over(store)
        before = await _everything(store)
        for _ in range(10_000):
            how, press, now = stage.press(dice)
            pressed = await stage.desk.proposals.press(press, now)
            assert pressed.kind in WORTHLESS, (how, press)
            seen[how, pressed.kind] += 1
        figure(Measure.TRIED, sum(seen.values()))
        figure(Measure.ACCEPTED, sum(kind not in WORTHLESS for _, kind in seen))
        assert await _everything(store) == before
    assert {kind for _, kind in seen} >= WORTHLESS - {PressKind.ALREADY_VOTED}
    assert len({how for how, _ in seen}) == 7


async def _everything(store: Store) -> tuple[str, ...]:
    """Every row of the database."""
    return await store.run(lambda db: tuple(db.conn.iterdump()))


async def test_worthless_presses_in_a_chat_are_answered_and_change_nothing() -> None:
    dice = random.Random(3)
    async with trade_bot() as bot:
        await bot.link("watcher", Role.VIEWER)
        (card,) = await bot.say("/close SOL half")
        await bot.settle()
        data = next(one.data for one in bot.buttons(card.ref) if one.label.startswith("Confirm"))
        for number in range(150):
            await _worthless(bot, card.ref, data, dice, number)
            assert await bot.position() == 250.0
        assert (await bot.latest()).state is ProposalState.OPEN
        assert "Approved" in await bot.click(card, "Confirm")
        assert await bot.position() == 125.0
        for number in range(50):
            await bot.press(data, ref=card.ref, press_id=f"again {number}")
            await bot.settle()
        assert await bot.position() == 125.0


async def _worthless(bot: TradeBot, ref: MessageRef, data: str, dice: random.Random, number: int) -> None:
    elsewhere = MessageRef(address=Address(transport=ref.address.transport, chat="another"), message_id=ref.message_id)
    handle = data.partition(":")[2]
    forged, where, user = dice.choice([
        (f"{PREFIX}:{_mangled(handle, dice)}", ref, OWNER), (f"{PREFIX}:{handle}:{handle}", ref, OWNER),
        (PREFIX, ref, OWNER), (data, elsewhere, OWNER), (data, replace(ref, message_id="m999"), OWNER),
        (data, ref, "watcher"), (data, ref, "nobody"),
    ])  # fmt: skip
    notice = await bot.press(forged, user=user, ref=where, press_id=f"worthless {number}")
    await bot.settle()
    assert not notice.startswith("Approved")
