"""Telegram's updates as a broken or hostile server sends them: nothing raises, the next one is heard, and nobody is
taken for somebody else."""

import copy
import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from telegram import Update
from telegram.error import TelegramError

from bot.messages import Command, Incoming, Membership, Person, Press
from bot.transports.telegram.shape import is_well_formed, update_id_of
from bot.transports.telegram.updates import incoming_of
from bot.transports.telegram.wire import _PollRequest
from tests.attack.documents import BOT_NAME, TELEGRAM
from tests.attack.mangling import ODD, as_bytes, mangled
from tests.faults import Measure
from tests.faults.figures import Gauge

NOW = datetime(2026, 1, 2, tzinfo=UTC)
COUNT = 1_000


def polled(payload: bytes) -> list[Incoming]:
    """What a poll with this answer brings; nothing where it counts as failed."""
    try:
        answer = _PollRequest.parse_json_payload(payload)
    except TelegramError:
        return []
    updates = Update.de_list(answer.get("result") or [], None)
    assert all(type(update.update_id) is int for update in updates), "each of them can be confirmed"
    heard = (incoming_of(update, username=BOT_NAME, now=NOW) for update in updates)
    return [one for one in heard if one is not None]


def answer(*updates: Any) -> bytes:
    return json.dumps({"ok": True, "result": list(updates)}).encode()


def is_sound(incoming: Incoming) -> bool:
    """Whether everything in it is of the type it claims, and whoever sent it is somebody."""
    if isinstance(incoming, Membership):
        return isinstance(incoming.group.chat, str) and (incoming.by is None or _is_somebody(incoming.by))
    words = incoming.text if isinstance(incoming, Command) else incoming.data + incoming.press_id
    return _is_somebody(incoming.sender) and isinstance(words, str) and isinstance(incoming.private, bool)


def _is_somebody(person: Person) -> bool:
    plain = person.user_id.removeprefix("-")
    return plain.isascii() and plain.isdigit() and isinstance(person.display_name, str)


def test_whatever_telegram_sends_the_update_behind_it_is_heard(figure: Gauge) -> None:
    dice, raised, lost = Random(5), 0, 0
    good = {"update_id": 9, **TELEGRAM[0]}
    with capture_logs():
        for number in range(COUNT):
            bad = mangled({"update_id": number, **dice.choice(TELEGRAM)}, dice)
            try:
                heard = polled(answer(bad, good))
                polled(as_bytes(mangled({"ok": True, "result": [bad]}, dice), dice))
            except Exception:  # noqa: BLE001 - what is counted
                raised += 1
                continue
            lost += not heard or not isinstance(heard[-1], Command) or not all(map(is_sound, heard))
    figure(Measure.TRIED, COUNT)
    figure(Measure.ACCEPTED, raised)
    figure(Measure.LOST, lost)
    assert (raised, lost) == (0, 0)


@pytest.mark.parametrize("number", [None, "5", 1.5, True, [], {}, -1, 2**63])
def test_an_update_without_a_number_is_left_out_and_the_others_are_heard(number: object) -> None:
    bad = {"update_id": number, **TELEGRAM[0]}
    assert update_id_of(bad) is None
    assert len(polled(answer(bad, {"update_id": 2, **TELEGRAM[0]}))) == 1
    with pytest.raises(TelegramError, match="no numbers"):
        _PollRequest.parse_json_payload(answer(bad))


@pytest.mark.parametrize(
    "payload", [b"[" * 100_000, b'{"result": ' + b"9" * 6_000 + b"}", b"", b"\xff", b"null", b"[]"]
)
def test_an_answer_nobody_can_read_is_a_poll_that_failed(payload: bytes) -> None:
    assert polled(payload) == []


NO_IDS = [one for one in ODD if not (type(one) is int and abs(one) < 2**63)]


@pytest.mark.parametrize("odd", NO_IDS, ids=lambda one: repr(one)[:20])
def test_nobody_has_an_id_that_is_no_number(odd: object) -> None:
    update = copy.deepcopy(TELEGRAM[0])
    update["message"]["from"]["id"] = odd
    assert not is_well_formed(update)
    assert polled(answer({"update_id": 1, **update})) == []


@given(st.sampled_from(TELEGRAM[:4]), st.integers(0, 2**32))
@example(TELEGRAM[0], 0)
def test_what_is_well_formed_is_read_without_an_error(update: dict[str, Any], seed: int) -> None:
    changed = mangled({"update_id": 1, **update}, Random(seed))
    with capture_logs():
        if isinstance(changed, dict) and update_id_of(changed) is not None and is_well_formed(changed):
            assert all(map(is_sound, polled(answer(changed))))


def test_words_in_the_name_of_a_chat_or_of_another_bot_are_nobodys() -> None:
    channel, other_bot = {"id": -5, "type": "channel", "title": "x"}, {"id": 3, "is_bot": True, "first_name": "x"}
    for more in ({"sender_chat": channel}, {"via_bot": other_bot}):
        update = copy.deepcopy(TELEGRAM[0])
        update["message"] |= more
        assert polled(answer({"update_id": 1, **update})) == []


def test_somebody_who_deleted_their_account_is_heard_and_has_no_name() -> None:
    update = copy.deepcopy(TELEGRAM[2])
    update["callback_query"]["from"] |= {"first_name": ""}
    del update["callback_query"]["from"]["last_name"]
    (press,) = polled(answer({"update_id": 1, **update}))
    assert isinstance(press, Press)
    assert press.sender.display_name == ""


def test_an_edited_message_and_one_of_a_channel_are_not_heard() -> None:
    assert polled(answer(*({"update_id": number, **one} for number, one in enumerate(TELEGRAM[4:])))) == []
