"""One person's accounts: which, in whose words, and what happens to a change."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.personal_roster import NOTHING_HERE, NOTHING_TO_SEE, PersonalRoster, personal
from bot.roster import NotHere, Roster, UnknownNickname, Watched
from risk.decisions.tiers import Tier, TierThresholds

STRICT = TierThresholds(ratio_percent={Tier.WATCH: 500.0})


def whole(*nicknames: str) -> Roster:
    return Roster(Watched(account_id=f"id-{name}", nickname=name, thresholds=TierThresholds()) for name in nicknames)


def cut(roster: Roster, *seen: str, default: str = "", **nicknames: str) -> PersonalRoster:
    """Of who may see these, and calls some by names of their own."""
    return personal(
        roster, may_see={f"id-{one}" for one in seen}.__contains__, default_account=f"id-{default}",
        nicknames={f"id-{one}": own for one, own in nicknames.items()},
    )  # fmt: skip


def names(roster: Roster) -> list[str]:
    return [one.nickname for one in roster.all]


def test_only_what_may_be_seen_is_there_and_the_default_comes_first() -> None:
    mine = cut(whole("alpha", "bravo", "carol"), "alpha", "carol", default="carol")

    assert names(mine) == ["carol", "alpha"]
    assert mine.account_ids == ("id-carol", "id-alpha")
    with pytest.raises(UnknownNickname) as unknown:
        mine.find("bravo")
    assert unknown.value.known == ("carol", "alpha")
    with pytest.raises(UnknownNickname):
        mine.find("id-bravo")


def test_an_account_goes_by_the_own_name_by_the_one_everybody_uses_and_by_its_address() -> None:
    mine = cut(whole("alpha", "bravo"), "alpha", "bravo", alpha="whale")

    assert {mine.find(word).account_id for word in ("whale", "WHALE", "Alpha", "id-alpha")} == {"id-alpha"}
    assert mine.label("id-alpha") == "whale"


def test_an_own_name_wins_over_the_one_everybody_uses_for_another() -> None:
    mine = cut(whole("alpha", "bravo"), "alpha", "bravo", bravo="alpha")

    assert mine.find("alpha").account_id == "id-bravo"
    assert names(mine) == ["alpha-2", "alpha"]
    assert cut(whole("alpha", "bravo"), "bravo", bravo="alpha").find("alpha").account_id == "id-bravo"


def test_an_account_that_may_not_be_seen_has_no_name_and_no_address() -> None:
    mine = cut(whole("alpha", "bravo"), "alpha")

    assert mine.label("id-bravo") == "another account"
    assert mine.label("id-that-was-never-watched") == "another account"


def test_what_is_not_spoken_of_here_is_said_to_be_so_and_only_to_who_may_see_it() -> None:
    roster = whole("alpha", "bravo", "carol")
    here = personal(
        roster, may_see={"id-alpha", "id-bravo"}.__contains__, may_speak_of={"id-alpha"}.__contains__,
        nicknames={"id-bravo": "whale"},
    )  # fmt: skip

    assert names(here) == ["alpha"]
    for word in ("whale", "Bravo", "ID-BRAVO"):
        with pytest.raises(NotHere):
            here.find(word)
    with pytest.raises(UnknownNickname):
        here.find("carol")


def test_why_there_is_nothing_is_said() -> None:
    roster = whole("alpha")
    nowhere = personal(roster, may_see=lambda _: True, may_speak_of=lambda _: False, nicknames={})

    assert cut(roster).why_empty == NOTHING_TO_SEE
    assert nowhere.why_empty == NOTHING_HERE
    assert cut(Roster(())).why_empty == Roster(()).why_empty


def test_a_change_is_everybodys_and_keeps_the_name_everybody_uses() -> None:
    roster = whole("alpha", "bravo")
    mine = cut(roster, "alpha", alpha="whale")
    mine.change(replace(mine.find("whale"), thresholds=STRICT))

    assert mine.find("whale").thresholds == STRICT
    assert roster.find("alpha").thresholds == STRICT
    assert names(roster) == ["alpha", "bravo"]


def test_an_account_that_may_not_be_seen_cannot_be_changed_and_accounts_come_and_go_elsewhere() -> None:
    roster = whole("alpha", "bravo")
    mine, bravo = cut(roster, "alpha"), roster.find("bravo")
    with pytest.raises(KeyError):
        mine.change(replace(bravo, thresholds=STRICT))
    with pytest.raises(TypeError):
        mine.add(bravo)
    with pytest.raises(TypeError):
        mine.remove("id-alpha")

    assert roster.find("bravo").thresholds == TierThresholds()


def test_an_alert_is_judged_by_the_thresholds_of_its_account_even_when_that_is_not_in_the_cut() -> None:
    roster = whole("alpha", "bravo")
    mine = cut(roster, "alpha")
    roster.change(replace(roster.find("bravo"), thresholds=STRICT))

    assert mine.thresholds("id-bravo") == STRICT


WORDS = st.sampled_from(["alpha", "bravo", "carol", "alpha-2", "Whale", "whale"])


@given(st.sets(st.sampled_from(["alpha", "bravo", "carol"])), st.dictionaries(WORDS, WORDS, max_size=3), WORDS)
def test_no_two_accounts_share_a_name_and_what_is_found_may_be_seen(
    seen: set[str], nicknames: dict[str, str], asked: str
) -> None:
    own = {f"id-{one}": name for one, name in nicknames.items()}
    if len({name.lower() for name in own.values()}) < len(own):
        return  # storage gives nobody one name twice
    allowed = {f"id-{one}" for one in seen}
    mine = personal(whole("alpha", "bravo", "carol"), may_see=allowed.__contains__, nicknames=own)

    assert len({name.lower() for name in names(mine)}) == len(seen)
    for one in mine.all:
        assert mine.find(one.nickname).account_id == one.account_id
    with contextlib.suppress(UnknownNickname):
        assert mine.find(asked).account_id in allowed
