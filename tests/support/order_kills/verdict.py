"""What must hold however often a bot was killed: its database against the record of the node."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from risk.decisions.proposals import FINAL_LEGS, FINAL_PROPOSALS
from risk.model.proposal import LegState, Proposal, ProposalState
from storage import Audit, AuditAction, AuditEntry, Proposals, Resting, Store
from tests.support.drift_events import LONG, PERP, SHORT
from tests.support.drift_program import (
    LIMIT,
    TRIGGER_LIMIT,
    TRIGGER_MARKET,
    Arrived,
    Placed,
    arrived,
)
from tests.support.drift_trading import account_id
from tests.support.order_kills.node import Transaction, Truth

_ORDER_TYPES = {"ioc": LIMIT, "limit": LIMIT, "post_only": LIMIT, "trigger_market": TRIGGER_MARKET,
                "trigger_limit": TRIGGER_LIMIT}  # fmt: skip
_EXECUTED = (LegState.FILLED, LegState.PARTIAL, LegState.UNFILLED, LegState.RESTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found.

    Attributes:
        landed: Transactions that did, with an effect or without.
        duplicates: Sentences about orders that went out more than once; likewise the others.
        unapproved: What arrived and nobody had agreed to, or not to exactly that, or not before it was signed.
        lost: Approved proposals without an end, or without a word about it.
        wrong: What is believed and is not so.
    """

    proposals: int
    approved: int
    sent: int
    landed: int
    duplicates: tuple[str, ...] = ()
    unapproved: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        return not (self.duplicates or self.unapproved or self.lost or self.wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signing:
    """Bytes that were signed, as the audit tells of them."""

    seq: int
    proposal_id: str
    leg: int
    revision: int


@dataclass(slots=True)
class _Told:
    """What the audit says, in its order."""

    signed: dict[str, _Signing] = field(default_factory=dict)
    asked: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)
    needed: dict[tuple[str, int], int] = field(default_factory=dict)
    approved: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    halted: list[str] = field(default_factory=list)

    def hear(self, entry: AuditEntry) -> None:
        facts = json.loads(entry.facts_json)
        about = entry.proposal_id, facts.get("revision", 0)
        match entry.action:
            case AuditAction.PROPOSED | AuditAction.REVISED:
                self.asked[about], self.needed[about] = facts["legs"], facts.get("approvals_needed", 1)
            case AuditAction.APPROVED:
                self.approved[about] = entry.seq, len(facts.get("votes", {}))
            case AuditAction.LEG_SIGNED:
                self.signed[facts["signed"]["signature"]] = _Signing(
                    seq=entry.seq, proposal_id=entry.proposal_id, leg=facts["leg"], revision=facts["revision"]
                )
            case AuditAction.TRADING_STATE if entry.actor == "keel":
                self.halted.append(entry.facts_json)
        if facts.get("state") in [state.value for state in FINAL_PROPOSALS]:
            self.ended.add(entry.proposal_id)


async def verdict(database: Path, truth: Truth) -> Verdict:
    """Looks at everything."""
    async with await Store.open(database) as store:
        told, audit = _Told(), Audit(store)
        async for entry in audit.all():
            told.hear(entry)
        sealed = await audit.verify()
        proposals = await Proposals(store).recent([account_id()], 1_000_000)
        resting = {one.order_id for one in await Resting(store).standing()}
    wrong = [] if sealed.ok else [f"the audit is broken: {sealed.why}"]
    wrong += [f"trading was halted: {one}" for one in told.halted]
    if resting != truth.orders:
        wrong.append(f"orders {sorted(truth.orders)} rest, and {resting} are believed to")
    return Verdict(
        proposals=len(proposals),
        approved=len(told.approved),
        sent=len(truth.transactions),
        landed=sum(one.landed for one in truth.transactions),
        duplicates=tuple(_duplicates(truth, told)),
        unapproved=tuple(_unapproved(truth, told)),
        lost=tuple(_lost(proposals, told)),
        wrong=(*wrong, *_wrong(proposals, truth, told)),
    )


def _duplicates(truth: Truth, told: _Told) -> Iterable[str]:
    landed: dict[tuple[str, int], list[str]] = {}
    for one in truth.transactions:
        if one.landed and one.signature in told.signed:
            signing = told.signed[one.signature]
            landed.setdefault((signing.proposal_id, signing.leg), []).append(one.signature)
    for (proposal_id, leg), signatures in landed.items():
        if len(signatures) > 1:
            yield f"order {leg} of {proposal_id} went out {len(signatures)} times"


