"""How alerts read. What a lock screen shows of them stands alone."""

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.facts import AlertFacts, from_json, to_json
from bot.alerts.view import alert_message, headline
from bot.messages import Tone, text_of
from risk.decisions.incidents import CauseKind, NoticeReason
from risk.decisions.tiers import LADDER, Tier
from tests.bot.alerts.builders import NOW, make_facts, make_margin

LOCK_SCREEN = 40
NOTHING_HELPS = {"deposit_usd": None, "cut_market": None, "cut_usd": None}

FIRST_LINES: dict[str, tuple[dict[str, Any], str]] = {
    "WATCH": (
        {"tier": Tier.WATCH, "margin": make_margin(distance_frac=0.0934, deposit_usd=0.0, cut_market=None)},
        "WATCH main: 9.3% to liq",
    ),
    "WARNING": ({"tier": Tier.WARNING}, "WARNING main: 4.1% to liq, +$820 fixes"),
    "HIGH": ({"tier": Tier.HIGH}, "HIGH main: 4.1% to liq, +$820 fixes"),
    "CRITICAL": ({}, "CRITICAL main: 4.1% to liq, +$820 fixes"),
    "LIQUIDATING": ({"tier": Tier.LIQUIDATING}, "LIQUIDATING main: now, +$820 fixes"),
    "liquidating, and nothing to say": ({"tier": Tier.LIQUIDATING, "margin": None}, "LIQUIDATING main: now"),
    "UNKNOWN of one account": (
        {"kind": CauseKind.DATA, "tier": Tier.UNKNOWN, "margin": None, "detail": "the oracle of SOL-PERP is stale"},
        "UNKNOWN main: data cannot be trusted",
    ),
    "UNKNOWN of all": (
        {"kind": CauseKind.DATA, "tier": Tier.UNKNOWN, "margin": None, "account": "", "detail": "no answer for 12 s"},
        "UNKNOWN all accounts: no fresh data",
    ),
    "no figures at all": ({"tier": Tier.HIGH, "margin": None}, "HIGH main: no figures can be read"),
    "figures of before": ({"tier": Tier.HIGH, "remembered": True}, "HIGH main: last known 4.1% to liq"),
    "ratio of before": (
        {"tier": Tier.HIGH, "remembered": True, "margin": make_margin(distance_frac=None)},
        "HIGH main: last known health ratio 119.2%"[:LOCK_SCREEN],
    ),
    "drawdown": (
        {"kind": CauseKind.DRAWDOWN, "tier": Tier.HIGH, "detail": "15.1% below its high, deposits not counted"},
        "DRAWDOWN main: 15.1% below its high, dep",
    ),
    "limit": (
        {"kind": CauseKind.LIMIT, "tier": Tier.WARNING, "margin": None, "detail": "leverage 16.5x, above 15.0x"},
        "LIMIT main: leverage 16.5x, above 15.0x",
    ),
    "risk": (
        {"kind": CauseKind.RISK, "tier": Tier.WARNING, "margin": None, "detail": "leverage 4.1x, 2.0x yesterday"},
        "RISK main: leverage 4.1x, 2.0x yesterday",
    ),
    "system": (
        {"kind": CauseKind.SYSTEM, "margin": None, "account": "", "detail": "no health check for 16 s"},
        "CRITICAL Keel: no health check for 16 s",
    ),
    "event": (
        {"kind": CauseKind.EVENT, "tier": Tier.CRITICAL, "margin": None, "detail": "a delegate nobody announced"},
        "CRITICAL main: a delegate nobody announc",
    ),
    "protection": (
        {"kind": CauseKind.PROTECTION, "tier": Tier.HIGH, "margin": None, "detail": "SOL-PERP stop missing: order 7"},
        "HIGH main: SOL-PERP stop missing: order ",
    ),
    "eased": (
        {"tier": Tier.HIGH, "previous": Tier.CRITICAL, "reason": NoticeReason.EASED},
        "HIGH main: eased, 4.1% to liq, +$820 fix",
    ),
    "resolved": (
        {"tier": Tier.OK, "reason": NoticeReason.RESOLVED, "margin": make_margin(ratio_percent=345)},
        "RESOLVED main: health ratio 345.0%",
    ),
    "resolved by closing everything": (
        {"tier": Tier.OK, "reason": NoticeReason.RESOLVED, "margin": make_margin(ratio_percent=math.inf)},
        "RESOLVED main: health ratio ∞, nothing n",
    ),
    "resolved limit": (
        {"tier": Tier.OK, "kind": CauseKind.LIMIT, "reason": NoticeReason.RESOLVED, "detail": "leverage limit holds"},
        "RESOLVED main: leverage limit holds",
    ),
    "resolved system": (
        {"tier": Tier.OK, "kind": CauseKind.SYSTEM, "account": "", "reason": NoticeReason.RESOLVED, "detail": "over"},
        "RESOLVED Keel: over",
    ),
    "no price liquidates": (
        {"margin": make_margin(nearest_market=None, nearest_price_usd=None, distance_frac=None)},
        "CRITICAL main: health ratio 119.2%, +$82",
    ),
    "nothing helps": ({"margin": make_margin(**NOTHING_HELPS)}, "CRITICAL main: 4.1% to liq"),
    "a long name": (
        {"tier": Tier.LIQUIDATING, "account": "the-longest-nickname-ever"},
        "LIQUIDATING the-longest-nic…: now, +$820",
    ),
    "a name that plays tricks": ({"account": "ma\u202ein\n\x1b[2J"}, "CRITICAL main [2J: 4.1% to liq, +$820 fi"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), FIRST_LINES.values(), ids=FIRST_LINES)
