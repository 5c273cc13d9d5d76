"""What the Solana venues need to know. URLs may carry a key, so they never appear in a repr or an error."""

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from venues.errors import VenueRejected

MAINNET_GENESIS = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
MEBIBYTE = 2**20
MOST_COMPUTE_UNITS = 1_400_000  # that the chain gives one transaction

_LONGEST_URL = 2_048
_LONGEST_HOST = 253
_SHORTEST_KEY = 8  # a shorter word of a path is a version or a network
_SEPARATORS = re.compile(r"[/?&=]+")
# A last label that is a number makes resolvers read the whole as an address, each in its own way.
_NUMBER = re.compile(r"(\d+|0x[0-9a-f]*)\.?", re.ASCII | re.IGNORECASE)
_ENCODED_CONTROL = re.compile(r"%(?:[01][0-9a-f]|7f)", re.ASCII | re.IGNORECASE)
# Where a cloud tells machines their own credentials.
_METADATA = frozenset(
    map(ipaddress.ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"})
_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*\.?", re.ASCII | re.IGNORECASE)


def checked_url(url: str, *, secure: str = "https", plain: str = "http") -> str:
    """A URL that may be asked: encrypted, or plain on this very machine; no user name, no fragment.

    Addresses of a local network are allowed: a node of one's own may be there, with a certificate. So is any name: who
    answers for it has to hold its certificate, wherever it leads.

    Raises: VenueRejected, without the URL, which may hold a key.
    """
    parts = _split(url)
    if parts is None or parts.scheme not in (secure, plain):
        raise VenueRejected(f"an RPC URL is not one: write {secure}://host/path, and {plain}:// only for this machine")
    host = parts.hostname or ""
    address = _address(host)
    if address is None and not _is_name(host):
        raise VenueRejected("an RPC URL has no host that could be asked; check RPC_URLS")
    if parts.username is not None or parts.fragment:
        raise VenueRejected(f"the RPC URL of {host} has a user name or a fragment; put the key into path or query")
    if parts.scheme == plain and not _is_loopback(host):
        raise VenueRejected(f"the RPC URL of {host} is not encrypted; write {secure}://")
    if _is_no_place(host, address):
        raise VenueRejected(f"the RPC URL names {host}, where no RPC can be; check RPC_URLS")
    return url


def _split(url: str) -> SplitResult | None:
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable():
        return None
    if any(char in url for char in " \\<>\"'`{}|^") or _ENCODED_CONTROL.search(url):
        return None
    try:
        parts = urlsplit(url)
        port_is_usable = parts.port != 0  # reading it checks it
    except ValueError:
        return None
    return parts if port_is_usable and not parts.netloc.endswith(":") else None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    last = host.removesuffix(".").rpartition(".")[2]
    return len(host) <= _LONGEST_HOST and bool(_HOST_NAME.fullmatch(host)) and not _NUMBER.fullmatch(last)


def _is_no_place(host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if address is None:
        return host.removesuffix(".").lower() in _METADATA_NAMES
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return True
        if any((address.ipv4_mapped, address.sixtofour, address.teredo)):
            return True  # an IPv4 address in disguise; who means it can write it as it is
    if address.is_loopback:
        return False
    return (
        address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved
        or address in _METADATA
    )  # fmt: skip


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def host_of(url: str) -> str:
    """Host and port: the part of a URL that may be shown.

    >>> host_of("https://rpc.example.com:8443/key?token=secret")
    'rpc.example.com:8443'
    """
    return urlsplit(url).netloc.rpartition("@")[2]


def without_keys(text: str, url: str) -> str:
    """A text of somebody else, such as an error of the node, without the parts of the URL that may be a key.

    >>> without_keys("no plan for 0A1B2C3D4E", "https://rpc.example.com/v1/0a1b2c3d4e")
    'no plan for [secret]'
    """
    parts = urlsplit(url)
    words = {word for word in _SEPARATORS.split(f"{parts.path}/{parts.query}") if len(word) >= _SHORTEST_KEY}
    words |= {unquote(word) for word in words}
    if not words:
        return text
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.sub(pattern, "[secret]", text, flags=re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SolanaSettings:
    """How to reach the ledger.

    Attributes:
        rpc_urls: Asked in this order; a later one when an earlier one fails.
        ws_url: Websocket endpoint; empty for the first RPC URL with a websocket scheme and the same port.
        profile: Name of the venue in profiles/.
        timeout_s: For one answer; a sweep has its own.
        attempts: Rounds over all endpoints before giving up; only the first when it took longer than timeout_s.
        max_answer_bytes: A longer answer is cut off and refused; a sweep has its own.
        slot_tolerance: Slots an answer may lie behind the newest one seen; more, and the endpoint is behind.
        slot_spread: Slots that the parts of one reading may lie apart when one answer cannot hold all of it.
        genesis_hash: Of the cluster; None asks no endpoint which cluster it serves.
        stream_silence_s: How long a websocket may tell of no new slot; ten of them usually pass in that time.
        stream_pace_s: Between two books of a stream; what changes meanwhile is one book.
        slot_pace_s: The same where nothing but the slot moves.
        allow_owner_key: Whether the signer's key may be the account's owner, which can also withdraw.
        priority_fee_floor_micro: Least paid for a compute unit, in micro-lamports; what is paid where the node does
            not say what others pay.
        priority_fee_cap_micro: Most paid for a compute unit.
        compute_cap_units: Most compute units one transaction may use.
        resign_after_s: Before bytes may count as gone for good, whatever endpoints say of heights; not less than the
            signer waits. 0 believes whoever says so at once, for nodes that only a test can reach.
    """

    rpc_urls: tuple[str, ...] = field(repr=False)
    ws_url: str = field(default="", repr=False)
    profile: str = "drift"
    timeout_s: float = 4.0
    sweep_timeout_s: float = 300.0
    attempts: int = 2
    max_answer_bytes: int = 32 * MEBIBYTE
    max_sweep_bytes: int = 4096 * MEBIBYTE
    slot_tolerance: int = 16
    slot_spread: int = 2
    genesis_hash: str | None = MAINNET_GENESIS
    stream_silence_s: float = 5.0
    stream_pace_s: float = 0.05
    slot_pace_s: float = 1.0
    allow_owner_key: bool = False
    priority_fee_floor_micro: int = 1_000
    priority_fee_cap_micro: int = 200_000
    compute_cap_units: int = 1_000_000
    resign_after_s: float = 120.0

    def __post_init__(self) -> None:
        if not self.rpc_urls:
            raise VenueRejected("no RPC URL is set; set RPC_URLS to one or more, comma separated")
        for url in self.rpc_urls:
            checked_url(url)
        if self.ws_url:
            checked_url(self.ws_url, secure="wss", plain="ws")
        if not 0 <= self.priority_fee_floor_micro <= self.priority_fee_cap_micro:
            raise VenueRejected("the floor of the priority fee lies above its cap, or below 0; set both in order")
        if not 0 < self.compute_cap_units <= MOST_COMPUTE_UNITS:
            raise VenueRejected(f"a transaction has between 1 and {MOST_COMPUTE_UNITS} compute units; set the cap so")

    @property
    def on_this_machine(self) -> bool:
        """Whether every RPC endpoint is on this very machine."""
        return all(_is_loopback(urlsplit(url).hostname or "") for url in self.rpc_urls)

    @property
    def websocket_url(self) -> str:
        """Where to subscribe first."""
        return self.websocket_urls[0]

    @property
    def websocket_urls(self) -> tuple[str, ...]:
        """Where to subscribe: the websocket of each RPC URL, in their order."""
        derived = [urlsplit(url) for url in self.rpc_urls]
        urls = [urlunsplit(p._replace(scheme="wss" if p.scheme == "https" else "ws")) for p in derived]
        return (self.ws_url or urls[0], *urls[1:])
