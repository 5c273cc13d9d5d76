"""/digest: the day in one message, asked for or told once a day."""

import asyncio
from datetime import datetime, timedelta

import pytest

from bot.alerts.event_codec import event_json
from bot.messages import Picture, Refused, RetryAfter, TryAgain, Unreachable
from risk.decisions.tiers import Tier
from risk.model.account import AccountSnapshot
from risk.model.event_kinds import EventKind
from risk.model.events import FlowEvent
from storage import EventBatch, NewEvent, Role
from tests.risk.builders import make_account, make_position
from tests.support.bot_world import HOME, BotWorld, bot_world
from tests.support.recording_transport import Sent
from tests.support.team import member

DAY_S = 86_400.0
AT_NOON = "/digest 12:30"  # half an hour behind the beginning of a test


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures have tests of their own."""
    monkeypatch.setattr("bot.digests.compose.equity_chart", lambda *args, **given: b"PNG")


def account(price_gain: float, *, funding: float | None = 0.0, deposits: float = 1_000.0) -> AccountSnapshot:
    """1,000 USDC and a SOL long that has won so much; funding was received for it so far."""
    return make_account(
        make_position(10.0, entry_usd=100.0 - price_gain / 10), usdc=1_000.0 + (funding or 0.0),
        funding_booked_usd=funding, net_deposits_usd=deposits,
    )  # fmt: skip


def deposited(usd: float, at: datetime, account_id: str = "account-of-alpha") -> NewEvent:
    """USDC came in; nobody waits to be told of it."""
    event = FlowEvent(
        kind=EventKind.DEPOSIT, account_id=account_id, slot=1, observed_at=at, amount_usd=usd, token="USDC",
        amount_tokens=usd,
    )  # fmt: skip
    return NewEvent(
        account_id=account_id, kind=event.kind, market="", tier=Tier.WATCH, slot=1, happened_at=at, source=f"{at}",
        body_json=event_json(event), told=True,
    )  # fmt: skip


async def a_day(world: BotWorld, before: AccountSnapshot, after: AccountSnapshot, account_id: str = "") -> None:
    """A sample a day ago, one now."""
    where = account_id or world.account
    world.reader.accounts[where] = before
    await world.check()
    await world.app.equity.record()
    world.reader.accounts[where] = after
    await world.check(after_s=DAY_S)
    await world.app.equity.record()


def digests(world: BotWorld, chat: str = HOME) -> list[Sent]:
    return [one for one in world.transport.sent if one.chat == chat and one.first.startswith("Digest ")]


async def tick(world: BotWorld, seconds: float = 0.0) -> int:
    """The clockwork looks; how many digests there are then at home."""
    world.clock.pass_s(seconds)
    await world.app.digests.tell_due()
    return len(digests(world))


async def test_a_digest_tells_worth_profit_and_its_parts_risk_and_limits_with_one_picture() -> None:
    async with bot_world("alpha") as world:
        await a_day(world, account(0), account(250, funding=-12.5))
        answer = await world.answer("/digest now")

        assert answer.first == "Digest 6 Jan: alpha: $1,238, +$238 in 24 h"
        assert "Equity  $1,238" in answer.text
        assert "Price, interest  +$250" in answer.text
        assert "Funding  -$12.50" in answer.text
        assert "Fees  unknown" in answer.text
        assert "The venue does not state fees here; they are in the line of the price." in answer.text
        assert "Risk: OK, health ratio" in answer.text
        assert "leverage 0.9x." in answer.text
        assert "Limits: all checked ones hold." in answer.text
        assert "Nothing else happened." in answer.text
        assert [block.alt for block in answer.message.blocks if isinstance(block, Picture)] == [
            "alpha: Equity $1,238, +23.8% in 24 h"
        ]


async def test_money_that_was_paid_in_is_no_profit() -> None:
    async with bot_world("alpha") as world:
        later = account(0, deposits=1_500.0)
        more = make_account(make_position(10.0, entry_usd=100.0), usdc=1_500.0, net_deposits_usd=1_500.0)
        await a_day(world, account(0, funding=None), more)
        answer = await world.answer("/digest now")

        assert answer.first == "Digest 6 Jan: alpha: $1,500, $0 in 24 h"
        assert "Paid in or out  +$500" in answer.text
        assert "does not state funding and fees here" in answer.text
        assert later.net_deposits_usd == 1_500.0


async def test_what_broke_and_what_rang_is_in_it() -> None:
    async with bot_world("alpha", limits=None) as world:
        await world.check(110)
        await world.app.limits.check()
        await a_day(world, make_account(make_position(10.0), usdc=60.0), make_account(make_position(10.0), usdc=60.0))
        text = (await world.answer("/digest now")).text

        assert "Limit: leverage 16.7x, above 5.0x" in text
        assert "What happened:" in text
        assert "alert #1 CRITICAL:" in text


async def test_what_was_done_to_the_account_since_is_in_it_and_nothing_older() -> None:
    async with bot_world("alpha", "bravo") as world:
        await a_day(world, account(0), account(250))
        now = world.clock.now()
        await world.app.services.events.record(
            EventBatch(
                events=(
                    deposited(500.0, now - timedelta(hours=3)),
                    deposited(700.0, now - timedelta(hours=30)),
                    deposited(900.0, now - timedelta(hours=3), "account-of-bravo"),
                )
            ),
            now,
        )
        await member(world, "ann", Role.VIEWER, "alpha")
        text = (await world.answer("/digest now", user="ann")).text

        assert "What happened:" in text
        assert "deposit of 500 USDC" in text
        assert "700" not in text
        assert "900" not in text


async def test_several_accounts_are_one_sum_and_a_list_the_worst_first() -> None:
    async with bot_world("alpha", "bravo") as world:
        world.reader.accounts["account-of-bravo"] = make_account(make_position(10.0), usdc=60.0)
        await a_day(world, account(0), account(250))
        answer = await world.answer("/digest now")

        assert answer.first == "Digest 6 Jan: $1,310, +$250 in 24 h"
        assert answer.text.index("bravo  $60.00") < answer.text.index("alpha  $1.3K")
        assert "bravo, the worst: HIGH, health ratio 120.0%" in answer.text


async def test_an_account_nobody_can_assess_is_said_to_be_unknown() -> None:
    async with bot_world("alpha") as world:
        await a_day(world, account(0), account(250))
        world.reader.problems[world.account] = ("its account data is truncated",)
        await world.check()
        text = (await world.answer("/digest now")).text

        assert "UNKNOWN now: alpha." in text
        assert "Limits: UNKNOWN whether they hold." in text


async def test_without_history_there_is_a_sentence_and_no_profit() -> None:
    async with bot_world("alpha") as world:
        await world.check()
        answer = await world.answer("/digest now")

        assert answer.first == "Digest 5 Jan: alpha: not enough history yet"
        assert not any(isinstance(block, Picture) for block in answer.message.blocks)


async def test_many_accounts_make_a_short_digest_too() -> None:
    async with bot_world(*(f"account{number:02d}" for number in range(60))) as world:
        await a_day(world, account(0), account(250))
        answer = await world.answer("/digest now")

        assert len(answer.text) < 2_000
        assert "and 48 more; /accounts lists all." in answer.text
        assert answer.first == "Digest 6 Jan: $13,050, +$250 in 24 h"


async def test_a_viewer_of_one_account_hears_of_that_one() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "ann", Role.VIEWER, "bravo")
        await a_day(world, account(0), account(250))
        await a_day(world, account(0), account(77.77), "account-of-bravo")
        text = (await world.answer("/digest now", user="ann")).text

        assert "bravo: $1,078" in text
        assert "alpha" not in text
        assert "1,250" not in text


# Once a day.


async def test_a_digest_comes_every_day_at_its_time_and_once() -> None:
    async with bot_world("alpha") as world:
        assert (await world.answer(AT_NOON)).first == "Your digest comes every day at 12:30 UTC."
        await a_day(world, account(0), account(250))
        assert await tick(world) == 1, "the one of yesterday noon, for the bot was away"
        assert await tick(world, 1_700) == 1
        assert await tick(world, 200) == 2
        for _ in range(20):
            assert await tick(world, 3_600) == 2
        assert await tick(world, 5 * 3_600) == 3


async def test_switching_it_on_does_not_bring_the_one_of_this_morning() -> None:
    async with bot_world("alpha") as world:
        await world.answer("/digest 08:00")
        assert await tick(world) == 0
        assert await tick(world, 20 * 3_600 - 60) == 0
        assert await tick(world, 60) == 1


async def test_the_day_is_the_readers() -> None:
    async with bot_world("alpha") as world:
        await world.answer("/settings zone Asia/Tokyo")
        assert (await world.answer("/digest 08:00")).first == "Your digest comes every day at 08:00 JST."
        assert await tick(world, 11 * 3_600 - 60) == 0
        assert await tick(world, 60) == 1
        assert digests(world)[0].first.startswith("Digest 6 Jan: ")


async def test_after_a_restart_it_is_neither_repeated_nor_missed(tmp_path: object) -> None:
    database = f"{tmp_path}/keel.db"
    async with bot_world("alpha", database=database) as world:
        await world.answer(AT_NOON)
        assert await tick(world, 1_800) == 1
        clock = world.clock
    clock.pass_s(3 * DAY_S)
    async with bot_world("alpha", database=database, clock=clock, linked=False) as world:
        await world.check()
        assert await tick(world) == 1, "late, and the newest alone"
        assert await tick(world) == 1


async def test_one_that_was_under_way_when_the_bot_died_is_told_again_and_says_so(tmp_path: object) -> None:
    database = f"{tmp_path}/keel.db"
    async with bot_world("alpha", database=database) as world:
        await world.answer(AT_NOON)
        world.clock.pass_s(1_800)
        (state,) = await world.app.services.digests.all()
        await world.app.services.digests.trying(state.person_id, world.clock.now().date())
        clock = world.clock
    async with bot_world("alpha", database=database, clock=clock, linked=False) as world:
        await world.check()
        assert await tick(world) == 1
        assert "Sent again: Keel was stopped while it was sending this one." in digests(world)[0].text


@pytest.mark.parametrize(("error", "wait_s"), [(TryAgain("down"), 61), (RetryAfter(300.0), 301)])
async def test_a_platform_that_is_down_delays_it(error: Exception, wait_s: float) -> None:
    async with bot_world("alpha") as world:
        await world.answer(AT_NOON)
        world.transport.fail(HOME, error)
        assert await tick(world, 1_800) == 0
        assert await tick(world, 5) == 0
        assert await tick(world, wait_s) == 1
        assert await tick(world, 60) == 1


@pytest.mark.parametrize("error", [Unreachable("blocked"), Refused("no")])
async def test_a_chat_that_cannot_be_reached_gives_way_to_another_of_that_person(error: Exception) -> None:
    async with bot_world("alpha") as world:
        await world.answer(AT_NOON)
        await world.say("/start", chat="elsewhere")
        world.transport.fail(HOME, error)
        assert await tick(world, 1_800) == 0

        assert len(digests(world, "elsewhere")) == 1
        assert await tick(world, 60) == 0


async def test_whom_nobody_can_reach_is_not_tried_for_ever() -> None:
    async with bot_world("alpha") as world:
        await world.answer(AT_NOON)
        world.transport.fail(HOME, Unreachable("blocked"))
        assert await tick(world, 1_800) == 0
        assert await tick(world, 60) == 0
        assert await tick(world, DAY_S) == 1


async def test_it_is_switched_off_and_ends_with_the_person() -> None:
    async with bot_world("alpha") as world:
        await member(world, "ann", Role.VIEWER)
        await world.answer(AT_NOON)
        await world.answer(AT_NOON, user="ann")
        assert (await world.answer("/digest off")).first == "You get no digest."
        await world.app.services.people.revoke("person-ann", world.clock.now())
        await tick(world, DAY_S)

        assert not digests(world)
        assert not digests(world, "ann")
        assert await world.app.services.digests.all() == ()


async def test_somebody_who_was_never_in_private_is_asked_to_write_there() -> None:
    async with bot_world("alpha") as world:
        await world.answer("/here off")
        assert (await world.answer(AT_NOON)).text.startswith("Write to me in private first")


async def test_one_persons_trouble_keeps_nobody_elses_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bot_world("alpha") as world:
        await member(world, "ann", Role.VIEWER)
        await world.answer(AT_NOON)
        await world.answer(AT_NOON, user="ann")
        await world.store.atomic(
            lambda db: db.execute(
                "UPDATE person_settings SET value = 'x' WHERE key = 'digest_minute' AND person_id = 'person-ann'"
            )
        )
        assert await tick(world, DAY_S) == 1


async def test_looked_at_by_many_at_once_it_is_told_once() -> None:
    async with bot_world("alpha") as world:
        await world.answer(AT_NOON)
        world.clock.pass_s(timedelta(hours=1).total_seconds())
        await asyncio.gather(*(world.app.digests.tell_due() for _ in range(4)))
        assert len(digests(world)) == 1
