"""What a check finds of the signer: whether it answers, whose key it holds, what it allows, who could take the key."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.checking.facts import Fact, advice, ok, wrong
from bot.clock import SystemClock
from bot.config import VenueName
from bot.signer.intent import AskIdentity, Identity, Refusal
from bot.text import numbers
from bot.text.clean import name
from bot.trading.signer_socket import Lost, SignerSocket
from bot.trading.signer_trouble import plainly
from risk.model.trading import BASE_UNITS, PRICE_UNITS
from storage import SeenJournal
from venues.errors import VenueError

if TYPE_CHECKING:
    from venues.solana import SolanaSettings

SUBJECT, _KEY = "signer", "signer's key"
_OLD_SETTING = "KEY_FILE"


def left_over(environment: Mapping[str, str]) -> list[Fact]:
    """What an earlier version read, and nobody should leave lying about."""
    if not environment.get(_OLD_SETTING):
        return []
    text = f"{_OLD_SETTING} is set and not read any more: the key belongs to keel signer"
    remedy = "take it out of .env, and the file out of the reach of this user: docs/security.md"
    return [advice(SUBJECT, text, remedy)]


async def ask(path: Path, patience_s: float) -> tuple[Identity | None, list[Fact]]:
    """Who signs, and what there is to say of the way to it. Changes nothing there: the running bot stays who it was."""
    socket = SignerSocket(path, answer_s=patience_s)
    try:
        await socket.open()
        answer = await socket.ask(AskIdentity())
        uid = socket.peer_uid()
    except Lost as exc:
        return None, [wrong(SUBJECT, f"it does not answer: {plainly(exc)}", "keel signer run --config FILE")]
    finally:
        socket.drop()
    if isinstance(answer, Refusal):
        return None, [wrong(SUBJECT, f"it refuses to say who it is: {answer.why}", "see the signer's own file")]
    if not isinstance(answer, Identity):
        return None, [wrong(SUBJECT, "what answers there is no signer", "name the signer's socket in SIGNER_SOCKET")]
    return answer, [ok(SUBJECT, f"answers, with the key {answer.public_key}"), *await _apart(path, uid)]


async def _apart(path: Path, uid: int) -> list[Fact]:
    """Whether whoever takes this user over has the key as well, and who may ask."""
    found = await asyncio.to_thread(path.parent.stat)
    who = f"who may ask: user {found.st_uid}" + (f", group {found.st_gid}" if found.st_mode & 0o070 else "")
    if uid == os.geteuid():
        text = f"it runs as the user that Keel runs as, who can read its key file; {who}"
        return [advice("signer's user", text, "give it a user of its own: docs/security.md says how")]
    return [ok("signer's user", f"it runs as user {uid}, and Keel as user {os.geteuid()}; {who}")]


def judge(
    identity: Identity,
    venue: VenueName,
    accounts: Mapping[str, str],
    *,
    valid_s: float,
    equity_usd: Mapping[str, float],
    seen: SeenJournal | None,
) -> list[Fact]:
    """Whether it can sign for what is watched, and how much. Pure.

    Args:
        accounts: Nicknames by id.
        valid_s: How long the bot's orders last.
        equity_usd: By account id, as last recorded.
        seen: Its journal, as the bot saw it last; None for never.
    """
    if identity.venue.value != venue.value:
        text = f"it signs for {identity.venue.value}, and orders go to {venue.value}"
        return [wrong(SUBJECT, text, "name the socket of the other signer in SIGNER_SOCKET")]
    facts: list[Fact] = []
    if identity.locked:
        facts.append(
            wrong(SUBJECT, f"it is locked: {identity.locked}", "look into its log, then run keel signer unlock")
        )
    if missing := ", ".join(name(nick) for one, nick in accounts.items() if one not in identity.accounts):
        remedy = "add an [[account]] for it to the signer's file, or do not trade it"
        facts.append(wrong(SUBJECT, f"it signs nothing for {missing}", remedy))
    facts += [*_journal(identity, seen), *_caps(identity, equity_usd), *map(_market, _listed(identity))]
    return [*facts, *_lasting(identity, valid_s), _stops(identity), _kind(identity)]


def _journal(identity: Identity, seen: SeenJournal | None) -> list[Fact]:
    shown = SeenJournal(journal=identity.journal_id, rows=identity.journal_rows, head=identity.journal_head)
    why = "" if seen is None else seen.why_not(shown)
    if not why:
        return []
    remedy = "find out who put it back or began it anew, and look at keel signer log; /resume takes it as it is"
    return [wrong("signer's journal", f"{why}; nothing goes out", remedy)]


def _lasting(identity: Identity, valid_s: float) -> list[Fact]:
    """What an order would be refused for, whatever it is."""
    facts: list[Fact] = []
    if valid_s > identity.order_lasts_at_most_s:
        text = f"an order lasts {valid_s:g} s here and {identity.order_lasts_at_most_s} s at most there"
        remedy = "set TRADING_VALID_S to less, or order_lasts_at_most_s in the signer's file to more"
        facts.append(wrong("signer's orders", text, remedy))
    if not identity.signatures_left:
        text = "its signatures for today are used up, until midnight UTC"
        facts.append(wrong("signer's caps", text, "look at keel signer log, then at daily_signatures in its file"))
    if not identity.cancels_left:
        text = "its cancellations for today are used up, until midnight UTC: /halt and /cancel take nothing off"
        facts.append(wrong("signer's caps", text, "cancel at the venue's own page; see daily_cancels in its file"))
    return facts


def _stops(identity: Identity) -> Fact:
    if identity.stops_without_limit:
        return ok("signer's stops", "also those without a limit price, which fill at whatever price there is")
    text = "only those with a limit price, so /stop and /sleep are refused"
    return advice("signer's stops", text, "write stops_without_limit = true in its file where stops are to be placed")


def _caps(identity: Identity, equity_usd: Mapping[str, float]) -> list[Fact]:
    order, day, used = (
        raw / PRICE_UNITS for raw in (identity.max_order_raw_1e6, identity.daily_raw_1e6, identity.used_raw_1e6)
    )
    text = f"{numbers.usd(order)} an order, {numbers.usd(day)} a day, {numbers.usd(used)} of it used today"
    held = sum(value for account_id, value in equity_usd.items() if account_id in identity.accounts)
    if equity_usd and day > held:
        text += f": wider than the {numbers.usd(held)} that its accounts hold"
        return [advice("signer's caps", text, "write smaller caps: what is lost with the bot's machine is below them")]
    return [ok("signer's caps", text)]


def _listed(identity: Identity) -> tuple[str, ...]:
    return tuple(
        f"{name(one.name)}: {numbers.size(one.max_order_raw_1e9 / BASE_UNITS)} an order,"
        f" {numbers.size(one.daily_raw_1e9 / BASE_UNITS)} a day,"
        f" between {numbers.usd(one.price_from_raw_1e6 / PRICE_UNITS)} and"
        f" {numbers.usd(one.price_to_raw_1e6 / PRICE_UNITS)}"
        for one in identity.markets
    )


def _market(text: str) -> Fact:
    return ok("signer's market", text)


def _kind(identity: Identity) -> Fact:
    if identity.reduce_only:
        return ok("signer's orders", "only those that reduce a position")
    text = "also those that open or add to a position"
    return advice("signer's orders", text, "write reduce_only = true in its file where no hedge is to be opened")


async def role(found: "SolanaSettings", key: str, accounts: Mapping[str, str], patience_s: float) -> list[Fact]:
    """Whether the key is the delegate's. Asks the node."""
    from venues.solana import key_check

    try:
        async with asyncio.timeout(patience_s):
            held = await key_check.roles(found, key, list(accounts), clock=SystemClock())
    except (VenueError, TimeoutError) as exc:
        text = f"nobody could be asked what it may do ({str(exc) or 'no answer in time'})"
        return [advice(_KEY, text, "see what is said of the RPC")]
    strange = ", ".join(name(accounts[one]) for one, role in held.items() if role is key_check.KeyRole.STRANGER)
    owned = ", ".join(name(accounts[one]) for one, role in held.items() if role is key_check.KeyRole.OWNER)
    return _key(strange=strange, owned=owned, allowed=found.allow_owner_key)


def _key(*, strange: str, owned: str, allowed: bool) -> list[Fact]:
    """What a key is that fits nobody's account, or somebody's too well."""
    facts: list[Fact] = []
    if strange:
        remedy = "name it as delegate at the venue, or give the signer the key of the one that is"
        facts.append(wrong(_KEY, f"it is not the delegate of {strange}", remedy))
    if owned and not allowed:
        remedy = "name a delegate at the venue and give the signer its key, or set ALLOW_OWNER_KEY=true on purpose"
        facts.append(wrong(_KEY, f"it owns {owned} and can withdraw: orders are refused", remedy))
    elif owned:
        text = f"it owns {owned} and can withdraw, as ALLOW_OWNER_KEY allows"
        facts.append(advice(_KEY, text, "a delegate's key can trade and never withdraw"))
    return facts or [ok(_KEY, "it is the delegate, which can trade and never withdraw")]
