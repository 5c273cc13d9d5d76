"""keel replay as it is typed."""

import json
import re
from pathlib import Path

import pytest

from tests.support.keel_process import run_keel
from tests.venues.replaying import flat, write_bars

BOOK = '{"collateral_usd": 10000, "positions": [{"market": "SOL-PERP", "leverage": 5, "side": "long"}]}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Bars of a fall, and a book."""
    write_bars(tmp_path, [*flat(100), (100, 100, 86, 90), (90, 90, 80, 81)])
    (tmp_path / "book.json").write_text(BOOK)
    return tmp_path


async def test_it_prints_a_table_and_writes_a_chart(folder: Path) -> None:
    ended = await run_keel(
        "replay", str(folder), "--book", str(folder / "book.json"), "--chart", "health.png", folder=folder
    )
    assert (ended.code, ended.stderr) == (0, "")
    assert re.search(r"^HIGH        9 Oct 2025 10:20 UTC 1 h 00 min", ended.stdout, re.MULTILINE)
    assert "Liquidated at 9 Oct 2025 11:20 UTC." in ended.stdout
    assert (folder / "health.png").read_bytes().startswith(b"\x89PNG")


async def test_json_is_one_object_and_nothing_else(folder: Path) -> None:
    ended = await run_keel("replay", str(folder), "--book", str(folder / "book.json"), "--json", folder=folder)
    assert (ended.code, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["lead_s"]["HIGH"] == 3_600


@pytest.mark.parametrize(
    ("book", "sentence"),
    [
        (BOOK.replace("SOL-", "JUP-"), "there are no bars of JUP"),
        ('{"collateral_usd": 10000, "positions": []}', "book.json has no positions"),
        ("nothing", "book.json is not JSON"),
    ],
)
async def test_bad_input_ends_with_2_and_a_sentence(book: str, sentence: str, folder: Path) -> None:
    (folder / "book.json").write_text(book)
    ended = await run_keel("replay", str(folder), "--book", str(folder / "book.json"), folder=folder)
    assert (ended.code, ended.stdout) == (2, "")
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr


async def test_files_that_are_not_there_end_with_2(folder: Path) -> None:
    nowhere = str(folder / "nowhere")
    for arguments in ((nowhere, "--book", str(folder / "book.json")), (str(folder), "--book", nowhere)):
        ended = await run_keel("replay", *arguments, folder=folder)
        assert ended.code == 2
        assert "nowhere cannot be read" in ended.stderr
