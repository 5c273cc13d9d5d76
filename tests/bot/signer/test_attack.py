"""The bot process is somebody else's: whatever it sends to the real signer, nothing leaves the caps."""

import hashlib
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solders.signature import Signature

from bot.signer import wire
from bot.signer.__main__ import EXIT_BROKEN, main
from bot.signer.intent import (
    Anchor,
    AskIdentity,
    Enter,
    Given,
    Identity,
    Intent,
    Refusal,
    RefusalCode,
    Sign,
    SigningVenue,
)
from bot.signer.journal import read_journal
from bot.signer.seats import SEATS
from bot.signer.state import Refused, Signed
from risk.model.trading import OrderTerms
from tests.bot.signer.asking import (
    ACCOUNT,
    BTC,
    NOW_S,
    SIGNER_KEY,
    begun,
    make_intent,
    make_order,
    make_stop,
    with_message,
)
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support import addresses
from tests.support.signer_process import WAIT_S, AccountLines, MarketLines, SignerProcess, signer_process
from venues.solana import profiles
from venues.solana.orders_read import read_message

DRIFT = profiles.load("drift")
PERP_MARKET = addresses.perp_market_address(0)
MARKETS = (
    MarketLines(
        index=0, name="SOL-PERP", price_from_usd="100", price_to_usd="200", max_order_base="5", daily_base="15"
    ),
)
CAPS: dict[str, Any] = {
    "max_order_usd": 1_000, "daily_usd": 3_000, "daily_cancels": 20, "order_lasts_at_most_s": 600,
    "lock_after_refusals": 1_000_000,
}  # fmt: skip
# Thousands of rows are not worth waiting for the disk, which test_crashes does; and midnight is not to come in between.
AT_NOON = (
    "-c",
    f"import os, time; time.time, os.fsync = lambda: {NOW_S}.0, lambda _: None; "
    "from bot.signer.__main__ import main; raise SystemExit(main())",
)
ASKS, BYTES = 2_000, 400
MOST_GROWTH_KB = 30_000


@contextmanager
def drift_signer(folder: Path, **caps: Any) -> Iterator[SignerProcess]:
    with signer_process(
        folder,
        venue="drift",
        accounts=[AccountLines.of("ann")],
        markets=MARKETS,
        key="ann's bot",
        arguments=AT_NOON,
        **{**CAPS, **caps},
    ) as signer:
        yield signer


def arbitrary(dice: random.Random, epoch: int) -> Intent:
    """Something like an intent; some of its numbers are absurd, and its message may be another's."""

    def some(*usual: int) -> int:
        return dice.choice((*usual, *usual, 0, 1, dice.getrandbits(32), 2**63 - 1))

    order = make_order(
        market_index=dice.choice((0, 0, 0, BTC, 500)),
        size_raw_1e9=some(10**9, 2 * 10**9) or 1,
        limit_raw_1e6=some(140 * 10**6, 150 * 10**6) or 1,
        reduce_only=dice.random() < 0.8,
        expires_at_s=some(epoch + 60, epoch + 500) or 1,
    )
    stop = make_stop(trigger_raw_1e6=some(120 * 10**6, 130 * 10**6) or 1)
    orders = [order, stop, order][: dice.randrange(4)]
    intent = make_intent(
        *orders, cancels=tuple(dice.sample(range(50), dice.randrange(4))) if orders else (1,),
        unit_limit=dice.choice((300_000, 1_400_001, 2**32 - 1)) if dice.random() < 0.2 else 300_000,
        unit_price_micro=dice.choice((1_000, 2**63)) if dice.random() < 0.2 else 1_000,
        epoch=dice.choice((epoch, epoch, epoch, epoch, epoch - 1, 2**63)) if dice.random() < 0.1 else epoch,
        proposal=f"P{dice.randrange(400)}", leg=dice.randrange(3), revision=dice.randrange(3),
        height=dice.choice((1_000, 10**9)), valid_until=10**9 + 150,
        anchor=dice.choice((None, Anchor(rows=dice.getrandbits(40), head="x" * dice.randrange(100)))),
    )  # fmt: skip
    if dice.random() < 0.3:
        message = bytearray(intent.message)
        message[dice.randrange(len(message))] ^= 1 << dice.randrange(8)
        return replace(intent, message=bytes(message))
    return intent


