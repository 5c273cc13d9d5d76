"""Who signs orders. The secret stays in here: it is in no repr, no error, no log."""

import os
import stat
from pathlib import Path
from typing import Protocol

from solders.keypair import Keypair

from risk.model.trading import OrderBatch
from venues.errors import VenueRejected
from venues.solana.orders_read import BudgetCaps, require_exactly
from venues.solana.profiles import Profile

_MOST_BYTES = 1_024
_KEY_MODE = 0o400
_OTHERS_WRITE = 0o022


class Signer(Protocol):
    """Whoever holds the key."""

    @property
    def public_key(self) -> str:
        """In base58."""
        ...

    async def sign(self, message: bytes, batch: OrderBatch) -> bytes:
        """The signature of a message that is this batch and nothing else, and costs no more than the signer allows.

        Raises: VenueRejected for any other message; VenueUnavailable where the signer does not answer.
        """
        ...


class KeyFileSigner:
    """A key in a file of its own, as solana-keygen writes it or in base58."""

    __slots__ = ("_caps", "_keypair", "_profile")

    def __init__(self, path: Path, profile: Profile, caps: BudgetCaps) -> None:
        """Raises: VenueRejected, saying what is wrong with the file."""
        self._profile, self._caps = profile, caps
        self._keypair = _keypair(_guarded_text(path), path.name)

    def __repr__(self) -> str:
        return f"KeyFileSigner({self.public_key})"

    def __reduce__(self) -> str:
        raise TypeError("a key is never copied out of its process")

    @property
    def public_key(self) -> str:
        return str(self._keypair.pubkey())

    async def sign(self, message: bytes, batch: OrderBatch) -> bytes:
        """See Signer."""
        require_exactly(self._profile, message, batch, signer=self.public_key, caps=self._caps)
        return bytes(self._keypair.sign_message(message))


def _guarded_text(path: Path) -> str:
    name = path.name
    try:
        folder = path.parent.lstat()
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as exc:
        if path.is_symlink():
            raise VenueRejected(f"the key file {name} is a symbolic link; name the file itself in KEY_FILE") from None
        raise VenueRejected(f"the key file {name} cannot be opened: {exc.strerror}; check KEY_FILE") from None
    try:
        _check(name, os.fstat(descriptor), folder)
        raw = os.read(descriptor, _MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    try:
        return raw.decode("ascii").strip() if len(raw) <= _MOST_BYTES else ""
    except UnicodeDecodeError:
        return ""


def _check(name: str, found: os.stat_result, folder: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise VenueRejected(f"the key file {name} is no ordinary file; name one that is in KEY_FILE")
    if found.st_uid != os.geteuid():
        raise VenueRejected(f"the key file {name} belongs to somebody else; it must belong to who runs this")
    mode = stat.S_IMODE(found.st_mode)
    if mode != _KEY_MODE:
        raise VenueRejected(
            f"the key file {name} has mode {mode:04o}; run chmod 0400 on it, and make a new key if anybody else may "
            "have read it"
        )
    if not stat.S_ISDIR(folder.st_mode):
        raise VenueRejected(f"the folder of the key file {name} is a symbolic link; name the folder itself")
    if folder.st_uid not in (0, os.geteuid()) or stat.S_IMODE(folder.st_mode) & _OTHERS_WRITE:
        raise VenueRejected(f"others can write into the folder of the key file {name}; run chmod 0700 on the folder")


def _keypair(text: str, name: str) -> Keypair:
    try:
        return Keypair.from_json(text) if text.startswith("[") else Keypair.from_base58_string(text)
    except Exception:  # noqa: BLE001  # whatever the parser raises may quote the secret, so nothing of it is passed on
        raise VenueRejected(
            f"the key file {name} holds no key; write it with solana-keygen, or put the 64 bytes there in base58"
        ) from None
