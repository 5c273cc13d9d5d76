"""May this be signed? Pure: a state, what is asked, and the time give a decision; nothing is signed in here."""

import hashlib
from dataclasses import dataclass

from solders.pubkey import Pubkey

from bot.signer import caps, grammar
from bot.signer.intent import Given, Intent, Refusal, RefusalCode
from bot.signer.rules import EPOCH_AHEAD_S, EPOCHS_A_DAY, REFUSALS_WITHIN_S, Rules
from bot.signer.state import Cost, Leg, State

# A process that comes back after a crash meets the first two, again and again, without any harm in it; and who may not
# even ask takes the signer from nobody.
_EXPECTED = (RefusalCode.FENCED, RefusalCode.TWICE, RefusalCode.STRANGER)
_MOST_EXPECTED = 100  # within REFUSALS_WITHIN_S; more of them would fill the disk and say nothing new


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """Sign it, and write this down first."""

    cost: Cost
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """Keep this epoch from now on. The one that is kept already changes nothing and is not written down."""

    epoch: int
    known: bool


def locked(state: State) -> Refusal | None:
    if not state.locked:
        return None
    return Refusal(
        code=RefusalCode.LOCKED, why=f"locked, {state.locked}; look into it, then run keel signer unlock at its machine"
    )


def enter(state: State, epoch: int, *, now_s: int) -> Raise | Refusal:
    """A process that wants to be the one that asks."""
    problem = _epoch(state, epoch, now_s)
    if problem is not None:
        return problem
    if epoch == state.epoch:
        return Raise(epoch=epoch, known=True)
    if state.on(now_s).epochs >= EPOCHS_A_DAY:
        return Refusal(code=RefusalCode.CAP, why=f"{EPOCHS_A_DAY} processes have asked today already")
    return Raise(epoch=epoch, known=False)


def sign(state: State, intent: Intent, rules: Rules, signer: Pubkey, *, now_s: int) -> Fresh | Given | Refusal:
    """One intent: fenced, in the grammar, not twice, within the caps, in this order."""
    problem = _epoch(state, intent.epoch, now_s)
    if problem is not None:
        return problem
    if why := grammar.why_not(intent, rules, signer):
        return Refusal(code=RefusalCode.GRAMMAR, why=why)
    digest = hashlib.sha256(intent.message).hexdigest()
    key = (intent.proposal, intent.leg)
    if any(one.digest == digest and known != key for known, one in state.legs.items()):
        # The chain takes both for one, so that one of the legs would never happen.
        return Refusal(
            code=RefusalCode.TWICE, why="another leg was signed with this very message; ask with a newer blockhash"
        )
    former = state.legs.get(key)
    if former is not None:
        if former.digest == digest:
            return Given(signature=former.signature, again=True)
        if why := _twice(former, intent, rules, now_s):
            return Refusal(code=RefusalCode.TWICE, why=why)
    cost = caps.cost_of(intent, rules)
    if why := caps.why_not(intent, cost, rules, state.on(now_s), now_s=now_s):
        return Refusal(code=RefusalCode.CAP, why=why)
    return Fresh(cost=cost, digest=digest)


def counts(code: RefusalCode, intent: Intent | None) -> bool:
    """Whether enough such refusals lock. A cap that only keeps orders from being cancelled is no sign of a thief."""
    if code is RefusalCode.CAP and intent is not None:
        return bool(intent.orders or intent.modifies)
    return code not in _EXPECTED


def worth_a_row(state: State, code: RefusalCode, *, counted: bool, now_s: int) -> bool:
    """Whether a refusal is written down. What can be provoked without end, and locks nothing, is not always."""
    if counted:
        return code is not RefusalCode.LOCKED
    lately = [one for one in state.expected_at_s if one > max(now_s, state.seen_s) - REFUSALS_WITHIN_S]
    return len(lately) < _MOST_EXPECTED


def why_lock(state: State, rules: Rules) -> str:
    """Why nothing more is signed after the refusals so far; empty where there is no reason yet."""
    if state.locked:
        return ""
    if len(state.refused_at_s) >= rules.lock_after_refusals:
        return f"after {len(state.refused_at_s)} refusals within ten minutes"
    return ""


def _epoch(state: State, epoch: int, now_s: int) -> Refusal | None:
    if epoch < state.epoch:
        return Refusal(code=RefusalCode.FENCED, why="a later process has taken over; stop this one")
    if epoch > max(now_s + EPOCH_AHEAD_S, state.epoch + 1):
        # Kept, it would shut out every process after this one.
        return Refusal(
            code=RefusalCode.GRAMMAR,
            why="an epoch is the unix second a process began, and this one is not; compare the clocks of both",
        )
    return None


def _twice(former: Leg, intent: Intent, rules: Rules, now_s: int) -> str:
    if intent.revision < former.revision:
        return "a later revision of this was signed already"
    if intent.height <= former.valid_until:
        return f"the signature before can still take effect, until height {former.valid_until}"
    if now_s - former.signed_at_s <= rules.resign_after_s:
        return f"the signature before was given less than {rules.resign_after_s} s ago"
    return ""
