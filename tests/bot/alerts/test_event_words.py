"""Every event is one plain sentence with units, whatever others have named things."""

import re

import pytest

from bot.alerts.event_codec import event_from, event_json
from bot.alerts.event_names import GROUPS, NAMES, event_of, subject_of
from bot.alerts.event_words import told
from risk.decisions.event_tiers import DEFAULT_TIERS, ON_REQUEST
from risk.decisions.incidents import Cause, CauseKind, happened
from risk.decisions.tiers import Tier
from risk.model.account import MarketKind
from risk.model.event_kinds import EndReason, EventKind, GapReason
from risk.model.events import AccountEvent, GapEvent, MarketEvent, OrderEvent
from risk.model.market import MarketStatus
from tests.bot.alerts.every_event import EVERY, TOLD, order, renamed
from tests.risk.builders import NOW, SLOT


@pytest.mark.parametrize(("event", "sentence"), TOLD, ids=[sentence for _, sentence in TOLD])
def test_an_event_is_one_sentence(event: AccountEvent, sentence: str) -> None:
    assert told(event) == sentence
    assert not re.search(r"\b(nan|inf|None|True|False)\b|[_<>{}\n]", told(event).replace("->", ""))
    assert not told(event).endswith(".")


@pytest.mark.parametrize("event", EVERY, ids=lambda event: event.kind.value)
def test_what_others_have_named_is_cleaned(event: AccountEvent) -> None:
    hostile = renamed(event, "SOL\n\x1b[2J\u202ePERP" + "x" * 200)
    if hostile is not None:
        text = told(hostile)
        assert "\n" not in text
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert len(text) < 250


@pytest.mark.parametrize("reason", EndReason)
def test_every_reason_an_order_ends_for_has_words(reason: EndReason) -> None:
    assert told(order(EventKind.ORDER_CANCELLED, reason=reason))


@pytest.mark.parametrize("reason", GapReason)
def test_every_gap_has_words(reason: GapReason) -> None:
    gap = GapEvent(kind=EventKind.HISTORY_GAP, account_id="main", slot=SLOT, observed_at=NOW, reason=reason)
    assert "cannot be told in full" in told(gap)


def test_every_market_status_has_words() -> None:
    for status in MarketStatus:
        event = MarketEvent(
            kind=EventKind.MARKET_PAUSED, account_id="", slot=SLOT, observed_at=NOW, market="SOL",
            market_kind=MarketKind.SPOT, before=MarketStatus.ACTIVE, after=status,
        )  # fmt: skip
        assert told(event).startswith("SOL is ")


def test_every_kind_has_a_name_a_tier_and_one_group() -> None:
    assert set(NAMES) == set(EventKind) == set(DEFAULT_TIERS)
    grouped = [kind for kinds in GROUPS.values() for kind in kinds]
    assert sorted(grouped) == sorted(EventKind)
    assert len(set(NAMES.values())) == len(NAMES)
    assert all(DEFAULT_TIERS[kind] is Tier.OK for kind in ON_REQUEST)


def test_the_kind_of_an_event_is_found_in_its_incident_again() -> None:
    for kind in EventKind:
        cause = Cause(kind=CauseKind.EVENT, account_id="main", subject=subject_of(kind, "17"))
        assert event_of(happened(cause, Tier.WATCH, fact="", now=NOW, new_id=1)) == kind.value
    limit = Cause(kind=CauseKind.LIMIT, account_id="main", subject="order_filled:1")
    assert not event_of(happened(limit, Tier.WATCH, fact="", now=NOW, new_id=1))


@pytest.mark.parametrize("event", EVERY, ids=lambda event: event.kind.value)
def test_an_event_survives_being_kept(event: AccountEvent) -> None:
    assert event_from(event_json(event)) == event


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '["Nonsense", {}]', '["OrderEvent", {}]', '["OrderEvent", 1]', "[1,2]"]
)
def test_what_another_version_kept_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        event_from(text)


def test_a_size_that_is_no_number_survives_too() -> None:
    event = order(EventKind.ORDER_PLACED, float("nan"))
    kept = event_from(event_json(event))
    assert isinstance(kept, OrderEvent)
    assert kept.size_base != kept.size_base
