"""Rows: what goes in comes out, and what cannot be stored is refused before it is."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.incidents import Cause, CauseKind, Incident, IncidentStatus
from risk.decisions.tiers import Tier, TierState
from risk.model.limits import RiskLimits
from storage import AccountSource, BadRow, EquitySample, LastGood, LinkedChat, WatchedAccount
from storage.columns import Row, encodable, moment, to_us
from storage.migrations import migrate
from storage.person_rows import chat_of, chat_row
from storage.rows import (
    account_of,
    account_row,
    equity_of,
    equity_row,
    incident_of,
    incident_row,
    last_good_of,
    last_good_row,
    limits_of,
    limits_row,
    tier_state_of,
    tier_state_row,
)
from tests.storage.builders import NOW, make_incident, make_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlite_utils import Database

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
moments = st.integers(-(10**15), 10**16).map(lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us))
maybe_moments = st.none() | moments
tiers = st.sampled_from(Tier)
amounts = st.floats(allow_nan=False, allow_infinity=False)
ratios = st.none() | st.floats(allow_nan=False)
limit_values = st.floats(allow_nan=False)
slots = st.integers(0, 2**63 - 1)

incidents = st.builds(
    Incident,
    incident_id=st.integers(1, 2**63 - 1),
    cause=st.builds(Cause, kind=st.sampled_from(CauseKind), account_id=texts, subject=texts),
    tier=tiers,
    peak=tiers,
    status=st.sampled_from(IncidentStatus),
    opened_at=moments,
    changed_at=moments,
    rang_at=moments,
    fact=texts,
    market=texts,
    remedy=texts,
    acked_by=st.none() | texts,
    acked_at=maybe_moments,
    snoozed_until=maybe_moments,
    resolved_at=maybe_moments,
)
states = st.builds(
    TierState, tier=tiers, known=st.none() | tiers, easing_to=st.none() | tiers, easing_since=maybe_moments,
    calm_to=st.none() | tiers, calm_since=maybe_moments,
)  # fmt: skip
samples = st.builds(
    EquitySample,
    account_id=texts,
    sampled_at=moments,
    equity_usd=amounts,
    net_flow_usd=amounts,
    unit_value_usd=amounts,
    shares=amounts,
    health_ratio_percent=ratios,
    funding_usd=st.none() | amounts,
    fees_usd=st.none() | amounts,
    slot=slots,
)
summaries = st.builds(LastGood, account_id=texts, body_json=texts, slot=slots, observed_at=moments)
accounts = st.builds(
    WatchedAccount,
    account_id=texts,
    venue=texts,
    nickname=texts,
    added_at=moments,
    source=st.sampled_from(AccountSource),
)
chats = st.builds(
    LinkedChat,
    transport=texts,
    chat=texts,
    thread=texts,
    person_id=texts,
    private=st.booleans(),
    linked_at=moments,
    removed_at=maybe_moments,
)
limits = st.builds(RiskLimits, **dict.fromkeys(RiskLimits.__slots__, limit_values))


@pytest.fixture(scope="module")
def db() -> "Iterator[Database]":
    import sqlite3

    from sqlite_utils import Database

    opened = Database(sqlite3.connect(":memory:", isolation_level=None))
    migrate(opened)
    yield opened
    opened.close()


def stored(db: "Database", table: str, row: Row) -> dict[str, Any]:
    """The row as SQLite gives it back."""
    db.execute("BEGIN")
    try:
        db.table(table).insert(row)
        (found,) = db.table(table).rows
    finally:
        db.rollback()
    return found


@given(incident=incidents)
def test_an_incident_comes_back_as_it_was(db: "Database", incident: Incident) -> None:
    assert incident_of(stored(db, "incidents", incident_row(incident))) == incident


@given(account_id=texts, state=states)
def test_a_tier_state_comes_back_as_it_was(db: "Database", account_id: str, state: TierState) -> None:
    assert tier_state_of(stored(db, "tier_states", tier_state_row(account_id, state))) == state


@given(sample=samples)
def test_an_equity_sample_comes_back_to_the_last_bit(db: "Database", sample: EquitySample) -> None:
    assert equity_of(stored(db, "equity", equity_row(sample))) == sample


@given(summary=summaries)
def test_a_last_good_summary_comes_back_as_it_was(db: "Database", summary: LastGood) -> None:
    assert last_good_of(stored(db, "snapshots", last_good_row(summary))) == summary


@given(account_id=texts, set_limits=limits)
def test_limits_come_back_as_they_were(db: "Database", account_id: str, set_limits: RiskLimits) -> None:
    assert limits_of(stored(db, "risk_limits", limits_row(account_id, set_limits))) == set_limits


@given(chat=chats)
def test_a_chat_comes_back_as_it_was(db: "Database", chat: LinkedChat) -> None:
    # References are not checked on this connection.
    assert chat_of(stored(db, "chats", chat_row(chat))) == chat


@given(account=accounts)
def test_an_account_comes_back_as_it_was(db: "Database", account: WatchedAccount) -> None:
    assert account_of(stored(db, "accounts", account_row(account))) == account


@given(when=moments)
def test_a_moment_is_exact_to_the_microsecond(when: datetime) -> None:
    assert moment({"at": to_us(when)}, "at") == when


def test_a_moment_of_another_time_zone_is_the_same_moment() -> None:
    berlin = timezone(timedelta(hours=1))
    assert moment({"at": to_us(NOW.astimezone(berlin))}, "at") == NOW


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_us(datetime(2026, 1, 5))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_amount_that_is_no_number_is_refused(value: float) -> None:
    sample = make_sample()
    for bad in (
        replace(sample, equity_usd=value),
        replace(sample, net_flow_usd=value),
        replace(sample, unit_value_usd=value),
        replace(sample, shares=value),
    ):
        with pytest.raises(ValueError, match="cannot be stored"):
            equity_row(bad)


def test_a_nan_ratio_is_refused_because_it_would_come_back_as_unknown() -> None:
    with pytest.raises(ValueError, match="NaN"):
        equity_row(make_sample(ratio=math.nan))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("tier", 17),
        ("status", "forgotten"),
        ("kind", None),
        ("opened_at", "yesterday"),
        ("opened_at", 2**62),
        ("fact", 5),
        ("acked_by", 5),
        ("incident_id", None),
    ],
)
def test_a_damaged_row_is_refused_and_never_guessed(column: str, value: object) -> None:
    row: dict[str, object] = {**incident_row(make_incident()), column: value}
    with pytest.raises(BadRow, match=f"stored {column} reads"):
        incident_of(row)


def test_text_that_utf8_cannot_hold_is_made_storable() -> None:
    assert encodable("a\ud800b") == "a?b"
    assert encodable("Zoë 🦀") == "Zoë 🦀"
