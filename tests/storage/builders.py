"""Facts with defaults, for tests that care about one of them."""

import math
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from risk.decisions.incidents import Cause, CauseKind, Incident, IncidentStatus, NoticeReason
from risk.decisions.tiers import Tier, TierState
from storage import (
    Batch,
    EquitySample,
    Incidents,
    IncidentStep,
    LinkClaim,
    NewNotice,
    Outbox,
    Outdated,
    Receiver,
    Store,
    Stored,
)

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
PHONE = Receiver(transport="telegram", chat="1001", route="owner")
DESK = Receiver(transport="console", chat="console")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def make_cause(account_id: str = "main", kind: CauseKind = CauseKind.HEALTH, subject: str = "") -> Cause:
    return Cause(kind=kind, account_id=account_id, subject=subject)


def make_incident(
    incident_id: int = 1,
    *,
    tier: Tier = Tier.HIGH,
    cause: Cause | None = None,
    status: IncidentStatus = IncidentStatus.OPEN,
    fact: str = "health ratio 140 % is below 150 %",
) -> Incident:
    return Incident(
        incident_id=incident_id,
        cause=cause or make_cause(),
        tier=tier,
        peak=tier,
        status=status,
        opened_at=NOW,
        changed_at=NOW,
        rang_at=NOW,
        fact=fact,
        resolved_at=NOW if status is IncidentStatus.RESOLVED else None,
    )


def make_notice(
    outbox_id: str = "n1",
    *,
    incident_id: int = 1,
    receiver: Receiver = PHONE,
    reason: NoticeReason = NoticeReason.FIRST,
    tier: Tier = Tier.HIGH,
    body_json: str = '{"fact": "health"}',
    rank: float = math.inf,
    hold_until: datetime | None = None,
) -> NewNotice:
    return NewNotice(
        outbox_id=outbox_id,
        incident_id=incident_id,
        receiver=receiver,
        reason=reason,
        tier=tier,
        body_json=body_json,
        rank=rank,
        hold_until=hold_until,
    )


def make_sample(
    minutes: float = 0, *, unit_value_usd: float = 1.0, account_id: str = "main", ratio: float | None = 180.0
) -> EquitySample:
    return EquitySample(
        account_id=account_id,
        sampled_at=NOW + timedelta(minutes=minutes),
        equity_usd=unit_value_usd * 1_000,
        net_flow_usd=1_000.0,
        unit_value_usd=unit_value_usd,
        shares=1_000.0,
        health_ratio_percent=ratio,
        slot=400_000_000,
    )


def make_claim(user_id: str = "77", *, person_id: str = "p1", chat: str = "1001", private: bool = True) -> LinkClaim:
    return LinkClaim(
        person_id=person_id, transport="telegram", user_id=user_id, display_name="Ada", chat=chat, private=private
    )


async def assess(
    store: Store,
    *,
    steps: Sequence[IncidentStep] = (),
    notices: Sequence[NewNotice] = (),
    tier_states: dict[str, TierState] | None = None,
    now: datetime = NOW,
) -> Stored | Outdated:
    return await Incidents(store).apply_assessment(steps=steps, notices=notices, tier_states=tier_states or {}, now=now)


async def open_with_notices(store: Store, *notices: NewNotice, incident_id: int = 1) -> None:
    """An open incident, whose cause is its own, with the given notices waiting."""
    incident = make_incident(incident_id, cause=make_cause(f"account {incident_id}"))
    outcome = await assess(store, steps=[IncidentStep(before=None, after=incident)], notices=notices)
    assert isinstance(outcome, Stored)


async def claim(
    store: Store,
    now: datetime = NOW,
    *,
    most: int = 100,
    transport: str = PHONE.transport,
    busy: Collection[str] = (),
    threads_apart: bool = False,
) -> tuple[Batch, ...]:
    """What goes out next to one transport; a key says which of its claims in this store a message belongs to."""
    outbox = Outbox(store)
    return await outbox.claim(
        now, transport, most=most, lease=LEASE, busy=busy, threads_apart=threads_apart,
    )  # fmt: skip


async def claim_one(store: Store, now: datetime = NOW, transport: str = PHONE.transport) -> Batch:
    """The one message that goes out next."""
    (batch,) = await claim(store, now, transport=transport)
    return batch


def ids_of(batch: Batch) -> list[str]:
    return [notice.outbox_id for notice in batch.notices]


async def claim_ids(store: Store, now: datetime = NOW, most: int = 100) -> list[str]:
    """What goes out next, to whichever transport, message by message."""
    batches = [*await claim(store, now, most=most), *await claim(store, now, most=most, transport=DESK.transport)]
    return [name for batch in batches for name in ids_of(batch)]
