"""Colours can be told apart and read, also by the colour-blind."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.charts.palette import Theme, channels, contrast, ink_on, palette_of
from risk.decisions.tiers import LADDER, Tier

# Full dichromacy. Source: Machado, Oliveira and Fernandes 2009, table of the model at severity 1.
SIGHT = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def seen(colour: str, sight: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* of a colour as somebody sees it."""
    values = np.array(channels(colour))
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(sight @ linear, 0, 1) / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_tiers_differ_for_everybody(theme: Theme, sight: str) -> None:
    tiers = palette_of(theme).tiers

    for one, other in itertools.combinations((Tier.OK, *LADDER), 2):
        apart = np.linalg.norm(seen(tiers[one], SIGHT[sight]) - seen(tiers[other], SIGHT[sight]))
        assert apart >= 15, f"{one.name} and {other.name} are {apart:.0f} apart"  # 2.3 is just noticeable


@pytest.mark.parametrize("theme", Theme)
def test_text_is_readable_on_what_it_stands_on(theme: Theme) -> None:
    palette = palette_of(theme)

    assert contrast(palette.ink, palette.background) >= 7
    assert contrast(palette.dim, palette.background) >= 4.5
    for colour in (*palette.tiers.values(), palette.line):
        assert contrast(ink_on(colour), colour) >= 4.5


@pytest.mark.parametrize("theme", Theme)
def test_every_tier_has_a_colour(theme: Theme) -> None:
    assert set(palette_of(theme).tiers) == set(Tier)
