"""Within what somebody allowed beforehand the bot protects by itself; everything else waits for a press."""

from datetime import timedelta

import pytest

from bot.messages import text_of
from risk.model.proposal import Proposal, ProposalState, Purpose, StandingTerms, TradePlan
from storage import StandingApprovals
from tests.support.trade_bot import TradeBot, trade_bot
from tests.support.trade_world import ACCOUNT, still

DANGER = {"SOL": (60.0, 0.91), "ETH": (60.0, 0.92)}


async def arm(bot: TradeBot, *, cap_usd: float = 500_000.0, markets: frozenset[str] | None = None) -> Proposal:
    terms = StandingTerms(
        account_id=ACCOUNT, markets=markets or frozenset({"SOL-PERP", "ETH-PERP", "BTC-PERP"}), cap_usd=cap_usd,
        expires_at=bot.clock.now() + timedelta(hours=8),
    )  # fmt: skip
    plan = TradePlan(
        account_id=ACCOUNT, purpose=Purpose.ARM, trades=(), title="Allow protection", requested_by="person-owner",
        standing=terms,
    )  # fmt: skip
    home = bot.written("").address
    proposed = await bot.parts.trading.desk.propose(plan, place=home)
    assert proposed.proposal is not None
    await bot.settle()
    bot.clock.pass_s(3)  # the card was no answer to a command, so it is said by itself
    await bot.settle()
    await bot.click(bot.transport.sent[-1], "Confirm")
    return proposed.proposal


async def into_danger(bot: TradeBot) -> None:
    bot.clock.pass_s(60)
    await bot.app.watch.check()


async def guarded(bot: TradeBot) -> list[Proposal]:
    await bot.parts.guardian.look()
    await bot.settle()
    recent = await bot.parts.trading.proposals.recent([ACCOUNT], 50)
    return [one for one in recent if one.purpose is Purpose.PROTECT]


async def test_an_account_in_danger_is_protected_at_once_and_told_to_its_traders() -> None:
    async with trade_bot(prices=still(**DANGER)) as bot:
        await arm(bot)
        await into_danger(bot)
        before = bot.app.services.fleet.reading(ACCOUNT).ratio_percent
        (done,) = await guarded(bot)
        assert done.state in (ProposalState.DONE, ProposalState.PARTIAL)
        assert done.standing_id == "S1"
        assert not done.votes
        after = bot.app.services.fleet.reading(ACCOUNT).ratio_percent
        assert before is not None
        assert after is not None
        assert after > before
        assert any("S1" in text_of(one.message) for one in bot.transport.sent)


async def test_without_danger_nothing_is_done() -> None:
    async with trade_bot() as bot:
        await arm(bot)
        await bot.app.watch.check()
        assert await guarded(bot) == []


async def test_without_an_approval_nothing_is_done() -> None:
    async with trade_bot(prices=still(**DANGER)) as bot:
        await into_danger(bot)
        assert await guarded(bot) == []


async def test_what_the_approval_does_not_cover_is_asked_about() -> None:
    async with trade_bot(prices=still(**DANGER)) as bot:
        await arm(bot, cap_usd=1.0)
        await into_danger(bot)
        (asked,) = await guarded(bot)
        assert asked.state is ProposalState.OPEN
        assert asked.standing_id == ""


async def test_as_much_as_is_covered_goes_out_and_the_rest_is_asked_about() -> None:
    async with trade_bot(prices=still(**DANGER)) as bot:
        await arm(bot, cap_usd=5_000.0)
        await into_danger(bot)
        found = await guarded(bot)
        done = next(one for one in found if one.standing_id)
        asked = next(one for one in found if not one.standing_id)
        assert done.state is ProposalState.DONE
        assert 4_500.0 < done.notional_usd <= 5_000.0
        assert asked.state is ProposalState.OPEN
        held = await bot.position()
        assert held < 250.0


async def test_it_does_not_act_twice_on_one_reading() -> None:
    async with trade_bot(prices=still(**DANGER)) as bot:
        await arm(bot)
        await into_danger(bot)
        await guarded(bot)
        assert len(await guarded(bot)) == 1


@pytest.mark.parametrize("how", ["disarmed", "expired", "halted"])
async def test_it_does_nothing_any_more_once_it_may_not(how: str) -> None:
    async with trade_bot(prices=still(**DANGER)) as bot:
        await arm(bot)
        await into_danger(bot)
        if how == "disarmed":
            await StandingApprovals(bot.store).revoke("person-owner", bot.clock.now())
        elif how == "expired":
            bot.clock.pass_s(9 * 3_600)
            await bot.app.watch.check()
        else:
            await bot.parts.trading.halting.halt(by="person-owner", reason="enough")
        held = await bot.position()
        assert await guarded(bot) == []
        assert await bot.position() == held
