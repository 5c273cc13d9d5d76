"""The requests a bot makes, over discord.py. Every method raises DeliveryError, free of tokens.

The library's HTTP client logs in, signs and keeps to the limits it is told of; what is said in JSON is ours. Its
message, view and command-tree objects are not used: they would have to be kept alive for buttons of old messages.
"""

import asyncio
import io
import json
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import discord
from discord.http import Route

from bot.messages import DeliveryError, RetryAfter, Suggestion, TryAgain
from bot.transports.discord.client import Client, Events, MakeClient
from bot.transports.discord.errors import AlreadyAcknowledged, TokenRefused
from bot.transports.discord.payload import EPHEMERAL, SUPPRESS_NOTIFICATIONS, message_json, uploads
from bot.transports.discord.render import Content
from bot.transports.discord.replies import InteractionToken
from bot.transports.discord.tracing import CURRENT, Call
from bot.transports.discord.translate import LIBRARY_ERRORS, translated
from bot.transports.discord.urls import DiscordUrls

_TOKEN = re.compile(r"[\x21-\x7e]{1,500}")  # anything else cannot stand in a header
_REFUSED_LASTS_S = 30.0  # a wrong token is not tried for every message: Discord bans who asks 10,000 times
_ACKNOWLEDGE_S = 3.0  # Discord's own deadline
_ACKNOWLEDGE_AGAIN_S = 0.25
_LATER_REPLY, _LATER_EDIT, _CHOICES = 5, 6, 8  # kinds of answers to an interaction

