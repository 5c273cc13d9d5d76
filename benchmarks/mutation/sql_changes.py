"""What is changed in SQL text: conditions left out, comparisons, limits, values, orders, negations."""

import ast
import re
from collections.abc import Iterator

_IS_SQL = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|EXISTS|WHERE)\b|\bIN \(")
_HOLE = 0xE000  # a character of nobody's stands for what an f-string puts in
_REPLACED = (
    (r"(?<![<>!=])=(?!=)", ("!=",)),
    (r"!=|<>", ("=",)),
    (r"(?<![<-])>(?!=)", (">=", "<=")),
    (r"<(?![=>])", ("<=", ">=")),
    (r">=", (">", "<")),
    (r"<=", ("<", ">")),
    (r"\bIS NOT NULL\b", ("IS NULL",)),
    (r"\bIS NULL\b", ("IS NOT NULL",)),
    (r"\bNOT (?!NULL\b|EXISTS\b|IN\b)", ("",)),
    (r"\bNOT EXISTS\b", ("EXISTS",)),
    (r"(?<!NOT )\bEXISTS\b", ("NOT EXISTS",)),
    (r"\bNOT IN\b", ("IN",)),
    (r"(?<!NOT )\bIN \(", ("NOT IN (",)),
    (r"\bOR\b", ("AND",)),
    (r"\bDESC\b", ("ASC",)),
    (r"\bLEFT JOIN\b", ("JOIN",)),
    (r"\bmin\(", ("max(",)),
    (r"\bmax\(", ("min(",)),
    (r"'\w*'", ("'other'",)),
)
_NUMBER = re.compile(r"(?<!SELECT )(?<![\w:.])\d+(?![\w.])")
_BETWEEN = re.compile(r"(\S+) BETWEEN (\S+) AND (\S+?)(?=[\s)]|$)")
_ASSIGNED = re.compile(r"\bSET\s+(.*?)(?=\bWHERE\b|\bRETURNING\b|$)", re.DOTALL)
_MEMBERS = re.compile(r"\bIN \(([^()]*,[^()]*)\)")
_ENDS_A_CONDITION = re.compile(
    r"\b(AND|OR|WHERE|ORDER|GROUP|LIMIT|RETURNING|ON CONFLICT|THEN|ELSE|END|DO UPDATE|AS|UNION)\b"
)
_BEGINS_CONDITIONS = re.compile(r"\b(WHERE|AND|OR|WHEN|THEN|NOT|ON)\b|\(")


def sql(node: ast.AST) -> Iterator[ast.AST]:
    """Statements and parts of them, in literals and in f-strings."""
    text, holes = _flat(node)
    if not _IS_SQL.search(text):
        return
    seen = {text}
    for other in (*_replaced(text), *_numbers(text), *_limits(text), *_left_out(text), *_lists(text)):
        if other not in seen:
            seen.add(other)
            yield _shaped(other, holes)


def _replaced(text: str) -> Iterator[str]:
    assigned = [range(*found.span(1)) for found in _ASSIGNED.finditer(text)]
    for pattern, others in _REPLACED:
        for found in re.finditer(pattern, text):
            is_assignment = found[0] == "=" and any(found.start() in span for span in assigned)
            for other in () if is_assignment else others:
                yield text[: found.start()] + other + text[found.end() :]


def _numbers(text: str) -> Iterator[str]:
    for found in _NUMBER.finditer(text):
        yield text[: found.start()] + f"{int(found[0]) + 1}" + text[found.end() :]
        if found[0] == "1":
            yield text[: found.start()] + "0" + text[found.end() :]


def _limits(text: str) -> Iterator[str]:
    """Only one end of a BETWEEN."""
    for found in _BETWEEN.finditer(text):
        value, low, high = found.groups()
        for kept in (f"{value} >= {low}", f"{value} <= {high}"):
            yield text[: found.start()] + kept + text[found.end() :]


def _lists(text: str) -> Iterator[str]:
    """A member of a list, or an assignment, left out."""
    for pattern in (_MEMBERS, _ASSIGNED):
        for found in pattern.finditer(text):
            parts = _at_commas(found[1])
            for index in range(len(parts) if len(parts) > 1 else 0):
                rest = ", ".join(part.strip() for part in (*parts[:index], *parts[index + 1 :]))
                yield text[: found.start(1)] + rest + " " + text[found.end(1) :]


def _left_out(text: str) -> Iterator[str]:
    """Each condition of an AND, and each whole WHERE, as if it were not there."""
    hidden = _BETWEEN.sub(lambda found: found[0].replace("AND", "and"), text)
    for begin in _BEGINS_CONDITIONS.finditer(hidden):
        start = begin.end()
        end = _end_of_condition(hidden, start)
        condition = hidden[start:end].strip()
        joined = begin[0] in ("AND", "WHERE") or re.match(r"\s*AND\b", hidden[end:])
        if condition and joined and not condition.startswith(("SELECT", "CASE")):
            yield f"{text[:start]} 1 {text[end:]}"
        elif condition.startswith("CASE") and begin[0] == "AND" and (close := _case_end(hidden, start)):
            yield f"{text[:start]} 1 {text[close:]}"


def _end_of_condition(text: str, start: int) -> int:
    depth, at = 0, start
    while at < len(text):
        if text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if depth < 0:
                return at
        elif depth == 0 and at > start and text[at - 1].isspace() and _ENDS_A_CONDITION.match(text, at):
            return at
        at += 1
    return len(text)


def _case_end(text: str, start: int) -> int | None:
    found = re.compile(r"\bEND\b").search(text, start)
    return found.end() if found else None


def _at_commas(text: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _flat(node: ast.AST) -> tuple[str, list[ast.expr]]:
    """The text with a hole for each value of an f-string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, []
    holes: list[ast.expr] = []
    text = ""
    for part in node.values if isinstance(node, ast.JoinedStr) else ():
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            text += chr(_HOLE + len(holes))
            holes.append(part)
    return text, holes


def _shaped(text: str, holes: list[ast.expr]) -> ast.AST:
    if not holes:
        return ast.Constant(text)
    pieces = re.split("([\ue000-\uf8ff])", text)
    values = [
        holes[ord(piece) - _HOLE] if len(piece) == 1 and ord(piece) >= _HOLE else ast.Constant(piece)
        for piece in pieces
        if piece
    ]
    return ast.JoinedStr(values=values)
