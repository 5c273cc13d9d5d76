"""The key. It is in no repr, no error, no log and no copy; only what this process signs leaves here."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from bot.signer.errors import Unfit
from bot.signer.files import open_guarded, read_all, require_safe_folder, write_new

_MOST_BYTES = 1_024
_KEY_MODE = 0o400
_OTHERS = 0o037
_GROUP_READS = 0o040
_CREDENTIAL = re.compile(r"[A-Za-z0-9._-]{1,100}")


class SigningKey:
    """Signs, and can be named by its public half. Made by ``from_file`` or ``from_credential``."""

    __slots__ = ("__keypair", "public_key")

    def __init__(self, keypair: Keypair) -> None:
        self.__keypair = keypair
        self.public_key: Pubkey = keypair.pubkey()

    def __repr__(self) -> str:
        return f"SigningKey({self.public_key})"

    def __reduce__(self) -> str:
        raise TypeError("a key is never copied out of its process")

    def sign(self, message: bytes) -> bytes:
        return bytes(self.__keypair.sign_message(message))


def from_file(path: Path) -> SigningKey:
    """A key of its own file, as solana-keygen writes it or in base58. Raises: Unfit, saying what is wrong with it."""
    what = f"the key file {path.name}"
    descriptor = open_guarded(path, what)
    found = os.fstat(descriptor)
    try:
        if found.st_uid != os.geteuid():
            raise Unfit(f"{what} belongs to somebody else; it must belong to who runs the signer")
        mode = stat.S_IMODE(found.st_mode)
        if mode != _KEY_MODE:
            raise Unfit(
                f"{what} has mode {mode:04o}; run chmod 0400 on it, and make a new key if anybody else may have read it"
            )
        require_safe_folder(path.parent, what)
    except Unfit:
        os.close(descriptor)
        raise
    return _key(read_all(descriptor, _MOST_BYTES), what)


def from_credential(name: str, environment: Mapping[str, str]) -> SigningKey:
    """A key systemd handed over (LoadCredential=). Raises: Unfit."""
    folder = environment.get("CREDENTIALS_DIRECTORY", "")
    if not _CREDENTIAL.fullmatch(name) or name in (".", ".."):
        raise Unfit("a credential is named in letters, digits, dots, dashes and underscores; see the unit")
    if not folder:
        raise Unfit(f"there is no credential {name}: start the signer as the unit does, or name a key_file instead")
    path, what = Path(folder) / name, f"the credential {name}"
    descriptor = open_guarded(path, what)
    found = os.fstat(descriptor)
    try:
        if found.st_uid not in (0, os.geteuid()) or stat.S_IMODE(found.st_mode) & _OTHERS:
            raise Unfit(f"{what} can be read or changed by others; let systemd hand it over with LoadCredential=")
        require_safe_folder(path.parent, what)
        # The access list systemd may give it shows itself as a group that can read; behind a closed folder none can.
        closed = not stat.S_IMODE(path.parent.lstat().st_mode) & 0o077
        if stat.S_IMODE(found.st_mode) & _GROUP_READS and found.st_gid != 0 and not closed:
            raise Unfit(f"{what} can be read by its group; let systemd hand it over with LoadCredential=")
    except Unfit:
        os.close(descriptor)
        raise
    return _key(read_all(descriptor, _MOST_BYTES), what)


def make_file(path: Path) -> Pubkey:
    """A new key in a new file, as solana-keygen writes it. Returns its public half. Raises: Unfit."""
    require_safe_folder(path.parent, f"the key file {path.name}")
    keypair = Keypair()
    write_new(path, keypair.to_json().encode("ascii"), _KEY_MODE)
    return keypair.pubkey()


def _key(raw: bytes, what: str) -> SigningKey:
    try:
        text = raw.decode("ascii").strip() if len(raw) <= _MOST_BYTES else ""
        return SigningKey(Keypair.from_json(text) if text.startswith("[") else Keypair.from_base58_string(text))
    except BaseException:  # noqa: BLE001  # a parser in Rust may panic, and whatever it raises may quote the secret
        raise Unfit(f"{what} holds no key; write it with solana-keygen, or put the 64 bytes there in base58") from None
