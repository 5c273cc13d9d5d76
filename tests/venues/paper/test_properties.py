"""What holds for any account, any orders and any price path."""

from hypothesis import given, settings
from hypothesis import strategies as st

from risk.model.account import Side
from risk.model.trading import OrderStyle, OrderTerms
from tests.venues.paper.builders import account, make_exchange, margin_of, open_funded
from venues.errors import VenueError
from venues.paper import AssetDynamics, JumpDiffusion, PaperExchange
from venues.paper.ledger import Fill, FillReason, PaperAccount
from venues.paper.markets import BTC_ORACLE, DEFAULT_UNIVERSE, ETH_ORACLE, SOL_ORACLE, USDC_ORACLE
from venues.paper.orders import land
from venues.paper.post import Arrival, Delivery
from venues.paper.units import QUOTE_PER_BASE_PRICE, trunc_div

THRIFTY = settings(max_examples=settings().max_examples // 2)  # an example is hours of trading
MARKETS = ("SOL-PERP", "BTC-PERP", "ETH-PERP")
HOUR_S = 3_600

# A step: verb, market, side, size as a share of what 10,000 USD would buy, offset of a limit, seconds to wait.
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ("market", "market", "limit", "reduce", "reduce limit", "cancel", "settle", "deposit", "withdraw")
        ),
        st.sampled_from(MARKETS),
        st.sampled_from(Side),
        st.floats(0.05, 4.0),
        st.floats(0.0002, 0.02),
        st.sampled_from((0, 1, 7, 60, 900, HOUR_S)),
    ),
    min_size=1,
    max_size=12,
)


def wild_exchange(seed: int, *, liquidates: bool = True) -> PaperExchange:
    """Prices that move a year's worth in hours, so that orders fill and accounts are liquidated."""
    wild = {"volatility_annual_frac": 12.0, "jump_sd_frac": 0.03}
    assets = {
        USDC_ORACLE: AssetDynamics(start_usd=1.0, volatility_annual_frac=0.0),
        SOL_ORACLE: AssetDynamics(start_usd=100.0, **wild),
        BTC_ORACLE: AssetDynamics(start_usd=100_000.0, **wild),
        ETH_ORACLE: AssetDynamics(start_usd=4_000.0, **wild),
    }
    return PaperExchange(JumpDiffusion(assets, seed=seed, jumps_per_day=50.0), liquidates=liquidates)


def price_usd(exchange: PaperExchange, market: str) -> float:
    return exchange.world.price_1e6(DEFAULT_UNIVERSE.oracle_of(market)) / 1e6


def act(exchange: PaperExchange, ann: str, step: tuple[str, str, Side, float, float, int]) -> None:
    """One verb; a refusal is an answer too."""
    verb, market, side, share, offset, _ = step
    price = price_usd(exchange, market)
    size = share * 10_000 / price
    limit = price * (1 - offset) if side is Side.BUY else price * (1 + offset)
    orders = account(exchange, ann).orders
    try:
        match verb:
            case "market" | "reduce":
                exchange.market_order(ann, market, side, size, reduce_only=verb == "reduce")
            case "limit" | "reduce limit":
                exchange.limit_order(ann, market, side, size, limit, reduce_only=verb == "reduce limit")
            case "cancel" if orders:
                exchange.cancel(ann, min(orders))
            case "settle":
                exchange.settle_pnl(ann, market)
            case "deposit":
                exchange.deposit(ann, "USDC", share * 1_000)
            case "withdraw":
                exchange.withdraw(ann, "USDC", share * 2_000)
    except VenueError:
        pass


def play(exchange: PaperExchange, ann: str, script: list[tuple[str, str, Side, float, float, int]]) -> None:
    for step in script:
        act(exchange, ann, step)
        exchange.advance(exchange.now_s + step[-1])


def positions_1e9(fills: list[Fill], market_index: int, before_s: int) -> int:
    return sum(fill.base_1e9 for fill in fills if fill.market_index == market_index and fill.at_s < before_s)


