"""One life of the whole bot, as keel run wires it, and its end without a goodbye."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.soak.platforms import ANN, BOB, CAT, Platforms
from benchmarks.soak.time import Pace, SoakClock
from benchmarks.soak.venue import HOLDINGS, Cut, SoakVenue
from bot.app import App, assemble
from bot.app import Pace as Looks
from bot.backup_plan import BackupPlan
from bot.discord_parts import Audiences, KeptTopics
from bot.messages import Address, Message, MessageRef, text_of
from bot.metrics import Metrics
from bot.operations import Care, Operations
from bot.roster import Roster, Watched
from bot.suggestions import Suggestions
from bot.trading.assembly import TradingSetup
from bot.trading.rules import Quorum, TradingRules
from bot.transports.discord import DiscordTransport, checked_urls
from bot.transports.telegram import TelegramTransport, checked_base_url
from risk.decisions.tiers import TierThresholds
from risk.model.limits import RiskLimits
from storage import (
    EVERYWHERE,
    Accounts,
    DiskFull,
    LinkClaim,
    LinkedChat,
    LinkedPerson,
    People,
    ProposalCards,
    Role,
    Store,
    StoreClosed,
    TopicThreads,
)

if TYPE_CHECKING:
    from sqlite_utils import Database

T = TypeVar("T")

RULES = TradingRules(
    enabled=True, reduce_only=False, max_order_usd=1e6, daily_usd=1e10, standing_cap_usd=1e6,
    quorums={"": Quorum(approvals=2, above_usd=15_000.0)},
)  # fmt: skip
_BY_RATIO = TierThresholds(distance_sigmas={})
_GENEROUS = RiskLimits(
    max_portfolio_leverage=1_000.0, max_position_size_usd=1e9, max_position_size_percent=1_000.0,
    max_correlation_exposure=1.0, max_var_1d_percent=1.0, min_health_ratio=100.0, max_drawdown_percent=1.0,
)  # fmt: skip
_BUSY = timedelta(milliseconds=20)  # SQLite waits for a lock in real time
_ENDS_WITHIN_S = 120.0


class MortalStore(Store):
    """A store that is gone at once when its process is: whatever had begun is stored whole, nothing else ever is.

    Attributes:
        full: Nothing that was changed can be kept, as where the journal finds no room. That the file finds none is
            SQLite's to say.
    """

    pace: Pace
    dead = False
    full = False

    async def _call(self, fn: Callable[[], T], **more: Any) -> T:
        if self.dead:
            raise StoreClosed("the process is dead; start it again")
        with self.pace.working():
            return await super()._call(fn, **more)

    async def atomic(self, fn: Callable[["Database"], T]) -> T:
        def written(db: "Database") -> T:
            before, found = db.conn.total_changes, fn(db)
            if self.full and db.conn.total_changes != before:
                raise DiskFull("There is no room left for the database; free some space.")
            return found

        return await super().atomic(written)

    async def close(self) -> None:
        with self.pace.working():
            await super().close()


Composed = Callable[[str, str], None]


class _Telegram(TelegramTransport):
    composed: Composed

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        self.composed(f"telegram/{address.chat}", text_of(message))
        return await super().send(address, message, key=key)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        self.composed(f"telegram/{ref.address.chat}", text_of(message))
        await super().edit(ref, message)


class _Discord(DiscordTransport):
    composed: Composed

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        self.composed(f"discord/{address.chat}", text_of(message))
        return await super().send(address, message, key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What outlives every life of the bot.

    Attributes:
        sent: What was handed to the exchange, by signature.
        composed: Called with every message the bot makes, before it leaves, and the chat it is for.
    """

    pace: Pace
    clock: SoakClock
    venue: SoakVenue
    platforms: Platforms
    folder: Path
    sent: dict[str, bytes]
    composed: Composed
    executor: ThreadPoolExecutor
    gateway: type[Cut] = Cut

    @property
    def database(self) -> Path:
        return self.folder / "keel.sqlite3"


