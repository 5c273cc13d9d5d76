"""A first signer.toml: every setting, what it does, and caps to begin with.

On paper they let half of each position of the first account be closed, and refuse all of it: both can be seen at once.
"""

from dataclasses import dataclass
from pathlib import Path

from bot.signer.intent import SigningVenue

_HEAD = """\
# What this signer signs. Only root or the signer's own user may be able to write this file; the bot never is.
# Look at what it means in plain words:   {command} check --config {config}
# Start it:                               {command} run --config {config}

venue = "{venue}"
socket = "{socket}"
# Group that may connect beside the signer's own user; leave it out where bot and signer are the same user.
{group}
state = "{state}"
# The key: a file with mode 0400, or the name of what systemd hands over with LoadCredential=.
{key}
# Users that may ask: the bot's alone. id -u USER says its number.
allowed_uids = [{uid}]

# Only orders that shrink a position. Everything below counts for them too: the signer sees no positions.
reduce_only = true
# Stops that sell or buy at whatever price once their trigger is reached. /stop and /sleep need true. What it costs: a
# thief can ask for a stop whose trigger has been passed already, which is filled at once, far from the market; the
# sizes below still bound it, price_from_usd and price_to_usd do not.
stops_without_limit = {stops_without_limit}
# What a day allows counts when it is signed. Stops that rest can be gathered over days, and two days meet at midnight:
# then the position itself, and the 32 orders an account holds at the venue, are the bound. After this machine's clock
# was far ahead, no day begins until that time: set it right, then end the signer, run its begin, and start it again.
# Of one order, and of all orders of a day (from midnight UTC): size times the highest of limit, trigger and
# price_from_usd. A sale may fetch more than its limit, and then it was worth more than what counts here: the sizes in
# max_order_base and daily_base, and the prices beside them, are what bounds it for certain.
max_order_usd = {max_order_usd}
daily_usd = {daily_usd}
# Orders cancelled or changed, and signatures given, in a day. Whoever cancels every stop leaves an account bare: as
# many as your own days need. /halt cancels too.
daily_cancels = 500
daily_signatures = 600
# From now to the last second of an order that does not wait for a trigger.
order_lasts_at_most_s = 900
# A leg of a proposal is signed again only this long after the signature before, once that one has expired. On the
# chain 90 at least: about as long as a blockhash lives.
resign_after_s = 120
# So many refusals within ten minutes lock the signer until keel signer unlock.
lock_after_refusals = 10
"""

_ON_CHAIN = """\

# What a transaction may use and pay: fee = 5000 lamports and units times price.
max_compute_units = 1000000
max_unit_price_micro = 200000
daily_fee_lamports = 20000000
# The key of an account's owner can also withdraw: name a delegate at the venue, and use its key.
allow_owner_key = false

# One [[account]] for each account. The address follows from authority and sub_account, and is compared with them.
[[account]]
address = "{address}"
authority = "{authority}"
sub_account = {sub_account}
"""

_ON_PAPER = """\

[[account]]
address = "{address}"
"""

_MARKETS = """\

# One [[market]] for each market. Nothing is bought above price_to_usd or sold below price_from_usd, and no trigger is
# outside of both. The closer they are to the market, the less can be given away: move them as it moves.
"""

_MARKET = """\
[[market]]
index = {index}
name = "{name}"
max_order_base = {max_order_base}
daily_base = {daily_base}
price_from_usd = {price_from_usd}
price_to_usd = {price_to_usd}
"""

_FILL_IN = "FILL-IN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything is.

    Attributes:
        group: The line that says who may connect.
        key: The lines that say where the key is.
    """

    key_file: Path
    socket: Path
    state: Path
    group: str
    key: str
    command: str = "keel signer"


def of_one_user(folder: Path) -> Layout:
    """All in one folder, for a signer that somebody starts by hand."""
    key_file = folder / "signer.key"
    return Layout(
        key_file=key_file, socket=folder / "run" / "signer.sock", state=folder / "state",
        group='# socket_group = "keel"', key=f'key_file = "{key_file}"\n# credential = "keel-signer-key"',
    )  # fmt: skip


def of_the_service(folder: Path) -> Layout:
    """As deploy/keel-signer.service has it: the folder is root's, and the key is handed over."""
    return Layout(
        key_file=folder / "key", socket=Path("/run/keel-signer/signer.sock"), state=Path("/var/lib/keel-signer"),
        group='socket_group = "keel"', key='# key_file = "/..."\ncredential = "keel-signer-key"',
        command="keel-signer",
    )  # fmt: skip


# Index, name, max_order_base, daily_base, price_from_usd, price_to_usd.
_Line = tuple[int, str, str, str, str, str]
_FIRST: tuple[_Line, ...] = ((0, "SOL-PERP", "1", "4", "50", "500"),)
_PAPER: tuple[_Line, ...] = (
    (0, "SOL-PERP", "150", "600", "100", "300"),
    (1, "BTC-PERP", "0.1", "0.4", "60000", "150000"),
    (2, "ETH-PERP", "6", "24", "2000", "6000"),
)


def first_file(
    venue: SigningVenue,
    folder: Path,
    layout: Layout,
    *,
    uid: int,
    address: str = "",
    authority: str = "",
    sub_account: int = 0,
) -> str:
    """The text of a new signer.toml in ``folder``."""
    on_chain = venue is SigningVenue.DRIFT
    most, a_day, markets = (250, 1_000, _FIRST) if on_chain else (25_000, 100_000, _PAPER)
    text = (_HEAD + (_ON_CHAIN if on_chain else _ON_PAPER) + _MARKETS).format(
        max_order_usd=most, daily_usd=a_day, stops_without_limit="false" if on_chain else "true",
        config=folder / "signer.toml", venue=venue.value, socket=layout.socket, state=layout.state, group=layout.group,
        key=layout.key, command=layout.command, uid=uid, address=address or _FILL_IN,
        authority=authority or _FILL_IN, sub_account=sub_account,
    )  # fmt: skip
    return text + "\n".join(
        _MARKET.format(
            index=index, name=name, max_order_base=order, daily_base=day, price_from_usd=low, price_to_usd=high
        )
        for index, name, order, day, low, high in markets
    )