def test_the_first_forty_characters_stand_alone(changes: dict[str, Any], expected: str) -> None:
    assert headline(make_facts(**changes))[:LOCK_SCREEN] == expected


def test_every_tier_and_kind_has_a_line_in_the_table() -> None:
    told = [make_facts(**changes) for changes, _ in FIRST_LINES.values()]

    assert {facts.tier for facts in told} == set(Tier)
    assert {facts.kind for facts in told} == set(CauseKind)


def test_an_alert_says_what_happened_and_what_would_help() -> None:
    facts = make_facts(previous=Tier.HIGH, reason=NoticeReason.ESCALATED)

    assert text_of(alert_message(facts, NOW + timedelta(seconds=3))).split("\n") == [
        "CRITICAL main: 4.1% to liq, +$820 fixes",
        "Was HIGH.",
        "Health ratio 119.2%, below 120.0%; 100% is liquidation.",
        "SOL-PERP liquidates at 153.43 USD, 4.1% away, others fixed.",
        "Back to WATCH: deposit $820 or cut SOL-PERP by $4,399.",
        "main · 3 s old · slot 348,900,662 · alert #12",
    ]


def test_what_would_help_is_rounded_up_and_a_distance_down() -> None:
    text = text_of(alert_message(make_facts(margin=make_margin(deposit_usd=100.2, distance_frac=0.01999)), NOW))

    assert "deposit $101" in text
    assert "1.9% to liq" in text


@pytest.mark.parametrize(
    ("deposit_usd", "said"),
    [(10.0, "$10.00"), (10.000001, "$10.00"), (10.004, "$10.01"), (1_000.0004, "$1,000"), (1_000.03, "$1,000.03"),
     (1_000.2, "$1,001")],
)  # fmt: skip
def test_what_would_help_is_not_a_whole_dollar_more_for_a_few_cents(deposit_usd: float, said: str) -> None:
    text = text_of(alert_message(make_facts(margin=make_margin(deposit_usd=deposit_usd)), NOW))

    assert f"deposit {said} or" in text


def test_a_short_liquidates_above_and_its_price_is_rounded_down_to_us() -> None:
    margin = make_margin(nearest_price_usd=103_145.729, nearest_now_usd=100_000.0)

    assert "at 103,145.72 USD" in text_of(alert_message(make_facts(margin=margin), NOW))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"tier": Tier.HIGH}, True),
        ({"tier": Tier.CRITICAL}, True),
        ({"tier": Tier.CRITICAL, "trades": False}, False),
        ({"tier": Tier.WARNING}, False),
        ({"tier": Tier.LIQUIDATING}, False),
        ({"tier": Tier.HIGH, "remembered": True}, False),
        ({"tier": Tier.HIGH, "reason": NoticeReason.RESOLVED}, False),
    ],
)
def test_where_plans_can_be_asked_for_an_alert_names_the_command(changes: dict[str, Any], *, named: bool) -> None:
    text = text_of(alert_message(make_facts(**{"trades": True, **changes}), NOW))
    assert ("/protect main plans the mildest way back, /emergency main the fastest." in text) is named


