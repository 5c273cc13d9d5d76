"""What a chat wants to hear, and when; and which alerts went another way because theirs was blocked."""

PREFERENCES: tuple[str, ...] = (
    # A chat without a row wants everything at once.
    """
    CREATE TABLE chat_preferences (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        zone TEXT NOT NULL,
        verbosity TEXT NOT NULL,
        digest_minute INTEGER NOT NULL,
        digest_every_h INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        PRIMARY KEY (transport, chat, thread)
    ) STRICT
    """,
    # Minutes of the local day; an end above 1440 lies on the next day. Without overlaps.
    """
    CREATE TABLE quiet_spans (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        begins_minute INTEGER NOT NULL,
        ends_minute INTEGER NOT NULL,
        PRIMARY KEY (transport, chat, thread, begins_minute),
        FOREIGN KEY (transport, chat, thread) REFERENCES chat_preferences ON UPDATE CASCADE ON DELETE CASCADE
    ) STRICT
    """,
    # What is not told for a while: kind says whether the subject is a market's name or an account's id.
    """
    CREATE TABLE chat_mutes (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (transport, chat, thread, kind, subject),
        FOREIGN KEY (transport, chat, thread) REFERENCES chat_preferences ON UPDATE CASCADE ON DELETE CASCADE
    ) STRICT
    """,
    # Kinds of events that somebody switched on or off.
    """
    CREATE TABLE event_switches (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        event TEXT NOT NULL,
        told INTEGER NOT NULL,
        PRIMARY KEY (transport, chat, thread, event),
        FOREIGN KEY (transport, chat, thread) REFERENCES chat_preferences ON UPDATE CASCADE ON DELETE CASCADE
    ) STRICT
    """,
    # One for each step of a route and state of an incident; a state begins when the incident rings.
    """
    CREATE TABLE fallbacks (
        incident_id INTEGER NOT NULL REFERENCES incidents (incident_id),
        route TEXT NOT NULL,
        rang_at INTEGER NOT NULL,
        outbox_id TEXT NOT NULL,
        entry TEXT NOT NULL,
        decided_at INTEGER NOT NULL,
        PRIMARY KEY (incident_id, route, rang_at)
    ) STRICT
    """,
    # Whether a sender gets through at all.
    """
    CREATE INDEX message_copies_by_time ON message_copies (transport, sent_at)
    """,
)
