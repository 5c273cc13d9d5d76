"""What is wrong with orders that are to protect, and what is right again, as the alerts take it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.alerts.findings import Finding
from bot.trading.stops.ends import Ending
from risk.decisions.incidents import Cause, CauseKind, Incident
from risk.decisions.tiers import Tier
from risk.margin.book import FleetBook
from risk.margin.snapshot import snapshot_of
from risk.model.account import Side
from risk.model.protection import StopFault, StopFinding
from risk.model.trading import OrderTerms
from risk.protection.stop_check import open_triggers
from storage import RestingEnd, RestingOrder

_FAULTS = {
    StopFault.MISSING: "missing",
    StopFault.CANCELLED: "cancelled",
    StopFault.OVERSIZED: "too large",
    StopFault.NOT_TRIGGERED: "has not fired",
    StopFault.BEYOND_LIQUIDATION: "beyond liquidation",
}
_ENDED = {
    RestingEnd.FILLED: "fired and was filled",
    RestingEnd.CANCELLED: "was cancelled",
    RestingEnd.EXPIRED: "expired",
    RestingEnd.VANISHED: "rests no more",
}
_COMMANDS = re.compile(r"/(cancel|stop|tp|close) ")
_GONE = (StopFault.MISSING, StopFault.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """What tells incidents of one account apart.

    Attributes:
        order: The venue's number, or ours where it has none.
    """

    fault: StopFault
    market: str
    side: Side
    above: bool
    order: str

    @property
    def text(self) -> str:
        return "/".join((self.fault, self.market, self.side, "above" if self.above else "below", self.order))

    @classmethod
    def of(cls, text: str) -> "_Subject":
        fault, market, side, above, order = text.split("/")
        return cls(fault=StopFault(fault), market=market, side=Side(side), above=above == "above", order=order)


def key_of(order: RestingOrder) -> str:
    """As a _Subject names it."""
    return f"row {order.row_id}" if order.order_id is None else str(order.order_id)


def finding(
    account_id: str, one: StopFinding, by_order: Mapping[tuple[int | None, str], tuple[int, OrderTerms]], label: str
) -> Finding:
    """``label``: What commands have to name the account by; empty where there is one alone."""
    row, terms = by_order[one.order_id, one.market]
    subject = _Subject(
        fault=one.fault, market=one.market, side=one.side, above=bool(terms.triggers_above),
        order=f"row {row}" if one.order_id is None else str(one.order_id),
    )  # fmt: skip
    fact, _, remedy = one.says.partition("; ")
    what = "stop" if bool(terms.triggers_above) is (terms.side is Side.BUY) else "take-profit"
    wrong = "has nothing left to close" if one.nothing_left else _FAULTS[one.fault]
    if label:
        remedy = _COMMANDS.sub(rf"/\1 {label} ", remedy)
    return Finding(
        cause=Cause(kind=CauseKind.PROTECTION, account_id=account_id, subject=subject.text),
        # Nothing is at stake before the next position: said once, and not again.
        tier=Tier.WARNING if one.nothing_left else Tier.HIGH,
        fact=f"{one.market} {what} {wrong}: {fact}", market=one.market,
        remedy=_sentence(remedy),
    )  # fmt: skip


def what_is_over(
    incident: Incident, book: FleetBook, believed: Sequence[RestingOrder], ends: Mapping[str, Ending | None]
) -> Finding | None:
    """That what was wrong is not any more; None where it still is."""
    subject = _Subject.of(incident.cause.subject)
    held = _held(book, subject)
    if subject.fault in _GONE:
        if held and not _replaced(book, subject):
            return None
        fact = "it has been placed again" if held else "nothing is left to protect"
    elif subject.order in ends:
        end = ends[subject.order]
        if end is None:
            return None  # it is being found out
        fact = f"the order {_ENDED[end.how]}"
    elif any(key_of(one) == subject.order for one in believed):
        fact = "the order is as it should be"
    else:
        fact = "the order rests no more"
    return Finding(cause=incident.cause, tier=Tier.OK, fact=f"{subject.market}: {fact}", market=subject.market)


def _held(book: FleetBook, subject: _Subject) -> bool:
    """Whether there is a position that an order of its side would reduce."""
    if subject.market not in book.perp_markets.names:
        return False
    account = snapshot_of(book, book.accounts.ids[0])
    sizes = [
        one.size_base for one in account.perp_positions if account.perp_markets[one.market_index].name == subject.market
    ]
    return any(size > 0 if subject.side is Side.SELL else size < 0 for size in sizes)


def _replaced(book: FleetBook, subject: _Subject) -> bool:
    """Whether another trigger of the same kind rests, whoever placed it."""
    at = book.perp_markets.names.index(subject.market)
    price = float(book.oracles.price_1e6[book.perp_markets.oracle[at]]) / 1e6
    return any(
        one.market == subject.market and one.side is subject.side and (one.trigger_usd > price) is subject.above
        for one in open_triggers(book)
    )


def _sentence(remedy: str) -> str:
    """Without a full stop behind a command, which is to be copied as it stands."""
    ends_in_command = "/" in remedy.rpartition(",")[2].rpartition(":")[2]
    return f"{remedy[:1].upper()}{remedy[1:]}{'' if not remedy or ends_in_command else '.'}"
