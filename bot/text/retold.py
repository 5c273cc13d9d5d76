"""Sentences that were stored for everybody, retold with the numbers of whoever reads them."""

import re

from bot.text.reader import figure

# Only what can be nothing but a number as bot.text.numbers writes it: no address, version, time or word with digits.
_NUMBER = re.compile(
    r"(?<![\w.,:#/])-?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+)"
    r"(?=(?:[KMBTx%]|\s%)?(?:[\s,;:)]|\.?$|\.\s))"
)


def retold(text: str) -> str:
    """A stored sentence with its numbers as the reader separates them.

    >>> from bot.text.reader import NumberStyle, ReadingStyle, reading_as
    >>> with reading_as(ReadingStyle(numbers=NumberStyle(decimal=",", group="."))):
    ...     retold("leverage 9.2x, above 5.0x; size $1,234.50 at 10.0.0.1, alert #1,234")
    'leverage 9,2x, above 5,0x; size $1.234,50 at 10.0.0.1, alert #1,234'
    """
    return _NUMBER.sub(lambda found: figure(found[0].replace(",", "")), text)
