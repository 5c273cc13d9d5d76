"""Whose signature it is."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import addresses
from venues.ed25519 import fits, key_of

solders = pytest.importorskip("solders.keypair", reason="signatures are made with solders; install keel[solana]")

KEYPAIR = addresses.keypair("signatures")
KEY = str(KEYPAIR.pubkey())
ORDER = 2**252 + 27742317777372353535851937790883648493


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
def test_what_was_signed_fits_and_nothing_else_does(seed: bytes, message: bytes) -> None:
    keypair = solders.Keypair.from_seed(seed)
    signature, key = bytes(keypair.sign_message(message)), str(keypair.pubkey())
    assert fits(signature, message, key)
    assert not fits(signature, message + b"x", key)
    other = solders.Keypair.from_seed(hashlib.sha256(seed).digest())
    assert not fits(signature, message, str(other.pubkey()))


@given(at=st.integers(0, 511))
def test_no_bit_of_a_signature_can_be_another(at: int) -> None:
    signature = bytearray(bytes(KEYPAIR.sign_message(b"sell 2 SOL-PERP")))
    signature[at // 8] ^= 1 << at % 8
    assert not fits(bytes(signature), b"sell 2 SOL-PERP", KEY)


def test_a_second_form_of_the_same_signature_does_not_fit() -> None:
    signature = bytes(KEYPAIR.sign_message(b"x"))
    more = int.from_bytes(signature[32:], "little") + ORDER
    assert not fits(signature[:32] + more.to_bytes(32, "little"), b"x", KEY)


@pytest.mark.parametrize("signature", [b"", b"x" * 63, b"x" * 65, bytes(64)])
def test_what_is_no_signature_does_not_fit(signature: bytes) -> None:
    assert not fits(signature, b"x", KEY)


@given(raw=st.binary(min_size=32, max_size=32))
def test_a_key_is_read_from_base58(raw: bytes) -> None:
    assert key_of(str(solders.Keypair.from_seed(raw).pubkey())) == bytes(solders.Keypair.from_seed(raw).pubkey())


@pytest.mark.parametrize("text", ["", "1", KEY[:-3], KEY + "1", KEY.replace(KEY[5], "0"), "ä" * 44, "1" * 45])
def test_what_is_no_key_is_refused_and_nothing_fits_it(text: str) -> None:
    with pytest.raises(ValueError, match="no public key"):
        key_of(text)
    assert not fits(bytes(KEYPAIR.sign_message(b"x")), b"x", text)
