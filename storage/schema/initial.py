"""Tables of the first schema.

Moments are integer microseconds since 1970, UTC. Enums are stored by value. A column without NOT NULL may be unknown.
"""

_INCIDENTS = (
    """
    CREATE TABLE tier_states (
        account_id TEXT PRIMARY KEY,
        tier INTEGER NOT NULL,
        known INTEGER,
        easing_to INTEGER,
        easing_since INTEGER
    ) STRICT
    """,
    """
    CREATE TABLE incidents (
        incident_id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        account_id TEXT NOT NULL,
        subject TEXT NOT NULL,
        tier INTEGER NOT NULL,
        peak INTEGER NOT NULL,
        status TEXT NOT NULL,
        opened_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        fact TEXT NOT NULL,
        acked_by TEXT,
        acked_at INTEGER,
        snoozed_until INTEGER,
        resolved_at INTEGER
    ) STRICT
    """,
    # One incident per cause, whatever the program believes.
    """
    CREATE UNIQUE INDEX incidents_one_open_per_cause
        ON incidents (kind, account_id, subject) WHERE status <> 'resolved'
    """,
    # seq is the order of queueing. urgency starts as the severity of the notice and rises when a worse one waits
    # behind it. due_at is the next attempt of a pending notice, and the end of the lease of a leased one.
    """
    CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        outbox_id TEXT NOT NULL UNIQUE,
        incident_id INTEGER NOT NULL REFERENCES incidents (incident_id),
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        route TEXT NOT NULL,
        reason TEXT NOT NULL,
        tier INTEGER NOT NULL,
        severity INTEGER NOT NULL,
        urgency INTEGER NOT NULL,
        body_json TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        lease_epoch INTEGER NOT NULL,
        message_id TEXT,
        sent_at INTEGER,
        last_error TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE INDEX outbox_waiting ON outbox (urgency DESC, seq) WHERE state IN ('pending', 'leased')
    """,
    """
    CREATE INDEX outbox_waiting_by_receiver
        ON outbox (incident_id, transport, chat, thread, seq) WHERE state IN ('pending', 'leased')
    """,
    """
    CREATE INDEX outbox_by_receiver ON outbox (transport, chat, thread, incident_id, seq)
    """,
    """
    CREATE INDEX outbox_by_state ON outbox (state)
    """,
    # Every message the platform accepted, repeats included: a notice can have been delivered more than once.
    """
    CREATE TABLE message_copies (
        outbox_id TEXT NOT NULL REFERENCES outbox (outbox_id),
        message_id TEXT NOT NULL,
        incident_id INTEGER NOT NULL REFERENCES incidents (incident_id),
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        route TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        PRIMARY KEY (outbox_id, message_id)
    ) STRICT
    """,
    """
    CREATE INDEX message_copies_by_incident ON message_copies (incident_id, sent_at)
    """,
)

_ACCOUNTS = (
    """
    CREATE TABLE accounts (
        account_id TEXT PRIMARY KEY,
        venue TEXT NOT NULL,
        nickname TEXT NOT NULL COLLATE NOCASE UNIQUE,
        added_at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE risk_limits (
        account_id TEXT PRIMARY KEY,
        max_portfolio_leverage REAL NOT NULL,
        max_position_size_usd REAL NOT NULL,
        max_position_size_percent REAL NOT NULL,
        max_correlation_exposure REAL NOT NULL,
        max_var_1d_percent REAL NOT NULL,
        min_health_ratio REAL NOT NULL,
        max_drawdown_percent REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE tier_thresholds (
        account_id TEXT PRIMARY KEY,
        ease_margin_frac REAL NOT NULL,
        ease_dwell_us INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE tier_threshold_steps (
        account_id TEXT NOT NULL REFERENCES tier_thresholds (account_id) ON DELETE CASCADE,
        measure TEXT NOT NULL,
        tier INTEGER NOT NULL,
        below REAL NOT NULL,
        PRIMARY KEY (account_id, measure, tier)
    ) STRICT
    """,
    """
    CREATE TABLE equity (
        account_id TEXT NOT NULL,
        sampled_at INTEGER NOT NULL,
        equity_usd REAL NOT NULL,
        net_flow_usd REAL NOT NULL,
        unit_value_usd REAL NOT NULL,
        shares REAL NOT NULL,
        health_ratio_percent REAL,
        slot INTEGER NOT NULL,
        PRIMARY KEY (account_id, sampled_at)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE snapshots (
        account_id TEXT PRIMARY KEY,
        body_json TEXT NOT NULL,
        slot INTEGER NOT NULL,
        observed_at INTEGER NOT NULL
    ) STRICT
    """,
)

_PEOPLE = (
    """
    CREATE TABLE people (
        person_id TEXT PRIMARY KEY,
        transport TEXT NOT NULL,
        user_id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        role TEXT NOT NULL,
        owner INTEGER NOT NULL,
        linked_at INTEGER NOT NULL,
        revoked_at INTEGER,
        UNIQUE (transport, user_id)
    ) STRICT
    """,
    """
    CREATE TABLE chats (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        person_id TEXT NOT NULL REFERENCES people (person_id),
        private INTEGER NOT NULL,
        linked_at INTEGER NOT NULL,
        PRIMARY KEY (transport, chat, thread)
    ) STRICT
    """,
    """
    CREATE TABLE link_codes (
        digest BLOB PRIMARY KEY,
        role TEXT NOT NULL,
        owner INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        used_by TEXT REFERENCES people (person_id),
        used_at INTEGER
    ) STRICT
    """,
    """
    CREATE TABLE link_attempts (
        transport TEXT NOT NULL,
        user_id TEXT NOT NULL,
        wrong INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        PRIMARY KEY (transport, user_id)
    ) STRICT
    """,
    """
    CREATE TABLE refusals (
        transport TEXT NOT NULL,
        user_id TEXT NOT NULL,
        refused_at INTEGER NOT NULL,
        PRIMARY KEY (transport, user_id)
    ) STRICT
    """,
    """
    CREATE TABLE settings (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        changed_at INTEGER NOT NULL,
        PRIMARY KEY (transport, chat, key)
    ) STRICT
    """,
    """
    CREATE TABLE seen (
        key TEXT PRIMARY KEY,
        seen_at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE INDEX seen_by_time ON seen (seen_at)
    """,
)

INITIAL: tuple[str, ...] = (*_INCIDENTS, *_ACCOUNTS, *_PEOPLE)
