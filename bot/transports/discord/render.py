"""Messages as Discord wants them: pure. Limits count UTF-16 units of the markup, which is never less than it counts."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from bot.messages import Block, Button, Line, Message, Picture, Table
from bot.text.clean import ELLIPSIS
from bot.text.tables import lines as table_lines
from bot.transports.discord.markdown import code_block, escaped, strong
from bot.transports.layout import clean, one_line

TEXT_UNITS = 2000
NOTICE_UNITS = 200
ALT_UNITS = 1024
LABEL_UNITS = 80
ROW_BUTTONS = 5
ROWS = 5
PICTURES = 10
NOTHING_SAID = "(no text)"
_ROOM_FOR_ROWS = 200
_OURS = "keel"
_CUSTOM_ID = re.compile(rf"{_OURS}\d*:(.*)", re.DOTALL)

Keyboard = tuple[tuple[Button, ...], ...]


class Style(Enum):
    """How a span looks."""

    PLAIN = auto()
    STRONG = auto()
    FIXED = auto()


@dataclass(frozen=True, slots=True)
class Span:
    """Clean text of one look."""

    text: str
    style: Style = Style.PLAIN

    @property
    def markdown(self) -> str:
        match self.style:
            case Style.FIXED:
                return code_block(self.text)
            case Style.STRONG:
                return strong(escaped(self.text))
            case Style.PLAIN:
                return escaped(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one request carries. ``text`` is markup. ``keyboard`` fits: see keyboard_of."""

    text: str
    pictures: tuple[Picture, ...] = ()
    keyboard: Keyboard = ()


def parts_of(message: Message) -> tuple[Content, ...]:
    """The messages that say it all, in order; never none. Pictures and buttons are under the last."""
    pictures = _pictures(message)
    texts = [_joined(spans) for spans in _packed(_texts(message), TEXT_UNITS)] or [_alts(pictures) or NOTHING_SAID]
    parts = [Content(text=text) for text in texts]
    while len(pictures) > PICTURES:
        now, pictures = pictures[:PICTURES], pictures[PICTURES:]
        parts[-1] = Content(text=parts[-1].text, pictures=now)
        parts.append(Content(text=_alts(pictures)))
    parts[-1] = Content(text=parts[-1].text, pictures=pictures, keyboard=keyboard_of(message))
    return tuple(parts)


def whole(message: Message) -> Content:
    """The one message an edit turns another into: what exceeds it is cut, and says so by an ellipsis."""
    pictures = _pictures(message)
    texts = _texts(message)
    text = _joined(_cut(texts, TEXT_UNITS)) if _packed(texts, TEXT_UNITS) else _alts(pictures) or NOTHING_SAID
    return Content(text=text, pictures=pictures[:PICTURES], keyboard=keyboard_of(message))


def ways(content: Content) -> tuple[Content, ...]:
    """Forms of a part, best first: what one is refused for must not silence the others."""
    found = [content]
    bare = content.text
    if content.pictures:
        alts = _alts(content.pictures)
        bare = bare if bare == alts else _joined(_cut_texts((bare, alts), TEXT_UNITS))
        found.append(Content(text=bare, keyboard=content.keyboard))
    if content.keyboard:
        found.append(Content(text=bare))
    return tuple(found)


def keyboard_of(message: Message) -> Keyboard:
    """The buttons in rows as wide and as many as Discord shows."""
    rows = [row[at : at + ROW_BUTTONS] for row in message.buttons for at in range(0, len(row), ROW_BUTTONS)]
    return tuple(rows[:ROWS])


def custom_ids(keyboard: Keyboard) -> tuple[tuple[str, ...], ...]:
    """What each button sends back. No two of a message may be equal, so a repetition is numbered."""
    seen: dict[str, int] = {}
    rows = []
    for row in keyboard:
        ids = []
        for button in row:
            seen[button.data] = seen.get(button.data, 0) + 1
            number = "" if seen[button.data] == 1 else str(seen[button.data])
            ids.append(f"{_OURS}{number}:{button.data}")
        rows.append(tuple(ids))
    return tuple(rows)


def data_of(custom_id: str) -> str:
    """A button's data; the id itself if another program made it."""
    ours = _CUSTOM_ID.fullmatch(custom_id)
    return ours[1] if ours else custom_id


def label_of(button: Button) -> str:
    return shortened(one_line(button.label).strip(), LABEL_UNITS) or ELLIPSIS


