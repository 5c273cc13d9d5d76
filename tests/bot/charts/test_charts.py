"""Pictures are valid, fit a phone, and show what they promise, whatever the data."""

import io
import math
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.charts import MarketDistance, NotEnoughPoints, Theme, distance_chart, equity_chart, health_chart
from bot.charts.canvas import HEIGHT_PX, SMALLEST_TEXT_PX, WIDTH_PX, Sheet
from bot.charts.distance import distance_sheet
from bot.charts.equity import equity_sheet
from bot.charts.health import health_sheet
from bot.charts.palette import channels, palette_of
from bot.charts.series import series_of
from bot.charts.titles import health_tier
from risk.decisions.tiers import LADDER, Tier, TierThresholds
from tests.bot.charts.builders import START, every, make_market

NAN, INF = math.nan, math.inf
TIERS = TierThresholds()
DARK = palette_of(Theme.DARK)


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image.convert("RGB")


def texts(sheet: Sheet) -> list[str]:
    return [written.text for written in sheet.written]


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(round(channel * 255) for channel in channels(colour))


def equity_of(values: list[float], *, account: str = "main") -> Sheet:
    series = series_of(every(60, len(values)), values, what="equity")
    return equity_sheet(series, account=account, net_deposits_usd=None, palette=DARK)


def health_of(values: list[float], thresholds: TierThresholds = TIERS) -> Sheet:
    series = series_of(every(60, len(values)), values, what="health")
    return health_sheet(series, thresholds, account="main", tier=health_tier(series, thresholds), palette=DARK)


EQUITY = {
    "one point": [1_234.5],
    "two points": [1.0, 2.0],
    "flat": [1_000.0] * 30,
    "all zero": [0.0] * 3,
    "gaps": [1.0, NAN, 2.0, 3.0, NAN, NAN, 4.0],
    "infinite": [1.0, INF, 2.0],
    "negative": [500.0, -820.0],
    "all negative": [-5.0, -820.0],
    "tiny": [1e-9, 2e-9],
    "huge": [1.0, 5e12],
}
HEALTH = {
    "one point": [152.34],
    "flat": [200.0] * 30,
    "all infinite": [INF] * 5,
    "from infinite to liquidation": [INF, 90_000.0, 1_000.0, 300.0, 99.0],
    "at and below zero": [150.0, 0.0, -50.0, -INF, 101.0],
    "gaps": [300.0, NAN, 250.0, 200.0, NAN],
    "huge": [1e30, 1e12],
}


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("values", EQUITY.values(), ids=EQUITY.keys())
def test_equity_is_a_portrait_png_whatever_the_values(values: list[float], theme: Theme) -> None:
    image = opened(equity_chart(every(60, len(values)), values, account="main", theme=theme))

    assert image.size == (WIDTH_PX, HEIGHT_PX) == (1080, 1350)
    assert image.getpixel((2, 2)) == rgb(palette_of(theme).background)


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("values", HEALTH.values(), ids=HEALTH.keys())
def test_health_is_a_portrait_png_whatever_the_values(values: list[float], theme: Theme) -> None:
    image = opened(health_chart(every(60, len(values)), values, TIERS, account="main", theme=theme))

    assert image.size == (1080, 1350)
    assert image.getpixel((2, 2)) == rgb(palette_of(theme).background)


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("n", [1, 3, 8, 12])
def test_distances_are_as_high_as_their_markets_need(n: int, theme: Theme) -> None:
    markets = [make_market(f"M{number}-PERP", liquidation_usd=150.0 - 2 * number - 2) for number in range(n)]

    image = opened(distance_chart(markets, account="main", theme=theme))

    assert image.width == 1080
    assert 400 <= image.height <= 1350
    assert image.height > 1200 or n < 8


def test_every_band_within_sight_has_its_colour_and_its_name() -> None:
    sheet = health_of([400.0, 260.0, 130.0, 98.0])

    image = opened(sheet.png())
    edge = {image.getpixel((48, y)) for y in range(HEIGHT_PX)}
    for tier in (Tier.OK, *LADDER):
        assert tier.name in texts(sheet)
        assert rgb(DARK.tiers[tier]) in edge


def test_bands_follow_the_thresholds_of_the_account() -> None:
    own = TierThresholds(ratio_percent={Tier.WARNING: 180.0, Tier.CRITICAL: 110.0})
    sheet = health_of([300.0, 105.0], own)

    shown = set(texts(sheet))
    assert {"OK", "WARNING", "CRITICAL", "180%", "110%", "100%"} <= shown
    assert not {"WATCH", "HIGH", "LIQUIDATING"} & shown


