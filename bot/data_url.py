"""Where price history may be asked for, as the settings name it. Pure."""

from urllib.parse import urlsplit

from bot.transports.loopback import is_loopback

DRIFT_DATA_URL = "https://data.api.drift.trade"
_OFF = "off"


def checked_data_url(text: str) -> str:
    """A base URL that may be asked; empty for ``off``. Raises: ValueError, saying what to set.

    >>> checked_data_url("https://data.example.org/v1/"), checked_data_url("off")
    ('https://data.example.org/v1', '')
    """
    url = text.strip().rstrip("/")
    if url.lower() == _OFF:
        return ""
    instead = f"write https://HOST, such as {DRIFT_DATA_URL}, or off to do without"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"it is no URL: {instead}") from None
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"it may hold a scheme, a host and a path only: {instead}")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise ValueError(f"it must be encrypted, except on this machine: {instead}")
    return url
