"""What an operator asks at the machine: words about the file and the journal. Nothing here signs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bot.signer.config import Config
from bot.signer.intent import IntentStyle, OrderIntent, SigningVenue
from bot.signer.journal import FIRST_SEAL, Row, parts, read_journal, rows
from bot.signer.rules import REFUSALS_WITHIN_S, Market, Rules
from bot.signer.state import (
    Begun,
    Checkpoint,
    Entered,
    Locked,
    Refused,
    Signed,
    Started,
    State,
    Torn,
    Unlocked,
)
from bot.signer.unlocking import put_marker


def in_words(config: Config, key: str) -> list[str]:
    """What would be signed, in plain words."""
    rules = config.rules
    users = ", ".join(str(one) for one in sorted(config.allowed_uids))
    return [
        f"Signs for {rules.venue.value} with {key}; asked by user {users} through {config.socket}.",
        *(f"Account {one.address}" + _owner(one.authority, one.sub_account) for one in rules.accounts),
        _kinds(rules),
        _stops(rules),
        f"An order is worth at most {_usd(rules.max_order_raw_1e6)}, a day's orders {_usd(rules.daily_raw_1e6)}; "
        f"{rules.daily_signatures} signatures and {rules.daily_cancels} cancellations a day.",
        *(_market(one) for one in rules.markets.values()),
        *_fees(rules),
        f"An order without a trigger lasts at most {rules.order_lasts_at_most_s} s; a leg is signed again "
        f"{rules.resign_after_s} s after the last signature, once that one has expired.",
        f"{rules.lock_after_refusals} refusals within {REFUSALS_WITHIN_S // 60} minutes lock it.",
        "Never signed: withdrawals, transfers, delegates, margin settings, durable nonces, anything else.",
        *_warnings(rules),
    ]


def _owner(authority: str, sub_account: int) -> str:
    return f", sub-account {sub_account} of {authority}." if authority else ", on paper: no signature moves money."


def _kinds(rules: Rules) -> str:
    if rules.reduce_only:
        return "Only orders that reduce a position, cancellations, and changes of orders into such."
    return (
        "Orders that open and that reduce, cancellations, and changes of orders. Without a limit: only reducing ones."
    )


def _stops(rules: Rules) -> str:
    if rules.stops_without_limit:
        return "Stops without a limit price too: filled at whatever price, and at once where their trigger is passed."
    return "No stops without a limit price, so no /stop and no /sleep; stops_without_limit = true allows them."


def _market(one: Market) -> str:
    return (
        f"{one.name} (market {one.index}): at most {_base(one.max_order_raw_1e9)} an order, {_base(one.daily_raw_1e9)} "
        f"a day; no buying above {_usd(one.price_to_raw_1e6)}, no selling below {_usd(one.price_from_raw_1e6)}."
    )


def _fees(rules: Rules) -> list[str]:
    if rules.venue is SigningVenue.PAPER:
        return []
    return [
        f"At most {rules.max_compute_units} compute units at {rules.max_unit_price_micro} micro-lamports, and "
        f"{rules.daily_fee_lamports / 1e9:g} SOL of fees a day."
    ]


def _warnings(rules: Rules) -> Iterator[str]:
    if rules.allow_owner_key:
        yield "WARNING: the key may be an owner's, who can withdraw everything. Name a delegate at the venue instead."
    for one in rules.markets.values():
        if one.price_to_raw_1e6 > 4 * one.price_from_raw_1e6:
            yield f"WARNING: the prices of {one.name} are far apart; the closer, the less a thief can give away."


def verified(folder: Path) -> tuple[int, str]:
    """Rows and head of the whole journal. Raises: Unfit at the first thing that does not fit."""
    number, head = 0, FIRST_SEAL
    for row in read_journal(folder):
        number, head = row.number, row.seal
    return number, head


def told(folder: Path, count: int) -> Iterator[str]:
    """The last rows in words, oldest first."""
    found: list[Row] = []
    for _, path in reversed(parts(folder)):
        found = [*rows(path), *found]
        if len(found) >= count:
            break
    for row in found[-count:]:
        at = datetime.fromtimestamp(row.at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
        yield f"{row.number:>6}  {at}  {_event(row)}"


def unlock(folder: Path) -> str:
    """What was done. Raises: Unfit."""
    existing = parts(folder)
    state = State()
    for row in rows(existing[-1][1]) if existing else ():
        state = state.after(row.event, number=row.number, at_s=row.at_s)
    if not state.locked:
        return "Nothing is locked."
    put_marker(folder, state.lock)
    return (
        f"It was locked {state.locked}. It opens at the next request, or when the signer starts; the journal says so."
    )


def _event(row: Row) -> str:
    match row.event:
        case Begun() as event:
            return f"journal {event.journal_id} begun by user {event.by_uid}"
        case Started() as event:
            return f"started for {event.venue.value} with {event.public_key}, file {event.rules[:12]}"
        case Entered() as event:
            return f"epoch {event.epoch} asks from now on"
        case Signed() as event:
            what = "; ".join(_signed(event)) or "nothing"
            leg = f"{event.leg.proposal} rev {event.leg.revision} leg {event.leg.leg}"
            return f"SIGNED {leg} for {event.account}: {what} ({_usd(event.cost.usd_raw_1e6)})"
        case Refused() as event:
            return f"refused ({event.code.value}) {event.proposal}: {event.why}".replace(" :", ":")
        case Locked() as event:
            return f"LOCKED {event.why}"
        case Unlocked() as event:
            return f"unlocked by user {event.by_uid}"
        case Torn() as event:
            return f"cut {event.cut_bytes} bytes of a line that was never finished"
        case Checkpoint() as event:
            return f"goes on from before: epoch {event.epoch}, {len(event.legs)} legs"


def _signed(event: Signed) -> Iterator[str]:
    if event.cancels:
        yield "cancel " + ", ".join(str(one) for one in event.cancels)
    yield from (_order(one) for one in event.orders)
    yield from (f"change {one.order_id} to {_order(one.order)}" for one in event.modifies)


def _order(one: OrderIntent) -> str:
    words = [one.side.value, _base(one.size_raw_1e9), f"market {one.market_index}", one.style.value]
    if one.style is not IntentStyle.TRIGGER_MARKET:
        words.append(f"limit {_usd(one.limit_raw_1e6)}")
    if one.trigger_raw_1e6:
        words.append(f"{'above' if one.triggers_above else 'below'} {_usd(one.trigger_raw_1e6)}")
    return " ".join([*words, "reduce-only" if one.reduce_only else "may open"])


def _usd(raw_1e6: int) -> str:
    return f"${raw_1e6 / 1e6:,.2f}"


def _base(raw_1e9: int) -> str:
    return f"{raw_1e9 / 1e9:g}"
