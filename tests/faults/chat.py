"""Faults of Telegram and Discord."""

from tests.faults.parts import Fault, Measure, Section, exactly, none, within
from tests.faults.promises import Row

_FAULTS = "tests/scenarios/test_telegram_faults.py::"
_LATER = f"{_FAULTS}test_an_alert_that_telegram_does_not_take_comes_later"
_WIRE = "tests/bot/alerts/test_delivery_wire.py::"
_ROUND = "tests/scenarios/test_escalation.py::test_critical_goes_round_whatever_is_wrong_with_telegram"
_POLLING = "tests/bot/transports/test_telegram_polling.py::"
_GATEWAY = "tests/bot/transports/test_discord_gateway.py::"
_INTERACTIONS = "tests/bot/transports/test_discord_interactions.py::"
_DISCORD = "tests/scenarios/test_discord.py::"

_SOON = within(Measure.TOLD_AFTER, 10.0)
_COMES_ONCE = (_SOON, *none(Measure.LOST, Measure.REPEATS))
_ROUND_IN_TIME = (within(Measure.ELSEWHERE_AFTER, 15.0),)
_OTHER_WAY = "CRITICAL goes to Discord; its fallback waits 2 s here"
_BACK = within(Measure.BACK_AFTER, 5.0)


def _later(name: str, proves: Row, what: str, how: str, case: str) -> Fault:
    return Fault(
        name=name,
        proves=proves,
        what=what,
        how=how,
        must="tried again with jitter, comes once",
        by=_LATER,
        case=case,
        goals=_COMES_ONCE,
    )


TELEGRAM = Section(
    title="Telegram",
    faults=(
        _later("telegram-limited-chat", Row.TELEGRAM_LIMIT, "429", "the chat has to wait for 1 s", "429 on the chat"),
        Fault(
            name="telegram-limit-others-ask", proves=Row.TELEGRAM_LIMIT,
            what="429 on one chat, as others ask", how="that chat has to wait for 30 s", must="only that chat waits",
            by=f"{_FAULTS}test_a_limit_on_one_chat_holds_up_no_other", goals=(within(Measure.OTHERS_WAIT, 2.0),),
        ),
        Fault(
            name="telegram-limit-others-told", proves=Row.TELEGRAM_LIMIT,
            what="429 on one chat, as others are told", how="that chat has to wait for 2 s",
            must="only that chat waits, and is told then",
            by=f"{_WIRE}test_a_chat_that_is_told_to_wait_holds_up_nobody",
            goals=(within(Measure.OTHERS_WAIT, 2.0), *none(Measure.LOST, Measure.REPEATS)),
        ),
        _later("telegram-502", Row.TELEGRAM_TROUBLE, "5xx", "502", "502"),
        _later(
            "telegram-error-page", Row.TELEGRAM_TROUBLE, "a proxy's error page", "504 in HTML", "error page of a proxy",
        ),
        _later(
            "telegram-cut-before", Row.TELEGRAM_TROUBLE,
            "cut before the request was read", "the connection ends", "cut before",
        ),
        Fault(
            name="telegram-cut-after", proves=Row.TELEGRAM_TROUBLE,
            what="accepted, then cut", how="the message is shown, the answer is dropped",
            must="said again under the same number", by=_LATER, case="accepted, then cut",
            goals=(_SOON, *none(Measure.LOST), within(Measure.REPEATS, 1)),
        ),
        Fault(
            name="telegram-repeat", proves=Row.TELEGRAM_TROUBLE,
            what="repeat", how="the answer is dropped", must="it says that it may be one",
            by=f"{_WIRE}test_an_alert_whose_answer_was_lost_comes_again_under_its_number_and_says_that_it_may_be_a_repeat",
            goals=(within(Measure.REPEATS, 1), *none(Measure.UNMARKED)),
        ),
        Fault(
            name="telegram-partition", proves=Row.TELEGRAM_TROUBLE,
            what="partition", how="no request is answered for a minute", must=_OTHER_WAY,
            by=_ROUND, case="partitioned", goals=_ROUND_IN_TIME,
        ),
        Fault(
            name="telegram-fallback-default", proves=Row.TELEGRAM_TROUBLE,
            what="CRITICAL that is blocked, default settings", how="every attempt fails; a clock moved by hand",
            must="another platform is tried",
            by="tests/bot/alerts/test_fallback.py::"
            "test_another_platform_is_tried_within_fifteen_seconds_of_the_first_attempt",
            goals=_ROUND_IN_TIME,
        ),
        Fault(
            name="telegram-401", proves=Row.TELEGRAM_TROUBLE,
            what="401", how="the token is refused", must=_OTHER_WAY, by=_ROUND, case="revoked", goals=_ROUND_IN_TIME,
        ),
        Fault(
            name="telegram-blocked-alone", proves=Row.TELEGRAM_TROUBLE,
            what="403", how="the person has blocked the bot", must=_OTHER_WAY,
            by=_ROUND, case="blocked", goals=_ROUND_IN_TIME,
        ),
        Fault(
            name="telegram-blocked-room", proves=Row.TELEGRAM_TROUBLE,
            what="403, others in the room", how="one of two chats has blocked the bot",
            must="reported to the others; used again when it is open again",
            by=f"{_WIRE}test_a_blocked_chat_is_reported_and_comes_back_with_what_it_asks",
            goals=(within(Measure.REPORTED_AFTER, 5.0),),
        ),
        Fault(
            name="telegram-409", proves=Row.TELEGRAM_TROUBLE,
            what="409", how="another process polls with this token", must="alerts go out, /status says so",
            by=f"{_FAULTS}test_alerts_go_out_while_another_poller_takes_the_updates", goals=(_SOON,),
        ),
        Fault(
            name="telegram-migrated", proves=Row.TELEGRAM_TROUBLE,
            what="migrated group", how="the server names the new address", must="followed, nothing lost",
            by=f"{_WIRE}test_a_group_that_became_another_is_followed", goals=(_SOON, *none(Measure.LOST)),
        ),
        Fault(
            name="poison-telegram", proves=Row.POISON_MESSAGE,
            what="poison message", how="one text is refused for good", must="given up after 5, reported, others go on",
            by=f"{_WIRE}test_a_message_telegram_will_not_take_is_given_up_after_five_attempts_and_the_rest_go_on",
            goals=(within(Measure.OTHERS_WAIT, 1.0), exactly(Measure.ATTEMPTS, 5)),
        ),
        Fault(
            name="telegram-polls-break", proves=Row.TELEGRAM_TROUBLE,
            what="polls that break", how="cut, 502, a page, 429, answers lost", must="each command is heard once",
            by=f"{_POLLING}test_nothing_is_lost_or_heard_twice_when_polls_break",
            goals=none(Measure.LOST, Measure.REPEATS),
        ),
    ),
)  # fmt: skip

