"""An intent as the rest of the project says it."""

from bot.signer.intent import Intent, OrderIntent
from risk.model.account import Side
from risk.model.trading import OrderBatch, OrderStyle, OrderTerms
from tests.bot.signer.asking import ACCOUNT
from tests.support.order_terms import agreed


def terms_of(order: OrderIntent) -> OrderTerms:
    return OrderTerms(
        account_id=ACCOUNT, market="", market_index=order.market_index, side=Side[order.side.name],
        style=OrderStyle(order.style.value), size_raw_1e9=order.size_raw_1e9, limit_raw_1e6=order.limit_raw_1e6,
        reduce_only=order.reduce_only, expires_at_s=order.expires_at_s, trigger_raw_1e6=order.trigger_raw_1e6,
        triggers_above=order.triggers_above,
    )  # fmt: skip


def batch_of(intent: Intent) -> OrderBatch:
    return agreed(ACCOUNT, *(terms_of(one) for one in intent.orders), cancels=intent.cancels)
