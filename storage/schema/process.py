"""What the process remembers of itself: when it lived, when it was away and whom it told, its status messages."""

PROCESS: tuple[str, ...] = (
    # One row for each time the process ran. Without stopped_at it runs, or it was killed: seen_at is its last sign of
    # life. ailing says why it held its heartbeat back at that moment; empty while it was well. restored_at is when a
    # backup with this row in it was put in the place of a newer memory.
    """
    CREATE TABLE lives (
        life_id INTEGER PRIMARY KEY AUTOINCREMENT,
        started_at INTEGER NOT NULL,
        seen_at INTEGER NOT NULL,
        stopped_at INTEGER,
        ailing TEXT NOT NULL,
        restored_at INTEGER
    ) STRICT
    """,
    # Stretches in which nobody watched, kept until everybody was told of them.
    """
    CREATE TABLE absences (
        absence_id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        from_at INTEGER NOT NULL,
        to_at INTEGER NOT NULL,
        waiting INTEGER NOT NULL,
        over INTEGER NOT NULL
    ) STRICT
    """,
    # Where the accounts stood before an absence.
    """
    CREATE TABLE absence_tiers (
        absence_id INTEGER NOT NULL REFERENCES absences (absence_id) ON DELETE CASCADE,
        account_id TEXT NOT NULL,
        tier INTEGER NOT NULL,
        PRIMARY KEY (absence_id, account_id)
    ) STRICT
    """,
    """
    CREATE TABLE absences_told (
        absence_id INTEGER NOT NULL REFERENCES absences (absence_id) ON DELETE CASCADE,
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        PRIMARY KEY (absence_id, transport, chat, thread)
    ) STRICT
    """,
    # The status message of each chat.
    """
    CREATE TABLE pulses (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        message_id TEXT NOT NULL,
        pinned INTEGER NOT NULL,
        PRIMARY KEY (transport, chat, thread)
    ) STRICT
    """,
    # Chats that do not want one.
    """
    CREATE TABLE pulses_off (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        PRIMARY KEY (transport, chat, thread)
    ) STRICT
    """,
)
