"""/arm: allows reduce-only orders beforehand, in named markets, up to a cap, for hours. Itself confirmed by a card."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.commands.proposing import Ask, asked, propose
from bot.commands.spec import Command, Request, Services, Usage
from bot.commands.trade_words import market_among, number_in
from bot.messages import Message
from bot.text.ages import day_and_moment
from bot.text.clean import name
from bot.text.durations import BadDuration, duration
from bot.text.numbers import usd
from risk.model.proposal import Purpose, StandingTerms, TradePlan
from storage import Role

_CAP, _ALL = "cap", "all"
_LONGEST = timedelta(hours=24)
_EXAMPLE = "such as /arm SOL-PERP cap 5000 8h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody typed. ``markets`` is empty for all that are held."""

    markets: tuple[str, ...]
    cap_usd: float
    lasts: timedelta


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _arm)


async def _arm(ask: Ask) -> Message:
    positions = tuple(await ask.positions())
    view = await ask.view()
    wanted = parsed(ask.words, view.book.perp_markets.names)
    markets = wanted.markets or positions
    if not markets:
        raise Usage(f"Nothing is held in {ask.watched.nickname}, so there is nothing to reduce; name markets.")
    terms = StandingTerms(
        account_id=ask.account_id, markets=frozenset(markets), cap_usd=wanted.cap_usd,
        expires_at=ask.services.clock.now() + wanted.lasts,
    )  # fmt: skip
    plan = TradePlan(
        account_id=ask.account_id,
        purpose=Purpose.ARM,
        trades=(),
        title="Standing approval, reduce-only",
        notes=await _in_force(ask),
        standing=terms,
    )
    return await propose(ask, plan)


async def _in_force(ask: Ask) -> tuple[str, ...]:
    """What is allowed already, and goes on beside this."""
    trading = ask.services.trading
    if trading is None:
        return ()
    active = await trading.standing.active(ask.services.clock.now(), ask.account_id)
    return tuple(
        f"{one.standing_id} is in force as well: {', '.join(sorted(one.terms.markets))}, {usd(one.left_usd)} left until"
        f" {day_and_moment(one.terms.expires_at)}; this comes on top of it"
        for one in active
    )


def parsed(words: Sequence[str], known: Sequence[str]) -> Wanted:
    """Markets, cap and time, in any order. Raises: Usage."""
    markets: list[str] = []
    cap_usd, lasts, every = math.nan, None, False
    rest = iter(words)
    for word in rest:
        if word.lower() == _CAP:
            cap_usd = _amount(next(rest, ""))
        elif word.lower().rstrip(",") == _ALL:
            every = True
        elif (market := market_among(word.rstrip(","), known)) is not None:
            markets.append(market)
        elif (bare := _bare(word)) is not None and (math.isnan(cap_usd) or lasts is not None):
            if not math.isnan(cap_usd):
                raise Usage(f"One cap at a time: ${cap_usd:,.0f} or ${bare:,.0f}, {_EXAMPLE}.")
            cap_usd = _amount(word)
        elif word[:1].isdigit():
            lasts = _time(word)
        else:
            raise Usage(f"{name(word)} is no perp market here; name markets, a cap and a time, {_EXAMPLE}.")
    if not markets and not every:
        raise Usage(f"Say which markets, or all for every one that is held now, {_EXAMPLE}.")
    if math.isnan(cap_usd):
        raise Usage(f"Say what may be traded at most in USD, {_EXAMPLE}.")
    if lasts is None:
        raise Usage(f"Say for how long, at most 24 h, {_EXAMPLE}.")
    return Wanted(markets=() if every else tuple(dict.fromkeys(markets)), cap_usd=cap_usd, lasts=lasts)


def _bare(word: str) -> float | None:
    """An amount without ``cap`` before it; 90m are minutes."""
    return None if word.lower().endswith("m") else number_in(word)


def _amount(word: str) -> float:
    amount = number_in(word)
    if not amount or not math.isfinite(amount):
        raise Usage(
            f"{name(word)} is no amount of USD above zero; write cap 5000." if word else f"cap of what? {_EXAMPLE}"
        )
    return amount


def _time(word: str) -> timedelta:
    try:
        lasts = duration(word, longest=_LONGEST)
    except BadDuration as exc:
        raise Usage(f"{str(exc)[:1].upper()}{str(exc)[1:]}.") from exc
    if lasts <= timedelta(0):
        raise Usage("A standing approval lasts longer than no time at all; write it like 8h.")
    return lasts


COMMAND = Command(
    name="arm", usage="/arm [account] MARKET ... cap USD 8h", summary="allow reduce-only orders beforehand", run=run,
    role=Role.TRADER, per_account=True,
)  # fmt: skip
