"""Beats: made by who knows the secret, counted once, and only while they are fresh."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.beats import (
    SIGNATURE_HEADER,
    BadBeat,
    Beat,
    BeatAccount,
    BeatChat,
    BeatTiers,
    Counter,
    Newest,
    encoded,
    fitting,
    opened,
    signature,
    thresholds_of,
    tiers_of,
)
from risk.decisions.tiers import Tier, TierThresholds
from tests.storage.builders import NOW, after

SECRET = "canary-secret-of-the-beats"
BEAT = Beat(
    counter=7, sent_at=NOW, venue="drift", accounts=(BeatAccount(account_id="9xQe", nickname="main"),),
    chats=(BeatChat(transport="telegram", chat="1001"), BeatChat(transport="telegram", chat="7", accounts=("9xQe",))),
)  # fmt: skip


def signed(beat: Beat = BEAT, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    body = encoded(beat)
    return body, {SIGNATURE_HEADER: signature(body, secret)}


def test_a_signed_beat_is_opened_as_it_was_made() -> None:
    assert opened(*signed(), SECRET) == BEAT


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_beat_with_one_bit_changed_counts_for_nothing(at: int, bit: int) -> None:
    body, headers = signed()
    changed = bytearray(body)
    changed[at % len(body)] ^= 1 << bit
    with pytest.raises(BadBeat, match="signature"):
        opened(bytes(changed), headers, SECRET)


@pytest.mark.parametrize("given_signature", ["", "v1=", "v1=" + "0" * 64, "v2=" + "0" * 64, "\xff", "v1=Ω"])
def test_a_beat_without_a_good_signature_counts_for_nothing(given_signature: str) -> None:
    with pytest.raises(BadBeat, match="HEARTBEAT_SECRET must be the same"):
        opened(encoded(BEAT), {SIGNATURE_HEADER: given_signature}, SECRET)
    with pytest.raises(BadBeat):
        opened(encoded(BEAT), {}, SECRET)
    with pytest.raises(BadBeat):
        opened(*signed(secret=SECRET + "x"), SECRET)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"counter": 1}', b"\xff\xfe", b'{"counter":"x"}'])
def test_something_else_that_is_well_signed_is_of_another_version(body: bytes) -> None:
    with pytest.raises(BadBeat, match="another version"):
        opened(body, {SIGNATURE_HEADER: signature(body, SECRET)}, SECRET)


def test_a_refusal_holds_nothing_of_the_secret_and_nothing_of_the_beat() -> None:
    with pytest.raises(BadBeat) as refused:
        opened(encoded(BEAT), {SIGNATURE_HEADER: "v1=x"}, SECRET)

    assert "canary" not in str(refused.value)
    assert "9xQe" not in str(refused.value)
    assert SECRET not in json.dumps([encoded(BEAT).decode(), signature(encoded(BEAT), SECRET)])


def test_the_same_beat_counts_once_and_an_earlier_one_not_at_all() -> None:
    newest = Newest()
    newest.accept(BEAT, NOW)
    for counter in (7, 6, 0, -1):
        with pytest.raises(BadBeat, match="heard before"):
            newest.accept(replace(BEAT, counter=counter), NOW)
    newest.accept(replace(BEAT, counter=8), NOW)


@pytest.mark.parametrize(("off_s", "said"), [(-31, "31 s behind"), (31, "31 s ahead of"), (-86_400, "86400 s behind")])
def test_a_beat_of_another_time_is_refused_and_says_how_far_the_clocks_are_apart(off_s: float, said: str) -> None:
    newest = Newest()
    with pytest.raises(BadBeat, match=said):
        newest.accept(replace(BEAT, sent_at=after(off_s)), NOW)

    newest.accept(BEAT, NOW)  # what was refused did not count


@pytest.mark.parametrize("off_s", [-30, 0, 30])
def test_clocks_may_be_a_little_apart(off_s: float) -> None:
    Newest().accept(replace(BEAT, sent_at=after(off_s)), NOW)


@given(st.lists(st.integers(-10_000, 10_000), max_size=50))
def test_the_counter_rises_whatever_the_clock_does(offsets_s: list[int]) -> None:
    counter = Counter()
    numbers = [counter.next(NOW + timedelta(seconds=offset)) for offset in offsets_s]

    assert numbers == sorted(set(numbers))


def test_the_counter_of_a_new_process_goes_on_above_the_old_one() -> None:
    old = Counter()
    last = [old.next(after(second)) for second in range(100)][-1]

    assert Counter().next(after(100)) > last


def test_a_chat_hears_of_what_it_may_and_of_what_concerns_all() -> None:
    everything, one = BEAT.chats

    assert everything.hears_of("anything")
    assert (one.hears_of("9xQe"), one.hears_of("other"), one.hears_of("")) == (True, False, True)


def test_a_beat_too_long_for_a_standby_leaves_out_the_chats_with_the_longest_lists() -> None:
    many = tuple(f"account-{number:04}" for number in range(200))
    beat = replace(BEAT, chats=(*(BeatChat(transport="t", chat=str(n), accounts=many) for n in range(20)), *BEAT.chats))
    cut = fitting(beat, 20_000)

    assert len(encoded(cut)) <= 20_000
    assert set(BEAT.chats) <= set(cut.chats)
    assert fitting(BEAT) is BEAT
    assert fitting(beat, 100).chats == ()


TIERS = {
    "another ratio": TierThresholds(ratio_percent={Tier.WATCH: 300.0, Tier.CRITICAL: 130.0}),
    "a distance": TierThresholds(distance_frac={Tier.HIGH: 0.05}),
    "no daily moves": TierThresholds(distance_sigmas={}),
}


@pytest.mark.parametrize("thresholds", TIERS.values(), ids=TIERS)
def test_tiers_that_are_not_the_default_travel_with_the_beat(thresholds: TierThresholds) -> None:
    account = BeatAccount(account_id="9xQe", nickname="main", tiers=tiers_of(thresholds))
    (arrived,) = opened(*signed(replace(BEAT, accounts=(account,))), SECRET).accounts

    assert account.tiers is not None
    assert thresholds_of(arrived.tiers, TierThresholds()) == thresholds


def test_default_tiers_are_not_said_and_easing_stays_the_standbys_own() -> None:
    own = TierThresholds(ease_dwell=timedelta(seconds=1))

    assert tiers_of(own) is None
    assert thresholds_of(None, own) is own
    assert thresholds_of(tiers_of(TIERS["a distance"]), own).ease_dwell == own.ease_dwell


@pytest.mark.parametrize("ladder", [{"PANIC": 1.0}, {"WATCH": 100.0, "HIGH": 200.0}, {"WATCH": -1.0}])
def test_tiers_that_cannot_be_are_refused(ladder: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"tiers|thresholds"):
        thresholds_of(BeatTiers(ratio_percent=ladder, distance_frac={}, distance_sigmas={}), TierThresholds())
