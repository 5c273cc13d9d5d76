"""docs/notebook.md runs and prints what it says; ``python -m tests.docs.test_notebook`` writes it again."""

import ast
import asyncio
import contextlib
import inspect
import io
import itertools
import re
from pathlib import Path
from types import FunctionType

PAGE = Path(__file__).resolve().parents[2] / "docs" / "notebook.md"
_BLOCKS = re.compile(r"```(python|text)\n(.*?)```\n", re.DOTALL)


async def printed(page: str) -> list[str]:
    """What each block of code prints, one after the other in one namespace, as cells of a notebook."""
    namespace: dict[str, object] = {"__name__": "notebook"}
    found = []
    for kind, code in _BLOCKS.findall(page):
        if kind == "text":
            continue
        compiled = compile(code, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            running = FunctionType(compiled, namespace)()
            if inspect.isawaitable(running):
                await running
        found.append(out.getvalue())
    return found


def shown(page: str) -> list[str]:
    """What stands beneath each block of code; nothing where nothing does."""
    blocks = [*_BLOCKS.findall(page), ("python", "")]
    return [
        following[1] if following[0] == "text" else ""
        for block, following in itertools.pairwise(blocks)
        if block[0] == "python"
    ]


async def test_the_notebook_runs_and_prints_what_it_shows() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert await printed(page) == shown(page), "python -m tests.docs.test_notebook writes it again"


async def _written(page: str) -> str:
    outputs = iter(out for out in await printed(page) if out)
    return re.sub(r"```text\n.*?```\n", lambda _: f"```text\n{next(outputs)}```\n", page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(_written(PAGE.read_text(encoding="utf-8"))), encoding="utf-8")
