"""Whether an update is what the Bot API says it is, as far as anything here relies on it.

The library takes every type for the right one. A user without a number would be a person called "None", the same one
for everybody who has none.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard

_LARGEST: Final = 2**63  # what numbers of the Bot API, and SQLite's, stay below

Check = Callable[[Any], bool]


def update_id_of(raw: Any) -> int | None:
    """The number by which an update is confirmed; None for something that cannot be."""
    found = raw.get("update_id") if isinstance(raw, dict) else None
    return found if _number(found) and found >= 0 else None


def is_well_formed(update: Mapping[str, Any]) -> bool:
    """Of an update with a number."""
    return _has(update, optional=_UPDATE)


def _number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


def _has(value: Any, needed: Mapping[str, Check] | None = None, optional: Mapping[str, Check] | None = None) -> bool:
    return (
        isinstance(value, dict)
        and all(check(value.get(key)) for key, check in (needed or {}).items())
        and all(value.get(key) is None or check(value[key]) for key, check in (optional or {}).items())
    )


def _user(value: Any) -> bool:
    return _has(value, {"id": _number, "is_bot": _switch, "first_name": _text}, {"last_name": _text})


def _chat(value: Any) -> bool:
    return _has(value, {"id": _number, "type": _text})


def _message(value: Any) -> bool:
    return _has(
        value,
        {"message_id": _number, "date": _number, "chat": _chat},
        {"from": _user, "text": _text, "message_thread_id": _number, "is_topic_message": _switch},
    )


def _press(value: Any) -> bool:
    return _has(value, {"id": _text, "from": _user}, {"data": _text, "message": _message})


def _member(value: Any) -> bool:
    return _has(value, {"status": _text}, {"is_member": _switch})


def _membership(value: Any) -> bool:
    return _has(value, {"chat": _chat, "from": _user, "old_chat_member": _member, "new_chat_member": _member})


_UPDATE: Final[Mapping[str, Check]] = {
    "message": _message, "callback_query": _press, "my_chat_member": _membership,
}  # fmt: skip
