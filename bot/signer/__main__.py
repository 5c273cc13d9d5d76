"""python -m bot.signer: the same as ``keel signer``.

Exit codes: 0 ok, 1 a changed journal, 2 something to mend, 3 a journal that could not be written: start it again.
"""

import argparse
import asyncio
import os
import pwd
import sys
import time
from pathlib import Path

from solders.pubkey import Pubkey

from bot.signer import config as configuration
from bot.signer import key as keys
from bot.signer import operator
from bot.signer.config import Config
from bot.signer.desk import Desk
from bot.signer.encoding import user_address
from bot.signer.errors import Broken, SignerError, Unfit
from bot.signer.files import require_safe_folder, write_new
from bot.signer.hardening import harden
from bot.signer.intent import SigningVenue
from bot.signer.journal import Journal, parts
from bot.signer.key import SigningKey
from bot.signer.server import Server
from bot.signer.template import first_file, of_one_user, of_the_service

EXIT_DOES_NOT_FIT = 1
EXIT_UNFIT = 2
EXIT_BROKEN = 3


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
    except SignerError as exc:
        if sys.stderr is not None:
            sys.stderr.write(f"{exc}\n")
        return EXIT_BROKEN if isinstance(exc, Broken) else EXIT_UNFIT
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keel signer",
        description="The process that holds the key. It signs what its own file allows, and no more.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, required=True, metavar="FILE", help="the signer's own file, signer.toml")

    run = commands.add_parser("run", parents=[common], help="listen and sign until SIGTERM")
    run.set_defaults(run=_run)
    check = commands.add_parser("check", parents=[common], help="what it would sign, in plain words")
    check.set_defaults(run=_check)
    log = commands.add_parser("log", parents=[common], help="the last decisions")
    log.add_argument("count", type=int, nargs="?", default=20, metavar="N", help="how many (20)")
    log.set_defaults(run=_log)
    verify = commands.add_parser("verify", parents=[common], help="is the journal what was written?")
    verify.set_defaults(run=_verify)
    unlock = commands.add_parser("unlock", parents=[common], help="after refusals: sign again. Find out why, first")
    unlock.set_defaults(run=_unlock)
    begin = commands.add_parser(
        "begin", parents=[common], help="begin the journal: a new one, or the same anew after a clock was wrong"
    )
    begin.set_defaults(run=_begin)
    init = commands.add_parser("init", help="write a first signer.toml into a folder")
    init.add_argument("folder", type=Path, metavar="FOLDER")
    init.add_argument("--venue", choices=[one.value for one in SigningVenue], default=SigningVenue.PAPER.value)
    init.add_argument("--account", default="", help="paper: the account's name; drift: the owner's wallet address")
    init.add_argument("--sub-account", type=int, default=0, metavar="N")
    init.add_argument("--asked-by", default="", metavar="USER", help="who may ask: the bot's user (who runs this)")
    init.add_argument("--service", action="store_true", help="where deploy/keel-signer.service has everything")
    init.add_argument("--new-key", action="store_true", help="also make a key")
    init.set_defaults(run=_init)
    return parser


def _run(chosen: argparse.Namespace) -> int:
    harden()
    config = configuration.load(chosen.config)
    key = _key(config)
    journal = Journal(config.state)
    try:
        asyncio.run(Server(config, Desk(config, key, journal)).run())
    finally:
        journal.close()
    return 0


def _key(config: Config) -> SigningKey:
    if config.key_file is not None:
        return keys.from_file(config.key_file)
    return keys.from_credential(config.credential, os.environ)


def _check(chosen: argparse.Namespace) -> int:
    harden()
    config = configuration.load(chosen.config)
    handed_over = config.credential and "CREDENTIALS_DIRECTORY" not in os.environ
    key = f"the credential {config.credential}, at its start" if handed_over else str(_key(config).public_key)
    _say(*operator.in_words(config, key))
    return 0


def _log(chosen: argparse.Namespace) -> int:
    _say(*operator.told(configuration.load(chosen.config).state, max(1, chosen.count)))
    return 0


def _verify(chosen: argparse.Namespace) -> int:
    config = configuration.load(chosen.config)
    try:
        count, head = operator.verified(config.state)
    except Unfit as exc:
        _say(str(exc))
        return EXIT_DOES_NOT_FIT
    _say(f"{count} rows, each sealed with the one before. The last seal is {head}.")
    return 0


def _unlock(chosen: argparse.Namespace) -> int:
    _say(operator.unlock(configuration.load(chosen.config).state))
    return 0


def _begin(chosen: argparse.Namespace) -> int:
    config = configuration.load(chosen.config)
    _say(f"Journal {_begun(config.state)} begun in {config.state}. The bot asks for /resume before it trusts it.")
    return 0


def _begun(state: Path) -> str:
    journal = Journal(state)
    try:
        return journal.begin(int(time.time()), by_uid=os.getuid())
    finally:
        journal.close()


def _init(chosen: argparse.Namespace) -> int:
    if chosen.new_key:
        harden()
    folder: Path = chosen.folder.absolute()
    venue = SigningVenue(chosen.venue)
    if not folder.exists():
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)
    config, layout = folder / "signer.toml", of_the_service(folder) if chosen.service else of_one_user(folder)
    require_safe_folder(folder, "signer.toml")
    address, authority = _addresses(venue, chosen.account, chosen.sub_account)
    text = first_file(
        venue, folder, layout, address=address, authority=authority, sub_account=chosen.sub_account,
        uid=_uid(chosen.asked_by),
    )  # fmt: skip
    write_new(config, text.encode("utf-8"), 0o644 if chosen.service else 0o600)
    if not chosen.service:
        # The service's belongs to its own user, who begins it.
        layout.state.mkdir(mode=0o700, exist_ok=True)
        layout.state.chmod(0o700)
        if not parts(layout.state):
            _begun(layout.state)
    if chosen.new_key:
        public_key = keys.make_file(layout.key_file)
        _say(f"New key {public_key} in {layout.key_file}.")
        if venue is SigningVenue.DRIFT:
            _say("Name it as the delegate of the account at the venue, and send it a little SOL for fees.")
    else:
        _say(f"Put the key into {layout.key_file} with mode 0400 (keel signer init --new-key makes one).")
    _say(
        f"Wrote {config}. Read it, fill in what says FILL-IN, set the caps; "
        f"then: {layout.command} check --config {config}"
    )
    return 0


def _addresses(venue: SigningVenue, account: str, sub_account: int) -> tuple[str, str]:
    """The account's own and its owner's. Raises: Unfit."""
    if venue is SigningVenue.PAPER or not account:
        return account, ""
    try:
        return str(user_address(Pubkey.from_string(account), sub_account)), account
    except (ValueError, OverflowError):
        raise Unfit("--account is the owner's wallet in base58, and --sub-account a number from 0 to 65535") from None


def _uid(user: str) -> int:
    """Raises: Unfit."""
    if not user:
        return os.geteuid()
    try:
        return int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid
    except KeyError:
        raise Unfit(f"there is no user {user[:40]}; make it first, or name another in --asked-by") from None


def _say(*lines: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    text = "".join(f"{line}\n" for line in lines)
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


if __name__ == "__main__":
    sys.exit(main())
