"""/limits: shown with their breaches, changed only by Confirm, in time, on what was shown."""

import dataclasses

import pytest

from bot.messages import Message, Table, text_of
from risk.model.limits import LimitName, RiskLimits
from storage import Role
from tests.support.bot_world import HOME, BotWorld, bot_world
from tests.support.recording_transport import Sent


async def limits_of(world: BotWorld) -> RiskLimits:
    return await world.app.services.accounts.load_limits(world.account) or RiskLimits()


def replaced(world: BotWorld) -> Message:
    """What stands in place of the card now."""
    return world.transport.edits[-1][1]


def rows_of(answer: Sent) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for block in answer.message.blocks if isinstance(block, Table) for row in block.rows}


async def test_limits_show_their_values_and_what_breaks_them() -> None:
    async with bot_world(limits=None) as world:
        await world.check(190)  # 95 USD of equity under 1,000 USD of SOL
        answer = await world.answer("/limits")

        assert answer.text.split("\n")[:3] == [
            "main: 2 limit breaches, 3 not checked", "leverage 10.6x, above 5.0x",
            "SOL-PERP 1,053% of equity, above 30.0%",
        ]  # fmt: skip
        assert rows_of(answer) == {
            "portfolio_leverage": ("5.0x", "NO"),
            "position_size_usd": ("$50,000", "yes"),
            "position_size_percent": ("30.0%", "NO"),
            "correlation_exposure": ("70.0%", "-"),
            "var_1d_percent": ("5.0%", "-"),
            "health_ratio": ("150.0%", "yes"),
            "drawdown_percent": ("15.0%", "-"),
        }


async def test_the_column_of_limits_is_called_so() -> None:
    async with bot_world() as world:
        await world.check(400)
        (table,) = [block for block in (await world.answer("/limits")).message.blocks if isinstance(block, Table)]
        assert table.header == ("name", "limit", "ok?")


async def test_limits_that_hold_are_one_line() -> None:
    async with bot_world() as world:
        await world.check(400)
        first = (await world.answer("/limits")).first
        assert first == "main: all checked limits hold, 3 not checked", "there is no history and no equity yet"


@pytest.mark.parametrize(
    ("text", "limit", "value"),
    [
        ("/limits leverage 4", LimitName.MAX_PORTFOLIO_LEVERAGE, 4.0),
        ("/limits portfolio_leverage 4x", LimitName.MAX_PORTFOLIO_LEVERAGE, 4.0),
        ("/limits max_portfolio_leverage 4", LimitName.MAX_PORTFOLIO_LEVERAGE, 4.0),
        ("/limits set leverage 4", LimitName.MAX_PORTFOLIO_LEVERAGE, 4.0),
        ("/limits main leverage 4", LimitName.MAX_PORTFOLIO_LEVERAGE, 4.0),
        ("/limits set main leverage 4", LimitName.MAX_PORTFOLIO_LEVERAGE, 4.0),
        ("/limits main SET Leverage 4", LimitName.MAX_PORTFOLIO_LEVERAGE, 4.0),
        ("/limits size_usd $25,000", LimitName.MAX_POSITION_SIZE_USD, 25_000.0),
        ("/limits drawdown 20%", LimitName.MAX_DRAWDOWN_PERCENT, 0.2),
        ("/limits drawdown 0.2", LimitName.MAX_DRAWDOWN_PERCENT, 0.2),
        ("/limits health 160%", LimitName.MIN_HEALTH_RATIO, 160.0),
        ("/limits leverage 3.1415926535897", LimitName.MAX_PORTFOLIO_LEVERAGE, 3.14159),
    ],
)
async def test_a_change_is_made_by_confirm_and_by_nothing_else(text: str, limit: LimitName, value: float) -> None:
    async with bot_world(limits=None) as world:
        await world.check()
        card = await world.answer(text)
        assert await limits_of(world) == RiskLimits()
        assert "Nothing has changed yet." in card.text

        assert await world.press(card.data("Confirm"), ref=card.ref) == "Changed"
        assert await limits_of(world) == dataclasses.replace(RiskLimits(), **{limit.value: value})
        assert "Confirmed by Owner." in text_of(replaced(world))


async def test_the_card_shows_what_was_and_what_would_be() -> None:
    async with bot_world(limits=None) as world:
        await world.check()

        assert (await world.answer("/limits drawdown 20%")).first == "main: drawdown_percent 15.0% to 20.0%?"


async def test_cancel_changes_nothing_and_takes_the_buttons_away() -> None:
    async with bot_world(limits=None) as world:
        card = await world.answer("/limits leverage 4")

        assert await world.press(card.data("Cancel"), ref=card.ref) == "Cancelled. Nothing was changed."
        assert await limits_of(world) == RiskLimits()
        assert replaced(world).buttons == ()


async def test_a_card_expires_after_two_minutes() -> None:
    async with bot_world(limits=None) as world:
        card = await world.answer("/limits leverage 4")
        world.clock.pass_s(121)

        assert (await world.press(card.data("Confirm"), ref=card.ref)).startswith("This card has expired.")
        assert await limits_of(world) == RiskLimits()


async def test_a_card_does_not_undo_what_somebody_else_changed_meanwhile() -> None:
    async with bot_world(limits=None) as world:
        old, new = await world.answer("/limits leverage 4"), await world.answer("/limits leverage 3")
        await world.press(new.data("Confirm"), ref=new.ref)

        assert (await world.press(old.data("Confirm"), ref=old.ref)).startswith("portfolio_leverage was changed mean")
        assert (await limits_of(world)).max_portfolio_leverage == 3.0


