"""How long an account has been a margin beyond the threshold of its tier."""

CALM: tuple[str, ...] = (
    """
    ALTER TABLE tier_states ADD COLUMN calm_to INTEGER
    """,
    """
    ALTER TABLE tier_states ADD COLUMN calm_since INTEGER
    """,
)
