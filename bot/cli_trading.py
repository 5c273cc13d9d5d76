"""keel audit and keel pin as they are typed; what they do is imported when it is needed."""

import sys
from pathlib import Path
from typing import IO

import click

_DATABASE = click.option("--database", default="", metavar="PATH", help="Which memory; DATABASE_PATH otherwise.")
_FILE = click.File("w", encoding="utf-8", lazy=True)  # made when there is something to write


@click.group()
def audit() -> None:
    """What was proposed, approved, sent and filled, who did it and why. Also while the bot runs."""


@audit.command()
@_DATABASE
@click.option("--signer-journal", default="", metavar="FOLDER", help="The signer's state folder, to compare with.")
@click.option("--since", default=0, metavar="ROW", help="Compare from this row of the journal on.")
def verify(database: str, signer_journal: str, since: int) -> None:
    """Is the audit what was written? Every row is sealed with the one before; exit code 1 where one does not fit.

    The signer writes down how long the audit was at every signature: with its journal a cut end shows as well.
    """
    from bot.cli import until_done

    until_done(_verify(database, signer_journal, since))


async def _verify(database: str, signer_journal: str, since: int) -> None:
    from bot.audit import verdict_sentence
    from bot.audit import verify as look
    from bot.cli import EXIT_NOT_IN_ORDER

    verdict = await look(_path(database))
    click.echo(verdict_sentence(verdict))
    sound = verdict.ok
    if signer_journal:
        sound &= await _compared(_path(database), Path(signer_journal), since)
    if not sound:
        sys.exit(EXIT_NOT_IN_ORDER)


async def _compared(database: Path, journal: Path, since: int) -> bool:
    from bot.audit_anchors import JournalUnfit, compare, sentences_of

    try:
        verdict = await compare(database, journal, since=since)
    except JournalUnfit as exc:
        click.echo(f"Nothing was compared: {exc}.")
        return False
    click.echo("\n".join(sentences_of(verdict)))
    return verdict.ok


@audit.command()
@click.option("--format", "as_format", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--out", type=_FILE, default="-", metavar="FILE", help="Where to write it; printed otherwise.")
@_DATABASE
def export(as_format: str, out: IO[str], database: str) -> None:
    """All of the audit, oldest first."""
    from bot.cli import until_done

    until_done(_export(as_format, out, database))


async def _export(as_format: str, out: IO[str], database: str) -> None:
    from bot.audit import ExportFormat, exported

    async for piece in exported(_path(database), ExportFormat(as_format)):
        click.echo(piece, nl=False, file=out)


@click.group()
def pin() -> None:
    """PINs that people give beside a confirmation, set at this machine. Not while the bot runs."""


@pin.command("set")
@click.argument("person")
@_DATABASE
def set_(person: str, database: str) -> None:
    """Give PERSON, a name or an id, a PIN of 4 to 12 digits: asked for twice, or read from a pipe."""
    from bot.cli import until_done

    if sys.stdin.isatty():
        typed = str(click.prompt("PIN", hide_input=True, confirmation_prompt="Once more"))
    else:
        typed = sys.stdin.readline()
    until_done(_set(person, typed.strip(), database))


async def _set(person: str, typed: str, database: str) -> None:
    from bot.clock import SystemClock
    from bot.pin_setting import set_pin

    click.echo(await set_pin(_path(database), person, typed, SystemClock()))


@pin.command()
@click.argument("person")
@_DATABASE
def clear(person: str, database: str) -> None:
    """Take the PIN of PERSON, a name or an id, away."""
    from bot.cli import until_done

    until_done(_clear(person, database))


async def _clear(person: str, database: str) -> None:
    from bot.clock import SystemClock
    from bot.pin_setting import clear_pin

    click.echo(await clear_pin(_path(database), person, SystemClock()))


def _path(database: str) -> Path:
    from bot.config import load_settings

    return Path(database) if database else load_settings(asks_venue=False).database_path
