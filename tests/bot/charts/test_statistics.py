"""Pictures of the statistics are valid, fit a phone, and show what they promise, whatever the data."""

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.charts import NotEnoughPoints, Theme
from bot.charts.canvas import Sheet
from bot.charts.cone import cone_sheet
from bot.charts.distribution import distribution_sheet
from bot.charts.fan import fan_sheet
from bot.charts.heatmap import heatmap_sheet
from bot.charts.heatmap_limits import MOST_ASSETS
from bot.charts.months import MOST_MONTHS, months_sheet
from bot.charts.palette import palette_of
from bot.charts.series import series_of
from bot.charts.statistics import (
    cone_chart,
    distribution_chart,
    fan_chart,
    heatmap_chart,
    months_chart,
    underwater_chart,
)
from bot.charts.underwater import underwater_sheet
from risk.decisions.tiers import Tier
from risk.stats.realized import volatility_cone
from tests.bot.charts.builders import START, every
from tests.bot.charts.test_charts import everything_fits, opened, rgb, texts

DARK = palette_of(Theme.DARK)
RANDOM = np.random.default_rng(1)
PNL = RANDOM.standard_t(4, 2_000) * 150
HOURS = np.array([1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0, 96.0, 168.0])
FAN = np.array([1 + z * 0.03 * np.sqrt(HOURS) for z in (-1.64, -0.67, 0.0, 0.67, 1.64)])
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS = tuple(zip(_NAMES, RANDOM.normal(0, 0.1, 12).tolist(), strict=True))


def correlations(n: int) -> np.ndarray:
    moves = RANDOM.standard_normal((200, 1)) + RANDOM.standard_normal((200, n))
    moves[:, -1] *= -1
    return np.atleast_2d(np.corrcoef(moves.T))


def distribution(pnl: np.ndarray, var: float, es: float) -> Sheet:
    return distribution_sheet(
        pnl, var_usd=var, es_usd=es, title="VaR", subtitle="main", unit="change of equity in 1 day, USD", palette=DARK
    )


def heatmap(n: int) -> Sheet:
    assets = [f"COIN{number}" for number in range(n)]
    return heatmap_sheet(assets, correlations(n), title="Correlation", subtitle="main", note="daily", palette=DARK)


@pytest.mark.parametrize("theme", Theme)
def test_every_picture_is_a_portrait_in_the_colours_of_its_theme(theme: Theme) -> None:
    times = np.array([moment.replace(tzinfo=None) for moment in every(3_600, 50)], "datetime64[us]")
    worth = 100 * np.exp(np.cumsum(RANDOM.normal(0, 0.01, 50)))
    now = START + timedelta(hours=50)
    pictures = [
        distribution_chart(PNL, var_usd=300, es_usd=450, title="VaR", subtitle="main", unit="USD", theme=theme),
        cone_chart(volatility_cone(RANDOM.normal(0, 0.03, 400)), title="SOL", subtitle="400 days", theme=theme),
        heatmap_chart("ABC", correlations(3), title="Correlation", subtitle="main", note="daily", theme=theme),
        fan_chart(HOURS, FAN, title="Liquidation", subtitle="main", theme=theme),
        months_chart(MONTHS, title="Return", subtitle="main", theme=theme),
        underwater_chart(times, worth, title="Below", account="main", now=now, theme=theme),
    ]

    for png in pictures:
        image = opened(png)
        assert image.width == 1_080
        assert 600 <= image.height <= 1_350
        assert image.getpixel((2, 2)) == rgb(palette_of(theme).background)


# Distribution


def test_the_loss_of_the_title_is_marked_and_what_lies_beyond_stands_out() -> None:
    sheet = distribution(PNL, 300.0, 450.0)

    assert {"VaR $300", "mean beyond $450", "change of equity in 1 day, USD"} <= set(texts(sheet))
    image = opened(sheet.png())
    foot = {image.getpixel((x, 1_197)) for x in range(image.width)}
    assert {rgb(DARK.tiers[Tier.CRITICAL]), rgb(DARK.line)} <= foot


