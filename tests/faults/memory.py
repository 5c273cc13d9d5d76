"""Faults of the memory: a disk that is full, a file somebody else holds, bytes that changed."""

from tests.faults.parts import Fault, Measure, Section, enough, none, within
from tests.faults.promises import Row

_WATCH = "tests/bot/test_memory_watch.py::"
_RESCUE = "tests/bot/test_rescue.py::"
_ASIDE = f"{_RESCUE}test_a_damaged_memory_is_set_aside_and_the_last_backup_takes_its_place"

_TOLD = within(Measure.TOLD_AFTER, 10.0)
_NOT_TRADED = none(Measure.UNAPPROVED)


def _at_start(name: str, what: str, how: str, case: str) -> Fault:
    return Fault(
        name=name, proves=Row.STORAGE_TROUBLE, what=what, how=f"{how}, then a start",
        must="set aside as it was found, the last backup restored, trading halted, CRITICAL told",
        by=_ASIDE, case=case, goals=(*none(Measure.LOST, Measure.ACCEPTED), *_NOT_TRADED),
    )  # fmt: skip


MEMORY = Section(
    title="Memory",
    faults=(
        Fault(
            name="disk-full", proves=Row.STORAGE_TROUBLE,
            what="full disk", how="`PRAGMA max_page_count` at the size the file has; the clock is moved by hand",
            must="CRITICAL from memory, nothing is proposed or signed; told and let go when there is room",
            by=f"{_WATCH}test_a_full_disk_is_told_from_memory_and_nothing_is_traded_until_there_is_room",
            goals=(_TOLD, *_NOT_TRADED, *none(Measure.LOST)),
        ),
        Fault(
            name="disk-shut-mid-order", proves=Row.STORAGE_TROUBLE,
            what="disk that takes nothing between a yes and its order", how="writes refused, as bytes are signed",
            must="what cannot be stored is never sent",
            by=f"{_WATCH}test_an_order_whose_bytes_cannot_be_stored_is_never_sent", goals=_NOT_TRADED,
        ),
        Fault(
            name="database-locked", proves=Row.STORAGE_TROUBLE,
            what="database locked by another process", how="BEGIN EXCLUSIVE in a process of its own",
            must="a fall is told from memory; nothing is proposed",
            by=f"{_WATCH}test_a_file_that_another_process_holds_keeps_nobody_from_hearing_of_a_fall",
            goals=(_TOLD, *_NOT_TRADED),
        ),
        Fault(
            name="database-damaged-live", proves=Row.STORAGE_TROUBLE,
            what="database damaged under a running process", how="every page overwritten, in the file and its journal",
            must="CRITICAL from memory; the process begins anew with the last backup, and watches on",
            by="tests/scenarios/test_damaged_memory.py::"
            "test_a_memory_damaged_while_it_is_used_is_told_set_aside_and_replaced_by_the_last_backup",
            goals=(_TOLD, *none(Measure.LOST)),
        ),
        _at_start("database-damaged-header", "database with a damaged head", "its first 16 bytes", "header"),
        _at_start("database-damaged-pages", "database with damaged pages", "256 bytes of every page but one", "pages"),
        _at_start("database-damaged-journal", "journal damaged before its end", "one bit of a page", "journal"),
        Fault(
            name="journal-bit-flips", proves=Row.STORAGE_TROUBLE,
            what="a bit anywhere in the journal", how="every frame but those of the last transaction in turn",
            must="found before anything is read",
            by=f"{_RESCUE}test_a_flip_anywhere_in_the_journal_is_found_or_changes_nothing",
            goals=(enough(Measure.TRIED, 2), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="header-bit-flips", proves=Row.STORAGE_TROUBLE,
            what="a bit anywhere in the head of the file", how="one bit of each of its 100 bytes",
            must="refused, rescued and halted, or harmless",
            by=f"{_RESCUE}test_a_flipped_bit_in_the_head_of_the_file_is_refused_rescued_or_harmless",
            goals=(enough(Measure.TRIED, 100), *none(Measure.ACCEPTED)),
        ),
    ),
)  # fmt: skip

SECTIONS = (MEMORY,)
