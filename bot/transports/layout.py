"""Text made safe, the same for every transport."""

import unicodedata


def clean(text: str) -> str:
    """``text`` without what can disguise it or disturb a terminal.

    Controls, direction marks and zero-width characters are dropped, every kind of line break is a newline, a tab is a
    space, and half a surrogate pair, which no wire can carry, is the replacement character.

    >>> clean("a\\u202eb\\x1b[31mc")
    'ab[31mc'
    """
    if text.isprintable():
        return text
    return "".join(_cleaned(character) for character in text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Clean text on a single line, for labels and cells."""
    return " ".join(clean(text).split("\n"))


def _cleaned(character: str) -> str:
    if character in "\n\r\u2028\u2029\x0b\x0c\x85":
        return "\n"
    if character == "\t":
        return " "
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    return "" if category in ("Cc", "Cf") else character
