"""/accounts /watch /unwatch: what is watched, what it is called by whom, and which one is meant."""

from pathlib import Path

import pytest

from bot.accounts import watched_accounts
from bot.config import parse_accounts
from bot.messages import Table
from risk.decisions.tiers import Tier, TierThresholds
from storage import Accounts, AccountSource, Naming, Role, Store, WatchedAccount
from tests.support.bot_world import BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.recording_transport import Sent
from tests.support.team import member
from tests.support.tuned_reader import TunedReader, at_ratio
from venues.errors import VenueUnavailable

NEW = "5MWFVJxGSGKJhNfHkVigGURMyXxNRKMdxDcfauHq82G5"


def names(answer: Sent) -> list[str]:
    (table,) = [block for block in answer.message.blocks if isinstance(block, Table)]
    return [row[0] for row in table.rows]


# /accounts


async def test_accounts_are_listed_with_the_health_of_each() -> None:
    async with bot_world("alpha", "bravo") as world:
        world.put(110, "account-of-bravo")
        await world.check()
        answer = await world.answer("/accounts")

        assert answer.first == "2 accounts"
        (table,) = [block for block in answer.message.blocks if isinstance(block, Table)]
        assert table.rows == (("alpha", "OK", "400.0%", "75%"), ("bravo", "CRITICAL", "110.0%", "9.0%"))
        assert "Without a name alpha is meant." in answer.text


async def test_one_account_is_one_account() -> None:
    async with bot_world() as world:
        await world.check()
        text = (await world.answer("/accounts")).text
        assert text.startswith("1 account\n")
        assert "\n1 account · " in text


async def test_an_account_nobody_can_assess_has_dashes_and_a_reason() -> None:
    async with bot_world("alpha", "bravo") as world:
        world.reader.problems["account-of-bravo"] = ("its account data is truncated",)
        await world.check()
        answer = await world.answer("/accounts")

        assert "bravo  UNKNOWN  -  -" in answer.text
        assert "! bravo: its account data is truncated" in answer.text


async def test_somebody_calls_an_account_something_and_nobody_else_does() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "bob", Role.VIEWER)
        await world.check()
        assert (await world.answer("/accounts name alpha Whale")).first == "You call alpha Whale from now on."

        assert names(await world.answer("/accounts")) == ["Whale", "bravo"]
        assert (await world.answer("/health whale")).first == "Whale: health 75%, OK"
        assert (await world.answer("/health alpha")).first == "Whale: health 75%, OK", "the common name is understood"
        assert names(await world.answer("/accounts", user="bob")) == ["alpha", "bravo"]
        assert (await world.answer("/health whale", user="bob")).first.startswith("No account is called whale.")
        await world.answer("/accounts name whale -")
        assert names(await world.answer("/accounts")) == ["alpha", "bravo"]


async def test_a_name_that_two_people_swap_means_what_each_of_them_means() -> None:
    async with bot_world("alpha", "bravo") as world:
        await world.answer("/accounts name alpha tmp")
        await world.answer("/accounts name bravo alpha")
        await world.check()

        assert names(await world.answer("/accounts")) == ["tmp", "alpha"]
        assert (await world.answer("/tiers alpha")).first.startswith("alpha: ")
        assert "account-of-bravo" in str(world.app.services.roster.find("bravo"))


async def test_a_common_name_that_somebody_took_for_another_gets_a_number() -> None:
    async with bot_world("alpha") as world:
        await world.answer("/accounts name alpha bravo")
        world.reader.accounts[NEW] = at_ratio(400)
        card = await world.answer(f"/watch {NEW} bravo")
        await world.press(card.data("Confirm"), ref=card.ref)

        assert names(await world.answer("/accounts")) == ["bravo", "bravo-2"]


async def test_a_change_under_ones_own_name_reaches_everybody() -> None:
    async with bot_world("alpha", "bravo") as world:
        await world.answer("/accounts name bravo mine")
        card = await world.answer("/tiers mine critical 140")
        await world.press(card.data("Confirm"), ref=card.ref)

        shared = world.app.services.roster.find("bravo")
        assert shared.thresholds.ratio_percent[Tier.CRITICAL] == 140
        assert shared.nickname == "bravo"


