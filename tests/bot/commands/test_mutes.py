"""/mute, /unmute, /silence and /verbosity: said, asked about, seen, taken back, and what comes of them."""

from datetime import timedelta

import pytest

from bot.alerts.desk import Finding
from bot.messages import Tone
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from storage import Role
from tests.bot.commands.accounts import unread_oracle
from tests.support.bot_world import OWNER, BotWorld, bot_world
from tests.support.recording_transport import Sent

LIMIT = Cause(kind=CauseKind.LIMIT, account_id="account-of-main", subject="max_position_size_usd/SOL-PERP")


async def breach(world: BotWorld, tier: Tier = Tier.WARNING) -> list[str]:
    """Something about SOL-PERP; what is heard of it."""
    before = len(world.heads)
    await world.app.desk.settle([Finding(cause=LIMIT, tier=tier, fact="too large", market="SOL-PERP")])
    await world.deliver()
    return world.heads[before:]


async def press(world: BotWorld, card: Sent, label: str) -> str:
    return await world.press(card.data(label), ref=card.ref)


def labels(answer: Sent) -> list[str]:
    return [button.label for row in answer.message.buttons for button in row]


async def test_a_muted_market_is_not_told_here_until_its_time_is_over() -> None:
    async with bot_world() as world:
        await world.check(400)
        answer = await world.answer("/mute sol 2h")

        assert answer.text == (
            "SOL-PERP is muted here until 5 Jan 2026 14:00 UTC.\nCRITICAL and worse still comes through."
        )
        assert (await world.answer("/mute")).text.split("\n")[:2] == [
            "1 muted here", "SOL-PERP: until 5 Jan 2026 14:00 UTC",
        ]  # fmt: skip
        assert await breach(world) == []
        world.clock.pass_s(7_200)
        assert await breach(world) == ["LIMIT"]
        assert (await world.answer("/mute")).first == "No market is muted here"


async def test_a_mute_holds_nothing_critical_and_nothing_of_other_chats() -> None:
    async with bot_world() as world:
        await world.link("bob", Role.RESPONDER, chat="office")
        await world.check(400)
        await world.answer("/mute SOL-PERP")

        assert await breach(world) == ["LIMIT"]
        assert world.alerts[-1].chat == "office"
        await breach(world, Tier.CRITICAL)
        assert {alert.chat for alert in world.alerts[1:]} == {"office", "home"}


async def test_a_mute_can_be_taken_back_by_its_button_and_by_unmute() -> None:
    async with bot_world() as world:
        await world.check(400)
        muted = await world.answer("/mute SOL-PERP")
        assert await press(world, muted, "Undo") == "Taken back"
        assert (await world.answer("/mute")).first == "No market is muted here"

        await world.answer("/mute SOL-PERP 3h")
        await world.answer("/mute usdc 1h")
        assert (await world.answer("/unmute")).first == "Say which one: SOL-PERP, USDC, or all."
        assert (await world.answer("/unmute btc")).first == "btc is not muted here; SOL-PERP, USDC is."
        assert (await world.answer("/unmute sol")).first == "SOL-PERP: told here again."
        back = await world.answer("/unmute all")
        assert back.first == "USDC: told here again."
        assert (await world.answer("/unmute all")).first == "No market is muted here."
        assert await press(world, back, "Undo") == "Taken back"
        assert "USDC: until 5 Jan 2026 13:00 UTC" in (await world.answer("/mute")).text


async def test_what_hides_something_important_is_asked_about_first() -> None:
    async with bot_world() as world:
        await world.check(400)
        long = await world.answer("/mute SOL-PERP 2d")
        assert (long.first, labels(long)) == ("Mute SOL-PERP for 2 d?", ["Confirm", "Cancel"])
        assert await press(world, long, "Cancel") == "Cancelled. Nothing was changed."
        await breach(world)
        standing = await world.answer("/mute SOL-PERP 1h")
        assert standing.text.split("\n")[:2] == [
            "Mute SOL-PERP all the same?",
            "There is something about it now: #1 WARNING. It would not be told here any more.",
        ]
        assert (await world.answer("/mute")).first == "No market is muted here"
        assert await press(world, standing, "Confirm") == "Changed"
        assert (await world.answer("/mute")).first == "1 muted here"


