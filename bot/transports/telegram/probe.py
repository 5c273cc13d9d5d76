"""Asks Telegram what a bot is and may, for keel check: plain requests, without the library, nothing polled or sent."""

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from bot.transports.loopback import is_loopback

_ADMINISTRATORS = frozenset({"creator", "administrator"})


class ProbeFailed(Exception):
    """Telegram did not answer, or said no. The text is free of the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is. ``date`` is the Date header of the answer."""

    user_id: int
    username: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRights:
    """What the bot may do in a chat."""

    title: str
    may_write: bool
    may_pin: bool


class TelegramProbe:
    """Used as ``async with TelegramProbe(token, base_url) as probe``."""

    def __init__(self, token: str, base_url: str, *, answer_s: float = 10.0) -> None:
        self._token = token
        loopback = is_loopback(urlsplit(base_url).hostname or "")
        self._url = f"{base_url}/bot{token}"
        self._http = httpx.AsyncClient(timeout=answer_s, follow_redirects=False, trust_env=not loopback)

    def __repr__(self) -> str:
        return "TelegramProbe()"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def me(self) -> Identity:
        """Raises: ProbeFailed."""
        result, date = await self._ask("getMe")
        return Identity(user_id=_number(result.get("id")), username=str(result.get("username", "")), date=date)

    async def rights(self, chat: str, user_id: int) -> ChatRights:
        """What the bot, which has this id, may do in a chat. Raises: ProbeFailed."""
        found, _ = await self._ask("getChat", chat_id=chat)
        title = str(found.get("title") or found.get("first_name") or chat)
        if found.get("type") == "private":
            # The one question to a person that shows nothing lasting and fails where the bot is blocked.
            await self._ask("sendChatAction", chat_id=chat, action="typing")
            return ChatRights(title=title, may_write=True, may_pin=True)
        member, _ = await self._ask("getChatMember", chat_id=chat, user_id=str(user_id))
        return _group_rights(title, member, found.get("permissions") or {})

    async def _ask(self, method: str, **parameters: str) -> tuple[dict[str, Any], str]:
        problem = ""
        try:
            response = await self._http.post(f"{self._url}/{method}", data=parameters)
            answer = response.json()
            if answer.get("ok") is True:
                result = answer.get("result")
                return (result if isinstance(result, dict) else {}), response.headers.get("Date", "")
            problem = _refusal(response.status_code, str(answer.get("description", "")))
        except httpx.HTTPError as error:
            problem = f"Telegram cannot be reached ({type(error).__name__})"
        except (ValueError, AttributeError):
            problem = "what answered is not Telegram"
        raise ProbeFailed(problem.replace(self._token, "[token]"))


def _number(value: object) -> int:
    """An id. Raises: ProbeFailed."""
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise ProbeFailed("what answered is not Telegram")
    return int(text)


def _refusal(status: int, words: str) -> str:
    if status in (401, 404):
        return "Telegram refused the token"
    return f"Telegram says: {words[:120]}" if words else f"Telegram answered {status}"


def _group_rights(title: str, member: dict[str, Any], everybody: dict[str, Any]) -> ChatRights:
    status = member.get("status")
    if status in _ADMINISTRATORS:
        # In a channel an administrator needs the right to post; elsewhere the field is missing.
        may_write = member.get("can_post_messages") is not False
        may_pin = status == "creator" or bool(member.get("can_pin_messages") or member.get("can_edit_messages"))
        return ChatRights(title=title, may_write=may_write, may_pin=may_pin)
    if status == "restricted":
        may_write = bool(member.get("is_member")) and bool(member.get("can_send_messages"))
        return ChatRights(title=title, may_write=may_write, may_pin=bool(member.get("can_pin_messages")))
    if status == "member":
        may_write = everybody.get("can_send_messages") is not False
        return ChatRights(title=title, may_write=may_write, may_pin=bool(everybody.get("can_pin_messages")))
    return ChatRights(title=title, may_write=False, may_pin=False)
