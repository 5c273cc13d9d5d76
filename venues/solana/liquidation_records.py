"""What the program records of liquidations: what was taken, for what, and what it cost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from risk.model.account import MarketKind, Side
from risk.model.events import AccountEvent, BankruptcyEvent, EventKind, LiquidationEvent, LiquidationForm
from venues.solana.borsh import Unreadable, Values
from venues.solana.market_names import MarketNames
from venues.solana.order_records import OwnAction, Whose

_BASE, _QUOTE = 1e9, 1e6


@dataclass(frozen=True, slots=True)
class Seizures:
    """Perp positions whose liquidation is told by its own record: (market, order made up for it)."""

    orders: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, liquidations: Iterable[Values]) -> "Seizures":
        """Of the LiquidationRecords of one transaction in which the account lost something. Raises: Unreadable."""
        parts = [one.record("liquidate_perp") for one in liquidations if one.choice("liquidation_type") == _PERP]
        return cls(frozenset((part.number("market_index"), part.number("user_order_id")) for part in parts))

    def tell(self, own: OwnAction) -> bool:
        """Whether an action of an order is part of one of them."""
        if own.kind is not MarketKind.PERP or own.maker:
            return False
        return (own.market_index, own.order_id) in self.orders

    def made_up(self, market_index: int, order_id: int) -> bool:
        return (market_index, order_id) in self.orders


_PERP = "LiquidatePerp"


def liquidation_events(values: Values, whose: Whose, names: MarketNames) -> Iterator[AccountEvent]:
    """A LiquidationRecord of the account that was liquidated. Raises: Unreadable."""
    match values.choice("liquidation_type"):
        case "LiquidatePerp":
            yield _position(values, whose, names)
        case "LiquidateSpot":
            yield _tokens(values, whose, names)
        case "LiquidateBorrowForPerpPnl":
            yield _pnl(values, whose, names)
        case "LiquidatePerpPnlForDeposit":
            yield _tokens_for_loss(values, whose, names)
        case "PerpBankruptcy":
            part = values.record("perp_bankruptcy")
            market, loss = names.perp(part.number("market_index")), abs(part.number("pnl")) / _QUOTE
            yield _resolved(whose, market, MarketKind.PERP, loss)
            return
        case "SpotBankruptcy":
            part = values.record("spot_bankruptcy")
            token = names.token(part.number("market_index"))
            loss = part.number("borrow_amount") / 10**token.decimals
            yield _resolved(whose, token.name, MarketKind.SPOT, loss)
            return
        case other:
            raise Unreadable(f"a liquidation of the kind {other}")
    if values.flag("bankrupt"):
        yield AccountEvent(
            kind=EventKind.BANKRUPT, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at
        )


def _position(values: Values, whose: Whose, names: MarketNames) -> LiquidationEvent:
    part = values.record("liquidate_perp")
    change_base = part.number("base_asset_amount")  # of the account's position
    base, quote = abs(change_base) / _BASE, abs(part.number("quote_asset_amount")) / _QUOTE
    return LiquidationEvent(
        kind=EventKind.LIQUIDATION_TAKEN, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        market=names.perp(part.number("market_index")), taken_base=base, remaining_base=None,
        price_usd=quote / base if base else part.number("oracle_price") / _QUOTE,
        fee_usd=(part.number("liquidator_fee") + part.number("if_fee")) / _QUOTE,
        orders_cancelled=values.count("canceled_order_ids"), side=_side(change_base),
    )  # fmt: skip


def _tokens(values: Values, whose: Whose, names: MarketNames) -> LiquidationEvent:
    part = values.record("liquidate_spot")
    asset, debt = names.token(part.number("asset_market_index")), names.token(part.number("liability_market_index"))
    debt_price = part.number("liability_price") / _QUOTE
    return LiquidationEvent(
        kind=EventKind.LIQUIDATION_TAKEN, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        market=asset.name, market_kind=MarketKind.SPOT, taken_base=part.number("asset_transfer") / 10**asset.decimals,
        remaining_base=None, price_usd=part.number("asset_price") / _QUOTE,
        fee_usd=part.number("if_fee") / 10**debt.decimals * debt_price, form=LiquidationForm.TOKENS_FOR_BORROW,
        repaid=debt.name, repaid_tokens=part.number("liability_transfer") / 10**debt.decimals,
        orders_cancelled=values.count("canceled_order_ids"),
    )  # fmt: skip


def _pnl(values: Values, whose: Whose, names: MarketNames) -> LiquidationEvent:
    part = values.record("liquidate_borrow_for_perp_pnl")
    debt = names.token(part.number("liability_market_index"))
    return LiquidationEvent(
        kind=EventKind.LIQUIDATION_TAKEN, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        market=names.perp(part.number("perp_market_index")), taken_base=part.number("pnl_transfer") / _QUOTE,
        remaining_base=None, form=LiquidationForm.PNL_FOR_BORROW,
        repaid=debt.name, repaid_tokens=part.number("liability_transfer") / 10**debt.decimals,
        orders_cancelled=values.count("canceled_order_ids"),
    )  # fmt: skip


def _tokens_for_loss(values: Values, whose: Whose, names: MarketNames) -> LiquidationEvent:
    part = values.record("liquidate_perp_pnl_for_deposit")
    asset = names.token(part.number("asset_market_index"))
    return LiquidationEvent(
        kind=EventKind.LIQUIDATION_TAKEN, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        market=asset.name, market_kind=MarketKind.SPOT, taken_base=part.number("asset_transfer") / 10**asset.decimals,
        remaining_base=None, price_usd=part.number("asset_price") / _QUOTE, form=LiquidationForm.TOKENS_FOR_LOSS,
        repaid=names.perp(part.number("perp_market_index")), repaid_tokens=part.number("pnl_transfer") / _QUOTE,
        orders_cancelled=values.count("canceled_order_ids"),
    )  # fmt: skip


def _resolved(whose: Whose, market: str, kind: MarketKind, loss: float) -> BankruptcyEvent:
    return BankruptcyEvent(
        kind=EventKind.BANKRUPTCY_RESOLVED, account_id=whose.account_id, slot=whose.slot,
        observed_at=whose.observed_at, market=market, market_kind=kind, loss=loss,
    )  # fmt: skip


def taken_without_record(own: OwnAction, whose: Whose, names: MarketNames) -> LiquidationEvent:
    """A closing trade of the account's own liquidation whose record is missing, as a log that was cut off loses it."""
    base, price = own.filled(names.unit(own.kind, own.market_index))
    return LiquidationEvent(
        kind=EventKind.LIQUIDATION_TAKEN, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        market=names.named(own.kind, own.market_index), market_kind=own.kind, taken_base=base, remaining_base=None,
        price_usd=price, fee_usd=own.fee_usd(), side=own.side if own.kind is MarketKind.PERP else None,
    )  # fmt: skip


def _side(change_base: int) -> Side | None:
    return None if change_base == 0 else Side.BUY if change_base > 0 else Side.SELL
