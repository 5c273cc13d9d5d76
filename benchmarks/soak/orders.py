"""What the exchange has executed, against what the audit says people agreed to."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from benchmarks.soak.ledger import Ledger
from risk.decisions.proposals import FINAL_LEGS, FINAL_PROPOSALS
from risk.model.proposal import LegState, Proposal, ProposalState
from storage import Audit, AuditAction, AuditEntry, Store

_READ_AT_ONCE = 2_000
_KNOWN = FINAL_LEGS | {LegState.PLANNED}  # of which nothing was ever signed


class Landed(Protocol):
    """A batch that the exchange executed; see venues.paper.post.Landing."""

    @property
    def failure(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signing:
    """Bytes that were signed for one order of a proposal."""

    seq: int
    proposal_id: str
    leg: int
    revision: int


@dataclass(slots=True, kw_only=True)
class Orders:
    """Reads the audit as it grows, and looks at everything that landed since the last look.

    Attributes:
        executed: Batches that landed and did something.
    """

    ledger: Ledger
    executed: int = 0
    approved: int = 0
    proposed: int = 0
    rows: int = 0
    _signed: dict[str, _Signing] = field(default_factory=dict)
    _asked: dict[tuple[str, int], str] = field(default_factory=dict)  # as JSON, for there are many
    _needed: dict[tuple[str, int], int] = field(default_factory=dict)
    _agreed: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    _executed_legs: dict[tuple[str, int], str] = field(default_factory=dict)
    _looked_at: set[str] = field(default_factory=set)

    async def read(self, store: Store) -> None:
        """What was written since the last time."""
        entries = await Audit(store).entries(_READ_AT_ONCE)
        for entry in reversed(entries):
            if entry.seq > self.rows:
                if entry.seq != self.rows + 1:
                    self.ledger.wrong(f"row {self.rows + 1} of the audit is gone: the next one is {entry.seq}")
                self.rows = entry.seq
                self.hear(entry)

    async def verify(self, store: Store) -> None:
        """Every seal of the audit again."""
        verdict = await Audit(store).verify()
        if not verdict.ok:
            self.ledger.wrong(f"the audit does not verify: {verdict.why}")

    def hear(self, entry: AuditEntry) -> None:
        """One row of the audit."""
        facts = json.loads(entry.facts_json)
        about = entry.proposal_id, facts.get("revision", 0)
        match entry.action:
            case AuditAction.PROPOSED | AuditAction.REVISED:
                self.proposed += entry.action is AuditAction.PROPOSED
                self._asked[about], self._needed[about] = json.dumps(facts["legs"]), facts.get("approvals_needed", 1)
            case AuditAction.APPROVED:
                self.approved += 1
                self._agreed[about] = entry.seq, len(facts.get("votes", {}))
            case AuditAction.LEG_SIGNED:
                self._signed[facts["signed"]["signature"]] = _Signing(
                    seq=entry.seq, proposal_id=entry.proposal_id, leg=facts["leg"], revision=facts["revision"]
                )

    def look(self, landings: Mapping[str, Landed], sent: Mapping[str, bytes]) -> None:
        """At what landed, by signature. Read the audit first: bytes are written down before they are sent."""
        for signature in landings.keys() - self._looked_at:
            self._looked_at.add(signature)
            self._judge(signature, landings[signature], sent.get(signature))

    def _judge(self, signature: str, landing: Landed, raw: bytes | None) -> None:
        signing = self._signed.get(signature)
        if signing is None or raw is None:
            self.ledger.wrong(f"an order {signature[:12]} landed that the audit knows nothing of (no approval)")
            return
        what = f"order {signing.leg} of {signing.proposal_id}"
        about = signing.proposal_id, signing.revision
        seq, votes = self._agreed.get(about, (0, 0))
        if not 0 < seq < signing.seq or votes < self._needed.get(about, 1):
            self.ledger.wrong(f"{what} was signed on {votes} of {self._needed.get(about, 1)} approvals")
        for difference in _differences(json.loads(self._asked.get(about, "[]")), signing.leg, json.loads(raw)):
            self.ledger.wrong(f"{what} {difference}")
        if landing.failure:
            return
        self.executed += 1
        before = self._executed_legs.setdefault((signing.proposal_id, signing.leg), signature)
        if before != signature:
            self.ledger.wrong(f"{what} was executed twice, as {before[:12]} and as {signature[:12]} (duplicate order)")

    def final(self, proposals: Collection[Proposal], now: datetime) -> None:
        """Nothing is under way any more: what became of every order must be known. A card that was made while the clock
        was ahead may still be pressed."""
        for one in proposals:
            about = one.proposal_id, one.revision
            if one.state is ProposalState.OPEN and one.expires_at > now:
                continue
            if one.state not in FINAL_PROPOSALS:
                self.ledger.wrong(f"proposal {one.proposal_id} is still {one.state.value} when all is quiet")
            elif about in self._agreed and (open_legs := [leg for leg in one.legs if leg.state not in _KNOWN]):
                states = ", ".join(leg.state.value for leg in open_legs)
                self.ledger.wrong(f"proposal {one.proposal_id} has ended and its orders are {states}")
            elif about in self._agreed and one.state is not ProposalState.DONE and not one.reason:
                self.ledger.wrong(f"proposal {one.proposal_id} has ended as {one.state.value} and nothing says why")


def _differences(asked: list[dict[str, Any]], number: int, raw: Mapping[str, Any]) -> list[str]:
    """How what was sent is not what was agreed to."""
    agreed = next((leg for leg in asked if leg["number"] == number), None)
    if agreed is None:
        return ["was never asked for"]
    found = []
    if list(agreed["cancels"]) != list(raw["cancels"]):
        found.append("cancels other orders than was agreed to")
    terms = agreed["terms"]
    if len(raw["orders"]) != (terms is not None):
        found.append(f"was sent as {len(raw['orders'])} orders")
    elif terms is not None:
        sent = raw["orders"][0]
        wrong = [name for name in sent if name in terms and sent[name] != terms[name]]
        if wrong:
            found.append(f"was sent with another {', '.join(wrong)} than was agreed to")
    return found
