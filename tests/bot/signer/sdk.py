"""The message of an intent as the venue's own software writes it. Importing this takes seconds."""

from anchorpy.program.context import Context
from driftpy.addresses import get_state_public_key
from driftpy.types import (
    ModifyOrderParams,
    OrderTriggerCondition,
    PositionDirection,
    PostOnlyParams,
)
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey

from bot.signer.intent import Intent, IntentSide, IntentStyle, ModifyIntent
from tests.bot.signer.asking import SIGNER_KEY
from tests.bot.signer.terms import batch_of
from venues.solana import profiles
from venues.solana.budget import budget
from venues.solana.drift_sdk import DriftInstructions
from venues.solana.orders import CallAccounts, TakeOrder, calls_of

_DRIFT = profiles.load("drift")
_SDK = DriftInstructions()


def message_of_sdk(intent: Intent) -> bytes:
    assert intent.chain is not None
    assert _DRIFT.trading is not None
    accounts = CallAccounts(
        authority=Pubkey.from_string(intent.authority), sub_account=intent.sub_account, signer=SIGNER_KEY
    )
    keys = [Pubkey.from_string(one) for one in intent.chain.remaining]
    written = budget(intent.chain.unit_limit, intent.chain.unit_price_micro)
    for call in calls_of(_DRIFT.trading, batch_of(intent)) if intent.orders or intent.cancels else ():
        taken = _market(call.order.market_index) if isinstance(call, TakeOrder) else None
        written.append(_SDK.build(call, accounts, [AccountMeta(key, False, key == taken) for key in keys]))
    written += [_modify(intent, one, keys) for one in intent.modifies]
    return bytes(Message.new_with_blockhash(written, SIGNER_KEY, Hash.from_string(intent.chain.blockhash)))


def _market(index: int) -> Pubkey:
    return Pubkey.find_program_address(
        [b"perp_market", index.to_bytes(2, "little")], Pubkey.from_string(_SDK.program_id)
    )[0]


def _modify(intent: Intent, change: ModifyIntent, keys: list[Pubkey]) -> Instruction:
    order = change.order
    params = ModifyOrderParams(
        direction=PositionDirection.Long() if order.side is IntentSide.BUY else PositionDirection.Short(),
        base_asset_amount=order.size_raw_1e9,
        price=order.limit_raw_1e6,
        reduce_only=order.reduce_only,
        post_only=PostOnlyParams.MustPostOnly() if order.style is IntentStyle.POST_ONLY else PostOnlyParams.NONE(),
        bit_flags=0,
        max_ts=order.expires_at_s,
        trigger_price=order.trigger_raw_1e6,
        trigger_condition=OrderTriggerCondition.Below()
        if order.triggers_above is False
        else OrderTriggerCondition.Above(),
        oracle_price_offset=0,
        auction_duration=None,
        auction_start_price=None,
        auction_end_price=None,
        policy=1,  # type: ignore[arg-type]  # a number in the program, and in what writes it
    )
    found: Instruction = _SDK._program.instruction["modify_order"](
        change.order_id,
        params,
        ctx=Context(
            accounts={
                "state": get_state_public_key(Pubkey.from_string(_SDK.program_id)),
                "user": Pubkey.from_string(intent.account),
                "authority": SIGNER_KEY,
            },
            remaining_accounts=[AccountMeta(key, False, False) for key in keys],
        ),
    )
    return found
