"""One channel's webhook: the way in when the bot itself is shut out.

It needs no login, no gateway and not even the library. A webhook that a person made cannot carry buttons, so none are
sent; what they do can be typed once the bot is back.
"""

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any, Self

import httpx

from bot.messages import Address, DeliveryError, Message, MessageRef, Refused, Tone, TryAgain, Unreachable
from bot.transports.discord.errors import MessageGone, answered, seconds
from bot.transports.discord.payload import SUPPRESS_NOTIFICATIONS, message_json, uploads
from bot.transports.discord.pings import Pings
from bot.transports.discord.render import Content, Layout, layouts, ways, wholes
from bot.transports.discord.urls import OFFICIAL_API_URL, WebhookUrl

TRANSPORT = "discord-webhook"
_UNKNOWN_MESSAGE = 10008


class ChannelWebhook:
    """Used as ``async with ChannelWebhook(checked_webhook(url, allow_loopback)) as webhook``.

    Args:
        url: As checked_webhook returns it. Its token appears in no log, error or representation.
        pings: Whom urgent messages ring, where the webhook's own id is the place.
        answer_s: How long Discord may take to answer.
    """

    def __init__(self, url: WebhookUrl, *, pings: Pings | None = None, answer_s: float = 10.0) -> None:
        for name in ("httpx", "httpcore"):  # their INFO lines hold the URL, and so the token
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
        self.address = Address(transport=TRANSPORT, chat=url.webhook_id)
        self._url = url
        self._roles = (pings or Pings()).at(int(url.webhook_id))
        self._answer_s = answer_s
        self._http = httpx.AsyncClient(
            timeout=answer_s,
            follow_redirects=False,
            trust_env=url.api == OFFICIAL_API_URL,  # this machine is reached directly, whatever the proxy
        )

    def __repr__(self) -> str:
        return f"ChannelWebhook({self._url.webhook_id})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def send(self, message: Message) -> MessageRef:
        """Sends all parts, in order. Raises: DeliveryError."""
        flags = SUPPRESS_NOTIFICATIONS if message.tone is Tone.QUIET else 0
        *pleasing, plain = layouts(message, roles=self._roles if message.tone is Tone.URGENT else ())
        for layout in pleasing:
            try:
                message_id = await self._somehow("POST", "", layout[0], flags)
            except Refused:
                continue
            return await self._rest(layout, message_id, flags)
        return await self._rest(plain, await self._somehow("POST", "", plain[0], flags), flags)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replaces a message this webhook sent. Raises: DeliveryError."""
        if not (ref.message_id.isascii() and ref.message_id.isdigit()):
            raise Refused("this is no message of a webhook")
        *pleasing, plain = wholes(message)
        path = f"/messages/{ref.message_id}"
        for content in pleasing:
            try:
                await self._somehow("PATCH", path, content, 0)
            except MessageGone:
                raise
            except Refused:
                continue
            return
        await self._somehow("PATCH", path, plain, 0)

    async def _rest(self, layout: Layout, message_id: str, flags: int) -> MessageRef:
        for content in layout[1:]:
            message_id = await self._somehow("POST", "", content, flags)
        return MessageRef(address=self.address, message_id=message_id)

    def _at(self, path: str) -> str:
        return f"{self._url.api}/webhooks/{self._url.webhook_id}/{self._url.token}{path}"

    async def _somehow(self, method: str, path: str, part: Content, flags: int) -> str:
        *better, last = ways(replace(part, keyboard=()))
        for content in better:
            try:
                return await self._say(method, path, content, flags)
            except MessageGone:
                raise
            except Refused:
                continue
        return await self._say(method, path, last, flags)

    async def _say(self, method: str, path: str, content: Content, flags: int) -> str:
        body = message_json(content, flags=flags)
        del body["components"]
        form: dict[str, Any] = {"json": body}
        if content.attached:
            files = {part.field: (part.name, part.content, part.content_type) for part in uploads(content)}
            form = {"data": {"payload_json": json.dumps(body)}, "files": files}
        failure: DeliveryError
        try:
            async with asyncio.timeout(2 * self._answer_s):
                answer = await self._http.request(method, self._at(path), params={"wait": "true"}, **form)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            failure = TryAgain(f"Discord cannot be reached ({type(error).__name__})")
        except (httpx.HTTPError, TimeoutError) as error:
            failure = TryAgain(f"Discord did not answer ({type(error).__name__})", unknown=True)
        else:
            outcome = _outcome(answer)
            if isinstance(outcome, str):
                return outcome
            failure = outcome
        raise failure


def _outcome(answer: httpx.Response) -> str | DeliveryError:
    """The id of the message that was made, or what went wrong; not raised here, where the answer quotes the URL."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    told = body if isinstance(body, dict) else {}
    if answer.is_success and isinstance(told.get("id"), str):
        return str(told["id"])
    if answer.is_success or answer.is_redirect:
        return TryAgain("Discord's answer cannot be read", unknown=True)
    wait_s = seconds(told.get("retry_after", answer.headers.get("Retry-After")))
    code = told.get("code")
    if code == _UNKNOWN_MESSAGE:
        return MessageGone("the message cannot be edited any more: it was deleted")
    if answer.status_code in (401, 403, 404):
        return Unreachable(f"the webhook is gone (status {answer.status_code}): make another in the channel's settings")
    return answered(answer.status_code, code if isinstance(code, int) else 0, "refused", retry_after_s=wait_s)
