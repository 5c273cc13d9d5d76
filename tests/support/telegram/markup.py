"""HTML parse mode as the Bot API reads it: a few tags, strictly nested; anything else is refused, never shown."""

import re
from dataclasses import dataclass

from tests.support.telegram.errors import bad_request

_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_TAG = re.compile(r"<(?P<closing>/?)(?P<name>[^\s<>/]*)(?P<rest>[^<>]*)>")
_REFERENCE = re.compile(r"&(?:#(?P<decimal>\d+)|#[xX](?P<hexadecimal>[0-9a-fA-F]+)|(?P<name>lt|gt|amp|quot));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


@dataclass(frozen=True, slots=True)
class Entity:
    """What kind of look a stretch of text has."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """Text as a client shows it, and what stands out in it."""

    text: str
    entities: tuple[Entity, ...] = ()


def parse(source: str) -> Parsed:
    """Raises: ApiError 400, in the words of the Bot API."""
    text = ""
    entities: list[Entity] = []
    open_tags: list[tuple[str, int]] = []
    at = 0
    while at < len(source):
        character = source[at]
        if character == "&" and (reference := _REFERENCE.match(source, at)):
            text += _decoded(reference)
            at = reference.end()
        elif character == "<":
            tag = _TAG.match(source, at)
            if tag is None:
                raise _unparsable(f"Unclosed start tag at byte offset {at}")
            name = tag["name"].lower()
            if tag["closing"]:
                entities.append(_closed(name, open_tags, text, at))
            elif name in _KINDS:
                open_tags.append((name, len(text)))
            else:
                raise _unparsable(f'Unsupported start tag "{name}" at byte offset {at}')
            at = tag.end()
        else:
            text += character
            at += 1
    if open_tags:
        raise _unparsable(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    return Parsed(text, tuple(entity for entity in entities if entity.text))


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _closed(name: str, open_tags: list[tuple[str, int]], text: str, at: int) -> Entity:
    if not open_tags:
        raise _unparsable(f"Unexpected end tag at byte offset {at}")
    opened, start = open_tags.pop()
    if name not in ("", opened):
        raise _unparsable(f'Unmatched end tag at byte offset {at}, expected "</{opened}>", found "</{name}>"')
    return Entity(_KINDS[opened], text[start:])


def _decoded(reference: re.Match[str]) -> str:
    if reference["name"]:
        return _NAMED[reference["name"]]
    return chr(int(reference["decimal"])) if reference["decimal"] else chr(int(reference["hexadecimal"], 16))


def _unparsable(words: str) -> Exception:
    return bad_request(f"can't parse entities: {words}")
