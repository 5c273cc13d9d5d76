"""/sleep: triggers that keep an account alive while bot, server and phone may be dead, and what they promise."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.commands.liquidating import only_a_deposit
from bot.commands.meanwhile import calculating
from bot.commands.proposing import Ask, asked, propose, said
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Line, Message
from bot.text import numbers
from bot.text.ages import age, day_and_moment
from bot.text.clean import name
from bot.text.durations import BadDuration, duration, written
from bot.text.numbers import Rounding
from bot.text.odds import probability
from bot.trading.cards.headline import NOT_PROMISED
from risk.model.protection import SleepPlan
from risk.protection.sleep import sleep_trade_plan
from storage import Role

USUAL = timedelta(hours=8)
USUAL_BUDGET = 0.01
_SHORTEST, _LONGEST = timedelta(hours=1), timedelta(hours=24)
_MOST_BUDGET = 0.25
_PERCENT = re.compile(r"(\d{1,2}(?:\.\d{1,4})?)%", re.ASCII)
_SENTENCES = re.compile(r"(?<=\.) (?=[A-Z])")
_SMALL_WORDS = ("budget", "for")


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _sleep)


def parsed(words: Sequence[str]) -> tuple[timedelta, float]:
    """(time, budget) in any order. Raises: Usage."""
    time: timedelta | None = None
    budget: float | None = None
    for word in words:
        if word.lower() in _SMALL_WORDS:
            continue
        if match := _PERCENT.fullmatch(word):
            if budget is not None:
                raise Usage(f"One budget at a time, such as 1%; {name(word)} is another.")
            budget = float(match[1]) / 100
            if not 0 < budget <= _MOST_BUDGET:
                raise Usage(f"A budget lies above 0 and up to {_MOST_BUDGET:.0%}, such as 1%; not at {name(word)}.")
            continue
        if time is not None:
            raise Usage(f"{name(word)} is one too many; write a time and a budget, such as 8h budget 1%.")
        time = _time(word)
    return time or USUAL, USUAL_BUDGET if budget is None else budget


def _time(word: str) -> timedelta:
    try:
        time = duration(word, longest=_LONGEST)
    except BadDuration as exc:
        if word.isascii() and word.isdigit():
            raise Usage(f"{name(word)} of what? Write {name(word)}h for hours.") from exc
        if word[:1].isdigit():
            raise Usage(f"{exc}.") from exc
        raise Usage(f"{name(word)} is no account, time or budget; write 8h budget 1%.") from exc
    if time < _SHORTEST:
        raise Usage(f"{written(time)} is no sleep; at least {written(_SHORTEST)}.")
    return time


async def _sleep(ask: Ask) -> Message:
    time, budget = parsed(ask.words)
    if (deposit := await only_a_deposit(ask)) is not None:
        return deposit
    monitor = ask.services.desks.monitor(ask.account_id, ask.watched.thresholds, desk=ask.desk)
    found = await monitor.protection.plan_sleep(time.total_seconds() / 3_600, budget)
    notes = explained(found, time)
    if not found.trades:
        return said(ask, headline(found, time), *map(Line, notes), *map(Line, deposit_of(found)))
    # The morning report reads from the title how long the night was.
    title = f"Sleep {written(time)}" + ("" if found.promised else f", {NOT_PROMISED}")
    return await propose(ask, replace(sleep_trade_plan(found), title=title, notes=notes))


def headline(found: SleepPlan, time: timedelta) -> str:
    """For a plan without an order."""
    if found.promised and found.resting:
        return f"{written(time)} of sleep need no more than what rests"
    if found.promised:
        return f"{written(time)} of sleep need no order"
    return f"{written(time)} of sleep CANNOT be promised"


def explained(found: SleepPlan, time: timedelta) -> tuple[str, ...]:
    """What is promised and what is not, before anybody presses."""
    first, *more = _SENTENCES.split(found.why)
    odds = f"With Keel, its server and your phone dead for {written(time)}: P(liquidation) "
    odds += _within(found.probability_before, found.interval_before)
    if found.trades:
        odds += f" as it is, {_within(found.probability_after, found.interval_after)} with these orders"
    notes = [
        first if found.promised else f"! {first}", *more,
        f"{odds}; the budget is {numbers.percent_of_fraction(found.budget_frac)}.",
    ]  # fmt: skip
    if found.worst_start is not None:
        notes.append(f"The worst recorded stretch of that length began {day_and_moment(found.worst_start)}.")
    if found.trades:
        cost = numbers.usd(found.expected_cost_usd, cents=True, rounding=Rounding.UP)
        notes.append(f"What the orders are expected to cost, each as often as it fires: {cost}.")
        notes.append(f"They stay at the venue after {written(time)}, until /cancel takes them off.")
        replaced = [order for trade in found.trades for order in trade.cancels]
        if replaced:
            numbered = ", ".join(map(str, replaced))
            notes.append(f"Each takes the place of what rests there now in one transaction: cancels {numbered}.")
    if found.deposit_usd and found.trades:
        notes.append(f"With the deposit as well: {probability(found.probability_with_deposit)}.")
    history = f"{numbers.count(found.n)} days, history {age(found.data_age_s)} old, seed {found.seed}"
    return (*notes, f"Keeper delay and slippage are modelled; {history}.")


def _within(value: float, interval: tuple[float, float] | None) -> str:
    """A probability with its sampling error: 0.07% (0.03% to 0.16%)."""
    if interval is None:
        return probability(value)
    low, high = interval
    return f"{probability(value)} ({probability(low, down=True)} to {probability(high)})"


def deposit_of(found: SleepPlan) -> tuple[str, ...]:
    """What is advised where no order is."""
    if not found.deposit_usd:
        return ()
    amount = numbers.usd(found.deposit_usd, cents=True, rounding=Rounding.UP)
    return (f"Advised: deposit {amount}; then {probability(found.probability_with_deposit)}.",)


COMMAND = Command(
    name="sleep",
    usage="/sleep [account] [8h] [budget 1%]",
    summary="orders that protect while nothing watches",
    run=run,
    role=Role.TRADER,
    per_account=True,
    meanwhile=calculating,
)
