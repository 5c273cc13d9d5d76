"""How bad an alert is for the eye, and which matter it belongs to."""

import pytest

from bot.alerts.marks import accent, topic
from bot.alerts.view import alert_message
from bot.messages import Accent, Stage, Tone
from risk.decisions.incidents import CauseKind, NoticeReason
from risk.decisions.tiers import Tier
from tests.bot.alerts.builders import NOW, make_facts


@pytest.mark.parametrize(
    ("tier", "reason", "colour"),
    [
        (Tier.WATCH, NoticeReason.FIRST, Accent.NOTICE),
        (Tier.WARNING, NoticeReason.EASED, Accent.CAUTION),
        (Tier.HIGH, NoticeReason.FIRST, Accent.DANGER),
        (Tier.CRITICAL, NoticeReason.ESCALATED, Accent.EMERGENCY),
        (Tier.LIQUIDATING, NoticeReason.REPEAT_DUE, Accent.EMERGENCY),
        (Tier.UNKNOWN, NoticeReason.FIRST, Accent.UNKNOWN),
        (Tier.CRITICAL, NoticeReason.RESOLVED, Accent.GOOD),
        (Tier.OK, NoticeReason.RESOLVED, Accent.GOOD),
    ],
)
def test_the_colour_is_the_tier_until_it_is_over(tier: Tier, reason: NoticeReason, colour: Accent) -> None:
    assert accent(make_facts(tier=tier, reason=reason)) is colour


@pytest.mark.parametrize("tier", list(Tier))
def test_every_tier_has_a_colour(tier: Tier) -> None:
    assert accent(make_facts(tier=tier)) is not Accent.NONE


@pytest.mark.parametrize(
    ("reason", "stage"),
    [
        (NoticeReason.FIRST, Stage.NEWS),
        (NoticeReason.ESCALATED, Stage.NEWS),
        (NoticeReason.REPEAT_DUE, Stage.FOLLOW_UP),
        (NoticeReason.EASED, Stage.FOLLOW_UP),
        (NoticeReason.RESOLVED, Stage.END),
    ],
)
def test_what_opens_or_gets_worse_is_news(reason: NoticeReason, stage: Stage) -> None:
    assert topic(make_facts(reason=reason)).stage is stage


@pytest.mark.parametrize(
    ("tier", "weighty"),
    [
        (Tier.WATCH, False), (Tier.WARNING, False), (Tier.HIGH, True), (Tier.CRITICAL, True), (Tier.LIQUIDATING, True),
        (Tier.UNKNOWN, True),
    ],
)  # fmt: skip
def test_high_and_worse_are_worth_a_place_of_their_own(tier: Tier, weighty: bool) -> None:
    assert topic(make_facts(tier=tier)).weighty is weighty


def test_a_title_says_which_incident_of_whom_and_how_it_stands() -> None:
    assert topic(make_facts()).title == "#12 main CRITICAL"
    assert topic(make_facts(reason=NoticeReason.RESOLVED)).title == "#12 main RESOLVED"
    assert topic(make_facts(account="")).title == "#12 all accounts CRITICAL"
    assert topic(make_facts(kind=CauseKind.SYSTEM, account="")).title == "#12 Keel CRITICAL"
    assert len(topic(make_facts(account="x" * 200)).title) < 60


def test_what_is_urgent_is_never_a_quiet_follow_up() -> None:
    """Or a platform would put it where it does not ring."""
    for tier in Tier:
        for reason in NoticeReason:
            message = alert_message(make_facts(tier=tier, reason=reason), NOW)
            quiet = message.tone is Tone.QUIET
            assert quiet == (reason in (NoticeReason.EASED, NoticeReason.RESOLVED))
            assert not (quiet and message.topics[0].stage is Stage.NEWS)
