"""What the process remembers of itself: when it lived, which messages it keeps up to date."""

PROCESS: tuple[str, ...] = ()
