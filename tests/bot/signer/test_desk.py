"""A signer over time: days, clocks, locks, restarts, broken disks. In one process, its clock moved by hand."""

import errno
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from solders.hash import Hash

from bot.signer import decide
from bot.signer import journal as journals
from bot.signer.desk import Desk
from bot.signer.errors import Broken, Unfit
from bot.signer.intent import (
    Anchor,
    Ask,
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
from bot.signer.journal import Journal, parts, read_journal
from bot.signer.key import SigningKey
from bot.signer.operator import told, unlock, verified
from bot.signer.rules import Rules
from bot.signer.state import DAY_S, Locked, Refused, Signed, Torn, Unlocked
from tests.bot.signer.asking import (
    NOW_S,
    SIGNER,
    HandTime,
    begun,
    make_config,
    make_intent,
    make_market,
    make_order,
    make_rules,
    with_message,
)
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support import addresses

BY_WORTH = make_rules(markets={0: make_market(daily_raw_1e9=10**12), 1: make_market(index=1, name="BTC-PERP")})


@pytest.fixture
def clock() -> HandTime:
    return HandTime()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    return state


@contextmanager
def desk(folder: Path, clock: HandTime, rules: Rules | None = None) -> Iterator[Desk]:
    journal = begun(folder)
    try:
        yield Desk(make_config(folder, rules or BY_WORTH), SigningKey(SIGNER), journal, now_s=clock)
    finally:
        journal.close()


def asked(signer: Desk, intent: Intent) -> Given | Refusal:
    answer = signer.answer(Sign(intent=intent))
    assert not isinstance(answer, Identity)
    return answer


def refusal(answer: object, code: RefusalCode) -> str:
    assert isinstance(answer, Refusal), answer
    assert answer.code is code, answer.why
    return answer.why


def given(answer: object) -> bytes:
    assert isinstance(answer, Given), answer
    return answer.signature


def identity(signer: Desk) -> Identity:
    answer = signer.answer(AskIdentity())
    assert isinstance(answer, Identity)
    return answer


def one_leg(number: int) -> Intent:
    """Its message is no other leg's."""
    return make_intent(leg=number, blockhash=str(Hash.hash(b"%d" % number)))


def legs(count: int, start: int = 1) -> list[Intent]:
    """Each worth 280 USD."""
    return [one_leg(number) for number in range(start, start + count)]


def test_a_signature_is_of_the_message_by_the_key(folder: Path, clock: HandTime) -> None:
    intent = make_intent()
    with desk(folder, clock) as signer:
        assert given(asked(signer, intent)) == bytes(SIGNER.sign_message(intent.message))


def test_a_day_ends_at_midnight_utc_and_gives_a_new_allowance(folder: Path, clock: HandTime) -> None:
    clock.now_s = (NOW_S // DAY_S + 1) * DAY_S - 1
    with desk(folder, clock) as signer:
        for intent in legs(10):
            given(asked(signer, intent))
        assert "daily_usd" in refusal(asked(signer, one_leg(11)), RefusalCode.CAP)
        clock.now_s += 1
        given(asked(signer, one_leg(11)))
        assert identity(signer).used_raw_1e6 == 280 * 10**6


def test_a_clock_set_back_opens_no_day_again_also_over_a_restart(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        for intent in legs(10):
            given(asked(signer, intent))
        clock.now_s -= 2 * DAY_S
        refusal(asked(signer, one_leg(11)), RefusalCode.CAP)
    with desk(folder, clock) as signer:
        refusal(asked(signer, one_leg(11)), RefusalCode.CAP)


def test_what_a_day_has_seen_survives_a_restart(folder: Path, clock: HandTime) -> None:
    for intent in legs(10):
        with desk(folder, clock) as signer:
            given(asked(signer, intent))
    with desk(folder, clock) as signer:
        refusal(asked(signer, one_leg(11)), RefusalCode.CAP)
        assert identity(signer).used_raw_1e6 == 2_800 * 10**6


def test_the_same_leg_is_signed_again_only_when_its_signature_is_over(folder: Path, clock: HandTime) -> None:
    other = make_intent(make_order(limit_raw_1e6=141 * 10**6), height=1_151, valid_until=1_300)
    with desk(folder, clock) as signer:
        first = given(asked(signer, make_intent()))
        assert asked(signer, make_intent()) == Given(signature=first, again=True)
        refusal(asked(signer, other), RefusalCode.TWICE)
        clock.now_s += 121
        refusal(asked(signer, replace(other, height=1_150)), RefusalCode.TWICE)
    with desk(folder, clock) as signer:
        assert asked(signer, make_intent()) == Given(signature=first, again=True)
        assert given(asked(signer, other)) != first
        refusal(asked(signer, make_intent(height=1_400, valid_until=1_500)), RefusalCode.TWICE)


def test_asking_for_a_signed_leg_again_and_again_locks_nothing_and_fills_no_disk(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        given(asked(signer, make_intent()))
        for _ in range(300):
            refusal(asked(signer, make_intent(cancels=(1,))), RefusalCode.TWICE)
            given(asked(signer, make_intent()))
        assert not identity(signer).locked
    assert len([row for row in read_journal(folder) if isinstance(row.event, Refused)]) == 100


def test_the_latest_process_fences_off_all_before_it(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        assert isinstance(signer.answer(Enter(epoch=NOW_S)), Identity)
        given(asked(signer, make_intent()))
        assert isinstance(signer.answer(Enter(epoch=NOW_S + 1)), Identity)
        refusal(asked(signer, make_intent()), RefusalCode.FENCED)  # not even what it was given before
        refusal(signer.answer(Enter(epoch=NOW_S)), RefusalCode.FENCED)
    with desk(folder, clock) as signer:
        refusal(asked(signer, make_intent(leg=2)), RefusalCode.FENCED)
        assert identity(signer).epoch == NOW_S + 1


def test_entering_again_writes_nothing_down(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        signer.answer(Enter(epoch=NOW_S))
        rows = identity(signer).journal_rows
        for _ in range(5):
            signer.answer(Enter(epoch=NOW_S))
        assert identity(signer).journal_rows == rows


def test_repeated_refusals_lock_until_somebody_at_the_machine_unlocks(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        for _ in range(10):
            refusal(asked(signer, replace(make_intent(), message=b"x")), RefusalCode.GRAMMAR)
        for intent in (make_intent(), replace(make_intent(), message=b"x")):
            assert "keel signer unlock" in refusal(asked(signer, intent), RefusalCode.LOCKED)
        refusal(signer.answer(Enter(epoch=NOW_S)), RefusalCode.LOCKED)
        assert "10 refusals" in identity(signer).locked
        assert "request" in unlock(folder)
        given(asked(signer, make_intent()))
        assert not identity(signer).locked
    events = [type(row.event) for row in read_journal(folder)]
    assert events.count(Refused) == 10  # a locked signer writes nothing more down
    assert (events.count(Locked), events.count(Unlocked)) == (1, 1)


def test_a_lock_survives_a_restart_and_is_taken_away_at_the_next(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        for _ in range(10):
            signer.refuse(RefusalCode.MALFORMED, "bytes")
    with desk(folder, clock) as signer:
        refusal(asked(signer, make_intent()), RefusalCode.LOCKED)
    unlock(folder)
    with desk(folder, clock) as signer:
        given(asked(signer, make_intent()))


def test_a_marker_for_another_lock_unlocks_nothing(folder: Path, clock: HandTime) -> None:
    assert unlock(folder) == "Nothing is locked."
    for number in range(11):
        (folder / f"unlock-{number}").touch()
    with desk(folder, clock) as signer:
        for _ in range(10):
            signer.refuse(RefusalCode.MALFORMED, "bytes")
        refusal(asked(signer, make_intent()), RefusalCode.LOCKED)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_marker_of_somebody_else_unlocks_nothing(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        for _ in range(10):
            signer.refuse(RefusalCode.MALFORMED, "bytes")
        unlock(folder)
        marker = next(folder.glob("unlock-*"))
        os.chown(marker, 12_345, -1)
        refusal(asked(signer, make_intent()), RefusalCode.LOCKED)


def test_refusals_far_apart_lock_nothing(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        for _ in range(40):
            signer.refuse(RefusalCode.MALFORMED, "bytes")
            clock.now_s += 70
        assert not identity(signer).locked


def test_a_clock_set_back_between_refusals_forgives_none(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        for _ in range(10):
            signer.refuse(RefusalCode.MALFORMED, "bytes")
            clock.now_s -= 3_600
        assert identity(signer).locked


@pytest.mark.parametrize("broken", ["write", "fsync"])
def test_no_signature_leaves_that_is_not_on_disk(
    folder: Path, clock: HandTime, monkeypatch: pytest.MonkeyPatch, broken: str, figure: Gauge
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with desk(folder, clock) as signer:
        first = given(asked(signer, make_intent()))
        with monkeypatch.context() as patched:
            patched.setattr(os, broken, full)
            refusal(asked(signer, make_intent(leg=2)), RefusalCode.BROKEN)
        answers = [asked(signer, intent) for intent in (make_intent(leg=2), make_intent(leg=3), make_intent())]
        assert {one.code for one in answers if isinstance(one, Refusal)} == {RefusalCode.BROKEN}
        figure(Measure.ACCEPTED, sum(isinstance(one, Given) for one in answers))
        assert signer.refuse(RefusalCode.MALFORMED, "bytes").code is RefusalCode.BROKEN
    with desk(folder, clock) as signer:
        assert asked(signer, make_intent()) == Given(signature=first, again=True)


def test_a_full_disk_at_the_start_starts_nothing(
    folder: Path, clock: HandTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(Broken, match="mend the disk"), desk(folder, clock):
        pass


def test_a_torn_line_is_noted(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        given(asked(signer, make_intent()))
    path = parts(folder)[-1][1]
    path.write_bytes(path.read_bytes()[:-20])
    with desk(folder, clock) as signer:
        given(asked(signer, make_intent(cancels=(1,))))  # the line is gone, so its signature never left
    assert [row.event for row in read_journal(folder) if isinstance(row.event, Torn)]


def test_the_owner_s_key_is_refused_unless_allowed_on_purpose(folder: Path, clock: HandTime) -> None:
    owner = SigningKey(addresses.keypair("ann"))
    journal = begun(folder)
    with pytest.raises(Unfit, match="can also withdraw"):
        Desk(make_config(folder), owner, journal, now_s=clock)
    Desk(make_config(folder, make_rules(allow_owner_key=True)), owner, journal, now_s=clock)
    journal.close()


def test_a_state_of_paper_is_none_for_money(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock, make_rules(SigningVenue.PAPER)):
        pass
    with pytest.raises(Unfit, match="a folder of its own"), desk(folder, clock):
        pass


def test_where_the_asker_s_audit_stood_is_written_down(folder: Path, clock: HandTime) -> None:
    anchor = Anchor(rows=17, head="ab" * 32)
    with desk(folder, clock) as signer:
        given(asked(signer, make_intent(anchor=anchor)))
    assert [row.event.anchor for row in read_journal(folder) if isinstance(row.event, Signed)] == [anchor]


def test_the_operator_reads_what_happened(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        signer.answer(Enter(epoch=NOW_S))
        given(asked(signer, make_intent(make_order(), cancels=(4,))))
        refusal(asked(signer, make_intent(make_order(limit_raw_1e6=1), leg=2)), RefusalCode.CAP)
        rows = identity(signer)
    lines = list(told(folder, 3))

    assert lines[0].endswith(f"epoch {NOW_S} asks from now on")
    assert "SIGNED P1 rev 1 leg 1" in lines[1]
    assert "cancel 4; sell 2 market 0 ioc limit $140.00 reduce-only ($280.00)" in lines[1]
    assert "refused (cap) P1: an order would sell in SOL-PERP below price_from_usd" in lines[2]
    assert verified(folder) == (rows.journal_rows, rows.journal_head)


def test_every_decision_is_a_line_of_the_log_without_a_secret(
    folder: Path, clock: HandTime, capsys: pytest.CaptureFixture[str]
) -> None:
    intent = make_intent()
    with desk(folder, clock) as signer:
        signature = given(asked(signer, intent))
        given(asked(signer, intent))
        refusal(asked(signer, replace(intent, message=b"x")), RefusalCode.GRAMMAR)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    assert [one["event"] for one in lines] == [
        "signer.started",
        "signer.signed",
        "signer.given_again",
        "signer.refused",
    ]
    text = json.dumps(lines)
    assert str(SIGNER) not in text
    assert signature.hex() not in text


def test_thousands_of_asks_never_leave_the_day(folder: Path, clock: HandTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    rules = replace(BY_WORTH, lock_after_refusals=10**6)
    with desk(folder, clock, rules) as signer:
        signed = [intent for intent in legs(1_000) if isinstance(asked(signer, intent), Given)]
    assert len(signed) == 10
    assert sum(140 * 2 for _ in signed) <= 3_000


@pytest.mark.parametrize("ask", [Enter(epoch=NOW_S), AskIdentity()])
def test_a_desk_says_who_it_is_and_what_its_caps_are(folder: Path, clock: HandTime, ask: Ask) -> None:
    with desk(folder, clock) as signer:
        answer = signer.answer(ask)

    assert isinstance(answer, Identity)
    assert answer.public_key == str(SIGNER.pubkey())
    assert [one.name for one in answer.markets] == ["SOL-PERP", "BTC-PERP"]
    assert (answer.reduce_only, answer.max_order_raw_1e6) == (True, 1_000 * 10**6)


def test_nothing_is_signed_without_a_journal_that_was_begun(folder: Path, clock: HandTime) -> None:
    journal = Journal(folder)
    with pytest.raises(Unfit, match="run keel signer begin"):
        Desk(make_config(folder), SigningKey(SIGNER), journal, now_s=clock)
    assert not parts(folder)
    journal.close()


def test_a_journal_has_one_id_over_restarts_and_parts_and_another_once_begun_anew(
    folder: Path, clock: HandTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "ROWS_A_PART", 3)
    seen = []
    for number in range(1, 4):
        with desk(folder, clock) as signer:
            given(asked(signer, one_leg(number)))
            seen.append(identity(signer).journal_id)
    assert len(parts(folder)) > 1
    assert (len(seen[0]), len(set(seen))) == (32, 1)
    journal = Journal(folder)
    assert journal.begin(NOW_S, by_uid=17) == journal.state.journal_id != seen[0]
    journal.close()
    assert journal.number == len(list(read_journal(folder)))  # still one chain


def test_begun_anew_after_a_clock_far_ahead_it_counts_days_again_and_forgets_no_leg(
    folder: Path, clock: HandTime
) -> None:
    clock.now_s += 300 * DAY_S
    far = int(clock.now_s)
    with desk(folder, clock) as signer:
        signer.answer(Enter(epoch=far))
        for number in range(1, 11):
            given(asked(signer, replace(one_leg(number), epoch=far)))
    clock.now_s = NOW_S
    with desk(folder, clock) as signer:
        refusal(asked(signer, replace(one_leg(11), epoch=far + 1)), RefusalCode.CAP)
    journal = Journal(folder)
    journal.begin(NOW_S, by_uid=17)
    journal.close()
    with desk(folder, clock) as signer:
        assert identity(signer).used_raw_1e6 == 0
        given(asked(signer, replace(one_leg(11), epoch=far + 1)))  # the bot's next process
        other = replace(one_leg(1), epoch=far + 1, leg=2)
        refusal(asked(signer, with_message(replace(other, cancels=(1,)))), RefusalCode.TWICE)
        refusal(asked(signer, one_leg(12)), RefusalCode.FENCED)


def test_begun_anew_with_a_right_clock_a_day_stays_used_and_a_lock_locked(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        given(asked(signer, one_leg(1)))
        for _ in range(10):
            signer.refuse(RefusalCode.MALFORMED, "bytes")
    journal = Journal(folder)
    journal.begin(NOW_S, by_uid=17)
    journal.close()
    with desk(folder, clock) as signer:
        found = identity(signer)
        assert (found.used_raw_1e6, "10 refusals" in found.locked) == (280 * 10**6, True)


def test_strangers_and_cancellations_beyond_the_day_never_lock(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        for number in range(50):
            refusal(signer.refuse(RefusalCode.STRANGER, "user 5 may not ask"), RefusalCode.STRANGER)
            refusal(asked(signer, make_intent(cancels=tuple(range(11)), leg=number)), RefusalCode.CAP)
        assert not identity(signer).locked
        given(asked(signer, make_intent()))


def test_a_mistake_in_a_decision_is_a_refusal_that_is_written_down_and_counts(
    folder: Path, clock: HandTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object, **__: object) -> None:
        raise OverflowError("a number that was asked")

    with desk(folder, clock) as signer:
        with monkeypatch.context() as patched:
            patched.setattr(decide, "sign", wrong)
            found = [refusal(asked(signer, make_intent()), RefusalCode.GRAMMAR) for _ in range(10)]
        assert found == ["it could not be decided on (OverflowError); not signed"] * 10
        assert identity(signer).locked
    assert [row.event.why for row in read_journal(folder) if isinstance(row.event, Refused)] == found


def test_asking_again_and_again_fills_no_log(folder: Path, clock: HandTime, capsys: pytest.CaptureFixture[str]) -> None:
    with desk(folder, clock) as signer:
        for _ in range(300):
            given(asked(signer, make_intent()))
        for _ in range(300):
            signer.refuse(RefusalCode.MALFORMED, "bytes")
    events = Counter(
        (one["event"], one.get("code")) for one in map(json.loads, capsys.readouterr().err.splitlines())
    )  # fmt: skip
    assert events["signer.given_again", None] == 100
    assert events["signer.refused", "locked"] == 100
    assert events["signer.refused", "malformed"] == 10


def test_what_is_left_of_a_day_is_said(folder: Path, clock: HandTime) -> None:
    with desk(folder, clock) as signer:
        given(asked(signer, make_intent(make_order(), cancels=(1, 2, 3))))
        found = identity(signer)
    assert (found.cancels_left, found.signatures_left) == (7, 19)
    assert (found.order_lasts_at_most_s, found.stops_without_limit) == (600, True)
    with desk(folder, clock, make_rules(daily_cancels=2, daily_signatures=1, stops_without_limit=False)) as signer:
        found = identity(signer)
    assert (found.cancels_left, found.signatures_left, found.stops_without_limit) == (0, 0, False)
