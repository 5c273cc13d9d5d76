"""keel demo: a fall through every tier and back, the same at every run."""

import asyncio
import io
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import demo
from bot.demo import ESTIMATES, PICTURES, SCRIPT
from risk.decisions.tiers import LADDER

ROOT = Path(__file__).resolve().parents[2]
HEADLINE = re.compile(r"^(WATCH|WARNING|HIGH|CRITICAL|LIQUIDATING|RESOLVED|LIMIT|UNKNOWN) main: (.*)$", re.MULTILINE)


def steps(text: str) -> list[str]:
    """The first words of what is said of the account's health and limits, apart from what happens to it."""
    fall, _, _ = text.partition("> /hedge")
    return [head for head, rest in HEADLINE.findall(fall) if not rest.startswith("liquidation has")]


def played(pictures: Path | None = None) -> str:
    out = io.StringIO()
    asyncio.run(demo.script(out, pictures))
    return out.getvalue()


@pytest.fixture(scope="module")
def transcript() -> str:
    started = time.process_time()
    text = played()
    assert time.process_time() - started < 20
    return text


def test_the_script_is_the_same_at_every_run(transcript: str) -> None:
    assert played() == transcript


def test_every_tier_rises_once_and_in_order_and_everything_resolves(transcript: str) -> None:
    heads = steps(transcript)
    tiers = [head for head in heads if head not in ("LIMIT", "RESOLVED")]

    assert tiers == [tier.name for tier in LADDER]
    assert heads.count("RESOLVED") == 1 + heads.count("LIMIT")
    assert heads[-1] == "RESOLVED"
    assert "No open alert" in transcript.split("> /alerts")[1]


def test_a_hedge_is_asked_about_filled_and_makes_the_account_as_healthy_as_was_said(transcript: str) -> None:
    _, _, traded = transcript.partition("> /hedge")
    card, _, report = traded.partition("> /audit")
    expected = re.search(r"^  health +\d+% +(\d+)%$", card, re.MULTILINE)
    reached = re.search(r"^Health (\d+)% now", report, re.MULTILINE)
    assert expected is not None
    assert reached is not None
    assert abs(int(reached[1]) - int(expected[1])) <= 1
    assert "(Approved. Sending" in card


def test_flatten_closes_everything_in_one_confirmed_step_and_says_what_remains(transcript: str) -> None:
    _, _, flattened = transcript.partition("> /flatten")
    assert "No position is open any more." in flattened
    assert "Still there: 7,000 USDC, 20 SOL." in flattened


def test_the_end_of_the_liquidation_is_told_and_its_beginning_is_what_the_health_says(transcript: str) -> None:
    assert transcript.count("WATCH main: liquidation has ended") == 1
    assert "liquidation has begun" not in transcript


def test_one_incident_keeps_its_number_from_the_first_tier_to_the_end(transcript: str) -> None:
    fall, _, _ = transcript.partition("> /hedge")
    assert set(re.findall(r"· alert #(\d+)$", fall, re.MULTILINE)) == {"1", "2", "3", "4"}


def test_every_alert_says_how_far_and_what_would_help(transcript: str) -> None:
    for tier in ("WARNING", "HIGH", "CRITICAL"):
        assert re.search(rf"^{tier} main: \d+\.\d+% to liq, \+\$[\d,]+ fixes$", transcript, re.MULTILINE)
    assert re.search(r"^Back to WATCH: deposit \$[\d,]+ or cut SOL-PERP by \$[\d,]+\.$", transcript, re.MULTILINE)


def test_an_ack_in_the_middle_stops_no_escalation(transcript: str) -> None:
    after_ack = transcript.split("> /ack 1")[1]

    assert "Acked by the console" in after_ack
    assert re.search(r"^LIQUIDATING main: now", after_ack, re.MULTILINE)


@pytest.mark.parametrize("command", SCRIPT.values())
def test_every_command_of_the_script_is_answered(command: str, transcript: str) -> None:
    answer = transcript.split(f"> {command}\n")[1].split("\n> ")[0]

    assert len(answer.strip().split("\n")) > 1
    assert "went wrong" not in answer


