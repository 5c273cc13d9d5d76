"""/rebalance: target shares of equity, reached by the fewest trades, those that reduce first."""

import re
from collections.abc import Mapping, Sequence

from bot.commands.meanwhile import calculating
from bot.commands.plan_words import as_sentence, trades_of
from bot.commands.proposing import OFF, Ask, asked, of_result, said
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.clean import name
from bot.text.numbers import Rounding
from bot.text.tables import fit
from risk.margin.assets import is_dollar
from risk.model.hedge import RebalanceResult
from storage import Role

_SHARE = re.compile("([A-Za-z0-9]{1,16}?)(?:-PERP)?[=:]([+\N{MINUS SIGN}-]?)(\\d{1,4}(?:\\.\\d{1,4})?)%?", re.ASCII)
_MOST_PERCENT = 2_000.0
_WHOLE = 100.0
_CLOSE = 1e-6


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _rebalance)


async def _rebalance(ask: Ask) -> Message:
    targets = parsed(ask.words)
    await ask.view()
    manager = ask.services.desks.portfolio(ask.account_id, desk=ask.desk)
    found = await manager.rebalance_portfolio(targets)
    shares = explained(found)
    if ask.desk is None and found.trades:
        return said(ask, _headline(found), *shares, *map(Line, OFF))
    nothing = "within tolerance, nothing to trade" if found.within_tolerance else "no trade brings it nearer"
    return await of_result(ask, found.result, nothing=nothing, why=shares)


def parsed(words: Sequence[str]) -> Mapping[str, float]:
    """Shares of equity as fractions, by asset; what is not named is left to the quote token. Raises: Usage."""
    if not words:
        raise Usage("Say the shares of equity in percent, such as SOL=40 BTC=40 USDC=20; a short has a minus.")
    found: dict[str, float] = {}
    for word in " ".join(words).replace(",", " ").split():
        match = _SHARE.fullmatch(word)
        if match is None:
            raise Usage(f"{name(word)} is no account and no share; write an asset and its percent, such as SOL=40.")
        asset = match[1].upper()
        if asset in found:
            raise Usage(f"{asset} stands there twice; give each asset once.")
        share = float(match[3]) * (1 if match[2] in ("", "+") else -1)
        if abs(share) > _MOST_PERCENT:
            raise Usage(f"{name(word)} is beyond {_MOST_PERCENT:g}% of equity; write 40 for 40%.")
        found[asset] = share
    _require_percent(found, words)
    dollars = [asset for asset in found if is_dollar(asset)]
    total = sum(found.values())
    if dollars and abs(total - _WHOLE) > _CLOSE:
        rest = _WHOLE - total + found[dollars[0]]
        raise Usage(f"These shares add up to {total:g}%, not 100%; {dollars[0]}={rest:g} would make it fit.")
    if len(dollars) == len(found):
        raise Usage("Name at least one asset beside the dollars; to hold dollars alone use /flatten.")
    return {asset: share / 100 for asset, share in found.items() if asset not in dollars}


def _require_percent(found: Mapping[str, float], words: Sequence[str]) -> None:
    """Whoever writes 0.4 for 40 would sell nearly everything. Raises: Usage."""
    small = [asset for asset, share in found.items() if 0 < abs(share) < 1]
    if small and all(abs(share) <= 1 for share in found.values()) and not any("%" in word for word in words):
        asset, share = small[0], found[small[0]]
        raise Usage(
            f"{asset}={share:g} would be {share:g}% of equity. Write {asset}={100 * share:g} for {100 * share:g}%, or"
            f" {asset}={share:g}% if it is meant to be that little."
        )


def _headline(found: RebalanceResult) -> str:
    number = len(found.trades)
    return f"{number} trade{'' if number == 1 else 's'} to the shares asked for"


def explained(found: RebalanceResult) -> list[Block]:
    """The trades, and every share before and after."""
    assets = [*found.target, *(asset for asset in found.before if asset not in found.target)]
    rows = [
        (name(asset, columns=8), *(_percent(shares.get(asset)) for shares in (found.before, found.target, found.after)))
        for asset in assets
    ]
    blocks: list[Block] = [*trades_of(found.trades)]
    if rows:
        blocks.append(fit(rows, header=("share", "now", "target", "after")))
    if found.trades:
        cost = numbers.usd(found.estimated_cost, cents=True, rounding=Rounding.UP)
        blocks.append(Line(f"Estimated cost {cost}."))
    if not found.within_tolerance and found.trades:
        wide = numbers.percent_of_fraction(found.tolerance_frac)
        blocks.append(Line(f"! Not every share comes within {wide} of its target."))
    return [*blocks, *(Line(as_sentence(text)) for text in found.unhedged)]


def _percent(share: float | None) -> str:
    return numbers.percent_of_fraction(share, decimals=1 if share is not None and 0.0005 <= abs(share) < 0.1 else 0)


COMMAND = Command(
    name="rebalance",
    usage="/rebalance [account] SHARES ...",
    summary="bring the account to shares such as SOL=40 BTC=40 USDC=20",
    run=run,
    role=Role.TRADER,
    per_account=True,
    meanwhile=calculating,
)
