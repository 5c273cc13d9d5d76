"""Exchanges for tests: prices that stand still or follow a script, and what an account is worth."""

from collections.abc import Mapping, Sequence

from risk.margin.evaluate import Evaluation, evaluate
from risk.margin.health import worst_ratio_percent
from venues.paper import PaperExchange, ScriptedPrices
from venues.paper.ledger import PaperAccount
from venues.paper.markets import BTC_ORACLE, ETH_ORACLE, SOL_ORACLE, USDC_ORACLE

STILL_USD = {USDC_ORACLE: 1.0, SOL_ORACLE: 100.0, BTC_ORACLE: 100_000.0, ETH_ORACLE: 4_000.0}


def make_path(scripts: Mapping[str, Sequence[tuple[float, float]]] | None = None) -> ScriptedPrices:
    """Prices that stand still but for the scripts given."""
    return ScriptedPrices({oracle_id: [(0, price)] for oracle_id, price in STILL_USD.items()} | dict(scripts or {}))


def make_exchange(
    scripts: Mapping[str, Sequence[tuple[float, float]]] | None = None, *, liquidates: bool = True
) -> PaperExchange:
    return PaperExchange(make_path(scripts), liquidates=liquidates)


def open_funded(
    exchange: PaperExchange, *, usdc: float = 10_000.0, authority: str = "ann", sub_account: int = 0
) -> str:
    account_id = exchange.open_account(authority, sub_account)
    if usdc:
        exchange.deposit(account_id, "USDC", usdc)
    return account_id


def account(exchange: PaperExchange, account_id: str) -> PaperAccount:
    return exchange.world.account(account_id)


def margin_of(exchange: PaperExchange, account_id: str, *, strict: bool = False) -> Evaluation:
    return evaluate(exchange.world.book([account(exchange, account_id)]), strict=strict)


def equity_usd(exchange: PaperExchange, account_id: str) -> float:
    return float(margin_of(exchange, account_id).full.equity_usd[0])


def ratio_percent(exchange: PaperExchange, account_id: str) -> float:
    return float(worst_ratio_percent(margin_of(exchange, account_id))[0])
