"""Rows to dataclasses and back. Pure."""

from risk.decisions.incidents import Cause, CauseKind, Incident, IncidentStatus, NoticeReason
from risk.decisions.tiers import Tier, TierState
from risk.model.limits import RiskLimits
from storage.columns import (
    ReadRow,
    Row,
    encodable,
    finite,
    integer,
    maybe_moment,
    maybe_text,
    maybe_us,
    member,
    moment,
    not_nan,
    real,
    text,
    to_us,
)
from storage.records import (
    AccountSource,
    EquitySample,
    LastGood,
    MessageCopy,
    Notice,
    OutboxState,
    Receiver,
    WatchedAccount,
)


def incident_row(incident: Incident) -> Row:
    return {
        "incident_id": incident.incident_id,
        "kind": incident.cause.kind.value,
        "account_id": incident.cause.account_id,
        "subject": incident.cause.subject,
        "tier": incident.tier.value,
        "peak": incident.peak.value,
        "status": incident.status.value,
        "opened_at": to_us(incident.opened_at),
        "changed_at": to_us(incident.changed_at),
        "rang_at": to_us(incident.rang_at),
        "fact": encodable(incident.fact),
        "market": encodable(incident.market),
        "remedy": encodable(incident.remedy),
        "acked_by": incident.acked_by,
        "acked_at": maybe_us(incident.acked_at),
        "snoozed_until": maybe_us(incident.snoozed_until),
        "resolved_at": maybe_us(incident.resolved_at),
    }


def incident_of(row: ReadRow) -> Incident:
    return Incident(
        incident_id=integer(row, "incident_id"),
        cause=Cause(
            kind=member(CauseKind, row, "kind"), account_id=text(row, "account_id"), subject=text(row, "subject")
        ),
        tier=member(Tier, row, "tier"),
        peak=member(Tier, row, "peak"),
        status=member(IncidentStatus, row, "status"),
        opened_at=moment(row, "opened_at"),
        changed_at=moment(row, "changed_at"),
        rang_at=moment(row, "rang_at"),
        fact=text(row, "fact"),
        market=text(row, "market"),
        remedy=text(row, "remedy"),
        acked_by=maybe_text(row, "acked_by"),
        acked_at=maybe_moment(row, "acked_at"),
        snoozed_until=maybe_moment(row, "snoozed_until"),
        resolved_at=maybe_moment(row, "resolved_at"),
    )


def tier_state_row(account_id: str, state: TierState) -> Row:
    return {
        "account_id": account_id,
        "tier": state.tier.value,
        "known": None if state.known is None else state.known.value,
        "easing_to": None if state.easing_to is None else state.easing_to.value,
        "easing_since": maybe_us(state.easing_since),
        "calm_to": None if state.calm_to is None else state.calm_to.value,
        "calm_since": maybe_us(state.calm_since),
    }


def tier_state_of(row: ReadRow) -> TierState:
    return TierState(
        tier=member(Tier, row, "tier"),
        known=None if row["known"] is None else member(Tier, row, "known"),
        easing_to=None if row["easing_to"] is None else member(Tier, row, "easing_to"),
        easing_since=maybe_moment(row, "easing_since"),
        calm_to=None if row["calm_to"] is None else member(Tier, row, "calm_to"),
        calm_since=maybe_moment(row, "calm_since"),
    )


def receiver_of(row: ReadRow) -> Receiver:
    return Receiver(
        transport=text(row, "transport"), chat=text(row, "chat"), thread=text(row, "thread"), route=text(row, "route")
    )


def notice_of(row: ReadRow) -> Notice:
    return Notice(
        outbox_id=text(row, "outbox_id"),
        incident_id=integer(row, "incident_id"),
        receiver=receiver_of(row),
        reason=member(NoticeReason, row, "reason"),
        tier=member(Tier, row, "tier"),
        body_json=text(row, "body_json"),
        created_at=moment(row, "created_at"),
        state=member(OutboxState, row, "state"),
        attempts=integer(row, "attempts"),
        due_at=moment(row, "due_at"),
        rank=real(row, "rank"),
        held=bool(integer(row, "held")),
        batch=maybe_text(row, "batch"),
        refusals=integer(row, "refusals"),
        lease_epoch=integer(row, "lease_epoch"),
        message_id=maybe_text(row, "message_id"),
        sent_at=maybe_moment(row, "sent_at"),
        last_error=text(row, "last_error"),
    )


