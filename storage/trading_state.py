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
_MOST_CHARACTERS = 1_000


class TradingStates:
    """Use cases."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self) -> TradingStatus:
        """What may go out now."""
        return await self._store.run(_read)

    async def set(
        self, state: TradingState, *, by: str, reason: str, now: datetime, expected_since: datetime | None = None
    ) -> TradingStatus:
        """From now on; written down in any case. What was so already keeps its beginning and its first reason, unless
        it is Keel that says so now. Another reason of Keel's is added to its first, and is a beginning of its own.

        Args:
            expected_since: When what is to be changed began; where it is another by now, it stays. None for whatever.
        """

        def change(db: "Database") -> TradingStatus:
            if expected_since is not None and _read(db).since != expected_since:
                return _read(db)
            return set_state(db, state, by, reason, now)

        return await self._store.atomic(change)


def _read(db: "Database") -> TradingStatus:
    (row,) = db.query("SELECT * FROM trading_state")
    return TradingStatus(
        state=member(TradingState, row, "state"), since=moment(row, "since"), by=text(row, "set_by"),
        reason=text(row, "reason"),
    )  # fmt: skip


def set_state(db: "Database", state: TradingState, by: str, reason: str, now: datetime) -> TradingStatus:
    """See TradingStates.set; inside a transaction."""
    before = _read(db)
    said = encodable(reason)[:_MOST_CHARACTERS]
    why: str | None = None
    # What Keel itself has stopped is not for anybody who had stopped it before to start again.
    if before.state is not state or (by == _KEEL and before.by != _KEEL):
        why = said
    elif by == _KEEL and state is not TradingState.ACTIVE:
        why = _more(before.reason, said)
    if why is not None:
        db.execute(
            "UPDATE trading_state SET state = ?, since = ?, set_by = ?, reason = ?",
            [state.value, to_us(now), encodable(by), why],
        )
    entry = AuditEntry(
        at=now, action=AuditAction.TRADING_STATE, actor=by,
        facts_json=facts(before=before.state, after=state, reason=reason),
    )  # fmt: skip
    written = append(db, entry)
    if state is not TradingState.HALTED:
        db.execute("DELETE FROM halt_cancels")
    else:
        db.execute("UPDATE trading_state SET halted_seq = ?", [written.seq])
    return _read(db)


def _more(known: str, added: str) -> str | None:
    """Reasons with one more, the oldest cut off where they are too many to be read; None where it is among them."""
    if not added or f"; {added}; " in f"; {known}; ":
        return None
    return f"{known}; {added}".removeprefix("; ")[-_MOST_CHARACTERS:]
