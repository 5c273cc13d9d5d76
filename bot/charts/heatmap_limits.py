"""What a heat map can hold; apart from the drawing, which brings matplotlib."""

from typing import Final

MOST_ASSETS: Final = 10
