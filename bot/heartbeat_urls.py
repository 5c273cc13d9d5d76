"""Where heartbeats go, as the settings name it: dead-man services and Keel's own standby. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import SplitResult, urlsplit

from bot.beats import BEAT_PATH
from bot.transports.loopback import is_loopback

SHORTEST_SECRET = 16
_POST = "post+"


class Way(Enum):
    """How a beat is made."""

    GET = auto()
    POST = auto()
    SIGNED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatUrl:
    """Somebody who wants to hear that Keel lives.

    Attributes:
        name: What may be shown of it: the host, numbered where there are several at one.
    """

    url: str = field(repr=False)
    way: Way
    name: str

    @property
    def loopback(self) -> bool:
        return is_loopback(urlsplit(self.url).hostname or "")


def heartbeat_urls(texts: Iterable[str], secret: str, *, variable: str = "HEARTBEAT_URLS") -> tuple[HeartbeatUrl, ...]:
    """Checked URLs. One that ends in ``/keel/beat`` is a standby and gets signed beats; any other gets a GET, or a POST
    where ``post+`` stands before it.

    Raises: ValueError, whose text names the variable and never the URL, which is as good as a key.

    >>> [(one.name, one.way.name) for one in heartbeat_urls(["https://hc.example/id", "post+https://b.example"], "")]
    [('hc.example', 'GET'), ('b.example', 'POST')]
    """
    found: list[HeartbeatUrl] = []
    seen: Counter[str] = Counter()
    for number, text in enumerate(texts, start=1):
        posted = text.startswith(_POST)
        url = text.removeprefix(_POST)
        parts = _checked(url, f"{variable}: entry {number}")
        host = parts.hostname or ""
        signed = parts.path.rstrip("/").endswith(BEAT_PATH)
        if signed and len(secret) < SHORTEST_SECRET:
            raise ValueError(
                f"{variable}: entry {number} is a standby: set HEARTBEAT_SECRET to the same {SHORTEST_SECRET} or more"
                " characters on both machines"
            )
        seen[host] += 1
        way = Way.SIGNED if signed else Way.POST if posted else Way.GET
        found.append(HeartbeatUrl(url=url, way=way, name=host if seen[host] == 1 else f"{host} ({seen[host]})"))
    return tuple(found)


def _checked(url: str, where: str) -> SplitResult:
    if not url.isascii() or not url.isprintable() or any(char in url for char in " \\<>\"'`{}|^"):
        raise ValueError(f"{where} is no URL; write https://host/path")
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(f"{where} is no URL; write https://host/path") from None
    if not usable:
        raise ValueError(f"{where} is no URL; write https://host/path")
    if parts.username is not None or parts.fragment:
        raise ValueError(f"{where} has a user name or a fragment; put the key into path or query")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError(f"{where} is not encrypted; write https://, and http:// only for this machine")
    return parts
