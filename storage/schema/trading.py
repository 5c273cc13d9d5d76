"""Trades that wait for a yes, what became of them, and the account of it that cannot be changed afterwards.

Moments are integer microseconds since 1970, UTC. Enums are stored by value. Sizes and prices are the venue's own whole
numbers. Proposal 12 is P12 to people, standing approval 3 is S3.
"""

_PROPOSALS = (
    # valid_until: nothing is signed for it later. changes counts what happened to it, so that a card knows whether it
    # shows the last of it. standing is the standing approval it went out on, or gave; standing_json what an ARM one
    # asks for. approved_seq is the number of the approval in the audit: later than a halt, whatever clocks say.
    """
    CREATE TABLE proposals (
        proposal INTEGER PRIMARY KEY AUTOINCREMENT,
        revision INTEGER NOT NULL,
        account_id TEXT NOT NULL,
        purpose TEXT NOT NULL,
        title TEXT NOT NULL,
        state TEXT NOT NULL,
        effect_json TEXT,
        notes_json TEXT NOT NULL,
        changed_json TEXT NOT NULL,
        deposit_usd REAL NOT NULL,
        requested_by TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        valid_until INTEGER NOT NULL,
        approvals_needed INTEGER NOT NULL CHECK (approvals_needed >= 1),
        pin_needed INTEGER NOT NULL,
        approved_seq INTEGER,
        standing_json TEXT,
        standing INTEGER REFERENCES standing_approvals (standing),
        reason TEXT NOT NULL,
        finished_at INTEGER,
        changes INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE INDEX proposals_unfinished ON proposals (proposal) WHERE finished_at IS NULL
    """,
    """
    CREATE INDEX proposals_by_account ON proposals (account_id, proposal)
    """,
    # Of the current revision; those before it are in the audit. Without a market it only cancels.
    """
    CREATE TABLE proposal_legs (
        proposal INTEGER NOT NULL REFERENCES proposals (proposal),
        number INTEGER NOT NULL,
        market TEXT,
        market_index INTEGER,
        side TEXT,
        style TEXT,
        size_raw_1e9 INTEGER,
        limit_raw_1e6 INTEGER,
        reduce_only INTEGER,
        expires_at_s INTEGER,
        trigger_raw_1e6 INTEGER,
        triggers_above INTEGER,
        cancels_json TEXT NOT NULL,
        quote_json TEXT,
        reasoning TEXT NOT NULL,
        state TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        order_id INTEGER,
        filled_raw_1e9 INTEGER NOT NULL,
        quote_raw_1e6 INTEGER,
        fee_raw_1e6 INTEGER,
        reason TEXT NOT NULL,
        PRIMARY KEY (proposal, number)
    ) STRICT
    """,
    # Written before anything is sent, kept for good. fate is what happened to the leg by it, 'pending' before.
    """
    CREATE TABLE leg_attempts (
        proposal INTEGER NOT NULL,
        number INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        signature TEXT NOT NULL UNIQUE,
        raw BLOB NOT NULL,
        last_valid_height INTEGER NOT NULL,
        mark TEXT NOT NULL,
        digest TEXT NOT NULL,
        signed_at INTEGER NOT NULL,
        fate TEXT NOT NULL,
        fate_at INTEGER,
        PRIMARY KEY (proposal, number, attempt),
        FOREIGN KEY (proposal) REFERENCES proposals (proposal)
    ) STRICT
    """,
    """
    CREATE TRIGGER leg_attempts_stay BEFORE DELETE ON leg_attempts
    BEGIN SELECT raise(ABORT, 'signed bytes are never forgotten'); END
    """,
    """
    CREATE TRIGGER leg_attempts_hold
    BEFORE UPDATE OF proposal, number, attempt, signature, raw, last_valid_height, mark, digest, signed_at
    ON leg_attempts
    BEGIN SELECT raise(ABORT, 'signed bytes are never changed'); END
    """,
)

