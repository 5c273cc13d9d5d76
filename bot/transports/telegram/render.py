"""Messages as Telegram wants them: pure, and the one place where text becomes markup.

Limits count UTF-16 units of the text without its markup, as Telegram does.
"""

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from bot.messages import Attachment, Block, Button, File, Line, Message, Picture, Table
from bot.text.clean import ELLIPSIS
from bot.text.tables import lines as table_lines
from bot.transports.layout import clean, one_line

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
NOTICE_UNITS = 200
NOTHING_SAID = "(no text)"
_ROOM_FOR_ROWS = 200

Keyboard = tuple[tuple[Button, ...], ...]


class Style(Enum):
    """How a span looks: its opening and closing markup."""

    PLAIN = ("", "")
    STRONG = ("<b>", "</b>")
    FIXED = ("<pre>", "</pre>")


@dataclass(frozen=True, slots=True)
class Span:
    """Clean text of one look."""

    text: str
    style: Style = Style.PLAIN

    @property
    def html(self) -> str:
        opening, closing = self.style.value
        return f"{opening}{html.escape(self.text, quote=False)}{closing}" if self.text else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one request carries.

    Attributes:
        text: The message, or the caption where something is attached; markup if ``marked_up``.
        caption: Whether an edit goes to a caption; sending looks at ``attached``.
    """

    text: str
    marked_up: bool
    attached: Attachment | None = None
    caption: bool = False
    keyboard: Keyboard = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Telegram message: paragraphs, and the picture or the file above them."""

    spans: tuple[Span, ...]
    attached: Attachment | None = None

    @property
    def html(self) -> str:
        return "\n".join(span.html for span in self.spans)

    @property
    def plain(self) -> str:
        return "\n".join(span.text for span in self.spans)

    def content(self, *, marked_up: bool, keyboard: Keyboard, caption: bool = False) -> Content:
        text = self.html if marked_up else self.plain
        return Content(text=text, marked_up=marked_up, attached=self.attached, caption=caption, keyboard=keyboard)


def parts_of(message: Message) -> tuple[Part, ...]:
    """The messages that say it all, in order; never none. A single attachment takes a short text as its caption."""
    attached = [block for block in message.blocks if isinstance(block, Picture | File)]
    texts = [block for block in message.blocks if not isinstance(block, Picture | File)]
    if len(attached) == 1:
        captions = _packed(texts, CAPTION_UNITS)
        if len(captions) <= 1:
            return (_captioned(attached[0], captions),)
    return tuple(_in_order(message.blocks)) or (Part(spans=(Span(NOTHING_SAID),)),)


def sending(part: Part, keyboard: Keyboard) -> tuple[Content, ...]:
    """Ways to send a part, best first: what one form is refused for must not silence the others."""
    ways = [part.content(marked_up=marked_up, keyboard=keyboard) for marked_up in (True, False)]
    bare = part.plain
    if part.attached is not None:
        alt = _alt(part.attached)
        bare = bare if bare == alt else f"{bare}\n{alt}"
        ways.append(Content(text=bare, marked_up=False, keyboard=keyboard))
    if keyboard:
        ways.append(Content(text=bare, marked_up=False))
    return tuple(ways)


def replacing(message: Message) -> tuple[Content, ...]:
    """Ways to edit a message into this one, best first.

    An edit cannot become several messages, so what exceeds one is cut with an ellipsis. Whether the message at hand
    has a picture only Telegram knows: text can become a caption, and a picture or a file replaces either.
    """
    texts = [block for block in message.blocks if not isinstance(block, Picture | File)]
    attached = next((block for block in message.blocks if isinstance(block, Picture | File)), None)
    text = Part(spans=_cut_spans(texts, TEXT_UNITS))
    caption = Part(spans=_cut_spans(texts, CAPTION_UNITS))
    whole = None
    if attached is not None:
        whole = Part(spans=caption.spans if texts else (Span(_alt(attached)),), attached=attached)
    keyboard = message.buttons
    texts_first = [text.content(marked_up=marked_up, keyboard=keyboard) for marked_up in (True, False)]
    captions = [caption.content(marked_up=marked_up, keyboard=keyboard, caption=True) for marked_up in (True, False)]
    if whole is None:
        return (*texts_first, *captions)
    wholes = [whole.content(marked_up=marked_up, keyboard=keyboard) for marked_up in (True, False)]
    if caption.spans == text.spans:
        return (*wholes, *texts_first, *captions)
    return (*texts_first, *wholes, *captions)