def test_an_axis_has_enough_marks_to_read_a_bar_by() -> None:
    for scale in (0.01, 1.0, 37.0, 1_000.0, 1e6):
        marks = [text for text in texts(distribution(PNL * scale, 300 * scale, 450 * scale)) if "$" in text]
        assert len(marks) - 2 >= 3, marks


@pytest.mark.parametrize("pnl", [np.zeros(50), np.empty(0), np.array([5.0]), np.array([1.0, math.nan])])
def test_without_a_spread_there_is_no_distribution(pnl: np.ndarray) -> None:
    with pytest.raises(NotEnoughPoints):
        distribution_chart(pnl, var_usd=0, es_usd=0, title="VaR", subtitle="main", unit="USD")


@settings(max_examples=20)
@example(scale=0.001, var=0.0, beyond=0.0, shift=-0.5)
@given(
    scale=st.floats(min_value=1e-3, max_value=1e9), var=st.floats(min_value=-2, max_value=5),
    beyond=st.floats(min_value=0, max_value=5), shift=st.floats(min_value=-3, max_value=3),
)  # fmt: skip
def test_no_text_of_a_distribution_leaves_the_picture_or_covers_another(
    scale: float, var: float, beyond: float, shift: float
) -> None:
    everything_fits(distribution((PNL / 150 + shift) * scale, var * scale, (var + beyond) * scale))


# Correlations


@pytest.mark.parametrize("n", range(2, MOST_ASSETS + 3))
def test_correlations_of_any_number_of_assets_fit_and_are_all_there(n: int) -> None:
    sheet = heatmap(n)

    everything_fits(sheet)
    shown = min(n, MOST_ASSETS)
    assert texts(sheet).count("1") == shown
    cell = min((1_080 - 44 - 174) / shown, 220.0)
    figures = [written for written in sheet.written if "." in written.text]
    assert len(figures) == shown * (shown - 1)
    assert all(written.right - written.left <= cell - 8 for written in figures)


def test_together_and_apart_have_two_colours() -> None:
    sheet = heatmap_sheet("AB", np.array([[1.0, -1.0], [-1.0, 1.0]]), title="", subtitle="", note="", palette=DARK)

    image = opened(sheet.png())
    found = {image.getpixel((x, y)) for x in range(180, 620, 10) for y in range(60, image.height, 10)}
    assert {rgb(DARK.tiers[Tier.HIGH]), rgb(DARK.line)} <= found


def test_names_of_four_letters_stay_whole_among_ten() -> None:
    names = ("SOL", "BTC", "ETH", "JUP", "WIF", "DOGE", "AVAX", "LINK", "BNB", "SUI")
    sheet = heatmap_sheet(names, correlations(10), title="", subtitle="", note="", palette=DARK)

    for name in names:
        assert texts(sheet).count(name) == 2


def test_one_asset_has_no_correlation() -> None:
    with pytest.raises(NotEnoughPoints):
        heatmap_chart(["SOL"], np.ones((1, 1)), title="", subtitle="", note="")


# Cone


def test_a_cone_has_a_column_for_each_horizon_and_today_in_it() -> None:
    rows = volatility_cone(RANDOM.normal(0, 0.03, 400))
    sheet = cone_sheet(rows, title="SOL", subtitle="400 days", palette=DARK)

    everything_fits(sheet)
    assert {f"{row.horizon_days} d" for row in rows} <= set(texts(sheet))
    image = opened(sheet.png())
    column = {image.getpixel((x, y)) for x in range(100, 900, 3) for y in range(200, 1_190, 3)}
    assert rgb(DARK.tiers[Tier.WARNING]) in column


@pytest.mark.parametrize("sigma", [1e-6, 0.001, 0.5])
def test_a_cone_fits_however_calm_or_wild(sigma: float) -> None:
    everything_fits(cone_sheet(volatility_cone(RANDOM.normal(0, sigma, 200)), title="", subtitle="", palette=DARK))


