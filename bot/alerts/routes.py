"""Routes as somebody wrote them: who hears of what, in which order, after how long, and by which way if that fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from pydantic import SecretStr

from risk.decisions.incidents import CauseKind, Incident, severity
from risk.decisions.tiers import Tier

TELEGRAM, DISCORD, WEBHOOK, CONSOLE = "telegram", "discord", "discord-webhook", "console"
PERSON, SERVICE = "person", "service"
DEFAULT_ROUTE = "default"


class Platform(StrEnum):
    """Chat platforms a further sender can be made for."""

    TELEGRAM = TELEGRAM
    DISCORD = DISCORD


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTarget:
    """A chat, by the address its platform knows. ``sender`` says which bot of ours writes there."""

    sender: str
    chat: str
    thread: str = ""

    def __str__(self) -> str:
        return f"{self.sender}:{self.chat}/{self.thread}" if self.thread else f"{self.sender}:{self.chat}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTarget:
    """Every private chat of somebody: a display name, or ``PLATFORM/USER_ID``."""

    name: str

    def __str__(self) -> str:
        return f"{PERSON}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTarget:
    """A service of the file."""

    name: str

    def __str__(self) -> str:
        return f"{SERVICE}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """The Discord channel of the webhook in the settings."""

    def __str__(self) -> str:
        return WEBHOOK


Target = ChatTarget | PersonTarget | ServiceTarget | WebhookTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderChats:
    """Every linked chat of one sender; only a fallback names that."""

    sender: str

    def __str__(self) -> str:
        return self.sender


Entry = Target | SenderChats


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Who is told once nobody has acknowledged for so long. The first step's is zero."""

    to: tuple[Target, ...]
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One rule. Every rule that fits an incident applies; what no rule fits goes to every linked chat at once.

    Attributes:
        accounts: Nicknames or addresses; empty for all of them, and for what concerns Keel itself.
        least: From which tier on.
        kinds: What incidents may be about; empty for anything.
        steps: In the order in which they are told.
    """

    name: str
    steps: tuple[Step, ...]
    accounts: tuple[str, ...] = ()
    least: Tier = Tier.WATCH
    kinds: frozenset[CauseKind] = frozenset()

    def fits(self, incident: Incident, called: frozenset[str]) -> bool:
        """Whether this rule is about an incident.

        Args:
            called: What its account may be called here, in lower case; empty for what concerns Keel itself.
        """
        if self.accounts and not any(account.lower() in called for account in self.accounts):
            return False
        if self.kinds and incident.cause.kind not in self.kinds:
            return False
        return severity(incident.tier) >= severity(self.least)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRule:
    """A way out that is no chat: mail, SMS, push, a pager.

    Attributes:
        rings_through_dnd: Whether it wakes somebody whose phone is set to Do Not Disturb; only they can know.
    """

    name: str
    url: SecretStr
    rings_through_dnd: bool = False

    @property
    def sender(self) -> str:
        return f"{SERVICE}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderRule:
    """A further bot on a platform, with a token of its own."""

    name: str
    platform: Platform
    token: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackRule:
    """Which way CRITICAL goes when its own is blocked.

    Attributes:
        order: Tried from the front, without the platform that is blocked; empty for every way there is.
        after: How long an alert may be undelivered.
    """

    order: tuple[Entry, ...] = ()
    after: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The whole file.

    Attributes:
        unanswered_after: How long after its last step an incident may be unacknowledged before that is told as well.
        exposed: The file holds secrets and other users of this machine may read it.
    """

    routes: tuple[Route, ...] = ()
    services: Mapping[str, ServiceRule] = field(default_factory=dict)
    senders: Mapping[str, SenderRule] = field(default_factory=dict)
    fallback: FallbackRule = field(default_factory=FallbackRule)
    unanswered_after: timedelta = timedelta(minutes=15)
    exposed: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        services = (service.url for service in self.services.values())
        senders = (sender.token for sender in self.senders.values())
        return tuple(secret.get_secret_value() for secret in (*services, *senders))


NO_ROUTES = Routes()
