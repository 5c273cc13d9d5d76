"""Text that Discord shows as it is: pure, and the one place where its markup is escaped."""

import re

# Backslashes are shown in some notifications, so only what could be markup where it stands is escaped.
_MARKUP = re.compile(
    r"[\\*_`]"  # emphasis and code
    r"|~(?=~)|(?<=~)~|\|(?=\|)|(?<=\|)\|"  # strike-through and spoilers, which need two
    r"|<(?=[@#:/a-zA-Z])"  # mentions, emoji, times, commands, links
    r"|:(?=(?:100|1234|[\w+~-]*[a-zA-Z+-][\w+~-]*):)"  # emoji by name; a time of day is none
    r"|(?<=\])\("  # links with a text of their own
    r"|(?m:^[ ]*(?:[-+](?=\s|#)|>(?=[\s>])|#(?=#{0,2}\s)|\d+[.)](?=\s)))"  # lists, small print, quotes, headings
)
_FENCE = "```"


def escaped(text: str) -> str:
    """``text`` so that Discord shows exactly it.

    >>> escaped("4.1% to liq: *now* <@1>")
    '4.1% to liq: \\\\*now\\\\* \\\\<@1>'
    """
    return _MARKUP.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", text)


def unlinked(markup: str) -> str:
    """Escaped text whose web addresses are only text, of which Discord makes no preview.

    >>> print(unlinked("see https://x.example"))
    see https:\\//x.example
    """
    return markup.replace("://", ":\\//")


def code_block(rows: str) -> str:
    """``rows`` in a fixed-width font. Nothing is markup in there but what ends it."""
    return f"{_FENCE}\n{rows.replace(_FENCE, chr(39) * 3)}\n{_FENCE}"


def strong(text: str) -> str:
    """Escaped text in bold."""
    return f"**{text}**" if text.strip() else text
