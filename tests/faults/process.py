"""Faults of clocks, of the clockwork, and of the process itself."""

from tests.faults.parts import Fault, Measure, Section, exactly, none, within
from tests.faults.promises import Row

_LIFE = "tests/bot/test_lifetime.py::"
_SCHEDULE = "tests/bot/test_schedule.py::"
_OPERATIONS = "tests/scenarios/test_operations.py::"
_STANDBY = "tests/scenarios/test_standby.py::"

_ONE_CATCH_UP = (exactly(Measure.CATCH_UPS, 1),)
_BY_HAND = "by a clock moved by hand"

CLOCK = Section(
    title="Clock and clockwork",
    faults=(
        Fault(
            name="clock-forward", proves=Row.TIME_TROUBLE,
            what="clock set forward", how=f"two hours, {_BY_HAND}", must="noticed, told, one catch-up check",
            by=f"{_LIFE}test_a_clock_that_is_set_is_noticed", case="ahead", goals=_ONE_CATCH_UP,
        ),
        Fault(
            name="clock-backward", proves=Row.TIME_TROUBLE,
            what="clock set back", how=f"two hours, {_BY_HAND}", must="noticed, told, one catch-up check",
            by=f"{_LIFE}test_a_clock_that_is_set_is_noticed", case="back", goals=_ONE_CATCH_UP,
        ),
        Fault(
            name="clock-a-little-back", proves=Row.TIME_TROUBLE,
            what="clock set back a little", how=f"20 s, {_BY_HAND}", must="one catch-up check, nothing to tell",
            by=f"{_LIFE}test_a_clock_that_is_set_is_noticed", case="a little back", goals=_ONE_CATCH_UP,
        ),
        Fault(
            name="clock-back-planned-job", proves=Row.TIME_TROUBLE,
            what="clock set back, and a job planned by it", how="the next run is two hours away",
            must="it runs at once, and once",
            by=f"{_SCHEDULE}test_after_the_clock_was_set_back_what_was_planned_runs_at_once",
            goals=(exactly(Measure.RUNS, 2),),
        ),
        Fault(
            name="machine-slept-alone", proves=Row.TIME_TROUBLE,
            what="machine that slept", how=f"an hour, {_BY_HAND}", must="told with its length, one catch-up check",
            by=f"{_LIFE}test_a_machine_that_slept_is_caught_up_with_once", goals=_ONE_CATCH_UP,
        ),
        Fault(
            name="machine-slept-watchdog", proves=Row.TIME_TROUBLE,
            what="machine that slept, and the watchdog with it", how=f"an hour, {_BY_HAND}",
            must="checks get their turn before anybody is alarmed",
            by=f"{_SCHEDULE}test_a_watchdog_that_slept_itself_gives_the_checks_their_turn_first",
            goals=none(Measure.FALSE_ALARMS),
        ),
        Fault(
            name="process-stopped", proves=Row.TIME_TROUBLE,
            what="process stopped", how=f"90 s without a tick, {_BY_HAND}",
            must="told with its length, one catch-up check",
            by=f"{_LIFE}test_a_stopped_process_notices_when_it_goes_on", goals=_ONE_CATCH_UP,
        ),
        Fault(
            name="process-suspended", proves=Row.TIME_TROUBLE,
            what="process suspended as the price falls", how="SIGSTOP, a fall, 2 s, SIGCONT",
            must="the fall is told, once",
            by="tests/scenarios/test_suspended.py::test_a_fall_while_the_process_is_suspended_is_told_when_it_goes_on",
            goals=(within(Measure.TOLD_AFTER, 5.0), *none(Measure.LOST, Measure.REPEATS)),
        ),
        Fault(
            name="clock-set-as-somebody-decides", proves=Row.TIME_TROUBLE,
            what="clock set while a card waits", how=f"7 hours and 45 s back, 7 hours ahead, {_BY_HAND}",
            must="a yes after the card's own time counts for nothing",
            by="tests/bot/trading/test_clock_steps.py::"
            "test_a_yes_after_its_time_counts_for_nothing_however_the_clock_was_set",
            goals=none(Measure.UNAPPROVED),
        ),
        Fault(
            name="loop-stall", proves=Row.TIME_TROUBLE,
            what="stalled event loop", how=f"0.3 s and 1.5 s of work, {_BY_HAND}",
            must="both are measured; the long one is logged",
            by="tests/bot/test_wellbeing.py::test_a_loop_that_is_kept_busy_is_measured_and_said",
            goals=(exactly(Measure.NOTICED, 1),),
        ),
        Fault(
            name="misfire", proves=Row.TIME_TROUBLE,
            what="misfire", how="a run takes longer than seven of its intervals",
            must="what fell due meanwhile is left out, the next one comes",
            by=f"{_SCHEDULE}test_what_falls_due_during_a_run_is_left_out_without_a_word_and_the_next_one_comes",
            goals=(exactly(Measure.RUNS, 1),),
        ),
        Fault(
            name="checks-stop", proves=Row.TIME_TROUBLE,
            what="checks that stop", how=f"none for three intervals of 5 s, {_BY_HAND}",
            must="CRITICAL from the watchdog",
            by=f"{_SCHEDULE}test_the_watchdog_tells_when_checks_stop_and_when_they_are_back",
            goals=(within(Measure.TOLD_AFTER, 20.0),),
        ),
        Fault(
            name="checks-fail", proves=Row.TIME_TROUBLE,
            what="checks that run and fail", how=f"every one raises, {_BY_HAND}", must="the same as none",
            by=f"{_SCHEDULE}test_checks_that_run_and_fail_are_no_checks_to_the_watchdog",
            goals=(within(Measure.TOLD_AFTER, 20.0),),
        ),
        Fault(
            name="job-hangs", proves=Row.LONG_FIT,
            what="job that hangs", how=f"it never ends, {_BY_HAND}", must="WARNING; the other jobs go on",
            by=f"{_SCHEDULE}test_a_job_that_hangs_is_noticed_and_so_is_its_end",
            goals=(within(Measure.TOLD_AFTER, 65.0),),
        ),
    ),
)  # fmt: skip

