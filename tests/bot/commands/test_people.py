"""/invite /people /revoke /link /here: who is linked, how they come, what they may do, how they go."""

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bot.commands.invite import VALID_FOR as INVITATION
from bot.commands.link import VALID_FOR as IDENTITY
from bot.messages import Command, Person
from storage import EVERYWHERE, Access, Role
from tests.support.bot_world import OWNER, BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport, Sent
from tests.support.team import group, member

if TYPE_CHECKING:
    from sqlite_utils import Database

CODE = re.compile(r"/start ([0-9A-Z]{4}-[0-9A-Z]{4})")


def code_in(answer: Sent) -> str:
    found = CODE.search(answer.text)
    assert found is not None, answer.text
    return found[1]


async def start(world: BotWorld, code: str, user: str, *, chat: str = "", private: bool = True) -> Sent:
    (answer,) = await world.say(f"/start {code}", user=user, chat=chat or user, private=private)
    return answer


async def access(world: BotWorld, user: str) -> Access | None:
    person = await world.app.services.people.person("chat", user)
    return person.access if person else None


# /invite


async def test_an_invitation_makes_a_stranger_a_person_with_a_role_for_some_accounts() -> None:
    async with bot_world("alpha", "bravo") as world:
        invitation = await world.answer("/invite responder bravo for Night shift")
        assert invitation.first == "Invitation for Night shift: responder of bravo"
        welcome = await start(world, code_in(invitation), "ann")

        assert welcome.first == "Linked. You are responder of bravo."
        assert "Accounts: bravo." in welcome.text
        assert await access(world, "ann") == Access(roles={"account-of-bravo": Role.RESPONDER})
        assert "Night shift" in (await world.answer("/people")).text


async def test_without_accounts_an_invitation_is_for_all_of_them() -> None:
    async with bot_world("alpha") as world:
        invitation = await world.answer("/invite viewer")
        assert invitation.first == "Invitation: viewer of all accounts"
        assert (await start(world, code_in(invitation), "ann")).first == "Linked. You are viewer."


async def test_a_late_an_used_and_a_withdrawn_invitation_say_so() -> None:
    async with bot_world("alpha") as world:
        boss = await member(world, "boss", Role.ADMIN, "alpha")
        used, late = (
            code_in(await world.answer("/invite viewer alpha")), code_in(await world.answer("/invite viewer alpha"))
        )  # fmt: skip
        void = code_in(await world.answer("/invite viewer alpha", user="boss"))
        await start(world, used, "ann")
        await world.app.services.people.revoke(boss.person_id, world.clock.now())

        assert (await start(world, used, "eve")).text.startswith("This code was used already. Ask whoever gave it")
        assert (await start(world, void, "eve")).text == "This code was withdrawn. Ask an admin for another one."
        world.clock.pass_s(INVITATION.total_seconds())
        assert (await start(world, late, "eve")).text.startswith("This code has expired. Ask whoever gave it")
        assert await access(world, "eve") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/invite", "Say which role: viewer, responder, trader, admin."),
        ("/invite king", "Say which role: viewer, responder, trader, admin."),
        ("/invite viewer nosuch", "No account is called nosuch. Accounts: alpha, bravo."),
        ("/invite viewer alpha for", "Say what they are called behind 'for', or leave it out."),
        ("/invite viewer <b>alpha</b>", "No account is called <b>alpha</b>. Accounts: alpha, bravo."),
    ],
)
async def test_what_makes_no_invitation_is_said(text: str, answer: str) -> None:
    async with bot_world("alpha", "bravo") as world:
        assert (await world.answer(text)).first == answer


async def test_an_admin_of_one_account_invites_for_that_one_alone() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "ann", Role.ADMIN, "alpha")
        await member(world, "ann", Role.VIEWER, "bravo")

        assert (await world.answer("/invite viewer", user="ann")).text == (
            "Only an admin of all accounts may do that for all of them: name the accounts."
        )
        assert (await world.answer("/invite viewer bravo", user="ann")).text == "Only an admin of bravo may do that."
        await start(world, code_in(await world.answer("/invite admin alpha", user="ann")), "bob")
        assert await access(world, "bob") == Access(roles={"account-of-alpha": Role.ADMIN})


# /people