DISCORD = Section(
    title="Discord",
    faults=(
        Fault(
            name="discord-op-7", proves=Row.DISCORD_TROUBLE,
            what="asked to reconnect (op 7)", how="op 7, and a command while it is away",
            must="resumed; the command is heard",
            by=f"{_GATEWAY}test_asked_to_reconnect_it_resumes_and_hears_what_was_said_meanwhile",
            goals=(_BACK, *none(Measure.LOST)),
        ),
        Fault(
            name="discord-op-9-resumable", proves=Row.DISCORD_TROUBLE,
            what="invalid session (op 9), resumable", how="op 9 with true", must="resumed",
            by=f"{_GATEWAY}test_an_invalid_session_that_can_be_resumed_is_resumed", goals=(_BACK,),
        ),
        Fault(
            name="discord-op-9-fresh", proves=Row.DISCORD_TROUBLE,
            what="invalid session (op 9)", how="op 9 with false; the wait of 1 to 5 s it asks for is not slept",
            must="a new session, which hears",
            by=f"{_GATEWAY}test_an_invalid_session_is_replaced_after_the_wait_discord_asks_for",
            goals=(_BACK, *none(Measure.LOST)),
        ),
        Fault(
            name="discord-no-heartbeat", proves=Row.DISCORD_TROUBLE,
            what="no answer to heartbeats", how="the gateway is mute; patience is 0.3 s", must="left and resumed",
            by=f"{_GATEWAY}test_a_gateway_that_answers_no_heartbeat_is_left_and_the_session_resumed", goals=(_BACK,),
        ),
        Fault(
            name="discord-gateway-down", proves=Row.DISCORD_TROUBLE,
            what="gateway down", how="cut, and silent to whoever comes", must="alerts go out; presses count afterwards",
            by=f"{_DISCORD}test_alerts_go_out_while_the_gateway_is_away_and_presses_count_when_it_is_back",
            goals=(_SOON, *none(Measure.LOST)),
        ),
        Fault(
            name="discord-and-telegram-shut", proves=Row.DISCORD_TROUBLE,
            what="Discord shut, and Telegram too", how="503 to messages, then to the webhook; Telegram is taken down",
            must="the webhook, then the pager; all arrives when they are back",
            by="tests/scenarios/test_escalation.py::"
            "test_when_discord_is_shut_as_well_its_webhook_and_then_the_pager_are_tried",
            goals=(*_ROUND_IN_TIME, *none(Measure.LOST)),
        ),
        Fault(
            name="discord-global-limit", proves=Row.DISCORD_TROUBLE,
            what="rate limit for everything", how="429, global, for 2 s",
            must="nothing is asked meanwhile but what is on its way",
            by=f"{_WIRE}test_when_discord_wants_everybody_to_wait_nothing_is_asked_for_so_long",
            goals=(within(Measure.HASTY, 2), *none(Measure.LOST)),
        ),
        Fault(
            name="discord-late-press-here", proves=Row.DISCORD_TROUBLE,
            what="late acknowledgement of a press", how="404 Unknown interaction", must="it counts, its card is edited",
            by=f"{_INTERACTIONS}test_a_press_acknowledged_too_late_counts_and_its_card_is_edited",
            goals=none(Measure.LOST),
        ),
        Fault(
            name="discord-late-press-guild", proves=Row.DISCORD_TROUBLE,
            what="late acknowledgement in a guild", how="404 Unknown interaction", must="nobody else gets the answer",
            by=f"{_INTERACTIONS}test_acknowledged_too_late_nobody_else_gets_the_answer", goals=none(Measure.OVERHEARD),
        ),
        Fault(
            name="discord-cut-late", proves=Row.DISCORD_TROUBLE,
            what="accepted, then cut", how="the answer is dropped", must="one message: the platform knows keys",
            by=f"{_WIRE}test_a_repeat_to_discord_is_one_message", goals=none(Measure.LOST, Measure.REPEATS),
        ),
        Fault(
            name="discord-cut-after-kill", proves=Row.DISCORD_TROUBLE,
            what="accepted, then kill -9", how="the answer is dropped, the process killed", must="one message",
            by=f"{_DISCORD}test_an_alert_whose_answer_was_lost_with_the_process_is_one_message",
            goals=none(Measure.LOST, Measure.REPEATS),
        ),
    ),
)  # fmt: skip

SECTIONS = (TELEGRAM, DISCORD)