def state_of(exchange: PaperExchange) -> tuple[list[PaperAccount], list[Fill], int]:
    return list(exchange.world.accounts.values()), list(exchange.fills), exchange.world.next_order_id


@THRIFTY
@given(seed=st.integers(0, 10_000), script=steps)
def test_equity_is_deposits_plus_price_gains_minus_fees_minus_funding(
    seed: int, script: list[tuple[str, str, Side, float, float, int]]
) -> None:
    """The exchange's slots against books kept from its fills alone; funding from the published rates by the hour."""
    exchange = wild_exchange(seed)
    ann = open_funded(exchange)
    exchange.set_funding("SOL-PERP", 0.0003)
    rates: dict[tuple[int, int], int] = {}  # (hour's second, market) -> rate
    for step in script:
        act(exchange, ann, step)
        end_s = exchange.now_s + step[-1]
        while exchange.now_s < end_s:
            exchange.advance(min(end_s, (exchange.now_s // HOUR_S + 1) * HOUR_S))
            if exchange.now_s % HOUR_S == 0:
                rates |= {(exchange.now_s, i): f.last_rate_1e9 for i, f in exchange.world.funding.items()}
    fills, state = list(exchange.fills), account(exchange, ann)
    quote = sum(fill.quote_1e6 - fill.fee_1e6 for fill in fills)
    held = sum(
        trunc_div(
            positions_1e9(fills, index, exchange.now_s + 1) * exchange.world.price_1e6(listing.terms.oracle_id),
            QUOTE_PER_BASE_PRICE,
        )
        for index, listing in DEFAULT_UNIVERSE.perp_at.items()
    )
    funding = -sum(rate * positions_1e9(fills, index, at_s) / 1e12 for (at_s, index), rate in rates.items())
    expected_usd = (state.net_deposits_1e6 + quote + held + funding) / 1e6
    equity_usd = float(margin_of(exchange, ann).full.equity_usd[0])
    # One unit may be lost to truncation at each hour and booking.
    assert abs(equity_usd - expected_usd) <= 1e-6 * (len(rates) + 3 * len(fills) + 10)


@THRIFTY
@given(seed=st.integers(0, 10_000), script=steps)
def test_every_unit_of_quote_is_accounted_for(
    seed: int, script: list[tuple[str, str, Side, float, float, int]]
) -> None:
    """Exactly, in integers: what is in the account came by deposit, trade or funding, and left by withdrawal or fee."""
    exchange = wild_exchange(seed)
    ann = open_funded(exchange)
    play(exchange, ann, script)
    state = account(exchange, ann)
    inside = state.tokens_raw.get(0, 0) + sum(slot.quote_1e6 for slot in state.perps.values())
    came = state.net_deposits_1e6 + sum(fill.quote_1e6 - fill.fee_1e6 for fill in exchange.fills) + state.funding_1e6
    assert inside == came
    assert state.fees_1e6 == sum(fill.fee_1e6 for fill in exchange.fills)


@THRIFTY
@given(seed=st.integers(0, 10_000), script=steps)
def test_reduce_only_never_enlarges_a_position_nor_turns_it_around(
    seed: int, script: list[tuple[str, str, Side, float, float, int]]
) -> None:
    exchange = wild_exchange(seed, liquidates=False)
    ann = open_funded(exchange)
    reduce_only: set[int] = set()
    for step in script:
        next_id = exchange.world.next_order_id
        act(exchange, ann, step)
        if step[0].startswith("reduce") and exchange.world.next_order_id > next_id:
            reduce_only.add(next_id)
        exchange.advance(exchange.now_s + step[-1])
    held = dict.fromkeys(DEFAULT_UNIVERSE.perp_at, 0)
    for fill in exchange.fills:
        before = held[fill.market_index]
        after = held[fill.market_index] = before + fill.base_1e9
        if fill.order_id in reduce_only:
            assert abs(after) < abs(before)
            assert after * before >= 0


@THRIFTY
@given(seed=st.integers(0, 10_000), script=steps)
def test_a_resting_order_fills_at_its_limit_and_a_market_order_no_better_than_the_oracle(
    seed: int, script: list[tuple[str, str, Side, float, float, int]]
) -> None:
    exchange = wild_exchange(seed)
    ann = open_funded(exchange)
    limits: dict[int, int] = {}
    for step in script:
        act(exchange, ann, step)
        limits |= {order.order_id: order.price_1e6 for order in account(exchange, ann).orders.values()}
        exchange.advance(exchange.now_s + step[-1])
    for fill in exchange.fills:
        oracle_id = DEFAULT_UNIVERSE.perp_at[fill.market_index].terms.oracle_id
        oracle = exchange.world.board.price_1e6(oracle_id, fill.at_s)
        worse_1e6 = (fill.price_1e6 - oracle) * (1 if fill.base_1e9 > 0 else -1)
        if fill.reason is FillReason.MAKER and fill.order_id is not None:
            assert fill.price_1e6 == limits[fill.order_id]
            assert worse_1e6 >= 0
        elif fill.reason is FillReason.TAKER:
            assert worse_1e6 > 0


@THRIFTY
@given(
    seed=st.integers(0, 10_000), script=steps, amount=st.floats(0.01, 20_000), token=st.sampled_from(("USDC", "SOL"))
)
def test_a_withdrawal_or_a_new_risk_never_leaves_initial_margin_broken(
    seed: int, script: list[tuple[str, str, Side, float, float, int]], amount: float, token: str
) -> None:
    exchange = wild_exchange(seed)
    ann = open_funded(exchange)
    play(exchange, ann, script)
    before = account(exchange, ann)
    try:
        exchange.withdraw(ann, token, amount)
    except VenueError:
        assert account(exchange, ann) == before
        return
    initial = margin_of(exchange, ann, strict=True).full.initial
    assert initial.collateral_usd[0] >= initial.requirement_usd[0]


@THRIFTY
@given(seed=st.integers(0, 10_000), script=steps, cuts=st.lists(st.integers(1, 4_000), min_size=1, max_size=8))
def test_the_world_does_not_depend_on_how_often_it_is_looked_at(
    seed: int, script: list[tuple[str, str, Side, float, float, int]], cuts: list[int]
) -> None:
    at_once, often = wild_exchange(seed), wild_exchange(seed)
    for exchange in (at_once, often):
        ann = open_funded(exchange)
        play(exchange, ann, script)
    for cut in cuts:
        often.advance(often.now_s + cut)
    at_once.advance(often.now_s)
    assert state_of(at_once) == state_of(often)


# An order: style, market, side, size as a share, its price and its trigger off the market, seconds it lasts, seconds on
# its way, seconds to wait after it.
batches = st.lists(
    st.tuples(
        st.sampled_from(OrderStyle),
        st.sampled_from(MARKETS),
        st.sampled_from(Side),
        st.floats(0.05, 12.0),
        st.floats(-0.02, 0.02),
        st.floats(-0.02, 0.02),
        st.sampled_from((0, 5, 61, 150)),
        st.sampled_from((0, 0, 1, 9, 40)),
        st.sampled_from((0, 1, 7, 60)),
    ),
    min_size=1,
    max_size=8,
)


def hand_over(exchange: PaperExchange, ann: str, number: int, batch: tuple[object, ...]) -> None:
    """One order as a batch of its own, which arrives now or later."""
    style, market, side, share, offset, trigger_off, lasts_s, way_s, _ = batch
    assert isinstance(style, OrderStyle)
    assert isinstance(side, Side)
    assert isinstance(share, float)
    assert isinstance(offset, float)
    assert isinstance(trigger_off, float)
    assert isinstance(lasts_s, int)
    assert isinstance(way_s, int)
    listing = DEFAULT_UNIVERSE.perp(str(market))
    price = exchange.world.price_1e6(listing.terms.oracle_id)

    def priced(off: float) -> int:
        return int(price * (1 + off)) // listing.tick_1e6 * listing.tick_1e6

    size = int(share * 10_000e6 / price * 1e9)
    terms = OrderTerms(
        account_id=ann,
        market=listing.terms.name,
        market_index=listing.terms.market_index,
        side=side,
        style=style,
        size_raw_1e9=size - size % listing.step_1e9,
        limit_raw_1e6=0 if style is OrderStyle.TRIGGER_MARKET else priced(offset),
        reduce_only=style.is_trigger,
        expires_at_s=exchange.now_s + lasts_s if lasts_s or style.is_trigger else exchange.now_s + 5_000,
        trigger_raw_1e6=priced(trigger_off) if style.is_trigger else 0,
        triggers_above=trigger_off > 0 if style.is_trigger else None,
    )
    delivery = Delivery(signature=str(number), account_id=ann, cancels=(), terms=(terms,), last_valid_slot=10**12)
    arrival = Arrival(at_s=exchange.now_s + way_s, delivery=delivery)
    if way_s:
        exchange.world.post.arrivals.append(arrival)
    else:
        land(exchange.world, arrival)


def trade(exchange: PaperExchange, ann: str, script: list[tuple[object, ...]], *, look_s: int | None) -> None:
    """Hands over each order in its turn; looks every so often in between where ``look_s`` is given."""
    for number, batch in enumerate(script):
        hand_over(exchange, ann, number, batch)
        wait_s = batch[-1]
        assert isinstance(wait_s, int)
        go_to(exchange, exchange.now_s + wait_s, look_s=look_s)


def go_to(exchange: PaperExchange, end_s: int, *, look_s: int | None) -> None:
    while look_s is not None and exchange.now_s < end_s:
        exchange.advance(min(end_s, exchange.now_s + look_s))
    exchange.advance(end_s)


@THRIFTY
@given(
    seed=st.integers(0, 10_000),
    script=batches,
    look_s=st.sampled_from((1, 2, 13, 67)),
    delay_s=st.integers(0, 4),
    long=st.booleans(),
    liquidates=st.booleans(),
)
def test_triggers_keepers_expiries_and_arrivals_do_not_depend_on_it_either(
    seed: int, script: list[tuple[object, ...]], look_s: int, delay_s: int, long: bool, liquidates: bool
) -> None:
    worlds = []
    for every_s in (None, look_s):
        exchange = wild_exchange(seed, liquidates=liquidates)
        exchange.world.conditions.keeper_delay_s = delay_s
        ann = open_funded(exchange)
        for market in MARKETS:
            side = Side.BUY if long else Side.SELL
            exchange.market_order(ann, market, side, 30_000 / price_usd(exchange, market))
        trade(exchange, ann, script, look_s=every_s)
        go_to(exchange, exchange.now_s + 150, look_s=every_s)
        worlds.append((state_of(exchange), exchange.world.post))
    assert worlds[0] == worlds[1]


@THRIFTY
@given(seed=st.integers(0, 10_000), script=steps)
def test_liquidation_only_ever_reduces_and_always_comes_to_an_end(
    seed: int, script: list[tuple[str, str, Side, float, float, int]]
) -> None:
    exchange = wild_exchange(seed)
    ann = open_funded(exchange)
    play(exchange, ann, script)
    held = dict.fromkeys(DEFAULT_UNIVERSE.perp_at, 0)
    for fill in exchange.fills:
        before = held[fill.market_index]
        held[fill.market_index] += fill.base_1e9
        if fill.reason is FillReason.LIQUIDATION:
            assert abs(held[fill.market_index]) < abs(before)
            assert held[fill.market_index] * before >= 0
    state = account(exchange, ann)
    for _ in range(200):
        if state.bankrupt or not state.being_liquidated:
            break
        exchange.advance(exchange.now_s + 1)
        state = account(exchange, ann)
    assert state.bankrupt or not state.being_liquidated


def test_two_accounts_trading_against_the_exchange_do_not_touch_each_other() -> None:
    exchange = make_exchange()
    ann, bob = (open_funded(exchange, authority=name) for name in ("ann", "bob"))
    before = account(exchange, bob).copy()
    exchange.market_order(ann, "SOL-PERP", Side.BUY, 100.0)
    exchange.advance(100)
    assert account(exchange, bob) == before
