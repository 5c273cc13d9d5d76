"""Whether the signer can be relied on: looked at every few seconds, told as an incident, shown on cards, in /status."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from bot.alerts.findings import Finding
from bot.signer.intent import Identity
from bot.text import numbers
from bot.trading.signer_client import Plight, SignerClient, Trouble
from bot.trading.signer_intents import beyond
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.model.proposal import Leg
from risk.model.trading import PRICE_UNITS
from venues.errors import VenueRejected, VenueUnavailable

log = structlog.get_logger()

SIGNER_EVERY_S: Final = 5.0
CAUSE: Final = Cause(kind=CauseKind.SYSTEM, subject="signer")
_LOOKS: Final = 2  # in vain before it is told: one restart passes unnoticed
_KEY_SHOWN: Final = 4
_REMEDIES: Final = {
    Plight.SILENT: "Start keel signer, or see why it does not answer: keel check.",
    Plight.REFUSED: "Run keel check where Keel runs.",
    Plight.LOCKED: "Look into its log, then run keel signer unlock at its machine.",
    Plight.BROKEN: "Mend its disk, and start it again.",
    Plight.FENCED: "Stop one of the two, and restart the one that is to trade.",
}


class SignerWatch:
    """Of one signer.

    Args:
        settle: Takes findings, as the incident desk does.
        changed: Called when cards have something else to say.
    """

    def __init__(
        self,
        client: SignerClient,
        *,
        settle: Callable[[Sequence[Finding]], Awaitable[None]],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._settle, self._changed = client, settle, changed
        self._silent = 0
        self._shown: str | None = None
        self._told: tuple[Plight | None] | None = None  # None before anything was

    async def look(self) -> None:
        """A job. Raises: StorageError."""
        try:
            await self._client.look()
        except (VenueRejected, VenueUnavailable) as exc:
            log.info("signer.looked", error=str(exc))
        trouble = self._client.trouble
        self._silent = self._silent + 1 if trouble is not None and trouble.plight is Plight.SILENT else 0
        if self.trouble != self._shown:
            self._shown = self.trouble
            self._changed()
        if 0 < self._silent < _LOOKS:
            return
        await self._tell(trouble)

    async def _tell(self, trouble: Trouble | None) -> None:
        told = (None if trouble is None else trouble.plight,)
        if told == self._told:
            return
        if trouble is None:
            await self._settle([Finding(cause=CAUSE, tier=Tier.OK, fact="the signer answers")])
        else:
            tier = Tier.CRITICAL if trouble.plight is Plight.FENCED else Tier.HIGH
            fact = f"no order can be signed: {trouble.why}"
            await self._settle([Finding(cause=CAUSE, tier=tier, fact=fact, remedy=_REMEDIES[trouble.plight])])
        self._told = told

    @property
    def trouble(self) -> str:
        """Why nothing is signed at present, a clause; empty while everything is."""
        return "" if self._client.trouble is None else self._client.trouble.why

    @property
    def barred(self) -> str:
        """Why this process proposes nothing any more; empty while it may."""
        trouble = self._client.trouble
        return trouble.why if trouble is not None and trouble.plight is Plight.FENCED else ""

    def unsigned(self, account_id: str, legs: Sequence[Leg]) -> tuple[str, ...]:
        """For each leg, which of the signer's caps it would break, as far as it has said what they are; empty for none.

        What all of them together would break is said of the last one alone.
        """
        identity = self._client.identity
        if identity is None:
            return ("",) * len(legs)
        each = [beyond(identity, account_id, () if leg.terms is None else (leg.terms,)) for leg in legs]
        if legs and not any(each):
            each[-1] = beyond(identity, account_id, [leg.terms for leg in legs if leg.terms is not None])
        return tuple(each)

    def mode(self) -> str:
        """Who signs, and what is left of its caps."""
        identity = self._client.identity
        if identity is None:
            return f"via a signer that has not answered yet: {self.trouble}" if self.trouble else "via a signer"
        return mode(identity)


def mode(identity: Identity) -> str:
    """Who signs, and what is left of its caps.

    >>> mode(Identity(
    ...     public_key="7xKXtg2C", venue="drift", accounts=(), markets=(), reduce_only=True,
    ...     stops_without_limit=False, max_order_raw_1e6=250 * 10**6, daily_raw_1e6=10**9, used_raw_1e6=12 * 10**6,
    ...     order_lasts_at_most_s=900, cancels_left=500, signatures_left=600, epoch=1, locked="", journal_id="",
    ...     journal_rows=0, journal_head="",
    ... ))
    'via signer 7xKX.., cap $250 an order and $1,000 a day, $12.00 of it used today, only orders that reduce'
    """
    order, day, used = (
        numbers.usd(raw / PRICE_UNITS)
        for raw in (identity.max_order_raw_1e6, identity.daily_raw_1e6, identity.used_raw_1e6)
    )
    kind = "only orders that reduce" if identity.reduce_only else "also orders that add"
    caps = f"cap {order} an order and {day} a day, {used} of it used today"
    return f"via signer {short(identity.public_key)}, {caps}, {kind}"


def short(public_key: str) -> str:
    """As much of a key as fits into a line."""
    return f"{public_key[:_KEY_SHOWN]}.."