MUTES_REFUSED = {
    "/mute DOGE": "Your accounts are in no market called DOGE. There is SOL-PERP, USDC.",
    "/mute SOL-PREP": "Your accounts are in no market called SOL-PREP. Did you mean SOL-PERP?",
    "/mute SOL-PERP soon": "'soon' is no time; write it like 30m, 2h or 1d.",
    "/mute SOL-PERP 5": "'5' is no time; write it like 30m, 2h or 1d.",
    "/mute SOL-PERP 31d": "31d is too long; at most 30 d.",
    "/mute SOL-PERP 5s": "Say at least a minute.",
    "/silence main 8d": "8d is too long; at most 7 d.",
    "/silence other 2h": "'other 2h' is no time; write it like 30m, 2h or 1d.",
    "/silence off main 2h": "To end it say /silence off and the account.",
    "/verbosity loud": "There is no level loud; levels are all, normal, important, critical.",
    "/verbosity all soon": "Behind the level only the digest can be set: digest 08:00, digest 6h, or digest daily.",
    "/verbosity digest": "Behind the level only the digest can be set: digest 08:00, digest 6h, or digest daily.",
    "/verbosity digest noon": "noon is no time for a digest; write 08:00 or 6h.",
    "/verbosity digest 25:00": "A digest comes every 1, 2, 3, 4, 6, 8, 12 or 24 hours, or at a time such as 08:00.",
    "/verbosity digest 5h": "A digest comes every 1, 2, 3, 4, 6, 8, 12 or 24 hours, or at a time such as 08:00.",
    "/verbosity digest 0h": "A digest comes every 1, 2, 3, 4, 6, 8, 12 or 24 hours, or at a time such as 08:00.",
}  # fmt: skip


@pytest.mark.parametrize(("typed", "sentence"), MUTES_REFUSED.items())
async def test_what_cannot_be_is_refused_with_the_usage(typed: str, sentence: str) -> None:
    async with bot_world() as world:
        await world.check(400)
        answer = await world.answer(typed)

        assert answer.first == sentence
        assert answer.text.split("\n")[-1].startswith(f"Usage: {typed.split(' ')[0]} ")
        assert await world.app.services.preferences.all() == {}


async def test_nobody_learns_of_markets_of_accounts_they_may_not_see() -> None:
    async with bot_world("main", "hedge") as world:
        await world.check(400)
        guest = await world.link("guest", Role.VIEWER)
        await world.app.services.people.take(guest.person_id, "")

        (answer,) = await world.say("/mute SOL-PERP", user="guest", chat="guest")
        assert "SOL" not in answer.first.replace("SOL-PERP", "", 1)
        assert answer.first == "Your accounts are in no market now, so there is nothing to mute."


async def test_a_silenced_account_is_told_again_when_its_time_is_over_and_only_critical_rings_meanwhile() -> None:
    async with bot_world("main", "hedge") as world:
        await world.check(400)
        answer = await world.answer("/silence main 2h")
        assert answer.first == "main is silenced here until 5 Jan 2026 14:00 UTC."
        assert "main: until 5 Jan 2026 14:00 UTC" in (await world.answer("/silence")).text

        assert await world.check(140) == []
        world.put(140, "account-of-hedge")
        assert [alert.split(":")[0] for alert in await world.check()] == ["HIGH"]
        assert await world.check(110) == ["CRITICAL"]
        assert world.alerts[-1].message.tone is Tone.URGENT
        await world.checks(120, 160)
        world.clock.pass_s(7_200)
        heard = await world.check(140)
        assert "HIGH" in heard


async def test_a_silenced_account_that_nobody_can_assess_is_told_without_a_sound() -> None:
    async with bot_world() as world:
        await world.check(400)
        await world.answer("/silence main 2h")
        world.reader.accounts[world.account] = unread_oracle()

        assert await world.check() == ["UNKNOWN"]
        assert world.alerts[-1].message.tone is Tone.QUIET


