"""What a check finds of the signer: whether it answers, whose key it holds, what it allows, who could take the key."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from bot.checking.facts import Fact, advice, ok, wrong
from bot.config import VenueName
from bot.signer.intent import AskIdentity, Identity, Refusal
from bot.text import numbers
from bot.text.clean import name
from bot.trading.signer_client import plainly
from bot.trading.signer_socket import Lost, SignerSocket
from risk.model.trading import BASE_UNITS, PRICE_UNITS

SUBJECT = "signer"
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
        await socket.close()
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
    identity: Identity, venue: VenueName, accounts: Mapping[str, str], equity_usd: Mapping[str, float]
) -> list[Fact]:
    """Whether it can sign for what is watched, and how much. Pure.

    Args:
        accounts: Nicknames by id.
        equity_usd: By account id, as last recorded.
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
    return [*facts, *_caps(identity, equity_usd), *map(_market, _listed(identity)), _kind(identity)]


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
