"""What a node says over a websocket is read for what it is, and nothing else passes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from tests.support import addresses
from venues.errors import VenueUnavailable
from venues.solana.accounts import RawAccount
from venues.solana.answers import Malformed
from venues.solana.notifications import AccountNotice, Confirmed, Denied, SlotNotice, read_message
from venues.solana.subscriptions import Subscriptions, Topic

OWNER = addresses.DRIFT_PROGRAM
VALUE = {"data": ["AAEC", "base64"], "owner": OWNER, "lamports": 5, "executable": False, "rentEpoch": 0, "space": 3}
KEY = Pubkey.from_string(addresses.address("ann"))
OTHER = Pubkey.from_string(addresses.address("bob"))


def account(value: Any = VALUE, slot: Any = 7, subscription: Any = 3) -> dict[str, Any]:
    result = {"context": {"slot": slot}, "value": value}
    return {
        "jsonrpc": "2.0", "method": "accountNotification", "params": {"result": result, "subscription": subscription},
    }  # fmt: skip


def slot(number: Any = 7, subscription: Any = 3) -> dict[str, Any]:
    result = {"slot": number, "parent": 6, "root": 1}
    return {
        "jsonrpc": "2.0", "method": "slotNotification", "params": {"result": result, "subscription": subscription},
    }  # fmt: skip


GOOD: dict[str, tuple[dict[str, Any], object]] = {
    "account": (account(), AccountNotice(3, 7, RawAccount(bytes(Pubkey.from_string(OWNER)), b"\0\1\2"))),
    "account that is gone": (account(None), AccountNotice(3, 7, None)),
    "account without lamports": (account({**VALUE, "lamports": 0}), AccountNotice(3, 7, None)),
    "slot": (slot(), SlotNotice(3, 7)),
    "confirmation": ({"jsonrpc": "2.0", "id": 4, "result": 23}, Confirmed(4, 23)),
    "refusal": ({"id": 4, "error": {"code": -32_602, "message": "no"}}, Denied(4, "no")),
    "refusal of nothing": ({"id": None, "error": {"message": "no"}}, Denied(None, "no")),
}


@pytest.mark.parametrize(("message", "expected"), GOOD.values(), ids=GOOD)
def test_a_message_is_read_for_what_it_is(message: dict[str, Any], expected: object) -> None:
    assert read_message(json.dumps(message), {}) == expected


BAD: dict[str, object] = {
    "not JSON": "<html>",
    "a list": "[]",
    "a number": "3",
    "bytes": b"{}",
    "deeply nested": "[" * 100_000,
    "empty": "",
    "no id": json.dumps({"result": 3}),
    "a subscription of words": json.dumps({"id": 1, "result": "three"}),
    "a subscription below zero": json.dumps({"id": 1, "result": -1}),
    "true is no number": json.dumps({"id": 1, "result": True}),
    "an id of words": json.dumps({"id": "one", "result": 1}),
    "an error of words": json.dumps({"id": 1, "error": "no"}),
    "another method": json.dumps({**account(), "method": "programNotification"}),
    "a method of numbers": json.dumps({**account(), "method": 4}),
    "no params": json.dumps({"method": "accountNotification"}),
    "no slot": json.dumps(account(slot=None)),
    "a slot below zero": json.dumps(slot(-1)),
    "a slot beyond 63 bits": json.dumps(slot(2**63)),
    "a slot of words": json.dumps(slot("7")),
    "no subscription": json.dumps(slot(subscription=None)),
    "an account of words": json.dumps(account("gone")),
    "data in another encoding": json.dumps(account({**VALUE, "data": ["abc", "base58"]})),
    "data that is not base64": json.dumps(account({**VALUE, "data": ["a-b", "base64"]})),
    "an owner that is no address": json.dumps(account({**VALUE, "owner": "nobody"})),
    "no owner": json.dumps(account({**VALUE, "owner": None})),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_anything_else_is_malformed(text: str | bytes) -> None:
    with pytest.raises(Malformed):
        read_message(text, {})


WORDS = ["id", "result", "error", "method", "params", "context", "slot", "value", "subscription"]
Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner),
    max_leaves=8,
)


@given(Json)
def test_no_message_brings_anything_down(document: object) -> None:
    try:
        said = read_message(json.dumps(document), {})
    except Malformed:
        return
    assert isinstance(said, Confirmed | Denied | AccountNotice | SlotNotice)


def asked(*subjects: Pubkey | Topic) -> Subscriptions:
    subscriptions = Subscriptions("node")
    for subject in subjects:
        subscriptions.request(subject)
    return subscriptions


def test_requests_ask_for_confirmed_accounts_in_base64_and_for_slots() -> None:
    subscriptions = Subscriptions("node")
    first, second = json.loads(subscriptions.request(KEY)), json.loads(subscriptions.request(Topic.SLOT))
    assert first["method"] == "accountSubscribe"
    assert first["params"] == [str(KEY), {"encoding": "base64", "commitment": "confirmed"}]
    assert (second["method"], second["params"]) == ("slotSubscribe", [])
    assert first["id"] != second["id"]
    assert subscriptions.new([KEY, OTHER, Topic.SLOT]) == [OTHER]


def test_what_is_told_before_the_confirmation_is_told_again_after_it() -> None:
    subscriptions = asked(KEY, OTHER)
    notice = AccountNotice(70, 5, None)
    assert subscriptions.key_of(notice) is None
    assert subscriptions.confirm(Confirmed(1, 60)) == []
    assert subscriptions.confirm(Confirmed(2, 70)) == [notice]
    assert subscriptions.key_of(notice) == OTHER
    assert subscriptions.waiting == 0


def foreign(subscriptions: Subscriptions) -> None:
    subscriptions.confirm(Confirmed(1, 60))
    subscriptions.key_of(AccountNotice(61, 5, None))


def early_and_never_confirmed(subscriptions: Subscriptions) -> None:
    subscriptions.key_of(AccountNotice(61, 5, None))
    subscriptions.confirm(Confirmed(1, 60))


def answered_twice(subscriptions: Subscriptions) -> None:
    subscriptions.confirm(Confirmed(1, 60))
    subscriptions.confirm(Confirmed(1, 61))


def one_number_for_two(subscriptions: Subscriptions) -> None:
    subscriptions.request(OTHER)
    subscriptions.confirm(Confirmed(1, 60))
    subscriptions.confirm(Confirmed(2, 60))


def an_account_where_slots_are(subscriptions: Subscriptions) -> None:
    subscriptions.confirm(Confirmed(1, 60))
    subscriptions.is_of_slots(SlotNotice(60, 5))


def slots_where_an_account_is(subscriptions: Subscriptions) -> None:
    subscriptions.request(Topic.SLOT)
    subscriptions.confirm(Confirmed(1, 60))
    subscriptions.confirm(Confirmed(2, 61))
    subscriptions.key_of(AccountNotice(61, 5, None))


@pytest.mark.parametrize(
    "odd",
    [
        foreign,
        early_and_never_confirmed,
        answered_twice,
        one_number_for_two,
        an_account_where_slots_are,
        slots_where_an_account_is,
    ],
)
def test_a_node_that_tells_of_other_things_cannot_be_relied_on(odd: Any) -> None:
    with pytest.raises(VenueUnavailable):
        odd(asked(KEY))


def test_a_flood_of_what_nobody_asked_for_is_not_kept() -> None:
    subscriptions = asked(KEY)
    for number in range(10_000):
        subscriptions.key_of(AccountNotice(number, 5, None))
    with pytest.raises(VenueUnavailable, match="never made"):
        subscriptions.key_of(AccountNotice(10_000, 5, None))