def _unapproved(truth: Truth, told: _Told) -> Iterable[str]:
    for one in truth.transactions:
        signing = told.signed.get(one.signature)
        if signing is None:
            yield f"{one.signature} was never written down"
            continue
        what = f"order {signing.leg} of {signing.proposal_id}"
        about = signing.proposal_id, signing.revision
        approved, votes = told.approved.get(about, (0, 0))
        if not 0 < approved < signing.seq or votes < told.needed[about]:
            yield f"{what} was signed on {votes} of {told.needed[about]} approvals"
        agreed = next(leg for leg in told.asked[about] if leg["number"] == signing.leg)
        yield from (f"{what} {why}" for why in _differences(agreed, arrived(one.raw)))


def _differences(agreed: Mapping[str, Any], calls: Sequence[Arrived]) -> Iterable[str]:
    """How what arrived is not what was agreed to, bytes against the words of the audit."""
    if any(call.user != account_id() for call in calls):
        yield "changes another account"
    if [one for call in calls for one in call.cancels] != list(agreed["cancels"]):
        yield "cancels other orders"
    orders, terms = [one for call in calls for one in call.orders], agreed["terms"]
    if len(orders) != (terms is not None):
        yield f"came as {len(orders)} orders"
    elif terms is not None and orders[0] != _expected(terms, orders[0]):
        yield f"arrived as {orders[0]}"


def _expected(terms: Mapping[str, Any], found: Placed) -> Placed:
    style = terms["style"]
    trigger = terms["trigger_raw_1e6"]
    return Placed(
        order_type=_ORDER_TYPES[style],
        market_type=PERP,
        direction=LONG if terms["side"] == "buy" else SHORT,
        base_1e9=terms["size_raw_1e9"],
        price_1e6=terms["limit_raw_1e6"],
        market_index=terms["market_index"],
        reduce_only=terms["reduce_only"],
        post_only=found.post_only if style == "post_only" else 0,
        bit_flags=1 if style == "ioc" else 0,
        max_ts=terms["expires_at_s"] or None,
        trigger_price=trigger or None,
        trigger_condition=int(terms["triggers_above"] is False),
        rest=(None,) * len(found.rest),
    )


def _lost(proposals: Sequence[Proposal], told: _Told) -> Iterable[str]:
    approved = {proposal_id for proposal_id, _ in told.approved}
    for one in proposals:
        if one.proposal_id not in approved:
            continue
        if one.state not in FINAL_PROPOSALS or one.finished_at is None:
            yield f"{one.proposal_id} is still {one.state.value}"
        elif one.proposal_id not in told.ended:
            yield f"the audit has no end of {one.proposal_id}"
        elif one.state is not ProposalState.DONE and not one.reason:
            yield f"nothing says why {one.proposal_id} is {one.state.value}"
        elif one.state is not ProposalState.CANCELLED and any(_unreported(leg.state, leg.reason) for leg in one.legs):
            yield f"nothing says what became of an order of {one.proposal_id}"


def _unreported(state: LegState, reason: str) -> bool:
    return state in FINAL_LEGS and state not in (LegState.FILLED, LegState.RESTING) and not reason


def _wrong(proposals: Sequence[Proposal], truth: Truth, told: _Told) -> Iterable[str]:
    by_leg = {
        (told.signed[one.signature].proposal_id, told.signed[one.signature].leg): one
        for one in truth.transactions
        if one.landed and one.signature in told.signed
    }
    believed = dict(truth.began_with)
    for proposal in proposals:
        for leg in proposal.legs:
            what = f"order {leg.number} of {proposal.proposal_id}"
            landed = by_leg.get((proposal.proposal_id, leg.number))
            executed = landed is not None and not landed.failed
            if executed is not (leg.state in _EXECUTED):
                yield f"{what} is {leg.state.value}, and the chain says {_said(landed)}"
            if leg.terms is None or not executed or landed is None:
                continue
            sign = 1 if leg.terms.side.value == "buy" else -1
            index = leg.terms.market_index
            believed[index] = believed.get(index, 0) + sign * leg.filled_raw_1e9
            if landed.moved.get(index, 0) != sign * leg.filled_raw_1e9:
                yield f"{what} is told to have filled {leg.filled_raw_1e9}, and the chain moved by {landed.moved}"
            if leg.state is LegState.RESTING and (leg.order_id,) != landed.rested:
                yield f"{what} is told to rest as #{leg.order_id}, and the chain says {landed.rested}"
    if {key: value for key, value in believed.items() if value} != dict(truth.positions):
        yield f"the position is {dict(truth.positions)}, and {believed} is believed"


def _said(landed: Transaction | None) -> str:
    if landed is None:
        return "it never landed"
    return "it failed" if landed.failed else "it was executed"
