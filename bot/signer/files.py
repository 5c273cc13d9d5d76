"""Files and folders that only the right people may touch: opened without following links, and looked at before use."""

import os
import stat
from pathlib import Path

from bot.signer.errors import Unfit

_OTHERS_WRITE = 0o022


def require_own_folder(folder: Path, what: str, *, mode: int = 0o700) -> None:
    """A folder nobody else gets into. Raises: Unfit, saying what to do."""
    try:
        found = folder.lstat()
    except OSError as exc:
        raise Unfit(f"{what} {folder} cannot be looked at: {exc.strerror}; make it, with mode {mode:04o}") from None
    if not stat.S_ISDIR(found.st_mode):
        raise Unfit(f"{what} {folder} is no folder, or a symbolic link to one; name the folder itself")
    if found.st_uid != os.geteuid():
        raise Unfit(f"{what} {folder} belongs to somebody else; it must belong to who runs the signer")
    if stat.S_IMODE(found.st_mode) != mode:
        raise Unfit(f"{what} {folder} has mode {stat.S_IMODE(found.st_mode):04o}; run chmod {mode:04o} on it")
    require_safe_way(folder, what)


def require_safe_folder(folder: Path, what: str) -> None:
    """A folder in which nobody else can put another file in the place of one. Raises: Unfit."""
    try:
        found = folder.lstat()
    except OSError as exc:
        raise Unfit(f"the folder of {what} cannot be looked at: {exc.strerror}; check the path") from None
    if not stat.S_ISDIR(found.st_mode):
        raise Unfit(f"the folder of {what} is a symbolic link; name the folder itself")
    if found.st_uid not in (0, os.geteuid()) or stat.S_IMODE(found.st_mode) & _OTHERS_WRITE:
        raise Unfit(f"others can write into the folder of {what}; run chmod go-w on the folder")
    require_safe_way(folder, what)


def require_safe_way(folder: Path, what: str) -> None:
    """Folders above, in none of which somebody else can put another folder in the place of one. Raises: Unfit.

    A folder everybody may write into is fine where it keeps everybody from moving what is another's, as /tmp does.
    """
    try:
        for one in {*folder.absolute().parents, *folder.resolve().parents}:
            found = one.lstat()
            loose = stat.S_IMODE(found.st_mode) & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX
            if found.st_uid not in (0, os.geteuid()) or (loose and not stat.S_ISLNK(found.st_mode)):
                raise Unfit(
                    f"others can move {folder} away, because {one} is theirs or they can write there; put {what} where "
                    "every folder above belongs to root or to who runs the signer, or run chmod go-w on that one"
                )
    except OSError as exc:
        raise Unfit(f"the folders above {folder} cannot be looked at: {exc.strerror}; check the path") from None


def open_guarded(path: Path, what: str) -> int:
    """A descriptor of an ordinary file that is itself at this path. Raises: Unfit."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as exc:
        if path.is_symlink():
            raise Unfit(f"{what} is a symbolic link; name the file itself") from None
        raise Unfit(f"{what} cannot be opened: {exc.strerror}; check its path and who may read it") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unfit(f"{what} is no ordinary file; name one that is")
    return descriptor


def read_all(descriptor: int, most_bytes: int) -> bytes:
    """What a file holds, and closes it; one byte more than the most where it holds more."""
    pieces, left = [], most_bytes + 1
    try:
        while left > 0 and (piece := os.read(descriptor, left)):
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def write_new(path: Path, content: bytes, mode: int) -> None:
    """A file that was not there before, on disk when this returns. Raises: Unfit where it is there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise Unfit(f"{path} is there already and is left as it is; name another, or move it away") from None
    except OSError as exc:
        raise Unfit(f"{path} cannot be written: {exc.strerror}") from None
    try:
        os.fchmod(descriptor, mode)  # whatever the umask says
        write_whole(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def write_whole(descriptor: int, content: bytes) -> None:
    """Raises: OSError."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def sync_folder(folder: Path) -> None:
    """Names in a folder are on disk when this returns. Raises: OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
