"""Paragraphs filled into texts of a limited length: pure. Limits count UTF-16 units of the markup, which is never less
than Discord counts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from bot.messages import Block, Line, Table
from bot.text.clean import ELLIPSIS
from bot.text.tables import lines as table_lines
from bot.transports.discord.markdown import code_block, escaped, strong
from bot.transports.layout import clean

_ROOM_FOR_ROWS = 200


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


def packed(blocks: Iterable[Block], limit: int) -> tuple[tuple[Span, ...], ...]:
    """Paragraphs filled into texts of at most ``limit`` units; blank texts, which Discord refuses, left out."""
    texts: list[list[Span]] = [[]]
    used = 0
    for span in _spans(blocks, limit):
        needed = units(span.markdown) + bool(texts[-1])
        if used + needed > limit:
            texts.append([])
            used, needed = 0, needed - 1
        texts[-1].append(span)
        used += needed
    return tuple(tuple(spans) for spans in texts if any(span.text.strip() for span in spans))


def cut(blocks: Iterable[Block], limit: int) -> tuple[Span, ...]:
    """As much as fits into one text, an ellipsis where something is missing; nothing where there is nothing to see."""
    blocks = tuple(blocks)
    texts = packed(blocks, limit)
    if len(texts) <= 1:
        return texts[0] if texts else ()
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


def joined(spans: Iterable[Span]) -> str:
    """Their markup, each on its own line."""
    return "\n".join(span.markdown for span in spans)


def whole_texts(texts: Iterable[str], limit: int) -> str:
    """As many as fit whole, one a line. Markup is never cut in two."""
    kept: list[str] = []
    for text in texts:
        if text and units("\n".join([*kept, text])) <= limit:
            kept.append(text)
    return "\n".join(kept)


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
