"""/audit: what was proposed, approved and done, as it was written down and cannot be changed."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.alerts.chat_names import ChatNames
from bot.commands.spec import Command, Denied, Request, Services, Usage
from bot.messages import Line, Message
from bot.text.ages import day, moment
from bot.text.clean import name, sentence
from bot.trading.order_words import amount, fee_of
from bot.trading.presses import OFF
from storage import AuditAction, AuditEntry, Role

_USUAL, _MOST = 12, 50
_EXPORT = "export"
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


async def run(services: Services, request: Request) -> Message:
    trading, person = services.trading, request.person
    if trading is None or person is None:
        raise Denied(OFF)
    if request.args and request.args[0].lower() == _EXPORT:
        return Message(blocks=(
            Line("The whole audit is exported where Keel runs", strong=True),
            Line("keel audit export --format csv, or json; keel audit verify checks that nothing was changed."),
        ))  # fmt: skip
    most = _number(request.args)
    whole = person.access.everywhere_includes(Role.ADMIN) and request.private
    entries = await trading.audit.entries(most, None if whole else services.roster.account_ids)
    shown = [one for one in entries if whole or not one.action.value.startswith(_OF_PERSONS)]
    if not shown:
        return Message(blocks=(Line("The audit has nothing yet", strong=True), Line("Every step of a trade is in it.")))
    names = ChatNames(services.people)
    lines = [Line(await _entry(services, names, one)) for one in shown]
    head = Line(f"The last {len(shown)} steps, newest first" if len(shown) > 1 else "The last step", strong=True)
    last = Line("Rows are chained by their hashes; keel audit verify checks them, /audit export says how to get all.")
    return Message(blocks=(head, *lines, last))


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
    name="audit", usage="/audit [20|export]", summary="every step of every trade, and who took it", run=run,
    role=Role.TRADER, per_account=True,
)  # fmt: skip
