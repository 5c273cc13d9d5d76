"""What is answered instead of a plan while the venue liquidates an account: it takes no order then, only money."""

from bot.alerts.view import enough
from bot.commands.proposing import Ask, said
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.clean import name

_NO_ORDER = "The venue is liquidating this account: it takes no order of it now, so nothing is proposed."


async def only_a_deposit(ask: Ask) -> Message | None:
    """The deposit that brings it back, the same the alert names; None where the account is not being liquidated.

    Raises: CannotAssess, ReadFailed.
    """
    view = await ask.view()
    if not view.liquidating[view.position_of(ask.account_id)]:
        return None
    monitor = ask.services.desks.monitor(ask.account_id, ask.watched.thresholds, desk=ask.desk)
    needed = await monitor.remedy()
    then = f"Then its health ratio is {numbers.health_ratio(needed.target_ratio_percent)}."
    answer, blocks = "being liquidated, add collateral now", [Line(_NO_ORDER)]
    if needed.deposit_usd:
        where = f" to isolated {name(needed.scope)}" if needed.scope else ""
        answer = f"deposit {enough(needed.deposit_usd)}{where} now"
        blocks.append(Line(then))
    elif needed.deposit_usd == 0:
        blocks.append(Line("By this reading its margin suffices again, so the venue should let it go in a moment."))
    more: list[Block] = [*blocks, Line("Once it is free, ask again for a plan.")]
    return said(ask, answer, *more)
