"""Asks Discord what a bot is and may, for keel check: plain requests, without the library; no gateway, nothing said."""

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from bot.transports.discord.permissions import Overwrite, missing, permissions
from bot.transports.loopback import is_loopback

_DIRECT, _THREADS = frozenset({1, 3}), frozenset({10, 11, 12})
_AGENT = "DiscordBot (https://github.com, 1)"


class ProbeFailed(Exception):
    """Discord did not answer, or said no. The text is free of the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is. ``date`` is the Date header of the answer."""

    user_id: int
    username: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRights:
    """What the bot lacks in a channel: names of permissions, none where it has them all."""

    title: str
    lacks: tuple[str, ...]


class DiscordProbe:
    """Used as ``async with DiscordProbe(token, api_url) as probe``."""

    def __init__(self, token: str, api_url: str, *, answer_s: float = 10.0) -> None:
        self._token, self._url = token, api_url
        loopback = is_loopback(urlsplit(api_url).hostname or "")
        self._http = httpx.AsyncClient(
            timeout=answer_s, follow_redirects=False, trust_env=not loopback,
            headers={"Authorization": f"Bot {token}", "User-Agent": _AGENT},
        )  # fmt: skip

    def __repr__(self) -> str:
        return "DiscordProbe()"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def me(self) -> Identity:
        """Raises: ProbeFailed."""
        found, date = await self._ask("/users/@me")
        return Identity(user_id=_number(found.get("id")), username=str(found.get("username", "")), date=date)

    async def rights(self, channel: str, user_id: int) -> ChannelRights:
        """What the bot, which has this id, lacks in a channel or thread. Raises: ProbeFailed."""
        found, _ = await self._ask(f"/channels/{_number(channel)}")
        title = str(found.get("name") or "direct messages")
        if found.get("type") in _DIRECT or not found.get("guild_id"):
            return ChannelRights(title=title, lacks=())
        if found.get("type") in _THREADS:
            found, _ = await self._ask(f"/channels/{_number(found.get('parent_id'))}")  # a thread has its channel's
        guild = _number(found.get("guild_id"))
        member, _ = await self._ask(f"/guilds/{guild}/members/{user_id}")
        roles, _ = await self._list(f"/guilds/{guild}/roles")
        bits = permissions(
            guild=guild, member=user_id, roles=[_number(role) for role in member.get("roles", ())],
            by_role={_number(role.get("id")): _number(role.get("permissions", 0)) for role in roles},
            overwrites=[
                Overwrite(
                    target=_number(one.get("id")), allow=_number(one.get("allow", 0)), deny=_number(one.get("deny", 0))
                )
                for one in found.get("permission_overwrites") or ()
            ],
        )  # fmt: skip
        return ChannelRights(title=title, lacks=missing(bits))

    async def _ask(self, path: str) -> tuple[dict[str, Any], str]:
        answer, date = await self._answer(path)
        if not isinstance(answer, dict):
            raise ProbeFailed("what answered is not Discord")
        return answer, date

    async def _list(self, path: str) -> tuple[list[dict[str, Any]], str]:
        answer, date = await self._answer(path)
        if not isinstance(answer, list):
            raise ProbeFailed("what answered is not Discord")
        return answer, date

    async def _answer(self, path: str) -> tuple[object, str]:
        try:
            response = await self._http.get(f"{self._url}{path}")
            answer = response.json()
            if response.is_success:
                return answer, response.headers.get("Date", "")
            words = str(answer.get("message", "")) if isinstance(answer, dict) else ""
            problem = _refusal(response.status_code, words)
        except httpx.HTTPError as error:
            problem = f"Discord cannot be reached ({type(error).__name__})"
        except ValueError:
            problem = "what answered is not Discord"
        raise ProbeFailed(problem.replace(self._token, "[token]"))


def _number(value: object) -> int:
    """An id. Raises: ProbeFailed."""
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise ProbeFailed("what answered is not Discord")
    return int(text)


def _refusal(status: int, words: str) -> str:
    if status == 401:
        return "Discord refused the token"
    if status in (403, 404):
        return f"the bot has no access there ({words[:120] or status})"
    return f"Discord says: {words[:120]}" if words else f"Discord answered {status}"
