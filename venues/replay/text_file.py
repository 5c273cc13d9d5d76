"""The text of a file that somebody exported, packed or not."""

import gzip
import zlib
from pathlib import Path

from venues.replay.errors import BadRecording


def text_of(path: Path, refusal: type[BadRecording] = BadRecording) -> str:
    """All of a UTF-8 file, unpacked where its name ends in .gz.

    Args:
        refusal: What a file that cannot be read is refused with.
    """
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise refusal(f"{path.name} is not UTF-8 text; export it again as plain CSV") from exc
    except (OSError, EOFError, zlib.error) as exc:
        raise refusal(f"{path.name} cannot be read ({exc}); check the file") from exc