async def test_people_are_listed_with_what_they_may_do_and_where_they_are() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "ann", Role.ADMIN, "alpha")
        await member(world, "ann", Role.VIEWER, "bravo")
        await group(world, "-100", "alpha", by="person-ann")
        text = (await world.answer("/people")).text

        assert text.startswith("2 people\n")
        assert re.search(r"^Owner #\w{6}: the owner$", text, re.MULTILINE)
        assert re.search(r"^Ann #\w{6}: admin of alpha, viewer of bravo$", text, re.MULTILINE)
        assert "  chat; 1 private chat, 1 group; since 5 Jan 2026 12:00 UTC" in text


async def test_an_admin_of_one_account_sees_who_shares_it_and_nothing_else_of_them() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "ann", Role.ADMIN, "alpha")
        await member(world, "bob", Role.VIEWER, "alpha")
        await member(world, "bob", Role.ADMIN, "bravo")
        await member(world, "eve", Role.ADMIN, "bravo")
        text = (await world.answer("/people", user="ann")).text

        assert "Bob" in text
        assert "viewer of alpha" in text
        assert "Eve" not in text
        assert "bravo" not in text
        assert (await world.answer("/people eve", user="ann")).text.startswith("Nobody is called eve.")


async def test_a_role_is_changed_by_confirm_and_the_person_is_told() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "ann", Role.VIEWER, "alpha")
        card = await world.answer("/people ann responder alpha bravo")
        assert card.first == "Ann: responder of alpha, bravo?"
        assert await access(world, "ann") == Access(roles={"account-of-alpha": Role.VIEWER})
        await world.press(card.data("Confirm"), ref=card.ref)

        assert await access(world, "ann") == Access(
            roles={"account-of-alpha": Role.RESPONDER, "account-of-bravo": Role.RESPONDER}
        )
        assert [one.first for one in world.transport.sent if one.chat == "ann"] == ["Your roles have changed."]


async def test_a_role_is_taken_away() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "ann", Role.VIEWER, "alpha", "bravo")
        card = await world.answer("/people ann none bravo")
        assert card.first == "Ann: no role of bravo?"
        await world.press(card.data("Confirm"), ref=card.ref)

        assert await access(world, "ann") == Access(roles={"account-of-alpha": Role.VIEWER})


async def test_a_card_holds_for_two_minutes_for_one_press_and_for_who_may() -> None:
    async with bot_world("alpha") as world:
        await member(world, "ann", Role.VIEWER, "alpha")
        await member(world, "bob", Role.RESPONDER)
        card = await world.answer("/people ann admin alpha")
        assert await world.press(card.data("Confirm"), user="bob", ref=card.ref) == (
            "This needs the role admin; yours is responder."
        )
        await world.press(card.data("Confirm"), ref=card.ref)
        assert (await world.press(card.data("Confirm"), ref=card.ref)).startswith("This card does not hold any more.")
        late = await world.answer("/people ann none alpha")
        world.clock.pass_s(121)
        assert (await world.press(late.data("Confirm"), ref=late.ref)).startswith("This card does not hold any more.")

        assert await access(world, "ann") == Access(roles={"account-of-alpha": Role.ADMIN})


async def test_an_admin_of_one_account_confirms_nothing_for_another_even_by_somebody_elses_card() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "ann", Role.ADMIN, "alpha")
        await member(world, "eve", Role.VIEWER, "bravo")
        card = await world.answer("/people eve admin bravo")

        assert "admin of" in await world.press(card.data("Confirm"), user="ann", ref=card.ref)
        assert await access(world, "eve") == Access(roles={"account-of-bravo": Role.VIEWER})


async def test_the_owner_stays_what_they_are() -> None:
    async with bot_world("alpha") as world:
        await member(world, "ann", Role.ADMIN)

        stays = "The owner is an admin of everything and stays."
        assert (await world.answer("/people owner viewer", user="ann")).text == stays
        assert (await world.answer("/revoke owner", user="ann")).text == "The owner cannot be revoked."
        assert await world.app.services.people.has_owner()


async def test_two_of_one_name_are_told_apart_by_their_numbers() -> None:
    async with bot_world("alpha") as world:
        for user in ("ann", "anna"):
            person = await member(world, user, Role.VIEWER)
            rename = partial(_called, person_id=person.person_id)
            await world.store.atomic(rename)
        complaint = (await world.answer("/revoke sam")).first
        numbers = re.findall(r"Sam #(\w{6})", complaint)

        assert complaint.startswith("sam may be several: Sam #")
        card = await world.answer(f"/revoke #{numbers[0]}")
        assert card.first.startswith(f"Revoke Sam #{numbers[0]}")


