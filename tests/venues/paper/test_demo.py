"""The demo's script does what the demo promises."""

import itertools
from collections import Counter
from datetime import UTC, datetime

import pytest

from bot.clock import ScriptClock
from risk.decisions.tiers import LADDER, Tier, TierReading, TierState, TierThresholds, classify
from risk.margin.evaluate import evaluate
from risk.margin.health import worst_ratio_percent
from venues.paper import demo_venue
from venues.paper.demo import DEMO_ACCOUNT, DEMO_LASTS_S, DEMO_NAME, DEMO_RECOVERS_S

START = datetime(2026, 1, 1, tzinfo=UTC)


async def tiers_seen(first_s: float, every_s: float, until_s: float) -> list[tuple[float, Tier]]:
    """(second, tier) at checks of the demo's account, with hysteresis."""
    clock = ScriptClock(START)
    venue = demo_venue(clock)
    state, seen = TierState(), []
    await clock.sleep(first_s)
    while clock.monotonic_s() <= until_s:
        book = await venue.read([DEMO_ACCOUNT])
        ratio = float(worst_ratio_percent(evaluate(book))[0])
        reading = TierReading(ratio_percent=ratio, liquidating=bool(book.accounts.being_liquidated[0]))
        state = classify(state, reading, TierThresholds(), clock.now())
        seen.append((clock.monotonic_s(), state.tier))
        await clock.sleep(every_s)
    return seen


@pytest.mark.parametrize("first_s", [0.0, 0.3, 1.0, 2.0, 3.0, 4.0, 4.9])
async def test_checks_five_seconds_apart_see_every_tier_in_order_and_the_recovery_at_once(first_s: float) -> None:
    seen = await tiers_seen(first_s, 5.0, DEMO_LASTS_S)
    assert [tier for tier, _ in itertools.groupby(tier for _, tier in seen)] == [Tier.OK, *LADDER, Tier.OK]


async def test_every_tier_lasts_several_seconds_and_the_fall_about_a_minute() -> None:
    seen = await tiers_seen(0.0, 1.0, DEMO_LASTS_S)
    seconds = Counter(tier for _, tier in seen)
    assert all(seconds[tier] >= 9 for tier in LADDER)
    first = {tier: at_s for at_s, tier in reversed(seen)}
    assert 40 < first[Tier.LIQUIDATING] < DEMO_RECOVERS_S < 65


async def test_the_account_is_worth_about_ten_thousand_and_survives_with_all_three_positions() -> None:
    clock = ScriptClock(START)
    venue = demo_venue(clock)
    before = await venue.read([DEMO_ACCOUNT])
    await clock.sleep(DEMO_LASTS_S)
    after = await venue.read([DEMO_ACCOUNT])
    for book in (before, after):
        assert evaluate(book).full.equity_usd[0] == pytest.approx(10_000, abs=250)
        assert book.perp_markets.names == ("SOL-PERP", "BTC-PERP", "ETH-PERP")
        assert book.perps.base_1e9.tolist() == [250e9, -0.15e9, 11e9]
        assert book.accounts.names[0] == DEMO_NAME
        assert not book.accounts.being_liquidated[0]
    initial = evaluate(before, strict=True).full.initial
    assert initial.collateral_usd[0] > initial.requirement_usd[0]


async def test_the_demo_is_flagged_for_liquidation_while_it_lasts() -> None:
    clock = ScriptClock(START)
    venue = demo_venue(clock)
    await clock.sleep(55)
    book = await venue.read([DEMO_ACCOUNT])
    assert book.accounts.being_liquidated[0]
    await clock.sleep(5)
    assert not (await venue.read([DEMO_ACCOUNT])).accounts.being_liquidated[0]
