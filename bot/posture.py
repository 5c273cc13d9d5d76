"""How far this Keel is from its default: read-only, paper, and heard on this machine alone. Pure.

Every step from there towards money is somebody's explicit setting, and each is named here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from bot.config import Settings, VenueName


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One setting that leaves the default.

    Attributes:
        setting: As it is written in the file.
        means: What it allows.
    """

    setting: str
    means: str


def steps(settings: Settings) -> tuple[Step, ...]:
    """In the order in which they are taken; none for the default."""
    found: list[Step] = []

    def taken(holds: bool, setting: str, means: str) -> None:
        if holds:
            found.append(Step(setting=setting, means=means))

    on_chain = settings.venue is not VenueName.PAPER
    trades = settings.trading_enabled
    taken(on_chain, f"VENUE={settings.venue.value}", "accounts with money are watched")
    taken(trades, "TRADING_ENABLED=true", "orders may be proposed, and go out on a Confirm")
    taken(bool(settings.signer_socket.strip()), "SIGNER_SOCKET", "a signer is asked to sign them")
    taken(trades and not settings.trading_reduce_only, "TRADING_REDUCE_ONLY=false", "orders may open or add")
    taken(settings.allow_owner_key, "ALLOW_OWNER_KEY=true", "the key may be the owner's, which can withdraw")
    host, _ = settings.standby_address
    taken(not ip_address(host).is_loopback, "STANDBY_LISTEN", "the standby listens beyond this machine")
    return tuple(found)


def told(found: Sequence[Step]) -> str:
    """For people, in one line.

    >>> told([])
    'No step towards money was taken: read-only, on paper, on this machine.'
    """
    if not found:
        return "No step towards money was taken: read-only, on paper, on this machine."
    return f"Steps towards money: {', '.join(one.setting for one in found)}."