def test_nothing_in_it_is_wider_than_a_phones_table_or_a_programmers_number(transcript: str) -> None:
    assert max(len(line) for line in transcript.split("\n") if line.startswith("  ")) <= 2 + 34
    assert not re.search(r"\b(nan|inf|None)\b", transcript)


def test_it_ends_with_what_to_do_next(transcript: str) -> None:
    assert "The demo is over" in transcript
    assert "keel setup WALLET" in transcript.strip().split("\n")[-1]


def test_pictures_are_saved_where_asked(tmp_path: Path, transcript: str) -> None:
    text = played(tmp_path)

    assert len(list(tmp_path.glob("*.png"))) == len(PICTURES) + len(ESTIMATES)
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in tmp_path.glob("*.png"))
    assert HEADLINE.findall(text) == HEADLINE.findall(transcript)


class Hurried:
    """Real time, fifty times as fast, and none while the machine stands still; implements risk.ports.Clock."""

    FACTOR = 50.0
    LONGEST_STEP_S = 0.05
    START = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)

    def __init__(self) -> None:
        self._looked_s, self._passed_s = time.monotonic(), 0.0

    def monotonic_s(self) -> float:
        before, self._looked_s = self._looked_s, time.monotonic()
        self._passed_s += min(self._looked_s - before, self.LONGEST_STEP_S)
        return self._passed_s * self.FACTOR

    def now(self) -> datetime:
        return self.START + timedelta(seconds=self.monotonic_s())

    async def sleep(self, seconds: float) -> None:
        ends_s = self.monotonic_s() + seconds
        while (left_s := ends_s - self.monotonic_s()) > 0:  # noqa: ASYNC110 - time has no event
            await asyncio.sleep(min(left_s / self.FACTOR, self.LONGEST_STEP_S / 2))


def test_the_demo_at_a_terminal_takes_questions_and_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SystemClock", Hurried)
    monkeypatch.setattr(demo, "CHECK_EVERY_S", 5 / Hurried.FACTOR)
    monkeypatch.setattr("sys.stdin", io.StringIO("/health\n/nosuch\n"))
    out = io.StringIO()
    asyncio.run(demo.interactive(out))
    text = out.getvalue()

    assert "/nosuch is not a command." in text
    assert re.search(r"^main: health \d+%", text, re.MULTILINE)
    tiers = [head for head in steps(text) if head in {tier.name for tier in LADDER}]
    assert tiers == sorted(tiers, key=[tier.name for tier in LADDER].index), "each worse than the one before"
    assert len(tiers) >= 3, "a busy machine may miss one"
    assert "RESOLVED main: health ratio" in text
    assert text.rstrip().endswith("No key is needed.")


# What the first line waits for

HEAVY = {"telegram", "discord", "matplotlib", "scipy.stats", "arch", "driftpy", "pandas", "solana", "solders"}
FIRST_LINE = f"""
import sys

class FirstLine:
    def __init__(self, stream):
        self._stream, self._seen = stream, False
    def write(self, text):
        if not self._seen:
            self._seen = True
            print("first:", *sorted({HEAVY} & set(sys.modules)), file=sys.stderr)
        return self._stream.write(text)
    def __getattr__(self, name):
        return getattr(self._stream, name)

sys.stdout = FirstLine(sys.stdout)
from bot.cli import main
main(["demo", "--script"], standalone_mode=False)
print("end:", *sorted({HEAVY} & set(sys.modules)), file=sys.stderr)
"""


def test_the_first_line_waits_for_no_heavy_library_and_the_demo_needs_neither_chat_nor_chain() -> None:
    run = subprocess.run([sys.executable, "-c", FIRST_LINE], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = dict(line.split(":") for line in run.stderr.strip().split("\n"))

    assert loaded["first"].split() == []
    # sqlite-utils brings pandas, in the storage thread; estimates and their pictures bring the others on first use.
    assert set(loaded["end"].split()) <= {"pandas", "scipy.stats", "arch", "matplotlib"}


def test_the_script_says_nothing_of_a_stream_that_nobody_follows(transcript: str) -> None:
    assert "Stream:" not in transcript.split("> /status")[1].split("\n>")[0]
