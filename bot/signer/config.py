"""The signer's own file, read once and strictly: a key that is not known is an error, and so is a loose value."""

import hashlib
import os
import re
import stat
import tomllib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from solders.pubkey import Pubkey

from bot.signer import rules
from bot.signer.encoding import user_address
from bot.signer.errors import Unfit
from bot.signer.files import open_guarded, read_all, require_safe_folder
from bot.signer.intent import SigningVenue
from bot.signer.rules import Account, Market, Rules

_MOST_BYTES = 262_144
_MOST_RAW = 2**63 - 1
_MOST_TABLES = 100
_MOST_SOCKET_BYTES = 107  # what the kernel takes for the path of a Unix socket
_OTHERS_WRITE = 0o022
_NAME = re.compile(r"[A-Za-z0-9._/-]{1,40}")

_OPTIONAL: Mapping[str, object] = {
    "socket_group": "", "key_file": "", "credential": "", "reduce_only": True, "stops_without_limit": False,
    "allow_owner_key": False,
    "daily_cancels": 200, "daily_signatures": 500, "max_compute_units": 0, "max_unit_price_micro": 0,
    "daily_fee_lamports": 0, "resign_after_s": 120, "lock_after_refusals": 10,
}  # fmt: skip
_NEEDED = frozenset(
    {
        "venue", "socket", "state", "allowed_uids", "max_order_usd", "daily_usd", "order_lasts_at_most_s", "account",
        "market",
    }
)  # fmt: skip
_ACCOUNT = {SigningVenue.DRIFT: frozenset({"address", "authority", "sub_account"}), SigningVenue.PAPER: {"address"}}
_MARKET = frozenset({"index", "name", "max_order_base", "daily_base", "price_from_usd", "price_to_usd"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where a signer listens and remembers, which key it has, and what it allows.

    Attributes:
        socket_group: Group that may connect; empty for nobody but the signer's own user.
        credential: Name of systemd's credential; empty where key_file names the key.
        digest: SHA-256 of the file, in hex.
    """

    socket: Path
    socket_group: str
    state: Path
    key_file: Path | None
    credential: str
    allowed_uids: frozenset[int]
    rules: Rules
    digest: str


def load(path: Path) -> Config:
    """Raises: Unfit for a file that others could have written, or that says something that cannot be meant."""
    what = f"the file {path.name}"
    descriptor = open_guarded(path, what)
    found = os.fstat(descriptor)
    try:
        if found.st_uid not in (0, os.geteuid()) or stat.S_IMODE(found.st_mode) & _OTHERS_WRITE:
            raise Unfit(
                f"others can write {what}, which says what is signed; give it to root or to who runs the signer, and "
                "run chmod go-w on it"
            )
        require_safe_folder(path.absolute().parent, what)
    except Unfit:
        os.close(descriptor)
        raise
    content = read_all(descriptor, _MOST_BYTES)
    try:
        table = tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
    except (ValueError, RecursionError) as exc:
        raise Unfit(f"{what} is no TOML: {str(exc)[:200]}") from None
    return _Reader(table, what).config(hashlib.sha256(content).hexdigest())


class _Reader:
    """One table of the file, and what it is called in complaints."""

    def __init__(self, table: Mapping[str, object], what: str) -> None:
        self._table, self._what = table, what

    def config(self, digest: str) -> Config:
        self._only(_NEEDED | _OPTIONAL.keys())
        venue = self._venue()
        key_file, credential = self._text("key_file"), self._text("credential")
        if bool(key_file) is bool(credential):
            raise self._wrong("key_file", "name either key_file or credential, and not both")
        socket = self._path("socket")
        if len(os.fsencode(socket)) > _MOST_SOCKET_BYTES:
            raise self._wrong(
                "socket", f"the path of a socket has at most {_MOST_SOCKET_BYTES} bytes; name a shorter one"
            )
        uids = self._value("allowed_uids")
        if not isinstance(uids, list) or not uids or not all(type(one) is int and 0 <= one < 2**32 for one in uids):
            raise self._wrong("allowed_uids", "list the user ids that may ask, such as [1000]; id -u says yours")
        return Config(
            socket=socket, socket_group=self._text("socket_group"), state=self._path("state"),
            key_file=self._path("key_file") if key_file else None, credential=credential,
            allowed_uids=frozenset(uids), rules=self._rules(venue), digest=digest,
        )  # fmt: skip

    def _rules(self, venue: SigningVenue) -> Rules:
        on_chain = venue is SigningVenue.DRIFT
        accounts = tuple(one.account(venue) for one in self._tables("account"))
        markets = [one.market() for one in self._tables("market")]
        if max(len(accounts), len(markets)) > _MOST_TABLES:
            raise self._wrong(
                "market", f"at most {_MOST_TABLES} accounts and {_MOST_TABLES} markets fit; leave some out"
            )
        if len({one.address for one in accounts}) < len(accounts):
            raise self._wrong("account", "an account stands there twice; leave one out")
        if len({one.index for one in markets}) < len(markets):
            raise self._wrong("market", "a market stands there twice; leave one out")
        return Rules(
            venue=venue, accounts=accounts, markets={one.index: one for one in markets},
            reduce_only=self._flag("reduce_only"), stops_without_limit=self._flag("stops_without_limit"),
            allow_owner_key=self._flag("allow_owner_key"),
            max_order_raw_1e6=self._scaled("max_order_usd", 6), daily_raw_1e6=self._scaled("daily_usd", 6),
            daily_cancels=self._whole("daily_cancels", 0), daily_signatures=self._whole("daily_signatures", 1),
            max_compute_units=self._whole("max_compute_units", int(on_chain)),
            max_unit_price_micro=self._whole("max_unit_price_micro", 0),
            daily_fee_lamports=self._whole("daily_fee_lamports", int(on_chain)),
            order_lasts_at_most_s=self._whole("order_lasts_at_most_s", 1),
            resign_after_s=self._whole("resign_after_s", rules.LEAST_RESIGN_S if on_chain else 0),
            lock_after_refusals=self._whole("lock_after_refusals", 1),
        )  # fmt: skip

    def account(self, venue: SigningVenue) -> Account:
        self._only(_ACCOUNT[venue])
        address = self._text("address")
        if venue is SigningVenue.PAPER:
            if not 0 < len(address) <= 100 or not address.isprintable():
                raise self._wrong("address", "write the name of the paper account")
            return Account(address=address, authority="", sub_account=0)
        authority, number = self._key("authority"), self._whole("sub_account", 0)
        if number > 2**16 - 1:
            raise self._wrong("sub_account", "a sub-account is a number from 0 to 65535")
        if self._key("address") != user_address(authority, number):
            raise self._wrong(
                "address",
                f"sub-account {number} of that authority is {user_address(authority, number)}; correct either",
            )
        return Account(address=address, authority=str(authority), sub_account=number)

    def market(self) -> Market:
        self._only(_MARKET)
        index, name = self._whole("index", 0), self._text("name")
        if index > 2**16 - 1 or not _NAME.fullmatch(name):
            raise self._wrong("name", "a market has an index up to 65535 and a name such as SOL-PERP")
        low, high = self._scaled("price_from_usd", 6), self._scaled("price_to_usd", 6)
        if not 0 < low <= high:
            raise self._wrong("price_from_usd", "write a price above 0, and price_to_usd at least as high")
        return Market(
            index=index, name=name, max_order_raw_1e9=self._scaled("max_order_base", 9),
            daily_raw_1e9=self._scaled("daily_base", 9), price_from_raw_1e6=low, price_to_raw_1e6=high,
        )  # fmt: skip

    def _only(self, known: Set[str]) -> None:
        for key in self._table:
            if key not in known:
                raise Unfit(
                    f"{self._what} says {key[:40]!r}, which is not known there; known are {', '.join(sorted(known))}"
                )

    def _value(self, key: str) -> object:
        if key in self._table:
            return self._table[key]
        if key in _OPTIONAL:
            return _OPTIONAL[key]
        raise self._wrong(key, "it is missing; add it (keel signer init writes a file with all of them)")

    def _venue(self) -> SigningVenue:
        found = self._value("venue")
        if found not in {one.value for one in SigningVenue}:
            raise self._wrong("venue", 'write "paper" or "drift"')
        return SigningVenue(found)

    def _text(self, key: str) -> str:
        found = self._value(key)
        if not isinstance(found, str):
            raise self._wrong(key, "write text, between quotation marks")
        return found

    def _flag(self, key: str) -> bool:
        found = self._value(key)
        if not isinstance(found, bool):
            raise self._wrong(key, "write true or false")
        return found

    def _whole(self, key: str, least: int) -> int:
        found = self._value(key)
        if type(found) is not int or not least <= found <= _MOST_RAW:
            raise self._wrong(key, f"write a whole number, at least {least}")
        return found

    def _scaled(self, key: str, digits: int) -> int:
        """A decimal number as a whole one, exactly."""
        found = self._value(key)
        try:
            raw = Decimal(found).scaleb(digits) if type(found) is int or isinstance(found, Decimal) else Decimal("NaN")
            if raw.is_finite() and 0 <= raw <= _MOST_RAW and raw == raw.to_integral_value():
                return int(raw)
        except InvalidOperation:
            pass
        raise self._wrong(key, f"write a number that is not negative, with at most {digits} decimals")

    def _path(self, key: str) -> Path:
        found = self._text(key)
        if not found.startswith("/") or "\0" in found:
            raise self._wrong(key, "write a path from the root, such as /var/lib/keel-signer")
        return Path(found)

    def _key(self, key: str) -> Pubkey:
        try:
            return Pubkey.from_string(self._text(key))
        except ValueError:
            raise self._wrong(key, "write an address in base58") from None

    def _tables(self, key: str) -> list["_Reader"]:
        found = self._value(key) if key in self._table else []
        if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
            raise self._wrong(key, f"write at least one [[{key}]]")
        return [_Reader(one, f"[[{key}]] {at} of {self._what}") for at, one in enumerate(found, 1)]

    def _wrong(self, key: str, remedy: str) -> Unfit:
        return Unfit(f"{key} in {self._what}: {remedy}")