async def test_many_people_are_paged() -> None:
    async with bot_world("alpha") as world:
        for number in range(19):
            await member(world, f"user{number:02d}", Role.VIEWER)
        first = await world.answer("/people")
        assert first.first == "20 people, page 1 of 3"
        assert len(first.text) < 3_000
        await world.press(first.data("More"), ref=first.ref)

        _, second = world.transport.edits[-1]
        assert second.blocks[0].text == "20 people, page 2 of 3"  # type: ignore[union-attr]  # a line
        assert [button.label for row in second.buttons for button in row] == ["Back", "More"]


# /revoke


async def test_somebody_revoked_is_a_stranger_whose_chats_and_codes_are_void() -> None:
    async with bot_world("alpha") as world:
        await member(world, "ann", Role.ADMIN)
        await group(world, "-100", by="person-ann")
        code = code_in(await world.answer("/invite viewer", user="ann"))
        await world.check(110)
        alert = next(one for one in world.alerts if one.chat == "ann")
        card = await world.answer("/revoke ann")
        assert card.first.startswith("Revoke Ann #")
        assert "1 group that they linked" in card.text
        await world.press(card.data("Confirm"), ref=card.ref)

        assert await world.press(alert.data("Ack"), user="ann", ref=alert.ref) == "This button is not for you."
        assert "private bot" in (await world.answer("/health", user="ann")).text
        assert (await start(world, code, "eve")).text == "This code was withdrawn. Ask an admin for another one."
        before = len(world.alerts)
        await world.check(90)
        assert {one.chat for one in world.alerts[before:]} == {"home"}


async def test_nobody_revokes_themselves_or_whom_they_do_not_govern() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "ann", Role.ADMIN, "alpha")
        await member(world, "bob", Role.VIEWER, "alpha", "bravo")

        assert (await world.answer("/revoke ann", user="ann")).text.startswith("Nobody revokes themselves")
        assert "no admin of" in (await world.answer("/revoke bob", user="ann")).text


async def test_cancel_changes_nothing() -> None:
    async with bot_world("alpha") as world:
        await member(world, "ann", Role.VIEWER)
        card = await world.answer("/revoke ann")

        assert await world.press(card.data("Cancel"), ref=card.ref) == "Cancelled. Nothing was changed."
        assert await access(world, "ann") == Access(roles={EVERYWHERE: Role.VIEWER})


# /link: one person on several platforms.


async def elsewhere(world: BotWorld, platform: RecordingTransport, text: str, user: str) -> list[Sent]:
    """Somebody writes on another platform of the same process."""
    name = platform.name
    written = world.written(text, user=user, chat=user)
    written = Command(
        sender=Person(transport=name, user_id=user, display_name=user.title()),
        address=type(written.address)(transport=name, chat=user), text=text, sent_at=written.sent_at,
    )  # fmt: skip
    before = len(platform.sent)
    platform.hear(written)
    platform.end()
    await world.app.dispatcher.serve(platform)
    return platform.sent[before:]


async def test_a_code_makes_somebody_the_same_person_on_another_platform() -> None:
    discord = RecordingTransport(now=FakeClock().now, name="discord")
    async with bot_world("alpha", others=[discord]) as world:
        await member(world, "ann", Role.RESPONDER, "alpha")
        offer = await world.answer("/link", user="ann")
        (welcome,) = await elsewhere(world, discord, f"/start {code_in(offer)}", "ann77")
        assert welcome.first == "Linked. You are responder of alpha."
        assert "You are known on discord too now." in [one.first for one in world.transport.sent if one.chat == "ann"]
        await world.check(240)

        (answer,) = await elsewhere(world, discord, "/health", "ann77")
        assert answer.first == "alpha: health 58%, WATCH"
        assert "chat, discord; 2 private chats" in (await world.answer("/people ann")).text
        assert len(await world.app.services.people.linked()) == 2


async def test_the_code_holds_for_ten_minutes() -> None:
    discord = RecordingTransport(now=FakeClock().now, name="discord")
    async with bot_world("alpha", others=[discord]) as world:
        offer = await world.answer("/link")
        world.clock.pass_s(IDENTITY.total_seconds())
        (answer,) = await elsewhere(world, discord, f"/start {code_in(offer)}", "boss")

        assert answer.text.startswith("This code has expired.")