def notice(text: str) -> str:
    """The small text over a pressed button."""
    return _shortened(one_line(text), NOTICE_UNITS)


def utf16_units(text: str) -> int:
    """The length Telegram counts: characters beyond the first plane are two."""
    return len(text) + sum(character > "\uffff" for character in text)


def _in_order(blocks: Iterable[Block]) -> Iterator[Part]:
    """Every run of text as its messages, every picture and file as its own."""
    run: list[Block] = []
    for block in blocks:
        if isinstance(block, Picture | File):
            yield from (Part(spans=spans) for spans in _packed(run, TEXT_UNITS))
            run = []
            yield _captioned(block, ())
        else:
            run.append(block)
    yield from (Part(spans=spans) for spans in _packed(run, TEXT_UNITS))


def _captioned(attached: Attachment, captions: tuple[tuple[Span, ...], ...]) -> Part:
    return Part(spans=captions[0] if captions else (Span(_alt(attached)),), attached=attached)


def _alt(attached: Attachment) -> str:
    return _shortened(one_line(attached.alt), CAPTION_UNITS) or NOTHING_SAID


def _packed(blocks: Iterable[Block], limit: int) -> tuple[tuple[Span, ...], ...]:
    """Paragraphs filled into messages of at most ``limit`` units; blank messages, which Telegram refuses, left out."""
    messages: list[list[Span]] = [[]]
    used = 0
    for span in _spans(blocks, limit):
        needed = utf16_units(span.text) + bool(messages[-1])
        if used + needed > limit:
            messages.append([])
            used, needed = 0, needed - 1
        messages[-1].append(span)
        used += needed
    return tuple(tuple(spans) for spans in messages if any(span.text.strip() for span in spans))


def _cut_spans(blocks: Iterable[Block], limit: int) -> tuple[Span, ...]:
    """As much as fits into one message of ``limit`` units, an ellipsis where something is missing."""
    blocks = tuple(blocks)
    packed = _packed(blocks, limit)
    if len(packed) <= 1:
        return packed[0] if packed else (Span(NOTHING_SAID),)
    kept: list[Span] = []
    room = limit - 1 - utf16_units(ELLIPSIS)
    for span in _spans(blocks, limit):
        needed = utf16_units(span.text) + bool(kept)
        if needed <= room:
            kept.append(span)
            room -= needed
            continue
        if span.style is not Style.FIXED and room > 1:
            kept.append(replace(span, text=next(_pieces(span.text, room - 1))))
        elif room > _ROOM_FOR_ROWS:  # whole rows only: half a figure reads like a smaller figure
            kept.append(replace(span, text=_shortened(span.text, room - 1, ending="").rpartition("\n")[0]))
        break
    return (*kept, Span(ELLIPSIS))


def _spans(blocks: Iterable[Block], limit: int) -> Iterator[Span]:
    for block in blocks:
        match block:
            case Line(text=text, strong=strong):
                style = Style.STRONG if strong else Style.PLAIN
                yield from (Span(piece, style) for piece in _pieces(clean(text), limit))
            case Table():
                rows = (piece for row in table_lines(block) for piece in _pieces(row, limit))
                yield from (Span(group, Style.FIXED) for group in _row_groups(rows, limit))


def _row_groups(rows: Iterable[str], limit: int) -> Iterator[str]:
    group: list[str] = []
    used = 0
    for row in rows:
        needed = utf16_units(row) + 1
        if group and used + needed > limit:
            yield "\n".join(group)
            group, used = [], 0
        group.append(row)
        used += needed
    if group:
        yield "\n".join(group)


def _pieces(text: str, limit: int) -> Iterator[str]:
    """``text`` in pieces of at most ``limit`` units, parted at a line break or a blank where there is one."""
    while utf16_units(text) > limit:
        end = len(_shortened(text, limit, ending=""))
        at = max(text.rfind("\n", end // 2, end), 0) or max(text.rfind(" ", end // 2, end), 0)
        yield text[: at or end]
        text = text[at + 1 if at else end :]
    yield text


def _shortened(text: str, limit: int, ending: str = ELLIPSIS) -> str:
    if utf16_units(text) <= limit:
        return text
    room = limit - len(ending)
    kept = text[:room]
    while utf16_units(kept) > room:
        kept = kept[: -max(1, (utf16_units(kept) - room) // 2)]
    return kept + ending
