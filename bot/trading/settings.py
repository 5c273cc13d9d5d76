"""What may be set about trading. Everything that bounds it is here, and nowhere a chat can reach."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, Field, field_validator

from bot.trading.rules import Quorum, TradingRules

_QUORUM = re.compile(r"(?:(?P<account>[^=]+)=)?(?P<count>[1-9])@(?P<above>\d{1,15}(?:\.\d{1,9})?)", re.ASCII)


class TradingSettings(BaseModel):
    """The part of the settings that is about orders."""

    trading_enabled: bool = False
    trading_reduce_only: bool = True
    trading_max_order_usd: float = Field(default=10_000.0, gt=0)
    trading_daily_usd: float = Field(default=50_000.0, gt=0)
    trading_slippage_bps: float = Field(default=50.0, ge=1, le=1_000)
    trading_valid_s: float = Field(default=120.0, ge=15, le=3_600)
    trading_approvals: str = ""
    trading_pin_above_usd: float | None = Field(default=None, ge=0)
    trading_standing_cap_usd: float = Field(default=25_000.0, ge=0)
    signer_socket: str = ""
    allow_owner_key: bool = False
    priority_fee_floor_micro: int = Field(default=1_000, ge=0, le=10_000_000)
    priority_fee_cap_micro: int = Field(default=200_000, ge=0, le=10_000_000)

    @field_validator("trading_approvals")
    @classmethod
    def _approvals(cls, value: str) -> str:
        parse_quorums(value)
        return value

    @property
    def signer_path(self) -> Path | None:
        """SIGNER_SOCKET as a path; None where nobody signs."""
        return Path(self.signer_socket.strip()) if self.signer_socket.strip() else None

    def trading_rules(self, account_of: Mapping[str, str]) -> TradingRules:
        """The rules these settings make.

        Args:
            account_of: Account ids by nickname in lower case.

        Raises: ValueError for TRADING_APPROVALS of an account that is not watched.
        """
        quorums: dict[str, Quorum] = {}
        for nickname, quorum in parse_quorums(self.trading_approvals).items():
            if nickname and nickname.lower() not in account_of:
                raise ValueError(f"TRADING_APPROVALS names {nickname}, which is not watched; see ACCOUNTS")
            quorums[account_of[nickname.lower()] if nickname else ""] = quorum
        return TradingRules(
            enabled=self.trading_enabled,
            reduce_only=self.trading_reduce_only,
            max_order_usd=self.trading_max_order_usd,
            daily_usd=self.trading_daily_usd,
            slippage_frac=self.trading_slippage_bps / 1e4,
            valid_s=self.trading_valid_s,
            quorums=quorums,
            pin_above_usd=math.inf if self.trading_pin_above_usd is None else self.trading_pin_above_usd,
            standing_cap_usd=self.trading_standing_cap_usd,
        )


def parse_quorums(text: str) -> Mapping[str, Quorum]:
    """``2@10000`` for all accounts, ``main=2@10000,fund=3@0`` for some; by nickname. Raises: ValueError.

    >>> parse_quorums("2@10000, fund=3@0")["fund"]
    Quorum(approvals=3, above_usd=0.0)
    """
    found: dict[str, Quorum] = {}
    for number, part in enumerate((part.strip() for part in text.split(",")), start=1):
        if not part:
            continue
        match = _QUORUM.fullmatch(part)
        if match is None:
            raise ValueError(
                f"entry {number} is no rule: write 2@10000 for two approvals above $10,000, or main=2@10000"
            )
        nickname = (match["account"] or "").strip()
        if nickname in found:
            raise ValueError(f"entry {number} says again what an entry before it says; write one for each account")
        found[nickname] = Quorum(approvals=int(match["count"]), above_usd=float(match["above"]))
    return found
