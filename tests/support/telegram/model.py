"""What the server remembers."""

from dataclasses import dataclass, field

from tests.support.telegram.markup import Entity


@dataclass(frozen=True, slots=True)
class Key:
    """A button of an inline keyboard."""

    label: str
    data: str


Keyboard = tuple[tuple[Key, ...], ...]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a request, or the document a message carries."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What a message said, and when it began to."""

    text: str
    source: str
    keyboard: Keyboard
    photo: bytes | None
    document: Upload | None = None


@dataclass(slots=True, kw_only=True)
class SentMessage:
    """A message of the bot.

    Attributes:
        text: As a client shows it: markup gone, ends trimmed. The caption, for a photo or a document.
        source: As the bot sent it, markup included.
        entities: What stands out in ``text``.
        silent: Whether it arrived without a sound.
        edits: What it said before, oldest first.
    """

    message_id: int
    chat: int
    thread: int | None
    text: str
    source: str
    entities: tuple[Entity, ...]
    keyboard: Keyboard
    silent: bool
    photo: bytes | None = None
    document: Upload | None = None
    edits: list[Revision] = field(default_factory=list)
    pinned: bool = False

    @property
    def has_caption(self) -> bool:
        return self.photo is not None or self.document is not None

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(key for row in self.keyboard for key in row)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(key.label for key in self.keys)

    def revision(self) -> Revision:
        return Revision(
            text=self.text, source=self.source, keyboard=self.keyboard, photo=self.photo, document=self.document
        )


@dataclass(slots=True, kw_only=True)
class Chat:
    """A chat the bot may write to; ``topics`` are the threads of a forum, ``loud_pins`` pins that rang."""

    chat_id: int
    title: str
    kind: str = "private"
    topics: set[int] = field(default_factory=set)
    blocked: bool = False
    migrated_to: int | None = None
    may_write: bool = True
    may_pin: bool = True
    loud_pins: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was made, whatever became of it; ``at_s`` is monotonic."""

    method: str
    chat: int | None
    at_s: float
