"""/protect: the graduated way back to safety: orders that add risk, the best cut, a hedge, a deposit to the cent."""

from collections.abc import Sequence
from dataclasses import replace

from bot.commands.liquidating import only_a_deposit
from bot.commands.meanwhile import calculating
from bot.commands.plan_words import as_sentence
from bot.commands.proposing import OFF, Ask, asked, of_result, said
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.clean import name
from bot.text.odds import probability
from risk.model.hedge import HedgeResult
from risk.model.proposal import Effect
from risk.model.protection import ProtectionAction, ProtectionResult
from storage import Role


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _protect)


async def _protect(ask: Ask) -> Message:
    if ask.words:
        raise Usage(f"No account is called {name(ask.words[0])}. Accounts: {ask.services.roster.names}.")
    if (deposit := await only_a_deposit(ask)) is not None:
        return deposit
    monitor = ask.services.desks.monitor(ask.account_id, ask.watched.thresholds, desk=ask.desk)
    risk = await monitor.assess_liquidation_risk()
    found = await monitor.execute_protection_actions(risk.risk_level)
    steps = explained(found.actions)
    if ask.desk is None and found.actions:
        return said(ask, _headline(found), *steps, *map(Line, OFF))
    return _with_hedge(await of_result(ask, found.result, nothing=_headline(found), why=steps), found.hedge)


def _with_hedge(answer: Message, hedge: HedgeResult | None) -> Message:
    """The hedge is a proposal of its own, whose card follows by itself in the chat where it was asked for."""
    if hedge is None or not (hedge.proposal_id or hedge.refusal):
        return answer
    said = f"The hedge of what stays is {hedge.proposal_id}: its card follows, and takes a Confirm of its own."
    if not hedge.proposal_id and hedge.refusal is not None:
        said = f"! No hedge of what stays is proposed: {as_sentence(hedge.refusal.reason, capital=False)}"
    return replace(answer, blocks=(*answer.blocks, Line(said)))


def _headline(found: ProtectionResult) -> str:
    number = len(found.actions)
    if not number:
        return f"risk {found.risk_level.value}, no step is called for"
    return f"risk {found.risk_level.value}, {number} step{'' if number == 1 else 's'} of protection"


def explained(actions: Sequence[ProtectionAction]) -> list[Block]:
    """Every step with what it does, the mildest first."""
    return [Line(f"{at}. {as_sentence(one.says)}{_effect(one.effect)}") for at, one in enumerate(actions, start=1)]


def _effect(effect: Effect | None) -> str:
    if effect is None:
        return ""
    before, after = (numbers.health_percent(one) for one in (effect.health_percent_before, effect.health_percent_after))
    text = f" Health {before} to {after}"
    if effect.probability_before is not None and effect.probability_after is not None:
        text += f", P(liq 24 h) {probability(effect.probability_before)} to {probability(effect.probability_after)}"
    return f"{text}."


COMMAND = Command(
    name="protect",
    usage="/protect [account]",
    summary="the mildest steps that make it safe again",
    run=run,
    role=Role.TRADER,
    per_account=True,
    meanwhile=calculating,
)
