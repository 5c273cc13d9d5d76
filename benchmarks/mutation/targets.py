"""What is changed on purpose, and the tests that have to notice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A piece of the product with tests of its own.

    Attributes:
        what: For the page.
        sources: Files and folders that are changed, relative to the checkout.
        tests: Files and folders that are run, likewise.
    """

    name: str
    what: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]

    def files(self, root: Path) -> list[str]:
        """The Python files that are changed; those that do not exist are left out."""
        return [f"{path.relative_to(root)}" for path in sorted(_python_files(root, self.sources))]

    def test_files(self, root: Path) -> list[str]:
        return [f"{path.relative_to(root)}" for path in sorted(_python_files(root, self.tests))]


def _python_files(root: Path, names: tuple[str, ...]) -> Iterator[Path]:
    for name in names:
        path = root / name
        if path.is_dir():
            yield from (one for one in path.rglob("*.py") if one.name != "__init__.py")
        elif path.is_file():
            yield path


_ALL = (
    Target(
        name="proposals",
        what="what can become of a proposal",
        sources=("risk/decisions/proposals.py",),
        tests=("tests/risk/decisions/test_proposal_tables.py", "tests/risk/decisions/test_proposal_transitions.py"),
    ),
    Target(
        name="presses",
        what="whether a press counts",
        sources=("storage/proposal_presses.py",),
        tests=(
            "tests/storage/test_proposal_presses.py",
            "tests/storage/test_press_rules.py",
            "tests/storage/test_press_machine.py",
            "tests/storage/test_proposal_cards.py",
            "tests/storage/test_standing.py",
        ),
    ),
    Target(
        name="margin",
        what="how near a liquidation is",
        sources=("risk/margin",),
        tests=(
            "tests/risk/margin",
            "tests/risk/decisions/test_book_changes.py",
            "tests/risk/test_after_plan.py",
            "tests/risk/test_closing.py",
            "tests/risk/test_fleet.py",
            "tests/risk/protection/test_graduated.py",
        ),
    ),
    Target(
        name="signer",
        what="what is signed",
        sources=(
            "bot/signer/grammar.py",
            "bot/signer/caps.py",
            "bot/signer/encoding.py",
            "bot/signer/decide.py",
        ),
        tests=(
            "tests/bot/signer/test_boundaries.py",
            "tests/bot/signer/test_grammar.py",
            "tests/bot/signer/test_decide.py",
            "tests/bot/signer/test_encoding.py",
            "tests/bot/signer/test_desk.py",
        ),
    ),
)

TARGETS: Mapping[str, Target] = {target.name: target for target in _ALL}
