"""Which URLs may be asked, and that none of them is ever shown."""

import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from venues.errors import VenueRejected
from venues.solana.settings import SolanaSettings, checked_url, host_of

GOOD = [
    "https://api.mainnet-beta.solana.com",
    "https://rpc.example.com/v1/0123456789abcdef",
    "https://rpc.example.com:8443/?api-key=0123-4567",
    "https://RPC.Example.COM./",
    "https://1.2.3.4/",
    "https://[2606:4700::1111]:8899",
    "http://127.0.0.1:8899",
    "http://localhost:8899",
    "http://[::1]:8899",
    "http://127.9.9.9",
    "https://10.0.0.5:8899",
    "https://[fd12:3456::1]",
    "https://solana-rpc.0x.org",
    "https://rpc.example.com/%2Fkey",
]
HOSTILE = [
    "",
    " ",
    "rpc.example.com",
    "//rpc.example.com",
    "ftp://rpc.example.com",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_",
    "javascript:alert(1)",
    "data:text/plain,x",
    "ws://127.0.0.1:8900",
    "http://rpc.example.com",
    "http://10.0.0.5:8899",
    "http://192.168.1.1",
    "http://0.0.0.0:8899",
    "http://2130706433",
    "http://0x7f000001",
    "http://0177.0.0.1",
    "http://127.1",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://127.0.0.1@example.com",
    "http://example.com#@127.0.0.1",
    "http://[::ffff:10.0.0.1]",
    "http://[fe80::1%25eth0]",
    "https://user:password@rpc.example.com",
    "https://user@rpc.example.com",
    "https://@rpc.example.com",
    "https://",
    "https:///path",
    "https://:443",
    "https://rpc.example.com:",
    "https://rpc.example.com:0",
    "https://rpc.example.com:65536",
    "https://rpc.example.com:port",
    "https://rpc.example.com/#fragment",
    "https://rpc example.com",
    "https://rpc.example.com/a b",
    "https://rpc.example.com\\@evil.com",
    "https://rpc.example.com/\r\nX-Header: 1",
    "https://rpc.example.com\n",
    "https://rpc.example.com\t.evil.com",
    "https://rpc.ex\u0430mple.com",
    "https://rpc..example.com",
    "https://-rpc.example.com",
    "https://rpc_example.com",
    "https://169.254.169.254/latest/meta-data",
    "https://[fe80::1]/",
    "https://224.0.0.1",
    "https://0.0.0.0",
    "https://[::]",
    "https://[::1",
    "https://rpc.example.com<script>",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://169.254.43518/",
    "https://169.254.169.254./",
    "https://127.1/",
    "https://rpc.example.0x7f",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[fd00:ec2::254]/",
    "https://[::1%25lo]/",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://255.255.255.255/",
    "https://240.0.0.1/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://METADATA.google.internal./",
    "https://metadata/",
    "https://rpc.example.com/%0d%0aX-Header:%201",
    "https://rpc.example.com/%00",
    "https://rpc%2eexample.com/",
    "https://rpc.example.com/" + "k" * 2_048,
    "https://" + "a." * 127 + "com/",
    "https://rpc.example.com:٤٤٣",
    "https://rpc.example.com:+443",
    "https://rpc.example\u3002com",
    "https://rpc.example.com\u2028",
    "https://\u200brpc.example.com",
    "https://example.com;@evil.com",
    "https:rpc.example.com",
    "https:/rpc.example.com",
]


@pytest.mark.parametrize("url", GOOD)
def test_encrypted_urls_and_this_machine_are_accepted(url: str) -> None:
    assert checked_url(url) == url


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused(url: str) -> None:
    with pytest.raises(VenueRejected) as refusal:
        SolanaSettings(rpc_urls=("https://rpc.example.com", url))
    assert "password" not in str(refusal.value)


def test_no_url_at_all_says_what_to_set() -> None:
    with pytest.raises(VenueRejected, match="set RPC_URLS"):
        SolanaSettings(rpc_urls=())


@pytest.mark.parametrize("url", ["https://rpc.example.com", "http://127.0.0.1", "ws://rpc.example.com", "wss://"])
def test_a_websocket_url_must_be_one(url: str) -> None:
    with pytest.raises(VenueRejected):
        SolanaSettings(rpc_urls=("https://rpc.example.com",), ws_url=url)


@pytest.mark.parametrize(
    ("rpc", "websocket"),
    [
        ("https://rpc.example.com/key?a=b", "wss://rpc.example.com/key?a=b"),
        ("http://127.0.0.1:8899", "ws://127.0.0.1:8899"),
    ],
)
def test_the_websocket_is_where_the_first_rpc_is_unless_said(rpc: str, websocket: str) -> None:
    assert SolanaSettings(rpc_urls=(rpc, "https://b.example.com")).websocket_url == websocket
    assert SolanaSettings(rpc_urls=(rpc,), ws_url="wss://c.example.com").websocket_url == "wss://c.example.com"


def test_neither_repr_nor_host_shows_a_key() -> None:
    settings = SolanaSettings(rpc_urls=("https://rpc.example.com:8443/canary",), ws_url="wss://x.example.com/canary")
    assert "canary" not in repr(settings)
    assert host_of(settings.rpc_urls[0]) == "rpc.example.com:8443"


def test_every_hostile_url_is_refused_and_none_is_quoted(figure: Gauge) -> None:
    accepted = quoted = 0
    for url in HOSTILE:
        try:
            SolanaSettings(rpc_urls=("https://rpc.example.com", url))
        except VenueRejected as refusal:
            quoted += any(len(part) > 8 and part in str(refusal) for part in url.partition("://")[2].split("/")[1:])
            quoted += "password" in str(refusal)
        else:
            accepted += 1
    figure(Measure.TRIED, len(set(HOSTILE)))
    figure(Measure.ACCEPTED, accepted)
    figure(Measure.OVERHEARD, quoted)
