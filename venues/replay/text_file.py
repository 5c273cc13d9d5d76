"""The text of a file that somebody exported, packed or not."""

import gzip
import zlib
from pathlib import Path

from venues.replay.errors import BadRecording

LARGEST_BYTES = 1 << 29  # unpacked; years of minutes are a third of it, and a few kilobytes can pretend to be more


def text_of(path: Path, refusal: type[BadRecording] = BadRecording) -> str:
    """All of a UTF-8 file, unpacked where its name ends in .gz.

    Args:
        refusal: What a file that cannot be read is refused with.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
        if len(raw) > LARGEST_BYTES:
            raise refusal(f"{path.name} holds more than {LARGEST_BYTES >> 20} MB; export it in parts")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise refusal(f"{path.name} is not UTF-8 text; export it again as plain CSV") from exc
    except (OSError, EOFError, zlib.error) as exc:
        raise refusal(f"{path.name} cannot be read ({exc}); check the file") from exc