def test_whatever_the_bot_asks_nothing_leaves_the_caps_and_nothing_but_orders_is_signed(
    tmp_path: Path, figure: Gauge
) -> None:
    dice = random.Random(6)
    epoch = NOW_S
    given: dict[bytes, Intent] = {}
    with drift_signer(tmp_path) as signer, signer.connect() as bot:
        memory = _memory_kb(signer)
        for _ in range(ASKS):
            intent = arbitrary(dice, epoch)
            answer = bot.ask(Sign(intent=intent))
            if isinstance(answer, Given):
                assert _is_signed(intent.message, answer.signature)
                given[intent.message] = intent
            else:
                assert isinstance(answer, Refusal)
                assert answer.code is not RefusalCode.BROKEN
        assert isinstance(bot.ask(AskIdentity()), Identity)
        assert _memory_kb(signer) < memory + MOST_GROWTH_KB
        rows = [row.event for row in read_journal(signer.state) if isinstance(row.event, Signed)]

    assert len(given) >= 10  # the caps were used up, not only never reached
    assert {event.leg.digest for event in rows} == {_digest(message) for message in given}
    figure(Measure.TRIED, ASKS)
    figure(Measure.ACCEPTED, len(_beyond_caps(list(given), epoch)))


def _beyond_caps(messages: list[bytes], epoch: int) -> list[str]:
    """What is wrong with what was signed, recomputed from its bytes alone by the project's other reader of them."""
    found = [read_message(DRIFT, message) for message in messages]
    orders = [order for one in found for order in one.orders]
    wrong = [problem for one in found for problem in one.strangers]
    wrong += [f"signed by {one.signers}" for one in found if one.signers != (str(SIGNER_KEY),)]
    wrong += [f"for {one.accounts}" for one in found if one.accounts != {ACCOUNT}]
    wrong += [f"changes {key}" for one in found for key in one.writable - {ACCOUNT, PERP_MARKET}]
    wrong += [f"{one}" for one in orders if not one.reduce_only or one.market_index or one.size_raw_1e9 > 5 * 10**9]
    wrong += [f"{one}" for one in orders if not (one.limit_usd or one.trigger_usd) >= 100]
    wrong += [f"{one}" for one in orders if one.expires_at_s > epoch + 600]
    if sum(_worth(one) for one in orders) > 3_000:
        wrong.append("worth more than a day allows")
    if sum(one.size_raw_1e9 for one in orders) > 15 * 10**9:
        wrong.append("larger than a day allows")
    if sum(len(one.cancels) for one in found) > 20:
        wrong.append("more cancellations than a day allows")
    return wrong


def _worth(one: OrderTerms) -> float:
    return one.size_base * max(one.limit_usd, one.trigger_usd, 100.0)


def _is_signed(message: bytes, signature: bytes) -> bool:
    return Signature.from_bytes(signature).verify(SIGNER_KEY, message)


def _digest(message: bytes) -> str:
    return hashlib.sha256(message).hexdigest()


def _memory_kb(signer: SignerProcess) -> int:
    lines = Path(f"/proc/{signer.process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_arbitrary_bytes_end_in_a_refusal_or_a_hang_up_and_the_process_goes_on(tmp_path: Path, figure: Gauge) -> None:
    dice = random.Random(7)
    whole = wire.framed(Sign(intent=make_intent()))
    accepted = 0
    with drift_signer(tmp_path) as signer:
        memory = _memory_kb(signer)
        for _ in range(BYTES):
            raw = bytearray(whole if dice.random() < 0.5 else dice.randbytes(dice.randrange(1, 3_000)))
            for _ in range(dice.randrange(1, 5)):
                raw[dice.randrange(len(raw))] = dice.randrange(256)
            with signer.connect() as caller:
                caller.send(bytes(raw))
                caller.end()
                accepted += isinstance(caller.receive(), Given)
        assert isinstance(signer.ask(AskIdentity()), Identity)
        assert _memory_kb(signer) < memory + MOST_GROWTH_KB
    figure(Measure.TRIED, BYTES)
    figure(Measure.ACCEPTED, accepted)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"kind":"identify","more":1}',
        b'{"kind":"identify","kind":"identify"}',
        b'{"kind":"identity"}',
        b'{"kind":"enter","epoch":1.0}',
        b'{"kind":"enter","epoch":NaN}',
        b'{"kind":"enter","epoch":-1}',
        b'{"kind":"enter","epoch":true}',
        b'{"kind":"enter","epoch":18446744073709551616}',
        b'{"kind":"enter","epoch":' + b"9" * 5_000 + b"}",
        b'{"kind":"enter"}',
        b'{"kind":["enter"],"epoch":1}',
        b'{"kind":"sign","intent":null}',
        b'{"kind":"unlock"}',
        b"[" * 60_000,
        rb'{"kind":"\ud800","epoch":1}',
        b"\xff\xfe{}",
        wire.framed(Given(signature=b"x", again=False))[4:],
    ],
    ids=lambda body: body[:20].decode("latin-1") or "nothing",
)
def test_a_frame_that_is_no_question_is_refused_as_malformed(body: bytes, paper: SignerProcess) -> None:
    with paper.connect() as caller:
        caller.send(wire.HEADER.pack(len(body)) + body)
        answer = caller.receive()
        assert isinstance(answer, Refusal)
        assert answer.code is RefusalCode.MALFORMED
        assert caller.receive() is None  # who talks like this is hung up on


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignerProcess]:
    """One for the tests that leave nothing behind in it."""
    with signer_process(tmp_path_factory.mktemp("paper"), accounts=["demo-0"], lock_after_refusals=1_000_000) as signer:
        yield signer


