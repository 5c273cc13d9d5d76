"""Files that hold secrets, and their folders: used only where nobody else could have read or changed them.

The rules, and why: whoever can read the file has the secret; whoever can write it, or rename in its folder, decides
which secret is used and where it is sent. A link could lead to a file that follows other rules.
"""

import os
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

_LONGEST_BYTES: Final = 10_000
_OTHERS: Final = 0o077
_OTHERS_WRITE: Final = 0o022
_POSIX: Final = os.name == "posix"


class NotPrivate(ValueError):
    """A file or folder that others can get at, or that holds no secret. The text says what to run."""


def secret_in(path: Path, *, lines: bool = False) -> str:
    """What stands in a file of its own. Raises: NotPrivate, whose text has nothing of it.

    Args:
        lines: Whether it may have more than one.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
    except OSError as exc:
        if path.is_symlink():
            raise NotPrivate(f"{path} is a symbolic link; name the file itself") from None
        raise NotPrivate(f"{path} cannot be opened ({exc.strerror}); check its path and who may read it") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotPrivate(f"{path} is no ordinary file; name one that is")
        _require_own(path, found)
        if stat.S_IMODE(found.st_mode) & _OTHERS and _POSIX:
            raise NotPrivate(f"{path} has mode {_mode(found)}: others can read the secret; run chmod 600 {path}")
        _require_safe_folder(path)
        raw = os.read(descriptor, _LONGEST_BYTES + 1)
    finally:
        os.close(descriptor)
    return _read(path, raw, lines=lines)


def _read(path: Path, raw: bytes, *, lines: bool) -> str:
    try:
        text = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise NotPrivate(f"{path} is not UTF-8 text; write the secret into it, and nothing else") from None
    if not text:
        raise NotPrivate(f"{path} is empty; write the secret into it")
    one_line = text.replace("\r\n", "").replace("\n", "") if lines else text
    if len(raw) > _LONGEST_BYTES or not one_line.isprintable():
        raise NotPrivate(f"{path} holds something else than a secret; write the secret into it, and nothing else")
    return text


def secrets_from_files(names: Collection[str], several: Collection[str], given: Mapping[str, str]) -> dict[str, str]:
    """What the variables NAME_FILE name, by name.

    Args:
        names: Settings that are secret.
        several: Those of them that are lists; in the file each may stand on a line of its own.
        given: Variables, in capitals.

    Raises: NotPrivate, naming the variable; also where a secret is given in both ways.
    """
    found: dict[str, str] = {}
    for name in names:
        variable = f"{name.upper()}_FILE"
        path = given.get(variable, "").strip()
        if not path:
            continue
        if given.get(name.upper(), "").strip():
            raise NotPrivate(f"{name.upper()} and {variable} are both set; take one of them out")
        try:
            text = secret_in(Path(path), lines=name in several)
        except NotPrivate as exc:
            raise NotPrivate(f"{variable}: {exc}") from None
        found[name] = ",".join(line.strip() for line in text.splitlines() if line.strip())
    return found


def require_private_env(path: Path, secrets_inside: Iterable[str]) -> None:
    """Raises: NotPrivate where others can change an env file, or can read one that holds secrets.

    Args:
        secrets_inside: Variables of it that are secret.
    """
    try:
        found = path.stat()
    except OSError:
        return  # there is none, or who reads it says so
    _require_own(path, found)
    if not _POSIX:
        return
    mode = stat.S_IMODE(found.st_mode)
    if mode & _OTHERS_WRITE:
        raise NotPrivate(
            f"{path} has mode {_mode(found)}: others can change the settings; look it through, then run"
            f" chmod 600 {path}"
        )
    if mode & _OTHERS and (inside := next(iter(secrets_inside), "")):
        raise NotPrivate(
            f"{path} has mode {_mode(found)}: others can read {inside} in it; run chmod 600 {path}, and renew what"
            " somebody may have read"
        )


def require_private_folder(path: Path, purpose: str) -> None:
    """Raises: NotPrivate for a folder in which others can put another file in the place of ours."""
    try:
        found = path.stat()
    except OSError:
        return  # whoever needs it says so
    _require_own(path, found)
    if _POSIX and found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise NotPrivate(
            f"{purpose} {path} has mode {_mode(found)}: anybody here may replace files in it; run chmod 700 {path}"
        )


def open_to_others(path: Path) -> bool:
    """Whether others may at least look into a folder."""
    try:
        return _POSIX and bool(stat.S_IMODE(path.stat().st_mode) & _OTHERS)
    except OSError:
        return False


def _require_own(path: Path, found: os.stat_result) -> None:
    """Of whoever runs this, or of root. Root itself may use anybody's: it runs on behalf of a service's user."""
    if _POSIX and found.st_uid not in (0, os.geteuid()) and os.geteuid() != 0:
        raise NotPrivate(f"{path} belongs to another user; run chown {os.geteuid()} {path} if it is yours")


def _require_safe_folder(path: Path) -> None:
    folder = path.parent
    mode = folder.stat().st_mode
    if _POSIX and mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
        raise NotPrivate(f"others can write into the folder of {path}; run chmod 700 {folder}")


def _mode(found: os.stat_result) -> str:
    return f"{stat.S_IMODE(found.st_mode):04o}"
