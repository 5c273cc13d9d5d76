"""What holds for every answer of the commands that make plans, whatever state the account is in."""

import re

import pytest

from bot.commands.spec import Usage
from bot.messages import Table
from bot.text.tables import lines as table_lines
from risk.model.account import AccountSnapshot
from tests.bot.commands.accounts import DOUBTFUL, STATES
from tests.support.asking import Asking, asking

TEXTS = (
    "/hedge", "/hedge 100 beta", "/rebalance SOL=40 BTC=40 USDC=20", "/close SOL", "/close BTC half", "/flatten",
    "/protect", "/emergency 2", "/stop SOL -5%", "/tp SOL +5%", "/bracket SOL -5% +10%", "/sleep 8h budget 1%",
)  # fmt: skip


async def checked(here: Asking, text: str) -> str:
    """The answer, or the complaint about what was typed."""
    try:
        message = await here.message(text)
    except Usage as exc:
        return str(exc)
    for block in message.blocks:
        if isinstance(block, Table):
            assert block.rows, text
            assert all(len(line) <= 34 for line in table_lines(block, columns=200)), (text, block)
    return message.text


@pytest.mark.parametrize("trading", [True, False], ids=["trading", "only shown"])
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
async def test_every_answer_is_readable(state: AccountSnapshot, *, trading: bool) -> None:
    async with asking(state, trading=trading, days=300) as here:
        for text in TEXTS:
            answer = await checked(here, text)
            assert answer.strip(), text
            assert not re.search(r"\b(nan|inf|None|null)\b", answer), (text, answer)
            first = answer.split("\n")[0]
            assert first.startswith(("main: ", "CARD ")) or first.endswith("."), (text, answer)
        for plan, _ in here.desk.asked:
            assert trading
            assert plan.trades or plan.cancels, plan
            assert all(one.size_base > 0 for one in plan.trades), plan


@pytest.mark.parametrize("state", DOUBTFUL.values(), ids=DOUBTFUL)
async def test_nothing_is_planned_on_data_that_cannot_be_trusted(state: AccountSnapshot) -> None:
    async with asking(state, days=300) as here:
        for text in TEXTS:
            answer = await checked(here, text)
            assert answer.startswith("main: cannot be assessed now\n! the oracle of "), (text, answer)
        assert here.desk.asked == []
