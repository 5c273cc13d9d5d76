"""Discord's markdown as its clients read it: what is seen, and what of it was markup."""

import re
from dataclasses import dataclass

_RULES = (
    ("escape", re.compile(r"\\([^0-9A-Za-z\s])")),
    ("code block", re.compile(r"```(?:[a-z0-9_+\-.#]+?\n)?\n*([^\n][\s\S]*?)\n*```")),
    ("code", re.compile(r"(?P<ticks>`+)(?P<inner>[\s\S]*?[^`])(?P=ticks)(?!`)")),
    ("bold", re.compile(r"\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)")),
    ("underline", re.compile(r"__((?:\\[\s\S]|[^\\])+?)__(?!_)")),
    ("italic", re.compile(r"\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)")),
    ("italic", re.compile(r"\b_((?:__|\\[\s\S]|[^\\_])+?)_\b")),
    ("strike", re.compile(r"~~([\s\S]+?)~~(?!_)")),
    ("spoiler", re.compile(r"\|\|([\s\S]+?)\|\|")),
    ("mention", re.compile(r"<(@[!&]?\d+|#\d+|a?:\w+:\d+|t:-?\d+(?::[tTdDfFR])?|/[^:<>]+:\d+|id:\w+)>")),
    ("link", re.compile(r"<(https?://[^\s>]+)>")),
    ("link", re.compile(r"\[((?:\\.|[^\[\]\\])+)\]\(\s*https?://[^\s)]+\s*\)")),
    ("emoji", re.compile(r":(100|1234|[\w+~-]*[a-zA-Z+-][\w+~-]*):")),
)
_LINE_RULES = (
    ("heading", re.compile(r"[ ]*#{1,3}[ ]+(?=\S)")),
    ("small", re.compile(r"[ ]*-#[ ]+(?=\S)")),
    ("quote", re.compile(r"[ ]*>(?:>>)?[ ]")),
    ("list", re.compile(r"[ ]*(?:[-*+]|\d+\.)[ ]+(?=\S)")),
)
_SEEN_AS_IT_IS = {"escape", "code block", "code"}
_PINGS = re.compile(r"@everyone|@here|<@[!&]?\d+>")


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of text with a look of its own."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Read:
    """Text as a client shows it, and what stands out in it."""

    text: str
    marks: tuple[Mark, ...] = ()


def read(source: str) -> Read:
    marks: list[Mark] = []
    return Read(_read(source, marks, top=True), tuple(marks))


def pings(source: str) -> tuple[str, ...]:
    """What would ring if mentions were allowed; backslashes do not prevent it."""
    return tuple(_PINGS.findall(source))


def _read(source: str, marks: list[Mark], *, top: bool) -> str:
    seen, at = "", 0
    while at < len(source):
        kind, found = _rule_at(source, at, top=top)
        if found is None:
            seen += source[at]
            at += 1
            continue
        at = found.end()
        if kind == "escape":
            seen += found[1]
            continue
        inner = found.groupdict().get("inner") or (found[1] if found.groups() else "")
        if kind in ("mention", "emoji"):
            shown = f"[{kind}]"
        else:
            shown = inner if kind in _SEEN_AS_IT_IS else _read(inner, marks, top=False)
        marks.append(Mark(kind, shown))
        seen += shown
    return seen


def _rule_at(source: str, at: int, *, top: bool) -> tuple[str, re.Match[str] | None]:
    if top and (at == 0 or source[at - 1] == "\n"):
        for kind, rule in _LINE_RULES:
            if found := rule.match(source, at):
                return kind, found
    for kind, rule in _RULES:
        if found := rule.match(source, at):
            return kind, found
    return "", None