async def test_the_default_account_comes_first_and_is_meant_where_none_is_named() -> None:
    async with bot_world("alpha", "bravo") as world:
        await world.check()
        assert (await world.answer("/accounts default bravo")).first.startswith("bravo is meant from now on")

        assert names(await world.answer("/accounts")) == ["bravo*", "alpha"]
        assert (await world.answer("/portfolio")).first.startswith("bravo: ")
        await world.answer("/accounts default off")
        assert (await world.answer("/portfolio")).first.startswith("alpha: ")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("/accounts name alpha", "To change what you call one:"),
        ("/accounts name nosuch x", "No account is called nosuch. Accounts: alpha, bravo."),
        ("/accounts name alpha BRAVO", "BRAVO means something else already; choose another name."),
        ("/accounts name alpha all", "all means something else already; choose another name."),
        ("/accounts name alpha \u200b", "A nickname is one word that can be seen, of at most 24 columns."),
        ("/accounts name alpha " + "x" * 25, "A nickname is one word that can be seen, of at most 24 columns."),
        ("/accounts default nosuch", "No account is called nosuch. Accounts: alpha, bravo."),
    ],
)
async def test_what_makes_no_name_is_said(text: str, complaint: str) -> None:
    async with bot_world("alpha", "bravo") as world:
        assert (await world.answer(text)).first.startswith(complaint)


async def test_markup_in_a_nickname_is_a_nickname() -> None:
    async with bot_world("alpha") as world:
        await world.check()
        await world.answer("/accounts name alpha <b>x</b>")

        assert (await world.answer("/health")).first == "<b>x</b>: health 75%, OK"
        assert (await world.answer("/health <B>X</B>")).first == "<b>x</b>: health 75%, OK"


async def test_a_thousand_accounts_are_paged_and_every_answer_stays_short() -> None:
    nicknames = [f"account{number:04d}" for number in range(1_000)]
    async with bot_world(*nicknames, limits=None) as world:
        world.put(110, "account-of-account0777")
        await world.check()
        first = await world.answer("/accounts")
        assert first.first == "1,000 accounts, page 1 of 50"
        assert len(names(first)) == 20
        await world.press(first.data("More"), ref=first.ref)
        assert "page 2 of 50" in str(world.transport.edits[-1][1])
        assert (await world.answer("/accounts 50")).first == "1,000 accounts, page 50 of 50"

        assert (await world.answer("/health")).first == "account0777: health 9.0%, CRITICAL"
        for text in ("/health", "/help", "/start", "/health nosuch", "/limits x y z", "/people", "/status"):
            answer = await world.answer(text)
            assert len(answer.text) < 4_000, text
            if "account0000" in answer.text and text != "/health":
                assert "and 988 more" in answer.text, text


# /watch and /unwatch


async def watched(world: BotWorld, text: str) -> Sent:
    card = await world.answer(text)
    await world.press(card.data("Confirm"), ref=card.ref)
    return card


async def test_an_account_is_looked_at_confirmed_and_watched_at_once() -> None:
    async with bot_world("alpha") as world:
        world.reader.accounts[NEW] = at_ratio(400)
        card = await watched(world, f"/watch {NEW} Desk")
        assert card.first == "Watch 5MWF…82G5 as Desk?"
        assert "Equity  $200" in card.text
        assert NEW in card.text

        assert (await world.answer("/health desk")).first.startswith("Desk: health 75%, ")
        world.put(110, NEW)
        assert await world.check() == ["CRITICAL"]
        assert world.alerts[-1].first.startswith("CRITICAL Desk: ")


async def test_before_confirm_nothing_is_watched() -> None:
    async with bot_world("alpha") as world:
        world.reader.accounts[NEW] = at_ratio(400)
        card = await world.answer(f"/watch {NEW}")
        assert card.first == "Watch 5MWF…82G5 as 5MWF?"
        await world.press(card.data("Cancel"), ref=card.ref)

        assert world.app.services.roster.account_ids == ("account-of-alpha",)
        world.clock.pass_s(121)
        notice = await world.press(card.data("Confirm"), ref=card.ref)
        assert notice.startswith("This card does not hold any more.")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/watch", "Say which account: an address, or a wallet and a number such as WALLET:0."),
        ("/watch nosuch", "there is no account nosuch; check it."),
        ("/watch account-of-alpha", "account-of-alpha is watched already, as alpha."),
        (f"/watch {NEW} ALPHA", "An account is called ALPHA already; choose another nickname."),
        ("/unwatch", "Say which account: alpha."),
        ("/unwatch nosuch", "No account is called nosuch. Accounts: alpha."),
    ],
)
async def test_what_cannot_be_watched_is_said(text: str, answer: str) -> None:
    async with bot_world("alpha") as world:
        world.reader.accounts[NEW] = at_ratio(400)
        said = (await world.answer(text)).first.replace("acco…lpha", "account-of-alpha")
        assert said == answer


async def test_a_venue_that_does_not_answer_watches_nothing() -> None:
    async with bot_world("alpha") as world:
        await world.check()
        world.reader.error = VenueUnavailable("no endpoint answers; try later")
        assert (await world.answer(f"/watch {NEW}")).first == "no endpoint answers; try later."


