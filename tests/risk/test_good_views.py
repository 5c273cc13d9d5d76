"""What is remembered of accounts that cannot be trusted now."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from risk.good_views import GoodViews
from risk.margin.book import BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """As much of a view of a fleet as matters here."""

    ids: tuple[str, ...]
    doubtful: BoolArray
    number: int = 0

    def position_of(self, account_id: str) -> int:
        return self.ids.index(account_id)

    def __contains__(self, account_id: object) -> bool:
        return account_id in self.ids


def view(number: int, *doubtful: str, ids: str = "abc") -> View:
    return View(tuple(ids), np.array([one in doubtful for one in ids]), number)


def followed(*views: View) -> GoodViews[View]:
    good: GoodViews[View] = GoodViews()
    before: View | None = None
    for one in views:
        good.follow(before, one)
        before = one
    return good


def test_the_last_trusted_view_is_kept_while_an_account_is_doubtful() -> None:
    good = followed(view(1), view(2), view(3, "a"), view(4, "a", "b"), view(5, "a", "b"))
    seen = {one: good.of(one) for one in "abc"}

    assert seen["a"] is not None
    assert seen["a"].number == 2
    assert seen["b"] is not None
    assert seen["b"].number == 3
    assert seen["c"] is None, "it is trusted now: the newest view has it"


def test_an_account_that_is_trusted_again_begins_anew() -> None:
    good = followed(view(1), view(2, "a"), view(3), view(4, "a"))
    again = good.of("a")

    assert again is not None
    assert again.number == 3


def test_an_account_that_never_was_trusted_has_none() -> None:
    good = followed(view(1, "a"), view(2, "a"))
    assert good.of("a") is None


def test_an_account_that_left_is_forgotten() -> None:
    good = followed(view(1), view(2, "a"), view(3, ids="bc"))
    assert good.of("a") is None
    assert not good.kept


@given(st.lists(st.sets(st.sampled_from("abcdefgh")), min_size=1, max_size=40))
def test_what_is_kept_was_trusted_is_the_newest_such_and_is_little(doubtful: list[set[str]]) -> None:
    views = [view(number, *sorted(found), ids="abcdefgh") for number, found in enumerate(doubtful)]
    good = followed(*views)

    assert len(good.kept) <= 4
    for account in "abcdefgh":
        kept = good.of(account)
        trusted = [one.number for one in views if not one.doubtful[one.position_of(account)]]
        if kept is not None:
            assert doubtful[-1] >= {account}
            assert kept.number == trusted[-1]
