"""One change of a program, and how to compile the program with it."""

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

Place = tuple[ast.AST, str, int | None]
"""A parent, its field, and the index where the field is a list."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """A node of a tree and what stands in its place.

    Attributes:
        kind: Of what kind, such as "comparison"; for the page.
        text: The node before and after, on one line.
        where: Outermost function or method as Python names it; empty at the level of module or class.
        number: Counts changes of the same text in the same function or statement.
        lines: Of the statement it is in, header only for one that holds others; first and last.
        statement: The source of those lines' first.
    """

    path: str
    place: Place
    new: ast.AST
    kind: str
    text: str
    where: str
    first_line: int
    number: int
    lines: tuple[int, int]
    statement: str

    @property
    def key(self) -> str:
        """The same for the same change, wherever in the file the function stands."""
        return f"{self.path}|{self.where or self.statement}|{self.text}|{self.number}"


class Program:
    """A file as a tree that can be compiled with one change."""

    def __init__(self, path: str, source: str, *, file: str = "") -> None:
        """``file`` is what the compiled code says it comes from."""
        self.path, self.source, self.file = path, source, file or path
        self.tree = ast.parse(source)

    def compiled(self, change: Change | None = None) -> CodeType:
        """Raises: SyntaxError, ValueError, where the change leaves no program."""
        if change is None:
            return self._code()
        old = at(change.place)
        put(change.place, ast.fix_missing_locations(ast.copy_location(change.new, old)))
        try:
            return self._code()
        finally:
            put(change.place, old)

    def _code(self) -> CodeType:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as "set is not subscriptable": the change may be nonsense
            return compile(self.tree, self.file, "exec")


def at(place: Place) -> ast.AST:
    parent, field, index = place
    value = getattr(parent, field)
    found: ast.AST = value if index is None else value[index]
    return found


def put(place: Place, node: ast.AST) -> None:
    parent, field, index = place
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def children(node: ast.AST) -> Iterator[tuple[ast.AST, Place]]:
    """The nodes below one, with their places."""
    for field, value in ast.iter_fields(node):
        listed: list[Any] = value if isinstance(value, list) else [value]
        for index, child in enumerate(listed):
            if isinstance(child, ast.AST):
                yield child, (node, field, index if isinstance(value, list) else None)
