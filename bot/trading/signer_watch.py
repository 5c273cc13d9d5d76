"""Whether the signer can be relied on: looked at every few seconds, told as an incident, shown on cards, in /status."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from bot.alerts.findings import Finding
from bot.signer.intent import Identity
from bot.text import numbers
from bot.text.clean import name
from bot.trading.signer_client import SignerClient
from bot.trading.signer_intents import beyond
from bot.trading.signer_trouble import Plight, Trouble
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
    Plight.FORGETFUL: "Find out who put its journal back or began it anew, and look at keel signer log; an admin's "
    "/resume takes it as it is.",
    Plight.FENCED: "Stop one of the two, and restart the one that is to trade.",
}

_ADD_ACCOUNT: Final = "an [[account]] for it in the signer's own file, and the signer started again"
_CAPS: Final = "an order within the caps of the signer's own file; keel check lists them"
_GRAVE: Final = frozenset({Plight.FORGETFUL, Plight.FENCED})


async def _nothing(why: str) -> None:
    """Halts nothing."""


class SignerWatch:
    """Of one signer.

    Args:
        settle: Takes findings, as the incident desk does.
        changed: Called when cards have something else to say.
        halt: Stops trading until an admin resumes it, with the reason.
        accounts: What each account that is watched is called, by its id.
    """

    def __init__(
        self,
        client: SignerClient,
        *,
        settle: Callable[[Sequence[Finding]], Awaitable[None]],
        changed: Callable[[], None] = lambda: None,
        halt: Callable[[str], Awaitable[None]] = _nothing,
        accounts: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._accounts = accounts
        client.noticed = changed
        self._client, self._settle, self._changed, self._halt = client, settle, changed, halt
        self._silent = 0
        self._shown: str | None = None
        self._told: tuple[Plight | None, str] | None = None  # None before anything was

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
        strange = self._strange() if trouble is None else ""
        told = (None if trouble is None else trouble.plight, strange)
        if told == self._told:
            return
        if strange:
            fact = f"no order can be signed: {strange}"
            await self._settle([Finding(cause=CAUSE, tier=Tier.HIGH, fact=fact, remedy=f"Have {_ADD_ACCOUNT}.")])
        elif trouble is None:
            await self._settle([Finding(cause=CAUSE, tier=Tier.OK, fact="the signer answers")])
        else:
            if trouble.plight is Plight.FORGETFUL:
                await self._halt(trouble.why)
            tier = Tier.CRITICAL if trouble.plight in _GRAVE else Tier.HIGH
            fact = f"no order can be signed: {trouble.why}"
            await self._settle([Finding(cause=CAUSE, tier=tier, fact=fact, remedy=_REMEDIES[trouble.plight])])
        self._told = told

    async def resumed(self) -> None:
        """Somebody who was told why lets trading go on. Raises: StorageError."""
        if self._told is not None and self._told[0] is Plight.FORGETFUL:
            await self._client.accept_journal()

    @property
    def trouble(self) -> str:
        """Why nothing is signed at present, a clause; empty while everything is."""
        return self._strange() if self._client.trouble is None else self._client.trouble.why

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
        if account_id not in identity.accounts:
            return (f"it signs nothing for {name(self._accounts().get(account_id, account_id))}",) * len(legs)
        now_s = self._client.now_s()
        each = [beyond(identity, account_id, () if leg.terms is None else (leg.terms,), now_s=now_s) for leg in legs]
        if legs and not any(each):
            each[-1] = beyond(identity, account_id, [leg.terms for leg in legs if leg.terms is not None], now_s=now_s)
        return tuple(each)

    def remedy(self, account_id: str) -> str:
        """What would have to be so for an order of an account to be signed."""
        identity = self._client.identity
        return _ADD_ACCOUNT if identity is not None and account_id not in identity.accounts else _CAPS

    def mode(self) -> str:
        """Who signs, and what is left of its caps."""
        identity = self._client.identity
        if identity is None:
            return "via a signer"
        unknown = ", ".join(map(name, self._unknown(identity)))
        return f"{mode(identity)}{f', nothing for {unknown}' if unknown else ''}"

    def _unknown(self, identity: Identity) -> tuple[str, ...]:
        """Nicknames of accounts that are watched and that it signs nothing for."""
        return tuple(nick for one, nick in self._accounts().items() if one not in identity.accounts)

    def _strange(self) -> str:
        """Why it is of no use here although it answers, a clause; empty where it is."""
        identity = self._client.identity
        unknown = () if identity is None else self._unknown(identity)
        if not unknown or len(unknown) < len(self._accounts()):
            return ""
        return f"the signer signs for none of the accounts that are watched ({', '.join(map(name, unknown))})"


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
