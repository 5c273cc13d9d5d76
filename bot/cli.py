"""The command line: what is typed, which exit code it ends with. Everything else is imported when it is needed.

Exit codes: 0 ok, 1 something is not in order (check, alive), 2 bad input, 3 venue unavailable.
"""

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn

import click

from bot.cli_estimates import performance, risk, var
from bot.cli_history import history
from bot.cli_signer import signer
from bot.cli_trading import audit, pin
from bot.guarded_streams import guarded

EXIT_NOT_IN_ORDER = 1
EXIT_BAD_INPUT = 2
EXIT_VENUE_UNAVAILABLE = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="keel", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Keel keeps leveraged traders upright: it watches accounts and warns before the venue liquidates."""
    context.with_resource(guarded())


for _elsewhere in (var, risk, performance, history, audit, pin, signer):
    main.add_command(_elsewhere)


@main.command()
def run() -> None:
    """Watch the accounts of the settings and talk to the linked chats."""
    from bot.config import BadSettings, load_settings

    try:
        settings = load_settings(guarded=True)
    except BadSettings as exc:
        _fail(str(exc), EXIT_BAD_INPUT)
    from bot.run import run as run_bot

    until_done(run_bot(settings))


@main.command()
def standby() -> None:
    """On a second machine, without keys: watch the same accounts, and speak when the first one does not."""
    from bot.config import BadSettings, load_settings

    try:
        settings = load_settings(guarded=True)
    except BadSettings as exc:
        _fail(str(exc), EXIT_BAD_INPUT)
    from bot.standby.run import run as run_standby

    until_done(run_standby(settings))


@main.command()
@click.argument("target", metavar="FILE|DIR")
def backup(target: str) -> None:
    """Copy the memory to FILE, or into DIR under the time of day. Also while the bot runs."""
    until_done(_backup(Path(target)))


async def _backup(target: Path) -> None:
    from bot.backup import target_of
    from bot.clock import SystemClock
    from bot.config import load_settings
    from storage.backup import back_up

    checked = back_up(load_settings().database_path, target_of(target, SystemClock().now()))
    click.echo(
        f"{checked.path}: {checked.row_count} rows, {checked.size_bytes} bytes, schema {checked.schema}, checked."
    )


@main.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False))
def restore(file: str) -> None:
    """Put a backup in the place of the memory; what is there now is kept beside it. Not while the bot runs."""
    until_done(_restore(Path(file)))


async def _restore(file: Path) -> None:
    from bot.clock import SystemClock
    from bot.config import load_settings
    from storage.backup import restore as put_back

    done = put_back(file, load_settings().database_path, SystemClock().now())
    click.echo(f"Restored {done.checked.row_count} rows of schema {done.checked.schema} from {file}.")
    if done.replaced is not None:
        click.echo(f"What was there before is kept as {done.replaced}.")
    click.echo("Alerts that went out after the backup was made may be said once more.")


@main.command()
@click.option("--env-file", default=".env", show_default=True, help="The file of settings to look at.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def check(env_file: str, *, as_json: bool) -> None:
    """Is everything in order that Keel relies on? Each line a fact, and what to do where something is wrong."""
    until_done(_check(Path(env_file), as_json=as_json))


async def _check(env_file: Path, *, as_json: bool) -> None:
    from bot.checking import facts
    from bot.checking.run import look

    found = await look(env_file)
    click.echo(facts.as_json(found) if as_json else facts.as_text(found))
    if not facts.passed(found):
        sys.exit(EXIT_NOT_IN_ORDER)


@main.command()
def alive() -> None:
    """Does the bot on this memory run, and do its work? For health checks of containers; the exit code says it."""
    until_done(_alive())


async def _alive() -> None:
    from bot.checking.memory import sign_of_life
    from bot.clock import SystemClock
    from bot.config import load_settings

    found = await sign_of_life(load_settings().database_path, SystemClock().now())
    click.echo(found.text)
    if found.remedy:
        sys.exit(EXIT_NOT_IN_ORDER)


@main.command()
@click.option("--script", is_flag=True, help="Without a terminal: run through at once and print the transcript.")
@click.option(
    "--pictures", type=click.Path(file_okay=False), help="With --script: also ask for charts, and save them here."
)
def demo(*, script: bool, pictures: str | None) -> None:
    """The bot on paper money: a fall through every tier and back."""
    click.echo("Keel demo: one account, three positions, a fall through every tier. Paper money, no network.")
    if script:
        click.echo("This is the script: the same bot and venue, with a clock that runs ahead.\n")
    else:
        click.echo("Prices fall in a few seconds; two minutes in all. Type at any time: /health /liq /stress /help\n")
    sys.stdout.flush()  # the rest takes a moment to import
    from bot import demo as demo_module

    folder = Path(pictures) if pictures else None
    until_done(demo_module.script(sys.stdout, folder) if script else demo_module.interactive(sys.stdout))


@main.command()
@click.argument("account")
@click.option("--rpc", "rpc_urls", multiple=True, required=True, help="Solana RPC URL; again for a second endpoint.")
@click.option("--venue", default="drift", show_default=True, help="Which venue the account is on.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with unrounded numbers.")
def inspect(account: str, rpc_urls: tuple[str, ...], venue: str, *, as_json: bool) -> None:
    """Everything about one ACCOUNT: its address, or WALLET:SUB."""
    until_done(_inspect(account, rpc_urls, venue, as_json=as_json))


async def _inspect(account: str, rpc_urls: tuple[str, ...], venue: str, *, as_json: bool) -> None:
    from bot import inspect as inspection
    from bot.clock import SystemClock

    clock = SystemClock()
    reader = _reader(rpc_urls, venue)
    try:
        found = await inspection.inspect(reader, account)
    finally:
        await reader.close()
    age_s = (clock.now() - found.health.observed_at).total_seconds()
    click.echo(inspection.as_json(found) if as_json else inspection.as_text(found, age_s=age_s))


@main.command()
@click.option("--rpc", "rpc_urls", multiple=True, required=True, help="Solana RPC URL; again for a second endpoint.")
@click.option("--venue", default="drift", show_default=True, help="Which venue to sweep.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines with unrounded numbers.")
def sweep(rpc_urls: tuple[str, ...], venue: str, *, as_json: bool) -> None:
    """Every account of the venue, the least healthy first."""
    until_done(_sweep(rpc_urls, venue, as_json=as_json))


async def _sweep(rpc_urls: tuple[str, ...], venue: str, *, as_json: bool) -> None:
    from tqdm import tqdm

    from bot import sweep as sweeping

    reader = _reader(rpc_urls, venue)
    try:
        # disable=None: a bar on a terminal, nothing in a pipe.
        with tqdm(desc="reading accounts", unit=" accounts", disable=None, file=sys.stderr) as bar:
            rows = await sweeping.sweep(reader, bar.update)
    finally:
        await reader.close()
    for line in map(sweeping.as_json, rows) if as_json else sweeping.as_text(rows):
        click.echo(line)


@main.command()
@click.argument("folder", metavar="DIR")
@click.option("--book", "book_file", required=True, help="The book to play, as JSON; see below.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with unrounded numbers.")
@click.option("--chart", "chart_file", default=None, help="Also write a picture of the health ratio to this PNG.")
def replay(folder: str, book_file: str, chart_file: str | None, *, as_json: bool) -> None:
    """Would it have warned? Play recorded bars through the tiers and alerts of keel run.

    DIR holds one CSV of bars per asset, such as SOL.csv or SOL.csv.gz, with the columns ts,open,high,low,close,volume.

    The book: {"collateral_usd": 10000, "positions": [{"market": "SOL-PERP", "leverage": 5, "side": "long"}]}, with size
    in base units instead of leverage where that is known, and maintenance_ratio and initial_ratio where the market asks
    for other than 0.05 and 0.10.
    """
    until_done(_replay(Path(folder), Path(book_file), Path(chart_file) if chart_file else None, as_json=as_json))


async def _replay(folder: Path, book_file: Path, chart_file: Path | None, *, as_json: bool) -> None:
    from tqdm import tqdm

    from bot.replay import play
    from bot.replaying import report
    from venues.replay import load

    recording = load(folder, book_file)
    # disable=None: a bar on a terminal, nothing in a pipe.
    with tqdm(total=len(recording), desc="playing", unit=" prices", disable=None, file=sys.stderr, leave=False) as bar:
        found = await play(recording, progress=bar.update)
    if chart_file is not None:
        _write(chart_file, report.chart(found))
    click.echo(report.as_json(found) if as_json else report.as_text(found))


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as exc:
        _fail(f"{file} cannot be written ({exc.strerror}); name another file", EXIT_BAD_INPUT)


@main.command()
@click.argument("wallet", required=False)
@click.option("--rpc", "rpc_url", default="", help="Solana RPC URL; asked for when left out.")
@click.option("--venue", default="drift", show_default=True, help="Which venue the wallet trades on.")
@click.option("--env-file", default=".env", show_default=True, help="Where the settings are written.")
def setup(wallet: str | None, rpc_url: str, venue: str, env_file: str) -> None:
    """The first thing to run: find the accounts of a WALLET, rate the RPC, link Telegram, test the alarm."""
    from bot.setup import Wizard

    until_done(Wizard(env_file=env_file, venue=venue, ask=_ask, say=click.echo).run(wallet or "", rpc_url))


@main.command("discord-sync")
@click.option("--guild", "guild_id", type=click.IntRange(min=1), default=None, help="Only this server, by its id.")
@click.option("--remove", is_flag=True, help="Take the commands away instead.")
def discord_sync(guild_id: int | None, *, remove: bool) -> None:
    """Register the slash commands with Discord, and say what changed."""
    from bot.config import BadSettings, load_settings

    try:
        settings = load_settings(guarded=True)
    except BadSettings as exc:
        _fail(str(exc), EXIT_BAD_INPUT)
    until_done(_discord_sync(settings, guild_id, remove=remove))


async def _discord_sync(settings: Any, guild_id: int | None, *, remove: bool) -> None:
    from bot.discord_sync import line, sync
    from bot.logs import setup_logging
    from bot.messages import DeliveryError
    from bot.secret_settings import secrets_of

    setup_logging("ERROR", secrets=secrets_of(settings))
    try:
        done = await sync(settings, guild_id=guild_id, remove=remove)
    except DeliveryError as exc:
        _fail(str(exc), EXIT_VENUE_UNAVAILABLE)
    for one in done:
        click.echo(line(one))
    if any(one.problem for one in done):
        sys.exit(EXIT_VENUE_UNAVAILABLE)


def _ask(question: str, *, hidden: bool = False) -> str:
    return str(click.prompt(question, default="", show_default=False, hide_input=hidden)).strip()


def _reader(rpc_urls: tuple[str, ...], venue: str) -> Any:
    from bot.clock import SystemClock
    from bot.run import ledger_reader

    return ledger_reader(rpc_urls, venue, SystemClock())


def until_done(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end and turn known errors into a sentence and an exit code."""
    from bot.config import BadSettings
    from bot.logs import setup_logging
    from risk.errors import RiskError
    from storage.errors import StorageError
    from venues.errors import VenueError, VenueUnavailable

    setup_logging("ERROR")  # what a command does not configure itself shows errors only
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody to tell, nor at the last flush of the interpreter.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as exc:
        known = [one for one in _leaves(exc) if isinstance(one, VenueError | RiskError | StorageError | BadSettings)]
        if not known:
            raise
        unavailable = isinstance(known[0], VenueUnavailable)
        _fail(str(known[0]), EXIT_VENUE_UNAVAILABLE if unavailable else EXIT_BAD_INPUT)


def _leaves(error: BaseException) -> list[BaseException]:
    """The errors themselves: a group of tasks wraps what one of them raised."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _fail(text: str, code: int) -> NoReturn:
    click.echo(f"keel: {text}", err=True)
    sys.exit(code)
