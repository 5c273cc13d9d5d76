"""The ways out that the file of routes brings: further bots, services, and the webhook of the settings."""

from collections.abc import Callable

from bot.alerts.routes import Platform, Routes, ServiceRule
from bot.config import BadSettings, Settings
from bot.messages import Transport
from bot.transports.named import NamedTransport
from risk.ports import Clock

MakeBot = Callable[[str], Transport]


def trouble_of(service: ServiceRule) -> str:
    """What keeps the URL of a service from being used, in a sentence without it; empty for nothing."""
    from bot.transports.apprise import UnknownService, require_service

    try:
        require_service(service.name, service.url.get_secret_value())
    except UnknownService as exc:
        return str(exc)
    return ""


def ways_out(
    routes: Routes, settings: Settings, clock: Clock, *, telegram: MakeBot, discord: MakeBot
) -> list[Transport]:
    """Everything beside the bots of the settings, in the order in which it is preferred.

    Args:
        telegram: Makes a bot of a token; likewise ``discord``.

    Raises: BadSettings, for a URL that stands for no service.
    """
    makers = {Platform.TELEGRAM: telegram, Platform.DISCORD: discord}
    found: list[Transport] = [
        NamedTransport(makers[sender.platform](sender.token.get_secret_value()), sender.name)
        for sender in routes.senders.values()
    ]
    if webhook := settings.discord_webhook_url.get_secret_value():
        from bot.transports.discord.urls import checked_webhook
        from bot.transports.discord.webhook_transport import WebhookTransport

        url = checked_webhook(webhook, allow_loopback=settings.allow_loopback_platforms)
        found.append(WebhookTransport(url, now=clock.now, pings=settings.discord_pings))
    if routes.services:
        from bot.transports.apprise import ServiceTransport, UnknownService

        for service in routes.services.values():
            try:
                found.append(ServiceTransport(service.name, service.url.get_secret_value(), now=clock.now))
            except UnknownService as exc:
                raise BadSettings(f"{settings.routes_file}: {exc}") from None
    return found
