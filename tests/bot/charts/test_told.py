"""Would it have warned? A picture of the room that was left, on the colours of what was told."""

import math

import pytest

from bot.charts import NotEnoughPoints, Stretch, told_chart
from bot.charts.palette import Theme, palette_of
from bot.charts.series import series_of
from bot.charts.told import told_sheet
from risk.decisions.tiers import Tier
from tests.bot.charts.builders import every


def told_of(*tiers: Tier, ended: bool = False) -> bytes:
    times = every(3_600, 2 * len(tiers))
    stretches = [
        Stretch(start_s=times[2 * at].timestamp(), end_s=times[2 * at + 1].timestamp() + 3_600, tier=tier)
        for at, tier in enumerate(tiers)
    ]
    room = [0.2 - 0.02 * step for step in range(2 * len(tiers))]
    return told_chart(times, room, stretches, title="Not liquidated in 8 h", subtitle="main", ended=ended)


def test_a_chart_of_what_was_told_has_the_colours_of_its_tiers() -> None:
    picture = told_of(Tier.OK, Tier.WATCH, Tier.HIGH, Tier.LIQUIDATING, ended=True)
    assert picture.startswith(b"\x89PNG")
    assert told_of(Tier.OK, Tier.WATCH, Tier.HIGH, Tier.LIQUIDATING, ended=True) == picture
    assert told_of(Tier.OK, Tier.WATCH, Tier.CRITICAL, Tier.LIQUIDATING, ended=True) != picture


def test_what_was_told_for_an_hour_of_a_year_is_still_seen() -> None:
    year = every(3_600, 8_760)
    room = [0.2] * 8_760
    quiet = told_chart(year, room, [], title="a year")
    hour = Stretch(start_s=year[4_000].timestamp(), end_s=year[4_001].timestamp(), tier=Tier.CRITICAL)
    assert told_chart(year, room, [hour], title="a year") != quiet


def test_a_chart_of_nothing_known_is_refused() -> None:
    with pytest.raises(NotEnoughPoints, match="No room to liquidation has been recorded"):
        told_chart(every(60, 3), [math.nan] * 3, [], title="nothing")


def test_the_legend_names_what_stood_and_nothing_else() -> None:
    times = every(3_600, 4)
    series = series_of(times, [0.2, 0.1, 0.0, -0.1], what="room")
    stretch = Stretch(start_s=times[1].timestamp(), end_s=times[3].timestamp(), tier=Tier.HIGH)
    sheet = told_sheet(
        series, [stretch], title="Liquidated", subtitle="main", ended=True, palette=palette_of(Theme.DARK)
    )
    texts = [written.text for written in sheet.written]
    assert {"Liquidated", "main", "HIGH", "0%"} <= set(texts)
    assert "CRITICAL" not in texts
