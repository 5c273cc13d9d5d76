"""Whether anything may go out at all: one row, so that a restart does not forget a halt."""

from datetime import datetime
from typing import TYPE_CHECKING

from risk.model.trading import TradingState
from storage.audit import append
from storage.columns import encodable, member, moment, text, to_us
from storage.store import Store
from storage.trading_json import facts
from storage.trading_records import AuditAction, AuditEntry, TradingStatus

if TYPE_CHECKING:
    from sqlite_utils import Database

_KEEL = "keel"


class TradingStates:
    """Use cases."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self) -> TradingStatus:
        """What may go out now."""
        return await self._store.run(_read)

    async def set(self, state: TradingState, *, by: str, reason: str, now: datetime) -> TradingStatus:
        """From now on; written down in any case. What was so already keeps its beginning and its first reason, unless it
        is Keel that says so now."""
        return await self._store.atomic(lambda db: _set(db, state, by, reason, now))


def _read(db: "Database") -> TradingStatus:
    (row,) = db.query("SELECT * FROM trading_state")
    return TradingStatus(
        state=member(TradingState, row, "state"), since=moment(row, "since"), by=text(row, "set_by"),
        reason=text(row, "reason"),
    )  # fmt: skip


def _set(db: "Database", state: TradingState, by: str, reason: str, now: datetime) -> TradingStatus:
    before = _read(db)
    # What Keel itself has stopped is not for anybody who had stopped it before to start again.
    if before.state is not state or (by == _KEEL and before.by != _KEEL):
        db.execute(
            "UPDATE trading_state SET state = ?, since = ?, set_by = ?, reason = ?",
            [state.value, to_us(now), encodable(by), encodable(reason)],
        )
    entry = AuditEntry(
        at=now, action=AuditAction.TRADING_STATE, actor=by,
        facts_json=facts(before=before.state, after=state, reason=reason),
    )  # fmt: skip
    append(db, entry)
    return _read(db)
