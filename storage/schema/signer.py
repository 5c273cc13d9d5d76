"""Which start of the bot this is, as the signer counts them, what it calls this database, and how far its journal was
seen to reach."""

SIGNER: tuple[str, ...] = (
    # Of the latest process that was to ask the signer; higher than that of every process before. 0 before the first.
    """
    CREATE TABLE signer_epoch (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        epoch INTEGER NOT NULL CHECK (epoch >= 0)
    ) STRICT
    """,
    "INSERT INTO signer_epoch VALUES (1, 0)",
    """
    CREATE TRIGGER signer_epoch_grows BEFORE UPDATE ON signer_epoch WHEN NEW.epoch <= OLD.epoch
    BEGIN SELECT raise(ABORT, 'an epoch is never taken twice'); END
    """,
    """
    CREATE TRIGGER signer_epoch_stays BEFORE DELETE ON signer_epoch
    BEGIN SELECT raise(ABORT, 'the epoch is never forgotten'); END
    """,
)

SIGNER_JOURNAL: tuple[str, ...] = (
    # How far the signer's journal was last seen to reach; no row before the first time.
    """
    CREATE TABLE signer_journal (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        journal TEXT NOT NULL,
        rows INTEGER NOT NULL CHECK (rows >= 0),
        head TEXT NOT NULL
    ) STRICT
    """,
)

MEMORY_NAME: tuple[str, ...] = (
    # What this database is called where it stands beside others: two of them both have a P1. Copied with all the rest,
    # so an order of a restored one is still the order that it was.
    "CREATE TABLE memory_name (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL) STRICT",
    "INSERT INTO memory_name VALUES (1, lower(hex(randomblob(5))))",
    """
    CREATE TRIGGER memory_name_stays BEFORE UPDATE ON memory_name
    BEGIN SELECT raise(ABORT, 'a database keeps its name'); END
    """,
    """
    CREATE TRIGGER memory_name_is_kept BEFORE DELETE ON memory_name
    BEGIN SELECT raise(ABORT, 'a database keeps its name'); END
    """,
)
