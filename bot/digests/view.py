"""How a digest reads. The first line is the answer: what it is all worth, and what the day made of it."""

import math
from collections.abc import Sequence
from datetime import timedelta

from bot.alerts.limit_words import breach
from bot.digests.gather import Digest
from bot.digests.report import AccountDay, Profit, together
from bot.messages import Block, Line, Message, Picture
from bot.text.ages import day, span
from bot.text.clean import name
from bot.text.numbers import (
    UNKNOWN,
    count,
    distance,
    health_ratio,
    leverage,
    signed_usd,
    signed_usd_compact,
    usd,
    usd_compact,
)
from bot.text.tables import fit
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier

_ACCOUNTS_SHOWN, _LINES_SHOWN, _LIMITS_SHOWN = 12, 8, 6
_NOT_STATED = "unknown"
_WHOLE_DAY = timedelta(hours=23)


def digest_message(digest: Digest, picture: Picture | None, *, again: bool = False) -> Message:
    """One digest.

    Args:
        again: It was sent before and nobody knows whether it arrived.
    """
    blocks: list[Block] = [Line(_headline(digest), strong=True)]
    if again:
        blocks.append(Line("Sent again: Keel was stopped while it was sending this one."))
    if not digest.days:
        blocks.append(Line("You may see no account."))
        return Message(blocks=tuple(blocks))
    blocks += _profit(digest)
    blocks += _risk(digest.days)
    blocks += _limits(digest.days)
    blocks += _happened(digest)
    if picture is not None:
        blocks.append(picture)
    return Message(blocks=tuple(blocks))


def _headline(digest: Digest) -> str:
    when, total = day(digest.until), together([one.profit for one in digest.days])
    whose = f"{digest.days[0].nickname}: " if len(digest.days) == 1 else ""
    if total is None:
        return f"Digest {when}: {whose}not enough history yet"
    return f"Digest {when}: {whose}{usd(total.equity_usd)}, {signed_usd(total.total_usd)} in {_over(total)}"


def _over(profit: Profit) -> str:
    known = profit.until - profit.since
    return "24 h" if known >= _WHOLE_DAY else span(known.total_seconds())


def _profit(digest: Digest) -> list[Block]:
    blocks: list[Block] = []
    if len(digest.days) > 1:
        blocks += _accounts(digest.days)
    total = together([one.profit for one in digest.days])
    if total is None:
        return blocks
    rows = [
        ("Equity", usd(total.equity_usd)),
        ("Profit and loss", signed_usd(total.total_usd)),
        ("Price, interest", signed_usd(total.price_usd)),
        ("Funding", _stated(total.funding_usd)),
        ("Fees", _stated(None if total.fees_usd is None else -total.fees_usd)),
    ]
    if total.moved_usd:
        rows.append(("Paid in or out", signed_usd(total.moved_usd)))
    blocks.append(fit(rows))
    missing = [what for what, amount in (("funding", total.funding_usd), ("fees", total.fees_usd)) if amount is None]
    if missing:
        blocks.append(
            Line(f"The venue does not state {' and '.join(missing)} here; they are in the line of the price.")
        )
    return blocks


def _stated(amount: float | None) -> str:
    return _NOT_STATED if amount is None else signed_usd(amount, cents=abs(amount) < 1_000)


def _accounts(days: Sequence[AccountDay]) -> list[Block]:
    ordered = _worst_first(days)
    rows = [
        (
            one.nickname,
            usd_compact(one.profit.equity_usd) if one.profit else UNKNOWN,
            signed_usd_compact(one.profit.total_usd) if one.profit else UNKNOWN,
            one.tier.name,
        )
        for one in ordered[:_ACCOUNTS_SHOWN]
    ]
    blocks: list[Block] = [fit(rows, header=("account", "equity", "PnL", "tier"))]
    if len(ordered) > _ACCOUNTS_SHOWN:
        blocks.append(Line(f"and {count(len(ordered) - _ACCOUNTS_SHOWN)} more; /accounts lists all."))
    return blocks


def _worst_first(days: Sequence[AccountDay]) -> list[AccountDay]:
    def order(one: AccountDay) -> tuple[int, float]:
        return -severity(one.tier), one.health_ratio_percent if one.health_ratio_percent is not None else math.inf

    return sorted(days, key=order)


def _risk(days: Sequence[AccountDay]) -> list[Block]:
    unknown = [one.nickname for one in days if one.tier is Tier.UNKNOWN]
    known = [one for one in _worst_first(days) if one.health_ratio_percent is not None]
    blocks: list[Block] = []
    if unknown:
        blocks.append(Line(f"UNKNOWN now: {', '.join(name(one) for one in unknown[:_ACCOUNTS_SHOWN])}."))
    if not known:
        return blocks
    worst = known[0]
    whose = f"{worst.nickname}, the worst: " if len(days) > 1 else "Risk: "
    away = "no single price liquidates"
    if worst.nearest_market:
        away = f"{name(worst.nearest_market)} {distance(worst.distance_frac)} from liquidation"
    ratio = health_ratio(worst.health_ratio_percent)
    blocks.append(Line(f"{whose}{worst.tier.name}, health ratio {ratio}, {away}, leverage {leverage(worst.leverage)}."))
    return blocks


def _limits(days: Sequence[AccountDay]) -> list[Block]:
    several = len(days) > 1
    broken = [
        f"{f'{one.nickname}: ' if several else ''}{breach(violation)}"
        for one in days
        for violation in one.violations or ()
    ]
    unknown = sum(one.violations is None for one in days)
    if not broken:
        if unknown == len(days):
            return [Line("Limits: UNKNOWN whether they hold.")]
        rest = f"; UNKNOWN for {count(unknown)}" if unknown else ""
        return [Line(f"Limits: all checked ones hold{rest}.")]
    blocks: list[Block] = [Line(f"Limit: {text}") for text in broken[:_LIMITS_SHOWN]]
    if len(broken) > _LIMITS_SHOWN:
        blocks.append(Line(f"and {count(len(broken) - _LIMITS_SHOWN)} more; /limits shows them."))
    return blocks


def _happened(digest: Digest) -> list[Block]:
    several = len(digest.days) > 1
    told = [f"{f'{one.nickname}: ' if several else ''}{text}" for one in digest.days for text in one.happened]
    told += digest.elsewhere
    if not told:
        return [Line("Nothing else happened.")]
    blocks: list[Block] = [Line("What happened:", strong=True), *(Line(text) for text in told[-_LINES_SHOWN:])]
    if len(told) > _LINES_SHOWN:
        blocks.insert(1, Line(f"{count(len(told) - _LINES_SHOWN)} earlier ones, then:"))
    return blocks
