"""The operator's caps, as arithmetic on whole numbers. Pure."""

from collections import Counter

from bot.signer.intent import Intent, IntentSide, IntentStyle, OrderIntent, SigningVenue
from bot.signer.rules import Market, Rules
from bot.signer.state import Cost, Day, Used

BASE_UNITS = 10**9
MICRO = 10**6
SIGNATURE_LAMPORTS = 5_000


def cost_of(intent: Intent, rules: Rules) -> Cost:
    """What an intent takes from the day. Reduce-only orders too: the signer cannot see the position they reduce."""
    orders = _orders(intent)
    sizes = Counter[int]()
    for one in orders:
        sizes[one.market_index] += one.size_raw_1e9
    return Cost(
        usd_raw_1e6=sum(_usd_raw_1e6(one, rules.markets.get(one.market_index)) for one in orders),
        lamports=_lamports(intent),
        cancels=len(intent.cancels) + len(intent.modifies),
        markets=tuple(Used(index=index, raw_1e9=raw) for index, raw in sorted(sizes.items())),
    )


def why_not(intent: Intent, cost: Cost, rules: Rules, today: Day, *, now_s: int) -> str:
    """Which cap an intent is beyond; empty for none."""
    for one in _orders(intent):
        problem = _order(one, rules, now_s)
        if problem:
            return problem
    return _chain(intent, rules) or _day(cost, rules, today)


def _orders(intent: Intent) -> tuple[OrderIntent, ...]:
    return (*intent.orders, *(one.order for one in intent.modifies))


def _usd_raw_1e6(one: OrderIntent, market: Market | None) -> int:
    price = max(one.limit_raw_1e6, one.trigger_raw_1e6, 0 if market is None else market.price_from_raw_1e6)
    return -(-one.size_raw_1e9 * price // BASE_UNITS)


def _lamports(intent: Intent) -> int:
    if intent.chain is None:
        return 0
    return SIGNATURE_LAMPORTS - (-intent.chain.unit_limit * intent.chain.unit_price_micro // MICRO)


def _order(one: OrderIntent, rules: Rules, now_s: int) -> str:
    market = rules.markets.get(one.market_index)
    if market is None:
        return f"market {one.market_index} is not in the signer's file"
    if rules.reduce_only and not one.reduce_only:
        return "the signer's file allows orders that reduce, and no others"
    if one.size_raw_1e9 > market.max_order_raw_1e9:
        return f"an order in {market.name} is larger than max_order_base"
    if _usd_raw_1e6(one, market) > rules.max_order_raw_1e6:
        return "an order is worth more than max_order_usd"
    if one.expires_at_s - now_s > rules.order_lasts_at_most_s and not (one.style.is_trigger and one.reduce_only):
        return "an order would last longer than order_lasts_at_most_s"
    return _price(one, market, rules)


def _price(one: OrderIntent, market: Market, rules: Rules) -> str:
    if one.trigger_raw_1e6 and not market.price_from_raw_1e6 <= one.trigger_raw_1e6 <= market.price_to_raw_1e6:
        return f"a trigger in {market.name} is outside price_from_usd to price_to_usd"
    if one.style is IntentStyle.TRIGGER_MARKET:
        # Its trigger may have been passed already, and then it is an order at whatever price.
        return "" if rules.stops_without_limit else "stops without a limit price need stops_without_limit = true"
    if one.side is IntentSide.BUY and one.limit_raw_1e6 > market.price_to_raw_1e6:
        return f"an order would buy in {market.name} above price_to_usd"
    if one.side is IntentSide.SELL and one.limit_raw_1e6 < market.price_from_raw_1e6:
        return f"an order would sell in {market.name} below price_from_usd"
    return ""


def _chain(intent: Intent, rules: Rules) -> str:
    if intent.venue is SigningVenue.PAPER or intent.chain is None:
        return ""
    if intent.chain.unit_limit > rules.max_compute_units:
        return "it could use more compute units than max_compute_units"
    if intent.chain.unit_price_micro > rules.max_unit_price_micro:
        return "it would pay more for a compute unit than max_unit_price_micro"
    return ""


def _day(cost: Cost, rules: Rules, today: Day) -> str:
    after = today.plus(cost)
    cases = (
        (after.usd_raw_1e6 > rules.daily_raw_1e6, "today's orders would be worth more than daily_usd"),
        (after.lamports > rules.daily_fee_lamports, "today's fees would be more than daily_fee_lamports"),
        (after.cancels > rules.daily_cancels, "today's cancellations would be more than daily_cancels"),
        (after.signatures > rules.daily_signatures, "today's signatures would be more than daily_signatures"),
    )
    found = next((text for beyond, text in cases if beyond), "")
    return found or next(
        (
            f"today's orders in {market.name} would be more than daily_base"
            for one in cost.markets
            if (market := rules.markets[one.index]).daily_raw_1e9 < after.used_raw_1e9(one.index)
        ),
        "",
    )
