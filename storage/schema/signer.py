"""Which start of the bot this is, as the signer counts them."""

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
