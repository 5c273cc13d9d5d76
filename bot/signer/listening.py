"""Where the socket is, and who can reach it: nobody but the signer's own user and, where one is named, a group."""

import grp
import os
import socket
import stat
from pathlib import Path

from bot.signer.config import Config
from bot.signer.errors import Unfit
from bot.signer.files import require_safe_way

_WAITING = 128  # connections nobody has accepted yet


def listener(config: Config) -> socket.socket:
    """A listening socket that only the right people reach. Raises: Unfit."""
    path, group = config.socket, _group(config.socket_group)
    _prepare_folder(path.parent, group)
    _take_away_old(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        before = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        if group is not None:
            _give_to(path, group)
            path.chmod(0o660)
        listening.listen(_WAITING)
    except OSError as exc:
        listening.close()
        raise Unfit(f"the signer cannot listen at {path}: {exc.strerror}; name another socket") from None
    return listening


def _group(name: str) -> int | None:
    if not name:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise Unfit(f"there is no group {name[:40]}; make it, or name another in socket_group") from None


def _give_to(path: Path, group: int) -> None:
    # A service manager may have done it, and then forbids the call.
    if path.lstat().st_gid != group:
        os.chown(path, -1, group)


def _prepare_folder(folder: Path, group: int | None) -> None:
    wanted = 0o700 if group is None else 0o750
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700)
            if group is not None:
                _give_to(folder, group)
            folder.chmod(wanted)
        found = folder.lstat()
    except OSError as exc:
        raise Unfit(f"the folder of the socket, {folder}, cannot be made: {exc.strerror}; name another") from None
    mode = stat.S_IMODE(found.st_mode)
    fits = mode == 0o700 or (group is not None and mode == 0o750 and found.st_gid == group)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or not fits:
        raise Unfit(
            f"the folder of the socket, {folder}, must belong to who runs the signer, with mode 0700, or 0750 with the "
            "group of socket_group; run chmod or chown on it"
        )
    require_safe_way(folder, "the socket")


def _take_away_old(path: Path) -> None:
    """Of a signer that was killed. Raises: Unfit where one answers, or something else is there."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Unfit(f"{path} is no socket; move it away, or name another")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as exc:
            raise Unfit(f"what is at {path} cannot be told ({exc.strerror}); move it away, or name another") from None
    raise Unfit(f"a signer listens at {path} already; end it first, or name another socket")
