"""When the next message may leave: whatever happens on the way, no limit is broken, and no time is wasted."""

import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts.budgets import Budgets, Ticket
from bot.messages import UNLIMITED, Address, Limits, Rate

TELEGRAM = Limits(
    in_all=Rate(most=30, per_s=1.0), per_chat=Rate(most=1, per_s=1.0), per_group=Rate(most=20, per_s=60.0),
    group_prefix="-",
)  # fmt: skip
DISCORD = Limits(in_all=Rate(most=50, per_s=1.0), per_chat=Rate(most=5, per_s=5.0), threads_apart=True)


def most_within(moments: Sequence[float], span_s: float) -> int:
    """The most of these moments that lie within one stretch of time."""
    ordered = sorted(moments)
    ends = iter(ordered)
    most = in_window = 0
    end = next(ends, None)
    for start in ordered:
        while end is not None and end < start + span_s:
            in_window, end = in_window + 1, next(ends, None)
        most, in_window = max(most, in_window), in_window - 1
    return most


class Network:
    """Sends as budgets allow, over a network that takes as long as it is told to."""

    def __init__(self, limits: Limits) -> None:
        self.budgets, self.limits = Budgets(limits), limits
        self.now, self.opens_at = 0.0, 0.0
        self.arrived: dict[str, list[float]] = defaultdict(list)
        self._answers: list[tuple[float, int, Ticket]] = []
        self._number = itertools.count()

    def send(self, place: str, there_s: float, back_s: float) -> None:
        """As soon as there is room."""
        while True:
            self._hear()
            at = max(self.budgets.slot_at(self.now), self.budgets.free_at(place, self.now))
            if at <= self.now:
                break
            self.now = min([at, *(answer[0] for answer in self._answers if answer[0] > self.now)])
        there_s = max(there_s, self.opens_at - self.now)
        ticket = self.budgets.leaves(self.now)
        self.budgets.goes_to(ticket, place)
        self.arrived[place].append(self.now + there_s)
        heapq.heappush(self._answers, (self.now + there_s + back_s, next(self._number), ticket))

    def _hear(self) -> None:
        while self._answers and self._answers[0][0] <= self.now:
            at, _, ticket = heapq.heappop(self._answers)
            self.budgets.answered(ticket, at)

    def check(self) -> None:
        everything = [moment for moments in self.arrived.values() for moment in moments]
        rate = self.limits.in_all
        assert rate is None or most_within(everything, rate.per_s) <= rate.most
        for place, moments in self.arrived.items():
            rate = self.limits.per_chat
            assert rate is None or most_within(moments, rate.per_s) <= rate.most, place
            rate = self.limits.per_group if place.startswith(self.limits.group_prefix) else None
            assert rate is None or most_within(moments, rate.per_s) <= rate.most, place


@settings(max_examples=60)
@given(
    limits=st.sampled_from([TELEGRAM, DISCORD]),
    chats=st.lists(st.sampled_from(["1", "2", "3", "-1", "-2"]), max_size=60),
    pauses_s=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=5),
    there_s=st.lists(st.floats(0.0, 1.5), min_size=1, max_size=8),
    back_s=st.lists(st.floats(0.0, 0.4), min_size=1, max_size=8),
)
def test_no_schedule_and_no_jitter_breaks_the_limit_of_a_chat(
    limits: Limits, chats: list[str], pauses_s: list[float], there_s: list[float], back_s: list[float]
) -> None:
    network = Network(limits)
    ways = zip(itertools.cycle(pauses_s), itertools.cycle(there_s), itertools.cycle(back_s), strict=False)
    for chat, (pause_s, there, back) in zip(chats, ways, strict=False):
        network.now += pause_s if pause_s > 2 else 0.0
        network.send(chat, there, back)
    network.check()


@settings(max_examples=40)
@given(
    latency_s=st.floats(0.001, 0.3),
    seed=st.integers(0, 2**32),
    jitter_s=st.floats(0.0, 0.3),
    before_share=st.floats(0.0, 1.0),
)
def test_no_jitter_breaks_the_limit_of_the_platform(
    latency_s: float, seed: int, jitter_s: float, before_share: float
) -> None:
    """The platform counts anywhere on the way; jitter falls on either side of that."""
    random_ = random.Random(seed)
    network = Network(TELEGRAM)
    for chat in range(200):
        there = latency_s * before_share + random_.random() * jitter_s * before_share
        back = latency_s * (1 - before_share) + random_.random() * jitter_s * (1 - before_share)
        network.send(str(chat), there, back)
    network.check()


@pytest.mark.parametrize("latency_s", [0.005, 0.05, 0.1])
def test_a_thousand_chats_take_hardly_longer_than_the_limit_allows(latency_s: float) -> None:
    network = Network(TELEGRAM)
    for chat in range(1_000):
        network.send(str(chat), latency_s / 2, latency_s / 2)

    network.check()
    assert network.now <= 1.09 * 1_000 / 30


