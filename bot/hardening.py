"""What a process with secrets in its memory does first: it leaves no copy of it, and no file open to others."""

import ctypes
import os
import sys
from typing import Final

import structlog

from bot.config import BadSettings, Settings
from bot.private_files import NotPrivate, open_to_others, require_private_folder

log = structlog.get_logger()

_PR_SET_DUMPABLE: Final = 4
_PRIVATE: Final = 0o077


def harden() -> list[str]:
    """No core dumps; no other process looks into the memory (Linux); new files are for their owner alone.

    Returns: A sentence for each of it that could not be had.
    """
    os.umask(_PRIVATE)
    return [*_no_core_files(), *_not_dumpable()]


def look_around(settings: Settings, problems: list[str]) -> None:
    """Say what could not be had, and who may look into the folders. Raises: BadSettings for one nobody can rely on."""
    if problems:
        log.warning("process.not_hardened", problems=problems)
    folders = {"the database folder": settings.database_path.absolute().parent}
    if settings.backup_plan is not None:
        folders["the backup folder"] = settings.backup_plan.folder.absolute()
    for purpose, path in folders.items():
        try:
            require_private_folder(path, purpose)
        except NotPrivate as exc:
            raise BadSettings(str(exc)) from None
        if open_to_others(path):
            log.warning("folder.open_to_others", folder=str(path), remedy=f"run chmod 700 {path}")


def _no_core_files() -> list[str]:
    try:
        import resource
    except ModuleNotFoundError:
        return ["this system has no limit of core dumps; switch them off in its own settings"]
    if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0):
        return []  # a service manager has said so, and may forbid to say it again
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return ["core dumps could not be switched off; start Keel with LimitCORE=0, or after ulimit -c 0"]
    return []


def _not_dumpable() -> list[str]:
    """A core that is piped to a program ignores the limit; this it does not ignore. It also closes /proc/PID/mem."""
    if not sys.platform.startswith("linux"):
        return [f"{sys.platform} cannot forbid looking into a process; let nobody else use this account"]
    try:
        failed = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        failed = -1
    return ["the memory of this process could not be closed to others (PR_SET_DUMPABLE)"] if failed else []
