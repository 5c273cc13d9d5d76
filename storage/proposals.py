"""Proposals: the rows that decide. Cards show them, the desk works through them, nobody else changes them.

Every change goes through the tables of risk.decisions.proposals, and is written down in the audit in the same
transaction.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from risk.decisions.proposals import LegEvent, ProposalEvent
from risk.model.proposal import Effect, Leg, Proposal, ProposalState
from risk.model.trading import Consent, ConsentKind, PlacedOrder, Signed
from storage import proposal_changes, proposal_consent, proposal_legs, proposal_presses, proposal_rows, standing_use
from storage.audit import append
from storage.handles import Handles
from storage.person_records import Access
from storage.proposal_rows import number_of
from storage.store import Store
from storage.trading_json import facts
from storage.trading_records import AuditAction, AuditEntry, CardPlace, CardPress, Pressed

if TYPE_CHECKING:
    from sqlite_utils import Database

HOLDS_AFTER_EXPIRY = timedelta(minutes=5)
"""A yes of the last second still has to be worked through."""

HALT_HOLDS = timedelta(minutes=10)


class Proposals:
    """Use cases. Where nothing else is said, an unknown id is a defect: StorageDefect."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(
        self,
        draft: Proposal,
        *,
        places: Sequence[CardPlace],
        now: datetime,
        by: str,
        handles: Handles,
        holds_after_expiry: timedelta = HOLDS_AFTER_EXPIRY,
    ) -> Proposal:
        """Store a new proposal, open, with a card for each place. Its id is assigned here, its legs begin PLANNED.

        Args:
            draft: With an empty ``proposal_id``; of revision, state and votes nothing is taken over.
            by: A person's id, or "keel".
            holds_after_expiry: How long after its expiry the last order may be signed.
        """

        def put(db: "Database") -> Proposal:
            return proposal_changes.put(
                db, draft, places=places, now=now, by=by, handles=handles, holds_after_expiry=holds_after_expiry
            )

        return await self._store.atomic(put)

    async def get(self, proposal_id: str) -> Proposal | None:
        """As it stands now."""
        return await self._store.run(lambda db: proposal_rows.read(db, number_of(proposal_id)))

    async def open(self) -> tuple[Proposal, ...]:
        """Those that wait for people, expired ones included until somebody says so; oldest first."""
        return await self._where("state = 'open' AND finished_at IS NULL ORDER BY proposal")

    async def unfinished(self) -> tuple[Proposal, ...]:
        """Those that are OPEN, APPROVED or EXECUTING; their legs with the bytes of the latest attempt. Oldest first."""
        return await self._where("finished_at IS NULL ORDER BY proposal")

    async def recent(self, account_ids: Collection[str], most: int) -> tuple[Proposal, ...]:
        """The latest of some accounts, newest first."""
        return await self._where(
            "account_id IN (SELECT value FROM json_each(:accounts)) ORDER BY proposal DESC LIMIT :most",
            accounts=json.dumps(sorted(account_ids)),
            most=most,
        )

    async def press(self, press: CardPress, now: datetime) -> Pressed:
        """A button was pressed. One statement decides whether that is worth anything."""
        return await self._store.atomic(lambda db: proposal_presses.press(db, press, now))

    async def pin_given(self, person_id: str, access: Access, now: datetime) -> Pressed:
        """Somebody gave their PIN, and Pins.check found it right: the confirmation that waited for it counts.

        FOREIGN where none waits, PIN_NEEDED where no right PIN was given. One right PIN is good for one confirmation.
        """
        return await self._store.atomic(lambda db: proposal_presses.pin_given(db, person_id, access, now))

    async def revise(
        self,
        proposal_id: str,
        *,
        expected_revision: int,
        legs: Sequence[Leg],
        effect: Effect | None,
        changed: Sequence[str],
        notes: Sequence[str],
        expires_at: datetime,
        now: datetime,
        by: str,
        handles: Handles,
        approvals_needed: int | None = None,
        pin_needed: bool | None = None,
        holds_after_expiry: timedelta = HOLDS_AFTER_EXPIRY,
        expected: ProposalState | None = None,
    ) -> Proposal:
        """Something else is asked than before: votes and buttons of the revision before are void.

        Args:
            approvals_needed, pin_needed: None for as before.
            expected: The state it was decided in; None for whatever it is.

        Raises: ProposalOutdated where it has another revision by now, or is in another state than expected;
            IllegalTransition where it is not asked any more.
        """

        def revise(db: "Database") -> Proposal:
            return proposal_changes.revise(
                db, proposal_id, expected_revision=expected_revision, legs=legs, effect=effect, changed=changed,
                notes=notes, expires_at=expires_at, valid_until=expires_at + holds_after_expiry, now=now, by=by,
                handles=handles, approvals_needed=approvals_needed, pin_needed=pin_needed, expected=expected,
            )  # fmt: skip

        return await self._store.atomic(revise)

    async def happened(
        self,
        proposal_id: str,
        event: ProposalEvent,
        *,
        now: datetime,
        by: str,
        reason: str = "",
        expected: ProposalState | None = None,
    ) -> Proposal:
        """Started, cancelled, expired, refused. Votes, approvals and revisions come from ``press`` and ``revise``, ends
        from the legs.

        Args:
            expected: The state it was decided in; None for whatever it is.

        Raises: ProposalOutdated where it is in another one by now; IllegalTransition.
        """
        return await self._store.atomic(
            lambda db: proposal_changes.happened(
                db, proposal_id, event, now=now, by=by, reason=reason, expected=expected
            )
        )

    async def leg_happened(
        self,
        proposal_id: str,
        number: int,
        event: LegEvent,
        *,
        now: datetime,
        signed: Signed | None = None,
        placed: PlacedOrder | None = None,
        reason: str = "",
    ) -> Proposal:
        """Something happened to an order. With the last one the proposal ends as well.

        SIGNED needs ``signed``, and comes before anything is sent. It is refused where the approval does not hold any
        more; see why_not_send. SENT again leaves no trace.

        Raises: ProposalOutdated; SignedBefore; IllegalTransition.
        """
        return await self._store.atomic(
            lambda db: proposal_legs.happened(
                db, proposal_id, number, event, now=now, signed=signed, placed=placed, reason=reason
            )
        )

    async def approve_standing(self, proposal_id: str, standing_id: str, now: datetime) -> Proposal | None:
        """Approve an open proposal by a standing approval that covers it, and take its notional off the cap.

        Returns: None where that one does not cover it: another account or market, an order that may enlarge, no cap
            left, expired, taken back; or it cancels something.
        """
        return await self._store.atomic(lambda db: standing_use.approve(db, proposal_id, standing_id, now))

    async def put_allowed(
        self,
        draft: Proposal,
        *,
        standing_id: str,
        places: Sequence[CardPlace],
        now: datetime,
        by: str,
        handles: Handles,
        holds_after_expiry: timedelta = HOLDS_AFTER_EXPIRY,
    ) -> Proposal | None:
        """``put`` and ``approve_standing`` at once. None, and nothing stored, where that one does not cover it."""

        def put(db: "Database") -> Proposal | None:
            return standing_use.put_allowed(
                db, draft, standing_id=standing_id, places=places, now=now, by=by, handles=handles,
                holds_after_expiry=holds_after_expiry,
            )  # fmt: skip

        return await self._store.atomic(put)

    async def why_not_send(self, proposal_id: str, number: int, now: datetime) -> str:
        """Why the bytes of an order may not be handed over, be it again, in a sentence; empty where they may.

        Nobody agreed to it, the yes is too old, its standing approval is over, or trading is halted; also where it was
        halted and resumed since the yes was given. What only cancels goes out during a halt.
        """
        return await self._store.run(lambda db: proposal_legs.why_not_send(db, proposal_id, number, now))

    async def consent(self, proposal_id: str) -> Consent | None:
        """The yes to a proposal that is APPROVED or EXECUTING, from its rows alone; None where there is none."""
        return await self._store.run(lambda db: proposal_consent.read(db, number_of(proposal_id)))

    async def halt_consent(self, by: str, now: datetime) -> Consent:
        """A halt allows to cancel what rests, and nothing else."""

        def write(db: "Database") -> str:
            entry = AuditEntry(
                at=now, action=AuditAction.HALT_CONSENT, actor=by, facts_json=facts(holds_s=HALT_HOLDS.total_seconds())
            )
            return f"H{append(db, entry).seq}"

        reference = await self._store.atomic(write)
        return Consent(
            kind=ConsentKind.HALT, reference=reference, revision=0, given_by=(by,), digests=frozenset(),
            holds_until=now + HALT_HOLDS,
        )  # fmt: skip

    async def _where(self, where: str, **given: object) -> tuple[Proposal, ...]:
        return await self._store.run(lambda db: proposal_rows.read_where(db, where, given))
