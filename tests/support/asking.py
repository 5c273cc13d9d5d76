"""Commands that make plans, asked directly: a desk that only notes, and markets that stand where they are put."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from bot.commands.registry import all_commands
from bot.commands.spec import Request, Services
from bot.messages import Address, Block, Line, Message, Person, text_of
from bot.trading.rules import TradingRules
from risk.model.account import AccountSnapshot
from risk.model.proposal import Proposal, ProposalState, Proposed, Refusal, TradePlan
from risk.model.trading import MarketDepth
from risk.ports import Clock
from storage import LinkedPerson
from tests.bot.commands.histories import give_bars
from tests.risk.depths import make_depth
from tests.support.bot_world import HOME, OWNER, BotWorld, bot_world


@dataclass(slots=True)
class FixedDepth:
    """Implements risk.trade_ports.DepthSource."""

    clock: Clock
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def depth(self, account_id: str, markets: Sequence[str]) -> Mapping[str, MarketDepth]:
        now = self.clock.now()
        return {one: make_depth(one, **{"observed_at": now, **self.changed.get(one, {})}) for one in markets}


@dataclass(slots=True)
class NotingDesk:
    """Takes every plan, or refuses every one, and sends nothing anywhere.

    Attributes:
        asked: Every plan with the place it was asked for at.
    """

    clock: Clock
    refusal: Refusal | None = None
    asked: list[tuple[TradePlan, Address | None]] = field(default_factory=list)

    async def propose(self, plan: TradePlan, *, place: Address | None = None) -> Proposed:
        self.asked.append((plan, place))
        if self.refusal is not None:
            return Proposed(proposal=None, refusal=self.refusal)
        return Proposed(proposal=await self.proposal(f"P{len(self.asked)}"))

    async def proposal(self, proposal_id: str) -> Proposal | None:
        plan, _ = self.asked[int(proposal_id[1:]) - 1]
        now = self.clock.now()
        return Proposal(
            proposal_id=proposal_id, revision=1, account_id=plan.account_id, purpose=plan.purpose, title=plan.title,
            state=ProposalState.OPEN, legs=(), effect=None, notes=plan.notes, deposit_usd=plan.deposit_usd,
            requested_by=plan.requested_by, created_at=now, expires_at=now + timedelta(minutes=2),
        )  # fmt: skip


class PlainCards:
    """A card is its title, with everything the plan notes."""

    async def here(self, proposal: Proposal, address: Address) -> Message:
        notes = [Line(note) for note in proposal.notes]
        return Message(blocks=(Line(f"CARD {proposal.title}", strong=True), *notes), card=proposal.proposal_id)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    message: Message

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.message.blocks

    @property
    def text(self) -> str:
        return text_of(self.message)


@dataclass(slots=True, kw_only=True)
class Asking:
    """Somebody at a chat of a bot that trades on a desk which only notes."""

    world: BotWorld
    services: Services
    desk: NotingDesk
    depth: FixedDepth
    me: LinkedPerson

    async def message(self, text: str, *, person: LinkedPerson | None = None) -> Said:
        """What a command answers. Raises: Usage, Denied."""
        name, *words = text.removeprefix("/").split()
        request = Request(
            args=tuple(words), sender=Person(transport=self.world.transport.name, user_id=OWNER),
            person=person or self.me, address=Address(transport=self.world.transport.name, chat=HOME),
        )  # fmt: skip
        return Said(await all_commands()[name].run(self.services, request))

    async def answer(self, text: str, *, person: LinkedPerson | None = None) -> str:
        """The same as plain text."""
        return (await self.message(text, person=person)).text

    async def plan(self, text: str) -> TradePlan:
        """The plan that a command asks for, with its card answered."""
        before = len(self.desk.asked)
        answer = await self.answer(text)
        assert len(self.desk.asked) == before + 1, answer
        plan, place = self.desk.asked[-1]
        assert answer.startswith(f"CARD {plan.title}"), answer
        assert place == Address(transport=self.world.transport.name, chat=HOME)
        assert plan.requested_by == self.me.person_id
        assert plan.account_id in self.world.app.services.roster.account_ids
        return plan

    async def hold(self, account: AccountSnapshot, account_id: str = "") -> None:
        """An account stands like this from now on."""
        self.world.reader.accounts[account_id or self.world.account] = account
        await self.world.check()


@asynccontextmanager
async def asking(
    account: AccountSnapshot, *nicknames: str, trading: bool = True, days: int = 0, **given: Any
) -> AsyncIterator[Asking]:
    """A bot whose every account stands like this.

    Args:
        trading: False for a bot that only shows.
        days: Of price history.
    """
    async with bot_world(*nicknames, **given) as world:
        desk, depth = NotingDesk(world.clock), FixedDepth(world.clock)
        parts: Any = SimpleNamespace(desk=desk, cards=PlainCards(), rules=TradingRules(enabled=True))
        services = world.app.services
        services = replace(services, trading=parts if trading else None, desks=replace(services.desks, depth=depth))
        me = await services.people.person(world.transport.name, OWNER)
        assert me is not None
        if days:
            await give_bars(world, days)
        found = Asking(world=world, services=services, desk=desk, depth=depth, me=me)
        for account_id in services.roster.account_ids:
            await found.hold(account, account_id)
        yield found
