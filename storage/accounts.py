"""Accounts under watch, and what people decided for each: its nickname, its limits, its thresholds."""

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from risk.decisions.tiers import Tier, TierThresholds
from risk.model.limits import RiskLimits
from storage.columns import encodable, integer, member, not_nan, real
from storage.errors import BadRow
from storage.records import AccountSource, Naming, WatchedAccount
from storage.rows import account_of, account_row, limits_of, limits_row
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

_MICROSECOND = timedelta(microseconds=1)


class Accounts:
    """The watch list. Implements risk.ports.LimitsStore.

    Limits and thresholds belong to an account whether it is watched or not, so they are still there when it comes back.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def watch(self, account: WatchedAccount) -> Naming:
        """Add an account: DONE, ALREADY_WATCHED or NICKNAME_TAKEN; the last two change nothing."""
        return await self._store.atomic(lambda db: _watch(db, account))

    async def unwatch(self, account_id: str) -> bool:
        """Take an account off the list; its history stays. False where it was not on it."""
        return await self._store.atomic(
            lambda db: db.execute("DELETE FROM accounts WHERE account_id = ?", [account_id]).rowcount == 1
        )

    async def rename(self, account_id: str, nickname: str) -> Naming:
        """Give another nickname: DONE, NOT_WATCHED or NICKNAME_TAKEN."""
        return await self._store.atomic(lambda db: _rename(db, account_id, encodable(nickname)))

    async def claim_for_file(self, account_id: str) -> None:
        """The settings name an account, whoever named it before: it can be taken off the list there only."""
        await self._store.atomic(
            lambda db: db.execute(
                "UPDATE accounts SET source = ? WHERE account_id = ?", [AccountSource.FILE.value, account_id]
            )
        )

    async def find(self, account_id: str) -> WatchedAccount | None:
        """An account's entry; None where it is not watched."""
        return await self._store.run(
            lambda db: next(
                (account_of(row) for row in db.query("SELECT * FROM accounts WHERE account_id = ?", [account_id])), None
            )
        )

    async def watched(self) -> tuple[WatchedAccount, ...]:
        """All accounts, in the order in which they were added."""
        return await self._store.run(
            lambda db: tuple(
                account_of(row) for row in db.query("SELECT * FROM accounts ORDER BY added_at, account_id")
            )
        )

    async def load_limits(self, account_id: str) -> RiskLimits | None:
        """Limits of an account; None where nobody set any."""
        return await self._store.run(
            lambda db: next(
                (limits_of(row) for row in db.query("SELECT * FROM risk_limits WHERE account_id = ?", [account_id])),
                None,
            )
        )

    async def save_limits(self, account_id: str, limits: RiskLimits) -> None:
        """Set limits. Raises: ValueError for NaN; infinity switches a limit off."""
        row = limits_row(account_id, limits)
        await self._store.atomic(lambda db: db.table("risk_limits").upsert(row, pk="account_id"))

    async def load_thresholds(self, account_id: str) -> TierThresholds | None:
        """Thresholds of an account; None where nobody set any."""
        return await self._store.run(lambda db: _load_thresholds(db, account_id))

    async def save_thresholds(self, account_id: str, thresholds: TierThresholds) -> None:
        """Set thresholds, all of them."""
        await self._store.atomic(lambda db: _save_thresholds(db, account_id, thresholds))


class _Measure(StrEnum):
    """What a threshold is compared with, as it is stored."""

    RATIO_PERCENT = "ratio_percent"
    DISTANCE_FRAC = "distance_frac"
    DISTANCE_SIGMAS = "distance_sigmas"


def _taken(db: "Database", nickname: str, *, by_other_than: str) -> bool:
    # The column compares without regard to case.
    return (
        db.execute(
            "SELECT 1 FROM accounts WHERE nickname = ? AND account_id <> ?", [nickname, by_other_than]
        ).fetchone()
        is not None
    )


def _watch(db: "Database", account: WatchedAccount) -> Naming:
    if db.execute("SELECT 1 FROM accounts WHERE account_id = ?", [account.account_id]).fetchone():
        return Naming.ALREADY_WATCHED
    if _taken(db, encodable(account.nickname), by_other_than=account.account_id):
        return Naming.NICKNAME_TAKEN
    db.table("accounts").insert(account_row(account))
    return Naming.DONE


def _rename(db: "Database", account_id: str, nickname: str) -> Naming:
    if _taken(db, nickname, by_other_than=account_id):
        return Naming.NICKNAME_TAKEN
    renamed = db.execute("UPDATE accounts SET nickname = ? WHERE account_id = ?", [nickname, account_id]).rowcount
    return Naming.DONE if renamed else Naming.NOT_WATCHED


def _load_thresholds(db: "Database", account_id: str) -> TierThresholds | None:
    row = next(iter(db.query("SELECT * FROM tier_thresholds WHERE account_id = ?", [account_id])), None)
    if row is None:
        return None
    ladders: dict[_Measure, dict[Tier, float]] = {measure: {} for measure in _Measure}
    for step in db.query("SELECT * FROM tier_threshold_steps WHERE account_id = ?", [account_id]):
        ladders[member(_Measure, step, "measure")][member(Tier, step, "tier")] = real(step, "below")
    try:
        return TierThresholds(
            ratio_percent=ladders[_Measure.RATIO_PERCENT],
            distance_frac=ladders[_Measure.DISTANCE_FRAC],
            distance_sigmas=ladders[_Measure.DISTANCE_SIGMAS],
            ease_margin_frac=real(row, "ease_margin_frac"),
            ease_dwell=_MICROSECOND * integer(row, "ease_dwell_us"),
        )
    except ValueError as exc:
        raise BadRow(f"The stored thresholds of account {account_id} contradict each other; set them again.") from exc


def _save_thresholds(db: "Database", account_id: str, thresholds: TierThresholds) -> None:
    db.execute("DELETE FROM tier_thresholds WHERE account_id = ?", [account_id])  # its steps go with it
    db.table("tier_thresholds").insert(
        {
            "account_id": account_id,
            "ease_margin_frac": not_nan(thresholds.ease_margin_frac),
            "ease_dwell_us": thresholds.ease_dwell // _MICROSECOND,
        }
    )
    db.table("tier_threshold_steps").insert_all(
        {"account_id": account_id, "measure": measure.value, "tier": tier.value, "below": below}
        for measure, ladder in (
            (_Measure.RATIO_PERCENT, thresholds.ratio_percent),
            (_Measure.DISTANCE_FRAC, thresholds.distance_frac),
            (_Measure.DISTANCE_SIGMAS, thresholds.distance_sigmas),
        )
        for tier, below in ladder.items()
    )