def test_a_frame_of_another_length_is_refused(paper: SignerProcess) -> None:
    for size in (0, wire.MOST_BYTES + 1, 2**32 - 1):
        with paper.connect() as caller:
            caller.send(struct.pack(">I", size))
            answer = caller.receive()
            assert isinstance(answer, Refusal)
            assert answer.code is RefusalCode.MALFORMED


def test_several_questions_on_one_connection_are_answered_in_their_order(paper: SignerProcess) -> None:
    frame = wire.framed(AskIdentity())
    with paper.connect() as caller:
        caller.send(frame * 3 + frame[:7])
        assert all(isinstance(caller.receive(), Identity) for _ in range(3))
        caller.send(frame[7:])
        assert isinstance(caller.receive(), Identity)


def test_who_writes_slowly_or_not_at_all_keeps_nobody_waiting(paper: SignerProcess) -> None:
    frame = wire.framed(AskIdentity())
    with ExitStack() as stack:
        for at in range(2 * SEATS):
            idle = stack.enter_context(paper.connect())
            if at % 2:
                with suppress(OSError):
                    idle.send(frame[: at % len(frame)])
        assert isinstance(paper.ask(AskIdentity()), Identity)


def test_who_never_reads_its_answers_keeps_nobody_waiting(paper: SignerProcess) -> None:
    with paper.connect() as deaf:
        deaf.send_until_stuck(wire.framed(AskIdentity()))
        assert isinstance(paper.ask(AskIdentity()), Identity)


def test_users_who_are_not_named_are_refused_and_never_lock_it_for_who_is(tmp_path: Path) -> None:
    with signer_process(
        tmp_path, accounts=["demo-0"], allowed_uids=[os.geteuid() + 1], lock_after_refusals=3, answers=False
    ) as signer:
        for _ in range(120):
            with signer.connect() as caller:
                answer = caller.receive()
                assert isinstance(answer, Refusal)
                assert answer.code is RefusalCode.STRANGER
                assert caller.receive() is None
        assert not signer.logged("signer.locked")
        assert len(signer.logged("signer.refused")) == 100
        rows = [row.event for row in read_journal(signer.state) if isinstance(row.event, Refused)]
    assert [one.code for one in rows] == [RefusalCode.STRANGER] * 100


def test_refusals_lock_the_process_and_the_operator_unlocks_it_while_it_runs(tmp_path: Path) -> None:
    intent = paper_intent()
    with signer_process(tmp_path, accounts=["demo-0"]) as signer, signer.connect() as bot:
        for _ in range(10):
            bot.ask(Sign(intent=replace(intent, message=b"x")))
        locked = bot.ask(Sign(intent=intent))
        assert isinstance(locked, Refusal)
        assert locked.code is RefusalCode.LOCKED
        assert main(["unlock", "--config", str(signer.config)]) == 0
        assert isinstance(bot.ask(Sign(intent=intent)), Given)


def paper_intent() -> Intent:
    return make_intent(make_order(expires_at_s=int(time.time()) + 60), venue=SigningVenue.PAPER, epoch=int(time.time()))


def test_sigterm_ends_it_cleanly_and_everything_is_there_afterwards(tmp_path: Path) -> None:
    intent = paper_intent()
    with signer_process(tmp_path, accounts=["demo-0"]) as signer:
        first = signer.ask(Sign(intent=intent))
        assert signer.stop() == 0
        assert not signer.socket.exists()
        signer.restart()
        assert isinstance(first, Given)
        assert signer.ask(Sign(intent=intent)) == Given(signature=first.signature, again=True)


def test_after_a_kill_the_old_socket_is_taken_over_and_a_live_one_is_not(tmp_path: Path) -> None:
    with signer_process(tmp_path, accounts=["demo-0"]) as signer:
        signer.kill()
        assert signer.socket.exists()
        signer.restart()
        assert isinstance(signer.ask(Enter(epoch=1)), Identity)
        second = run_signer(signer.config)
        assert second.returncode == 2
        assert "another signer works in" in second.stderr
        elsewhere = signer.config.with_name("second.toml")
        other_state = tmp_path / "other"
        other_state.mkdir(mode=0o700)
        begun(other_state).close()
        elsewhere.write_text(signer.config.read_text().replace(str(signer.state), str(other_state)))
        elsewhere.chmod(0o600)
        assert "listens at" in run_signer(elsewhere).stderr
        assert isinstance(signer.ask(AskIdentity()), Identity)


