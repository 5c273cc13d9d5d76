"""/settings: how somebody reads, everywhere the bot says something to them, and nobody else."""

from dataclasses import replace

import pytest

from bot.app import local_owner
from bot.messages import Table
from bot.reading import Styles
from storage import NUMBERS, Receiver, Role
from tests.bot.commands.accounts import rich
from tests.support.bot_world import GENEROUS, BotWorld, bot_world
from tests.support.recording_transport import Sent
from tests.support.team import group, member


def row(answer: Sent, label: str) -> str:
    (table,) = [block for block in answer.message.blocks if isinstance(block, Table)]
    return next(cells[1] for cells in table.rows if cells[0] == label)


async def test_settings_are_shown_with_how_to_change_each() -> None:
    async with bot_world("alpha") as world:
        answer = await world.answer("/settings")
        shown = {label: row(answer, label) for label in ("numbers", "zone", "clock", "account", "digest", "theme")}

        assert shown == {
            "numbers": "en: 1,234,567.50", "zone": "UTC", "clock": "24 h", "account": "the first", "digest": "off",
            "theme": "dark",
        }  # fmt: skip
        for what in shown:
            assert f"{what} " in answer.text.partition("Change: ")[2]
        assert "It is 5 Jan 2026 12:00 UTC." in answer.text


@pytest.mark.parametrize(
    ("words", "label", "value"),
    [
        ("numbers de", "numbers", "de: 1.234.567,50"),
        ("numbers in", "numbers", "en_IN: 12,34,567.50"),
        ("numbers fr-CH", "numbers", "fr_CH: 1 234 567,50"),
        ("zone Europe/Berlin", "zone", "Europe/Berlin"),
        ("zone america/new_york", "zone", "America/New_York"),
        ("clock 12", "clock", "12 h"),
        ("account BRAVO", "account", "bravo"),
        ("digest 8", "digest", "08:00"),
        ("digest 7.30 pm", "digest", "19:30"),
        ("theme light", "theme", "light"),
    ],
)
async def test_a_setting_is_changed_and_shown(words: str, label: str, value: str) -> None:
    async with bot_world("alpha", "bravo") as world:
        answer = await world.answer(f"/settings {words}")

        assert answer.first == "Set."
        assert row(answer, label) == value
        assert row(await world.answer("/settings"), label) == value


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("numbers xx", "No numbers are known as xx; write it like en, de, fr or in"),
        ("numbers de_XX", "No numbers are known as de_XX; did you mean de"),
        ("zone Mars/Olympus", "There is no time zone Mars/Olympus"),
        ("zone Europe/Berln", "There is no time zone Europe/Berln; did you mean Europe/Berlin"),
        ("zone ../../etc/passwd", "There is no time zone ../../etc/passwd"),
        ("zone " + "x" * 900, "There is no time zone xxxxxxxxxxxxxxxxxxxxxxx…"),
        ("clock 13", "A clock counts to 12 or to 24."),
        ("account nosuch", "No account is called nosuch. Accounts: alpha."),
        ("digest 25:00", "A time of day is written like 08:00 or 7:30 pm."),
        ("digest noon", "A time of day is written like 08:00 or 7:30 pm."),
        ("theme pink", "A theme is dark or light."),
        ("colour red", "colour is no setting. There is numbers, zone, clock, account, digest and theme."),
        ("numbers", "Say what it is to be, such as /settings numbers de."),
    ],
)
async def test_what_does_not_exist_is_refused_with_what_comes_near(words: str, complaint: str) -> None:
    async with bot_world("alpha") as world:
        answer = await world.answer(f"/settings {words}")

        assert answer.first.startswith(complaint)
        assert len(answer.text) < 400
        assert row(await world.answer("/settings"), "numbers") == "en: 1,234,567.50"


async def test_every_button_sets_what_it_says() -> None:
    async with bot_world("alpha") as world:
        card = await world.answer("/settings")
        for buttons in card.message.buttons:
            assert len(buttons) <= 5
            for button in buttons:
                assert await world.press(button.data, ref=card.ref) == "Set", button
        card = await world.answer("/settings")
        assert row(card, "numbers") == "en_IN: 12,34,567.50"
        assert row(card, "zone") == "Asia/Singapore"
        assert row(card, "clock") == "12 h"
        assert row(card, "digest") == "off"


