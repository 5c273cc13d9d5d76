"""Faults of delivery: outages, kills, a memory that fails, haste."""

from tests.faults.parts import Fault, Measure, Part, Section, enough, none, within
from tests.faults.promises import Row

_WIRE = "tests/bot/alerts/test_delivery_wire.py::"
_ALL = "tests/scenarios/test_all_platforms.py::"
_KILL = "tests/scenarios/test_kill.py::"
_STORED = f"{_KILL}test_an_alert_that_was_stored_but_not_delivered_arrives_after_kill_9"

_NOTHING_LOST = none(Measure.LOST)
_ONCE = none(Measure.LOST, Measure.REPEATS)
_AFTER_A_START = within(Measure.TOLD_AFTER, 20.0)

DELIVERY = Section(
    title="Delivery",
    faults=(
        Fault(
            name="platform-stumbles", proves=Row.TELEGRAM_TROUBLE,
            what="platform that stumbles", how="502, a page, a cut and 500 in a row",
            must="all arrive, no limit broken",
            by=f"{_WIRE}test_a_platform_that_stumbles_gets_everything_in_the_end",
            goals=none(Measure.LOST, Measure.BROKEN_LIMITS),
        ),
        Fault(
            name="platform-haste", proves=Row.TELEGRAM_TROUBLE,
            what="haste", how="45 chats at once, 50 ms away; the server counts 30/s and 1/s a chat",
            must="no limit broken",
            by=f"{_WIRE}test_many_chats_at_once_are_told_the_nearest_first_and_no_limit_is_broken",
            goals=none(Measure.BROKEN_LIMITS),
        ),
        Fault(
            name="platform-outage", proves=Row.TELEGRAM_TROUBLE,
            what="outage", how="the server is taken down and up at the same port, ten alerts meanwhile",
            must="all arrive, none is given up", by=f"{_WIRE}test_what_waits_through_an_outage_comes_when_it_ends",
            goals=_NOTHING_LOST,
        ),
        Fault(
            name="platforms-lost-in-turn", proves=Row.TELEGRAM_TROUBLE,
            what="each platform lost in turn", how="Discord, Telegram and the terminal go; two come back",
            must="the others go on; what was missed is told",
            by=f"{_ALL}test_each_is_lost_and_comes_back_and_nobody_misses_an_alert", goals=_NOTHING_LOST,
        ),
        Fault(
            name="platforms-lost-at-once", proves=Row.TELEGRAM_TROUBLE,
            what="all platforms lost at once", how="both servers are taken down", must="told when they are back, once",
            by=f"{_ALL}test_all_of_them_lost_at_once_lose_nothing", goals=_ONCE,
        ),
        Fault(
            name="notice-unreadable", proves=Row.POISON_MESSAGE,
            what="a notice nobody can read", how="a damaged row", must="told as far as its incident is known",
            by="tests/bot/alerts/test_delivery.py::"
            "test_a_notice_nobody_can_read_is_told_as_far_as_its_incident_is_known",
            goals=_NOTHING_LOST,
        ),
        Fault(
            name="copy-not-editable", proves=Row.TELEGRAM_TROUBLE,
            what="a copy that cannot be edited", how="502 on edits, twice", must="the answer is shown on every copy",
            by=f"{_WIRE}test_an_answer_is_shown_on_every_copy_although_the_platform_stumbles", goals=_NOTHING_LOST,
        ),
        Fault(
            name="kill-at-statements", proves=Row.KILLED,
            what="kill -9 at every statement", how="a process kills itself before each that promises an alert",
            must="all of it is stored, or nothing",
            by="tests/storage/test_kill.py::"
            "test_a_kill_at_any_statement_leaves_the_whole_assessment_or_none_of_it",
            goals=(enough(Measure.KILLS, 11), *none(Measure.HALVES)),
        ),
        Fault(
            name="kill-undelivered", proves=Row.KILLED,
            what="kill -9 with an alert undelivered", how="502 to everything, killed, started again",
            must="it arrives, once", by=_STORED, case="5xx", goals=(_AFTER_A_START, *_ONCE),
        ),
        Fault(
            name="kill-answer-lost", proves=Row.KILLED,
            what="kill -9 with the answer lost", how="answers are dropped, killed, started again",
            must="it arrives under the same number", by=_STORED, case="answers lost",
            goals=(_AFTER_A_START, *none(Measure.LOST), within(Measure.REPEATS, 1)),
        ),
        Fault(
            name="kill-mid-send", proves=Row.KILLED,
            what="kill -9 in the middle of sending", how="the platform takes its time, killed, started again",
            must="it does not wait for its lease",
            by=f"{_KILL}test_an_alert_whose_sending_was_under_way_does_not_wait_for_its_lease",
            goals=(_AFTER_A_START, *_ONCE),
        ),
        Fault(
            name="kills-taste", proves=Row.KILLED,
            what="kill -9 at random, a taste", how="two bots, eight SIGKILLs while alerts fire",
            must="none lost, every repeat marked",
            by="tests/scenarios/test_kills.py::"
            "test_kills_at_random_lose_no_alert_and_repeats_say_that_they_may_be_some",
            goals=(enough(Measure.KILLS, 8), *none(Measure.LOST, Measure.UNMARKED)),
        ),
        Fault(
            name="disk-refuses-writes", proves=Row.STORAGE_TROUBLE,
            what="memory that takes nothing", how="the database refuses every write; checks are 5 s apart by hand",
            must="HIGH and worse are said from memory, at the check that finds it",
            by="tests/bot/alerts/test_emergency.py::"
            "test_a_fall_that_cannot_be_stored_is_told_from_memory_once_for_each_tier_and_properly_afterwards",
            goals=(within(Measure.TOLD_AFTER, 10.0), *_NOTHING_LOST),
        ),
    ),
)  # fmt: skip

