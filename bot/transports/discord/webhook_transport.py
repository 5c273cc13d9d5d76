"""A channel's webhook as a transport: it sends and edits, and hears nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Self

from bot.messages import Address, DeliveryError, Limits, Message, MessageRef, Rate, Refused, RetryAfter
from bot.transports.discord.pings import Pings
from bot.transports.discord.urls import WebhookUrl
from bot.transports.discord.webhook import TRANSPORT, ChannelWebhook
from bot.transports.send_only import SendOnly

LIMITS = Limits(per_chat=Rate(most=5, per_s=2.0), per_group=Rate(most=30, per_s=60.0))


class WebhookTransport(SendOnly):
    """See bot.messages.Transport. Whatever chat it is told to write to, it writes to its one channel.

    Args:
        url: As checked_webhook returns it.
        now: Aware time, for records.
        pings: See ChannelWebhook.
        answer_s: How long Discord may take to answer.
    """

    def __init__(
        self, url: WebhookUrl, *, now: Callable[[], datetime], pings: Pings | None = None, answer_s: float = 10.0
    ) -> None:
        super().__init__(now)
        self._webhook = ChannelWebhook(url, pings=pings, answer_s=answer_s)

    def __repr__(self) -> str:
        return f"WebhookTransport({self._webhook!r})"

    @property
    def name(self) -> str:
        return TRANSPORT

    @property
    def limits(self) -> Limits:
        return LIMITS

    async def __aenter__(self) -> Self:
        await self._webhook.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._left.set()
        await self._webhook.__aexit__(*exc)

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        try:
            sent = await self._webhook.send(message)
        except DeliveryError as error:
            # A limit, or a message that Discord does not take, says nothing against the way.
            self._became(connected=isinstance(error, RetryAfter | Refused), detail=str(error))
            raise
        self._became(connected=True, detail="took the last alert")
        return replace(sent, address=replace(address, reply_to=""))

    async def edit(self, ref: MessageRef, message: Message) -> None:
        await self._webhook.edit(ref, message)
