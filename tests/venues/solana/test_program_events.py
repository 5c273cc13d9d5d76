"""Records of the program as events of an account: each act once, with its price, fee and reason."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.model.account import MarketKind, OrderKind, Side
from risk.model.events import (
    AccountEvent,
    BankruptcyEvent,
    EndReason,
    EventKind,
    FlowEvent,
    FundingPaidEvent,
    GapEvent,
    GapReason,
    LiquidationEvent,
    LiquidationForm,
    LiquidityEvent,
    OrderEvent,
    SettlementEvent,
    SwapEvent,
)
from tests.support import addresses
from tests.support import drift_events as written
from tests.venues.solana.reading import DRIFT, NOON
from venues.solana.market_names import MarketNames, TokenFacts
from venues.solana.order_records import Whose
from venues.solana.program_events import events_of
from venues.solana.program_records import Transaction, read_records

K = EventKind
ANN, BOB = addresses.address("ann"), addresses.address("bob")
NAMES = MarketNames(
    perps={0: "SOL-PERP", 1: "BTC-PERP"},
    spots={0: TokenFacts(name="USDC", decimals=6), 1: TokenFacts(name="SOL", decimals=9)},
)  # fmt: skip
BLOCK_TIME = datetime(2025, 11, 22, 9, 0, tzinfo=UTC)
TS = datetime.fromtimestamp(1_763_800_000, UTC)


def told(*parts: bytes | str, account: str = ANN, logs: list[str] | None = None) -> tuple[AccountEvent, ...]:
    lines = written.log_of(*parts) if logs is None else logs
    transaction = Transaction(signature="sig", slot=77, at=BLOCK_TIME, logs=lines)
    key = addresses.key_bytes(account)
    reading = read_records(DRIFT, key, transaction)
    return events_of(key, transaction, reading, NAMES, Whose(account_id=account, slot=77, observed_at=NOON))


def kinds(*parts: bytes | str, account: str = ANN) -> list[EventKind]:
    return [event.kind for event in told(*parts, account=account)]


def test_a_fill_has_its_price_fee_and_rest_for_either_side() -> None:
    raw = written.fill(
        ANN, BOB, base_1e9=2_500_000_000, quote_1e6=378_000_000, taker_order=(11, 5 * 10**9, 3 * 10**9),
        maker_order=(22, 2_500_000_000, 2_500_000_000), taker_fee_1e6=378_000, maker_fee_1e6=-75_600,
    )  # fmt: skip
    (taken,) = told(raw)
    assert isinstance(taken, OrderEvent)
    assert (taken.kind, taken.order_id, taken.side) == (K.ORDER_PARTIALLY_FILLED, 11, Side.BUY)
    assert (taken.market, taken.market_kind) == ("SOL-PERP", MarketKind.PERP)
    assert (taken.size_base, taken.rest_base, taken.signed_base) == (2.5, 2.0, 2.5)
    assert taken.fill_price_usd == pytest.approx(151.2)
    assert (taken.fee_usd, taken.maker) == (0.378, False)
    (made,) = told(raw, account=BOB)
    assert isinstance(made, OrderEvent)
    assert (made.kind, made.order_id, made.side, made.rest_base) == (K.ORDER_FILLED, 22, Side.SELL, 0.0)
    assert (made.fee_usd, made.maker, made.signed_base) == (-0.0756, True, -2.5)


def test_every_event_says_where_and_when_it_happened() -> None:
    first, second = told(written.flow(ANN, 5), written.fill(ANN, BOB))
    assert (first.account_id, first.slot, first.observed_at, first.happened_at) == (ANN, 77, NOON, TS)
    assert first.source == "sig/2"
    assert second.source == "sig/3"
    assert first.recorded
    (dateless,) = told(written.fill(ANN, BOB, ts=-(2**63)))
    assert dateless.happened_at == BLOCK_TIME  # a time no calendar has is not believed


def test_a_spot_fill_is_in_tokens() -> None:
    (event,) = told(
        written.fill(ANN, BOB, market_index=1, market_type=written.SPOT, base_1e9=4 * 10**9, quote_1e6=600 * 10**6)
    )
    assert isinstance(event, OrderEvent)
    assert (event.market, event.market_kind, event.size_base, event.fill_price_usd) == (
        "SOL",
        MarketKind.SPOT,
        4.0,
        150.0,
    )


def test_an_order_that_is_placed_is_told_once_with_its_terms() -> None:
    place = written.action("Place", ANN, order=(5, 3 * 10**9, 0), buys=False)
    (event,) = told(
        written.log_line(place),
        written.log_line(written.placed(ANN, 5, 3 * 10**9, buys=False, price_1e6=178_000_000, reduce_only=1)),
    )
    assert isinstance(event, OrderEvent)
    assert (event.kind, event.order_id, event.side, event.order_kind) == (K.ORDER_PLACED, 5, Side.SELL, OrderKind.LIMIT)
    assert (event.size_base, event.rest_base, event.price_usd, event.reduce_only) == (3.0, 3.0, 178.0, True)
    (bare,) = told(place)  # its OrderRecord got lost
    assert isinstance(bare, OrderEvent)
    assert (bare.kind, bare.order_id, bare.size_base, bare.order_kind) == (K.ORDER_PLACED, 5, 3.0, None)


def test_a_trigger_price_counts_for_trigger_orders_only() -> None:
    terms: dict[str, Any] = {"price_1e6": 90_000_000, "trigger_price": 95_000_000}
    (limit,) = told(written.placed(ANN, 5, 10**9, **terms))
    (stop,) = told(written.placed(ANN, 5, 10**9, order_type=3, **terms))
    assert isinstance(limit, OrderEvent)
    assert isinstance(stop, OrderEvent)
    assert (limit.order_kind, limit.price_usd, limit.trigger_price_usd) == (OrderKind.LIMIT, 90.0, None)
    assert (stop.order_kind, stop.price_usd, stop.trigger_price_usd) == (OrderKind.TRIGGER_LIMIT, 90.0, 95.0)


@pytest.mark.parametrize(
    ("action", "explanation", "kind", "reason"),
    [
        ("Cancel", "None", K.ORDER_CANCELLED, EndReason.CANCELLED),
        ("Cancel", "OrderExpired", K.ORDER_EXPIRED, EndReason.EXPIRED),
        ("Expire", "None", K.ORDER_EXPIRED, EndReason.EXPIRED),
        ("Cancel", "InsufficientFreeCollateral", K.ORDER_REJECTED, EndReason.NO_COLLATERAL),
        ("Cancel", "OraclePriceBreachedLimitPrice", K.ORDER_REJECTED, EndReason.PRICE_BAND),
        ("Cancel", "ReduceOnlyOrderIncreasedPosition", K.ORDER_REJECTED, EndReason.REDUCES_NOTHING),
        ("Cancel", "RiskingIncreasingOrder", K.ORDER_REJECTED, EndReason.ADDS_RISK),
        ("Cancel", "MarketExpired", K.ORDER_REJECTED, EndReason.MARKET_CLOSED),
        ("Cancel", "NoBorrowLiquidity", K.ORDER_REJECTED, EndReason.NOTHING_TO_BORROW),
        ("Cancel", "Liquidation", K.ORDER_CANCELLED, EndReason.LIQUIDATION),
        ("Cancel", "MarketOrderFilledToLimitPrice", K.ORDER_CANCELLED, EndReason.OTHER),
        ("Trigger", "None", K.ORDER_TRIGGERED, EndReason.UNKNOWN),
    ],
)
def test_an_end_says_why(action: str, explanation: str, kind: EventKind, reason: EndReason) -> None:
    (event,) = told(
        written.action(action, ANN, order=(5, 3 * 10**9, 10**9), explanation=explanation, filler_reward=10_000)
    )
    assert isinstance(event, OrderEvent)
    assert (event.kind, event.reason, event.order_id, event.size_base) == (kind, reason, 5, 2.0)
    assert event.fee_usd == 0.01  # what the keeper was paid for it
    assert event.maker is None


def test_an_explanation_newer_than_this_program_is_an_end_all_the_same() -> None:
    raw = bytearray(written.action("Cancel", ANN, order=(5, 10**9, 0)))
    raw[17] = 99
    (event,) = told(bytes(raw))
    assert isinstance(event, OrderEvent)
    assert (event.kind, event.reason) == (K.ORDER_CANCELLED, EndReason.OTHER)
    raw[16] = 99  # an action nobody knows
    (gap,) = told(bytes(raw))
    assert isinstance(gap, GapEvent)
    assert gap.reason is GapReason.UNREADABLE


@pytest.mark.parametrize(
    ("withdraw", "explanation", "kind", "borrowed"),
    [
        (False, written.NO_EXPLANATION, K.DEPOSIT, False),
        (True, written.NO_EXPLANATION, K.WITHDRAWAL, False),
        (False, written.TRANSFER, K.TRANSFER_IN, False),
        (True, written.TRANSFER, K.TRANSFER_OUT, False),
        (True, written.BORROW, K.WITHDRAWAL, True),
        (False, written.REPAY_BORROW, K.DEPOSIT, True),
        (False, written.REWARD, K.DEPOSIT, False),
    ],
)
def test_money_is_told_in_tokens_and_as_the_program_values_it(
    withdraw: bool, explanation: int, kind: EventKind, borrowed: bool
) -> None:
    (event,) = told(
        written.flow(
            ANN, 1_500_000_001, withdraw=withdraw, market_index=1, price_1e6=150_333_333, explanation=explanation
        )
    )
    assert isinstance(event, FlowEvent)
    assert (event.kind, event.token, event.borrowed) == (kind, "SOL", borrowed)
    assert (event.amount_tokens, event.amount_usd) == (1.500000001, 225.499999)


def test_funding_settlement_liquidity_and_swaps_have_their_signs() -> None:
    funding, settled, shares, swap = told(
        written.event_bytes("FundingPaymentRecord", user=ANN, market_index=0, funding_payment=-1_234_567,
                            base_asset_amount=2 * 10**9),
        written.event_bytes("SettlePnlRecord", user=ANN, market_index=1, pnl=-5_000_000, settle_price=99_000_000_000),
        written.event_bytes("LPRecord", user=ANN, market_index=0, action=2, delta_base_asset_amount=-(10**8), pnl=7),
        written.event_bytes("SwapRecord", user=ANN, in_market_index=0, amount_in=150_000_000, out_market_index=1,
                            amount_out=10**9),
    )  # fmt: skip
    assert isinstance(funding, FundingPaidEvent)
    assert (funding.market, funding.size_base, funding.amount_usd) == ("SOL-PERP", 2.0, -1.234567)
    assert isinstance(settled, SettlementEvent)
    assert (settled.market, settled.amount_usd, settled.price_usd, settled.expired) == (
        "BTC-PERP",
        -5.0,
        99_000.0,
        False,
    )
    assert isinstance(shares, LiquidityEvent)
    assert (shares.position_base, shares.pnl_usd) == (-0.1, 7e-6)
    assert isinstance(swap, SwapEvent)
    assert (swap.sold, swap.sold_tokens, swap.bought, swap.bought_tokens) == ("USDC", 150.0, "SOL", 1.0)


def test_accounts_that_come_and_go() -> None:
    assert kinds(written.event_bytes("NewUserRecord", user=ANN)) == [K.SUB_ACCOUNT_CREATED]
    assert kinds(written.event_bytes("DeleteUserRecord", user=ANN)) == [K.ACCOUNT_CLOSED]


# Liquidations.


def seizure(base_1e9: int = -2 * 10**9, quote_1e6: int = 290 * 10**6, order_id: int = 40, **more: Any) -> bytes:
    return written.liquidation(
        "LiquidatePerp", ANN, BOB, liquidate_perp__base_asset_amount=base_1e9,
        liquidate_perp__quote_asset_amount=quote_1e6, liquidate_perp__user_order_id=order_id,
        liquidate_perp__liquidator_fee=1_450_000, liquidate_perp__if_fee=300_000, **more,
    )  # fmt: skip


def closing(order_id: int = 40, base_1e9: int = 2 * 10**9) -> bytes:
    return written.fill(
        ANN, BOB, base_1e9=base_1e9, quote_1e6=290 * 10**6, taker_buys=False, explanation="Liquidation",
        taker_order=(order_id, base_1e9, base_1e9), taker_fee_1e6=1_750_000,
    )  # fmt: skip


def test_what_a_liquidation_takes_is_told_once_with_its_price_and_fee() -> None:
    cancel = written.action("Cancel", ANN, order=(7, 10**9, 0), explanation="Liquidation")
    ended, taken = told(cancel, written.placed(ANN, 40, 2 * 10**9, buys=False), closing(), seizure(cancelled=[7]))
    assert isinstance(ended, OrderEvent)
    assert ended.reason is EndReason.LIQUIDATION
    assert isinstance(taken, LiquidationEvent)
    assert (taken.kind, taken.market, taken.taken_base) == (K.LIQUIDATION_TAKEN, "SOL-PERP", 2.0)
    assert (taken.price_usd, taken.fee_usd, taken.remaining_base, taken.orders_cancelled) == (145.0, 1.75, None, 1)
    assert taken.side is Side.SELL

    *_, of_a_short = told(seizure(base_1e9=2 * 10**9, quote_1e6=-290 * 10**6))
    assert isinstance(of_a_short, LiquidationEvent)
    assert of_a_short.side is Side.BUY


def test_the_liquidator_made_a_trade() -> None:
    (event,) = told(closing(), seizure(), account=BOB)
    assert isinstance(event, OrderEvent)
    assert (event.kind, event.maker, event.signed_base) == (K.ORDER_FILLED, True, 2.0)


def test_a_liquidation_whose_record_is_lost_is_told_by_its_closing_trade() -> None:
    lines = written.log_of(closing())
    taken, gap = told(logs=[*lines[:3], "Log truncated"])
    assert isinstance(taken, LiquidationEvent)
    assert (taken.market, taken.taken_base, taken.price_usd, taken.fee_usd) == ("SOL-PERP", 2.0, 145.0, 1.75)
    assert taken.side is Side.SELL
    assert isinstance(gap, GapEvent)
    assert gap.reason is GapReason.LOG_TRUNCATED


def test_a_closing_trade_of_another_market_is_not_hidden_by_a_record() -> None:
    other = written.fill(ANN, BOB, market_index=1, explanation="Liquidation", taker_order=(41, 10**9, 10**9))
    assert kinds(other, seizure()) == [K.LIQUIDATION_TAKEN, K.LIQUIDATION_TAKEN]


def test_tokens_and_profits_that_a_liquidation_takes() -> None:
    tokens, profit, loss = told(
        written.liquidation(
            "LiquidateSpot", ANN, BOB, liquidate_spot__asset_market_index=1, liquidate_spot__asset_price=150_000_000,
            liquidate_spot__asset_transfer=2 * 10**9, liquidate_spot__liability_market_index=0,
            liquidate_spot__liability_price=10**6, liquidate_spot__liability_transfer=285_000_000,
            liquidate_spot__if_fee=2_850_000,
        ),
        written.liquidation(
            "LiquidateBorrowForPerpPnl", ANN, BOB, liquidate_borrow_for_perp_pnl__pnl_transfer=90_000_000,
            liquidate_borrow_for_perp_pnl__liability_market_index=1,
            liquidate_borrow_for_perp_pnl__liability_transfer=6 * 10**8,
        ),
        written.liquidation(
            "LiquidatePerpPnlForDeposit", ANN, BOB, liquidate_perp_pnl_for_deposit__pnl_transfer=10_000_000,
            liquidate_perp_pnl_for_deposit__asset_market_index=1,
            liquidate_perp_pnl_for_deposit__asset_price=150_000_000,
            liquidate_perp_pnl_for_deposit__asset_transfer=7 * 10**7,
        ),
    )  # fmt: skip
    assert isinstance(tokens, LiquidationEvent)
    assert (tokens.form, tokens.market, tokens.market_kind) == (
        LiquidationForm.TOKENS_FOR_BORROW,
        "SOL",
        MarketKind.SPOT,
    )
    assert (tokens.taken_base, tokens.price_usd, tokens.repaid, tokens.repaid_tokens) == (2.0, 150.0, "USDC", 285.0)
    assert tokens.fee_usd == pytest.approx(2.85)
    assert isinstance(profit, LiquidationEvent)
    assert (profit.form, profit.market, profit.taken_base) == (LiquidationForm.PNL_FOR_BORROW, "SOL-PERP", 90.0)
    assert (profit.repaid, profit.repaid_tokens) == ("SOL", 0.6)
    assert isinstance(loss, LiquidationEvent)
    assert (loss.form, loss.market, loss.taken_base) == (LiquidationForm.TOKENS_FOR_LOSS, "SOL", 0.07)
    assert (loss.repaid, loss.repaid_tokens) == ("SOL-PERP", 10.0)


def test_bankruptcy_is_told_with_what_it_took_and_its_end_with_what_it_cost() -> None:
    taken, bankrupt = told(seizure(bankrupt=1))
    assert [taken.kind, bankrupt.kind] == [K.LIQUIDATION_TAKEN, K.BANKRUPT]
    assert taken.source != bankrupt.source
    perp, spot = told(
        written.liquidation("PerpBankruptcy", ANN, BOB, bankrupt=1, perp_bankruptcy__pnl=-12_000_000),
        written.liquidation("SpotBankruptcy", ANN, BOB, bankrupt=1, spot_bankruptcy__market_index=1,
                            spot_bankruptcy__borrow_amount=3 * 10**9),
    )  # fmt: skip
    assert isinstance(perp, BankruptcyEvent)
    assert (perp.kind, perp.market, perp.loss) == (K.BANKRUPTCY_RESOLVED, "SOL-PERP", 12.0)
    assert isinstance(spot, BankruptcyEvent)
    assert (spot.market, spot.loss) == ("SOL", 3.0)


def test_a_token_nobody_knows_is_a_gap_and_a_market_nobody_knows_its_number() -> None:
    (gap,) = told(written.flow(ANN, 5, market_index=9))
    assert isinstance(gap, GapEvent)
    (fill,) = told(written.fill(ANN, BOB, market_index=9))
    assert isinstance(fill, OrderEvent)
    assert fill.market == "perp market 9"


RAW = st.one_of(
    st.sampled_from([
        written.fill(ANN, BOB), written.placed(ANN, 1, 10), written.flow(ANN, 5, withdraw=True), seizure(), closing(),
        written.action("Cancel", ANN, order=(1, 2, 0)), written.event_bytes("SwapRecord", user=ANN),
        written.event_bytes("SettlePnlRecord", user=ANN), written.event_bytes("LPRecord", user=ANN),
    ]),
    st.sampled_from(sorted(written.TABLES)).map(written.discriminator),
)  # fmt: skip


@given(st.lists(st.tuples(RAW, st.binary(max_size=120), st.integers(8, 700), st.integers(0, 255)), max_size=5))
def test_hostile_records_become_events_or_gaps_and_never_an_exception(
    parts: list[tuple[bytes, bytes, int, int]],
) -> None:
    raws = []
    for raw, tail, at, bits in parts:
        changed = bytearray(raw + tail)
        if at < len(changed):
            changed[at] ^= bits
        raws.append(bytes(changed))
    found = told(*raws)
    assert len({event.source for event in found}) == len(found)
    assert all(event.account_id == ANN and event.slot == 77 for event in found)
