"""What is written is what is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.transports.discord.markdown import code_block, escaped, strong
from tests.support.discord.markdown import Mark, read

MARKUP = st.lists(
    st.sampled_from(["*", "_", "~", "`", "|", "<", ">", "@", "#", ":", "-", "+", "1.", "[", "](", ")", "\\", "\n", " "])
    | st.sampled_from(["a", "https://x.example", "@everyone", "<@1>", "<#2>", ":smile:", "t:1", "é", "😀"]),
    max_size=30,
).map("".join)


@pytest.mark.parametrize(
    "text",
    [
        "**bold** _not_ ~~gone~~ ||spoiler||",
        "```\ncode\n```",
        "[here](https://evil.example)",
        "# heading\n## another\n-# small print",
        "> quoted\n>>> all quoted",
        "- one\n+ two\n  - three\n1. four\n12. five",
        "<@123> <@&4> <#5> <:smile:6> <t:1700000000:R> </health:7> <https://evil.example>",
        ":smile: :100: :+1:",
        "C:\\path\\*.py",
        "main_account_2",
    ],
)
def test_markup_in_text_is_only_text(text: str) -> None:
    seen = read(escaped(text))
    assert (seen.text, seen.marks) == (text, ())


@pytest.mark.parametrize(
    "text",
    [
        "HIGH main: 4.1% to liq",
        "17:35:29 UTC",
        "-4.1%",
        "+$820.00",
        "~3 h",
        "a | b",
        "#17",
        "2 < 3 > 1",
        "(1.5)",
        "a-b",
    ],
)
def test_plain_figures_carry_no_backslash(text: str) -> None:
    assert escaped(text) == text


@given(MARKUP)
def test_whatever_the_markup_nothing_of_it_is_read_as_such(text: str) -> None:
    seen = read(escaped(text))
    assert (seen.text, seen.marks) == (text, ())


@given(MARKUP.filter(str.strip))
def test_in_bold_too(text: str) -> None:
    seen = read(strong(escaped(text)))
    assert (seen.text, seen.marks) == (text, (Mark("bold", text),))


@given(MARKUP.map(str.strip).filter(bool))
def test_nothing_but_backticks_changes_in_a_code_block(text: str) -> None:
    seen = read(code_block(text))
    assert seen.text == text.replace("```", "'''")
    assert [mark.kind for mark in seen.marks] == ["code block"]


def test_nothing_is_not_bold() -> None:
    assert strong("  ") == "  "