def test_a_name_of_two_words_is_quoted_as_it_has_to_be_typed() -> None:
    facts = make_facts(tier=Tier.HIGH, trades=True, account="my main")
    assert "/protect 'my main' plans" in text_of(alert_message(facts, NOW))


def test_an_isolated_position_is_named_where_the_deposit_goes() -> None:
    text = text_of(alert_message(make_facts(margin=make_margin(deposit_scope="ETH-PERP")), NOW))

    assert "deposit $820 to isolated ETH-PERP" in text


def test_where_no_single_cut_helps_all_are_cut_together() -> None:
    margin = make_margin(cut_market=None, cut_usd=None, cut_all_frac=0.4001)

    assert "or cut every position by 40.1%." in text_of(alert_message(make_facts(margin=margin), NOW))


def test_a_tier_that_stands_above_its_threshold_says_so() -> None:
    text = text_of(alert_message(make_facts(margin=make_margin(ratio_percent=122.0)), NOW))

    assert "Health ratio 122.0%; CRITICAL stands until it is past 120.0%." in text


def test_a_tier_says_from_where_on_it_is_left() -> None:
    margin = make_margin(ratio_percent=140.0, threshold_percent=120.0, left_percent=150.0)

    text = text_of(alert_message(make_facts(margin=margin), NOW))
    assert "Health ratio 140.0%; CRITICAL stands until it is past 150.0%." in text


@pytest.mark.parametrize(
    ("sigmas", "sentence"),
    [
        (2.69, "2.6 daily moves of the book to liquidation."),
        (0.749, "0.74 daily moves of the book to liquidation."),
        (None, ""),
        (-0.2, ""),
        (1e9, ""),
    ],
)
def test_an_alert_says_how_many_daily_moves_are_left(sigmas: float | None, sentence: str) -> None:
    text = text_of(alert_message(make_facts(margin=make_margin(sigmas=sigmas)), NOW))

    assert (sentence in text) if sentence else ("daily moves" not in text)


def test_a_flagged_account_is_not_called_past_its_threshold() -> None:
    margin = make_margin(ratio_percent=101.0, threshold_percent=100.0)

    text = text_of(alert_message(make_facts(tier=Tier.LIQUIDATING, margin=margin), NOW))

    assert "Health ratio 101.0%; the venue is liquidating all the same." in text


def test_a_repeat_says_that_it_is_one() -> None:
    text = text_of(alert_message(make_facts(previous=Tier.CRITICAL, reason=NoticeReason.REPEAT_DUE), NOW))

    assert "Said again because nobody has acknowledged it." in text
    assert "Was CRITICAL" not in text


def test_unknown_says_why_and_what_to_do() -> None:
    detail = "the oracle of SOL-PERP has not been updated lately"
    facts = make_facts(kind=CauseKind.DATA, tier=Tier.UNKNOWN, margin=None, detail=detail)

    assert text_of(alert_message(facts, NOW)).split("\n") == [
        "UNKNOWN main: data cannot be trusted",
        "The oracle of SOL-PERP has not been updated lately.",
        "Health cannot be stated until the data is back; look at the venue itself.",
        "main · 12:00:00 UTC · alert #12",
    ]


def test_an_open_alert_can_be_acked_snoozed_and_looked_into() -> None:
    message = alert_message(make_facts(), NOW)

    assert [button.label for row in message.buttons for button in row] == ["Ack", "Snooze 1 h", "Details"]
    assert all(len(button.data.encode()) <= 64 for row in message.buttons for button in row)


def test_an_acked_alert_names_who_took_it_on_and_has_no_ack() -> None:
    message = alert_message(make_facts(), NOW, acked_by="Ann\nBob", acked_at=NOW)

    assert "Acked by Ann Bob at 12:00:00 UTC." in text_of(message)
    assert [button.label for row in message.buttons for button in row] == ["Snooze 1 h", "Details"]