async def test_figures_and_moments_are_told_as_their_reader_likes() -> None:
    async with bot_world("alpha") as world:
        world.reader.accounts[world.account] = rich()
        await world.check()
        await world.answer("/settings numbers de")
        await world.answer("/settings zone Europe/Berlin")
        answer = await world.answer("/portfolio")
        assert answer.first == "alpha: $2.039, +$339 open, 2,0x"
        assert answer.text.endswith("slot 400.000.012")
        assert "13:00 CET" in (await world.answer("/invite viewer")).text

        await member(world, "bob", Role.VIEWER)
        assert (await world.answer("/portfolio", user="bob")).first == "alpha: $2,039, +$339 open, 2.0x"


async def test_in_a_group_everybody_reads_answers_to_themselves_their_way() -> None:
    async with bot_world("alpha") as world:
        world.reader.accounts[world.account] = rich()
        await group(world, "desk")
        await world.check()
        await world.answer("/settings numbers de")
        (answer,) = await world.say("/portfolio", chat="desk", private=False)

        assert answer.first == "alpha: $2.039, +$339 open, 2,0x"


async def test_what_was_typed_is_read_as_it_is_written_whatever_the_reader_likes() -> None:
    """Digits of a command have a point before decimals: one command, one meaning."""
    async with bot_world("alpha", limits=None) as world:
        await world.answer("/settings numbers de")
        card = await world.answer("/limits leverage 4.5")
        assert card.first == "alpha: portfolio_leverage 5,0x to 4,5x?"


async def test_a_setting_of_a_machine_with_other_data_keeps_nobody_from_an_answer() -> None:
    async with bot_world("alpha") as world:
        await world.check()
        await world.answer("/settings zone Europe/Berlin")
        await world.store.atomic(
            lambda db: db.execute("UPDATE person_settings SET value = 'Mars/Olympus' WHERE key = 'zone'")
        )
        assert (await world.answer("/health")).first == "alpha: health 75%, OK"


async def widths(world: BotWorld, text: str) -> int:
    tables = [block for block in (await world.answer(text)).message.blocks if isinstance(block, Table)]
    return max(sum(map(len, cells)) + len(cells) - 1 for table in tables for cells in (table.header, *table.rows))


@pytest.mark.parametrize("locale", ["de", "fr", "in", "de_CH", "ar", "fa"])
async def test_tables_fit_a_phone_in_every_way_of_writing_numbers(locale: str) -> None:
    async with bot_world("alpha") as world:
        world.reader.accounts[world.account] = rich()
        await world.check()
        await world.answer(f"/settings numbers {locale}")
        for text in ("/portfolio", "/positions", "/health", "/liq", "/stress", "/limits", "/tiers", "/accounts"):
            assert await widths(world, text) <= 34


async def test_the_terminal_is_alerted_as_whoever_sits_there_reads() -> None:
    async with bot_world(console=Receiver(transport="console", chat="console")) as world:
        services = world.app.services
        styles = Styles(services.personal, services.people)
        terminal = Receiver(transport="console", chat="console", route="terminal")
        assert (await styles.of(terminal)).numbers.locale == "en"
        await services.personal.put(NUMBERS, "de", local_owner(world.clock).person_id, world.clock.now())
        assert (await styles.of(terminal)).numbers.locale == "de"


async def test_what_was_stored_for_everybody_is_read_with_ones_own_separators() -> None:
    limits = replace(GENEROUS, max_portfolio_leverage=0.01)
    async with bot_world(limits=limits) as world:
        world.put(400.0)
        await world.check()
        await world.app.limits.check()
        await world.say("/settings numbers de")
        said = (await world.answer("/digest now")).text
        lines = [line for line in said.split("\n") if "leverage" in line]
        assert len(lines) >= 2
        assert all("0,01x" in line or "," in line for line in lines), lines
        assert not [line for line in lines if ".0" in line], lines
        await world.deliver()
        assert "LIMIT main: leverage 5,0x, above 0,1x" in [one.first for one in world.alerts]
