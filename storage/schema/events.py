"""What happened to accounts, and how far each was followed."""

EVENTS: tuple[str, ...] = ()
