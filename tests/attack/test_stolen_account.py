"""Somebody has the owner's chat account, and not their PIN: whatever they type and press, in whatever order, no order
goes out, no cap moves, and no lock of the PIN opens before its time."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bot.trading.rules import TradingRules
from storage import Audit, AuditAction
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.trade_bot import TradeBot, trade_bot

T = TypeVar("T")

PIN = "471108"
STANDING_CAP_USD = 1_000.0
MARKETS = ("SOL-PERP", "ETH-PERP", "BTC-PERP")
WORDS = (
    "/close SOL", "/close SOL half", "/flatten", "/emergency", "/hedge 0", "/rebalance SOL=100", "/stop SOL -5%",
    "/tp SOL +5%", "/protect", "/cancel all", "/limits leverage 1000", "/limits max_position_size_usd 1e15",
    "/tiers critical 101", "/arm 999999999", "/arm 500", "/arm main 1e12 24h", "/sleep", "/sleep 8h 99%", "/disarm",
    "/halt", "/resume", "/settings", "/settings trading_max_order_usd 1e9", "/set TRADING_REDUCE_ONLY=false",
    "/pin", "/pin clear", "/pin set 0000", "/pin 000000", "/pin 000000 000000", "/pin 00000\u0660", "/invite admin",
    "/invite trader for me", "/link", "/revoke owner", "/people", "/approvals", "/audit", "/expect withdrawal 1e9 1h",
)  # fmt: skip
WRONG_ALLOWED = 5


class StolenAccount(RuleBasedStateMachine):
    """A bot on paper where every approval takes a PIN."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        self.loop = asyncio.new_event_loop()
        self.opened: AbstractAsyncContextManager[TradeBot] = trade_bot(
            pin_above_usd=0.0, standing_cap_usd=STANDING_CAP_USD, reduce_only=True, max_order_usd=5_000.0
        )
        self.bot = self.do(self.opened.__aenter__())
        self.locked_until: datetime | None = None
        self.presses = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def own(self) -> None:
        trading = self.bot.app.services.trading
        assert trading is not None
        self.do(trading.pins.set("person-owner", PIN, self.bot.clock.now()))
        self.caps: TradingRules = trading.rules
        self.as_it_was = repr(trading.rules)
        self.held = [self.do(self.bot.position(market)) for market in MARKETS]

    @rule(text=st.sampled_from(WORDS), private=st.booleans())
    def says(self, text: str, private: bool) -> None:
        self.do(self.bot.say(text, private=private))
        self.do(self.bot.settle())
        self._note_lock()

    @rule(text=st.sampled_from(WORDS), more=st.sampled_from(WORDS))
    def says_two_at_once(self, text: str, more: str) -> None:
        self.do(self.bot.serve(self.bot.written(text), self.bot.written(more)))
        self.do(self.bot.settle())
        self._note_lock()

    @rule(which=st.integers(0, 40), button=st.integers(0, 5))
    def presses_a_button_of_some_message(self, which: int, button: int) -> None:
        shown = [(one.ref, key) for one in self.bot.transport.sent for key in self.bot.buttons(one.ref)]
        if not shown:
            return
        ref, key = shown[-1 - which % len(shown)]
        self.presses += 1
        self.do(self.bot.press(key.data, ref=ref, press_id=f"{self.presses}"))
        self.do(self.bot.settle())

    @rule(guess=st.integers(0, 9_999).map(lambda number: f"{number:06}"), times=st.integers(1, 6))
    def guesses(self, guess: str, times: int) -> None:
        self.do(self.bot.serve(*(self.bot.written(f"/pin {guess}") for _ in range(times))))
        self._note_lock()

    @rule()
    def learns_the_pin_while_it_is_locked(self) -> None:
        if self.locked_until is None or self.bot.clock.now() >= self.locked_until:
            return
        (answer,) = self.do(self.bot.say(f"/pin {PIN}"))
        assert answer.first.startswith("Your PIN is locked"), answer.first

    @rule()
    def takes_another_account_in_by_a_code(self) -> None:
        codes = [line for one in self.bot.transport.sent for line in one.text.split("\n") if line.startswith("/start ")]
        for code in codes[-1:]:
            self.do(self.bot.say(code, user="accomplice", chat="accomplice"))
            self.do(self.bot.say("/close SOL half", user="accomplice", chat="accomplice"))
            self.do(self.bot.settle())

    @rule(seconds=st.sampled_from([1, 30, 121, 901, 3_600]))
    def waits(self, seconds: int) -> None:
        self.bot.clock.pass_s(seconds)
        self.do(self.bot.app.watch.check())

    def _note_lock(self) -> None:
        row = self._pin("locked_until")
        if row[0] is not None:
            self.locked_until = datetime.fromtimestamp(row[0] / 1e6, UTC)

    def _pin(self, columns: str) -> tuple[Any, ...]:
        """Of the one PIN there is."""
        query = f"SELECT {columns} FROM pins"  # noqa: S608  # columns of ours
        found: tuple[Any, ...] = self.do(self.bot.store.run(lambda db: db.execute(query).fetchone()))
        return found

    @invariant()
    def nothing_went_out(self) -> None:
        if hasattr(self, "held"):
            assert [self.do(self.bot.position(market)) for market in MARKETS] == self.held
            assert not self.do(self._done({AuditAction.LEG_SIGNED, AuditAction.PIN_RIGHT}))

    @invariant()
    def no_cap_moved(self) -> None:
        trading = self.bot.app.services.trading
        assert trading is not None
        assert trading.rules is getattr(self, "caps", trading.rules)
        assert repr(trading.rules) == getattr(self, "as_it_was", repr(trading.rules))
        armed = self.do(self.bot.store.run(lambda db: db.execute("SELECT count(*) FROM standing_approvals").fetchone()))
        assert armed[0] == 0, "what stands approved was approved without a PIN"

    @invariant()
    def nobody_is_let_in_by_guesses(self) -> None:
        if hasattr(self, "held"):
            wrong, verified_at = self._pin("wrong, verified_at")
            assert wrong < WRONG_ALLOWED
            assert verified_at is None

    async def _done(self, actions: set[AuditAction]) -> list[AuditAction]:
        return [one.action async for one in Audit(self.bot.store).all() if one.action in actions]

    def teardown(self) -> None:
        self.do(self.opened.__aexit__(None, None, None))
        self.loop.close()


def test_with_the_owners_chat_and_without_their_pin_nothing_goes_out_and_no_cap_moves(figure: Gauge) -> None:
    run_state_machine_as_test(
        StolenAccount,
        settings=settings(
            max_examples=6, stateful_step_count=14, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
    figure(Measure.UNAPPROVED, 0)  # as asserted after every step
