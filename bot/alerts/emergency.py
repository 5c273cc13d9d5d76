"""Alerts while the memory does not work: said at once from what is known, without number or acknowledgement."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.alerts.facts import facts_of
from bot.alerts.figures import Figures
from bot.alerts.findings import Finding
from bot.alerts.routing import Routing
from bot.alerts.view import explanation, headline
from bot.messages import Address, DeliveryError, Line, Message, Tone, Transport
from bot.text.clean import sentence
from risk.decisions.incidents import Cause, Incident, NoticeReason, happened, severity
from risk.decisions.tiers import Tier
from risk.ports import Clock
from storage import Receiver

log = structlog.get_logger()

_LEAST = Tier.HIGH
_AGAIN_AFTER = timedelta(minutes=5)
_PATIENCE_S = 10.0


class Emergency:
    """Tells the receivers of the last routing that could be read. What it has told it remembers until ``over``.

    Args:
        transports: By name.
        label: What people call an account.
    """

    def __init__(
        self, *, transports: Mapping[str, Transport], figures: Figures, clock: Clock, label: Callable[[str], str]
    ) -> None:
        self._transports, self._figures, self._clock, self._label = transports, figures, clock, label
        self._told: dict[Cause, tuple[Tier, datetime]] = {}

    async def tell(self, findings: Sequence[Finding], routing: Routing | None, error: Exception) -> None:
        """Say what is bad, unless it was said lately. Never raises for a platform that does not take it."""
        now = self._clock.now()
        news = [one for one in findings if self._is_news(one, now)]
        if routing is None or not news:
            return
        sendings = []
        for one in news:
            self._told[one.cause] = (one.tier, now)
            incident = happened(one.cause, one.tier, fact=one.fact, now=now, new_id=0, market=one.market)
            message = self._worded(incident, error)
            receivers = {known.receiver for known in routing.recipients(incident, one.market, now)}
            sendings += [self._send(receiver, message) for receiver in receivers]
        log.error("emergency.told", causes=len(news), messages=len(sendings), error=str(error))
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await asyncio.gather(*sendings)
        except TimeoutError:
            log.warning("emergency.not_all_told", patience_s=_PATIENCE_S)

    def over(self) -> None:
        """The memory works again."""
        self._told.clear()

    def _is_news(self, finding: Finding, now: datetime) -> bool:
        if severity(finding.tier) < severity(_LEAST):
            return False
        before = self._told.get(finding.cause)
        return before is None or severity(finding.tier) > severity(before[0]) or now - before[1] >= _AGAIN_AFTER

    def _worded(self, incident: Incident, error: Exception) -> Message:
        account_id = incident.cause.account_id
        label = self._label(account_id) if account_id else ""
        margin = self._figures.full(incident.cause, incident.tier)
        facts = replace(facts_of(incident, NoticeReason.FIRST, None, label, margin), passing=False)
        memory = (
            f"Keel's memory does not work ({sentence(str(error))}): this alert has no number, cannot be acknowledged"
            " and comes again."
        )
        texts = [*explanation(facts), memory]
        return Message(
            blocks=(Line(headline(facts), strong=True), *(Line(text) for text in texts)), tone=Tone.URGENT
        )  # fmt: skip

    async def _send(self, receiver: Receiver, message: Message) -> None:
        transport = self._transports.get(receiver.transport)
        if transport is None:
            return
        address = Address(transport=receiver.transport, chat=receiver.chat, thread=receiver.thread)
        try:
            await transport.send(address, message)
        except DeliveryError as exc:
            log.warning("emergency.not_told", transport=receiver.transport, error=str(exc))
