"""The requests a bot makes, over python-telegram-bot. The only module, with translate, that imports it at run time.

The library's Application and Updater are not used: the Updater confirms updates nobody has taken yet when it stops,
waits out its back-off (up to 30 s) before it stops, and ends for good when a token is refused while it polls.
"""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, TypeVar

import structlog

# The library's own switch to durations as timedelta; without it every 429 is a deprecation warning as well.
os.environ.setdefault("PTB_TIMEDELTA", "true")

from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    LinkPreviewOptions,
    Update,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, TelegramError
from telegram.request import HTTPXRequest

from bot.messages import Attachment, CommandHint, DeliveryError, File, Picture, Refused, TryAgain, Unreachable
from bot.transports.layout import one_line
from bot.transports.telegram.base_url import OFFICIAL_URL
from bot.transports.telegram.render import Content, Keyboard, notice
from bot.transports.telegram.shape import is_well_formed, update_id_of
from bot.transports.telegram.translate import NOT_MODIFIED, translated

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")
_CONNECTIONS = 32
_POOL_WAIT_S = 10.0
_TALKATIVE_LOGGERS = ("telegram", "httpx", "httpcore")  # the INFO lines of httpx hold the URL, and so the token
_SUMMARY_CHARACTERS = 256
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

log = structlog.get_logger()
T = TypeVar("T")


class Wire:
    """One bot's connections. Every method raises DeliveryError, free of the token.

    Args:
        token: The bot's.
        base_url: As checked_base_url returns it.
        answer_s: How long Telegram may take to answer.
        poll_s: How long it may hold a poll that has nothing to report.
    """

    def __init__(self, token: str, *, base_url: str, answer_s: float, poll_s: float) -> None:
        for name in _TALKATIVE_LOGGERS:
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
        self._token = token
        self._answer_s = answer_s
        self._poll_s = poll_s
        proxies = {"trust_env": base_url == OFFICIAL_URL}  # this machine is reached directly, whatever the proxy
        self._requests, self._polls = (
            kind(
                connection_pool_size=connections,
                connect_timeout=answer_s,
                read_timeout=answer_s,
                write_timeout=answer_s,
                pool_timeout=_POOL_WAIT_S,
                httpx_kwargs=proxies,
            )
            for kind, connections in ((_Request, _CONNECTIONS), (_PollRequest, 1))
        )
        self._bot = Bot(token, f"{base_url}/bot", request=self._requests, get_updates_request=self._polls)

    def __repr__(self) -> str:
        return "Wire()"

    async def username(self) -> str:
        return (await self._call(self._bot.get_me())).username or ""

    async def clear_webhook(self) -> None:
        """A webhook left behind by another program would keep updates from us."""
        await self._call(self._bot.delete_webhook(drop_pending_updates=False))

    async def updates(self, offset: int | None) -> tuple[Update, ...]:
        """Waits until there are some; those before ``offset`` are confirmed and never come again."""
        poll = self._bot.get_updates(
            offset=offset, timeout=timedelta(seconds=self._poll_s), allowed_updates=ALLOWED_UPDATES
        )
        return await self._call(poll, extra_s=self._poll_s)

    async def confirm(self, offset: int) -> None:
        """What was taken shall not come again after a restart; what was not taken stays."""
        await self._call(self._bot.get_updates(offset=offset, limit=1, timeout=timedelta(0)))

    async def send(self, chat: str, thread: str, content: Content, *, silent: bool) -> int:
        """Returns the id of the new message."""
        mode = ParseMode.HTML if content.marked_up else None
        markup = _markup(content.keyboard)
        thread_id = int(thread) if thread else None
        if isinstance(content.attached, Picture):
            photo = self._bot.send_photo(
                chat_id=chat,
                photo=content.attached.png,
                filename=content.attached.name,
                caption=content.text,
                parse_mode=mode,
                reply_markup=markup,
                disable_notification=silent,
                message_thread_id=thread_id,
            )
            return (await self._call(photo)).message_id
        if isinstance(content.attached, File):
            document = self._bot.send_document(
                chat_id=chat,
                document=content.attached.content,
                filename=content.attached.name,
                caption=content.text,
                parse_mode=mode,
                reply_markup=markup,
                disable_notification=silent,
                message_thread_id=thread_id,
                disable_content_type_detection=True,
            )
            return (await self._call(document)).message_id
        text = self._bot.send_message(
            chat_id=chat,
            text=content.text,
            parse_mode=mode,
            reply_markup=markup,
            disable_notification=silent,
            message_thread_id=thread_id,
            link_preview_options=_NO_PREVIEW,
        )
        return (await self._call(text)).message_id

    async def edit(self, chat: str, message_id: str, content: Content) -> None:
        """Replaces text, caption, picture or file, and the keyboard with it. An identical message is fine."""
        mode = ParseMode.HTML if content.marked_up else None
        markup = _markup(content.keyboard)
        number = int(message_id)
        request: Awaitable[Any]
        if content.attached is not None:
            media = _media(content.attached, content.text, mode)
            request = self._bot.edit_message_media(media, chat_id=chat, message_id=number, reply_markup=markup)
        elif content.caption:
            request = self._bot.edit_message_caption(
                chat_id=chat, message_id=number, caption=content.text, parse_mode=mode, reply_markup=markup
            )
        else:
            request = self._bot.edit_message_text(
                content.text,
                chat_id=chat,
                message_id=number,
                parse_mode=mode,
                reply_markup=markup,
                link_preview_options=_NO_PREVIEW,
            )
        await self._call(_unless_identical(request))

    async def pin(self, chat: str, message_id: str) -> None:
        """Without a sound. A group where the bot may not pin refuses, and can be reached all the same."""
        request = self._bot.pin_chat_message(chat_id=chat, message_id=int(message_id), disable_notification=True)
        try:
            await self._call(request)
        except Unreachable as error:
            if "rights" not in str(error):
                raise
            raise Refused(str(error)) from None

    async def leave(self, chat: str) -> None:
        """A group the bot is not in any more is fine."""
        try:
            await self._call(self._bot.leave_chat(chat_id=chat))
        except Unreachable as error:
            log.info("telegram.left_already", chat=chat, reason=str(error))

    async def me(self) -> None:
        """Whether the token is good and Telegram answers, for a bot that does not poll."""
        await self._call(self._bot.get_me())

    async def answer(self, press_id: str, text: str) -> None:
        await self._call(self._bot.answer_callback_query(press_id, text=notice(text) or None))

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        commands = [
            BotCommand(hint.name.removeprefix("/").lower(), one_line(hint.summary)[:_SUMMARY_CHARACTERS])
            for hint in hints
        ]
        await self._call(self._bot.set_my_commands(commands))

    async def close(self) -> None:
        await asyncio.gather(self._requests.shutdown(), self._polls.shutdown())

    async def _call(self, request: Awaitable[T], *, extra_s: float = 0.0) -> T:
        # The library's timeouts are per read and write; this one also ends a server that trickles.
        failure: DeliveryError
        try:
            async with asyncio.timeout(4 * self._answer_s + extra_s):
                return await request
        except TelegramError as error:
            failure = translated(error, token=self._token)
        except TimeoutError:
            failure = TryAgain("Telegram did not answer in time", unknown=True)
        raise failure


