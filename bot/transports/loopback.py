"""Whether a host is this machine: the only stand-in for a platform that tests may name."""

import ipaddress


def is_loopback(host: str) -> bool:
    """``host`` as urlsplit gives it; other spellings of 127.0.0.1 are refused, parsers do not agree on them.

    >>> is_loopback("127.9.8.7"), is_loopback("::1"), is_loopback("localhost"), is_loopback("127.1")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
