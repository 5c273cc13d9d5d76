"""The methods of the Bot API over what the server remembers: pure of HTTP, strict as the real one."""

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.telegram.errors import ApiError, bad_request
from tests.support.telegram.markup import Parsed, parse, utf16_units
from tests.support.telegram.model import Chat, Key, Keyboard, SentMessage, Upload

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
DATA_BYTES = 64
ROW_KEYS = 8
NOTICE_UNITS = 200
UPLOAD_BYTES = 50 * 2**20
_BOT_ID = 7_000_000_001
_EPOCH_S = 1_760_000_000  # no clock: dates only need to be dates
_PNG = b"\x89PNG\r\n\x1a\n"
_GONE_QUERY = "query is too old and response timeout expired or query ID is invalid"
_SAME = "specified new message content and reply markup are exactly the same as a current content and reply markup"

Json = dict[str, Any]  # of the wire


class BotApi:
    """Chats, messages and commands of one bot."""

    def __init__(self, username: str) -> None:
        self.username = username
        self.chats: dict[int, Chat] = {}
        self.sent: list[SentMessage] = []
        self.commands: tuple[tuple[str, str], ...] = ()
        self.open_queries: set[str] = set()
        self.answers: dict[str, str] = {}
        self.left: list[int] = []
        self._methods: dict[str, Callable[[Parameters], object]] = {
            "getme": self._get_me,
            "deletewebhook": lambda _: True,
            "sendmessage": self._send_message,
            "sendphoto": self._send_photo,
            "senddocument": self._send_document,
            "editmessagetext": self._edit_text,
            "editmessagecaption": self._edit_caption,
            "editmessagemedia": self._edit_media,
            "editmessagereplymarkup": self._edit_keyboard,
            "pinchatmessage": self._pin,
            "answercallbackquery": self._answer,
            "setmycommands": self._set_commands,
            "getchat": self._get_chat,
            "getchatmember": self._get_chat_member,
            "sendchataction": lambda parameters: bool(self._writable_chat(parameters)),
            "leavechat": self._leave_chat,
        }

    def call(self, method: str, parameters: "Parameters") -> object:
        """Raises: ApiError."""
        run = self._methods.get(method.lower())
        if run is None:
            raise ApiError(404, "Not Found: method not found")
        return run(parameters)

    def find(self, chat: int, message_id: int) -> SentMessage | None:
        return next((one for one in self.sent if (one.chat, one.message_id) == (chat, message_id)), None)

    def as_json(self, message: SentMessage) -> Json:
        chat = self.chats[message.chat]
        data: Json = {
            "message_id": message.message_id,
            "date": _EPOCH_S + message.message_id,
            "chat": chat_json(chat),
            "from": self._get_me(Parameters({})),
        }
        if message.thread is not None:
            data |= {"message_thread_id": message.thread, "is_topic_message": True}
        if message.document is not None:
            document = {"file_id": "f", "file_unique_id": "u", "file_name": message.document.name}
            data |= {"document": document, "caption": message.text}
        elif message.photo is None:
            data["text"] = message.text
        else:
            size = {"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}
            data |= {"photo": [size], "caption": message.text}
        if message.keyboard:
            rows = [[{"text": key.label, "callback_data": key.data} for key in row] for row in message.keyboard]
            data["reply_markup"] = {"inline_keyboard": rows}
        return data

    def _get_me(self, _: "Parameters") -> Json:
        return {"id": _BOT_ID, "is_bot": True, "first_name": "Keel", "username": self.username}

    def _send_message(self, parameters: "Parameters") -> Json:
        chat = self._writable_chat(parameters)
        return self._send(chat, parameters, _text(parameters, "text", TEXT_UNITS, "message"))

    def _send_photo(self, parameters: "Parameters") -> Json:
        chat = self._writable_chat(parameters)
        photo = parameters.file("photo").content
        _check_png(photo)
        caption = _text(parameters, "caption", CAPTION_UNITS, "message caption")
        return self._send(chat, parameters, caption, photo=photo)

    def _send_document(self, parameters: "Parameters") -> Json:
        chat = self._writable_chat(parameters)
        document = parameters.file("document")
        _check_document(document)
        caption = _text(parameters, "caption", CAPTION_UNITS, "message caption")
        return self._send(chat, parameters, caption, document=document)

    def _send(
        self,
        chat: Chat,
        parameters: "Parameters",
        parsed: Parsed,
        *,
        photo: bytes | None = None,
        document: Upload | None = None,
    ) -> Json:
        thread = parameters.integer("message_thread_id")
        if thread is not None and thread not in chat.topics:
            raise bad_request("message thread not found")
        message = SentMessage(
            message_id=len(self.sent) + 101,
            chat=chat.chat_id,
            thread=thread,
            text=parsed.text,
            source=parameters.text("text" if photo is None and document is None else "caption"),
            entities=parsed.entities,
            keyboard=_keyboard(parameters),
            silent=parameters.text("disable_notification").lower() == "true",
            photo=photo,
            document=document,
        )
        self.sent.append(message)
        return self.as_json(message)

    def _edit_text(self, parameters: "Parameters") -> Json:
        message = self._editable(parameters)
        if message.has_caption:
            raise bad_request("there is no text in the message to edit")
        parsed = _text(parameters, "text", TEXT_UNITS, "message")
        return self._edit(message, parsed, parameters.text("text"), _keyboard(parameters))

    def _edit_caption(self, parameters: "Parameters") -> Json:
        message = self._editable(parameters)
        if not message.has_caption:
            raise bad_request("there is no caption in the message to edit")
        parsed = _text(parameters, "caption", CAPTION_UNITS, "message caption")
        return self._edit(
            message, parsed, parameters.text("caption"), _keyboard(parameters),
            photo=message.photo, document=message.document,
        )  # fmt: skip

    def _edit_media(self, parameters: "Parameters") -> Json:
        message = self._editable(parameters)
        media = json.loads(parameters.text("media"))
        upload = parameters.file(media["media"].removeprefix("attach://"))
        photo = document = None
        if media["type"] == "document":
            _check_document(document := upload)
        else:
            _check_png(photo := upload.content)
        caption = Parameters({"caption": media.get("caption", ""), "parse_mode": media.get("parse_mode", "")})
        parsed = _text(caption, "caption", CAPTION_UNITS, "message caption")
        return self._edit(
            message, parsed, caption.text("caption"), _keyboard(parameters), photo=photo, document=document
        )

    def _edit_keyboard(self, parameters: "Parameters") -> Json:
        message = self._editable(parameters)
        parsed = Parsed(message.text, message.entities)
        return self._edit(
            message, parsed, message.source, _keyboard(parameters), photo=message.photo, document=message.document
        )

    def _edit(
        self,
        message: SentMessage,
        parsed: Parsed,
        source: str,
        keyboard: Keyboard,
        *,
        photo: bytes | None = None,
        document: Upload | None = None,
    ) -> Json:
        before = (message.text, message.entities, message.keyboard, message.photo, message.document)
        if before == (parsed.text, parsed.entities, keyboard, photo, document):
            raise bad_request(f"message is not modified: {_SAME} of the message")
        message.edits.append(message.revision())
        message.text, message.entities, message.source = parsed.text, parsed.entities, source
        message.keyboard, message.photo, message.document = keyboard, photo, document
        return self.as_json(message)

    def _pin(self, parameters: "Parameters") -> bool:
        chat = self._writable_chat(parameters)
        message = self.find(chat.chat_id, parameters.integer("message_id") or 0)
        if message is None:
            raise bad_request("message to pin not found")
        if not chat.may_pin:
            raise bad_request("not enough rights to manage pinned messages in the chat")
        if parameters.text("disable_notification").lower() != "true":
            chat.loud_pins += 1
        message.pinned = True
        return True

    def _answer(self, parameters: "Parameters") -> bool:
        query = parameters.text("callback_query_id")
        if utf16_units(parameters.text("text")) > NOTICE_UNITS:
            raise bad_request("MESSAGE_TOO_LONG")
        if query not in self.open_queries:
            raise bad_request(_GONE_QUERY)
        self.open_queries.remove(query)
        self.answers[query] = parameters.text("text")
        return True

    def _set_commands(self, parameters: "Parameters") -> bool:
        commands = json.loads(parameters.text("commands"))
        for command in commands:
            if not command["command"].replace("_", "").isalnum() or command["command"] != command["command"].lower():
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands = tuple((command["command"], command["description"]) for command in commands)
        return True

    def _get_chat(self, parameters: "Parameters") -> Json:
        limits = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}
        return chat_json(self._writable_chat(parameters)) | limits

    def _get_chat_member(self, parameters: "Parameters") -> Json:
        chat = self._writable_chat(parameters)
        user = self._get_me(Parameters({}))
        if parameters.integer("user_id") != _BOT_ID:
            raise bad_request("user not found")
        if chat.may_write:
            return {"user": user, "status": "administrator", "can_pin_messages": chat.may_pin}
        return {"user": user, "status": "restricted", "is_member": True, "can_send_messages": False}

    def _leave_chat(self, parameters: "Parameters") -> bool:
        chat = self._writable_chat(parameters)
        self.left.append(chat.chat_id)
        del self.chats[chat.chat_id]
        return True

    def _writable_chat(self, parameters: "Parameters") -> Chat:
        chat = self.chats.get(parameters.integer("chat_id") or 0)
        if chat is None:
            raise bad_request("chat not found")
        if chat.migrated_to is not None:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, words, migrate_to_chat_id=chat.migrated_to)
        if chat.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        return chat

    def _editable(self, parameters: "Parameters") -> SentMessage:
        chat = self._writable_chat(parameters)
        message = self.find(chat.chat_id, parameters.integer("message_id") or 0)
        if message is None:
            raise bad_request("message to edit not found")
        return message


