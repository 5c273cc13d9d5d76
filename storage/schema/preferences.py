"""What a chat wants to hear, and when."""

PREFERENCES: tuple[str, ...] = ()