class Life:
    """From a start to an end. ``begin`` it, then ``kill`` or ``end`` it.

    Args:
        streams: Whether it follows the venue's stream besides looking every 5 s.
    """

    def __init__(self, around: Surroundings, *, streams: bool = True) -> None:
        self._around, self._streams = around, streams
        self._stop = asyncio.Event()
        self._alive = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._before: set[asyncio.Task[object]] = set()
        self.app: App | None = None
        self.store: MortalStore | None = None
        self.gateway: Cut | None = None
        self.began_s = around.pace.now_s

    @property
    def failed(self) -> BaseException | None:
        """Why it ended by itself; None while it lives."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception() or RuntimeError("the bot stopped by itself")

    async def begin(self) -> None:
        self._before = set(asyncio.all_tasks())
        self._task = asyncio.create_task(self._run(), name="life")
        started = asyncio.create_task(self._alive.wait())
        await asyncio.wait((self._task, started), return_when=asyncio.FIRST_COMPLETED)
        started.cancel()

    async def kill(self) -> None:
        """As SIGKILL does it for everybody else: nothing more is stored, sent or ordered. Expects the platforms to have
        been stopped."""
        if self.store is not None:
            self.store.dead = True
        if self.gateway is not None:
            self.gateway.dead = True
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait((self._task,), timeout=_ENDS_WITHIN_S)

    async def end(self) -> None:
        """As asked, with a goodbye. Raises: whatever it failed with."""
        self._stop.set()
        assert self._task is not None
        async with asyncio.timeout(_ENDS_WITHIN_S):
            await self._task

    def tasks(self) -> set[asyncio.Task[object]]:
        """What the bot has begun and not ended."""
        return {one for one in asyncio.all_tasks() - self._before if one is not self._task and _is_ours(one)}

    async def _run(self) -> None:
        around = self._around
        async with contextlib.AsyncExitStack() as resources:
            MortalStore.pace = around.pace
            with around.pace.working():
                store = self.store = await resources.enter_async_context(
                    await MortalStore.open(around.database, busy_timeout=_BUSY)
                )
            await _people(store, around)
            roster = Roster(
                Watched(account_id=one.account_id, nickname=one.name, thresholds=_BY_RATIO) for one in HOLDINGS
            )
            self.gateway = around.gateway(around.venue, clock=around.clock, sent=around.sent)
            setup = TradingSetup(
                gateway=self.gateway, books=around.venue, handles=await ProposalCards(store).handles(), rules=RULES
            )
            suggestions, metrics = Suggestions(), Metrics()
            app = self.app = assemble(
                store=store, reader=around.venue, roster=roster, transports=_transports(store, suggestions, around),
                clock=around.clock, venue="paper", executor=around.executor, pace=Looks(), trading=setup,
                observer=metrics, candles=around.venue.past, stream=self._streams,
            )  # fmt: skip
            suggestions.open(app.services)
            plan = BackupPlan(folder=around.folder / "backups", every=timedelta(hours=6), keep=2)
            async with Operations(app, store=store, care=Care(backups=plan), metrics=metrics) as operations:
                self._alive.set()
                await app.serve(self._stop, beside=operations.run)


def _transports(
    store: Store, suggestions: Suggestions, around: Surroundings
) -> list[TelegramTransport | DiscordTransport]:
    platforms, audiences = around.platforms, Audiences(People(store))
    telegram = _Telegram(
        platforms.telegram.token, now=around.clock.now,
        base_url=checked_base_url(platforms.telegram.url, allow_loopback=True),
    )  # fmt: skip
    discord = _Discord(
        platforms.discord.token, now=around.clock.now, suggest=suggestions.suggest,
        urls=checked_urls(platforms.discord.api_url, platforms.discord.gateway_url, allow_loopback=True),
        may_be_public=audiences.may_be_public, acquaintances=audiences.acquaintances,
        topics=KeptTopics(TopicThreads(store, "discord:soak"), around.clock.now),
    )  # fmt: skip
    telegram.composed = discord.composed = around.composed
    return [telegram, discord]


async def _people(store: Store, around: Surroundings) -> None:
    """Once, in the first life."""
    people, now = People(store), around.clock.now()
    if await people.has_owner():
        return
    private = str(around.platforms.private.channel_id)
    for name, platform, user, chat, role in (
        ("ann", "telegram", ANN, str(ANN), Role.ADMIN), ("bob", "telegram", BOB, str(BOB), Role.TRADER),
        ("cat", "discord", CAT, private, Role.TRADER),
    ):  # fmt: skip
        code = await people.issue_link_code(now, role, timedelta(hours=1), owner=name == "ann")
        claim = LinkClaim(
            person_id=name, transport=platform, user_id=str(user), display_name=name.title(), chat=chat, private=True
        )
        assert isinstance(await people.redeem_link_code(code, claim, now), LinkedPerson)
    await people.link_chat(
        LinkedChat(
            transport="discord", chat=str(around.platforms.channel.channel_id), thread="", person_id="ann",
            private=False, linked_at=now, accounts=frozenset({EVERYWHERE}),
        )
    )  # fmt: skip
    for one in HOLDINGS:
        await Accounts(store).save_limits(one.account_id, _GENEROUS)


_OTHERS = ("aiohttp/web", "tests/", "benchmarks/")


def _is_ours(task: asyncio.Task[object]) -> bool:
    """Whether the bot began it, and not the servers or the soak around it."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and not any(part in code.co_filename for part in _OTHERS)
