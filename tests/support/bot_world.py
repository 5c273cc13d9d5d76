"""A whole bot: a venue that stands where a test puts it, a chat in memory, real SQLite, a clock moved by hand."""

import contextlib
import math
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.alerts.routes import NO_ROUTES, Routes
from bot.app import App, Pace, assemble
from bot.door import BOUNDLESS, Allowance
from bot.messages import Address, Command, MessageRef, Person, Press, Transport
from bot.roster import Roster, Watched
from bot.trading.assembly import TradingSetup
from risk.decisions.tiers import TierThresholds
from risk.model.limits import RiskLimits
from risk.ports import AccountReader
from storage import Copies, LinkClaim, LinkedPerson, Receiver, Role, Store
from tests.risk.builders import RATIO_ALONE
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport, Sent
from tests.support.tuned_reader import TunedReader, at_ratio

CHECK_S = 5.0
OWNER = "owner"
HOME = "home"

# What no account of these tests breaches, so that limits speak only where they are the subject.
GENEROUS = RiskLimits(
    max_portfolio_leverage=1_000.0, max_position_size_usd=1e9, max_position_size_percent=1_000.0,
    max_correlation_exposure=1.0, max_var_1d_percent=1.0, min_health_ratio=100.0, max_drawdown_percent=1.0,
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class BotWorld:
    """One process of the bot, not started: the test takes the place of the clockwork."""

    app: App
    clock: FakeClock
    reader: TunedReader
    transport: RecordingTransport
    store: Store

    @property
    def account(self) -> str:
        return self.app.services.roster.account_ids[0]

    @property
    def alerts(self) -> list[Sent]:
        """Everything sent about incidents, oldest first."""
        return [one for one in self.transport.sent if "alert #" in one.text]

    @property
    def heads(self) -> list[str]:
        """The first word of every alert: its tier, RESOLVED, LIMIT."""
        return [alert.text.split(" ")[0] for alert in self.alerts]

    def put(self, ratio_percent: float, account: str | None = None) -> None:
        """Move an account to a health ratio."""
        self.reader.accounts[account or self.account] = at_ratio(ratio_percent)

    async def check(self, ratio_percent: float | None = None, *, after_s: float = CHECK_S) -> list[str]:
        """Let time pass, look once, deliver; the first words of the alerts that came of it."""
        if ratio_percent is not None:
            self.put(ratio_percent)
        self.clock.pass_s(after_s)
        before = len(self.heads)
        await self.app.watch.check()
        await self.deliver()
        return self.heads[before:]

    async def checks(self, seconds: float, ratio_percent: float | None = None) -> list[str]:
        """Look every 5 s for so long; what was heard."""
        heard: list[str] = []
        for _ in range(round(seconds / CHECK_S)):
            heard += await self.check(ratio_percent)
        return heard

    async def deliver(self) -> None:
        await self.app.deliveries[self.transport.name].drain()

    def written(self, text: str, *, user: str = OWNER, chat: str = HOME, private: bool = True) -> Command:
        return Command(
            sender=Person(transport=self.transport.name, user_id=user, display_name=user.title()),
            address=Address(transport=self.transport.name, chat=chat),
            text=text,
            sent_at=self.clock.now(),
            private=private,
        )

    def pressed(
        self,
        data: str,
        *,
        user: str = OWNER,
        ref: MessageRef | None = None,
        press_id: str = "",
        at: datetime | None = None,
    ) -> Press:
        home = Address(transport=self.transport.name, chat=HOME)
        return Press(
            sender=Person(transport=self.transport.name, user_id=user, display_name=user.title()),
            message=ref or MessageRef(address=home, message_id="m1"),
            data=data,
            pressed_at=at or self.clock.now(),
            press_id=press_id,
        )

    async def say(self, text: str, *, user: str = OWNER, chat: str = HOME, private: bool = True) -> list[Sent]:
        """Somebody writes; what they are answered."""
        before = len(self.transport.sent)
        await self.serve(self.written(text, user=user, chat=chat, private=private))
        answers = self.transport.sent[before:]
        await self.show_answers()
        return answers

    async def answer(self, text: str, *, user: str = OWNER) -> Sent:
        """As say(), for what is answered with exactly one message."""
        (answer,) = await self.say(text, user=user)
        return answer

    async def press(self, data: str, *, user: str = OWNER, ref: MessageRef | None = None, press_id: str = "") -> str:
        """Somebody presses; the notice beside the button."""
        await self.serve(self.pressed(data, user=user, ref=ref, press_id=press_id))
        await self.show_answers()
        return self.transport.answers[-1][1]

    async def show_answers(self) -> None:
        """What somebody just answered is shown on every copy; alerts that wait stay where they are."""
        for name, delivery in self.app.deliveries.items():
            if await Copies(self.store).stale(self.clock.now(), name, 1):
                await delivery.drain()

    async def serve(self, *incoming: Command | Press) -> None:
        """As a transport that brings these and is then left."""
        self.transport.hear(*incoming)
        self.transport.end()
        await self.app.dispatcher.serve(self.app.services.process.transports[self.transport.name])

    async def link(self, user: str, role: Role, *, chat: str | None = None, private: bool = True) -> LinkedPerson:
        """Somebody known."""
        people, now = self.app.services.people, self.clock.now()
        code = await people.issue_link_code(now, role, timedelta(hours=1), owner=user == OWNER)
        claim = LinkClaim(
            person_id=f"person-{user}", transport=self.transport.name, user_id=user, display_name=user.title(),
            chat=chat or user, private=private,
        )  # fmt: skip
        person = await people.redeem_link_code(code, claim, now)
        assert isinstance(person, LinkedPerson)
        return person

    async def writes(self) -> int:
        """Rows written to the database so far."""
        return await self.store.run(lambda db: db.conn.total_changes)


@contextlib.asynccontextmanager
async def bot_world(
    *nicknames: str,
    database: Path | str = ":memory:",
    clock: FakeClock | None = None,
    reader: TunedReader | None = None,
    thresholds: TierThresholds | None = None,
    limits: RiskLimits | None = GENEROUS,
    console: Receiver | None = None,
    linked: bool = True,
    trading: TradingSetup | None = None,
    transport: RecordingTransport | None = None,
    others: Sequence[Transport] = (),
    routes: Routes = NO_ROUTES,
    patience_s: float = math.inf,
    executor: ThreadPoolExecutor | None = None,
    allowance: Allowance = BOUNDLESS,
) -> AsyncIterator[BotWorld]:
    """A bot that watches accounts of these nicknames ("main" alone), with its owner linked in one chat.

    Args:
        limits: Of every account; None leaves the defaults.
        linked: False for a bot whose owner has not come yet.
        transport: The chat the test sits at, where its name matters.
        others: Further ways out.
        patience_s: How long an answer may be calculated before something else is said.
        executor: Where slow work runs; one thread of its own otherwise.
        allowance: How much one person may ask; without end, for tests ask while the clock stands still.
    """
    names = nicknames or ("main",)
    clock = clock or FakeClock()
    ids = [f"account-of-{name}" for name in names]
    reader = reader or TunedReader(clock, *ids)
    transport = transport or RecordingTransport(now=clock.now)
    roster = Roster(
        Watched(account_id=one, nickname=name, thresholds=thresholds or RATIO_ALONE)
        for one, name in zip(ids, names, strict=True)
    )
    async with await Store.open(database) as store:
        with executor or ThreadPoolExecutor(max_workers=1) as workers:
            app = assembled(
                store, reader, roster, [transport, *others], clock, workers, console, trading, routes,
                patience_s=patience_s, allowance=allowance,
            )  # fmt: skip
            world = BotWorld(app=app, clock=clock, reader=reader, transport=transport, store=store)
            if linked:
                await world.link(OWNER, Role.ADMIN, chat=HOME)
            if limits is not None:
                for account_id in ids:
                    await app.services.accounts.save_limits(account_id, limits)
            await app.prepare()
            yield world


def assembled(
    store: Store,
    reader: AccountReader,
    roster: Roster,
    transports: Sequence[Transport],
    clock: FakeClock,
    executor: ThreadPoolExecutor,
    console: Receiver | None,
    trading: TradingSetup | None,
    routes: Routes = NO_ROUTES,
    *,
    patience_s: float = math.inf,
    allowance: Allowance = BOUNDLESS,
) -> App:
    return assemble(
        store=store, reader=reader, roster=roster, transports=transports, clock=clock, venue="paper",
        executor=executor, console=console, pace=Pace(check_interval=timedelta(seconds=CHECK_S), requests=allowance),
        trading=trading, routes=routes, patience_s=patience_s,
    )  # fmt: skip
