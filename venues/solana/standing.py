"""How the orders of a landed batch stand: from the account before and after, and from the program's log. Pure.

The log is believed first, the open slot for what still rests, and the position where neither says. What was read is
never smoothed over: where the position moved by more or less than the orders explain, that is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from risk.model.account import Side
from risk.model.trading import BASE_UNITS, OrderTerms, PlacedOrder
from venues.solana.account_state import AccountState
from venues.solana.mark import Mark
from venues.solana.order_stories import Stories, ids_placed

_NOT_ALL = "no more was to be had within its limit"
_NOTHING = "nothing was to be had within its limit"
_BY_POSITION = "the venue's log is not at hand, so this is told by how the position moved"
_OTHERS_TOO = f"{_BY_POSITION}, and other orders were placed meanwhile that may have moved it; look at the venue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a landed batch.

    Attributes:
        stories: From the log of its own transaction, and of later ones where they were read.
    """

    mark: Mark
    now: AccountState
    stories: Stories


def order_ids(terms: Sequence[OrderTerms], evidence: Evidence) -> tuple[int | None, ...]:
    """The venue's ids of orders, None where it cannot be told."""
    mark, now = evidence.mark, evidence.now
    markets = [one.market_index for one in terms]
    logged = ids_placed(evidence.stories.placed[: len(terms)], markets)
    if logged is not None:
        return logged
    if now.next_order_id == mark.next_order_id + len(terms):
        return tuple(range(mark.next_order_id, now.next_order_id))
    # Somebody placed others meanwhile: an order that rests can still be told by its terms, if only one has them.
    found: list[int | None] = []
    for one in terms:
        alike = [
            order_id for order_id, order in now.orders.items() if order_id >= mark.next_order_id and order.is_of(one)
        ]
        found.append(alike[0] if one.style.rests and len(alike) == 1 and alike[0] not in found else None)
    return tuple(found)


def standing_of(terms: Sequence[OrderTerms], evidence: Evidence) -> tuple[PlacedOrder, ...]:
    """One for each of the terms."""
    ids = order_ids(terms, evidence)
    placed: list[PlacedOrder | None] = [_known(one, ids[at], evidence) for at, one in enumerate(terms)]
    for market in dict.fromkeys(one.market_index for one in terms):
        _by_position(market, terms, ids, placed, evidence)
    return tuple(one for one in placed if one is not None)


def _known(terms: OrderTerms, order_id: int | None, evidence: Evidence) -> PlacedOrder | None:
    """As the open slot or the log tell it; None where neither does."""
    if order_id is None:
        return None
    story = evidence.stories.by_id.get(order_id)
    open_now = evidence.now.orders.get(order_id)
    if open_now is not None and open_now.is_of(terms):
        fee = story.fee_raw_1e6 if story is not None and story.filled_raw_1e9 == open_now.filled_raw_1e9 else None
        return PlacedOrder(
            order_id=order_id, filled_raw_1e9=open_now.filled_raw_1e9, open=True,
            quote_raw_1e6=open_now.quote_raw_1e6, fee_raw_1e6=fee if open_now.filled_raw_1e9 else 0,
        )  # fmt: skip
    if story is None or story.market_index != terms.market_index:
        return None
    full = story.filled_raw_1e9 >= terms.size_raw_1e9
    # Of an order that rests, no more is no end: it rests no longer, and how that came about is listed later.
    over = bool(story.ended) or (evidence.stories.whole and not terms.style.rests)
    if not (full or over):
        return None
    unfilled = _NOT_ALL if story.filled_raw_1e9 else _NOTHING
    reason = story.ended if terms.style.rests and story.ended else unfilled
    return PlacedOrder(
        order_id=order_id, filled_raw_1e9=story.filled_raw_1e9, open=False, quote_raw_1e6=story.quote_raw_1e6,
        fee_raw_1e6=story.fee_raw_1e6, reason="" if full else reason,
    )  # fmt: skip


def _by_position(
    market: int,
    terms: Sequence[OrderTerms],
    ids: Sequence[int | None],
    placed: list[PlacedOrder | None],
    evidence: Evidence,
) -> None:
    """Tell the orders of one market that nothing else tells by what the position moved beside those known."""
    own = [at for at, one in enumerate(terms) if one.market_index == market]
    untold = [at for at in own if placed[at] is None]
    moved = evidence.now.base_raw_1e9(market) - evidence.mark.bases_raw_1e9.get(market, 0)
    for at in own:
        if (known := placed[at]) is not None:
            moved -= _sign(terms[at]) * known.filled_raw_1e9
    others = evidence.now.next_order_id != evidence.mark.next_order_id + len(terms)
    for at in untold:
        filled = min(terms[at].size_raw_1e9, max(0, _sign(terms[at]) * moved))
        moved -= _sign(terms[at]) * filled
        # With a caveat even where all of it is explained: whatever else moved the position looks just the same.
        reason = _OTHERS_TOO if others else _BY_POSITION
        placed[at] = PlacedOrder(order_id=ids[at], filled_raw_1e9=filled, open=False, reason=reason)
    # What rests is looked at for days, and the position moves by other things; what takes is looked at once.
    if moved and (untold or any(not terms[at].style.rests for at in own)):
        last = own[-1]
        note = f"beside this the position moved by {moved / BASE_UNITS:+g}, which these orders do not explain"
        told = placed[last]
        if told is not None:
            placed[last] = replace(told, reason=f"{told.reason}; {note}" if told.reason else note)


def _sign(terms: OrderTerms) -> int:
    return 1 if terms.side is Side.BUY else -1
