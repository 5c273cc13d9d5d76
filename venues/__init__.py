"""Where accounts live. A venue is found by its name and imported when it is used, never before.

A folder or module of this package is a venue, except the plumbing below; a folder with ``profiles/`` is one venue for
each profile. Its extra has the folder's name.
"""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from risk.ports import AccountReader, Clock
from risk.trade_ports import OrderGateway
from venues.errors import VenueRejected

if TYPE_CHECKING:
    from venues.signing import OrderSigner

T = TypeVar("T")

_PLUMBING = frozenset({"cache", "data_records", "data_service", "ed25519", "errors", "signing"})


def _homes() -> dict[str, str]:
    """Module of every venue, by the venue's name."""
    homes = {}
    for folder in map(Path, __path__):
        for module in pkgutil.iter_modules([str(folder)]):
            profiles = folder / module.name / "profiles"
            if profiles.is_dir():
                names = (found.name for found in pkgutil.iter_modules([str(profiles)]))
                homes.update({name: module.name for name in names if not name.startswith("_")})
            elif module.name not in _PLUMBING:
                homes[module.name] = module.name
    return homes


def available() -> tuple[str, ...]:
    """Names of all venues, whether or not what they need is installed."""
    return tuple(sorted(_homes()))


def connect(name: str, settings: Any, *, clock: Clock) -> AccountReader:
    """A reader of a venue.

    Args:
        settings: The venue's own settings, such as venues.solana.settings.SolanaSettings.

    Raises: VenueRejected for an unknown venue or one whose extra is not installed.
    """

    def ask(home: Any) -> AccountReader:
        reader: AccountReader = home.connect(settings, clock=clock)
        return reader

    return _at_home(name, ask)


def connect_orders(
    name: str, settings: Any, *, reader: AccountReader, clock: Clock, signer: "OrderSigner | None" = None
) -> OrderGateway:
    """Orders at a venue.

    Args:
        reader: Of the same venue, as connect() made it.
        signer: Without one, nothing is sent where a signature is needed.

    Raises: VenueRejected, as connect(), for a venue that takes no orders, and for what is in the way of any.
    """

    def ask(home: Any) -> OrderGateway:
        if not hasattr(home, "connect_orders"):
            raise VenueRejected(f"the venue {name} takes no orders; trade on another, or set TRADING to off")
        gateway: OrderGateway = home.connect_orders(settings, reader=reader, clock=clock, signer=signer)
        return gateway

    return _at_home(name, ask)


def account_id(name: str, reference: str) -> str:
    """The account that a reference means, from the reference alone: whether it exists, nobody is asked.

    Raises: VenueRejected, as connect(), and for what is no reference.
    """
    return _at_home(name, lambda home: str(home.account_id(reference, venue=name)))


def _at_home(name: str, ask: Callable[[Any], T]) -> T:
    homes = _homes()
    if name not in homes:
        raise VenueRejected(f"there is no venue {name!r}; set VENUE to one of: {', '.join(sorted(homes))}")
    try:
        return ask(importlib.import_module(f"{__name__}.{homes[name]}"))
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] in (__name__, "risk"):
            raise  # a module of our own is missing: a defect, not an installation
        raise VenueRejected(
            f"the venue {name} needs {exc.name}, which is not installed: run make drift, or install keel[{homes[name]}]"
        ) from exc
