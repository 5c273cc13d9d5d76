"""Intents drawn by hypothesis: those of the grammar, within the default caps or not."""

from hypothesis import strategies as st

from bot.signer.intent import Intent, IntentSide, IntentStyle, ModifyIntent, OrderIntent
from tests.bot.signer.asking import BTC, NOW_S, REMAINING, SOL, make_intent
from tests.support import addresses

_SIZES = st.one_of(st.integers(1, 6 * 10**9), st.integers(1, 2**63 - 1))
_PRICES = st.one_of(st.integers(90 * 10**6, 210 * 10**6), st.integers(1, 2**63 - 1))
_ENDS = st.one_of(st.integers(NOW_S, NOW_S + 700), st.integers(1, 2**63 - 1))
_WITH_BTC = (*REMAINING, addresses.perp_market_address(BTC), addresses.address("oracle of BTC"))


@st.composite
def orders(draw: st.DrawFn, *, takes: bool = True, market_index: int | None = None) -> OrderIntent:
    """Any order the grammar knows."""
    style = draw(st.sampled_from([one for one in IntentStyle if takes or one is not IntentStyle.IOC]))
    reduce_only = style is IntentStyle.TRIGGER_MARKET or draw(st.integers(0, 3)) > 0
    endless = style.is_trigger and reduce_only and draw(st.booleans())
    return OrderIntent(
        market_index=draw(st.sampled_from((SOL, SOL, BTC))) if market_index is None else market_index,
        side=draw(st.sampled_from(IntentSide)),
        style=style,
        size_raw_1e9=draw(_SIZES),
        limit_raw_1e6=0 if style is IntentStyle.TRIGGER_MARKET else draw(_PRICES),
        reduce_only=reduce_only,
        expires_at_s=0 if endless else draw(_ENDS),
        trigger_raw_1e6=draw(_PRICES) if style.is_trigger else 0,
        triggers_above=draw(st.booleans()) if style.is_trigger else None,
    )


@st.composite
def intents(draw: st.DrawFn, *, modifies: bool | None = None) -> Intent:
    """Any intent the grammar knows, with its message, and with or without changes of orders."""
    changing = draw(st.booleans()) if modifies is None else modifies
    ids = draw(st.lists(st.integers(0, 2**32 - 1), unique=True, max_size=5, min_size=1))
    changes = [ModifyIntent(order_id=one, order=draw(orders(takes=False, market_index=SOL))) for one in ids[1:3]]
    if changing and not changes:
        changes = [ModifyIntent(order_id=ids[0], order=draw(orders(takes=False, market_index=SOL)))]
        ids = []
    kept = ids[:1] + ids[3:]
    new = draw(st.lists(orders(market_index=SOL if changing else None), max_size=4))
    return make_intent(
        *new,
        cancels=kept if draw(st.booleans()) or not (new or changing) else (),
        modifies=changes if changing else (),
        remaining=REMAINING if changing else draw(st.sampled_from((REMAINING, _WITH_BTC, ()))),
        unit_limit=draw(st.one_of(st.integers(1, 1_100_000), st.integers(1, 2**32 - 1))),
        unit_price_micro=draw(st.one_of(st.integers(0, 210_000), st.integers(0, 2**64 - 1))),
        leg=draw(st.integers(0, 5)),
        revision=draw(st.integers(0, 3)),
        proposal=draw(st.sampled_from(("P1", "P2", "P3"))),
    )
