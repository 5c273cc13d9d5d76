"""driftpy, and nothing of it but its instruction builders and its IDL: no client, no subscription, no sender, no cache.

The one file that imports it. That takes seconds, so import this file off the event loop, and only for trading.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import driftpy
from anchorpy.program.context import Context
from anchorpy.program.core import Program
from anchorpy.provider import Provider, Wallet
from anchorpy_core.idl import Idl
from driftpy.addresses import get_state_public_key
from driftpy.constants.config import DRIFT_PROGRAM_ID
from driftpy.drift_client import DriftClient
from driftpy.types import (
    MarketType,
    OrderTriggerCondition,
    OrderType,
    PositionDirection,
    PostOnlyParams,
)
from driftpy.types import (
    OrderParams as SdkParams,
)
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from venues.solana.orders import Call, CallAccounts, CancelOrders, OrderParams, PlaceOrders

_IDL = Path(str(driftpy.__file__)).parent / "idl" / "drift.json"


class _Wallet:
    """A wallet that can only be named."""

    def __init__(self, public_key: Pubkey) -> None:
        self.public_key = public_key


class _Nobody:
    """A provider that provides nothing."""

    connection = wallet = opts = None


class _Builder(DriftClient):
    """A client that was never connected: its builders ask it for accounts, and it answers with those it was given."""

    def __init__(self, program: Program, accounts: CallAccounts, remaining: Sequence[AccountMeta]) -> None:
        # Not the base's: that one makes subscriptions and a sender.
        self.program, self.program_id = program, program.program_id
        self.authority, self.wallet = accounts.authority, cast(Wallet, _Wallet(accounts.signer))
        self.active_sub_account_id = accounts.sub_account
        self._remaining = list(remaining)

    def get_user_account(self, sub_account_id: int | None = None) -> None:
        """Only wanted for the accounts below."""

    def get_remaining_accounts(self, *_: Any, **__: Any) -> list[AccountMeta]:
        return self._remaining

    def get_cancel_orders_by_ids_ix(self, order_ids: Sequence[int]) -> Instruction:
        """The one builder that is missing."""
        return self.program.instruction["cancel_orders_by_ids"](
            list(order_ids),
            ctx=Context(
                accounts={
                    "state": get_state_public_key(self.program_id),
                    "user": self.get_user_account_public_key(),
                    "authority": self.wallet.public_key,
                },
                remaining_accounts=self._remaining,
            ),
        )


class DriftInstructions:
    """Builds calls of the Drift program."""

    def __init__(self) -> None:
        text = _IDL.read_text()
        # A program wants a provider, and asks it for nothing while instructions are built. Without one it would make
        # its own, and read the wallet of whoever runs this.
        nobody = cast(Provider, _Nobody())
        self._program = Program(Idl.from_json(text), DRIFT_PROGRAM_ID, nobody)
        self.errors: Mapping[int, tuple[str, str]] = MappingProxyType(
            {int(error["code"]): (error["name"], error.get("msg") or "") for error in json.loads(text)["errors"]}
        )

    @property
    def program_id(self) -> str:
        return str(DRIFT_PROGRAM_ID)

    def build(self, call: Call, accounts: CallAccounts, remaining: Sequence[AccountMeta]) -> Instruction:
        """One call.

        Args:
            remaining: What follows the call's own accounts; see orders.remaining_accounts.
        """
        builder = _Builder(self._program, accounts, remaining)
        if isinstance(call, CancelOrders):
            return builder.get_cancel_orders_by_ids_ix(call.order_ids)
        built: Instruction
        if isinstance(call, PlaceOrders):
            built = builder.get_place_orders_ix([_sdk_params(order) for order in call.orders])
        else:
            built = builder.get_place_and_take_perp_order_ix(_sdk_params(call.order))
        return built


def _sdk_params(order: OrderParams) -> SdkParams:
    return SdkParams(
        order_type=getattr(OrderType, order.order_type)(),
        base_asset_amount=order.base_asset_amount,
        market_index=order.market_index,
        direction=getattr(PositionDirection, order.direction)(),
        market_type=MarketType.Perp(),
        user_order_id=0,
        price=order.price,
        reduce_only=order.reduce_only,
        post_only=getattr(PostOnlyParams, "NONE" if order.post_only == "None" else order.post_only)(),
        bit_flags=order.bit_flags,
        max_ts=order.max_ts,
        trigger_price=order.trigger_price,
        trigger_condition=getattr(OrderTriggerCondition, order.trigger_condition)(),
    )
