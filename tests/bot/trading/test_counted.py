"""What the metrics say of trading, from the memory and from the press."""

import pytest

from bot.metrics import Metrics
from bot.observing import Nobody
from bot.trading.counted import trading_reading
from tests.bot.trading.chat_world import chat_world


class Heard(Nobody):
    """Who counts."""

    def __init__(self) -> None:
        self.latencies_s: list[float] = []

    def order_submitted(self, latency_s: float) -> None:
        self.latencies_s.append(latency_s)


async def test_states_outcomes_and_what_is_in_force_are_counted_from_the_memory() -> None:
    async with chat_world() as world:
        await world.press(await world.card())
        await world.card()
        await world.press(await world.card("/arm SOL cap 5000 8h"))
        await world.press(await world.card("/stop BTC +20%"))
        found = await trading_reading(world.trading, world.clock.now())
        await world.ask("/halt")
        halted = await trading_reading(world.trading, world.clock.now())

    assert (found.enabled, found.state, halted.state) == (True, "active", "halted")
    assert found.proposals == {"done": 3, "open": 1}
    assert found.orders == {"filled": 1, "planned": 1, "resting": 1}
    assert (found.resting, found.standing, found.standing_left_usd) == (1, 1, 5_000.0)
    assert halted.proposals == {"done": 3, "cancelled": 1}
    assert halted.resting == 0


async def test_a_press_is_timed_once_to_its_first_order_and_a_standing_approval_is_no_press() -> None:
    heard = Heard()
    async with chat_world(observer=heard) as world:
        card = await world.card("/flatten")
        world.clock.pass_s(30)
        assert heard.latencies_s == []
        await world.press(card)
        assert heard.latencies_s == [0.0], "several orders, one press, and a clock that stands still"
        world.clock.pass_s(1)
        await world.press(await world.card("/arm SOL cap 5000 8h"))
        assert len(heard.latencies_s) == 1


def test_metrics_are_an_observer_of_it() -> None:
    metrics = Metrics()
    metrics.order_submitted(-1.0)
    assert metrics.registry.get_sample_value("keel_press_to_submit_seconds_sum") == pytest.approx(0.0)
