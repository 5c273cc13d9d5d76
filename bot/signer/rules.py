"""What the operator allows: the signer's own file as values. Frozen at start; nobody can change it over the socket."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.signer.intent import SigningVenue


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account orders are signed for.

    Attributes:
        address: The venue's; on paper its name.
        authority: Owner, in base58; empty on paper.
    """

    address: str
    authority: str
    sub_account: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A market orders are signed in, and between which prices."""

    index: int
    name: str
    max_order_raw_1e9: int
    daily_raw_1e9: int
    price_from_raw_1e6: int
    price_to_raw_1e6: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that is allowed. What counts by day counts from midnight UTC.

    Attributes:
        markets: By index.
        reduce_only: Whether only orders that can shrink a position are signed.
        stops_without_limit: Whether a trigger may set off an order without a limit. One whose trigger has been passed
            already is filled at once, at whatever price.
        allow_owner_key: Whether the key may be the account's owner, who can withdraw.
        order_lasts_at_most_s: From now to the last second of an order without a trigger.
        resign_after_s: After a signature, before another one for the same leg of the same proposal.
        lock_after_refusals: Within REFUSALS_WITHIN_S.
    """

    venue: SigningVenue
    accounts: tuple[Account, ...]
    markets: Mapping[int, Market]
    reduce_only: bool
    stops_without_limit: bool
    allow_owner_key: bool
    max_order_raw_1e6: int
    daily_raw_1e6: int
    daily_cancels: int
    daily_signatures: int
    max_compute_units: int
    max_unit_price_micro: int
    daily_fee_lamports: int
    order_lasts_at_most_s: int
    resign_after_s: int
    lock_after_refusals: int

    def account(self, address: str) -> Account | None:
        return next((one for one in self.accounts if one.address == address), None)


REFUSALS_WITHIN_S = 600
EPOCHS_A_DAY = 1_000
EPOCH_AHEAD_S = 300  # a process's epoch is its start in unix seconds, or one more than the last
LEAST_RESIGN_S = 90  # on the chain: about as long as a blockhash lives
LEGS_KEPT_S = 3 * 86_400  # a blockhash lives for minutes