def run_signer(config: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-I", "-m", "bot.signer", "run", "--config", str(config)], capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


def test_the_socket_is_for_nobody_else(paper: SignerProcess) -> None:
    assert paper.socket.stat().st_mode & 0o777 == 0o600
    assert paper.socket.parent.stat().st_mode & 0o777 == 0o700


def as_many_legs(count: int) -> bytes:
    intent = paper_intent()
    return b"".join(
        wire.framed(Sign(intent=with_message(replace(intent, proposal="flood", leg=leg)))) for leg in range(count)
    )


def test_who_asks_without_waiting_for_answers_waits_for_the_others(tmp_path: Path) -> None:
    with signer_process(tmp_path, accounts=["demo-0"]) as signer, ExitStack() as stack:
        floods = [stack.enter_context(signer.connect()) for _ in range(2)]
        bot = stack.enter_context(signer.connect())
        signer.process.send_signal(signal.SIGSTOP)
        for number, one in enumerate(floods):
            one.send(as_many_legs(60).replace(b"flood", b"flo%02d" % number))
        bot.send(wire.framed(Sign(intent=paper_intent())))
        signer.process.send_signal(signal.SIGCONT)
        assert isinstance(bot.receive(), Given)
        signed = [row.event.leg.proposal for row in read_journal(signer.state) if isinstance(row.event, Signed)]
    assert len(signed) < 60


def test_told_to_end_it_ends_whoever_still_asks(tmp_path: Path) -> None:
    with signer_process(tmp_path, accounts=["demo-0"]) as signer, signer.connect() as flood:
        signer.process.send_signal(signal.SIGSTOP)
        flood.send(as_many_legs(60))
        signer.process.terminate()
        signer.process.send_signal(signal.SIGCONT)
        assert signer.process.wait(WAIT_S) == 0
        signed = [row for row in read_journal(signer.state) if isinstance(row.event, Signed)]
    assert len(signed) < 60


def test_whoever_connects_without_end_pushes_out_nobody_who_asks(paper: SignerProcess) -> None:
    with ExitStack() as stack:
        bots = [stack.enter_context(paper.connect()) for _ in range(3)]
        assert all(isinstance(one.ask(AskIdentity()), Identity) for one in bots)
        for _ in range(2 * SEATS):
            stack.enter_context(paper.connect())
        assert all(isinstance(one.ask(AskIdentity()), Identity) for one in bots)


FEW_DESCRIPTORS = (
    "-c",
    "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)); "
    "from bot.signer.__main__ import main; raise SystemExit(main())",
)


def test_without_descriptors_it_says_so_once_and_lets_go_of_who_never_asked(tmp_path: Path) -> None:
    with signer_process(tmp_path, accounts=["demo-0"], arguments=FEW_DESCRIPTORS) as signer, ExitStack() as stack:
        bot = stack.enter_context(signer.connect())
        assert isinstance(bot.ask(AskIdentity()), Identity)
        for _ in range(24):
            stack.enter_context(signer.connect())
        assert isinstance(bot.ask(AskIdentity()), Identity)
        assert isinstance(signer.ask(AskIdentity()), Identity)
        assert "Traceback" not in signer.stderr.read_text(encoding="utf-8")
        assert len(signer.logged("signer.no_connection")) >= 1


FULL_DISK = (
    "-c",
    """
import errno
from bot.signer import journal
from bot.signer.__main__ import main
write = journal.write_whole
def full(descriptor, content):
    if b'"kind":"signed"' in content:
        raise OSError(errno.ENOSPC, "No space left on device")
    write(descriptor, content)
journal.write_whole = full
raise SystemExit(main())
""",
)


def test_once_its_journal_cannot_be_written_it_says_so_and_ends_to_be_started_again(tmp_path: Path) -> None:
    intent = paper_intent()
    with signer_process(tmp_path, accounts=["demo-0"], arguments=FULL_DISK) as signer:
        answer = signer.ask(Sign(intent=intent))
        assert isinstance(answer, Refusal)
        assert answer.code is RefusalCode.BROKEN
        assert signer.process.wait(WAIT_S) == EXIT_BROKEN
        signer.arguments = ("-m", "bot.signer")
        signer.restart()
        assert isinstance(signer.ask(Sign(intent=intent)), Given)
