"""What a check finds on this machine: files and who may read them, the disk, the time zone."""

import os
import shutil
import stat
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.checking.facts import Fact, advice, ok, wrong

_ROOM_NEEDED_BYTES = 100 * 2**20
_ROOM_WANTED_BYTES = 2**30


def secret_file(path: Path, subject: str) -> Fact | None:
    """Whether a file with secrets is for its owner alone; None where there is no such file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as exc:
        return wrong(subject, f"{path} cannot be looked at ({exc.strerror})", f"make {path} readable for this user")
    if path.is_symlink() and path.resolve().stat().st_uid != os.getuid():
        return wrong(subject, f"{path} leads to a file of another user", "put the file itself there")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        return wrong(subject, f"{path} has mode {mode:04o}: others can read its secrets", f"chmod 600 {path}")
    if found.st_uid not in (os.getuid(), 0):
        return wrong(subject, f"{path} belongs to another user", f"chown {os.getuid()} {path}")
    return ok(subject, f"{path} is for its owner alone ({mode:04o})")


def folder(path: Path, subject: str) -> Fact:
    """Whether a folder can be written to, and by nobody who should not."""
    if not path.is_dir():
        return wrong(subject, f"there is no folder {path}", f"mkdir -m 700 {path}")
    mode = stat.S_IMODE(path.stat().st_mode)
    if not os.access(path, os.W_OK | os.X_OK):
        return wrong(subject, f"{path} cannot be written by this user", f"chown {os.getuid()} {path}")
    if mode & 0o002 and not mode & stat.S_ISVTX:
        return wrong(subject, f"{path} has mode {mode:04o}: anybody may replace files in it", f"chmod 700 {path}")
    if mode & 0o077:
        remedy = "use a folder of its own, made with mkdir -m 700" if mode & stat.S_ISVTX else f"chmod 700 {path}"
        return advice(subject, f"{path} has mode {mode:04o}: others of this machine may look into it", remedy)
    return ok(subject, f"{path} can be written, by its owner alone ({mode:04o})")


def room(path: Path, subject: str = "disk") -> Fact:
    """Whether there is room for what is remembered."""
    there = next((one for one in (path, *path.parents) if one.exists()), Path("/"))
    free = shutil.disk_usage(there).free
    text = f"{_size(free)} free at {there}"
    if free < _ROOM_NEEDED_BYTES:
        return wrong(subject, text, f"free at least {_size(_ROOM_NEEDED_BYTES)}, or alerts cannot be stored")
    if free < _ROOM_WANTED_BYTES:
        return advice(subject, text, f"{_size(_ROOM_WANTED_BYTES)} or more is comfortable")
    return ok(subject, text)


def time_zones(now: datetime) -> Fact:
    """Whether times can be shown as people live them, and what this machine's own zone is."""
    try:
        ZoneInfo("Europe/Berlin")
    except ZoneInfoNotFoundError:
        return wrong("time zone", "no time zones are known here", "install the package tzdata")
    local = now.astimezone()
    return ok("time zone", f"time zones are known; this machine's is {time.tzname[bool(time.localtime().tm_isdst)]}"
              f" ({local:%z}), and Keel itself works in UTC")  # fmt: skip


def all_of(found: Iterable[Fact | None]) -> list[Fact]:
    """Those there are."""
    return [fact for fact in found if fact is not None]


def _size(number: int) -> str:
    """
    >>> _size(100 * 2**20), _size(3 * 2**30)
    ('100 MB', '3.0 GB')
    """
    return f"{number / 2**30:.1f} GB" if number >= 2**30 else f"{number // 2**20} MB"
