"""How an account stands after what was done to it, from a reading that is newer than that."""

from collections.abc import Callable
from datetime import datetime

from bot.text import numbers
from bot.text.clean import name
from bot.trading.cards.words import After
from risk.fleet import FleetView
from risk.liquidation_monitor import health_of
from risk.margin.snapshot import snapshot_of
from risk.model.account import AccountSnapshot
from risk.model.proposal import Proposal

Aftermath = Callable[[Proposal], After | None]


def aftermath(latest: Callable[[], FleetView | None]) -> Aftermath:
    """Answers for a proposal; None before its account was read again after its end."""

    def look(proposal: Proposal) -> After | None:
        view = latest()
        if view is None or proposal.finished_at is None or not _newer(view, proposal.finished_at):
            return None
        if proposal.account_id not in view:
            return None
        problems = view.problems(proposal.account_id)
        health = None if problems else health_of(view, proposal.account_id, ())
        worst = None if health is None else min(
            (health.health_percent, *(one.health_percent for one in health.isolated))
        )  # fmt: skip
        account = snapshot_of(view.book, proposal.account_id)
        return After(positions=positions(account), health_percent=worst, tokens=tokens(account))

    return look


def positions(account: AccountSnapshot) -> tuple[str, ...]:
    """What an account holds in perps, each such as ``long 0.05 BTC-PERP``."""
    return tuple(
        f"{'long' if one.size_base > 0 else 'short'} {numbers.size(abs(one.size_base))} "
        f"{name(account.perp_markets[one.market_index].name)}"
        for one in account.perp_positions
        if one.size_base
    )


def tokens(account: AccountSnapshot) -> tuple[str, ...]:
    """What an account holds or owes in tokens, each such as ``20 SOL`` or ``-5 SOL borrowed``."""
    return tuple(
        f"{numbers.size(one.amount_tokens)} {name(account.spot_markets[one.market_index].name)}"
        f"{' borrowed' if one.amount_tokens < 0 else ''}"
        for one in account.spot_balances
        if one.amount_tokens
    )


def _newer(view: FleetView, ended: datetime) -> bool:
    return view.book.observed_at > ended
