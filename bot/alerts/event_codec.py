"""Events and readings as they are kept: JSON, with the name of the dataclass beside its fields."""

import json
from functools import cache

from pydantic import TypeAdapter

from risk.model.account import AccountSnapshot
from risk.model.events import (
    AccountEvent,
    BankruptcyEvent,
    BorrowEvent,
    BorrowRateEvent,
    DelegateEvent,
    FlowEvent,
    FundingEvent,
    FundingPaidEvent,
    GapEvent,
    InterestEvent,
    LiquidationEvent,
    LiquidityEvent,
    MarketEvent,
    OrderEvent,
    PauseEvent,
    PositionEvent,
    SettlementEvent,
    SubAccountEvent,
    SwapEvent,
)

_FAMILIES: dict[str, type[AccountEvent]] = {
    family.__name__: family
    for family in (
        AccountEvent, BankruptcyEvent, BorrowEvent, BorrowRateEvent, DelegateEvent, FlowEvent, FundingEvent,
        FundingPaidEvent, GapEvent, InterestEvent, LiquidationEvent, LiquidityEvent, MarketEvent, OrderEvent,
        PauseEvent, PositionEvent, SettlementEvent, SubAccountEvent, SwapEvent,
    )
}  # fmt: skip


@cache
def _events(name: str) -> TypeAdapter[AccountEvent]:
    return TypeAdapter(_FAMILIES[name])


@cache
def _readings() -> TypeAdapter[AccountSnapshot]:
    return TypeAdapter(AccountSnapshot)


def prepare() -> None:
    """What the first reading and the first event would else wait for."""
    _readings()
    for name in _FAMILIES:
        _events(name)


def event_json(event: AccountEvent) -> str:
    """An event as text."""
    # Not pydantic's own JSON: it writes null for a number that is none, and some of these are.
    name = type(event).__name__
    return json.dumps([name, _events(name).dump_python(event, mode="json")])


def event_from(text: str) -> AccountEvent:
    """Back again. Raises: ValueError for a text this version does not understand."""
    try:
        name, body = json.loads(text)
        codec = _events(name)
    except (TypeError, KeyError) as exc:
        raise ValueError("an event of a family this version does not know") from exc
    return codec.validate_python(body)


def reading_json(snapshot: AccountSnapshot) -> str:
    """An account at one slot as text."""
    return json.dumps(_readings().dump_python(snapshot, mode="json"))


def reading_from(text: str) -> AccountSnapshot:
    """Back again. Raises: ValueError for a text this version does not understand."""
    return _readings().validate_python(json.loads(text))
