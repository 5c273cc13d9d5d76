"""Public keys as people write them, and derived addresses."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import addresses
from tests.support.solana_rpc.base58 import decode
from tests.venues.solana.reading import DRIFT
from venues.errors import VenueRejected
from venues.solana.addresses import (
    Addresses,
    Names,
    base58,
    key_array,
    parse_key,
    parse_reference,
    perp_market_address,
    spot_market_address,
    state_address,
    user_address,
    user_stats_address,
)

OWNER = addresses.address("owner")


def test_derived_addresses_are_those_of_the_program() -> None:
    authority = addresses.key_bytes(OWNER)
    assert str(state_address(DRIFT)) == "5zpq7DvB6UdFFvpmBPspGPNfUGoBRRCE2HHg5u3gxcsN"
    assert str(user_address(DRIFT, authority, 300)) == addresses.user_address(OWNER, 300)
    assert str(user_stats_address(DRIFT, authority)) == addresses.user_stats_address(OWNER)
    assert str(perp_market_address(DRIFT, 24)) == addresses.perp_market_address(24)
    assert str(spot_market_address(DRIFT, 1)) == addresses.spot_market_address(1)


def test_a_reference_is_an_address_or_a_wallet_with_a_number() -> None:
    assert parse_reference(f" {OWNER} ") == (parse_key(OWNER), None)
    assert parse_reference(f"{OWNER}:0") == (parse_key(OWNER), 0)
    assert parse_reference(f"{OWNER}:65535") == (parse_key(OWNER), 65_535)


@pytest.mark.parametrize("number", ["", "-1", "1.5", "65536", "99999999", "x", "1:2", "٣", " 1"])
def test_a_wrong_number_is_told_with_an_example(number: str) -> None:
    with pytest.raises(VenueRejected, match="no sub-account number; write WALLET:0"):
        parse_reference(f"{OWNER}:{number}")


@pytest.mark.parametrize(
    "text", ["", "abc", OWNER[:-1] + "0", OWNER + "1" * 10, "0x" + "ab" * 20, "владелец", OWNER[:20] + " " + OWNER[20:]]
)
def test_what_is_no_address_is_told_in_words(text: str) -> None:
    with pytest.raises(VenueRejected, match="is not a Solana address"):
        parse_reference(text)


@given(st.text(max_size=80))
def test_no_text_at_all_raises_anything_else(text: str) -> None:
    with suppress(VenueRejected):
        key, number = parse_reference(text)
        assert str(key) in text
        assert number is None or 0 <= number < 2**16


@given(st.binary(max_size=40))
def test_base58_is_the_one_the_nodes_read(raw: bytes) -> None:
    assert decode(base58(raw)) == raw


def test_addresses_of_a_fleet_are_text_only_when_looked_at() -> None:
    owners = [addresses.address(f"owner {number}") for number in range(5)]
    ids = Addresses(key_array([addresses.key_bytes(owner) for owner in owners]))
    assert list(ids) == owners
    assert ids[-1] == owners[-1]
    assert ids[1:3] == owners[1:3]
    assert ids.index(owners[3]) == 3
    with pytest.raises(IndexError):
        ids[5]


def test_names_lose_padding_and_what_does_not_print() -> None:
    raw = [
        b"Main Account".ljust(32),
        b"a\x00b\x1b[31m\n".ljust(32, b"\0"),
        b"\xff" * 32,
        "prix \u202eé".encode().ljust(32),
    ]
    assert list(Names(key_array(raw))) == ["Main Account", "ab[31m", "", "prix é"]
