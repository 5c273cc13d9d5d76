"""What was decided is on disk before it counts, and cannot be changed unnoticed."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.signer import journal as journals
from bot.signer.errors import Broken, Unfit
from bot.signer.intent import RefusalCode, SigningVenue
from bot.signer.journal import Journal, parts, read_journal
from bot.signer.state import Begun, Entered, Event, Refused, Started, Torn
from tests.bot.signer.asking import NOW_S

BEGUN = Begun(journal_id="17" * 16, by_uid=17)
STARTED = Started(public_key="K", venue=SigningVenue.PAPER, rules="0" * 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    return state


def written(folder: Path, *events: Event) -> Path:
    """A journal with these events, closed; its last part."""
    journal = Journal(folder)
    for at, event in enumerate((BEGUN, STARTED, *events), -1):
        journal.write(event, NOW_S + at)
    journal.close()
    return parts(folder)[-1][1]


def entered(count: int, start: int = 1) -> list[Event]:
    return [Entered(epoch=start + number) for number in range(count)]


def test_a_journal_read_again_is_the_state_it_was(folder: Path) -> None:
    written(folder, *entered(3), Refused(code=RefusalCode.CAP, why="too much", proposal="P1", leg=1, counts=True))
    first = Journal(folder)
    state, number, head = first.state, first.number, first.head
    first.close()

    assert (state.epoch, state.seen_s, state.refused_at_s) == (3, NOW_S + 4, (NOW_S + 4,))
    assert [row.number for row in read_journal(folder)] == [1, 2, 3, 4, 5, 6]
    assert ([row.seal for row in read_journal(folder)][-1], number) == (head, 6)


def test_files_are_for_nobody_else(folder: Path) -> None:
    path = written(folder)

    assert path.stat().st_mode & 0o777 == 0o600


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_refused(folder: Path, at: int, bit: int) -> None:
    for _, old in parts(folder):
        old.unlink()
    path = written(folder, *entered(4))
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1 << bit
    path.write_bytes(content)

    with pytest.raises(Unfit, match="changed or damaged"):
        Journal(folder)
    with pytest.raises(Unfit, match="changed or damaged"):
        list(read_journal(folder))


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:2] + lines[3:],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [*lines, lines[-1]],
        lambda lines: lines[1:],
        lambda lines: [],
        lambda lines: ["{}", *lines],
    ],
    ids=["a line gone", "lines swapped", "a line twice", "the first line gone", "empty", "a line before"],
)
def test_lines_that_do_not_follow_each_other_are_refused(
    folder: Path, change: Callable[[list[str]], list[str]]
) -> None:
    path = written(folder, *entered(4))
    path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))

    with pytest.raises(Unfit, match="changed or damaged"):
        Journal(folder)


def test_a_line_cut_at_any_byte_is_cut_off_and_nothing_before_it_is_lost(folder: Path) -> None:
    path = written(folder, *entered(2))
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1

    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        journal = Journal(folder)
        complete = end == len(whole) - 1  # all but its newline
        assert journal.state.epoch == (2 if complete else 1)
        assert (journal.torn is None) is (complete or end == last)
        assert journal.number == (4 if complete else 3)
        journal.write(journal.torn or Torn(cut_bytes=0, digest=""), NOW_S)
        journal.close()
        assert [row.number for row in read_journal(folder)][-1] == (5 if complete else 4)


def test_two_signers_never_share_a_state_folder(folder: Path) -> None:
    first = Journal(folder)

    with pytest.raises(Unfit, match="another signer"):
        Journal(folder)
    first.close()
    Journal(folder).close()


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o770, 0o777, 0o500])
def test_a_state_folder_others_can_look_into_is_refused(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(Unfit, match="chmod 0700"):
        Journal(folder)


def test_a_state_folder_behind_a_link_or_missing_is_refused(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(Unfit, match="symbolic link"):
        Journal(link)
    with pytest.raises(Unfit, match="make it, with mode 0700"):
        Journal(tmp_path / "missing")


def test_a_journal_file_behind_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    path = written(folder)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Unfit, match="symbolic link"):
        Journal(folder)


@pytest.mark.parametrize("broken", ["write", "fsync"])
def test_a_full_disk_breaks_it_until_it_is_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    journal = Journal(folder)
    journal.write(BEGUN, NOW_S)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, broken, full)
        with pytest.raises(Broken, match="mend the disk"):
            journal.write(Entered(epoch=1), NOW_S)
    with pytest.raises(Broken, match="start again"):  # there is space again, and nobody knows what is on the disk
        journal.write(Entered(epoch=1), NOW_S)
    assert journal.state.epoch == 0
    journal.close()

    again = Journal(folder)
    assert again.state.epoch == (0 if broken == "write" else 1)
    again.close()


def test_a_long_journal_goes_on_in_a_new_part_and_only_that_is_read_at_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "ROWS_A_PART", 50)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    journal = Journal(folder)
    journal.write(BEGUN, NOW_S)
    for number in range(1, 201):
        journal.write(Entered(epoch=number), NOW_S + number)
    state, head, number = journal.state, journal.head, journal.number
    journal.close()
    everything = list(read_journal(folder))
    for _, old in parts(folder)[:-1]:
        old.write_text("no longer looked at")

    again = Journal(folder)

    assert (again.state, again.head, again.number) == (state, head, number)
    assert len(everything) == number == 201 + 4
    assert len(parts(folder)) == 5
    again.close()


def test_a_part_that_was_never_finished_is_no_part(folder: Path) -> None:
    written(folder, *entered(1))
    (folder / "journal-000002.new").write_text("{")

    journal = Journal(folder)

    assert journal.state.epoch == 1
    assert not list(folder.glob("*.new"))
    journal.close()


def test_a_missing_part_and_one_that_was_put_together_again_are_noticed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "ROWS_A_PART", 3)
    written(folder, *entered(8))
    first, second, *_ = (path for _, path in parts(folder))
    kept = second.read_bytes()
    second.unlink()
    with pytest.raises(Unfit, match="part 2 of the journal is missing"):
        list(read_journal(folder))
    second.write_bytes(kept)
    shorter = first.read_bytes().splitlines(keepends=True)[:-1]
    first.write_bytes(b"".join(shorter))
    with pytest.raises(Unfit, match="does not follow"):
        list(read_journal(folder))
