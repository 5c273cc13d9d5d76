"""Funding with its provenance: what the oracle stood at, and when it was stored."""

MARKET_DATA: tuple[str, ...] = (
    """
    ALTER TABLE funding_rates ADD COLUMN oracle_usd REAL
    """,
    """
    ALTER TABLE funding_rates ADD COLUMN stored_at INTEGER NOT NULL DEFAULT 0
    """,
)
