"""/audit: what was proposed, approved and done, as it was written down and cannot be changed."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bot.alerts.chat_names import ChatNames
from bot.audit import ExportFormat, excerpt
from bot.commands.spec import Command, Denied, Request, Services, Usage
from bot.messages import File, Line, Message
from bot.text import numbers
from bot.text.ages import day, moment
from bot.text.clean import name, sentence
from bot.trading.cards.orders import amount, fee_of
from bot.trading.cards.presses import OFF
from bot.trading.parts import Trading
from storage import AuditAction, AuditEntry, Role

_USUAL, _MOST = 20, 50
_EXPORT = "export"
EXPORT_ROWS = 5_000
EXPORT_BYTES = 8_000_000  # every platform takes that much in one file
_OF_PERSONS = ("pin_",)
_WORDS_COLUMNS = 160
_WORDS: Mapping[str, Callable[[Any], str]] = {
    "leg": lambda value: f"order {value}",
    "attempt": lambda value: f"attempt {value}",
    "filled_raw_1e9": lambda value: f"{amount(value)} filled",
    "fee_raw_1e6": lambda value: f"fee {fee_of(value)}",
    "order_id": lambda value: f"as {value} at the venue",
    "signature": lambda value: f"signed {name(str(value), columns=9)}",
    "purpose": lambda value: str(value).replace("_", " "),
    "approvals_needed": lambda value: f"takes {value} approval{'' if value == 1 else 's'}",
    "standing_id": lambda value: f"under {value}",
    "state": str,
    "reason": str,
}


_NOTHING = Message(blocks=(Line("The audit has nothing yet", strong=True), Line("Every step of a trade is in it.")))
_IN_PART = "Only rows of accounts that are seen here. An admin of all accounts gets every row, in private."


async def run(services: Services, request: Request) -> Message:
    trading, person = services.trading, request.person
    if trading is None or person is None:
        raise Denied(OFF)
    whole = person.access.everywhere_includes(Role.ADMIN) and request.private
    if request.args and request.args[0].lower() == _EXPORT:
        return await _exported(services, trading, _format(request.args[1:]), whole=whole)
    shown, _ = await _seen(services, trading, _number(request.args), whole=whole)
    if not shown:
        return _NOTHING
    names = ChatNames(services.people)
    lines = [Line(await _entry(services, names, one)) for one in shown]
    head = Line(f"The last {len(shown)} steps, newest first" if len(shown) > 1 else "The last step", strong=True)
    last = Line("Rows are chained by their hashes; keel audit verify checks them, /audit export sends them as a file.")
    return Message(blocks=(head, *lines, last))


async def _seen(services: Services, trading: Trading, most: int, *, whole: bool) -> tuple[Sequence[AuditEntry], bool]:
    """(the latest rows that may be seen, newest first; whether there are older ones)."""
    entries = await trading.audit.entries(most + 1, None if whole else services.roster.account_ids)
    seen = [one for one in entries[:most] if whole or not one.action.value.startswith(_OF_PERSONS)]
    return seen, len(entries) > most


async def _exported(services: Services, trading: Trading, as_format: ExportFormat, *, whole: bool) -> Message:
    entries, more = await _seen(services, trading, EXPORT_ROWS, whole=whole)
    if not entries:
        return _NOTHING
    work = partial(excerpt, entries, as_format, most_bytes=EXPORT_BYTES)
    made = await asyncio.get_running_loop().run_in_executor(services.executor, work)
    cut = more or made.rows < len(entries)
    rows = f"{numbers.count(made.rows)} row{'' if made.rows == 1 else 's'}"
    name_of_file = f"keel-audit-{services.clock.now():%Y%m%d-%H%M%S}.{as_format.value}"
    alt = f"The audit as {as_format.value.upper()}, {rows}."
    said = [Line(f"The audit, {'the newest ' if cut else ''}{rows}, oldest first", strong=True)]
    if cut:
        said.append(Line("! Older rows are left out; where Keel runs, keel audit export writes all of them."))
    if not whole:
        said.append(Line(_IN_PART))
    return Message(blocks=(*said, File(name_of_file, made.content, alt)))


def _format(args: tuple[str, ...]) -> ExportFormat:
    if not args:
        return ExportFormat.CSV
    found = next((one for one in ExportFormat if one.value == args[0].lower()), None)
    if found is None or len(args) > 1:
        raise Usage("Say csv or json behind export.")
    return found


async def _entry(services: Services, names: ChatNames, entry: AuditEntry) -> str:
    by = "Keel" if entry.actor == "keel" else await names.of_person(entry.actor)
    what = " ".join(part for part in (entry.proposal_id, _action(entry.action)) if part)
    account = f" {services.roster.label(entry.account_id)}" if entry.account_id else ""
    facts = _facts(entry.facts_json)
    return f"#{entry.seq} {day(entry.at)} {moment(entry.at)}{account} {what}, by {by}{f': {facts}' if facts else ''}"


def _action(action: AuditAction) -> str:
    return action.value.replace("_", " ")


def _facts(facts_json: str) -> str:
    """What a row says in words, as far as it is short; everything is in the export."""
    found = json.loads(facts_json)
    said = [words(found[key]) for key, words in _WORDS.items() if found.get(key)]
    return sentence(", ".join(said), columns=_WORDS_COLUMNS)


def _number(args: tuple[str, ...]) -> int:
    if not args:
        return _USUAL
    text = args[0]
    if len(args) > 1 or not (text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) <= _MOST):
        raise Usage(f"Say how many steps, 1 to {_MOST}, or export.")
    return int(text)


COMMAND = Command(
    name="audit",
    usage="/audit [20 | export [csv|json]]",
    summary="every step of every trade, and who took it",
    run=run,
    role=Role.TRADER,
    per_account=True,
)