def test_without_a_horizon_there_is_no_cone() -> None:
    with pytest.raises(NotEnoughPoints):
        cone_chart((), title="", subtitle="")


# Fan


def test_a_fan_names_its_hours_and_liquidation() -> None:
    sheet = fan_sheet(HOURS, FAN, title="Liquidation", subtitle="main", palette=DARK)

    everything_fits(sheet)
    assert {"1 h", "1 d", "3 d", "7 d", "liquidation"} <= set(texts(sheet))


@pytest.mark.parametrize(
    "quantiles",
    [np.zeros((5, 9)), np.full((5, 9), 40.0), FAN - 2, FAN * 1e-6, np.tile(np.linspace(-3, 3, 9), (5, 1))],
    ids=["liquidated", "far", "below", "tiny", "through"],
)
def test_a_fan_fits_wherever_its_paths_go(quantiles: np.ndarray) -> None:
    everything_fits(fan_sheet(HOURS, quantiles, title="", subtitle="", palette=DARK))


# Months


@pytest.mark.parametrize("n", [1, 2, 5, 12, 30])
def test_the_newest_twelve_months_fit(n: int) -> None:
    sheet = months_sheet((MONTHS * 3)[:n], title="Return", subtitle="main", palette=DARK)

    everything_fits(sheet)
    names = [text for text in texts(sheet) if text in {label for label, _ in MONTHS}]
    assert len(names) == min(n, MOST_MONTHS)


@settings(max_examples=20)
@given(st.lists(st.floats(min_value=-1, max_value=9), min_size=1, max_size=14))
def test_no_text_of_months_leaves_the_picture_or_covers_another(values: list[float]) -> None:
    shown = [(MONTHS[at % 12][0], value) for at, value in enumerate(values)]
    everything_fits(months_sheet(shown, title="Return", subtitle="main", palette=DARK))


def test_gains_and_losses_have_two_colours_and_one_month_is_a_bar() -> None:
    image = opened(months_chart([("Jan", 0.1), ("Feb", -0.2)], title="", subtitle=""))
    colours = {image.getpixel((x, y)) for x in range(0, 1_080, 6) for y in range(100, 1_200, 6)}
    assert {rgb(DARK.tiers[Tier.OK]), rgb(DARK.tiers[Tier.CRITICAL])} <= colours

    lone = opened(months_chart([("Jan", -0.2)], title="", subtitle=""))
    assert sum(lone.getpixel((x, 600)) == rgb(DARK.tiers[Tier.CRITICAL]) for x in range(1_080)) <= 160


def test_without_a_month_there_is_no_picture() -> None:
    with pytest.raises(NotEnoughPoints):
        months_chart([], title="", subtitle="")


# Underwater


@pytest.mark.parametrize(
    "depths", [[0.0], [0.0, 0.0, 0.0], [0.0, -0.99, -1.0], [0.0, -1e-9, 0.0], [0.0, -0.002, -0.03, 0.0]]
)
def test_a_fall_of_any_depth_fits_and_says_how_deep_it_is_now(depths: list[float]) -> None:
    series = series_of(every(3_600, len(depths)), depths, what="drawdown", now=START + timedelta(hours=9), gap_s=None)
    sheet = underwater_sheet(series, title="Below", account="main", palette=DARK)

    everything_fits(sheet)
    assert "below the high" in texts(sheet)


def test_depth_is_measured_from_the_highest_value_so_far() -> None:
    times = np.array([moment.replace(tzinfo=None) for moment in every(3_600, 4)], "datetime64[us]")
    png = underwater_chart(times, np.array([100.0, 200.0, 100.0, 150.0]), title="", account="main", now=START)

    assert opened(png).size == (1_080, 1_350)
    with pytest.raises(NotEnoughPoints):
        underwater_chart(times[:0], np.empty(0), title="", account="main", now=START)