class Parameters:
    """Fields of a request, whichever encoding they came in."""

    def __init__(self, fields: Mapping[str, str | Upload]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """Empty if missing."""
        value = self._fields.get(name, "")
        return value if isinstance(value, str) else ""

    def integer(self, name: str) -> int | None:
        try:
            return int(self.text(name))
        except ValueError:
            return None

    def file(self, name: str) -> Upload:
        value = self._fields.get(name)
        if not isinstance(value, Upload):
            raise bad_request(f"there is no {name} in the request")
        return value


def chat_json(chat: Chat) -> Json:
    if chat.kind == "private":
        return {"id": chat.chat_id, "type": "private", "first_name": chat.title}
    return {"id": chat.chat_id, "type": chat.kind, "title": chat.title, "is_forum": bool(chat.topics)}


_NO_GIFTS = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}


def _text(parameters: Parameters, field: str, limit: int, what: str) -> Parsed:
    source = parameters.text(field)
    parsed = parse(source) if parameters.text("parse_mode").upper() == "HTML" else Parsed(source)
    parsed = Parsed(parsed.text.strip(), parsed.entities)
    if field == "text" and not parsed.text:
        raise bad_request("message text is empty")
    if utf16_units(parsed.text) > limit:
        raise bad_request(f"{what} is too long")
    return parsed


def _keyboard(parameters: Parameters) -> Keyboard:
    source = parameters.text("reply_markup")
    if not source:
        return ()
    rows = json.loads(source).get("inline_keyboard", [])
    for row in rows:
        if len(row) > ROW_KEYS:
            raise bad_request("too many buttons in a row")
        for key in row:
            if not key.get("text"):
                raise bad_request("can't parse inline keyboard button: text must be non-empty")
            if not 1 <= len(key.get("callback_data", "").encode()) <= DATA_BYTES:
                raise bad_request("BUTTON_DATA_INVALID")
    return tuple(tuple(Key(key["text"], key["callback_data"]) for key in row) for row in rows)


def _check_png(data: bytes) -> None:
    if not data.startswith(_PNG) or len(data) < 24:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = struct.unpack(">II", data[16:24])
    if not width or not height or width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def _check_document(document: Upload) -> None:
    if not document.content:
        raise bad_request("file must be non-empty")
    if len(document.content) > UPLOAD_BYTES:
        raise ApiError(413, "Request Entity Too Large")
