"""What happened while nobody watched, read from the log of events."""

from datetime import timedelta

from bot.alerts.event_codec import event_json
from bot.happened import Happened
from risk.decisions.tiers import Tier
from risk.model.events import EventKind, FlowEvent
from storage import EventBatch, Events, NewEvent, Store
from tests.storage.builders import NOW, after
from tests.support.clock import FakeClock


def deposited(account_id: str, seconds: float, *, body_json: str = "") -> NewEvent:
    at = after(seconds)
    event = FlowEvent(
        kind=EventKind.DEPOSIT, account_id=account_id, slot=7, observed_at=at, token="USDC", amount_usd=100.0
    )
    return NewEvent(
        account_id=account_id, kind=EventKind.DEPOSIT, market="USDC", tier=Tier.OK, slot=7, happened_at=at,
        source=f"{account_id}/{seconds}", body_json=body_json or event_json(event), told=True,
    )  # fmt: skip


async def test_what_happened_then_and_was_learned_since_is_told_in_its_order(store: Store) -> None:
    clock, log = FakeClock(NOW + timedelta(seconds=600)), Events(store)
    await log.record(EventBatch(events=(deposited("a", -900),)), after(-890))  # learned while it still watched
    late = (deposited("a", 300), deposited("b", 200), deposited("a", 100), deposited("a", 590))
    await log.record(EventBatch(events=late), after(595))
    found = await Happened(log, clock)(NOW, after(500))

    assert {account_id: len(events) for account_id, events in found.items()} == {"a": 2, "b": 1}
    assert "100" in found["b"][0]


async def test_an_event_of_another_version_is_one_line_less(store: Store) -> None:
    clock, log = FakeClock(NOW + timedelta(seconds=60)), Events(store)
    await log.record(EventBatch(events=(deposited("a", 10, body_json="{}"), deposited("a", 20))), after(30))

    assert len((await Happened(log, clock)(NOW, after(50)))["a"]) == 1