_STORM = "benchmarks/storm.py::"

STORM = Section(
    title="Storm",
    part=Part.STORM,
    faults=(
        Fault(
            name="storm-fall", proves=Row.STORM,
            what="1,000 accounts, each with a chat of its own", how="all fall in one look",
            must="nearest first, drained within 10 % of what 30 messages a second allow",
            by=f"{_STORM}fall",
            goals=(
                within(Measure.FIRST_AFTER, 0.15), within(Measure.QUEUED_AFTER, 2.0),
                within(Measure.DRAINED_AFTER, 36.63), *none(Measure.BROKEN_LIMITS),
            ),
        ),
        Fault(
            name="storm-minute", proves=Row.STORM,
            what="1,000 alerts a minute to 100 chats", how="the server tells one chat to wait for 30 s",
            must="only that chat waits", by=f"{_STORM}thousand_a_minute",
            goals=(
                within(Measure.CRITICAL_P99, 2.0), within(Measure.OTHERS_P99, 2.0), *none(Measure.BROKEN_LIMITS),
            ),
        ),
    ),
)  # fmt: skip

ORDERS = Section(
    title="Orders",
    part=Part.ORDERS,
    faults=(
        Fault(
            name="order-kills", proves=Row.KILLED,
            what="kill -9 at every state change of an order, and at random",
            how="SIGKILLs of two desks over nodes that land, fail, drop, refuse and let expire; two thirds at named "
            "moments in turn, the rest before any statement of SQLite or from outside",
            must="no order twice, none that nobody agreed to, none lost without a report",
            by="benchmarks/order_kills.py::killed",
            goals=(
                enough(Measure.KILLS, 1), *none(Measure.DUPLICATES, Measure.UNAPPROVED, Measure.LOST, Measure.WRONG),
                *none(Measure.MOMENTS_MISSED),
            ),
        ),
    ),
)  # fmt: skip

KILLS = Section(
    title="Kills",
    part=Part.KILLS,
    faults=(
        Fault(
            name="kills-random", proves=Row.KILLED,
            what="kill -9 at random", how="SIGKILLs of four bots that each send 8 alerts a second, 0.2 to 6 s apart",
            must="0 lost, repeats below 1 %, every repeat marked", by="benchmarks/kills.py::toll",
            goals=(
                enough(Measure.KILLS, 1), *none(Measure.LOST), within(Measure.REPEATED_PERCENT, 1.0),
                *none(Measure.UNMARKED),
            ),
        ),
    ),
)  # fmt: skip

SECTIONS = (DELIVERY, STORM, ORDERS, KILLS)
