"""keel history as it is typed; what it does is imported when it is needed."""

from pathlib import Path

import click


@click.group()
def history() -> None:
    """The past: bars, funding and trades, what value at risk, volatility and performance are made of."""


@history.command("import")
@click.argument("files", metavar="[FILE...]", nargs=-1, type=click.Path(dir_okay=False))
@click.option("--asset", default="", help="Such as SOL; from the name of the file otherwise.")
@click.option("--interval", type=click.Choice(["1h", "1d"]), default=None, help="As long as the bars are, otherwise.")
@click.option("--trades", default="", metavar="FILE", help="Trades: ts,market,side,size,price,fee_usd,order_id.")
@click.option("--account", default="", help="Whose trades they are; not needed for the only account.")
def import_(files: tuple[str, ...], asset: str, interval: str | None, trades: str, account: str) -> None:
    """Take in bars from FILEs, .csv or .csv.gz, with ts,open,high,low,close,volume. Not while the bot runs.

    With --trades, take in an account's trades for /performance. What is known already is not taken in twice.
    """
    from bot.cli import until_done

    if not (files or trades):
        raise click.UsageError("there is nothing to take in: name files of bars, such as SOL.csv, or --trades FILE")
    until_done(_import(tuple(map(Path, files)), asset, interval, trades, account))


async def _import(files: tuple[Path, ...], asset: str, interval: str | None, trades: str, account: str) -> None:
    from bot.clock import SystemClock
    from bot.config import load_settings
    from bot.history.bars_import import import_files
    from bot.history.trades_import import import_trades, owners_in

    settings, clock = load_settings(asks_venue=False), SystemClock()
    database = settings.database_path
    for one in await import_files(database, files, asset=asset, interval=interval, clock=clock):
        click.echo(one.sentence)
    if trades:
        named = owners_in(settings)
        click.echo((await import_trades(database, Path(trades), account=account, clock=clock, named=named)).sentence)


@history.command()
def status() -> None:
    """How much is known of the past: bars, funding and fills, from where and how old."""
    from bot.cli import until_done

    until_done(_status())


async def _status() -> None:
    from bot.clock import SystemClock
    from bot.config import load_settings
    from bot.history.status import status_lines

    for line in await status_lines(load_settings(asks_venue=False).database_path, SystemClock()):
        click.echo(line)
