"""A first signer.toml: every setting, what it does, and the smallest caps that still show something."""

import os
from pathlib import Path

from bot.signer.intent import SigningVenue

_HEAD = """\
# What this signer signs. Only root or the signer's own user may be able to write this file; the bot never is.
# Look at what it means in plain words:   keel signer check --config {config}
# Start it:                               keel signer run --config {config}

venue = "{venue}"
socket = "{socket}"
# Group that may connect beside the signer's own user; leave it out where bot and signer are the same user.
# socket_group = "keel"
state = "{state}"
# The key: a file with mode 0400, or the name of what systemd hands over with LoadCredential=.
key_file = "{key_file}"
# credential = "keel-signer-key"
# Users that may ask; id -u says the number of one.
allowed_uids = [{uid}]

# Only orders that shrink a position. Everything below counts for them too: the signer sees no positions.
reduce_only = true
# Of one order, and of all orders of a day (from midnight UTC): size times the highest of limit, trigger and
# price_from_usd.
max_order_usd = 250
daily_usd = 1000
# Orders cancelled or changed, and signatures given, in a day.
daily_cancels = 50
daily_signatures = 100
# From now to the last second of an order that does not wait for a trigger.
order_lasts_at_most_s = 900
# A leg of a proposal is signed again only this long after the signature before, once that one has expired.
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
# outside of both.
[[market]]
index = 0
name = "SOL-PERP"
max_order_base = 1
daily_base = 4
price_from_usd = 50
price_to_usd = 500
"""

_FILL_IN = "FILL-IN"


def first_file(
    venue: SigningVenue, folder: Path, key_file: Path, *, address: str = "", authority: str = "", sub_account: int = 0
) -> str:
    """The text of a new signer.toml in ``folder``."""
    on_chain = venue is SigningVenue.DRIFT
    text = _HEAD + (_ON_CHAIN if on_chain else _ON_PAPER) + _MARKETS
    return text.format(
        config=folder / "signer.toml", venue=venue.value, socket=folder / "run" / "signer.sock",
        state=folder / "state", key_file=key_file, uid=os.geteuid(), address=address or _FILL_IN,
        authority=authority or _FILL_IN, sub_account=sub_account,
    )  # fmt: skip