async def test_an_account_in_danger_is_silenced_only_when_that_is_confirmed() -> None:
    async with bot_world() as world:
        await world.check(140)
        card = await world.answer("/silence main 2h")

        assert card.text.split("\n")[:2] == [
            "Silence main for 2 h?", "It is HIGH now. WATCH, WARNING and HIGH would not be told here until then.",
        ]  # fmt: skip
        assert (await world.answer("/silence")).first == "No account is silenced here"
        assert await press(world, card, "Confirm") == "Changed"
        assert (await world.answer("/silence off main")).first == "main: told here again."
        assert (await world.answer("/silence off main")).first == "main is not silenced here."


async def test_with_several_accounts_silence_wants_to_know_which() -> None:
    async with bot_world("main", "hedge") as world:
        await world.check(400)

        assert (await world.answer("/silence 3h")).first == "Say which account: main, hedge."
        assert (await world.answer("/silence hedge")).first.startswith("hedge is silenced here until")


async def test_each_level_shows_what_rings() -> None:
    async with bot_world() as world:
        assert (await world.answer("/verbosity")).first == "Verbosity here: all"
        await world.answer("/verbosity important")
        shown = (await world.answer("/verbosity")).text

        assert "HIGH  rings" in shown
        assert "WARNING  no sound" in shown
        assert "WATCH  digest" in shown
        assert "What waits comes once a day at 08:00 UTC." in shown


async def test_what_waits_comes_in_the_digest_as_one_message_without_a_sound() -> None:
    async with bot_world("main", "hedge") as world:
        await world.check(400)
        answer = await world.answer("/verbosity important digest 6h")
        assert answer.text.endswith("What waits comes every 6 h, one of them at 08:00 UTC.")
        world.put(240)
        world.put(240, "account-of-hedge")

        assert await world.check() == []
        world.clock.pass_s(timedelta(hours=2).total_seconds())
        await world.deliver()
        (digest,) = world.alerts
        assert "WATCH main" in digest.text
        assert "WATCH hedge" in digest.text
        assert digest.message.tone is Tone.QUIET


async def test_the_digest_can_come_with_the_daily_one() -> None:
    async with bot_world() as world:
        await world.answer("/settings zone Europe/Berlin")
        await world.answer("/settings digest 07:30")
        answer = await world.answer("/verbosity normal digest daily")

        assert "What waits comes once a day at 07:30 Europe/Berlin." in answer.text


async def test_only_critical_rings_where_that_was_confirmed_and_undo_takes_it_back() -> None:
    async with bot_world() as world:
        card = await world.answer("/verbosity critical")
        assert card.first == "Ring only for CRITICAL here?"
        assert await press(world, card, "Confirm") == "Changed"
        await world.check(140)
        await world.check(110)
        assert [alert.message.tone for alert in world.alerts] == [Tone.QUIET, Tone.URGENT]
        back = await world.answer("/verbosity all")
        assert await press(world, back, "Undo") == "Taken back"
        assert (await world.answer("/verbosity")).first == "Verbosity here: critical"


async def test_what_waited_comes_at_once_where_it_is_wanted_at_once_again() -> None:
    async with bot_world() as world:
        await world.answer("/verbosity important")
        await world.check(240)
        assert world.alerts == []
        await world.answer("/verbosity all")
        await world.deliver()

        assert world.heads == ["WATCH"]


async def test_a_stranger_changes_nothing() -> None:
    async with bot_world() as world:
        for text in ("/mute SOL-PERP", "/silence main", "/verbosity critical", "/quiet 22-7", "/routes"):
            await world.say(text, user="mallory", chat="mallory")

        assert await world.app.services.preferences.all() == {}
        assert OWNER not in [sent.chat for sent in world.transport.sent]
        assert len([sent for sent in world.transport.sent if sent.chat == "mallory"]) == 1
