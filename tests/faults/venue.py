"""Faults of the node, of the data it gives, and of its stream."""

from tests.faults.parts import Fault, Measure, Section, enough, none, within
from tests.faults.promises import Row

_UNKNOWN = "tests/scenarios/test_unknown_is_never_healthy.py::"
_IN_TIME = f"{_UNKNOWN}test_unknown_rings_in_time_and_no_old_figure_passes_for_health"
_AT_ONCE = f"{_UNKNOWN}test_what_nobody_can_know_is_said_as_soon_as_that_is_known"
_DAMAGE = "tests/venues/solana/test_corruption.py::"
_STREAM = "tests/scenarios/test_stream.py::"
_STREAM_FAULTS = "tests/venues/solana/test_stream_faults.py::"

_TOLD = within(Measure.TOLD_AFTER, 5.0)
_UNKNOWN_IN_TIME = (_TOLD, within(Measure.ADMITTED_AFTER, 4.0))
_SAYS_SO = "UNKNOWN rings, /health shows the last figure with its age, and says when the data is back"
_CANNOT_ASSESS = "UNKNOWN with the reason; never a better tier"
_REFUSED = "refused; UNKNOWN with the reason"


def _unknown(name: str, proves: Row, what: str, how: str, must: str, case: str) -> Fault:
    return Fault(
        name=name, proves=proves, what=what, how=how, must=must, by=_IN_TIME, case=case, goals=_UNKNOWN_IN_TIME
    )


