"""What Telegram is asked to show, within its limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Block, Button, Line, Message, Picture, Table, lines
from bot.transports.telegram.render import (
    CAPTION_UNITS,
    NOTHING_SAID,
    TEXT_UNITS,
    notice,
    parts_of,
    replacing,
    sending,
    utf16_units,
)
from tests.support.telegram import markup

CHART = Picture(b"png", alt="Equity rose.")
KEYBOARD = ((Button("Ack", "a"),),)
CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp")), max_size=8)
BLOCKS = st.one_of(
    st.builds(
        Line, st.builds(lambda text, times: text * times, st.text(max_size=30), st.integers(1, 400)), st.booleans()
    ),
    st.builds(Table, st.lists(st.tuples(CELLS, CELLS), max_size=300).map(tuple)),
    st.just(CHART),
)


def message(*blocks: Block) -> Message:
    return Message(blocks=blocks)


@given(st.lists(BLOCKS, max_size=5))
def test_every_part_is_within_the_limits_and_means_the_same_with_and_without_markup(blocks: list[Block]) -> None:
    for part in parts_of(message(*blocks)):
        assert 0 < utf16_units(part.plain) <= (TEXT_UNITS if part.attached is None else CAPTION_UNITS)
        assert part.plain.strip()
        assert markup.parse(part.html).text == part.plain


@given(st.lists(BLOCKS, max_size=5))
def test_an_edit_is_one_message_within_the_limits(blocks: list[Block]) -> None:
    for content in replacing(message(*blocks)):
        text = markup.parse(content.text).text if content.marked_up else content.text
        in_caption = content.caption or content.attached is not None
        assert text.strip()
        assert utf16_units(text) <= (CAPTION_UNITS if in_caption else TEXT_UNITS)


@given(st.text())
def test_length_is_counted_as_telegram_counts(text: str) -> None:
    assert utf16_units(text) == len(text.encode("utf-16-le")) // 2


def test_the_answer_is_bold_and_figures_are_in_fixed_width() -> None:
    (part,) = parts_of(message(Line("HIGH <main>", strong=True), Table((("SOL", "1"),)), Line("Slot 7")))
    assert part.html == "<b>HIGH &lt;main&gt;</b>\n<pre>SOL 1</pre>\nSlot 7"


def test_a_long_message_is_split_between_its_blocks() -> None:
    blocks = tuple(Line(f"{number} " + "x" * 1500) for number in range(5))
    assert [part.plain.split("\n") for part in parts_of(message(*blocks))] == [
        [blocks[0].text, blocks[1].text],
        [blocks[2].text, blocks[3].text],
        [blocks[4].text],
    ]


def test_a_long_paragraph_is_split_between_its_words() -> None:
    text = "word " * 2000
    parts = parts_of(message(Line(text)))
    assert len(parts) == 3
    assert all(part.plain.strip().split(" ") == ["word"] * part.plain.count("word") for part in parts)


def test_a_long_table_is_split_between_its_rows_each_part_whole_in_itself() -> None:
    rows = tuple((f"MARKET-{number}", f"{number}.5") for number in range(400))
    parts = parts_of(message(Table(rows)))
    assert len(parts) > 1
    assert all(part.html.startswith("<pre>") and part.html.endswith("</pre>") for part in parts)
    assert [line.split() for part in parts for line in part.plain.split("\n")] == [list(row) for row in rows]


def test_a_short_text_is_the_caption_of_its_picture() -> None:
    (part,) = parts_of(message(Line("Equity, 7 days", strong=True), CHART))
    assert (part.attached, part.html) == (CHART, "<b>Equity, 7 days</b>")


def test_a_picture_alone_says_what_it_shows() -> None:
    (part,) = parts_of(message(CHART))
    assert part.plain == "Equity rose."


@pytest.mark.parametrize(
    ("blocks", "pictures"),
    [
        ((Line("x" * 1100), CHART), [False, True]),
        ((CHART, Line("x" * 1100)), [True, False]),
        ((Line("a"), CHART, Line("b"), CHART), [False, True, False, True]),
    ],
    ids=["too long for a caption", "picture first", "two pictures"],
)
def test_otherwise_pictures_are_messages_of_their_own_in_order(blocks: tuple[Block, ...], pictures: list[bool]) -> None:
    assert [part.attached is not None for part in parts_of(message(*blocks))] == pictures


@pytest.mark.parametrize("blocks", [(), (Line(""),), (Line(" \u200b\n"),), (Table(()),)])
def test_nothing_to_say_is_said(blocks: tuple[Block, ...]) -> None:
    (part,) = parts_of(message(*blocks))
    assert part.plain == NOTHING_SAID


def test_an_edit_keeps_the_beginning_and_shows_that_something_is_missing() -> None:
    rows = tuple((f"MARKET-{number}", f"{number}.5") for number in range(400))
    content = replacing(message(Line("The answer", strong=True), Table(rows)))[0]
    text = markup.parse(content.text).text
    assert text.startswith("The answer\nMARKET-0")
    assert text.endswith(".5\n…")
    assert utf16_units(text) > 3900


def test_refused_markup_falls_back_to_plain_text_and_at_last_does_without_buttons() -> None:
    (part,) = parts_of(message(*lines("a & b")))
    assert [(way.text, way.marked_up, bool(way.keyboard)) for way in sending(part, KEYBOARD)] == [
        ("<b>a &amp; b</b>", True, True),
        ("a & b", False, True),
        ("a & b", False, False),
    ]


def test_a_refused_picture_falls_back_to_its_words() -> None:
    (part,) = parts_of(message(Line("Equity"), CHART))
    *_, last = sending(part, ())
    assert (last.attached, last.text) == (None, "Equity\nEquity rose.")


@given(st.text(max_size=400))
def test_a_notice_over_a_button_fits(text: str) -> None:
    assert utf16_units(notice(text)) <= 200


@pytest.mark.parametrize("offset", [0, 1])
def test_characters_of_two_units_are_never_halved(offset: int) -> None:
    text = "a" * offset + "\U0001f4c8" * 5000
    parts = parts_of(message(Line(text)))
    assert len(parts) == 3
    assert "".join(part.plain for part in parts) == text
