"""From what the settings name to who is watched, and what people call them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.accounts import free, watched_accounts
from bot.config import AccountSpec, BadSettings, parse_accounts
from bot.roster import Roster, UnknownNickname, Watched, short
from risk.decisions.tiers import Tier, TierThresholds
from storage import Accounts, Store
from tests.support.clock import FakeClock
from tests.support.tuned_reader import TunedReader
from venues.errors import VenueRejected, VenueUnavailable


def make_roster(*nicknames: str) -> Roster:
    return Roster(Watched(account_id=f"id-{name}", nickname=name, thresholds=TierThresholds()) for name in nicknames)


def test_an_account_is_found_by_nickname_whatever_the_case_or_by_address() -> None:
    roster = make_roster("Main", "second")

    assert roster.find("main").account_id == "id-Main"
    assert roster.find("SECOND").account_id == "id-second"
    assert roster.find("id-Main").nickname == "Main"


def test_a_name_nobody_has_is_told_with_those_there_are() -> None:
    with pytest.raises(UnknownNickname) as unknown:
        make_roster("main", "second").find("id-MAIN")

    assert unknown.value.known == ("main", "second")


def test_an_account_that_is_gone_is_shown_by_its_address() -> None:
    assert make_roster("main").label("5MWFVJxGSGKJhNfHkVigGURMyXxNRKMdxDcfauHq82G5") == "5MWF…82G5"
    assert short("paper-1") == "paper-1"


def test_a_change_takes_the_place_of_what_was_and_of_nothing_else() -> None:
    roster = make_roster("main", "second")
    changed = Watched(account_id="id-main", nickname="new", thresholds=TierThresholds())
    roster.change(changed)

    assert roster.all == (changed, roster.find("second"))
    with pytest.raises(KeyError):
        roster.change(Watched(account_id="id-x", nickname="x", thresholds=TierThresholds()))


async def resolved(text: str, *account_ids: str, store: Store | None = None) -> Roster:
    clock = FakeClock()
    opened = store or await Store.open(":memory:")
    try:
        return await watched_accounts(
            parse_accounts(text), reader=TunedReader(clock, *account_ids), accounts=Accounts(opened), venue="drift",
            clock=clock, thresholds=TierThresholds(),
        )  # fmt: skip
    finally:
        if store is None:
            await opened.close()


@pytest.mark.parametrize(
    ("text", "nicknames"),
    [
        ("9xQe1=main,9xQe2=second", ["main", "second"]),
        ("9xQe1,9xQe2", ["9xQe", "9xQe-2"]),
        ("9xQe1=main,9xQe2", ["main", "9xQe"]),
        ("9xQe1=9XQE,9xQe2", ["9XQE", "9xQe-2"]),
        ("9xQe1=my big account,9xQe2=\u202eevil\u200b", ["my-big-account", "evil"]),
        ("9xQe1=\u200b,9xQe2", ["9xQe", "9xQe-2"]),
    ],
)
async def test_every_account_has_a_name_one_can_type(text: str, nicknames: list[str]) -> None:
    roster = await resolved(text, "9xQe1", "9xQe2")

    assert [one.nickname for one in roster.all] == nicknames
    assert [one.account_id for one in roster.all] == ["9xQe1", "9xQe2"]


async def test_two_references_to_one_account_are_refused() -> None:
    with pytest.raises(BadSettings, match="ACCOUNTS: entry 2 is an account that is there already"):
        await resolved("9xQe1=main,9xQe1=again", "9xQe1")


async def test_an_account_that_does_not_exist_is_refused_by_the_venue() -> None:
    with pytest.raises(VenueRejected, match="there is no account nosuch"):
        await resolved("9xQe1,nosuch", "9xQe1")


async def test_a_venue_that_does_not_answer_is_said() -> None:
    clock = FakeClock()
    reader = TunedReader(clock)
    reader.error = VenueUnavailable("down")
    async with await Store.open(":memory:") as store:
        with pytest.raises(VenueUnavailable):
            await watched_accounts(
                [AccountSpec(reference="a:0")], reader=reader, accounts=Accounts(store), venue="drift", clock=clock,
                thresholds=TierThresholds(),
            )  # fmt: skip


async def test_thresholds_of_an_account_win_over_the_settings() -> None:
    own = TierThresholds(ratio_percent={Tier.WATCH: 500.0})
    async with await Store.open(":memory:") as store:
        await Accounts(store).save_thresholds("9xQe1", own)
        roster = await resolved("9xQe1,9xQe2", "9xQe1", "9xQe2", store=store)

    assert [one.thresholds for one in roster.all] == [own, TierThresholds()]


async def test_a_nickname_may_pass_from_an_account_that_left_to_one_that_came() -> None:
    async with await Store.open(":memory:") as store:
        await resolved("9xQe1=main", "9xQe1", store=store)
        await resolved("9xQe2=main", "9xQe2", store=store)

        assert [(one.account_id, one.nickname) for one in await Accounts(store).watched()] == [("9xQe2", "main")]


async def test_a_renamed_account_is_stored_under_its_new_name() -> None:
    async with await Store.open(":memory:") as store:
        await resolved("9xQe1=old", "9xQe1", store=store)
        await resolved("9xQe1=new", "9xQe1", store=store)

        assert [one.nickname for one in await Accounts(store).watched()] == ["new"]


@given(st.lists(st.text(alphabet="abAB-2", min_size=1, max_size=4), max_size=12))
def test_free_names_never_collide_whatever_the_case(wanted: list[str]) -> None:
    taken: set[str] = set()
    for name in wanted:
        found = free(name, taken)
        assert found.lower() not in taken
        taken.add(found.lower())
