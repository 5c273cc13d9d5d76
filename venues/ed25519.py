"""Whether a signature is whose it is said to be. Checks alone; nothing secret comes here.

The library takes a third of a second to import: ``load`` does it in advance, off the event loop.
"""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_KEY_BYTES = 32
_MOST_CHARACTERS = 44  # of 32 bytes in base58


def key_of(text: str) -> bytes:
    """A public key from base58. Raises: ValueError for a text that is none.

    >>> key_of("11111111111111111111111111111112").hex()[-4:]
    '0001'
    """
    if len(text) > _MOST_CHARACTERS or any(character not in _ALPHABET for character in text):
        raise ValueError("that is no public key: it is not in base58")
    number = 0
    for character in text:
        number = number * 58 + _ALPHABET.index(character)
    leading = len(text) - len(text.lstrip("1"))
    raw = bytes(leading) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    if len(raw) != _KEY_BYTES:
        raise ValueError(f"that is no public key: it has {len(raw)} bytes and not {_KEY_BYTES}")
    return raw


def load() -> None:
    """Import what checks."""
    import cryptography.hazmat.primitives.asymmetric.ed25519  # noqa: F401


def fits(signature: bytes, message: bytes, public_key: str) -> bool:
    """Whether the holder of a key, in base58, has signed exactly these bytes; never for a key that is none."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key_of(public_key)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