class _Request(HTTPXRequest):
    """Requests whose unreadable answers are not logged: a proxy's error page quotes the URL, and so the token."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(payload)
        except (ValueError, RecursionError):  # the latter for what is nested deeper than anybody reads
            answer = None
        if not isinstance(answer, dict):
            raise TelegramError("the answer is not Telegram's")
        return answer


class _PollRequest(_Request):
    """Polls where an update nobody can read arrives empty: it is passed over once instead of deafening the bot.

    What has no number cannot be passed over, for nothing confirms it: it is left out, and where there is nothing else
    the poll counts as failed, so that the next one waits.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        answer = _Request.parse_json_payload(payload)
        if (updates := answer.get("result")) is not None:
            if not isinstance(updates, list):
                raise TelegramError("these are no updates")
            numbered = [(raw, number) for raw in updates if (number := update_id_of(raw)) is not None]
            if updates and not numbered:
                raise TelegramError("these updates have no numbers")
            answer["result"] = [raw if _readable(raw, number) else {"update_id": number} for raw, number in numbered]
        return answer


def _readable(update: dict[str, Any], number: int) -> bool:
    error = "not well formed"
    if is_well_formed(update):
        try:
            Update.de_json(update, None)
        except Exception as exc:  # noqa: BLE001 - whatever the library trips over, the next update must be heard
            error = type(exc).__name__
        else:
            return True
    log.error("telegram.unreadable_update", update_id=number, error=error)
    return False


async def _unless_identical(edit: Awaitable[Any]) -> None:
    try:
        await edit
    except BadRequest as error:
        if NOT_MODIFIED not in error.message.lower():
            raise


def _media(attached: Attachment, caption: str, mode: ParseMode | None) -> InputMediaPhoto | InputMediaDocument:
    if isinstance(attached, Picture):
        return InputMediaPhoto(attached.png, caption=caption, parse_mode=mode, filename=attached.name)
    return InputMediaDocument(
        attached.content, caption=caption, parse_mode=mode, filename=attached.name, disable_content_type_detection=True
    )


def _markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    """None takes the buttons of an edited message away, which is what a message without buttons says."""
    if not keyboard:
        return None
    rows = [
        [InlineKeyboardButton(one_line(button.label), callback_data=button.data) for button in row] for row in keyboard
    ]
    return InlineKeyboardMarkup(rows)
