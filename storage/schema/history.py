"""Price history with its provenance, executions, and one set of risk figures a day."""

HISTORY: tuple[str, ...] = (
    # opened_at in seconds: bars open at whole ones, and there are many.
    """
    CREATE TABLE candles (
        asset TEXT NOT NULL,
        interval TEXT NOT NULL,
        opened_at INTEGER NOT NULL,
        open_usd REAL NOT NULL,
        high_usd REAL NOT NULL,
        low_usd REAL NOT NULL,
        close_usd REAL NOT NULL,
        volume REAL,
        source TEXT NOT NULL,
        stored_at INTEGER NOT NULL,
        PRIMARY KEY (asset, interval, opened_at)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE funding_rates (
        market TEXT NOT NULL,
        paid_at INTEGER NOT NULL,
        rate_hourly_frac REAL NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY (market, paid_at)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE fills (
        fill_id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL,
        filled_at INTEGER NOT NULL,
        market TEXT NOT NULL,
        side TEXT NOT NULL,
        size_base REAL NOT NULL,
        price_usd REAL NOT NULL,
        fee_usd REAL NOT NULL,
        funding_usd REAL NOT NULL,
        order_id TEXT NOT NULL,
        source TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE INDEX fills_by_account ON fills (account_id, filled_at)
    """,
    """
    CREATE TABLE risk_snapshots (
        account_id TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        var_1d_frac REAL,
        volatility REAL,
        correlation REAL,
        beta_sol REAL,
        leverage REAL,
        funding_daily_frac REAL,
        PRIMARY KEY (account_id, made_at)
    ) STRICT, WITHOUT ROWID
    """,
)
