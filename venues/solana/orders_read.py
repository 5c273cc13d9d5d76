"""What a transaction does, read back from its bytes: orders, cancellations, and everything else that is in it.

Written apart from what builds them: nothing is signed that does not read back as exactly what was agreed on.
"""

from dataclasses import dataclass

from solders.message import Message, MessageV0, from_bytes_versioned

from risk.model.account import Side
from risk.model.trading import OrderBatch, OrderStyle, OrderTerms
from venues.errors import VenueRejected
from venues.solana.addresses import perp_market_address, state_address
from venues.solana.borsh import DISCRIMINATOR_BYTES, Unreadable, Values, read_exactly
from venues.solana.profiles import Instruction, Profile, TradingFacts
from venues.solana.settings import SolanaSettings

COMPUTE_BUDGET_PROGRAM = "ComputeBudget111111111111111111111111111111"
_LIMIT_TAG, _PRICE_TAG = 2, 3
_VERSION_BIT = 0x80
_TAKING = {("Limit", "None"): OrderStyle.IOC}
_RESTING = {
    ("Limit", "None"): OrderStyle.LIMIT,
    ("Limit", "MustPostOnly"): OrderStyle.POST_ONLY,
    ("TriggerMarket", "None"): OrderStyle.TRIGGER_MARKET,
    ("TriggerLimit", "None"): OrderStyle.TRIGGER_LIMIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCaps:
    """Most compute units a transaction may use, and most micro-lamports it may pay for one of them."""

    units: int
    price_micro: int

    @classmethod
    def of(cls, settings: SolanaSettings) -> "BudgetCaps":
        return cls(units=settings.compute_cap_units, price_micro=settings.priority_fee_cap_micro)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTransaction:
    """A transaction in words.

    Attributes:
        signers: Who signs; the first pays.
        accounts: User accounts its calls change.
        orders: In their order; the market's name is empty, for a transaction only numbers it.
        cancels: Ids, in their order.
        unit_limit: None where it sets none.
        unit_price_micro: Likewise.
        writable: Every account it may change, but the signers.
        strangers: What else it does, in words; empty for a transaction that is nothing but orders.
    """

    signers: tuple[str, ...]
    blockhash: str
    accounts: frozenset[str]
    orders: tuple[OrderTerms, ...]
    cancels: tuple[int, ...]
    unit_limit: int | None
    unit_price_micro: int | None
    writable: frozenset[str]
    strangers: tuple[str, ...]


def read_message(profile: Profile, message: bytes) -> ReadTransaction:
    """Raises: VenueRejected for bytes that are no message, or a venue whose calls are not known."""
    if profile.trading is None:
        raise VenueRejected(f"orders on {profile.name} cannot be read by this program")
    return _Message(profile, profile.trading, _parsed(message)).read()


def require_exactly(
    profile: Profile, message: bytes, batch: OrderBatch, *, signer: str, caps: BudgetCaps
) -> ReadTransaction:
    """Make sure that a message is this batch, for this account, within its budget, and nothing else.

    Raises: VenueRejected.
    """
    found = read_message(profile, message)
    names = {one.market_index: one.market for one in batch.terms}
    orders = tuple(_named(one, names.get(one.market_index, "")) for one in found.orders)
    problem = ""
    if found.strangers:
        problem = found.strangers[0]
    elif found.signers != (signer,):
        problem = "it would be signed by somebody else"
    elif found.accounts != {batch.account_id}:
        problem = "it is for another account"
    elif orders != batch.terms or found.cancels != batch.cancels:
        problem = "its orders are not those that were agreed on"
    elif strange := found.writable ^ _changes(profile, batch):
        problem = f"it could change {min(strange)}, or not, where orders do the opposite"
    elif costs := _beyond(caps, found):
        problem = costs
    if problem:
        raise VenueRejected(f"the transaction is not what was agreed on and was not signed: {problem}")
    return found


def _beyond(caps: BudgetCaps, found: ReadTransaction) -> str:
    """What of its budget is above the caps; empty where nothing is."""
    price = found.unit_price_micro or 0
    if price > caps.price_micro:
        return f"it would pay {price} micro-lamports for a compute unit, and {caps.price_micro} are allowed"
    if found.unit_limit is None:
        return "it would pay for compute units without a limit of their number" if price else ""
    if found.unit_limit > caps.units:
        return f"it could use {found.unit_limit} compute units, and {caps.units} are allowed"
    return ""


def _changes(profile: Profile, batch: OrderBatch) -> frozenset[str]:
    taken = {one.market_index for one in batch.terms if one.style is OrderStyle.IOC}
    return frozenset({batch.account_id, *(str(perp_market_address(profile, index)) for index in taken)})


def _named(order: OrderTerms, market: str) -> OrderTerms:
    values = {field: getattr(order, field) for field in OrderTerms.__slots__}
    return OrderTerms(**{**values, "market": market})


def _parsed(message: bytes) -> Message:
    try:
        parsed = from_bytes_versioned(message) if message else None
    except ValueError as exc:
        raise VenueRejected("these bytes are no transaction") from exc
    if parsed is None or isinstance(parsed, MessageV0) or message[0] & _VERSION_BIT:
        raise VenueRejected("a transaction of this version may take accounts from elsewhere, and is not read")
    if bytes(parsed) != message:
        raise VenueRejected("these bytes are more than a transaction")
    return parsed


class _Message:
    """One message while it is read."""

    def __init__(self, profile: Profile, facts: TradingFacts, message: Message) -> None:
        self._profile, self._facts, self._message = profile, facts, message
        self._keys = [str(key) for key in message.account_keys]
        self._accounts: set[str] = set()
        self._stats: set[str] = set()
        self._orders: list[OrderTerms] = []
        self._cancels: list[int] = []
        self._budget: dict[int, int] = {}
        self._strangers: list[str] = []

    def read(self) -> ReadTransaction:
        message = self._message
        signers = message.header.num_required_signatures
        if message.header.num_readonly_signed_accounts:
            self._strangers.append("somebody signs who does not pay")
        for number, part in enumerate(message.instructions):
            try:
                program, accounts = self._key(part.program_id_index), [self._key(at) for at in bytes(part.accounts)]
                if program == COMPUTE_BUDGET_PROGRAM:
                    self._read_budget(bytes(part.data))
                elif program == self._profile.program_id:
                    self._read_call(bytes(part.data), accounts)
                else:
                    self._strangers.append(f"instruction {number} calls the program {program}")
            except Unreadable as problem:
                self._strangers.append(f"instruction {number} cannot be read: {problem}")
        writable = set(self._keys[signers : len(self._keys) - message.header.num_readonly_unsigned_accounts])
        if not self._stats <= writable:
            self._strangers.append("statistics that a fill has to change are not to be changed")
        return ReadTransaction(
            signers=tuple(self._keys[:signers]), blockhash=str(message.recent_blockhash),
            accounts=frozenset(self._accounts), orders=tuple(self._orders), cancels=tuple(self._cancels),
            unit_limit=self._budget.get(_LIMIT_TAG), unit_price_micro=self._budget.get(_PRICE_TAG),
            writable=frozenset(writable - self._stats), strangers=tuple(self._strangers),
        )  # fmt: skip

    def _key(self, at: int) -> str:
        if at >= len(self._keys):
            raise Unreadable("it names an account that the transaction does not have")
        return self._keys[at]

    def _read_budget(self, data: bytes) -> None:
        tag = data[0] if data else 0
        if (tag, len(data)) not in ((_LIMIT_TAG, 5), (_PRICE_TAG, 9)) or tag in self._budget:
            raise Unreadable("a part of the compute budget that orders do not need")
        self._budget[tag] = int.from_bytes(data[1:], "little")

    def _read_call(self, data: bytes, accounts: list[str]) -> None:
        call = self._facts.instructions.get(data[:DISCRIMINATOR_BYTES])
        if call is None:
            raise Unreadable("a call of the venue that neither places nor cancels orders")
        values = read_exactly(call.name, call.arguments, data[DISCRIMINATOR_BYTES:])
        own = self._own_accounts(call, accounts)
        match call.name:
            case "cancel_orders_by_ids":
                if self._orders:
                    raise Unreadable("it cancels after it has placed")
                self._cancels += values.numbers("order_ids")
            case "place_orders":
                self._orders += [self._terms(params, own["user"], takes=False) for params in values.records("params")]
            case "place_and_take_perp_order":
                if values.maybe_number("success_condition") is not None:
                    raise Unreadable("an order with a condition of success")
                self._orders.append(self._terms(values.record("params"), own["user"], takes=True))
        self._accounts.add(own["user"])

    def _own_accounts(self, call: Instruction, accounts: list[str]) -> dict[str, str]:
        if len(accounts) < len(call.accounts):
            raise Unreadable("a call without its accounts")
        own = {name: key for (name, _), key in zip(call.accounts, accounts, strict=False)}
        if own["state"] != str(state_address(self._profile)):
            raise Unreadable("a call with another State")
        if own["authority"] != self._keys[0]:
            raise Unreadable("a call in the name of somebody else than who signs")
        if "user_stats" in own:
            self._stats.add(own["user_stats"])
        return own

    def _terms(self, params: Values, account: str, *, takes: bool) -> OrderTerms:
        flags, kind = params.number("bit_flags"), (params.choice("order_type"), params.choice("post_only"))
        style = (_TAKING if takes else _RESTING).get(kind)
        if style is None or flags != (self._facts.immediate_or_cancel if takes else 0):
            raise Unreadable("an order of a kind that is never approved")
        unused = ("oracle_price_offset", "auction_duration", "auction_start_price", "auction_end_price")
        if any(params.maybe_number(name) is not None for name in unused) or params.number("user_order_id"):
            raise Unreadable("an order with an auction, an offset or a number of its own")
        if params.choice("market_type") != "Perp" or params.choice("direction") not in ("Long", "Short"):
            raise Unreadable("an order outside the perp markets")
        trigger, condition = params.maybe_number("trigger_price"), params.choice("trigger_condition")
        if condition not in ("Above", "Below")[: 1 + style.is_trigger] or (trigger is None) is style.is_trigger:
            raise Unreadable("an order with a trigger that does not fit it")
        max_ts = params.maybe_number("max_ts")
        if max_ts is not None and max_ts <= 0:
            raise Unreadable("an order whose last second was never")
        return OrderTerms(
            account_id=account, market="", market_index=params.number("market_index"),
            side=Side.BUY if params.choice("direction") == "Long" else Side.SELL, style=style,
            size_raw_1e9=params.number("base_asset_amount"), limit_raw_1e6=params.number("price"),
            reduce_only=params.flag("reduce_only"), expires_at_s=max_ts or 0, trigger_raw_1e6=trigger or 0,
            triggers_above=None if trigger is None else condition == "Above",
        )  # fmt: skip
