"""What delivery needs to know: of a notice its rank, its hold and its message; of an incident when it rang."""

DELIVERY: tuple[str, ...] = (
    # Since when somebody should have answered; the last change is the nearest to it that an older database knows.
    "ALTER TABLE incidents ADD COLUMN rang_at INTEGER NOT NULL DEFAULT 0",
    "UPDATE incidents SET rang_at = changed_at",
    "ALTER TABLE incidents ADD COLUMN market TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE incidents ADD COLUMN remedy TEXT NOT NULL DEFAULT ''",
    # Infinite where nobody knows how near the danger is: such notices go behind those of the same urgency.
    "ALTER TABLE outbox ADD COLUMN rank REAL NOT NULL DEFAULT 9e999",
    # 1 while a notice waits for a moment that its receiver chose, such as the end of the night.
    "ALTER TABLE outbox ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
    # The message it goes out with: from the claim on, for as long as nobody knows that it did not arrive.
    "ALTER TABLE outbox ADD COLUMN batch TEXT",
    # How often the platform refused it for what it is.
    "ALTER TABLE outbox ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0",
    # When the message is to be edited because an incident in it has changed hands; NULL while it is up to date.
    "ALTER TABLE message_copies ADD COLUMN edit_due_at INTEGER",
    "ALTER TABLE message_copies ADD COLUMN edit_attempts INTEGER NOT NULL DEFAULT 0",
    # How often one did: whoever has edited it knows by this whether something changed meanwhile.
    "ALTER TABLE message_copies ADD COLUMN changes INTEGER NOT NULL DEFAULT 0",
    "DROP INDEX outbox_waiting",
    "DROP INDEX outbox_waiting_by_receiver",
    "DROP INDEX outbox_by_receiver",
    # Most urgent first. What a claim has to skip is decided by the columns behind, without a look at the table.
    """
    CREATE INDEX outbox_waiting ON outbox (transport, urgency DESC, rank, seq, due_at, chat, thread)
        WHERE state IN ('pending', 'leased')
    """,
    """
    CREATE INDEX outbox_waiting_by_receiver ON outbox (transport, chat, thread, incident_id, seq)
        WHERE state IN ('pending', 'leased')
    """,
    """
    CREATE INDEX outbox_waiting_by_moment ON outbox (transport, due_at) WHERE state IN ('pending', 'leased')
    """,
    """
    CREATE INDEX outbox_by_incident ON outbox (incident_id, transport, chat, thread, seq)
    """,
    """
    CREATE INDEX outbox_by_receiver ON outbox (transport, chat, thread)
    """,
    """
    CREATE INDEX outbox_by_batch ON outbox (batch) WHERE batch IS NOT NULL
    """,
    """
    CREATE INDEX message_copies_by_message ON message_copies (transport, chat, thread, message_id)
    """,
    """
    CREATE INDEX message_copies_to_edit ON message_copies (transport, edit_due_at) WHERE edit_due_at IS NOT NULL
    """,
    # Chats that their platform says are gone, until something arrives there again.
    """
    CREATE TABLE unreachable (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        reason TEXT NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (transport, chat, thread)
    ) STRICT
    """,
)
