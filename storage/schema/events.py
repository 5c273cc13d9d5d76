"""What happened to accounts, how far each was followed, and what was announced.

Moments are integer microseconds since 1970, UTC. Enums are stored by value.
"""

EVENTS: tuple[str, ...] = (
    # The reading up to which everything was told, and the place in the venue's history that is read on from;
    # of what happened before heard_slot nothing comes again when it is read on from there.
    """
    CREATE TABLE followed_accounts (
        account_id TEXT PRIMARY KEY,
        body_json TEXT NOT NULL,
        slot INTEGER NOT NULL,
        observed_at INTEGER NOT NULL,
        cursor TEXT NOT NULL,
        heard_slot INTEGER NOT NULL
    ) STRICT
    """,
    # happened_at is when the venue says, or when the reading arrived that shows it. source is empty where only
    # readings show it. told_at is when the alert was stored that tells it, or when it was decided that none does.
    """
    CREATE TABLE event_log (
        event_id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        market TEXT NOT NULL,
        tier INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        happened_at INTEGER NOT NULL,
        logged_at INTEGER NOT NULL,
        source TEXT NOT NULL,
        body_json TEXT NOT NULL,
        told_at INTEGER
    ) STRICT
    """,
    # Whatever the program believes, one record is one event of one account.
    """
    CREATE UNIQUE INDEX event_log_once ON event_log (account_id, source) WHERE source <> ''
    """,
    """
    CREATE INDEX event_log_by_time ON event_log (account_id, happened_at)
    """,
    """
    CREATE INDEX event_log_by_slot ON event_log (account_id, slot)
    """,
    """
    CREATE INDEX event_log_untold ON event_log (event_id) WHERE told_at IS NULL
    """,
    # What somebody said would happen. account_id is empty for all accounts; counterpart is the new delegate, empty for
    # none; left_usd is what of the amount has not happened yet.
    """
    CREATE TABLE announcements (
        announcement_id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        amount_usd REAL NOT NULL,
        left_usd REAL NOT NULL,
        counterpart TEXT NOT NULL,
        from_at INTEGER NOT NULL,
        until_at INTEGER NOT NULL,
        announced_by TEXT NOT NULL,
        withdrawn_at INTEGER
    ) STRICT
    """,
    """
    CREATE INDEX announcements_by_end ON announcements (until_at)
    """,
    # What venues allowed when they were last looked at.
    """
    CREATE TABLE venue_states (
        venue TEXT PRIMARY KEY,
        body_json TEXT NOT NULL,
        observed_at INTEGER NOT NULL
    ) STRICT
    """,
    # Accounts that owners of watched ones are known to have.
    """
    CREATE TABLE owned_accounts (
        owner TEXT NOT NULL,
        account_id TEXT NOT NULL,
        PRIMARY KEY (owner, account_id)
    ) STRICT
    """,
)
