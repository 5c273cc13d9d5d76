"""The file of settings, as keel setup writes it."""

import os
from collections.abc import Mapping
from pathlib import Path

from bot.config import BadSettings


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """Set variables in an env file, keeping every other line. Whole or not at all; readable by its owner alone.

    A variable takes the place of one that names a file for it, such as TELEGRAM_TOKEN_FILE.

    Raises: BadSettings, for a file that cannot be read or written.
    """
    for name, value in values.items():
        if not value.isprintable():
            raise BadSettings(f"{name} has characters that no line of {path} can hold; write it without them")
    try:
        old = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in old if _variable(line).removesuffix("_FILE") not in values]
        text = "\n".join([*kept, *(f"{key}={value}" for key, value in values.items())]) + "\n"
        draft = path.with_name(f"{path.name}.new")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
        raise BadSettings(
            f"the settings cannot be written to {path} ({reason}); check the file and its folder"
        ) from exc


def _variable(line: str) -> str:
    """What a line of an env file sets; a comment sets nothing that has a name."""
    return line.partition("=")[0].strip().removeprefix("export ").strip()
