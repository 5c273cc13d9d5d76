"""Facts of alerts with defaults, for tests that care about one of them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.alerts.facts import AlertFacts, MarginFacts
from risk.decisions.incidents import CauseKind, NoticeReason
from risk.decisions.tiers import Tier

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def make_margin(**changes: Any) -> MarginFacts:
    """SOL-PERP 4.1 % from liquidation at a ratio of 119.2 %; 819.21 USD bring WATCH back."""
    margin = MarginFacts(
        ratio_percent=119.2, threshold_percent=120.0, nearest_market="SOL-PERP", nearest_price_usd=153.424,
        nearest_now_usd=160.0, distance_frac=0.0411, deposit_usd=819.21, deposit_scope="", cut_market="SOL-PERP",
        cut_usd=4_398.2, cut_all_frac=None, slot=348_900_662, observed_at=NOW,
    )  # fmt: skip
    return replace(margin, **changes)


def make_facts(**changes: Any) -> AlertFacts:
    """The first notice of CRITICAL on the account "main"."""
    facts = AlertFacts(
        incident_id=12, kind=CauseKind.HEALTH, reason=NoticeReason.FIRST, tier=Tier.CRITICAL, previous=None,
        account="main", detail="", happened_at=NOW, margin=make_margin(),
    )  # fmt: skip
    return replace(facts, **changes)