_FITS = (within(Measure.LOOP_P99, 0.05), within(Measure.LOOP_MAX, 0.25))

FITS = Section(
    title="Arithmetic",
    faults=(
        Fault(
            name="fit-without-end", proves=Row.LONG_FIT,
            what="a fit that never ends", how="plain Python in the only thread, given 60 s by a clock moved by hand",
            must="given up in words; what waits behind it is calculated; the loop goes on",
            by="tests/bot/test_limited_executor.py::"
            "test_a_fit_that_never_ends_is_given_up_and_what_waited_behind_it_is_calculated",
            goals=(*_FITS, *none(Measure.LOST)),
        ),
        Fault(
            name="fit-long", proves=Row.LONG_FIT,
            what="the longest calculations there are", how="/backtest, /risk, /var, /liqprob and /size of 1,200 days",
            must="the loop's thread hardly works meanwhile",
            by="tests/bot/commands/test_loop_lag.py::test_no_fit_blocks_the_loop", goals=_FITS,
        ),
    ),
)  # fmt: skip

PROCESS = Section(
    title="Process and standby",
    faults=(
        Fault(
            name="process-hung", proves=Row.HUNG_OR_DEAD,
            what="process hung", how="SIGSTOP; then what `deploy/keel.service` waits, and a start as measured here",
            must="no sign of life, so the service manager kills and starts it",
            by=f"{_OPERATIONS}test_the_service_manager_hears_of_readiness_of_life_and_of_the_end",
            goals=(*none(Measure.SIGNS), within(Measure.RESTARTED_AFTER, 35.0)),
        ),
        Fault(
            name="process-dead", proves=Row.HUNG_OR_DEAD,
            what="process dead", how="SIGKILL, a dead-man service listens", must="no beat, until it lives again",
            by=f"{_OPERATIONS}test_a_dead_man_service_hears_beats_until_the_process_is_dead",
            goals=none(Measure.SIGNS),
        ),
        Fault(
            name="deadman-hangs", proves=Row.HUNG_OR_DEAD,
            what="dead-man service that hangs", how="one never answers, one is gone",
            must="alerts go out; /status says so",
            by=f"{_OPERATIONS}test_a_dead_man_service_that_hangs_disturbs_nothing",
            goals=(within(Measure.TOLD_AFTER, 5.0),),
        ),
        Fault(
            name="dead-as-asked", proves=Row.HUNG_OR_DEAD,
            what="dead as somebody asks", how="SIGKILL, a command, a start", must="answered, once",
            by="tests/scenarios/test_kill.py::test_what_was_written_while_the_process_was_dead_is_answered_after",
            goals=none(Measure.LOST, Measure.REPEATS),
        ),
        Fault(
            name="primary-killed", proves=Row.HUNG_OR_DEAD,
            what="primary killed in the crash", how="SIGKILL; the standby waits 3 s here and 30 s by default",
            must="it pages, then speaks for the account, until the primary is back",
            by=f"{_STANDBY}test_the_primary_killed_in_the_crash_is_paged_and_replaced_until_it_is_back",
            goals=(within(Measure.PAGED_AFTER, 18.0), within(Measure.TOLD_AFTER, 10.0)),
        ),
        Fault(
            name="primary-cut-off", proves=Row.HUNG_OR_DEAD,
            what="primary cut off", how="its beats are cut; the standby waits 3 s here", must="the same",
            by=f"{_STANDBY}test_the_primary_cut_off_from_the_net_is_the_same_case",
            goals=(within(Measure.PAGED_AFTER, 18.0),),
        ),
        Fault(
            name="primary-silent", proves=Row.HUNG_OR_DEAD,
            what="primary silent, default settings", how=f"beats every 10 s that stop, {_BY_HAND}", must="it pages",
            by="tests/bot/standby/test_primary.py::test_it_speaks_when_the_newest_beat_is_older_than_half_a_minute",
            goals=(within(Measure.PAGED_AFTER, 45.0),),
        ),
    ),
)  # fmt: skip

SECTIONS = (CLOCK, FITS, PROCESS)