_CARDS = (
    # One for each chat that was asked. message_id is bound when the platform has accepted the message. shown_changes is
    # the count of changes it surely shows.
    """
    CREATE TABLE proposal_cards (
        card INTEGER PRIMARY KEY AUTOINCREMENT,
        proposal INTEGER NOT NULL REFERENCES proposals (proposal),
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        message_id TEXT,
        revision_shown INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        shown_at INTEGER,
        shown_changes INTEGER NOT NULL,
        given_up INTEGER NOT NULL DEFAULT 0,
        UNIQUE (proposal, transport, chat, thread)
    ) STRICT
    """,
    # Digests of handles, of every revision: an old one can be told from a forged one.
    """
    CREATE TABLE card_handles (
        digest BLOB PRIMARY KEY,
        card INTEGER NOT NULL REFERENCES proposal_cards (card),
        revision INTEGER NOT NULL,
        action TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # Presses that were worth something. A confirmation counts, or waits for a PIN until a moment. by_platform where the
    # roles that are stored here did not suffice for it: then those of the platform did, which are not.
    """
    CREATE TABLE card_presses (
        press INTEGER PRIMARY KEY AUTOINCREMENT,
        proposal INTEGER NOT NULL REFERENCES proposals (proposal),
        revision INTEGER NOT NULL,
        card INTEGER NOT NULL REFERENCES proposal_cards (card),
        action TEXT NOT NULL,
        person_id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        pressed_at INTEGER NOT NULL,
        counts INTEGER NOT NULL,
        waits_until INTEGER,
        by_platform INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE UNIQUE INDEX one_vote_a_person ON card_presses (proposal, revision, person_id) WHERE action = 'confirm'
    """,
    """
    CREATE INDEX presses_waiting ON card_presses (person_id, waits_until) WHERE counts = 0
    """,
    """
    CREATE TABLE server_keys (
        name TEXT PRIMARY KEY,
        key BLOB NOT NULL
    ) STRICT
    """,
)

_STANDING = (
    """
    CREATE TABLE standing_approvals (
        standing INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id TEXT NOT NULL,
        markets_json TEXT NOT NULL,
        cap_raw_1e6 INTEGER NOT NULL,
        used_raw_1e6 INTEGER NOT NULL,
        granted_by_json TEXT NOT NULL,
        granted_for INTEGER NOT NULL REFERENCES proposals (proposal),
        granted_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        revoked_at INTEGER,
        CHECK (used_raw_1e6 BETWEEN 0 AND cap_raw_1e6)
    ) STRICT
    """,
    # What rests at the venue for us; its terms are those of the leg.
    """
    CREATE TABLE resting_orders (
        row_id INTEGER PRIMARY KEY AUTOINCREMENT,
        proposal INTEGER NOT NULL,
        number INTEGER NOT NULL,
        account_id TEXT NOT NULL,
        order_id INTEGER,
        placed_at INTEGER NOT NULL,
        filled_raw_1e9 INTEGER NOT NULL,
        ended_at INTEGER,
        ended_how TEXT,
        reason TEXT NOT NULL,
        UNIQUE (proposal, number),
        FOREIGN KEY (proposal, number) REFERENCES proposal_legs (proposal, number)
    ) STRICT
    """,
    """
    CREATE INDEX resting_orders_standing ON resting_orders (account_id) WHERE ended_at IS NULL
    """,
    # halted_seq is the number of the last halt in the audit; 0 before the first.
    """
    CREATE TABLE trading_state (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        state TEXT NOT NULL,
        since INTEGER NOT NULL,
        set_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        halted_seq INTEGER NOT NULL
    ) STRICT
    """,
    "INSERT INTO trading_state VALUES (1, 'active', 0, 'keel', '', 0)",
    # wrong counts since the last right one or lock, locks since the last right one.
    """
    CREATE TABLE pins (
        person_id TEXT PRIMARY KEY,
        salt BLOB NOT NULL,
        hash BLOB NOT NULL,
        cost INTEGER NOT NULL,
        set_at INTEGER NOT NULL,
        wrong INTEGER NOT NULL,
        locks INTEGER NOT NULL,
        locked_until INTEGER,
        verified_at INTEGER
    ) STRICT
    """,
    # body_json is what the morning report compares with, as the caller wrote it.
    """
    CREATE TABLE sleeps (
        sleep INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id TEXT NOT NULL,
        proposal INTEGER NOT NULL UNIQUE REFERENCES proposals (proposal),
        person_id TEXT NOT NULL,
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        body_json TEXT NOT NULL,
        began_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        reported_at INTEGER
    ) STRICT
    """,
)

_AUDIT = (
    # Each row carries the hash of the one before. The head says how many there are, so that a missing end is noticed.
    """
    CREATE TABLE audit_log (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        action TEXT NOT NULL,
        actor TEXT NOT NULL,
        proposal_id TEXT NOT NULL,
        account_id TEXT NOT NULL,
        facts_json TEXT NOT NULL,
        prev_hash TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE INDEX audit_log_by_account ON audit_log (account_id, seq)
    """,
    """
    CREATE TABLE audit_head (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        row_count INTEGER NOT NULL,
        hash TEXT NOT NULL
    ) STRICT
    """,
    "INSERT INTO audit_head VALUES (1, 0, '')",
    """
    CREATE TRIGGER audit_log_holds BEFORE UPDATE ON audit_log
    BEGIN SELECT raise(ABORT, 'the audit is never changed'); END
    """,
    """
    CREATE TRIGGER audit_log_stays BEFORE DELETE ON audit_log
    BEGIN SELECT raise(ABORT, 'the audit is never deleted'); END
    """,
    # Also against INSERT OR REPLACE, which deletes without asking the trigger above.
    """
    CREATE TRIGGER audit_log_grows BEFORE INSERT ON audit_log
    WHEN NEW.seq IS NOT (SELECT row_count + 1 FROM audit_head) OR NEW.prev_hash <> (SELECT hash FROM audit_head)
    BEGIN SELECT raise(ABORT, 'the audit only grows at its end'); END
    """,
    """
    CREATE TRIGGER audit_head_follows AFTER INSERT ON audit_log
    BEGIN UPDATE audit_head SET row_count = NEW.seq, hash = NEW.hash; END
    """,
    """
    CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head
    WHEN NEW.row_count IS NOT OLD.row_count + 1
        OR NEW.hash IS NOT (SELECT hash FROM audit_log WHERE seq = NEW.row_count)
    BEGIN SELECT raise(ABORT, 'the head of the audit follows its last row'); END
    """,
    """
    CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    BEGIN SELECT raise(ABORT, 'the audit keeps its head'); END
    """,
    """
    CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head
    BEGIN SELECT raise(ABORT, 'the audit has its head'); END
    """,
)

HALT_CANCELS: tuple[str, ...] = (
    # What the halt that is in force is to take off the venue; what rests no more may stay listed.
    "CREATE TABLE halt_cancels (row_id INTEGER PRIMARY KEY REFERENCES resting_orders (row_id)) STRICT",
)

TRADING: tuple[str, ...] = (*_PROPOSALS, *_CARDS, *_STANDING, *_AUDIT)
