"""Cards and the digests of their handles, written with the proposal they are of. In the caller's transaction."""

from typing import TYPE_CHECKING

from storage.columns import ReadRow, encodable, integer, text
from storage.handles import Handles, handle_digest
from storage.proposal_rows import proposal_id
from storage.trading_records import CardAction, CardPlace

if TYPE_CHECKING:
    from sqlite_utils import Database


def add_card(db: "Database", proposal: int, place: CardPlace, handles: Handles) -> int:
    """A card of a proposal in one more chat; the one that is there where there is one. Its number."""
    db.execute(
        "INSERT INTO proposal_cards (proposal, transport, chat, thread, revision_shown, fingerprint, shown_changes)"
        " VALUES (?, ?, ?, ?, 0, '', 0) ON CONFLICT (proposal, transport, chat, thread) DO UPDATE SET given_up = 0",
        [proposal, encodable(place.transport), encodable(place.chat), encodable(place.thread)],
    )
    row = next(iter(
        db.query(
            "SELECT * FROM proposal_cards WHERE proposal = ? AND transport = ? AND chat = ? AND thread = ?",
            [proposal, encodable(place.transport), encodable(place.chat), encodable(place.thread)],
        )
    ))  # fmt: skip
    revision = db.execute("SELECT revision FROM proposals WHERE proposal = ?", [proposal]).fetchone()[0]
    _give(db, row, int(revision), handles)
    return integer(row, "card")


def give_handles(db: "Database", proposal: int, revision: int, handles: Handles) -> None:
    """Buttons of a new revision, on every card."""
    for row in list(db.query("SELECT * FROM proposal_cards WHERE proposal = ?", [proposal])):
        _give(db, row, revision, handles)


def place_of(row: ReadRow) -> CardPlace:
    return CardPlace(transport=text(row, "transport"), chat=text(row, "chat"), thread=text(row, "thread"))


def _give(db: "Database", card: ReadRow, revision: int, handles: Handles) -> None:
    name, place = proposal_id(integer(card, "proposal")), place_of(card)
    for action in CardAction:
        digest = handle_digest(handles.of(name, revision, action, place))
        db.execute(
            "INSERT INTO card_handles (digest, card, revision, action) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [digest, integer(card, "card"), revision, action.value],
        )
