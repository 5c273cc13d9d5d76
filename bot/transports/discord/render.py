"""Messages as Discord wants them: pure.

An alert is its headline as text, which is what a lock screen shows and what can ring a role, and under it an embed in
the colour of how bad it is. Everything else is text alone: a table in a code block is as wide there as the screen.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from bot.messages import Accent, Attachment, Block, Button, File, Line, Message, Picture
from bot.text.clean import ELLIPSIS
from bot.transports.discord.markdown import escaped, strong, unlinked
from bot.transports.discord.packing import cut, joined, packed, shortened, units, whole_texts
from bot.transports.layout import clean, one_line

TEXT_UNITS = 2000
EMBED_UNITS = 4096  # of a description; with nothing else in it, an embed cannot reach the 6,000 of all its parts
NOTICE_UNITS = 200
ALT_UNITS = 1024
LABEL_UNITS = 80
ROW_BUTTONS = 5
ROWS = 5
ATTACHED = 10
NOTHING_SAID = "(no text)"
_OURS = "keel"
_CUSTOM_ID = re.compile(rf"{_OURS}\d*:(.*)", re.DOTALL | re.ASCII)
_COLOURS: Final = {
    Accent.GOOD: 0x2FA86B,
    Accent.NOTICE: 0xE8C547,
    Accent.CAUTION: 0xF0932B,
    Accent.DANGER: 0xE2572B,
    Accent.EMERGENCY: 0xC81D25,
    Accent.UNKNOWN: 0x8A8F98,
}

Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Embed:
    """A box with a coloured edge. ``text`` is markup."""

    text: str
    colour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one request carries. ``text`` is markup. ``keyboard`` fits: see keyboard_of.

    Attributes:
        roles: Ids of the roles it rings; ``text`` names them, and only who is listed here is rung.
    """

    text: str
    embed: Embed | None = None
    attached: tuple[Attachment, ...] = ()
    keyboard: Keyboard = ()
    roles: tuple[str, ...] = ()


Layout = tuple[Content, ...]


def layouts(message: Message, *, roles: tuple[str, ...] = ()) -> tuple[Layout, ...]:
    """The messages that say it all, in order, never none; the most pleasing way first, the last one is plain text.
    Pictures, files and buttons are under the last message of each, and the first one rings ``roles``."""
    plain = _plain(message, roles)
    accented = _accented(message, roles)
    return (accented, plain) if accented else (plain,)


def wholes(message: Message) -> tuple[Content, ...]:
    """The one message an edit turns another into, likewise: what exceeds it is cut, and says so by an ellipsis."""
    attached, texts = _attached(message)[:ATTACHED], _texts(message)
    keyboard = keyboard_of(message)
    text = joined(cut(texts, TEXT_UNITS)) or _alts(attached) or NOTHING_SAID
    plain = Content(text=text, attached=attached, keyboard=keyboard)
    if (headline := _headline(message, TEXT_UNITS)) is None:
        return (plain,)
    details = joined(cut(texts[1:], EMBED_UNITS))
    embed = Embed(details, _COLOURS[message.accent])
    return Content(text=headline, embed=embed, attached=attached, keyboard=keyboard), plain


def ways(content: Content) -> tuple[Content, ...]:
    """Forms of one request, best first: what one is refused for must not silence the others."""
    found = [content]
    bare = replace(content, attached=())
    if content.attached:
        alts = _alts(content.attached)
        if content.text != alts:
            bare = replace(bare, text=whole_texts((content.text, alts), TEXT_UNITS))
        found.append(bare)
    if content.keyboard:
        found.append(replace(bare, keyboard=()))
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


def alt_of(attached: Attachment) -> str:
    return shortened(one_line(attached.alt), ALT_UNITS)


def notice(text: str) -> str:
    """The small text that answers a press."""
    return escaped(shortened(one_line(text), NOTICE_UNITS))


def headline_of(message: Message) -> str:
    """Its first line alone, as markup; empty where it does not begin with one."""
    first = message.blocks[0] if message.blocks else None
    return escaped(shortened(one_line(first.text).strip(), NOTICE_UNITS)) if isinstance(first, Line) else ""


def _plain(message: Message, roles: tuple[str, ...]) -> Layout:
    rung = _rung(roles)
    texts = [joined(spans) for spans in packed(_texts(message), TEXT_UNITS - len(rung))]
    texts = texts or [_alts(_attached(message)) or NOTHING_SAID]
    return _finished([Content(text=texts[0] + rung, roles=roles), *(Content(text=text) for text in texts[1:])], message)


def _accented(message: Message, roles: tuple[str, ...]) -> Layout:
    """Headline and embed; empty where it would look like nothing."""
    rung = _rung(roles)
    if (headline := _headline(message, TEXT_UNITS - len(rung))) is None:
        return ()
    embeds = [
        Embed(joined(spans), _COLOURS[message.accent]) for spans in packed(_texts(message)[1:], EMBED_UNITS)
    ]  # fmt: skip
    first = Content(text=headline + rung, embed=embeds[0], roles=roles)
    return _finished([first, *(Content(text="", embed=embed) for embed in embeds[1:])], message)


def _headline(message: Message, limit: int) -> str | None:
    """The first line, where the message has a colour, and something to say in it."""
    texts = _texts(message)
    if message.accent not in _COLOURS or not texts or not packed(texts[1:], EMBED_UNITS):
        return None
    first = texts[0]
    if not isinstance(first, Line) or not (text := clean(first.text).strip()):
        return None
    # Links of a text with an embed of its own would be previewed, so they are none.
    markup = unlinked(strong(escaped(text)) if first.strong else escaped(text))
    return markup if units(markup) <= limit else None


def _rung(roles: tuple[str, ...]) -> str:
    return "\n" + " ".join(f"<@&{role}>" for role in roles) if roles else ""


def _finished(parts: list[Content], message: Message) -> Layout:
    """With what is attached, and buttons."""
    attached = _attached(message)
    while len(attached) > ATTACHED:
        now, attached = attached[:ATTACHED], attached[ATTACHED:]
        parts[-1] = replace(parts[-1], attached=now)
        parts.append(Content(text=_alts(attached)))
    parts[-1] = replace(parts[-1], attached=attached, keyboard=keyboard_of(message))
    return tuple(parts)


def _texts(message: Message) -> tuple[Block, ...]:
    return tuple(block for block in message.blocks if not isinstance(block, Picture | File))


def _attached(message: Message) -> tuple[Attachment, ...]:
    return tuple(block for block in message.blocks if isinstance(block, Picture | File))


def _alts(attached: Iterable[Attachment]) -> str:
    """What the pictures show and the files hold, in words."""
    return whole_texts([escaped(alt_of(one)) for one in attached], TEXT_UNITS)
