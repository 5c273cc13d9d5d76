"""What this process must never show, and how it is taken out of what it shows: the one place for both.

Logs, tracebacks, standard output and error, metrics and messages to chats all come through here. It is the second line:
the first is that nothing secret is put into a sentence in the first place.
"""

import base64
import html
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

REMOVED: Final = "[secret]"
SHORTEST: Final = 6  # characters; shorter ones would hide half of what is said, and are kept out at their source

_SHORTEST_ENCODED = 10  # base64 and hex of less are words
# Secrets that may be anybody's: known by their shape, whether they were configured or not.
_SHAPES = re.compile(
    r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}"  # a Telegram token; no word boundary, for in a URL it follows "/bot"
    r"|(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{23,30}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,60}"  # a Discord token
    r"|(?<=/webhooks/)\d{15,22}/[A-Za-z0-9_-]{20,}"  # a webhook's id and token
    r"|(?<=://)[^\s/?#@'\"]{1,200}:[^\s/?#@'\"]{1,200}(?=@)"  # user and password in a URL
    r"|\[(?:\s*\d{1,3}\s*,){63}\s*\d{1,3}\s*\]"  # a key as solana-keygen writes it
)


class Redactor:
    """Takes known texts out of others, in every form in which they are usually written."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """
        Args:
            secrets: Those shorter than SHORTEST are ignored.
        """
        self._forms: dict[str, set[str]] = {}
        for secret in secrets:
            for form in forms_of(secret):
                self._forms.setdefault(form[:SHORTEST], set()).add(form)

    def __repr__(self) -> str:
        return f"Redactor({sum(map(len, self._forms.values()))} forms)"

    def reveals(self, text: str) -> bool:
        """Whether something known stands in a text."""
        return bool(self._found(text))

    def text(self, text: str) -> str:
        """The text without them.

        >>> Redactor(["hunter2-hunter2"]).text("https://rpc.example/HUNTER2-HUNTER2?a=aHVudGVyMi1odW50ZXIy")
        'https://rpc.example/[secret]?a=[secret]'
        """
        found = self._found(text)
        if found:
            # Longest first: one may stand inside another one.
            pattern = "|".join(re.escape(form) for form in sorted(found, key=len, reverse=True))
            text = re.sub(pattern, REMOVED, text, flags=re.IGNORECASE)
            if self._found(text):
                return REMOVED  # letters whose case cannot be told: rather nothing than a part of it
        return _SHAPES.sub(REMOVED, text)

    def _found(self, text: str) -> set[str]:
        if not self._forms:
            return set()
        # Libraries change the case of what they quote. Looked up by beginnings: this runs for every line of the log.
        lowered = text.lower()
        heads = {lowered[at : at + SHORTEST] for at in range(len(lowered) - SHORTEST + 1)} & self._forms.keys()
        return {form for head in heads for form in self._forms[head] if form in lowered}


def forms_of(secret: str) -> frozenset[str]:
    """How a text may stand in others, in lower case: as it is, in URLs, JSON, HTML, reprs, base64 and hex."""
    if len(secret) < SHORTEST:
        return frozenset()
    raw = secret.encode("utf-8", "replace")
    found = {
        secret, repr(secret)[1:-1], html.escape(secret), json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret))[3:-3], json.dumps(secret, ensure_ascii=False)[1:-1].replace("/", "\\/"),
        quote(secret, safe=""), quote(secret), quote(secret, safe="/:"), quote(secret, safe="/:?&=@"),
        quote_plus(secret), quote(quote(secret, safe=""), safe=""), "".join(f"%{byte:02x}" for byte in raw),
    }  # fmt: skip
    if len(raw) >= _SHORTEST_ENCODED:
        found |= {raw.hex(), *_in_base64(raw)}
    return frozenset(form.lower() for form in found if len(form) >= SHORTEST)


def _in_base64(raw: bytes) -> set[str]:
    """What surely stands in the base64 of anything that has this inside, wherever it begins."""
    found = set()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        # The first letters mix with what comes before, the last ones with what follows.
        first, last = (0, 2, 3)[before], (before + len(raw)) // 3 * 4
        middle = encoded[first:last] if (before + len(raw)) % 3 else encoded[first:]
        found |= {middle, middle.replace("+", "-").replace("/", "_")}
    return found


_known = Redactor()


def know(secrets: Iterable[str]) -> None:
    """From now on this process shows none of these; what it knew before is replaced."""
    global _known  # noqa: PLW0603  # as with logging: what may be shown is a matter of the process
    _known = Redactor(secrets)


def clean(text: str) -> str:
    """A text as this process may show it."""
    return _known.text(text)
