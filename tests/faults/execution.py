"""Faults between a yes and a fill: answers that are lost, bytes that never arrive, prices and people that change."""

from tests.faults.parts import Fault, Measure, Section, enough, exactly, none
from tests.faults.promises import Row

_DESK = "tests/bot/trading/test_desk.py::"
_RECONCILE = "tests/bot/trading/test_reconcile.py::"
_CONTRACT = "tests/contracts/test_order_gateway_contract.py::"
_SENDER = "tests/venues/solana/test_sender.py::"

_ONE_EFFECT = none(Measure.LOST, Measure.DUPLICATES)
_NEVER_EARLY = none(Measure.SIGNED_EARLY)

EXECUTION = Section(
    title="Execution",
    faults=(
        Fault(
            name="order-answer-lost-wire", proves=Row.LOST_ANSWER,
            what="order accepted, answer lost", how="paper and node take it, the connection ends",
            must="unknown until its signature tells; sent again it has no second effect",
            by=f"{_CONTRACT}test_a_lost_answer_is_an_unknown_outcome_that_fate_resolves", goals=_ONE_EFFECT,
        ),
        Fault(
            name="order-answer-lost-desk", proves=Row.LOST_ANSWER,
            what="the same, as the desk lives through it", how="the first sending has no answer",
            must="looked up by its signature, reported as filled, never signed again",
            by=f"{_DESK}test_a_lost_answer_is_looked_up_and_never_signed_again",
            goals=(*_ONE_EFFECT, exactly(Measure.ATTEMPTS, 1)),
        ),
        Fault(
            name="order-expired-wire", proves=Row.LOST_ANSWER,
            what="blockhash expired", how="dropped; the chain goes on to its last height and one further",
            must="pending at every height at which it may land, gone behind the last one",
            by=f"{_SENDER}test_what_was_dropped_is_pending_until_its_last_height_is_past",
            goals=(enough(Measure.TRIED, 4), *_NEVER_EARLY),
        ),
        Fault(
            name="order-expired-desk", proves=Row.LOST_ANSWER,
            what="the same, as the desk lives through it", how="sendings are dropped until the first bytes are too old",
            must="signed anew once, behind the last height; one fill",
            by=f"{_DESK}test_what_never_arrived_is_signed_anew_only_when_it_cannot_arrive_any_more",
            goals=(exactly(Measure.ATTEMPTS, 2), *_NEVER_EARLY, *_ONE_EFFECT),
        ),
        Fault(
            name="order-one-node-knows", proves=Row.LOST_ANSWER,
            what="not found at one node, found at another", how="one of two nodes never heard of it, 500 heights on",
            must="whoever knows the signature is believed",
            by=f"{_SENDER}test_whoever_knows_the_signature_is_believed_over_those_who_do_not",
            goals=(*none(Measure.LOST), *_NEVER_EARLY),
        ),
        Fault(
            name="order-node-behind", proves=Row.LOST_ANSWER,
            what="not found by a node that is behind", how="it has the height and not the signatures of that slot",
            must="pending until it has caught up",
            by=f"{_SENDER}test_an_endpoint_that_answers_from_a_node_that_is_behind_cannot_say_that_it_is_gone",
            goals=_NEVER_EARLY,
        ),
        Fault(
            name="order-found-late", proves=Row.LOST_ANSWER,
            what="not found, given up, then found", how="the node says that it is gone, and shows it at the next start",
            must="trading halts, CRITICAL is told, nothing goes out in its place",
            by=f"{_RECONCILE}test_an_order_that_was_given_up_and_landed_halts_trading_and_is_told",
            goals=_ONE_EFFECT,
        ),
        Fault(
            name="order-dead-with-bytes", proves=Row.LOST_ANSWER,
            what="dead with bytes stored, sent or not", how="a new life finds them and asks the venue",
            must="the same bytes go on to one fill", by=f"{_RECONCILE}test_bytes_that_may_be_out_there_have_one_effect",
            goals=(*_ONE_EFFECT, exactly(Measure.ATTEMPTS, 1)),
        ),
        Fault(
            name="quote-jump", proves=Row.STALE_QUOTE,
            what="price jump between card and press", how="2 % against the order, ten seconds after the card",
            must="nothing is sent, a new card asks", by=f"{_DESK}test_a_price_that_moved_is_asked_about_again",
            goals=(*none(Measure.UNAPPROVED), exactly(Measure.ASKED_AGAIN, 1)),
        ),
        Fault(
            name="role-withdrawn", proves=Row.FOREIGN_PRESS,
            what="role withdrawn between card and press", how="a trader becomes nobody with the card before them",
            must="the press counts for nothing and says why",
            by="tests/bot/trading/cards/test_presses.py::"
            "test_a_role_that_was_withdrawn_between_card_and_press_counts_as_none",
            goals=none(Measure.UNAPPROVED),
        ),
    ),
)  # fmt: skip

SECTIONS = (EXECUTION,)
