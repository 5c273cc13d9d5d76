"""A person's Discord: what they ask, what they are answered, which alerts they see."""

from collections.abc import Callable

from tests.support.discord_server import Channel, DiscordServer, SentMessage

WAIT_S = 30.0  # a busy machine


class Screen:
    """One person's Discord."""

    def __init__(self, server: DiscordServer, user: int) -> None:
        self.server, self.user = server, user

    async def until(self, holds: Callable[[], object], what: str) -> None:
        try:
            await self.server.wait_for(holds, WAIT_S)
        except TimeoutError:
            shown = "\n---\n".join(f"{one.channel}: {one.text}" for one in self.server.api.sent)
            raise AssertionError(f"no {what}; Discord shows\n{shown}") from None

    def alert(self, tier: str, channel: Channel) -> SentMessage | None:
        return next((one for one in self.server.messages(channel) if one.headline.startswith(f"{tier} ")), None)

    async def sees(self, tier: str, channel: Channel) -> SentMessage:
        await self.until(lambda: self.alert(tier, channel), f"{tier} in {channel.name or 'private'}")
        found = self.alert(tier, channel)
        assert found is not None
        return found

    async def asks(self, name: str, args: str = "", *, channel: Channel | None = None) -> str:
        """A slash command; its answer."""
        interaction = await self.server.slash(self.user, name, args, channel=channel)
        await self.until(lambda: interaction.acknowledged and not interaction.loading, f"an answer to /{name} {args}")
        answer = self.server.api.find(interaction.original or 0)
        assert answer is not None
        return answer.text

    async def connected(self) -> None:
        await self.until(lambda: self.server.gateway.live, "connection to the gateway")