DATA = Section(
    title="Node and data",
    faults=(
        Fault(
            name="node-down", proves=Row.NODE_TROUBLE,
            what="node down", how="connections are refused, websockets are cut", must=_SAYS_SO,
            by=_AT_ONCE, case="connections refused", goals=(_TOLD,),
        ),
        _unknown(
            "node-resets", Row.NODE_TROUBLE,
            "connections reset", "every request is cut, websockets too", _SAYS_SO, "connections cut",
        ),
        _unknown("node-503", Row.NODE_TROUBLE, "5xx", "HTTP 503 to everything", _SAYS_SO, "HTTP 503"),
        _unknown("node-429", Row.NODE_TROUBLE, "429", "HTTP 429 with Retry-After to everything", _SAYS_SO, "HTTP 429"),
        Fault(
            name="node-slow", proves=Row.NODE_TROUBLE,
            what="slow node", how="answers after 30 s; a request has 4 s", must=_SAYS_SO,
            by=f"{_UNKNOWN}test_a_slow_venue_is_unknown_as_soon_as_its_time_is_up",
            goals=(within(Measure.TOLD_AFTER, 5.6),),
        ),
        Fault(
            name="node-garbage", proves=Row.NODE_TROUBLE,
            what="garbage", how="200 with a page of HTML", must=_SAYS_SO, by=_AT_ONCE, case="garbage", goals=(_TOLD,),
        ),
        Fault(
            name="node-failover", proves=Row.NODE_TROUBLE,
            what="first endpoint down, second one up", how="the first refuses, cuts and limits",
            must="the second is asked; nobody is disturbed",
            by=f"{_UNKNOWN}test_a_second_endpoint_keeps_tiers_assessable_while_the_first_is_down",
            goals=(_TOLD, *none(Measure.FALSE_ALARMS)),
        ),
        _unknown(
            "slot-frozen", Row.DAMAGED_DATA,
            "frozen slot", "the chain stands still and the node answers", _SAYS_SO, "frozen slot",
        ),
        _unknown(
            "slot-backward", Row.DAMAGED_DATA,
            "slot that goes back", "five slots back, then still", _SAYS_SO, "slot that went back",
        ),
        _unknown(
            "slot-far-behind", Row.DAMAGED_DATA,
            "node far behind", "answers are 500 slots old", _SAYS_SO, "node far behind",
        ),
        _unknown(
            "account-truncated", Row.DAMAGED_DATA, "truncated account", "4,000 bytes of it", _REFUSED, "truncated data",
        ),
        _unknown(
            "account-wrong-owner", Row.DAMAGED_DATA,
            "wrong owner", "the account belongs to another program", _REFUSED, "wrong owner",
        ),
        Fault(
            name="accounts-damaged", proves=Row.DAMAGED_DATA,
            what="damaged accounts", how="owner, length, type, address and random bytes, by a seed", must="all refused",
            by=f"{_DAMAGE}test_no_account_with_a_foreign_owner_length_type_or_identity_is_accepted",
            goals=(enough(Measure.TRIED, 9_900), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="accounts-bit-flips", proves=Row.DAMAGED_DATA,
            what="flipped bits", how="one bit anywhere in users, markets and oracles",
            must="refused, unassessable, or a book within the invariants",
            by=f"{_DAMAGE}test_a_flipped_bit_anywhere_is_refused_or_leaves_a_book_that_holds_together",
            goals=(enough(Measure.TRIED, 800), *none(Measure.ACCEPTED)),
        ),
        Fault(
            name="account-one-of-two", proves=Row.DAMAGED_DATA,
            what="one account of two damaged", how="100 bytes of it", must="the other one is watched on",
            by=f"{_UNKNOWN}test_damage_to_one_account_makes_it_unknown_and_leaves_the_other_watched", goals=(_TOLD,),
        ),
        _unknown(
            "oracle-stale", Row.BAD_ORACLE,
            "stale oracle", "5,000 slots without a post", _CANNOT_ASSESS, "stale oracle",
        ),
        _unknown(
            "oracle-no-price", Row.BAD_ORACLE,
            "oracle without a price", "its price is 0", _CANNOT_ASSESS, "oracle without a price",
        ),
        Fault(
            name="oracle-wide", proves=Row.BAD_ORACLE,
            what="wide oracle", how="its confidence is as wide as its price", must=_CANNOT_ASSESS,
            by=_AT_ONCE, case="wide oracle", goals=(_TOLD,),
        ),
    ),
)  # fmt: skip

_LEFT = within(Measure.LEFT_AFTER, 2.0)
_GAP = within(Measure.GAP, 10.0)
_CROSSED = within(Measure.TOLD_AFTER, 10.0)

STREAM = Section(
    title="Stream",
    faults=(
        Fault(
            name="websocket-drop", proves=Row.WEBSOCKET_LOST,
            what="websocket drop", how="all are cut as the price falls; checks are a minute apart",
            must="polling bridges, the stream resubscribes, no crossing is missed",
            by=f"{_STREAM}test_a_fall_while_the_stream_is_cut_is_heard_and_the_stream_is_back_within_ten_seconds",
            goals=(_GAP, _CROSSED),
        ),
        Fault(
            name="websocket-silence", proves=Row.WEBSOCKET_LOST,
            what="websocket silence", how="it stays open and says nothing as the price falls",
            must="left for another, polling bridges, no crossing is missed",
            by=f"{_STREAM}test_a_stream_that_falls_silent_is_left_and_nothing_is_missed",
            goals=(_CROSSED,),
        ),
        Fault(
            name="websocket-refused", proves=Row.WEBSOCKET_LOST,
            what="websockets refused", how="503 to every upgrade", must="polling carries on",
            by=f"{_STREAM}test_polling_carries_on_where_websockets_are_refused", goals=(_CROSSED,),
        ),
        Fault(
            name="websocket-endpoint-gone", proves=Row.WEBSOCKET_LOST,
            what="stream's endpoint gone", how="503 and cut, a second one is named",
            must="the stream goes on at the second",
            by=f"{_STREAM}test_the_second_endpoint_carries_the_stream_when_the_first_is_gone", goals=(_GAP, _CROSSED),
        ),
        Fault(
            name="websocket-withheld-change", proves=Row.WEBSOCKET_LOST,
            what="withheld change", how="the stream says nothing of one change", must="found by the checks",
            by=f"{_STREAM}test_a_change_the_stream_keeps_back_is_found_by_the_checks", goals=(_TOLD,),
        ),
        Fault(
            name="websocket-damaged-message", proves=Row.WEBSOCKET_LOST,
            what="damaged notification", how="truncated, of a stranger, of another type, of somebody else",
            must="the stream ends in words, as a reading would",
            by=f"{_STREAM_FAULTS}test_an_account_told_with_damage_is_refused_as_a_reading_refuses_it", goals=(_LEFT,),
        ),
        Fault(
            name="websocket-slots-stand-still", proves=Row.WEBSOCKET_LOST,
            what="slots that stand still or go back",
            how="silence, a frozen chain, a chain set back; patience is 0.5 s",
            must="the stream is left", by=f"{_STREAM_FAULTS}test_silence_ends_a_stream", goals=(_LEFT,),
        ),
        Fault(
            name="websocket-unreliable", proves=Row.WEBSOCKET_LOST,
            what="connection that cannot be relied on",
            how="cut, closed, words, foreign and endless messages, leaps, late accounts", must="the stream is left",
            by=f"{_STREAM_FAULTS}test_a_connection_that_cannot_be_relied_on_ends_in_words", goals=(_LEFT,),
        ),
    ),
)  # fmt: skip

SECTIONS = (DATA, STREAM)