def test_messages_to_all_chats_are_evenly_spaced() -> None:
    network = Network(TELEGRAM)
    for chat in range(20):
        network.send(str(chat), 0.01, 0.01)

    assert network.now == pytest.approx(19 / 30, abs=0.01)


def test_without_limits_everything_leaves_at_once() -> None:
    network = Network(UNLIMITED)
    for _ in range(100):
        network.send("1", 0.5, 0.5)

    assert network.now == 0.0
    assert network.budgets.slots(0.0, 7) == 7


def test_a_group_gets_a_burst_and_then_its_rate() -> None:
    network = Network(TELEGRAM)
    for _ in range(20):
        network.send("-1", 0.01, 0.01)
    assert network.now < 21
    network.send("-1", 0.01, 0.01)
    assert network.now > 60


def test_threads_share_their_chat_or_stand_apart_as_the_platform_counts() -> None:
    topic = Address(transport="t", chat="1", thread="7")

    assert Budgets(TELEGRAM).place_of(topic) == "1"
    assert Budgets(DISCORD).place_of(topic) == "7"
    assert Budgets(DISCORD).place_of(Address(transport="t", chat="1")) == "1"


def test_an_answer_that_its_platform_knows_by_the_question_counts_for_no_chat() -> None:
    assert Budgets(DISCORD).place_of(Address(transport="t", chat="1", reply_to="token")) == ""


def test_a_chat_that_asked_to_wait_waits_alone() -> None:
    budgets = Budgets(TELEGRAM)
    budgets.hold("1", 30.0, now=10.0)

    assert budgets.busy(10.0) == {"1"}
    assert budgets.free_at("1", 10.0) == 40.0
    assert budgets.slot_at(10.0) == 10.0
    assert budgets.held_s("1", 25.0) == 15.0
    assert budgets.busy(40.0) == frozenset()


def test_many_chats_in_a_row_that_ask_to_wait_speak_for_the_platform() -> None:
    budgets = Budgets(TELEGRAM)
    for chat in range(5):
        budgets.hold(str(chat), 12.0, now=0.0)

    assert budgets.slot_at(0.0) == 12.0
    assert budgets.held_s("another", 0.0) == 12.0


def test_one_more_that_asks_to_wait_after_that_speaks_for_itself() -> None:
    budgets = Budgets(TELEGRAM)
    for chat in range(5):
        budgets.hold(str(chat), 12.0, now=0.0)
    budgets.hold("6", 300.0, now=13.0)

    assert budgets.slot_at(13.0) == 13.0


def test_messages_that_wait_here_for_their_connection_do_not_burst_when_it_opens() -> None:
    """A library that takes a second to load, a pool without a free connection."""
    network = Network(TELEGRAM)
    network.opens_at = 1.3
    for chat in range(100):
        network.send(str(chat), 0.02, 0.02)

    network.check()


def test_every_part_of_a_long_message_counts() -> None:
    budgets = Budgets(TELEGRAM, parts_known=True)
    ticket = budgets.leaves(0.0)
    budgets.further_parts(ticket, 29)
    assert budgets.slot_at(0.5) > 1.0
    budgets.answered(ticket, 30.0)
    assert 31.0 <= budgets.slot_at(30.5) < 31.1


def test_chats_that_ask_to_wait_one_now_and_then_do_not() -> None:
    budgets = Budgets(TELEGRAM)
    for chat in range(20):
        budgets.hold(str(chat), 12.0, now=0.0)
        budgets.taken()

    assert budgets.slot_at(0.0) == 0.0


def test_a_turn_that_is_given_back_costs_nothing() -> None:
    budgets = Budgets(TELEGRAM)
    for _ in range(1_000):
        budgets.given_back(budgets.leaves(5.0))

    assert budgets.slot_at(5.0) == 5.0


def test_a_message_without_an_answer_does_not_block_for_ever() -> None:
    budgets = Budgets(TELEGRAM)
    budgets.goes_to(budgets.leaves(0.0), "1")

    assert 6.0 < budgets.free_at("1", 0.0) < 6.1


def test_what_is_over_is_forgotten() -> None:
    budgets = Budgets(TELEGRAM)
    for chat in range(1_000):
        ticket = budgets.leaves(chat / 30)
        budgets.goes_to(ticket, str(chat))
        budgets.answered(ticket, chat / 30 + 0.05)
        budgets.hold(str(chat), 0.1, now=chat / 30)
        budgets.taken()
        budgets.busy(chat / 30)

    assert len(budgets.busy(34.0)) <= 40
    assert budgets.busy(1_000.0) == frozenset()
    assert not budgets._windows
    assert not budgets._held_until
