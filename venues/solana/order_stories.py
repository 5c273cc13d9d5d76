"""What the program wrote of orders, put together order by order: placed as what, filled how far, ended why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from risk.model.account import MarketKind
from risk.model.events import EndReason
from venues.solana.borsh import Unreadable
from venues.solana.order_records import ENDS, OwnAction, market_kind
from venues.solana.profiles import Profile
from venues.solana.program_records import ACTION, ORDER, Transaction, read_records

_WORDS = {
    EndReason.CANCELLED: "it was cancelled",
    EndReason.EXPIRED: "its time was over",
    EndReason.LIQUIDATION: "the account was being liquidated",
    EndReason.NO_COLLATERAL: "the account had too little free collateral for the rest",
    EndReason.PRICE_BAND: "its price was too far from the oracle's",
    EndReason.REDUCES_NOTHING: "there was nothing left it could reduce",
    EndReason.ADDS_RISK: "only orders that reduce risk were taken",
    EndReason.MARKET_CLOSED: "the market was closed",
}


@dataclass(slots=True, kw_only=True)
class Story:
    """One order, as far as the log tells.

    Attributes:
        fee_raw_1e6: > 0 paid; None as soon as one fill does not say.
        ended: Why nothing more will be filled; empty while that is open.
    """

    market_index: int
    filled_raw_1e9: int = 0
    quote_raw_1e6: int = 0
    fee_raw_1e6: int | None = 0
    ended: str = ""


@dataclass(slots=True, kw_only=True)
class Stories:
    """Of one account's perp orders.

    Attributes:
        placed: (id, market index) of orders, as they were placed.
        whole: Whether nothing is missing between the first transaction and the last.
    """

    by_id: dict[int, Story] = field(default_factory=dict)
    placed: list[tuple[int, int]] = field(default_factory=list)
    whole: bool = True

    def add(self, profile: Profile, account: bytes, transaction: Transaction) -> None:
        """Go on with the next transaction. What cannot be read makes the whole incomplete."""
        reading = read_records(profile, account, transaction)
        self.whole = self.whole and not reading.gaps
        for record in reading.records:
            try:
                if record.name == ORDER:
                    order = record.values.record("order")
                    if market_kind(order.choice("market_type")) is MarketKind.PERP:
                        self.placed.append((order.number("order_id"), order.number("market_index")))
                elif record.name == ACTION:
                    self._act(OwnAction.of(record.values, account))
            except Unreadable:
                self.whole = False

    def _act(self, own: OwnAction) -> None:
        if own.kind is not MarketKind.PERP:
            return
        story = self.by_id.setdefault(own.order_id, Story(market_index=own.market_index))
        match own.action:
            case "Fill":
                story.filled_raw_1e9 += own.values.maybe_number("base_asset_amount_filled") or 0
                story.quote_raw_1e6 += own.values.maybe_number("quote_asset_amount_filled") or 0
                fee = own.values.maybe_number("maker_fee" if own.maker else "taker_fee")
                story.fee_raw_1e6 = None if fee is None or story.fee_raw_1e6 is None else story.fee_raw_1e6 + fee
            case "Cancel" | "Expire":
                reason = EndReason.EXPIRED if own.action == "Expire" else ENDS.get(own.explanation, (None, None))[1]
                story.ended = _WORDS.get(reason, "") if reason is not None else ""
                story.ended = story.ended or "it was cancelled"


def stories_of(profile: Profile, account: bytes, transactions: Iterable[Transaction]) -> Stories:
    """Of an account, by transactions in the order they landed."""
    stories = Stories()
    for transaction in transactions:
        stories.add(profile, account, transaction)
    return stories


def ids_placed(placed: Sequence[tuple[int, int]], markets: Sequence[int]) -> tuple[int, ...] | None:
    """Ids of the orders of a batch by what the log says was placed; None where it says something else."""
    if [market for _, market in placed] != list(markets):
        return None
    return tuple(order_id for order_id, _ in placed)
