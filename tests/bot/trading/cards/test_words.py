"""A card says everything somebody has to know before they press, and nothing that is not so."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Button, Line, Message, Table, text_of
from bot.text.tables import lines as table_lines
from bot.trading.cards import countdown
from bot.trading.cards.orders import amount
from bot.trading.cards.words import After, Place, drawn, superseded
from risk.model.account import Side
from risk.model.limits import LimitName, RiskViolation
from risk.model.proposal import Leg, LegState, Proposal, ProposalState, Purpose, Vote
from risk.model.trading import BASE_UNITS, OrderStyle
from tests.bot.trading.proposals import NOW, armed, effect, leg, proposal, stop, terms

PLACE = Place(label="main", gateway="paper", buttons=((Button("Confirm", "c:x"), Button("Cancel", "c:y")),))
ANNA = Vote(person_id="p1", display_name="Anna", at=NOW)
FILLED: dict[str, Any] = {
    "filled_raw_1e9": 12_500_000_000,
    "quote_raw_1e6": 1_872_875_000,
    "fee_raw_1e6": 1_120_000,
    "state": LegState.FILLED,
}


def message(of: Proposal, *, after_s: float = 0.0, place: Place = PLACE) -> Message:
    return drawn(of, place, NOW + timedelta(seconds=after_s)).message


def text(of: Proposal, *, after_s: float = 0.0, place: Place = PLACE) -> str:
    return text_of(message(of, after_s=after_s, place=place))


def first(of: Proposal) -> str:
    return text(of).split("\n")[0]


def many(state: ProposalState, *legs: Leg, **more: object) -> Proposal:
    return proposal(*(legs or (leg(**FILLED),)), state=state, finished_at=NOW, **more)


EVERY = {
    "open": proposal(),
    "two": proposal(leg(), leg(2, terms("BTC-PERP", side=Side.BUY, limit_raw_1e6=101_900_125_000, reduce_only=False))),
    "quorum": proposal(approvals_needed=2, votes=(ANNA,), pin_needed=True),
    "revised": proposal(revision=2, changed=("worst price of SOL-PERP 149.20 -> 148.10",)),
    "stop": proposal(stop(), purpose=Purpose.STOP, effect=None),
    "cancel": proposal(Leg(number=1, terms=None, cancels=(31, 32)), purpose=Purpose.CANCEL, effect=None),
    "arm": armed(),
    "armed": armed(state=ProposalState.DONE, votes=(ANNA,), finished_at=NOW),
    "approved": proposal(state=ProposalState.APPROVED, votes=(ANNA,)),
    "executing": proposal(leg(state=LegState.SENT), leg(2), state=ProposalState.EXECUTING),
    "done": many(ProposalState.DONE),
    "partial": many(ProposalState.PARTIAL, leg(**FILLED), leg(2, state=LegState.FAILED, reason="the venue said no")),
    "failed": many(ProposalState.FAILED, leg(state=LegState.FAILED), reason="the price moved too far"),
    "cancelled": many(ProposalState.CANCELLED, leg(), reason="Cancelled by Anna."),
    "expired": many(ProposalState.EXPIRED, leg(), reason="nobody confirmed it in time"),
    "no history": proposal(effect=effect(
        probability_before=None, probability_after=None, probability_unknown="there is too little price history"
    )),
}  # fmt: skip


@pytest.mark.parametrize("of", EVERY.values(), ids=EVERY)
def test_every_card_is_readable_on_a_phone(of: Proposal) -> None:
    shown = message(of)
    for block in shown.blocks:
        if isinstance(block, Table):
            assert all(len(line) <= 34 for line in table_lines(block, columns=200))
            assert not any("…" in cell for row in block.rows for cell in row)
        elif isinstance(block, Line):
            assert block.text.strip()
    assert not re.search(r"\b(nan|inf|None|null)\b", text(of))
    assert isinstance(shown.blocks[0], Line)
    assert shown.blocks[0].strong


@pytest.mark.parametrize("of", EVERY.values(), ids=EVERY)
def test_only_what_can_be_pressed_has_buttons(of: Proposal) -> None:
    assert bool(message(of).buttons) == (of.state is ProposalState.OPEN)
    assert not message(of, after_s=120).buttons


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (EVERY["open"], "Hedge main: sell 12.5 SOL-PERP ≥$149.20"),
        (EVERY["two"], "Hedge main: buy 12.5 BTC-PERP +1 more"),
        (EVERY["stop"], "Stop main: sell 12.5 SOL-PERP at $140.00"),
        (EVERY["cancel"], "Cancel orders main: 2 orders at the venue"),
        (EVERY["arm"], "Arm main: up to $5,000, until 20:00:00 UTC"),
        (EVERY["armed"], "Arm main: in force until 20:00:00 UTC"),
        (EVERY["approved"], "Hedge main: approved, checking prices again"),
        (EVERY["executing"], "Hedge main: sending, 0 of 2 done"),
        (EVERY["done"], "Hedge main: sold 12.5 SOL-PERP"),
        (EVERY["partial"], "Hedge main: PARTLY, 1 of 2 orders"),
        (EVERY["failed"], "Hedge main: FAILED, nothing was traded"),
        (EVERY["cancelled"], "Hedge main: cancelled, nothing was sent"),
        (EVERY["expired"], "Hedge main: expired, nothing was sent"),
    ],
)
def test_the_first_line_is_the_answer(of: Proposal, says: str) -> None:
    assert first(of) == says


LONGEST = "tradingacc"  # a nickname of ten characters


@pytest.mark.parametrize("label", ["main", LONGEST])
@pytest.mark.parametrize("purpose", [one for one in Purpose if one not in (Purpose.ARM, Purpose.CANCEL)])
@pytest.mark.parametrize("legs", [
    (leg(),), (stop(),), (leg(), leg(2)), (leg(1, terms("BTC-PERP", side=Side.BUY, size_raw_1e9=828_600_000,
    limit_raw_1e6=101_900_125_000)),), (leg(1, terms(size_raw_1e9=210_260_000_000)), leg(2), leg(3)),
], ids=["one", "trigger", "two", "bitcoin", "three"])  # fmt: skip
def test_forty_characters_have_the_size_and_the_market_whole(
    label: str, purpose: Purpose, legs: tuple[Leg, ...]
) -> None:
    shown = text(proposal(*legs, purpose=purpose), place=replace(PLACE, label=label)).split("\n")[0]
    assert len(shown) <= 40
    largest = max((one.terms for one in legs if one.terms is not None), key=lambda one: one.notional_usd)
    assert f"{largest.side.value} {amount(largest.size_raw_1e9)} {largest.market.removesuffix('-PERP')}" in shown
    if len(legs) > 1 and purpose is not Purpose.BRACKET:
        assert f"+{len(legs) - 1}" in shown or label == LONGEST


def test_the_price_of_the_first_line_is_never_better_than_the_one_that_is_signed() -> None:
    sold = proposal(leg(1, terms(limit_raw_1e6=159_179_900)))
    bought = proposal(leg(1, terms(side=Side.BUY, limit_raw_1e6=159_170_100)))
    assert first(sold).endswith("≥$159.17")
    assert first(bought).endswith("≤$159.18")


def test_totals_stand_on_the_second_line_and_those_of_a_bracket_count_one_half() -> None:
    assert text(EVERY["two"]).split("\n")[1] == "2 orders, at most $1,275,627 in all."
    both = proposal(stop(), stop(2), purpose=Purpose.BRACKET)
    assert text(both).split("\n")[1] == "2 orders, of which one can fill: at most $1,750."
    assert "at most" not in text(many(ProposalState.DONE, leg(**FILLED), leg(2, **FILLED)))


def test_what_was_never_sent_is_no_order_that_waits() -> None:
    failed = text(many(ProposalState.FAILED, leg(), purpose=Purpose.CLOSE, reason="the price moved"))
    assert "1 not sent: sell 12.5 SOL-PERP" in failed.split("\n")
    assert "waiting" not in failed
    assert "Next: look at /positions, then ask again with /close." in failed
    for state in ("cancelled", "expired"):
        assert "1 not sent: sell 12.5 SOL-PERP" in text(EVERY[state])
    assert "1 not sent: sell 12.5 SOL-PERP below $140.00" in text(many(ProposalState.EXPIRED, stop()))


def test_a_plan_that_brings_liquidation_nearer_says_so_before_its_orders() -> None:
    shown = text(proposal(effect=effect(
        health_percent_after=30.0, health_ratio_after=142.0, leverage_after=7.7, probability_after=0.05
    ))).split("\n")  # fmt: skip
    nearer = "! It brings liquidation NEARER: health 41% to 30%, leverage 5.1x to 7.7x."
    likelier = "! It makes liquidation LIKELIER: P(liq 24 h) 3.1% to 5.0%."
    assert shown.index(nearer) < shown.index(likelier) < shown.index("1 sell 12.5 SOL-PERP, reduce-only")
    assert "NEARER" not in text(EVERY["open"])
    assert "LIKELIER" not in text(EVERY["no history"])


def test_a_card_that_only_cancels_is_about_orders_that_rest() -> None:
    shown = text(proposal(Leg(number=1, terms=None, cancels=(31,)), purpose=Purpose.CANCEL))
    assert "Health 41% to 63%; free for new trades after it: $1,234." in shown
    assert "Until then" not in shown
    gone = Leg(number=1, terms=None, cancels=(31,), state=LegState.FILLED)
    assert "1 cancelled order 31" in text(many(ProposalState.DONE, gone, purpose=Purpose.CANCEL))
    kept = many(ProposalState.CANCELLED, Leg(number=1, terms=None, cancels=(31,)), purpose=Purpose.CANCEL)
    assert first(kept) == "Cancel orders main: NOT cancelled, they rest on"


def test_what_only_rests_has_not_moved_health() -> None:
    resting = replace(stop(), state=LegState.RESTING, order_id=5)
    place = replace(PLACE, after=After(positions=(), health_percent=68.0))
    assert "Health" not in text(many(ProposalState.DONE, resting, purpose=Purpose.STOP), place=place)


def test_what_is_decided_on_is_all_there() -> None:
    shown = text(EVERY["open"], after_s=3).split("\n")
    assert "1 sell 12.5 SOL-PERP, reduce-only" in shown
    assert "1  $149.85  $149.20  0.04%" in shown
    assert "health  41%  63%" in shown
    assert "P(liq 24 h)  3.1%  0.40%" in shown
    assert "Costs: fee $1.12, slippage $4.10 against the oracle." in shown
    assert shown[-2] == "Expires 12:02:00 UTC, 1 min 45 s left."
    assert shown[-1] == "main · paper · order book of 11:59:57 UTC, 6 s old · slot 400,000,012"


def test_what_may_grow_a_position_says_so() -> None:
    assert "2 buy 12.5 BTC-PERP, may open or grow a position" in text(EVERY["two"])


def test_a_trigger_says_that_it_rests_at_the_venue() -> None:
    assert "1 sell 12.5 SOL-PERP below $140.00, reduce-only, rests at the venue" in text(EVERY["stop"])


def test_who_has_approved_and_who_has_to_yet() -> None:
    assert "Approved by 1 of 2: Anna." in text(EVERY["quorum"])
    assert "Needs 2 different traders; approved by nobody yet." in text(proposal(approvals_needed=2))
    assert "Needs your PIN: press Confirm, then send me /pin and your PIN in private." in text(EVERY["quorum"])


def test_what_changed_is_marked() -> None:
    shown = text(EVERY["revised"])
    assert "Revision 2. Changed since the last card:" in shown
    assert "» Worst price of SOL-PERP 149.20 -> 148.10." in shown


def test_a_probability_that_nobody_knows_says_why() -> None:
    shown = text(EVERY["no history"])
    assert "P(liq 24 h)  -  -" in shown
    assert "P(liq 24 h) is not known: there is too little price history." in shown


def test_limits_that_do_not_hold_after_it_are_warnings() -> None:
    broken = RiskViolation(limit=LimitName.MAX_PORTFOLIO_LEVERAGE, value=5.4, threshold=5.0)
    assert "! After it: leverage 5.4x, above 5.0x" in text(proposal(effect=effect(violations=(broken,))))


def test_a_deposit_that_is_advised_is_rounded_up() -> None:
    assert "Advised besides: deposit $123.46." in text(proposal(deposit_usd=123.451))


def test_a_card_whose_time_is_over_says_so_before_anybody_wrote_it_down() -> None:
    assert text(proposal(), after_s=120).startswith("Hedge main: expired, nothing was sent")


def test_progress_is_told_leg_by_leg() -> None:
    shown = text(EVERY["executing"])
    assert "1 sent, sell 12.5 SOL-PERP" in shown
    assert "2 waiting, sell 12.5 SOL-PERP" in shown


def test_a_plan_that_went_out_partly_reports_exactly_which() -> None:
    shown = text(EVERY["partial"])
    assert "1 sold 12.5 SOL-PERP at $149.83, fee $1.12" in shown
    assert "2 FAILED, sell 12.5 SOL-PERP: the venue said no" in shown


def test_after_flatten_the_card_lists_what_is_still_open() -> None:
    done = many(ProposalState.DONE, purpose=Purpose.FLATTEN)
    assert "What is still open is being read." in text(done)
    left = replace(PLACE, after=After(positions=("long 0.05 BTC-PERP",), health_percent=62.1))
    assert "Still open: long 0.05 BTC-PERP." in text(done, place=left)
    assert "Health 62% now, with all else that moved since; it was 41%, and 63% was expected of this." in text(
        done, place=left
    )
    nothing = replace(PLACE, after=After(positions=(), health_percent=None))
    assert "No position is open any more." in text(done, place=nothing)


def test_a_cancelled_card_says_by_whom() -> None:
    assert "Cancelled by Anna." in text(EVERY["cancelled"]).split("\n")


def test_a_name_cannot_break_out_of_its_line() -> None:
    evil = Vote(person_id="p", display_name="A\n! HALTED\u202e", at=NOW)
    assert "\n! HALTED" not in text(proposal(approvals_needed=2, votes=(evil,)))


def test_a_superseded_card_has_no_buttons_and_points_on() -> None:
    shown = superseded(proposal(revision=2), "main")
    assert not shown.buttons
    assert text_of(shown).startswith("Hedge main: this card is superseded")


def test_only_the_countdown_and_ages_change_by_the_clock_alone() -> None:
    at = [drawn(proposal(), PLACE, NOW + timedelta(seconds=second)) for second in (0, 20, 100)]
    assert len({one.steady for one in at}) == 1
    assert len({one.fingerprint for one in at}) == 3
    assert drawn(proposal(votes=(ANNA,)), PLACE, NOW).steady != at[0].steady
    assert drawn(proposal(), PLACE, NOW + timedelta(seconds=120)).steady != at[0].steady


@given(seconds=st.floats(0, 100_000))
def test_never_more_time_is_shown_than_is_left(seconds: float) -> None:
    step = countdown.step(seconds)
    assert 0 <= step <= seconds
    assert seconds - step <= 60
    assert countdown.next_step_s(seconds) > 0


@given(raw=st.integers(1, 10**15))
def test_no_digit_of_a_size_is_lost(raw: int) -> None:
    shown = first(proposal(leg(1, terms(size_raw_1e9=raw))))
    size = shown.split("sell ")[1].split(" SOL")[0].replace(",", "")
    whole, _, decimals = size.partition(".")
    assert int(whole) * BASE_UNITS + int(decimals.ljust(9, "0")) == raw


def test_a_style_that_cannot_rest_never_says_that_it_does() -> None:
    assert "rests" not in text(proposal(leg(1, terms(style=OrderStyle.IOC))))
