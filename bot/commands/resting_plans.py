"""What /stop, /tp and /bracket share: a market, the prices to wait for, a share of the position."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from bot.commands.liquidating import only_a_deposit
from bot.commands.proposing import Ask, propose, refused
from bot.commands.spec import Usage
from bot.commands.trade_words import PriceWord, only_market, percent, price_in, share_in
from bot.messages import Message
from bot.text import numbers
from bot.text.ages import age, moment
from bot.text.clean import name
from risk.model.account import Side
from risk.model.proposal import PlannedTrade, Refusal, TradePlan
from risk.protection.keepers import TriggerExecution
from risk.protection.triggers import StopPlan
from risk.protection_desk import ProtectionDesk

_EXAMPLES = {"/stop": " -5%", "/tp": " +5%", "/bracket": " -5% +10%"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerWords:
    """What somebody wants to rest at the venue."""

    market: str
    prices: tuple[PriceWord, ...]
    share_frac: float


def parsed(words: Sequence[str], markets: Sequence[str], *, command: str, prices: int) -> TriggerWords:
    """A market, so many prices, perhaps a share, in any order. Raises: Usage."""
    example = _EXAMPLES[command]
    market, others = only_market(words, markets, command=command, what=example)
    found: list[PriceWord] = []
    shares: list[float] = []
    for word in others:
        if (price := price_in(word)) is not None:
            found.append(price)
        elif (share := share_in(word)) is not None:
            shares.append(share)
        else:
            raise Usage(f"{name(word)} is no price and no share; write a price, a move such as -5%, or half.")
    if len(shares) > 1:
        raise Usage(f"One share at a time: {percent(shares[0])} or {percent(shares[1])}.")
    if len(found) < prices and shares and any(word.endswith("%") for word in others):
        move = percent(shares[0])
        raise Usage(f"{move} is read as a share of the position; for a price that far away write -{move} or +{move}.")
    if len(found) != prices:
        wanted = "one price" if prices == 1 else "two prices, the stop and the profit"
        raise Usage(f"Say {wanted}, such as {command} {market.removesuffix('-PERP')}{example}.")
    return TriggerWords(market=market, prices=tuple(found), share_frac=shares[0] if shares else 1.0)


async def rest(
    ask: Ask, wanted: TriggerWords, plan: Callable[[ProtectionDesk, Sequence[float]], Awaitable[StopPlan | Refusal]]
) -> Message:
    """Plan triggers at today's price and propose them."""
    if ask.services.desks.depth is None:
        return refused(ask, Refusal(
            reason=f"nobody here knows what {wanted.market} offers: trading is switched off",
            nearest="set TRADING_ENABLED=true and start Keel again",
        ))  # fmt: skip
    if (deposit := await only_a_deposit(ask)) is not None:
        return deposit
    now_usd = await ask.price(wanted.market)
    monitor = ask.services.desks.monitor(ask.account_id, ask.watched.thresholds, desk=ask.desk)
    found = await plan(monitor.protection, [one.from_now(now_usd) for one in wanted.prices])
    if isinstance(found, Refusal):
        return refused(ask, found)
    return await propose(ask, expecting(found, await _price_now(ask, wanted.market, now_usd)))


async def _price_now(ask: Ask, market: str, now_usd: float) -> str:
    """What the trigger is set against, and where that comes from."""
    book = (await ask.view()).book
    old = age((ask.services.clock.now() - book.observed_at).total_seconds())
    where = f"oracle of {moment(book.observed_at)}, {old} old, slot {numbers.count(book.slot)}"
    return f"{name(market)} was at ${numbers.price(now_usd)} when this was made: {where}"


def expecting(found: StopPlan, *before: str) -> TradePlan:
    """The plan, with what each trigger is expected to get said beside it."""
    plan = found.trade_plan()
    notes = [_expected(trade, one) for trade, one in zip(found.trades, found.executions, strict=True)]
    return replace(plan, notes=(*before, *notes, *plan.notes))


def _expected(trade: PlannedTrade, one: TriggerExecution) -> str:
    what = "bought" if trade.side is Side.BUY else "sold"
    likely, bad = (f"${numbers.price(usd)}" for usd in (one.likely_usd, one.bad_usd))
    return (
        f"Triggered at ${numbers.price(one.trigger_usd)}, it is likely {what} at about {likely} after "
        f"{one.likely_delay_s:.0f} s; on a bad day at {bad}."
    )


def arranged(prices: Sequence[float], *, long: bool) -> tuple[float, float]:
    """(stop, profit) of two prices, whichever was written first: a long is stopped below, a short above.

    >>> arranged([110.0, 95.0], long=True), arranged([110.0, 95.0], long=False)
    ((95.0, 110.0), (110.0, 95.0))
    """
    low, high = sorted(prices)
    return (low, high) if long else (high, low)