def copy_of(row: ReadRow) -> MessageCopy:
    return MessageCopy(
        incident_id=integer(row, "incident_id"),
        outbox_id=text(row, "outbox_id"),
        receiver=receiver_of(row),
        message_id=text(row, "message_id"),
        sent_at=moment(row, "sent_at"),
    )


def limits_row(account_id: str, limits: RiskLimits) -> Row:
    return {
        "account_id": account_id,
        "max_portfolio_leverage": not_nan(limits.max_portfolio_leverage),
        "max_position_size_usd": not_nan(limits.max_position_size_usd),
        "max_position_size_percent": not_nan(limits.max_position_size_percent),
        "max_correlation_exposure": not_nan(limits.max_correlation_exposure),
        "max_var_1d_percent": not_nan(limits.max_var_1d_percent),
        "min_health_ratio": not_nan(limits.min_health_ratio),
        "max_drawdown_percent": not_nan(limits.max_drawdown_percent),
    }


def limits_of(row: ReadRow) -> RiskLimits:
    return RiskLimits(
        max_portfolio_leverage=real(row, "max_portfolio_leverage"),
        max_position_size_usd=real(row, "max_position_size_usd"),
        max_position_size_percent=real(row, "max_position_size_percent"),
        max_correlation_exposure=real(row, "max_correlation_exposure"),
        max_var_1d_percent=real(row, "max_var_1d_percent"),
        min_health_ratio=real(row, "min_health_ratio"),
        max_drawdown_percent=real(row, "max_drawdown_percent"),
    )


def equity_row(sample: EquitySample) -> Row:
    ratio = sample.health_ratio_percent
    return {
        "account_id": sample.account_id,
        "sampled_at": to_us(sample.sampled_at),
        "equity_usd": finite(sample.equity_usd),
        "net_flow_usd": finite(sample.net_flow_usd),
        "unit_value_usd": finite(sample.unit_value_usd),
        "shares": finite(sample.shares),
        "health_ratio_percent": None if ratio is None else not_nan(ratio),
        "slot": sample.slot,
        "funding_usd": None if sample.funding_usd is None else finite(sample.funding_usd),
        "fees_usd": None if sample.fees_usd is None else finite(sample.fees_usd),
    }


def equity_of(row: ReadRow) -> EquitySample:
    return EquitySample(
        account_id=text(row, "account_id"),
        sampled_at=moment(row, "sampled_at"),
        equity_usd=real(row, "equity_usd"),
        net_flow_usd=real(row, "net_flow_usd"),
        unit_value_usd=real(row, "unit_value_usd"),
        shares=real(row, "shares"),
        health_ratio_percent=None if row["health_ratio_percent"] is None else real(row, "health_ratio_percent"),
        slot=integer(row, "slot"),
        funding_usd=None if row["funding_usd"] is None else real(row, "funding_usd"),
        fees_usd=None if row["fees_usd"] is None else real(row, "fees_usd"),
    )


def last_good_row(last_good: LastGood) -> Row:
    return {
        "account_id": last_good.account_id,
        "body_json": last_good.body_json,
        "slot": last_good.slot,
        "observed_at": to_us(last_good.observed_at),
    }


def last_good_of(row: ReadRow) -> LastGood:
    return LastGood(
        account_id=text(row, "account_id"),
        body_json=text(row, "body_json"),
        slot=integer(row, "slot"),
        observed_at=moment(row, "observed_at"),
    )


def account_row(account: WatchedAccount) -> Row:
    return {
        "account_id": account.account_id,
        "venue": account.venue,
        "nickname": encodable(account.nickname),
        "added_at": to_us(account.added_at),
        "source": account.source.value,
    }


def account_of(row: ReadRow) -> WatchedAccount:
    return WatchedAccount(
        account_id=text(row, "account_id"),
        venue=text(row, "venue"),
        nickname=text(row, "nickname"),
        added_at=moment(row, "added_at"),
        source=member(AccountSource, row, "source"),
    )
