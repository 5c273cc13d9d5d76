"""One event of every family, and the sentence it is told in."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from risk.model.account import MarketKind, OrderKind, Side
from risk.model.event_kinds import EndReason, EventKind, GapReason, LiquidationForm
from risk.model.events import (
    AccountEvent,
    BankruptcyEvent,
    BorrowEvent,
    BorrowRateEvent,
    DelegateEvent,
    FlowEvent,
    FundingEvent,
    FundingPaidEvent,
    GapEvent,
    InterestEvent,
    LiquidationEvent,
    LiquidityEvent,
    MarketEvent,
    OrderEvent,
    PauseEvent,
    PositionEvent,
    SettlementEvent,
    SubAccountEvent,
    SwapEvent,
)
from risk.model.market import MarketStatus
from tests.risk.builders import NOW, SLOT

K = EventKind
PERP, SPOT = MarketKind.PERP, MarketKind.SPOT
OLD, NEW = "5MWFVJxGSGKJhNfHkVigGURMyXxNRKMdxDcfauHq82G5", "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"


def _at(kind: EventKind) -> dict[str, Any]:
    return {"kind": kind, "account_id": "main", "slot": SLOT, "observed_at": NOW}


def position(kind: EventKind, before: float, after: float, **more: Any) -> PositionEvent:
    return PositionEvent(
        **_at(kind), **{"market": "SOL-PERP", "before_base": before, "after_base": after, "by_orders_base": 0.0, **more}
    )


def order(kind: EventKind, size: float = 5.0, **more: Any) -> OrderEvent:
    return OrderEvent(
        **_at(kind),
        **{
            "market": "SOL-PERP", "market_kind": PERP, "order_id": 42, "side": Side.BUY, "order_kind": OrderKind.LIMIT,
            "size_base": size, "rest_base": 0.0, "price_usd": 148.5, **more,
        },
    )  # fmt: skip


def flow(kind: EventKind, **more: Any) -> FlowEvent:
    return FlowEvent(**_at(kind), **{"amount_usd": 1_500.25, **more})


def taken(**more: Any) -> LiquidationEvent:
    return LiquidationEvent(**_at(K.LIQUIDATION_TAKEN), **{"market": "SOL-PERP", "taken_base": 4.0, **more})


def interest(amount: float = 0.5, balance: float = 1_000.0, **more: Any) -> InterestEvent:
    since: datetime = NOW - timedelta(days=1)
    return InterestEvent(
        **_at(K.INTEREST),
        **{"token": "USDC", "amount_tokens": amount, "amount_usd": abs(amount), "balance_tokens": balance,
           "since": since, **more},
    )  # fmt: skip


TOLD: tuple[tuple[AccountEvent, str], ...] = (
    (position(K.POSITION_CLOSED, 12.5, 0.0), "SOL-PERP long 12.5 -> 0: closed"),
    (position(K.POSITION_OPENED, 0.0, -3.0), "SOL-PERP 0 -> short 3: opened"),
    (position(K.POSITION_FLIPPED, 2.0, -3.0), "SOL-PERP long 2 -> short 3: flipped"),
    (position(K.POSITION_CHANGED, 2.0, 3.0), "SOL-PERP long 2 -> long 3: grown"),
    (position(K.POSITION_CHANGED, -3.0, -2.0, by_keel=True), "SOL-PERP short 3 -> short 2: reduced, by Keel"),
    (order(K.ORDER_PLACED), "SOL-PERP order #42 placed: buy 5 at 148.50"),
    (
        order(K.ORDER_PLACED, side=Side.SELL, price_usd=None, trigger_price_usd=120.0, reduce_only=True, by_keel=True),
        "SOL-PERP order #42 placed: sell 5 once at 120.00, reduce only, by Keel",
    ),
    (order(K.ORDER_CHANGED), "SOL-PERP order #42 changed: buy 5 at 148.50"),
    (order(K.ORDER_TRIGGERED), "SOL-PERP order #42 triggered: buy 5 at 148.50"),
    (order(K.ORDER_ENDED), "SOL-PERP order #42 ended without a fill: buy 5 at 148.50"),
    (order(K.ORDER_EXPIRED, fee_usd=0.01), "SOL-PERP order #42 expired: buy 5 at 148.50, fee 0.01 USD"),
    (order(K.ORDER_CANCELLED, reason=EndReason.CANCELLED), "SOL-PERP order #42 cancelled: buy 5 at 148.50"),
    (
        order(K.ORDER_CANCELLED, reason=EndReason.LIQUIDATION),
        "SOL-PERP order #42 cancelled by the liquidation: buy 5 at 148.50",
    ),
    (
        order(K.ORDER_REJECTED, reason=EndReason.NO_COLLATERAL),
        "SOL-PERP order #42 refused: not enough free collateral: buy 5 at 148.50",
    ),
    (
        order(K.ORDER_FILLED, fill_price_usd=151.2, fee_usd=1.2),
        "SOL-PERP order #42: bought 5 at 151.20 USD, fee 1.20 USD",
    ),
    (
        order(K.ORDER_PARTIALLY_FILLED, side=Side.SELL, rest_base=2.5, fill_price_usd=151.2, fee_usd=-0.004),
        "SOL-PERP order #42: sold 5 at 151.20 USD, rebate 0.004 USD, 2.5 rests",
    ),
    (order(K.ORDER_FILLED), "SOL-PERP order #42: bought 5"),
    (flow(K.DEPOSIT), "deposit of 1,500.25 USD"),
    (flow(K.WITHDRAWAL), "withdrawal of 1,500.25 USD, which nobody announced"),
    (flow(K.WITHDRAWAL, announced=True), "withdrawal of 1,500.25 USD, announced"),
    (
        flow(K.WITHDRAWAL, token="SOL", amount_tokens=10.0, borrowed=True),
        "withdrawal of 10 SOL (1,500.25 USD), borrowed, which nobody announced",
    ),
    (flow(K.TRANSFER_IN), "transfer from another account of the owner of 1,500.25 USD"),
    (flow(K.TRANSFER_OUT), "transfer to another account of the owner of 1,500.25 USD, which nobody announced"),
    (
        SwapEvent(**_at(K.SWAP), sold="USDC", sold_tokens=150.0, bought="SOL", bought_tokens=1.0),
        "swapped 150 USDC for 1 SOL",
    ),
    (BorrowEvent(**_at(K.BORROW_BEGUN), token="SOL", before_tokens=0.0, after_tokens=-3.0), "now owes 3 SOL"),
    (
        BorrowEvent(**_at(K.BORROW_REPAID), token="SOL", before_tokens=-3.0, after_tokens=0.0),
        "borrow of 3 SOL repaid",
    ),
    (
        BorrowRateEvent(
            **_at(K.BORROW_RATE_SPIKE), token="SOL", borrowed_tokens=3.0, before_annual_frac=0.08,
            after_annual_frac=0.45,
        ),
        "borrowing SOL costs 45.0% a year now, 8.0% before; 3 owed",
    ),
    (
        FundingEvent(
            **_at(K.FUNDING_HEAVY), market="SOL-PERP", size_base=10.0, before_hourly_frac=0.0,
            after_hourly_frac=0.0002,
        ),
        "SOL-PERP funding is heavy: the long 10 pays 0.0200% an hour, 0.48% a day",
    ),
    (
        FundingEvent(
            **_at(K.FUNDING_FLIPPED), market="SOL-PERP", size_base=-10.0, before_hourly_frac=-0.0001,
            after_hourly_frac=0.00005,
        ),
        "SOL-PERP funding flipped: the short 10 pays 0.0050% an hour, and it receives 0.0100% before",
    ),
    (FundingPaidEvent(**_at(K.FUNDING_PAID), market="SOL-PERP", size_base=1.0, amount_usd=-0.5),
     "SOL-PERP funding: paid 0.50 USD"),
    (interest(), "interest: earned 0.5 USDC (0.50 USD) on a deposit of 1,000, 18.3% a year"),
    (interest(-0.5, -1_000.0, amount_usd=None), "interest: paid 0.5 USDC on a borrow of 1,000, 18.3% a year"),
    (
        SettlementEvent(**_at(K.PNL_SETTLED), market="SOL-PERP", amount_usd=-12.0, price_usd=150.0, expired=False),
        "SOL-PERP: loss of 12.00 USD settled",
    ),
    (LiquidityEvent(**_at(K.LIQUIDITY_CHANGED), market="SOL-PERP", position_base=1.0, pnl_usd=0.0),
     "SOL-PERP liquidity shares: bought 1, PnL $0.00"),
    (LiquidationEvent(**_at(K.LIQUIDATION_BEGUN)), "liquidation has begun"),
    (LiquidationEvent(**_at(K.LIQUIDATION_BEGUN), market="SOL-PERP"), "liquidation of isolated SOL-PERP has begun"),
    (LiquidationEvent(**_at(K.LIQUIDATION_ENDED)), "liquidation has ended"),
    (
        taken(price_usd=92.1, fee_usd=4.6, remaining_base=6.0, orders_cancelled=2),
        "liquidation took 4 of SOL-PERP at 92.10 USD, fee 4.60 USD, cancelled 2 orders; long 6 remains",
    ),
    (taken(remaining_base=0.0), "liquidation took 4 of SOL-PERP; nothing remains"),
    (taken(remaining_base=None), "liquidation took 4 of SOL-PERP"),
    (taken(taken_base=0.0, remaining_base=None, orders_cancelled=1),
     "liquidation took nothing of SOL-PERP, cancelled 1 order"),
    (
        taken(
            market="SOL", market_kind=SPOT, form=LiquidationForm.TOKENS_FOR_BORROW, price_usd=92.1, repaid="USDC",
            repaid_tokens=350.0, remaining_base=1.0,
        ),
        "liquidation took 4 SOL at 92.10 USD and repaid 350 USDC; 1 SOL remain",
    ),
    (
        taken(form=LiquidationForm.PNL_FOR_BORROW, repaid="SOL", repaid_tokens=0.04, remaining_base=None),
        "liquidation took 4.00 USD of PnL of SOL-PERP and repaid 0.04 SOL",
    ),
    (
        taken(
            market="SOL", market_kind=SPOT, form=LiquidationForm.TOKENS_FOR_LOSS, price_usd=92.1, repaid="BTC-PERP",
            repaid_tokens=300.0, remaining_base=0.0,
        ),
        "liquidation took 4 SOL at 92.10 USD for a loss of 300.00 USD in BTC-PERP; nothing remains",
    ),
    (AccountEvent(**_at(K.BANKRUPT)), "bankrupt: debts are left and nothing to pay them"),
    (AccountEvent(**_at(K.ACCOUNT_CLOSED)), "the account was closed"),
    (
        BankruptcyEvent(**_at(K.BANKRUPTCY_RESOLVED), market="SOL-PERP", market_kind=PERP, loss=120.0),
        "bankruptcy resolved: a debt of 120.00 USD in SOL-PERP was written off",
    ),
    (
        BankruptcyEvent(**_at(K.BANKRUPTCY_RESOLVED), market="SOL", market_kind=SPOT, loss=1.5),
        "bankruptcy resolved: a debt of 1.5 SOL was written off",
    ),
    (DelegateEvent(**_at(K.DELEGATE_CHANGED), before="", after=NEW),
     "delegate 9xQe…VFin may trade now, which nobody announced"),
    (DelegateEvent(**_at(K.DELEGATE_CHANGED), before=OLD, after=NEW, announced=True),
     "delegate 9xQe…VFin may trade now, 5MWF…82G5 no longer, announced"),
    (DelegateEvent(**_at(K.DELEGATE_CHANGED), before=OLD, after=""),
     "delegate 5MWF…82G5 removed, which nobody announced"),
    (SubAccountEvent(**_at(K.SUB_ACCOUNT_CREATED), created=NEW),
     "the owner opened another account, 9xQe…VFin, which nobody announced"),
    (
        MarketEvent(
            **_at(K.MARKET_REDUCE_ONLY), market="SOL-PERP", market_kind=PERP, before=MarketStatus.ACTIVE,
            after=MarketStatus.REDUCE_ONLY,
        ),
        "SOL-PERP is reduce only: positions can be closed and not grow",
    ),
    (PauseEvent(**_at(K.EXCHANGE_PAUSED), market="", what=("withdraw", "fill")), "the venue is paused: withdraw, fill"),
    (PauseEvent(**_at(K.MARKET_ACTIVE), market="SOL", what=("fill",)), "SOL works again: fill"),
    (
        GapEvent(**_at(K.HISTORY_GAP), reason=GapReason.LOG_TRUNCATED),
        "a transaction cannot be told in full: its log was cut off; see positions and balances",
    ),
)  # fmt: skip

EVERY = tuple(event for event, _ in TOLD)


def renamed(event: AccountEvent, market: str) -> AccountEvent | None:
    """The same in a market that somebody named; None for what is in none."""
    for field in ("market", "token"):
        if getattr(event, field, ""):
            return replace(event, **{field: market})  # type: ignore[arg-type]  # a field of text, by its name
    return None