async def test_who_is_linked_as_another_is_asked_before_they_become_one() -> None:
    async with bot_world("alpha") as world:
        await member(world, "ann", Role.VIEWER, "alpha")
        offer = await world.answer("/link", user="ann")
        card = await start(world, code_in(offer), OWNER)
        assert card.first == "This code is somebody's who is linked elsewhere. Are you that person?"
        assert "whoever gave you this code can then do all that you can" in card.text
        assert await access(world, "ann") == Access(roles={"account-of-alpha": Role.VIEWER})

        await member(world, "bob", Role.ADMIN)
        assert "Only who sent the code" in await world.press(card.data("Confirm"), user="bob", ref=card.ref)


async def test_and_becomes_one_by_confirm() -> None:
    async with bot_world("alpha") as world:
        await member(world, "ann", Role.VIEWER, "alpha")
        offer = await world.answer("/link", user="ann")
        card = await start(world, code_in(offer), OWNER)
        assert await world.press(card.data("Confirm"), ref=card.ref) == "Joined"

        (one,) = await world.app.services.people.linked()
        assert one.owner
        assert {identity.user_id for identity in await world.app.services.people.identities(one.person_id)} == {
            "ann", OWNER
        }  # fmt: skip


async def test_only_who_governs_somebody_gives_out_their_identity() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "ann", Role.ADMIN, "alpha")
        await member(world, "bob", Role.VIEWER, "alpha", "bravo")

        assert (await world.answer("/link bob", user="ann")).text.startswith(
            "Only somebody who may do all that Bob may"
        )
        assert (await world.answer("/link owner", user="ann")).text.startswith("Nobody is called owner.")
        assert "Whoever sends this is Bob" in (await world.answer("/link bob")).first


# /here


async def here(world: BotWorld, words: str, *, user: str = OWNER, chat: str = "-100") -> str:
    (answer,) = await world.say(f"/here {words}".strip(), user=user, chat=chat, private=False)
    return answer.text


async def test_a_group_hears_what_an_admin_says_it_may() -> None:
    async with bot_world("alpha", "bravo") as world:
        assert (await here(world, "")).startswith("Say what this group may hear of: accounts by name, or all.")
        assert (await here(world, "alpha")).startswith("This group hears of alpha from now on.")
        assert (await here(world, "")) == "This group hears of alpha."
        await world.check(110)
        assert (await here(world, "all")).startswith("This group hears of all accounts from now on.")
        assert await here(world, "off") == "This group hears of nothing any more."
        assert await here(world, "off") == "This group heard of nothing."


async def test_who_is_no_admin_of_an_account_allows_it_nowhere() -> None:
    async with bot_world("alpha", "bravo") as world:
        await member(world, "ann", Role.ADMIN, "alpha")
        await member(world, "ann", Role.TRADER, "bravo")

        assert await here(world, "bravo", user="ann") == "Only an admin of bravo may do that."
        assert (await here(world, "all", user="ann")).startswith("Only an admin of all accounts")
        assert (await here(world, "alpha", user="ann")).startswith("This group hears of alpha")
        await group(world, "-200", "bravo")
        assert await here(world, "off", user="ann", chat="-200") == "Only an admin of bravo may do that."
        await member(world, "eve", Role.VIEWER, "alpha")
        assert await here(world, "", user="eve", chat="-200") == (
            "This group hears of accounts that you may not see (1)."
        )


async def test_a_private_chat_is_let_go_and_taken_back() -> None:
    async with bot_world("alpha") as world:
        await world.answer("/here off")
        await world.check(110)
        assert not world.alerts
        assert (await world.answer("/start")).first == "You are linked already. You are the owner."
        await world.check(90)
        assert [one.chat for one in world.alerts] == ["home"]
        assert (await world.answer("/here alpha")).first.startswith("Accounts are named in groups.")


async def test_names_with_markup_are_shown_as_they_are_written() -> None:
    async with bot_world("alpha") as world:
        invitation = await world.answer("/invite viewer for <b>Ann</b>&\u202eevil")
        await start(world, code_in(invitation), "ann")

        text = (await world.answer("/people")).text
        assert "<b>Ann</b>&evil" in text
        assert "\u202e" not in text


def _called(db: "Database", person_id: str) -> None:
    db.execute("UPDATE people SET display_name = 'Sam' WHERE person_id = ?", [person_id])