def test_the_line_of_liquidation_is_in_every_health_chart() -> None:
    for values in HEALTH.values():
        beside_last = 95 <= values[-1] <= 105  # then the value stands where the label would
        assert beside_last or "100%" in texts(health_of(values))


def test_no_requirement_is_shown_as_unbounded_and_the_depths_as_an_open_end() -> None:
    assert "∞" in texts(health_of([INF, 500.0]))
    assert "<65%" in texts(health_of([150.0, -50.0, 120.0]))


def test_title_axis_and_last_value_are_written() -> None:
    shown = texts(equity_of([10_000.0, 10_100.0, 10_240.0]))

    assert " ".join(shown[:2]) == "Equity $10,240, +2.4% in 2 min"
    assert {"main · high $10,240 · low $10,000", "equity in USD", "time in UTC, 10 Oct 2025", "$10,240"} <= set(shown)

    shown = texts(health_of([400.0, 175.34]))

    assert " ".join(shown[:2]) == "Health ratio 175.3%, WARNING"
    assert {"main · lowest 175.3% in 60 s", "health ratio", "175.3%", "150%", "200%"} <= set(shown)


def test_a_stretch_without_data_is_called_that() -> None:
    known = [100.0 + minute for minute in range(20)]

    assert "no data" in texts(equity_of([*known, *[NAN] * 20, *known]))
    assert "no data" not in texts(equity_of(known))
    assert "no data" in texts(health_of([*known, *[NAN] * 20]))


def test_payments_are_marked() -> None:
    times, deposits = every(60, 4), [0.0, 0.0, 500.0, 500.0]
    series = series_of(times, [100.0, 101.0, 601.0, 602.0], what="equity")

    marked = equity_sheet(series, account="", net_deposits_usd=np.array(deposits), palette=DARK)
    still = equity_sheet(series, account="", net_deposits_usd=np.zeros(4), palette=DARK)

    assert "▲ deposit  ▼ withdrawal" in texts(marked)
    assert "▲ deposit  ▼ withdrawal" not in texts(still)


def test_markets_are_listed_nearest_first_with_both_prices() -> None:
    markets = [
        make_market("FAR-PERP", price_usd=0.00001234, liquidation_usd=0.0000204),
        make_market("USDC", price_usd=1.0, liquidation_usd=None),
        make_market("NEAR-PERP", price_usd=105_877.21, liquidation_usd=101_532.646123, isolated=True),
        make_market("BLIND-PERP", price_usd=None),
    ]

    shown = texts(distance_sheet(markets, account="main", thresholds=None, palette=DARK))

    names = [text for text in shown if text.endswith("-PERP") or text == "USDC"]
    assert names == ["NEAR-PERP", "FAR-PERP", "USDC", "BLIND-PERP"]
    assert {"4.1% lower", "now 105,877.21, isolated", "liquidates at 101,532.65"} <= set(shown)
    assert {"65.3% higher", "now 0.00001234", "liquidates at 0.0000204"} <= set(shown)
    assert {"none", "not by its own price", "unknown", "no valid price"} <= set(shown)


def test_more_markets_than_fit_are_counted() -> None:
    markets = [make_market(f"M{number:02d}", liquidation_usd=150.0 - number) for number in range(1, 12)]

    shown = texts(distance_sheet(markets, account="main", thresholds=None, palette=DARK))

    assert "main · 3 more, no nearer than these" in shown
    assert "M08" in shown
    assert "M09" not in shown


def test_bars_have_the_colours_of_tiers_where_distances_have_thresholds() -> None:
    own = TierThresholds(distance_frac={Tier.WATCH: 0.3, Tier.CRITICAL: 0.05})
    markets = [make_market("A", liquidation_usd=147.0), make_market("B", liquidation_usd=120.0),
               make_market("C", liquidation_usd=75.0)]  # fmt: skip

    image = opened(distance_chart(markets, thresholds=own))

    bars = {image.getpixel((60, y)) for y in range(image.height)}
    assert {rgb(DARK.tiers[tier]) for tier in (Tier.CRITICAL, Tier.WATCH, Tier.OK)} <= bars


def test_an_account_under_liquidation_fills_its_bar() -> None:
    image = opened(distance_chart([make_market(already=True), make_market("BTC-PERP")]))

    assert rgb(DARK.tiers[Tier.LIQUIDATING]) in {image.getpixel((1_000, y)) for y in range(image.height)}
    blind = distance_sheet([make_market(price_usd=None, already=True)], account="", thresholds=None, palette=DARK)
    assert "now" in texts(blind)


