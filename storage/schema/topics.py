"""Where a platform keeps what is said of one matter together: the thread of each topic in each chat."""

TOPICS: tuple[str, ...] = (
    """
    CREATE TABLE topic_threads (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        topic TEXT NOT NULL,
        thread TEXT NOT NULL,
        opened_at INTEGER NOT NULL,
        PRIMARY KEY (transport, chat, topic)
    ) STRICT, WITHOUT ROWID
    """,
)