def test_what_is_over_has_no_buttons_and_does_not_ring() -> None:
    message = alert_message(make_facts(tier=Tier.OK, reason=NoticeReason.RESOLVED), NOW)

    assert (message.buttons, message.tone) == ((), Tone.QUIET)


@pytest.mark.parametrize(
    ("tier", "reason", "tone"),
    [
        (Tier.WATCH, NoticeReason.FIRST, Tone.NORMAL),
        (Tier.HIGH, NoticeReason.ESCALATED, Tone.NORMAL),
        (Tier.CRITICAL, NoticeReason.FIRST, Tone.URGENT),
        (Tier.LIQUIDATING, NoticeReason.REPEAT_DUE, Tone.URGENT),
        (Tier.CRITICAL, NoticeReason.EASED, Tone.QUIET),
    ],
)
def test_only_what_is_urgent_and_getting_worse_rings_loudest(tier: Tier, reason: NoticeReason, tone: Tone) -> None:
    assert alert_message(make_facts(tier=tier, reason=reason), NOW).tone is tone


any_number = st.floats(allow_nan=True, allow_infinity=True)
maybe_number = st.none() | any_number
any_facts = st.builds(
    make_facts,
    kind=st.sampled_from(CauseKind),
    reason=st.sampled_from(NoticeReason),
    tier=st.sampled_from(Tier),
    previous=st.none() | st.sampled_from(Tier),
    account=st.text(max_size=40),
    detail=st.just("a limit"),
    margin=st.none()
    | st.builds(
        make_margin,
        ratio_percent=any_number,
        threshold_percent=maybe_number,
        nearest_price_usd=maybe_number,
        nearest_now_usd=maybe_number,
        distance_frac=maybe_number,
        deposit_usd=maybe_number,
        cut_usd=maybe_number,
        cut_all_frac=maybe_number,
    ),
)


@given(any_facts)
def test_no_alert_shows_a_programmers_word_for_a_number(facts: AlertFacts) -> None:
    shown = text_of(alert_message(facts, NOW)).replace(facts.account, "").lower()

    assert not {"nan", "inf", "none"} & set(shown.replace(",", " ").replace("%", " ").replace("$", " ").split())


@given(any_facts)
def test_facts_come_back_from_storage_as_they_went(facts: AlertFacts) -> None:
    stored = to_json(facts)

    assert to_json(from_json(stored)) == stored


def test_an_infinite_ratio_comes_back_infinite() -> None:
    facts = make_facts(margin=make_margin(ratio_percent=math.inf))

    assert from_json(to_json(facts)) == facts


@pytest.mark.parametrize("text", ["", "{}", "null", "[]", '{"incident_id": "x"}', to_json(make_facts())[:-5]])
def test_a_stored_notice_of_another_version_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # which one is the library's business
        from_json(text)


@pytest.mark.parametrize("tier", LADDER)
def test_a_threshold_is_named_for_every_step(tier: Tier) -> None:
    margin = make_margin(ratio_percent=80.0, threshold_percent=150.0)

    assert "below 150.0%" in text_of(alert_message(make_facts(tier=tier, margin=margin), NOW))


def test_figures_of_before_say_so_and_of_which_moment_they_are() -> None:
    facts = make_facts(tier=Tier.HIGH, remembered=True, margin=make_margin(distance_frac=None, nearest_market=None))
    lines = text_of(alert_message(facts, NOW + timedelta(minutes=3))).split("\n")

    assert lines[1] == "It cannot be read now: these are the last figures known."
    assert lines[-1] == "main · as of 12:00:00 UTC · slot 348,900,662 · alert #12"
    later = text_of(alert_message(facts, NOW + timedelta(days=2))).split("\n")
    assert later[-1].startswith("main · as of 5 Jan 2026 12:00 UTC · ")


def test_an_alert_without_any_figures_says_what_to_do() -> None:
    text = text_of(alert_message(make_facts(tier=Tier.HIGH, margin=None), NOW))

    assert "Its figures cannot be read now, and none are remembered; look at the venue." in text