async def test_a_card_leaves_other_limits_as_they_are_now() -> None:
    async with bot_world(limits=None) as world:
        first, second = await world.answer("/limits leverage 4"), await world.answer("/limits drawdown 20%")
        await world.press(second.data("Confirm"), ref=second.ref)
        await world.press(first.data("Confirm"), ref=first.ref)

        assert await limits_of(world) == RiskLimits(max_portfolio_leverage=4.0, max_drawdown_percent=0.2)


async def test_confirm_twice_changes_once() -> None:
    async with bot_world(limits=None) as world:
        card = await world.answer("/limits leverage 4")
        await world.press(card.data("Confirm"), ref=card.ref, press_id="q1")
        again = await world.press(card.data("Confirm"), ref=card.ref, press_id="q2")

        assert again.startswith("portfolio_leverage was changed meanwhile.")


async def test_a_card_is_about_its_account_even_if_the_order_has_changed() -> None:
    async with bot_world("main", "second", limits=None) as world:
        card = await world.answer("/limits second leverage 4")
    async with bot_world("second", "main", limits=None, clock=world.clock, reader=world.reader) as later:
        await later.press(card.data("Confirm"), ref=card.ref)

        assert await later.app.services.accounts.load_limits("account-of-main") is None
        changed = await later.app.services.accounts.load_limits("account-of-second")
        assert changed is not None
        assert changed.max_portfolio_leverage == 4.0


async def test_a_card_of_an_account_that_is_gone_changes_nothing() -> None:
    async with bot_world("main", "second") as world:
        card = await world.answer("/limits second leverage 4")
    async with bot_world("main", clock=world.clock) as later:
        assert (await later.press(card.data("Confirm"))).startswith("This account is not watched any more.")


def forged(card: Sent) -> dict[str, str]:
    prefix, mark, which, value, old, expires = card.data("Confirm").split(":")
    good = [prefix, mark, which, value, old, expires]
    swaps = {
        "another limit with another old value": (2, "1"), "no such limit": (2, "9"), "counted from the end": (2, "-1"),
        "NaN": (3, "nan"), "infinite": (3, "inf"), "negative": (3, "-4.0"), "no number": (3, "4,0"), "zero": (3, "0"),
        "an old value that never was": (4, "7.0"), "expired": (5, "1"), "for ever": (5, "99999999999"),
        "beyond every calendar": (5, "9" * 30), "an hour": (5, str(int(expires) + 3_600)),
        "another account": (1, "0" * 8),
    }  # fmt: skip
    found = {why: ":".join([*good[:at], word, *good[at + 1 :]]) for why, (at, word) in swaps.items()}
    return found | {"too short": ":".join(good[:-1]), "too long": ":".join([*good, "x"])}


async def test_a_forged_confirm_changes_nothing() -> None:
    async with bot_world(limits=None) as world:
        card = await world.answer("/limits leverage 4")
        for why, data in forged(card).items():
            notice = await world.press(data, ref=card.ref)
            assert notice != "Changed", why
            assert "inside Keel" not in notice, why
            assert await limits_of(world) == RiskLimits(), why


@pytest.mark.parametrize("value", ["1e-300", "123456789.123456789", "1e300", "0.1234567890123456789"])
@pytest.mark.parametrize("limit", [limit.value for limit in LimitName])
async def test_the_buttons_of_a_card_fit_64_bytes(limit: str, value: str) -> None:
    async with bot_world(
        limits=RiskLimits(max_portfolio_leverage=1.23457e-05, max_position_size_usd=1.23457e200)
    ) as world:
        answer = await world.answer(f"/limits {limit} {value}")

        assert all(len(button.data.encode()) <= 64 for row in answer.message.buttons for button in row)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESPONDER, Role.TRADER])
async def test_everybody_may_look_and_only_an_admin_may_ask_for_a_change(role: Role) -> None:
    async with bot_world(limits=None) as world:
        await world.check()
        await world.link("bob", role)

        assert (await world.answer("/limits", user="bob")).first.startswith("main: ")
        assert (await world.answer("/limits leverage 4", user="bob")).first == "Only an admin may change limits."


async def test_a_change_is_in_force_at_the_next_look() -> None:
    async with bot_world(limits=None) as world:
        await world.check(400)
        card = await world.answer("/limits health 410%")
        await world.press(card.data("Confirm"), ref=card.ref)
        await world.app.limits.check()
        await world.deliver()

        assert [sent.first for sent in world.alerts if "health" in sent.first] == [
            "LIMIT main: health ratio 400.0%, below 410.0%"
        ]


async def test_limits_of_a_venue_that_is_silent_are_shown_without_a_verdict() -> None:
    async with bot_world() as world:
        world.reader.problems[world.account] = ("its account data is truncated",)
        await world.check()
        answer = await world.answer("/limits")

        assert answer.first == "main: UNKNOWN whether limits hold"
        assert {cells[1] for cells in rows_of(answer).values()} == {"-"}


async def test_the_card_goes_to_the_chat_that_asked() -> None:
    async with bot_world(limits=None) as world:
        (card,) = await world.say("/limits leverage 4", chat="group", private=False)

        assert card.chat == "group" != HOME