Json = Mapping[str, Any]
Ids = Mapping[str, int | str | None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message Discord took. ``bare`` where it left out an embed that was asked for, as it does without a word in a
    channel where the bot may not embed links."""

    message_id: str
    bare: bool = False


class Wire:
    """One bot's requests.

    Args:
        token: The bot's.
        urls: As checked_urls returns them. They hold for the whole process, as the library has one address.
        events: Who hears what the gateway brings.
        answer_s: How long Discord may take to answer.
        silence_s: See Client.
        make_client: For tests that simulate Discord in the process.
    """

    def __init__(
        self,
        token: str,
        *,
        urls: DiscordUrls,
        events: Events,
        answer_s: float,
        silence_s: float,
        make_client: MakeClient | None = None,
    ) -> None:
        Route.BASE = urls.api
        self._token = token
        self._answer_s = answer_s
        self._make_client = make_client or (lambda: Client(events, silence_s=silence_s))
        self._login: asyncio.Task[discord.Client] | None = None
        self._refused_until = 0.0
        self._held_until = 0.0
        self._closed = False

    def __repr__(self) -> str:
        return "Wire()"

    async def client(self) -> discord.Client:
        """Logged in. Whoever comes while a login is under way shares it; after a failure the next one tries anew."""
        if self._closed:
            raise TryAgain("Discord is being left")
        failed = (
            self._login is not None
            and self._login.done()
            and (self._login.cancelled() or self._login.exception() is not None)
        )
        if self._login is None or failed:
            if asyncio.get_running_loop().time() < self._refused_until:
                raise TokenRefused
            self._login = asyncio.create_task(self._log_in(), name="discord.login")
            self._login.add_done_callback(_retrieve)
        return await asyncio.shield(self._login)

    async def send(self, channel_id: int, content: Content, *, silent: bool, nonce: str = "") -> Accepted:
        """A new message, or, where one of this nonce was taken within some minutes, that one."""
        path = "/channels/{channel_id}/messages"
        flags = SUPPRESS_NOTIFICATIONS if silent else 0
        more: Json = {"nonce": nonce, "enforce_nonce": True} if nonce else {}
        return await self._say("POST", path, content, flags=flags, more=more, channel_id=channel_id)

    async def edit(self, channel_id: int, message_id: int, content: Content) -> Accepted:
        """Replaces all of a message. An identical one is fine."""
        path = "/channels/{channel_id}/messages/{message_id}"
        return await self._say("PATCH", path, content, channel_id=channel_id, message_id=message_id)

    async def acknowledge(self, interaction_id: int, token: InteractionToken, *, reply: bool, hidden: bool) -> None:
        """Says in time that an answer will come. Raises: TooLate, if Discord does not wait any more.

        Args:
            reply: A message will follow; otherwise the message with the button stays as it is until it is edited.
            hidden: Only the person who asked will see it.
        """
        body: dict[str, Any] = {"type": _LATER_REPLY if reply else _LATER_EDIT}
        if reply and hidden:
            body["data"] = {"flags": EPHEMERAL}
        failure: DeliveryError = TryAgain("there was no time to acknowledge", unknown=True)
        try:
            async with asyncio.timeout(_ACKNOWLEDGE_S):
                while True:
                    try:
                        return await self._callback(interaction_id, token, body)
                    except AlreadyAcknowledged:
                        return  # an earlier attempt arrived
                    except (TryAgain, RetryAfter) as error:
                        failure = error
                    await asyncio.sleep(_ACKNOWLEDGE_AGAIN_S)
        except TimeoutError:
            pass
        raise failure

    async def suggest(self, interaction_id: int, token: InteractionToken, choices: Sequence[Suggestion]) -> None:
        """Offers ways to go on typing."""
        data = {"choices": [{"name": choice.label, "value": choice.text} for choice in choices]}
        await self._callback(interaction_id, token, {"type": _CHOICES, "data": data})

    async def fill(self, token: InteractionToken, content: Content) -> Accepted:
        """The answer that was acknowledged, or a new form of the message whose button was pressed."""
        client = await self.client()
        path = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
        return await self._say("PATCH", path, content, webhook_id=client.application_id, webhook_token=token)

    async def follow(self, token: InteractionToken, content: Content, *, hidden: bool) -> Accepted:
        """One more answer."""
        client = await self.client()
        return await self._say(
            "POST", "/webhooks/{webhook_id}/{webhook_token}", content, flags=EPHEMERAL if hidden else 0,
            params={"wait": "true"}, webhook_id=client.application_id, webhook_token=token,
        )  # fmt: skip

    async def edit_answer(self, token: InteractionToken, message_id: int, content: Content) -> Accepted:
        """Replaces an answer that only its token reaches."""
        client = await self.client()
        path = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
        return await self._say(
            "PATCH", path, content, webhook_id=client.application_id, webhook_token=token, message_id=message_id
        )

    async def close(self) -> None:
        self._closed = True
        if self._login is None:
            return
        self._login.cancel()
        await asyncio.wait((self._login,))
        if not self._login.cancelled() and self._login.exception() is None:
            await self._login.result().close()

    async def _log_in(self) -> discord.Client:
        if not _TOKEN.fullmatch(self._token):
            raise TokenRefused
        client = self._make_client()
        try:
            await self._answered(client.login(self._token), patience_s=2 * self._answer_s)
        except TokenRefused:
            self._refused_until = asyncio.get_running_loop().time() + _REFUSED_LASTS_S
            raise
        finally:
            if client.application_id is None:
                await client.close()
        return client

    async def _callback(self, interaction_id: int, token: InteractionToken, body: Json) -> None:
        path = "/interactions/{webhook_id}/{webhook_token}/callback"
        ids: Ids = {"webhook_id": interaction_id, "webhook_token": token}
        await self.ask("POST", path, ids, json=body)

    async def _say(
        self,
        method: str,
        path: str,
        content: Content,
        *,
        flags: int = 0,
        more: Json | None = None,
        params: Json | None = None,
        **ids: int | str | None,
    ) -> Accepted:
        body = message_json(content, flags=flags) | dict(more or {})
        if not content.attached:
            return _accepted(await self.ask(method, path, ids, json=body, params=params), content)
        parts = uploads(content)
        files = [discord.File(io.BytesIO(part.content), part.name) for part in parts]
        form: list[Json] = [{"name": "payload_json", "value": json.dumps(body)}]
        form += [
            {"name": part.field, "value": file.fp, "filename": file.filename, "content_type": part.content_type}
            for part, file in zip(parts, files, strict=True)
        ]
        return _accepted(await self.ask(method, path, ids, form=form, files=files, params=params), content)

    async def ask(self, method: str, path: str, ids: Ids, **how: Any) -> Any:
        """One request as the bot, its answer as JSON. Retries nothing, whatever Discord answers.

        Args:
            path: With the names of ``ids`` in braces.
            how: ``json``, ``form`` with ``files``, ``params``.
        """
        client = await self.client()
        wait_s = self._held_until - asyncio.get_running_loop().time()
        if wait_s > 0:
            raise RetryAfter(wait_s, everywhere=True)
        given = {name: value for name, value in how.items() if value is not None}
        return await self._answered(client.http.request(Route(method, path, metadata=None, **ids), **given))

    async def _answered(self, request: Awaitable[T], *, patience_s: float | None = None) -> T:
        failure: DeliveryError
        call = Call(patience=asyncio.timeout(patience_s or self._answer_s))
        mark = CURRENT.set(call)
        try:
            async with call.patience:
                return await request
        except TimeoutError:
            failure = TryAgain("Discord did not answer in time", unknown=call.sent)
        except DeliveryError as known:
            failure = known.with_traceback(None)  # the library's frames hold the token
        except LIBRARY_ERRORS as error:
            failure = translated(error, sent=call.sent, token=self._token)
        finally:
            CURRENT.reset(mark)
        if call.held_s:
            self._held_until = asyncio.get_running_loop().time() + call.held_s
            failure = RetryAfter(call.held_s, everywhere=True)
        raise failure


def _accepted(answer: Any, content: Content) -> Accepted:
    """Raises: TryAgain, for an answer that is not a message: something between us and Discord wrote it."""
    found = answer.get("id") if isinstance(answer, dict) else None
    embeds = answer.get("embeds") if isinstance(answer, dict) else None
    # A proxy's page quotes the URL, and so a token. Tracebacks show variables: no caller may give the answer a name.
    del answer
    if not isinstance(found, str | int):
        raise TryAgain("Discord's answer cannot be read", unknown=True)
    return Accepted(str(found), bare=content.embed is not None and embeds == [])


def _retrieve(task: "asyncio.Task[Any]") -> None:
    """Whoever waited for it has its error; if nobody does any more, it is no news."""
    if not task.cancelled():
        task.exception()
