"""A bot with routes on two platforms, where the test takes the place of the clockwork and of both platforms."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from bot.alerts.routes_file import parse_routes
from bot.messages import Address, MessageRef, Person, Press
from storage import LinkClaim, LinkedPerson, Role
from tests.support.bot_world import BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport, Sent

ANN, BOB = "1001", "3001"  # on Telegram; on Discord
PAGER = '[services.pager]\nurl = "json://127.0.0.1"\nrings_through_dnd = true\n'


@dataclass(slots=True, kw_only=True)
class RoutedWorld:
    """Ann has a chat on Telegram, Bob one on Discord; both see everything."""

    world: BotWorld
    telegram: RecordingTransport
    discord: RecordingTransport
    webhook: RecordingTransport
    pager: RecordingTransport

    @property
    def ways(self) -> tuple[RecordingTransport, ...]:
        return (self.telegram, self.discord, self.webhook, self.pager)

    def told(self, way: RecordingTransport) -> list[str]:
        """First words of the alerts that arrived one way."""
        return [alert.text.split(" ")[0] for alert in self.alerts(way)]

    def alerts(self, way: RecordingTransport) -> list[Sent]:
        return [one for one in way.sent if "alert #" in one.text]

    async def pass_s(self, seconds: float, step_s: float = 1.0) -> None:
        """Time goes on: what the clockwork does every second is done, and what is queued is delivered."""
        for _ in range(round(seconds / step_s)):
            self.world.clock.pass_s(step_s)
            await self.look()

    async def look(self) -> None:
        routing = self.world.app.routing
        await routing.fallback.look()
        await routing.escalation.look()
        await self.deliver()

    async def deliver(self) -> None:
        for delivery in self.world.app.deliveries.values():
            await delivery.drain()

    async def stand_at(self, ratio_percent: float) -> None:
        """One check that finds the account there, and its delivery."""
        self.world.put(ratio_percent)
        await self.world.app.watch.check()
        await self.deliver()

    async def link(
        self, platform: str, user_id: str, name: str, role: Role = Role.ADMIN, *, owner: bool = False
    ) -> LinkedPerson:
        people, now = self.world.app.services.people, self.world.clock.now()
        code = await people.issue_link_code(now, role, timedelta(hours=1), owner=owner)
        claim = LinkClaim(
            person_id=f"person-{user_id}", transport=platform, user_id=user_id, display_name=name, chat=user_id
        )
        person = await people.redeem_link_code(code, claim, now)
        assert isinstance(person, LinkedPerson)
        return person

    async def press(self, way: RecordingTransport, user_id: str, alert: Sent, label: str) -> str:
        way.hear(
            Press(
                sender=Person(transport=way.name, user_id=user_id), data=alert.data(label),
                message=MessageRef(address=Address(transport=way.name, chat=user_id), message_id=alert.ref.message_id),
                pressed_at=self.world.clock.now(),
            )
        )  # fmt: skip
        way.end()
        await self.world.app.dispatcher.serve(way)
        await self.deliver()
        return way.answers[-1][1]


@contextlib.asynccontextmanager
async def routed_world(
    text: str = "", *accounts: str, linked: bool = True, database: str = ":memory:", clock: FakeClock | None = None
) -> AsyncIterator[RoutedWorld]:
    """Routes in the words of the file."""
    clock = clock or FakeClock()
    telegram, discord, webhook, pager = (
        RecordingTransport(now=clock.now, name=name)
        for name in ("telegram", "discord", "discord-webhook", "service:pager")
    )
    async with bot_world(
        *accounts, clock=clock, transport=telegram, others=(discord, webhook, pager), routes=parse_routes(text),
        linked=False, database=database,
    ) as world:  # fmt: skip
        routed = RoutedWorld(world=world, telegram=telegram, discord=discord, webhook=webhook, pager=pager)
        if linked:
            await routed.link("telegram", ANN, "Ann")
            await routed.link("discord", BOB, "Bob")
        yield routed