def everything_fits(sheet: Sheet) -> None:
    for written in sheet.written:
        assert written.size >= SMALLEST_TEXT_PX, written
        assert written.left >= 0, written
        assert written.right <= WIDTH_PX, written
        assert 0 < written.y < HEIGHT_PX, written
        assert "nan" not in written.text.lower(), written
    for number, one in enumerate(sheet.written):
        for other in sheet.written[number + 1 :]:
            beside = one.right <= other.left or other.right <= one.left
            assert beside or abs(one.y - other.y) >= 0.8 * min(one.size, other.size), (one, other)


VALUES = st.lists(
    st.floats(min_value=-1e14, max_value=1e14) | st.floats(min_value=0, max_value=500) | st.just(NAN), max_size=40
).map(lambda values: [*values, 100.0])
# Somebody may be called so; what is looked for is a number that is none.
NAMES = st.text(max_size=60).filter(lambda text: "nan" not in unicodedata.normalize("NFKC", text).lower())


@settings(max_examples=25)
@given(values=VALUES, account=NAMES)
def test_no_text_of_equity_leaves_the_picture_or_covers_another(values: list[float], account: str) -> None:
    everything_fits(equity_of(values, account=account))


@settings(max_examples=25)
@given(values=VALUES)
def test_no_text_of_health_leaves_the_picture_or_covers_another(values: list[float]) -> None:
    everything_fits(health_of(values))


MARKETS = st.builds(
    make_market,
    NAMES,
    price_usd=st.none() | st.floats(min_value=1e-9, max_value=1e9),
    liquidation_usd=st.none() | st.floats(min_value=1e-9, max_value=1e9),
    already=st.booleans(),
    isolated=st.booleans(),
)


@settings(max_examples=25)
@given(markets=st.lists(MARKETS, min_size=1, max_size=12), account=NAMES)
def test_no_text_of_distances_leaves_the_picture_or_covers_another(markets: list[MarketDistance], account: str) -> None:
    everything_fits(distance_sheet(markets, account=account, thresholds=None, palette=DARK))


def test_letters_the_font_lacks_are_boxes_and_no_warning() -> None:
    assert "□□□ □ · high $2.00 · low $1.00" in texts(equity_of([1.0, 2.0], account="日本語 🚀"))


def test_dollars_are_dollars_and_no_formula() -> None:
    broken = equity_of([1.0, 2.0], account="$\\frac{$")  # as a formula it could not be set

    assert opened(broken.png()).size == (1080, 1350)
    assert "$\\frac{$ · high $2.00 · low $1.00" in texts(broken)


def test_a_year_of_minutes_draws_like_a_day() -> None:
    n = 300_000
    values = 1_000 + np.sin(np.arange(n) / 500)
    values[n // 2] = 0.0  # a spike of one minute is not lost

    image = opened(equity_chart([START + timedelta(minutes=minute) for minute in range(n)], values))

    line = rgb(DARK.line)
    assert any(image.getpixel((x, y)) == line for x in range(400, 600) for y in range(1_050, 1_190))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: equity_chart([], []),
        lambda: equity_chart([START], [INF]),
        lambda: health_chart([START], [NAN], TIERS),
        lambda: distance_chart([]),
    ],
)
def test_nothing_to_draw_is_a_sentence(draw: Callable[[], bytes]) -> None:
    with pytest.raises(NotEnoughPoints, match=r"^No .*; .*\.$"):
        draw()


def test_deposits_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="net deposits of shape"):
        equity_chart([START], [1.0], net_deposits_usd=[1.0, 2.0])


def test_the_same_data_makes_the_same_bytes_in_any_thread() -> None:
    times, values = every(60, 200), (200 + 50 * np.sin(np.arange(200) / 9)).tolist()

    def draw(number: int) -> bytes:
        if number % 2:
            return health_chart(times, values, TIERS, account="main")
        return equity_chart(times, values, account="main")

    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(draw, range(8)))

    assert len(set(pictures)) == 2
    assert pictures[0] == draw(0)


def test_matplotlib_loads_with_the_first_picture_and_not_before() -> None:
    program = (
        "import sys, bot.charts as c; assert 'matplotlib' not in sys.modules;"
        "from datetime import datetime, UTC; c.equity_title([datetime.now(UTC)], [1.0]);"
        "assert 'matplotlib' not in sys.modules;"
        "c.equity_chart([datetime.now(UTC)], [1.0]);"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )

    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=240)
