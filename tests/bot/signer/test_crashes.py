"""kill -9 at every step of a decision: a signature never leaves before its line is on disk, and a leg has one."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.signer.intent import Given, Identity, Intent, Refusal, RefusalCode, Sign, SigningVenue
from bot.signer.journal import read_journal
from bot.signer.state import Signed
from bot.signer.wire import framed
from tests.bot.signer.asking import NOW_S, make_intent, make_order, with_message
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.signer_process import signer_process

# Each system call of a decision that changes what is on disk or what the asker sees, numbered as they come. Killed
# before it, after it, or, for a line, in its middle.
STEPS = ("before the line", "within the line", "after the line", "after it is on disk", "after the answer")
KILLED = """
import os, sys, signal
from bot.signer import journal, server
from bot.signer.__main__ import main
step, armed = sys.argv.pop(1), []
write, fsync, send = journal.write_whole, os.fsync, server._send
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def writing(descriptor, content):
    if b'"kind":"signed"' not in content:
        return write(descriptor, content)
    armed.append(True)
    if step == "before the line":
        die()
    if step == "within the line":
        os.write(descriptor, content[: len(content) // 2])
        die()
    write(descriptor, content)
    if step == "after the line":
        die()
def syncing(descriptor):
    fsync(descriptor)
    if armed and step == "after it is on disk":
        die()
async def sending(writer, answer):
    await send(writer, answer)
    if armed and step == "after the answer":
        die()
journal.write_whole, os.fsync, server._send = writing, syncing, sending
raise SystemExit(main())
"""


# So that midnight does not come in between.
AT_NOON = f"""
import time
time.time = lambda: {NOW_S}.0
from bot.signer.__main__ import main
raise SystemExit(main())
"""


def paper_intent(limit: int = 140) -> Intent:
    order = make_order(expires_at_s=int(time.time()) + 600, limit_raw_1e6=limit * 10**6)
    return make_intent(order, venue=SigningVenue.PAPER, epoch=int(time.time()))


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_a_leg_has_one_signature_and_it_is_on_disk(tmp_path: Path, step: str, figure: Gauge) -> None:
    first = paper_intent()
    other = with_message(replace(first, orders=paper_intent(141).orders))
    with signer_process(tmp_path, accounts=["demo-0"], arguments=("-c", KILLED, step)) as signer:
        with signer.connect() as bot:
            bot.send(framed(Sign(intent=first)))
            answer = bot.receive()
        signer.process.wait(30)
        on_disk = [row.event for row in read_journal(signer.state) if isinstance(row.event, Signed)]
        assert (answer is not None) is (step == "after the answer")
        lost = (
            [answer]
            if isinstance(answer, Given) and answer.signature not in {one.leg.signature for one in on_disk}
            else []
        )
        figure(Measure.LOST, len(lost))

        signer.arguments = ("-m", "bot.signer")
        signer.restart()
        again = signer.ask(Sign(intent=other))

        if on_disk:
            assert isinstance(again, Refusal)
            assert again.code is RefusalCode.TWICE
            assert signer.ask(Sign(intent=first)) == Given(signature=on_disk[0].leg.signature, again=True)
        else:
            assert isinstance(again, Given)
            assert not again.again
        legs = [row.event.leg for row in read_journal(signer.state) if isinstance(row.event, Signed)]
        figure(Measure.DUPLICATES, len({one.digest for one in legs}) - 1)


def test_what_the_day_has_seen_is_right_after_kills(tmp_path: Path) -> None:
    with signer_process(tmp_path, accounts=["demo-0"], daily_usd=1_000, arguments=("-c", AT_NOON)) as signer:
        given = 0
        for leg in range(4):
            answer = signer.ask(Sign(intent=with_message(replace(paper_intent(), leg=leg))))
            given += isinstance(answer, Given)
            if leg == 1:
                signer.kill()
                signer.restart()
        after = signer.ask(Sign(intent=with_message(replace(paper_intent(), leg=9))))

    assert given == 3
    assert isinstance(after, Refusal)
    assert not isinstance(after, Identity)
