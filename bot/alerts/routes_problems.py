"""What is wrong with a file of routes, and on which line: the parser keeps none, so they are looked for in the text."""

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.text.clean import name as shown

_HEADING = re.compile(r"\s*\[\[?[^\[\],={}]+\]\]?\s*(?:#.*)?$")
_STRINGS_AND_COMMENTS = re.compile(r"""#.*|"(?:\\.|[^"\\])*"|'[^']*'""")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands, for sentences.

    Attributes:
        line: 0 where it is not known.
        section: Whether that is the line of a heading, with keys on the lines below it.
    """

    what: str
    line: int = 0
    section: bool = False

    def __str__(self) -> str:
        return f"line {self.line}, {self.what}" if self.line else self.what


class Problems:
    """Everything that is wrong with a file, in its order."""

    def __init__(self, written: str) -> None:
        self._lines = written.splitlines()
        self._found: list[tuple[int, str]] = []

    @property
    def found(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(sentence for _, sentence in sorted(self._found, key=lambda one: one[0])))

    def add(self, place: Place, sentence: str) -> None:
        self._found.append((place.line, f"{place}: {sentence}"))

    def line_of(self, heading: str, nth: int = 1) -> int:
        """The line of the nth heading ``[heading]`` or ``[[heading]]``; 0 where it is written another way."""
        wanted = re.compile(rf"\s*\[\[?\s*{re.escape(heading)}\s*\]")
        at = [number for number, line in enumerate(self._lines, start=1) if wanted.match(line)]
        return at[nth - 1] if len(at) >= nth else 0

    def at(self, place: Place, key: str) -> Place:
        """Where a key of a section stands; the section itself where it cannot be found."""
        return replace(place, line=self._line_of_key(place, key) or place.line, section=False)

    def line_of_step(self, place: Place, number: int) -> int:
        """The line on which the nth table begins that the steps of a route list; that of the route where none does."""
        begin = self._line_of_key(place, "steps")
        seen = 0
        for line in range(begin, len(self._lines) + 1) if begin else ():
            text = self._lines[line - 1]
            if line > begin and _HEADING.match(text):
                break
            seen += _STRINGS_AND_COMMENTS.sub("", text).count("{")
            if seen >= number:
                return line
        return place.line

    def _line_of_key(self, place: Place, key: str) -> int:
        """0 where there is none, or the place is no section with lines of its own."""
        if not (place.section and place.line):
            return 0
        wanted = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*=""")
        for line in range(place.line + 1, len(self._lines) + 1):
            if _HEADING.match(self._lines[line - 1]):
                return 0
            if wanted.match(self._lines[line - 1]):
                return line
        return 0

    def unknown_keys(self, given: Mapping[str, Any], known: Collection[str], place: Place) -> None:
        for key in given:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
                hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
                self.add(self.at(place, key), f"{shown(key)} means nothing here; {hint}")

    def tables(self, document: Mapping[str, Any], key: str) -> list[Any]:
        given = document.get(key, [])
        if not isinstance(given, list):
            self.add(Place(f"[{key}]"), f"write [[{key}]] with two brackets, once for each")
            return []
        return given
