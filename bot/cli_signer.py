"""keel signer: hands over to the process that holds the key, in an environment of its own, and is gone."""

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

# Tokens and other settings of the bot are none of the signer's business.
_HANDED_ON = ("PATH", "LANG", "LC_ALL", "HOME", "TZ", "CREDENTIALS_DIRECTORY")
_NOT_THERE = "the signer needs solders, which is not here: run make signer"
_NOT_ALONE = "Not in an environment of its own (make signer builds one): other packages run beside the key."


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False,
    short_help="The process that holds the key: init, check, run, log, verify, unlock.",
)  # fmt: skip
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def signer(arguments: tuple[str, ...]) -> None:
    """The process that holds the key and signs within its own caps. keel signer -h says more."""
    python = interpreter(Path(sys.prefix))
    if python is None:
        if importlib.util.find_spec("solders") is None:
            raise click.ClickException(_NOT_THERE)
        click.echo(_NOT_ALONE, err=True)
        python = Path(sys.executable)
    sys.stdout.flush()
    program = [str(python), "-I", "-m", "bot.signer", *arguments]
    os.execve(python, program, handed_on(os.environ))  # noqa: S606  # no shell, and no name from outside


def interpreter(environment: Path) -> Path | None:
    """That of ``make signer``, beside the environment this runs in; None where it was not built."""
    python = environment.parent / ".venv-signer" / "bin" / "python"
    built = python.parents[1] / ".signer"
    return python if python.exists() and built.exists() else None


def handed_on(variables: Mapping[str, str]) -> dict[str, str]:
    """What the signer gets of the variables here."""
    return {name: variables[name] for name in _HANDED_ON if name in variables}
