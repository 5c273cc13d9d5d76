"""Messages within the limits of Discord."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Accent, Block, Button, File, Line, Message, Picture, Table, lines
from bot.transports.discord.packing import units
from bot.transports.discord.payload import Upload, message_json, uploads
from bot.transports.discord.render import (
    EMBED_UNITS,
    TEXT_UNITS,
    Content,
    Embed,
    Layout,
    custom_ids,
    data_of,
    headline_of,
    keyboard_of,
    layouts,
    notice,
    ways,
    wholes,
)
from tests.support.discord.checks import checked
from tests.support.discord.markdown import read
from tests.support.png import tiny_png

ACK = Button("Ack", "ack:1")
TEXT = st.text(alphabet=st.sampled_from("ab \n*_`~|<>#-1.:😀\\"), max_size=4000)
PICTURE = Picture(tiny_png(), alt="Equity rose.", name="equity 1.png")


def parts_of(message: Message) -> Layout:
    """In plain text."""
    return layouts(message)[-1]


def whole(message: Message) -> Content:
    return wholes(message)[-1]


def taken(content: Content) -> dict[str, Any]:
    """Its JSON, which Discord would take. Raises: ApiError."""
    body = message_json(content)
    checked(body, tuple(upload.content for upload in uploads(content)), may_embed=True)
    return body


def rows(count: int) -> Table:
    return Table(rows=tuple((f"SOL-PERP {number}", f"{number:.2f}") for number in range(count)))


def test_the_answer_is_bold_and_tables_are_in_code_blocks() -> None:
    (part,) = parts_of(Message(blocks=(*lines("HIGH main", "Deposit $820."), rows(1)), buttons=((ACK,),)))
    assert part.text == "**HIGH main**\nDeposit $820.\n```\nSOL-PERP 0 0.00\n```"
    assert part.keyboard == ((ACK,),)


@given(st.lists(st.tuples(TEXT, st.booleans()), max_size=4), st.integers(0, 90))
def test_no_part_is_too_long_or_blank_whatever_is_said(texts: list[tuple[str, bool]], row_count: int) -> None:
    message = Message(blocks=(*(Line(text, strong=bold) for text, bold in texts), rows(row_count)), buttons=((ACK,),))
    parts = parts_of(message)
    for content in (*parts, whole(message), *(way for part in parts for way in ways(part))):
        assert units(content.text) <= TEXT_UNITS
        assert content.text.strip()
    assert [part.keyboard for part in parts] == [()] * (len(parts) - 1) + [((ACK,),)]


def test_a_table_is_parted_between_rows_and_each_part_is_a_code_block() -> None:
    parts = parts_of(Message(blocks=(rows(200),)))
    assert len(parts) > 1
    shown = [line for part in parts for line in part.text.removeprefix("```\n").removesuffix("\n```").split("\n")]
    assert len(shown) == 200
    assert all(line.startswith("SOL-PERP") for line in shown)


def test_an_edit_is_cut_at_a_row_and_says_so() -> None:
    content = whole(Message(blocks=(Line("Positions"), rows(200)), buttons=((ACK,),)))
    assert content.text.endswith("\n```\n…")
    assert content.keyboard == ((ACK,),)


def test_a_long_paragraph_is_cut_and_says_so() -> None:
    assert whole(Message(blocks=lines("x" * 3000))).text == f"**{'x' * 1994}**\n…"


def test_pictures_are_under_the_last_part_and_described_where_there_is_no_text() -> None:
    said = parts_of(Message(blocks=(PICTURE, *(Line("x" * 1500) for _ in range(2)))))
    assert [len(part.attached) for part in said] == [0, 1]
    (alone,) = parts_of(Message(blocks=(PICTURE,)))
    assert alone.text == "Equity rose."


def test_more_pictures_than_a_message_holds_make_another() -> None:
    parts = parts_of(Message(blocks=(Line("All"), *([PICTURE] * 12)), buttons=((ACK,),)))
    assert [(len(part.attached), bool(part.keyboard)) for part in parts] == [(10, False), (2, True)]


def test_pictures_and_files_are_parts_of_one_form_each_with_its_name_and_its_kind() -> None:
    content = whole(Message(blocks=(Line("x"), PICTURE, File("a b.csv", b"1", alt="One."), File("", b"2", alt="Two."))))
    assert uploads(content)[1:] == (
        Upload(field="files[1]", name="a-b.csv", content=b"1", content_type="text/csv"),
        Upload(field="files[2]", name="attachment", content=b"2", content_type="application/octet-stream"),
    )
    assert [one["description"] for one in taken(content)["attachments"]] == ["Equity rose.", "One.", "Two."]


def test_a_refused_picture_becomes_words_and_refused_buttons_do_not_silence_them() -> None:
    content = Content(text="Equity", attached=(PICTURE,), keyboard=((ACK,),))
    assert ways(content)[1:] == (
        Content(text="Equity\nEquity rose.", keyboard=((ACK,),)),
        Content(text="Equity\nEquity rose."),
    )


def test_too_many_buttons_are_laid_out_as_far_as_they_fit() -> None:
    message = Message(blocks=lines("x"), buttons=(tuple(Button(str(n), str(n)) for n in range(12)),) * 3)
    assert [len(row) for row in keyboard_of(message)] == [5, 5, 2, 5, 5]


def test_what_a_button_sends_back_is_its_data_even_where_two_are_equal() -> None:
    ids = custom_ids(((ACK, Button("Ack too", "ack:1")), (Button("x", "d" * 64),)))
    flat = [one for row in ids for one in row]
    assert len(set(flat)) == 3
    assert [data_of(one) for one in flat] == ["ack:1", "ack:1", "d" * 64]
    assert all(len(one) <= 100 for one in flat)


def test_the_id_of_a_button_somebody_else_made_is_its_data() -> None:
    assert data_of("other:1") == "other:1"


def test_nobody_is_mentioned_and_links_are_not_previewed() -> None:
    body = message_json(Content(text="@everyone https://x.example", attached=(PICTURE,)))
    assert body["allowed_mentions"] == {"parse": [], "roles": []}
    assert body["flags"] == 4
    assert body["attachments"] == [{"id": 0, "filename": "equity-1.png", "description": "Equity rose."}]


def test_a_blank_label_is_still_a_button() -> None:
    (row,) = message_json(Content(text="x", keyboard=((Button("\u200b", "a"), Button("l" * 99, "b")),)))["components"]
    assert [len(button["label"]) for button in row["components"]] == [1, 80]


def test_a_notice_is_short_and_on_one_line() -> None:
    assert notice("a\nb" + "c" * 300) == "a b" + "c" * 196 + "…"


ALERT = Message(
    blocks=lines("HIGH main: 4.1% to liq", "Health ratio 140.0%.", "main · 0 s old · alert #1"),
    buttons=((ACK,),),
    accent=Accent.DANGER,
)


def test_an_alert_is_its_headline_and_a_box_in_the_colour_of_how_bad_it_is() -> None:
    (part,) = layouts(ALERT)[0]
    body = taken(part)
    assert body["content"] == "**HIGH main: 4.1% to liq**"
    assert body["embeds"] == [{"description": "Health ratio 140.0%.\nmain · 0 s old · alert #1", "color": 0xE2572B}]
    assert body["flags"] == 0  # that suppresses embeds would hide this one too
    assert part.keyboard == ((ACK,),)
    assert wholes(ALERT)[0] == part


def test_each_accent_has_a_colour_of_its_own() -> None:
    colours = [
        layouts(Message(blocks=ALERT.blocks, accent=one))[0][0].embed for one in Accent if one is not Accent.NONE
    ]
    assert len({embed.colour for embed in colours if embed is not None}) == len(Accent) - 1


def test_its_plain_form_says_the_same() -> None:
    assert [part.text for part in layouts(ALERT)[-1]] == [
        "**HIGH main: 4.1% to liq**\nHealth ratio 140.0%.\nmain · 0 s old · alert #1"
    ]


@pytest.mark.parametrize(
    "message",
    [
        Message(blocks=lines("only a headline"), accent=Accent.DANGER),
        Message(blocks=(rows(2), *lines("a", "b")), accent=Accent.DANGER),
        Message(blocks=lines("x" * 2001, "b"), accent=Accent.DANGER),
        Message(blocks=lines("\u200b", "b"), accent=Accent.DANGER),
        Message(blocks=lines("a", "b")),
        Message(blocks=(), accent=Accent.DANGER),
    ],
    ids=["nothing to box", "no headline", "long headline", "blank headline", "no alert", "nothing"],
)
def test_what_would_look_like_nothing_in_a_box_is_plain(message: Message) -> None:
    assert len(layouts(message)) == len(wholes(message)) == 1


@given(
    st.lists(st.tuples(TEXT, st.booleans()), max_size=5),
    st.integers(0, 200),
    st.integers(0, 12),
    st.lists(st.integers(1, 10**19), max_size=3).map(lambda roles: tuple(map(str, roles))),
)
def test_whatever_an_alert_says_discord_takes_it_and_nothing_of_it_is_lost(
    texts: list[tuple[str, bool]], row_count: int, pictures: int, roles: tuple[str, ...]
) -> None:
    blocks: list[Block] = [Line("HIGH main"), *(Line(text, strong=bold) for text, bold in texts), rows(row_count)]
    blocks += [PICTURE] * pictures
    message = Message(blocks=tuple(blocks), buttons=((ACK,),), accent=Accent.EMERGENCY)
    seen = []
    for layout in layouts(message, roles=roles):
        for part in layout:
            for way in ways(part):
                taken(way)
            assert units(part.text) <= TEXT_UNITS
            assert part.embed is None or units(part.embed.text) <= EMBED_UNITS
        assert layout[0].roles == roles
        assert [part.roles for part in layout[1:]] == [()] * (len(layout) - 1)
        text = "\n".join(f"{part.text}\n{part.embed.text if part.embed else ''}" for part in layout)
        shown = read(text.replace("<@&" + "> <@&".join(roles) + ">", "")).text if roles else read(text).text
        seen.append("".join(shown.split()).count("SOL-PERP"))
    for whole_ in wholes(message):
        taken(whole_)
        assert whole_.roles == ()
    assert seen == [row_count] * len(seen)


def test_a_link_in_a_headline_is_not_previewed_beside_the_box() -> None:
    first = layouts(Message(blocks=lines("HIGH https://evil.example", "b"), accent=Accent.DANGER))[0][0]
    assert "https://" not in first.text
    assert read(first.text).text == "HIGH https://evil.example"


def test_only_the_roles_that_are_named_ring_whatever_the_text_says() -> None:
    said = Message(blocks=lines("CRITICAL <@&5> @everyone", "<@&6>"), accent=Accent.EMERGENCY)
    first = layouts(said, roles=("7", "8"))[0][0]
    assert first.text.endswith("\n<@&7> <@&8>")
    assert message_json(first)["allowed_mentions"] == {"parse": [], "roles": ["7", "8"]}


def test_a_headline_for_elsewhere_is_one_short_line() -> None:
    assert headline_of(ALERT) == "HIGH main: 4.1% to liq"
    assert headline_of(Message(blocks=lines("a\n*b*" + "c" * 300))).startswith("a \\*b\\*ccc")
    assert headline_of(Message(blocks=(rows(1),))) == ""


def test_an_embed_that_lost_its_buttons_keeps_its_box() -> None:
    content = Content(text="HIGH", embed=Embed("b", 1), keyboard=((ACK,),), roles=("7",))
    assert ways(content)[-1] == Content(text="HIGH", embed=Embed("b", 1), roles=("7",))
