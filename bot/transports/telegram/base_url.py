"""Where Telegram may be: its own server, or, in tests, this machine. Whoever is asked there learns the token."""

from urllib.parse import urlsplit

from bot.transports.loopback import is_loopback

OFFICIAL_URL = "https://api.telegram.org"


def checked_base_url(url: str, allow_loopback: bool) -> str:
    """``url`` as scheme, host and port, built anew so that no later parser can read another host into it.

    Args:
        url: Such as ``https://api.telegram.org``; a trailing ``/bot`` is taken off.
        allow_loopback: The setting ALLOW_LOOPBACK_PLATFORMS.

    Raises: ValueError, whose text says what to set, for anything but Telegram's server or an allowed loopback host.
    """
    try:
        parts = urlsplit(url.strip())
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"TELEGRAM_BASE_URL is not a URL: leave it empty, or set {OFFICIAL_URL}") from None
    if parts.path.rstrip("/") not in ("", "/bot") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"TELEGRAM_BASE_URL may hold only a scheme, a host and a port, such as {OFFICIAL_URL}")
    if (scheme, host) == ("https", "api.telegram.org") and port in (None, 443):
        return OFFICIAL_URL
    if scheme not in ("http", "https") or not is_loopback(host):
        raise ValueError(f"TELEGRAM_BASE_URL must be {OFFICIAL_URL}: the server it names would learn the bot's token")
    if not allow_loopback:
        raise ValueError(
            f"TELEGRAM_BASE_URL names this machine: set {OFFICIAL_URL}, or, in a test, ALLOW_LOOPBACK_PLATFORMS=true"
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port is not None else "")
