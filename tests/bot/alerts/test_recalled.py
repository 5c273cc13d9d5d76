"""Figures of earlier notices, for what stands while nothing can be read."""

from dataclasses import replace

from bot.alerts.facts import recalled, to_json
from risk.decisions.tiers import Tier
from tests.bot.alerts.builders import make_facts, make_margin


def test_the_newest_notice_that_had_figures_counts() -> None:
    older = to_json(make_facts(margin=make_margin(ratio_percent=110.0)))
    newest = to_json(make_facts(margin=None))
    unpriced = to_json(make_facts(margin=make_margin(ratio_percent=float("nan"))))

    assert recalled([newest, "not facts", unpriced, older, to_json(make_facts())], Tier.CRITICAL) == make_margin(
        ratio_percent=110.0
    )


def test_where_no_notice_had_any_there_are_none() -> None:
    assert recalled([], Tier.HIGH) is None
    assert recalled([to_json(make_facts(margin=None))], Tier.HIGH) is None


def test_the_threshold_of_another_tier_is_not_taken_over() -> None:
    margin = replace(make_margin(), left_percent=126.0)

    found = recalled([to_json(make_facts(tier=Tier.CRITICAL, margin=margin))], Tier.HIGH)
    assert found == replace(margin, threshold_percent=None, left_percent=None)