async def test_an_account_with_doubtful_data_is_shown_as_such_and_may_be_watched() -> None:
    async with bot_world("alpha") as world:
        world.reader.accounts[NEW] = at_ratio(400)
        world.reader.problems[NEW] = ("its account data is truncated",)
        card = await watched(world, f"/watch {NEW} desk")

        assert "! its account data is truncated" in card.text
        assert "$" not in card.text
        assert (await world.check()) == ["UNKNOWN"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESPONDER, Role.TRADER])
async def test_only_an_admin_of_all_adds_accounts(role: Role) -> None:
    async with bot_world("alpha") as world:
        await member(world, "bob", role)
        await member(world, "ann", Role.ADMIN, "alpha")
        assert (await world.answer(f"/watch {NEW}", user="bob")).text == (
            f"/watch needs the role admin; yours is {role.value}."
        )
        assert (await world.answer(f"/watch {NEW}", user="ann")).text == (
            "/watch needs the role admin; yours is for some accounts only."
        )


async def test_an_account_from_chat_is_let_go_with_its_alerts() -> None:
    async with bot_world("alpha") as world:
        world.reader.accounts[NEW] = at_ratio(110)
        await watched(world, f"/watch {NEW} desk")
        assert await world.check() == ["CRITICAL"]
        card = await world.answer("/unwatch desk")
        assert card.first == "Watch desk no longer?"
        await world.press(card.data("Confirm"), ref=card.ref)
        await world.deliver()

        assert world.heads[-1] == "RESOLVED"
        assert (await world.answer("/alerts")).first == "No open alert"
        assert world.app.services.roster.account_ids == ("account-of-alpha",)
        assert world.app.services.fleet.account_ids == ("account-of-alpha",)


async def test_an_account_of_the_settings_is_let_go_there_alone() -> None:
    async with bot_world("alpha") as world:
        entry = WatchedAccount(
            account_id="account-of-alpha", venue="paper", nickname="alpha", added_at=world.clock.now()
        )
        await world.app.services.accounts.watch(entry)
        answer = await world.answer("/unwatch alpha")

        assert answer.first == "alpha cannot be taken off from here."
        assert "setting ACCOUNTS" in answer.text
        assert not answer.message.buttons


# Across restarts.


async def roster_of(text: str, store: Store, *account_ids: str, venue: str = "drift") -> dict[str, str]:
    clock = FakeClock()
    roster = await watched_accounts(
        parse_accounts(text), reader=TunedReader(clock, *account_ids), accounts=Accounts(store), venue=venue,
        clock=clock, thresholds=TierThresholds(),
    )  # fmt: skip
    return {one.account_id: one.nickname for one in roster.all}


async def add(store: Store, account_id: str, nickname: str) -> None:
    entry = WatchedAccount(
        account_id=account_id, venue="drift", nickname=nickname, added_at=FakeClock().now(), source=AccountSource.CHAT
    )
    assert await Accounts(store).watch(entry) is Naming.DONE


async def test_accounts_of_the_chat_are_still_watched_after_a_restart(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.db") as store:
        await roster_of("a=main,b=side", store, "a", "b")
        await add(store, "c", "desk")
    async with await Store.open(tmp_path / "keel.db") as store:
        assert await roster_of("a=main", store, "a", "b") == {"a": "main", "c": "desk"}
        assert [entry.account_id for entry in await Accounts(store).watched()] == ["a", "c"]


async def test_where_both_name_an_account_it_belongs_to_the_settings() -> None:
    async with await Store.open(":memory:") as store:
        await add(store, "a", "desk")
        assert await roster_of("a=main", store, "a") == {"a": "main"}
        entry = await Accounts(store).find("a")
        assert entry is not None
        assert (entry.source, entry.nickname) == (AccountSource.FILE, "main")
        assert await roster_of("", store, "a") == {}, "and goes with them"


async def test_a_nickname_the_settings_want_makes_the_other_one_give_way() -> None:
    async with await Store.open(":memory:") as store:
        await add(store, "c", "Main")
        assert await roster_of("a=main", store, "a") == {"a": "main", "c": "Main-2"}
        assert {entry.nickname for entry in await Accounts(store).watched()} == {"main", "Main-2"}


async def test_accounts_of_another_venue_wait_for_it() -> None:
    async with await Store.open(":memory:") as store:
        await add(store, "c", "desk")
        assert await roster_of("a=main", store, "a", venue="paper") == {"a": "main"}
        assert await roster_of("a=main", store, "a") == {"a": "main", "c": "desk"}
