"""Results of RPC calls in every shape but the right one."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import addresses
from venues.solana.answers import read_accounts, read_program_accounts, read_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["context", "slot", "value", "data", "owner", "pubkey", "account"]), inner)
    ),
    max_leaves=20,
)
GOOD = {"data": [base64.b64encode(b"bytes").decode(), "base64"], "owner": addresses.DRIFT_PROGRAM, "lamports": 1}


def _result(account: object, slot: object = 7) -> object:
    return {"context": {"slot": slot}, "value": [account, None]}


def test_accounts_read_in_order_with_holes_where_nothing_is() -> None:
    slot, accounts = read_accounts(_result(GOOD))
    assert slot == 7
    assert accounts[1] is None
    assert accounts[0] is not None
    assert (accounts[0].data, accounts[0].owner) == (b"bytes", addresses.key_bytes(addresses.DRIFT_PROGRAM))


@pytest.mark.parametrize(
    "change",
    [
        {"data": "Ynl0ZXM="},
        {"data": ["Ynl0ZXM=", "base64+zstd"]},
        {"data": ["Ynl0ZXM", "base64"]},
        {"data": ["!!!!", "base64"]},
        {"data": [7, "base64"]},
        {"data": ["Ynl0ZXM="]},
        {"owner": "drift"},
        {"owner": None},
        {"owner": addresses.DRIFT_PROGRAM + "1"},
    ],
)
def test_a_malformed_account_makes_the_whole_answer_malformed(change: dict[str, object]) -> None:
    refusals: list[ValueError] = []
    try:
        read_accounts(_result(GOOD | change))
    except ValueError as refusal:
        refusals.append(refusal)
    assert refusals


@pytest.mark.parametrize("slot", [None, "7", 7.0, True, -1, 2**63, [7]])
def test_a_slot_that_is_none_makes_the_answer_malformed(slot: object) -> None:
    with pytest.raises(ValueError, match="slot"):
        read_accounts(_result(GOOD, slot))


@given(JSON)
def test_any_json_is_read_or_malformed(result: object) -> None:
    for read in (read_accounts, read_program_accounts, read_text):
        try:
            read(json.loads(json.dumps(result)))
        except ValueError:
            continue
