"""Who may see and do what with which account, and how people like to read."""

PEOPLE: tuple[str, ...] = ()
