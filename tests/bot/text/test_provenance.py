"""The line that says where numbers come from."""

from bot.text.provenance import provenance


def test_account_age_and_slot_stand_in_one_line() -> None:
    assert provenance(account="main", age_s=3, slot=348900662) == "main · 3 s old · slot 348,900,662"


def test_old_data_is_marked() -> None:
    assert provenance(account="main", age_s=250, slot=1, stale=True) == "main · STALE 4 min old · slot 1"


def test_an_account_that_was_never_read_says_so() -> None:
    assert provenance(account="main", age_s=None) == "main · no data"


def test_a_nickname_cannot_add_a_line_or_turn_the_text_around() -> None:
    assert provenance(account="ma\nin\u202e", age_s=1) == "ma in · 1 s old"
