"""Time in which an account was not watched, for whatever reason: the figure that all the others are there to lower."""

from risk.ports import Clock


class Protection:
    """Adds up.

    Attributes:
        unprotected_s: Time in which at least one account was not assessed.
        unprotected_account_s: The same, for each account.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._last_s: float | None = None
        self.unprotected_s = 0.0
        self.unprotected_account_s = 0.0

    def start(self, *, unwatched_s: float, accounts: int) -> None:
        """Before anything else: nobody watched between the last life and this one."""
        self.unprotected_s += unwatched_s
        self.unprotected_account_s += unwatched_s * accounts
        self._last_s = self._clock.monotonic_s()

    def tick(self, unassessed: int, accounts: int) -> None:
        """What has passed since the last tick.

        Args:
            unassessed: Accounts of which nobody knows how they stand.
        """
        now_s = self._clock.monotonic_s()
        passed_s = max(0.0, now_s - (self._last_s if self._last_s is not None else now_s))
        self._last_s = now_s
        # While it stands still itself nobody watches; a tick that is a little late says nothing.
        concerned = accounts if passed_s > 60.0 else unassessed
        if concerned:
            self.unprotected_s += passed_s
            self.unprotected_account_s += passed_s * concerned
