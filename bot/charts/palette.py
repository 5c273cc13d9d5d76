"""Colours, once for all charts. A tier has the same hue in every chart and in both themes.

The tiers climb from teal over yellow, orange and red to magenta and violet, chosen so that any two of them differ for
every common kind of colour blindness; a test simulates it. Colour is never the only sign: bands and bars carry words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from risk.decisions.tiers import Tier


class Theme(StrEnum):
    """What the picture will be seen on."""

    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours as ``#rrggbb``.

    Attributes:
        ink: Titles and figures.
        dim: Labels; still readable on ``background``.
        faint: Grid lines and empty tracks.
        line: A series, or a bar without a tier.
        band_alpha: How strongly a tier's colour fills the band behind a series.
    """

    background: str
    ink: str
    dim: str
    faint: str
    line: str
    tiers: Mapping[Tier, str]
    band_alpha: float


_PALETTES: Final = {
    Theme.DARK: Palette(
        background="#10171e",
        ink="#eef3f7",
        dim="#a3b1bd",
        faint="#2a3642",
        line="#6cb8f0",
        tiers={
            Tier.OK: "#18cdb8",
            Tier.WATCH: "#f4ea86",
            Tier.WARNING: "#eca02c",
            Tier.HIGH: "#cf5a2b",
            Tier.CRITICAL: "#ee1587",
            Tier.LIQUIDATING: "#ab8cf0",
            Tier.UNKNOWN: "#8795a1",
        },
        band_alpha=0.30,
    ),
    Theme.LIGHT: Palette(
        background="#ffffff",
        ink="#12181d",
        dim="#55626d",
        faint="#dde3e8",
        line="#0067a8",
        tiers={
            Tier.OK: "#12ad99",
            Tier.WATCH: "#e6cc00",
            Tier.WARNING: "#d08f0c",
            Tier.HIGH: "#bf4f20",
            Tier.CRITICAL: "#8a1259",
            Tier.LIQUIDATING: "#4c1cb3",
            Tier.UNKNOWN: "#74818c",
        },
        band_alpha=0.24,
    ),
}


def palette_of(theme: Theme) -> Palette:
    return _PALETTES[theme]


def channels(colour: str) -> tuple[float, float, float]:
    """Red, green and blue of ``#rrggbb``, 0 to 1."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def luminance(colour: str) -> float:
    """Relative luminance, 0 black to 1 white. Source: WCAG 2.2, relative luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21. Source: WCAG 2.2, contrast ratio."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def ink_on(colour: str) -> str:
    """Black or white, whichever is easier to read on a colour."""
    return max("#000000", "#ffffff", key=lambda ink: contrast(ink, colour))
