"""Why nothing is signed, as far as the bot can tell."""

from dataclasses import dataclass
from enum import Enum, auto


class Plight(Enum):
    """Why nothing is signed at present.

    FENCED lasts as long as this process: another one has begun after it. All others end by themselves or by somebody.
    FORGETFUL is a signer whose journal was put back or begun anew: what it signed, and how much, it may not know.
    """

    SILENT = auto()
    REFUSED = auto()
    LOCKED = auto()
    BROKEN = auto()
    FORGETFUL = auto()
    FENCED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """``why`` is a clause for people."""

    plight: Plight
    why: str


def plainly(exc: BaseException) -> str:
    """What one of Lost means, a clause."""
    match exc:
        case FileNotFoundError():
            return "there is no socket where SIGNER_SOCKET says; start keel signer"
        case PermissionError():
            return "this user may not open its socket; let it, in the signer's file and by the folder's mode"
        case ConnectionRefusedError():
            return "nobody listens at its socket; start keel signer"
        case TimeoutError():
            return "no answer in time"
        case OSError() | EOFError():
            return "the connection broke; see its own log"
        case _:
            return str(exc)
