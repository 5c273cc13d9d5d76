"""Who wrote what into the log of a transaction."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import addresses
from tests.support.drift_events import data_line, log_line, log_of
from venues.solana.program_logs import written_by

OURS, THEIRS = addresses.DRIFT_PROGRAM, addresses.address("another program")
ONE, TWO, THREE = b"12345678one", b"12345678two", b"12345678three"


def data(lines: list[str]) -> list[bytes]:
    return [raw for _, raw in written_by(OURS, lines).parts]


@pytest.mark.parametrize(
    ("lines", "expected", "why"),
    [
        (log_of(ONE, TWO), [ONE, TWO], "in the order they were written"),
        (log_of(log_line(ONE)), [ONE], "events of orders are written as a line of text"),
        (log_of(ONE, program=THEIRS), [], "another program's"),
        (
            log_of(ONE, *log_of(TWO, program=THEIRS, depth=2), THREE), [ONE, THREE],
            "a program it calls speaks for itself, and then it goes on",
        ),
        (
            log_of(ONE, *log_of(TWO, depth=2), THREE, program=THEIRS), [TWO],
            "called by another program it still speaks for itself",
        ),
        (log_of(*log_of(TWO, depth=2), program=OURS), [TWO], "called by itself"),
        ([data_line(ONE)], [], "nobody has been called yet"),
        ([*log_of(ONE), data_line(TWO)], [ONE], "nobody is called any more"),
        ([*log_of(ONE), *log_of(TWO, program=THEIRS), *log_of(THREE)], [ONE, THREE], "several calls one by one"),
        (
            [f"Program {OURS} invoke [1]", f"Program {THEIRS} invoke [2]", data_line(ONE),
             f"Program {THEIRS} failed: custom program error: 0x1", data_line(TWO)],
            [TWO], "a call that failed is over",
        ),
        (
            [f"Program {OURS} invoke [1]", f"Program {THEIRS} invoke [2]", data_line(ONE), f"Program {OURS} invoke [1]",
             data_line(TWO)],
            [TWO], "the depth says that the calls before are over",
        ),
        (
            log_of(f"Program log: Program {OURS} invoke [1]", data_line(ONE), program=THEIRS), [],
            "what a program says can look like the runtime, but is marked as its own",
        ),
        (
            log_of(f"Program data: Program {OURS} invoke [2]", data_line(ONE), program=THEIRS), [], "likewise as data",
        ),
        (log_of(f"Program log: Program {OURS} success", data_line(ONE)), [ONE], "nor does it end its own call so"),
        (log_of("Program log: invoke [2]", data_line(ONE)), [ONE], "half a line of the runtime"),
        (log_of("Program log: not base64!", "Program data: ===", "Program data: ", ONE), [ONE], "text between"),
        (log_of("Program data: QUFB", ONE), [ONE], "too short for an event"),
        (log_of("Program log: Größe", ONE), [ONE], "not even ASCII"),
        (log_of(data_line(ONE) + " ", data_line(ONE) + "\n", TWO), [TWO], "base64 with something behind it"),
        (log_of(f"Program return: {OURS} {base64.b64encode(ONE).decode()}"), [], "a returned value is no event"),
        ([], [], "an empty log"),
    ],
)  # fmt: skip
def test_only_what_the_program_itself_wrote_counts(lines: list[str], expected: list[bytes], why: str) -> None:
    found = written_by(OURS, lines)
    assert data(lines) == expected, why
    assert not found.truncated


def test_a_log_that_was_cut_off_says_so_and_nothing_behind_it_is_believed() -> None:
    whole = log_of(ONE, TWO)
    found = written_by(OURS, [*whole[:3], "Log truncated", *whole[3:]])
    assert [raw for _, raw in found.parts] == [ONE]
    assert found.truncated
    assert not written_by(OURS, log_of("Program log: Log truncated")).truncated


def test_places_are_those_of_the_lines() -> None:
    lines = log_of(ONE, TWO)
    assert [lines[place] for place, _ in written_by(OURS, lines).parts] == [data_line(ONE), data_line(TWO)]


LINES = st.one_of(
    st.text(max_size=60),
    st.sampled_from([
        f"Program {OURS} invoke [1]", f"Program {THEIRS} invoke [2]", f"Program {OURS} success",
        f"Program {THEIRS} failed: x", "Log truncated", data_line(ONE), log_line(TWO), "Program data:", "Program ",
        f"Program {OURS} invoke [99999999999999]", f"Program {OURS} invoke [0]", "Program log: \ud800",
    ]),
)  # fmt: skip


@given(st.lists(LINES, max_size=30))
def test_no_log_is_a_surprise(lines: list[str]) -> None:
    found = written_by(OURS, lines)
    assert all(raw in (ONE, TWO) or len(raw) >= 8 for _, raw in found.parts)
