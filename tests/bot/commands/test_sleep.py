"""/sleep: how long and with what budget, what is promised, and the triggers that are asked for."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bot.commands.sleep import explained, headline, parsed
from bot.commands.spec import Usage
from bot.trading.sleep_report import length_of
from risk.model.candles import Candles, Interval
from risk.model.proposal import Purpose
from risk.model.protection import SleepPlan
from tests.risk.builders import make_account, make_position
from tests.support.asking import Asking, asking

HOURS = 24 * 400
DEEP = make_account(make_position(50.0), usdc=900.0)
H = timedelta(hours=1)


def plan(**changes: object) -> SleepPlan:
    found: dict[str, object] = {
        "account_id": "main", "hours": 8.0, "budget_frac": 0.01, "trades": (), "deposit_usd": 0.0,
        "probability_before": 0.031, "probability_after": 0.004, "probability_with_deposit": 0.001,
        "worst_start": datetime(2025, 10, 10, 20, tzinfo=UTC), "survives_worst": True, "expected_cost_usd": 1.234,
        "promised": True, "why": "", "n": 9_600, "data_age_s": 60.0, "seed": 0, **changes,
    }  # fmt: skip
    return SleepPlan(**found)  # type: ignore[arg-type] # a builder: each test names a field and its value


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", (8 * H, 0.01)),
        ("10h", (10 * H, 0.01)),
        ("90m", (1.5 * H, 0.01)),
        ("1d", (24 * H, 0.01)),
        ("budget 0.5%", (8 * H, 0.005)),
        ("for 6h budget 2%", (6 * H, 0.02)),
        ("2% 6h", (6 * H, 0.02)),
    ],
)
def test_words_come_in_any_order(text: str, meant: tuple[timedelta, float]) -> None:
    assert parsed(text.split()) == meant


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("8", "8 of what? Write 8h for hours."),
        ("2d", "2d is too long; at most 1 d."),
        ("30m", "30 min is no sleep; at least 1 h."),
        ("budget 0%", "A budget lies above 0 and up to 25%, such as 1%; not at 0%."),
        ("budget 90%", "A budget lies above 0 and up to 25%, such as 1%; not at 90%."),
        ("1% 2%", "One budget at a time, such as 1%; 2% is another."),
        ("8h 6h", "6h is one too many; write a time and a budget, such as 8h budget 1%."),
        ("well", "well is no account, time or budget; write 8h budget 1%."),
    ],
)
def test_what_does_not_fit_says_what_would(text: str, complaint: str) -> None:
    with pytest.raises(Usage) as said:
        parsed(text.split())
    assert str(said.value) == complaint


def test_what_cannot_be_promised_says_so_first() -> None:
    why = "This cannot be promised for 8 h. It would not survive what began 2025-10-10 20:00 UTC, as recorded."
    first, second, *_ = explained(plan(promised=False, why=why, survives_worst=False), 8 * H)

    assert headline(plan(promised=False), 8 * H) == "8 h of sleep CANNOT be promised"
    assert first == "! This cannot be promised for 8 h."
    assert second == "It would not survive what began 2025-10-10 20:00 UTC, as recorded."


def test_what_is_promised_comes_with_its_figures() -> None:
    why = "Without any order liquidation within 8 h has a probability of 0.40%, under 1.00%."
    notes = explained(plan(why=why), 8 * H)

    assert notes == (
        why,
        "With Keel, its server and your phone dead for 8 h: P(liquidation) 3.1%; the budget is 1.0%.",
        "The worst recorded stretch of that length began 10 Oct 2025 20:00 UTC.",
        "Keeper delay and slippage are modelled; 9,600 days, history 60 s old, seed 0.",
    )
    assert all(len(note) <= 200 for note in notes), "a card cuts what is longer"


async def give_hours(here: Asking) -> None:
    """Hourly bars of SOL up to now, 15 % a day rough."""
    returns = np.random.default_rng(3).standard_t(4, HOURS) * 0.008
    closes = 100.0 * np.exp(np.cumsum(returns) - returns.sum())
    opens = np.concatenate([closes[:1], closes[:-1]])
    last = np.datetime64(here.world.clock.now().replace(tzinfo=None), "h") - np.timedelta64(1, "h")
    bars = Candles(
        asset="SOL", interval=Interval.HOUR, at=(last - np.arange(HOURS - 1, -1, -1)).astype("datetime64[s]"),
        open_usd=opens, high_usd=np.maximum(opens, closes) * 1.002, low_usd=np.minimum(opens, closes) * 0.998,
        close_usd=closes, volume=np.ones(HOURS), sources=("a test",),
    )  # fmt: skip
    await here.services.desks.history.store(bars, "SOL.csv")


async def test_it_asks_for_triggers_that_only_reduce_and_says_what_they_promise() -> None:
    async with asking(DEEP) as here:
        await give_hours(here)
        plan = await here.plan("/sleep 8h budget 1%")

        assert plan.purpose is Purpose.SLEEP
        assert plan.title == "Sleep 8 h"
        assert plan.trades
        assert all(one.reduce_only and one.trigger_usd is not None for one in plan.trades)
        assert any("your phone dead for 8 h" in note for note in plan.notes)
        assert any(note.startswith("The worst recorded stretch") for note in plan.notes)


@pytest.mark.parametrize(("text", "hours"), [("/sleep", 8.0), ("/sleep 90m", 1.5), ("/sleep 1d budget 2%", 24.0)])
async def test_the_morning_report_knows_from_the_title_how_long_the_night_was(text: str, hours: float) -> None:
    async with asking(DEEP) as here:
        await give_hours(here)

        assert length_of((await here.plan(text)).title) == hours * H


async def test_an_account_that_survives_anyway_needs_no_order() -> None:
    async with asking(make_account(make_position(1.0), usdc=50_000.0)) as here:
        await give_hours(here)
        answer = await here.answer("/sleep")

        assert answer.startswith("main: 8 h of sleep need no order")
        assert here.desk.asked == []


async def test_without_history_it_is_said_how_to_get_some() -> None:
    async with asking(DEEP) as here:
        answer = await here.answer("/sleep")

        assert answer.startswith("main: not enough history")
        assert here.desk.asked == []
