"""keel signer: hands over to the process that holds the key, in an environment of its own, and is gone.

Until then whatever is installed for the bot has run, with the rights of who called. On paper that does no harm.
"""

import importlib.util
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

# Tokens and other settings of the bot are none of the signer's business.
_HANDED_ON = ("PATH", "LANG", "LC_ALL", "HOME", "TZ", "CREDENTIALS_DIRECTORY")
_NOT_THERE = "the signer needs solders, which is not here: run make signer"
_NOT_ALONE = "Not in an environment of its own (make signer builds one): other packages run beside the key."
_OWN = (
    "for an account with money, the signer has an environment that belongs to root, and nothing of the bot's runs "
    "before it: make signer SIGNER_VENV=/opt/keel-signer as root, then /opt/keel-signer/bin/keel-signer; "
    "docs/security.md says how"
)


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False,
    short_help="The process that holds the key: init, begin, check, run, log, verify, unlock.",
)  # fmt: skip
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def signer(arguments: tuple[str, ...]) -> None:
    """The process that holds the key and signs within its own caps. keel signer -h says more."""
    environment = Path(sys.prefix)
    python = interpreter(environment)
    if not plays(arguments) and (python is None or environment.stat().st_uid != os.geteuid()):
        raise click.ClickException(_OWN)
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


def plays(arguments: Sequence[str]) -> bool:
    """Whether nothing that is named in a command can be worth money: paper, or help. What cannot be read may be."""
    config, venue = _given(arguments, "--config"), _given(arguments, "--venue")
    if not config:
        return venue in ("", "paper")
    try:
        found = tomllib.loads(Path(config).read_text(encoding="utf-8")).get("venue")
    except FileNotFoundError:
        return True  # then nothing is done, and the signer says why
    except (OSError, ValueError):
        return False
    return found == "paper"


def _given(arguments: Sequence[str], option: str) -> str:
    """What an option is given, also abbreviated; empty for nothing."""
    for at, one in enumerate(arguments):
        written, equals, value = one.partition("=")
        if len(written) > len("--") and option.startswith(written):
            return value if equals else "".join(arguments[at + 1 : at + 2])
    return ""


def handed_on(variables: Mapping[str, str]) -> dict[str, str]:
    """What the signer gets of the variables here."""
    return {name: variables[name] for name in _HANDED_ON if name in variables}
