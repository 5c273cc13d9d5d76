"""No core dumps, and no looking into this process by others of its user."""

import ctypes
import resource

from bot.signer.errors import Unfit

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 3, 4, 38


def harden() -> None:
    """For good. Raises: Unfit where the machine does not allow it."""
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        libc = ctypes.CDLL(None, use_errno=True)
        done = [libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)]
        dumpable = libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, ValueError, AttributeError) as exc:
        raise Unfit(f"core dumps cannot be switched off here ({exc}); run the signer on Linux") from None
    if any(done) or dumpable:
        raise Unfit("core dumps cannot be switched off here; run the signer where prctl is allowed")
