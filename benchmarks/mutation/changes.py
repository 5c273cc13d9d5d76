"""All changes of a file: the tree is walked once, every node asked for what may stand in its place."""

import ast
import difflib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.mutation.change import Change, Place, Program, at, children
from benchmarks.mutation.python_changes import KINDS
from benchmarks.mutation.sql_changes import sql

_LONGEST = 160
_NEVER = (ast.Import, ast.ImportFrom, ast.FormattedValue)


@dataclass(frozen=True, slots=True)
class _Inside:
    """What surrounds a node: the outermost function, its first line, the statement."""

    names: tuple[str, ...] = ()
    function_line: int = 0
    statement: ast.stmt | None = None

    @property
    def where(self) -> str:
        return ".".join(self.names) if self.function_line else ""


def changes(program: Program) -> list[Change]:
    """Every change, in the order of the file."""
    seen: Counter[str] = Counter()
    numbered: list[Change] = []
    for change in _walk(program, program.tree, _Inside()):
        numbered.append(replace(change, number=seen[change.key]))
        seen[change.key] += 1
    return numbered


def _walk(program: Program, node: ast.AST, inside: _Inside) -> Iterator[Change]:
    for child, place in children(node):
        if not _is_left_alone(child, place):
            within = _entered(child, place, inside)
            yield from _of(program, child, place, within)
            yield from _walk(program, child, within)


def _of(program: Program, node: ast.AST, place: Place, inside: _Inside) -> Iterator[Change]:
    for kind, made in (*KINDS.items(), ("SQL", sql)):
        for new in made(node):
            first, last = _lines(node, inside)
            yield Change(
                path=program.path, place=place, new=new, kind=kind, text=_difference(node, new), where=inside.where,
                first_line=inside.function_line, number=0, lines=(first, last),
                statement=program.source.splitlines()[first - 1].strip(),
            )  # fmt: skip


def _is_left_alone(node: ast.AST, place: Place) -> bool:
    """Annotations, decorators, imports, __all__, documentation, what only a type checker reads, words of errors."""
    parent, field, _ = place
    if isinstance(parent, ast.JoinedStr):
        return True  # an f-string is changed as a whole
    if field in ("annotation", "returns", "decorator_list", "type_params", "format_spec") or isinstance(node, _NEVER):
        return True
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return True
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    if isinstance(node, ast.Assign) and isinstance(parent, ast.Module) and _is_type(node.value):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_type(value: ast.expr) -> bool:
    """An alias of types, such as FloatArray = npt.NDArray[np.float64]."""
    return (
        isinstance(value, ast.Subscript)
        and isinstance(value.value, ast.Name | ast.Attribute)
        and "NDArray" in ast.unparse(value)
    )


def _entered(node: ast.AST, place: Place, inside: _Inside) -> _Inside:
    parent, field, _ = place
    statement = node if isinstance(node, ast.stmt) else inside.statement
    if inside.function_line:
        return replace(inside, statement=statement)
    if field == "body" and isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
        first = min([parent.lineno, *(one.lineno for one in parent.decorator_list)])
        return _Inside((*inside.names, parent.name), first, statement)
    if field == "body" and isinstance(parent, ast.ClassDef):
        return _Inside((*inside.names, parent.name), 0, statement)
    return replace(inside, statement=statement)


def _lines(node: ast.AST, inside: _Inside) -> tuple[int, int]:
    statement = node if isinstance(node, ast.stmt) else inside.statement
    if statement is None:
        return getattr(node, "lineno", 1), getattr(node, "lineno", 1)
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) and body else statement.end_lineno
    return statement.lineno, max(statement.lineno, last or statement.lineno)


def _difference(old: ast.AST, new: ast.AST) -> str:
    before, after = _words(old), _words(new)
    if len(before) + len(after) <= _LONGEST:
        return f"{before} → {after}"
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    head = blocks[0].size if blocks[0].a == blocks[0].b == 0 else 0
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    start = max(0, head - 30)
    changed = [text[start : len(text) - max(0, tail - 30)] for text in (before, after)]
    return " → ".join(f"… {_cut(text)} …" for text in changed)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"


def _words(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return " ".join(node.value.split())
    if isinstance(node, ast.JoinedStr):
        return " ".join("".join(_part(part) for part in node.values).split())
    return " ".join(ast.unparse(ast.fix_missing_locations(node)).replace("\\n", " ").split())


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    return f"{{{ast.unparse(part.value if isinstance(part, ast.FormattedValue) else part)}}}"


__all__ = ["Change", "Program", "at", "changes"]
