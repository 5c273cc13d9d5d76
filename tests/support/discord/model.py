"""What the server remembers."""

from dataclasses import dataclass, field

from tests.support.discord.markdown import read

APPLICATION = 1_400_000_000_000_000_001
BOT = 1_400_000_000_000_000_002
EPHEMERAL = 1 << 6
SILENT = 1 << 12


@dataclass(frozen=True, slots=True)
class Key:
    """A button."""

    label: str
    custom_id: str


Keyboard = tuple[tuple[Key, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedBox:
    """A box under a message. ``source`` is its description, markup included."""

    source: str
    colour: int

    @property
    def text(self) -> str:
        return read(self.source).text.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What a message said before."""

    text: str
    keyboard: Keyboard
    files: tuple[bytes, ...]


@dataclass(slots=True, kw_only=True)
class SentMessage:
    """A message of the bot.

    Attributes:
        source: As the bot sent it, markup included, without its embeds.
        only_for: The one person who sees it; everybody in the channel if None.
        by: ``bot``, or the id of the webhook that wrote it.
        pings: Whom it rang beyond the channel's own sound.
        edits: What it said before, oldest first.
    """

    message_id: int
    channel: int
    source: str
    embeds: tuple[EmbedBox, ...] = ()
    nonce: str = ""
    keyboard: Keyboard = ()
    files: tuple[bytes, ...] = ()
    file_names: tuple[str, ...] = ()
    alts: tuple[str, ...] = ()
    flags: int = 0
    only_for: int | None = None
    by: str = "bot"
    pings: tuple[str, ...] = ()
    edits: list[Revision] = field(default_factory=list)

    @property
    def text(self) -> str:
        """As a client shows it, embeds under the rest: markup gone, ends trimmed."""
        return "\n".join(text for text in (self.headline, *(embed.text for embed in self.embeds)) if text)

    @property
    def headline(self) -> str:
        """What stands above the embeds: what a lock screen shows."""
        return read(self.source).text.strip()

    @property
    def silent(self) -> bool:
        return bool(self.flags & SILENT)

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(key for row in self.keyboard for key in row)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(key.label for key in self.keys)

    def revision(self) -> Revision:
        return Revision(text=self.text, keyboard=self.keyboard, files=self.files)


@dataclass(slots=True, kw_only=True)
class Channel:
    """Where messages go.

    Attributes:
        guild: Whose it is; direct messages if None.
        parent: The channel around it, of a thread.
        locked: Nobody may write there any more.
        forbidden: The bot may not.
        archived: A thread that is over; writing in it opens it again.
        own: A thread the bot started.
        voice, news: What kind of channel a guild's is, if not one of text.
        may_embed, may_thread, may_pin: The bot's permissions besides writing.
        names_left: How often a thread may still be renamed; without limit if None.
        pinned: Ids of messages.
    """

    channel_id: int
    name: str = ""
    guild: int | None = None
    parent: int | None = None
    recipient: int | None = None
    locked: bool = False
    forbidden: bool = False
    archived: bool = False
    own: bool = False
    voice: bool = False
    news: bool = False
    may_embed: bool = True
    may_thread: bool = True
    may_pin: bool = True
    names_left: int | None = None
    pinned: list[int] = field(default_factory=list)

    @property
    def kind(self) -> int:
        if self.guild is None:
            return 1
        if self.parent is not None:
            return 11
        return 2 if self.voice else 5 if self.news else 0


@dataclass(slots=True, kw_only=True)
class Guild:
    """A server the bot is in; ``roles`` are those of each member who has some, ``members`` the others."""

    guild_id: int
    name: str
    members: set[int] = field(default_factory=set)
    roles: dict[int, tuple[int, ...]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Interaction:
    """Something a person did that waits for an answer.

    Attributes:
        kind: 2 a command, 3 a press, 4 typing.
        acknowledged: With which kind of answer; not yet if None.
        only_for_asker: Whether its answers are.
        original: The message that answers it, or whose button was pressed.
        loading: Whether Discord shows that the bot is thinking.
        choices: What was offered to go on typing.
        over: Discord does not wait for it any more.
    """

    interaction_id: int
    token: str
    kind: int
    channel: int
    user: int
    acknowledged: int | None = None
    only_for_asker: bool = False
    original: int | None = None
    loading: bool = False
    choices: tuple[str, ...] = ()
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was made, whatever became of it; ``at_s`` is monotonic."""

    method: str
    path: str
    channel: int | None
    at_s: float
    status: int = 0
