"""Where Discord may be: its own servers, or, in tests, this machine. Whoever is asked there learns the token."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from bot.transports.loopback import is_loopback

OFFICIAL_API_URL = "https://discord.com/api/v10"
OFFICIAL_GATEWAY_URL = "wss://gateway.discord.gg"
_API_PATHS = ("", "/api", "/api/v10")
_GATEWAYS = ".discord.gg"  # a session is resumed at a server of its own, such as gateway-us-east1-b.discord.gg
_PATH = re.compile(r"(/[\w.-]+)*/?")
_WEBHOOK = re.compile(r"(?P<base>(/[\w.-]+)*?)/webhooks/(?P<id>\d{1,20})/(?P<token>[\w-]{1,200})")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordUrls:
    """Checked: both are Discord's, or both are this machine. Without a slash at the end."""

    api: str = OFFICIAL_API_URL
    gateway: str = OFFICIAL_GATEWAY_URL

    @property
    def official(self) -> bool:
        return self.gateway == OFFICIAL_GATEWAY_URL

    def resume_at(self, told: str) -> str:
        """Where to resume a session that Discord said is at ``told``: there, if that is no stranger."""
        try:
            parts = urlsplit(told)
            host = parts.hostname or ""
        except ValueError:
            return self.gateway
        if self.official:
            known = parts.scheme == "wss" and host.endswith(_GATEWAYS)
        else:
            known = parts.scheme in ("ws", "wss") and is_loopback(host)
        return told if known else self.gateway


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WebhookUrl:
    """A channel's webhook. Whoever has ``token`` can write there, so it is never shown."""

    api: str
    webhook_id: str
    token: str

    def __repr__(self) -> str:
        return f"WebhookUrl({self.webhook_id})"


def checked_urls(api_url: str, gateway_url: str, allow_loopback: bool) -> DiscordUrls:
    """Both, as the functions below return them. Raises: ValueError, also if only one of them is this machine."""
    api, gateway = checked_api_url(api_url, allow_loopback), checked_gateway_url(gateway_url, allow_loopback)
    if (api == OFFICIAL_API_URL) is not (gateway == OFFICIAL_GATEWAY_URL):
        raise ValueError("only one of DISCORD_API_URL and DISCORD_GATEWAY_URL names this machine: set both, or neither")
    return DiscordUrls(api=api, gateway=gateway)


def checked_api_url(url: str, allow_loopback: bool) -> str:
    """DISCORD_API_URL, built anew so that no later parser can read another host into it.

    Args:
        allow_loopback: The setting ALLOW_LOOPBACK_PLATFORMS.

    Raises: ValueError, whose text says what to set, for anything but Discord's server or an allowed loopback host.
    """
    parts = _split("DISCORD_API_URL", url, OFFICIAL_API_URL)
    if _is_official_api(parts) and parts.path.rstrip("/") in _API_PATHS:
        return OFFICIAL_API_URL
    return _on_this_machine("DISCORD_API_URL", parts, ("http", "https"), OFFICIAL_API_URL, allow_loopback)


def checked_gateway_url(url: str, allow_loopback: bool) -> str:
    """DISCORD_GATEWAY_URL, likewise."""
    parts = _split("DISCORD_GATEWAY_URL", url, OFFICIAL_GATEWAY_URL)
    if _is_at(parts, "wss", "gateway.discord.gg") and parts.path in ("", "/"):
        return OFFICIAL_GATEWAY_URL
    return _on_this_machine("DISCORD_GATEWAY_URL", parts, ("ws", "wss"), OFFICIAL_GATEWAY_URL, allow_loopback)


def checked_webhook(url: str, allow_loopback: bool) -> WebhookUrl:
    """A webhook's URL as Discord shows it. Raises: ValueError, which does not repeat it: it is a secret."""
    parts = _split("the webhook's URL", url, "https://discord.com/api/webhooks/ID/TOKEN")
    found = _WEBHOOK.fullmatch(parts.path.rstrip("/"))
    if found is None:
        raise ValueError("the webhook's URL must look like https://discord.com/api/webhooks/ID/TOKEN: copy it again")
    if _is_official_api(parts) and found["base"] in _API_PATHS[1:]:
        api = OFFICIAL_API_URL
    elif allow_loopback and parts.scheme in ("http", "https") and is_loopback(parts.hostname or ""):
        api = _rebuilt(parts._replace(path=found["base"]))
    else:
        raise ValueError("the webhook's URL must be on https://discord.com: the server it names would get the alerts")
    return WebhookUrl(api=api, webhook_id=found["id"], token=found["token"])


def _split(what: str, url: str, example: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # read, because it is checked only then
    except ValueError:
        raise ValueError(f"{what} is not a URL: set {example}") from None
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{what} may hold only a scheme, a host, a port and a path, such as {example}")
    return parts


def _on_this_machine(
    variable: str, parts: SplitResult, schemes: tuple[str, ...], official: str, allow_loopback: bool
) -> str:
    if parts.scheme not in schemes or not is_loopback(parts.hostname or "") or not _PATH.fullmatch(parts.path):
        raise ValueError(f"{variable} must be {official}: the server it names would learn the bot's token")
    if not allow_loopback:
        raise ValueError(f"{variable} names this machine: set {official}, or, in a test, ALLOW_LOOPBACK_PLATFORMS=true")
    return _rebuilt(parts)


def _is_official_api(parts: SplitResult) -> bool:
    return _is_at(parts, "https", "discord.com") or _is_at(parts, "https", "discordapp.com")


def _is_at(parts: SplitResult, scheme: str, host: str) -> bool:
    return (parts.scheme, parts.hostname) == (scheme, host) and parts.port in (None, 443)


def _rebuilt(parts: SplitResult) -> str:
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{shown}{port}{parts.path.rstrip('/')}"