def alt_of(picture: Picture) -> str:
    return shortened(one_line(picture.alt), ALT_UNITS)


def notice(text: str) -> str:
    """The small text that answers a press."""
    return escaped(shortened(one_line(text), NOTICE_UNITS))


def units(text: str) -> int:
    """UTF-16 units: characters beyond the first plane are two."""
    return len(text) + sum(character > "\uffff" for character in text)


def shortened(text: str, limit: int, ending: str = ELLIPSIS) -> str:
    if units(text) <= limit:
        return text
    kept = text[: limit - len(ending)]
    while units(kept) > limit - len(ending):
        kept = kept[:-1]
    return kept + ending


def _texts(message: Message) -> tuple[Block, ...]:
    return tuple(block for block in message.blocks if not isinstance(block, Picture))


def _pictures(message: Message) -> tuple[Picture, ...]:
    return tuple(block for block in message.blocks if isinstance(block, Picture))


def _alts(pictures: tuple[Picture, ...]) -> str:
    """What the pictures show, in words."""
    return _joined(_cut_texts([escaped(alt_of(picture)) for picture in pictures], TEXT_UNITS))


def _joined(spans: Iterable[Span] | Iterable[str]) -> str:
    return "\n".join(span if isinstance(span, str) else span.markdown for span in spans)


def _cut_texts(texts: Iterable[str], limit: int) -> list[str]:
    """As many as fit whole. Markup is never cut in two."""
    kept: list[str] = []
    for text in texts:
        if text and units("\n".join([*kept, text])) <= limit:
            kept.append(text)
    return kept


def _packed(blocks: Iterable[Block], limit: int) -> tuple[tuple[Span, ...], ...]:
    """Paragraphs filled into messages of at most ``limit`` units; blank messages, which Discord refuses, left out."""
    messages: list[list[Span]] = [[]]
    used = 0
    for span in _spans(blocks, limit):
        needed = units(span.markdown) + bool(messages[-1])
        if used + needed > limit:
            messages.append([])
            used, needed = 0, needed - 1
        messages[-1].append(span)
        used += needed
    return tuple(tuple(spans) for spans in messages if any(span.text.strip() for span in spans))


def _cut(blocks: Iterable[Block], limit: int) -> tuple[Span, ...]:
    """As much as fits into one message, an ellipsis where something is missing."""
    blocks = tuple(blocks)
    packed = _packed(blocks, limit)
    if len(packed) == 1:
        return packed[0]
    kept: list[Span] = []
    room = limit - 1 - units(ELLIPSIS)
    for span in _spans(blocks, limit):
        needed = units(span.markdown) + bool(kept)
        if needed <= room:
            kept.append(span)
            room -= needed
            continue
        if span.style is not Style.FIXED:
            if (at := _fitting(span, room - bool(kept))) > 0:
                kept.append(Span(span.text[:at], span.style))
        elif room > _ROOM_FOR_ROWS:  # whole rows only: half a figure reads like a smaller figure
            kept.append(Span(span.text[: _fitting(span, room - bool(kept))].rpartition("\n")[0], span.style))
        break
    return (*kept, Span(ELLIPSIS))


def _spans(blocks: Iterable[Block], limit: int) -> Iterator[Span]:
    for block in blocks:
        match block:
            case Line(text=text, strong=is_strong):
                yield from _pieces(Span(clean(text), Style.STRONG if is_strong else Style.PLAIN), limit)
            case Table():
                rows = "\n".join(table_lines(block))
                if rows.strip():
                    yield from _pieces(Span(rows, Style.FIXED), limit)


def _pieces(span: Span, limit: int) -> Iterator[Span]:
    """``span`` in pieces of at most ``limit`` units, parted at a line break or a blank where there is one."""
    text, breaks = span.text, ("\n",) if span.style is Style.FIXED else ("\n", " ")
    while units(Span(text, span.style).markdown) > limit:
        end = _fitting(Span(text, span.style), limit)
        at = next((found for mark in breaks if (found := text.rfind(mark, end // 2, end)) > 0), 0)
        yield Span(text[: at or end], span.style)
        text = text[at + 1 if at else end :]
    yield Span(text, span.style)


def _fitting(span: Span, limit: int) -> int:
    """How many characters of it fit, markup and all."""
    low, high = 0, min(len(span.text), max(limit, 0))
    while low < high:
        middle = (low + high + 1) // 2
        if units(Span(span.text[:middle], span.style).markdown) <= limit:
            low = middle
        else:
            high = middle - 1
    return low
