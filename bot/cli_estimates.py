"""keel var, keel risk, keel performance as they are typed; what they do is imported when it is needed."""

from typing import Any

import click


@click.command()
@click.argument("account")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="From 0.9 to 0.999.")
@click.option("--days", type=int, default=1, show_default=True, help="Horizon, from 1 to 30.")
@click.option("--method", default=None, help="Such as filtered, evt or monte-carlo; the best by back-test otherwise.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the simulated methods.")
@click.option("--rpc", "rpc_urls", multiple=True, help="Solana RPC URL instead of RPC_URLS.")
@click.option("--venue", default="", help="Which venue the account is on; VENUE otherwise.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with unrounded numbers.")
def var(account: str, rpc_urls: tuple[str, ...], venue: str, *, as_json: bool, **asked: Any) -> None:
    """What ACCOUNT may lose: its nickname, its address, or WALLET:SUB."""
    from bot.cli import until_done

    until_done(_var(account, rpc_urls, venue, as_json=as_json, **asked))


async def _var(account: str, rpc_urls: tuple[str, ...], venue: str, *, as_json: bool, **asked: Any) -> None:
    from bot import estimate_reports as reports
    from bot import estimating
    from bot.clock import SystemClock

    async with estimating.asked(account, rpc_urls, venue, SystemClock()) as one:
        found = await estimating.value_at_risk(one, **asked)
    click.echo(reports.var_json(found) if as_json else reports.var_text(found, account))


@click.command()
@click.argument("account")
@click.option("--rpc", "rpc_urls", multiple=True, help="Solana RPC URL instead of RPC_URLS.")
@click.option("--venue", default="", help="Which venue the account is on; VENUE otherwise.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with unrounded numbers.")
def risk(account: str, rpc_urls: tuple[str, ...], venue: str, *, as_json: bool) -> None:
    """The risk of ACCOUNT in a dozen numbers: its nickname, its address, or WALLET:SUB."""
    from bot.cli import until_done

    until_done(_risk(account, rpc_urls, venue, as_json=as_json))


async def _risk(account: str, rpc_urls: tuple[str, ...], venue: str, *, as_json: bool) -> None:
    from bot import estimate_reports as reports
    from bot import estimating
    from bot.clock import SystemClock

    async with estimating.asked(account, rpc_urls, venue, SystemClock()) as one:
        found = await estimating.portfolio_risk(one)
    click.echo(reports.as_json(found) if as_json else reports.risk_text(found, account))


@click.command()
@click.argument("account")
@click.option("--period", default="30d", show_default=True, help="7d, 30d, 90d or all.")
@click.option("--rpc", "rpc_urls", multiple=True, help="Solana RPC URL instead of RPC_URLS.")
@click.option("--venue", default="", help="Which venue the account is on; VENUE otherwise.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with unrounded numbers.")
def performance(account: str, period: str, rpc_urls: tuple[str, ...], venue: str, *, as_json: bool) -> None:
    """What ACCOUNT earned while Keel watched it: its nickname, its address, or WALLET:SUB."""
    from bot.cli import until_done

    until_done(_performance(account, period, rpc_urls, venue, as_json=as_json))


async def _performance(account: str, period: str, rpc_urls: tuple[str, ...], venue: str, *, as_json: bool) -> None:
    from bot import estimate_reports as reports
    from bot import estimating
    from bot.clock import SystemClock

    async with estimating.asked(account, rpc_urls, venue, SystemClock()) as one:
        found = await estimating.performance(one, period)
    click.echo(reports.as_json(found) if as_json else reports.performance_text(found, account))
