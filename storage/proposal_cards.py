"""Cards of proposals: one in each chat that was asked, and what it shows. The proposal decides, the card only shows."""

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from storage.columns import ReadRow, encodable, integer, maybe_text, text, to_us
from storage.errors import StorageDefect
from storage.handles import KEY_BYTES, Handles
from storage.proposal_buttons import add_card, place_of
from storage.proposal_rows import number_of, proposal_id
from storage.store import Store
from storage.trading_records import CardCopy, CardPlace

if TYPE_CHECKING:
    from sqlite_utils import Database

_KEY_NAME = "handles"


class ProposalCards:
    """Use cases. A card_key is ``C`` and a number."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handles(self) -> Handles:
        """The maker of handles, with the key of this database, which is made the first time."""

        def key(db: "Database") -> bytes:
            db.execute(
                "INSERT INTO server_keys (name, key) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [_KEY_NAME, secrets.token_bytes(KEY_BYTES)],
            )
            return bytes(db.execute("SELECT key FROM server_keys WHERE name = ?", [_KEY_NAME]).fetchone()[0])

        return Handles(await self._store.atomic(key))

    async def add(self, proposal_id: str, place: CardPlace, handles: Handles) -> CardCopy:
        """Ask in one more chat; the card that is there already where there is one."""

        def add(db: "Database") -> CardCopy:
            number = number_of(proposal_id)
            if db.execute("SELECT 1 FROM proposals WHERE proposal = ?", [number]).fetchone() is None:
                raise StorageDefect(
                    f"There is no proposal {proposal_id!r}; this is a defect of Keel, please report it."
                )
            card = add_card(db, number, place, handles)
            (row,) = db.query(f"{_COPIES} WHERE card = ?", [card])
            return _copy_of(row)

        return await self._store.atomic(add)

    async def of(self, proposal_id: str) -> tuple[CardCopy, ...]:
        """Every card of a proposal, those given up as well, in the order in which they were added."""
        return await self._copies("WHERE proposal = ? ORDER BY card", number_of(proposal_id))

    async def bind(self, card_key: str, place: CardPlace, message_id: str, now: datetime) -> bool:
        """The platform accepted the message of a card: only presses on that message count from now on.

        A message sent again takes the place of the one before. False where the card is of another place.
        """
        return await self._change(
            "message_id = :message, given_up = 0, shown_at = :now", card_key,
            "AND transport = :transport AND chat = :chat AND thread = :thread",
            message=encodable(message_id), transport=encodable(place.transport), chat=encodable(place.chat),
            thread=encodable(place.thread), now=to_us(now),
        )  # fmt: skip

    async def stale(self) -> tuple[CardCopy, ...]:
        """Cards that may show something else than what is: those of unfinished proposals, and those that were not shown
        since theirs last changed. Whether one really does, its fingerprint tells. Oldest first."""
        return await self._copies(
            "WHERE given_up = 0 AND (finished_at IS NULL OR shown_changes < changes) ORDER BY card"
        )

    async def shown(
        self,
        card_key: str,
        *,
        message_id: str | None,
        fingerprint: str,
        now: datetime,
        changes: int | None = None,
        revision: int | None = None,
    ) -> None:
        """What a message shows now.

        Args:
            message_id: None where the platform does not say; then it stays.
            changes: Of the copy that was looked up before the proposal was read. Without it the card stays stale.
            revision: Which one is shown; the present one where it is left out.
        """
        await self._change(
            "message_id = coalesce(:message, message_id), fingerprint = :fingerprint, shown_at = :now,"
            " shown_changes = max(shown_changes, coalesce(:changes, 0)), revision_shown = coalesce(:revision,"
            " (SELECT revision FROM proposals WHERE proposals.proposal = proposal_cards.proposal))",
            card_key, now=to_us(now),
            message=None if message_id is None else encodable(message_id), fingerprint=encodable(fingerprint),
            changes=changes, revision=revision,
        )  # fmt: skip

    async def give_up(self, card_key: str) -> None:
        """The message is gone, or the chat cannot be reached: it is not shown any more. Its buttons are worth what the
        proposal is."""
        await self._change("given_up = 1", card_key)

    async def _copies(self, which: str, *given: int) -> tuple[CardCopy, ...]:
        return await self._store.run(
            lambda db: tuple(_copy_of(row) for row in db.query(f"{_COPIES} {which}", list(given)))
        )

    async def _change(self, change: str, card_key: str, where: str = "", **given: str | int | None) -> bool:
        sql = f"UPDATE proposal_cards SET {change} WHERE card = :card {where}"  # noqa: S608  # parts of our own
        values = {"card": _number(card_key), **given}
        return await self._store.atomic(lambda db: db.execute(sql, values).rowcount == 1)


_COPIES = "SELECT proposal_cards.*, proposals.changes FROM proposal_cards JOIN proposals USING (proposal)"


def _number(card_key: str) -> int:
    digits = card_key.removeprefix("C")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else 0


def _copy_of(row: ReadRow) -> CardCopy:
    return CardCopy(
        card_key=f"C{integer(row, 'card')}",
        proposal_id=proposal_id(integer(row, "proposal")),
        revision_shown=integer(row, "revision_shown"),
        place=place_of(row),
        message_id=maybe_text(row, "message_id"),
        fingerprint=text(row, "fingerprint"),
        changes=integer(row, "changes"),
    )
