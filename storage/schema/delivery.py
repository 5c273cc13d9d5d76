"""What delivery needs to know of a notice: its rank, its hold."""

DELIVERY: tuple[str, ...] = ()
