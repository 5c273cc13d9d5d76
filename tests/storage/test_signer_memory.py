"""How far the signer's journal was seen to reach."""

from pathlib import Path

import pytest

from storage import SeenJournal, SignerMemory, Store

SEEN = SeenJournal(journal="a", rows=7, head="h7")
LATER = {
    "as it was": (SEEN, ""),
    "more rows": (SeenJournal(journal="a", rows=9, head="h9"), ""),
    "fewer rows": (SeenJournal(journal="a", rows=6, head="h6"), "its journal had 7 rows and has 6"),
    "another last row": (SeenJournal(journal="a", rows=7, head="x"), "row 7 is another one than before"),
    "another journal": (SeenJournal(journal="b", rows=99, head="h9"), "another journal than before"),
}


@pytest.mark.parametrize(("found", "why"), LATER.values(), ids=LATER)
async def test_a_journal_only_grows_and_what_does_not_is_remembered_as_it_was(
    tmp_path: Path, found: SeenJournal, why: str
) -> None:
    path = tmp_path / "keel.sqlite3"
    async with await Store.open(path) as store:
        assert await SignerMemory(store).latest() is None
        assert await SignerMemory(store).see(SEEN) == ""
    async with await Store.open(path) as store:
        memory = SignerMemory(store)
        said = await memory.see(found)
        assert why in said
        assert bool(said) is bool(why)
        assert await memory.latest() == (SEEN if why else found)


async def test_somebody_may_say_that_another_journal_is_right() -> None:
    async with await Store.open(":memory:") as store:
        memory, other = SignerMemory(store), SeenJournal(journal="b", rows=1, head="x")
        await memory.see(SEEN)
        await memory.accept(other)
        assert await memory.see(other) == ""
        assert "another journal" in await memory.see(SEEN)
