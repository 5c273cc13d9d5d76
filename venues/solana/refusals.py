"""What the chain and the venue's program say when they refuse a transaction, as sentences."""

from collections.abc import Mapping

ErrorNames = Mapping[int, tuple[str, str]]
NO_NAMES: ErrorNames = {}
ALREADY_PROCESSED = "AlreadyProcessed"
_LONGEST = 160

_CHAIN = {
    "AccountNotFound": "the key that signs has no SOL to pay fees with; send it some",
    "InsufficientFundsForFee": "the key that signs has too little SOL to pay fees with; send it some",
    "BlockhashNotFound": "it was signed too long ago, or the node is behind; propose it again",
    ALREADY_PROCESSED: "it has landed already",
}
_PROGRAM = {
    "InsufficientCollateral": "the account has too little free collateral for it; reduce the size or deposit",
    "MarketFillOrderPaused": "fills are paused in this market; wait until the venue lifts it",
    "MarketPlaceOrderPaused": "placing orders is paused in this market; wait until the venue lifts it",
    "ExchangePaused": "the exchange is paused; only what the venue lifts can be done",
    "MarketWrongMutability": "the venue changes another market than expected with it; report this",
    "InvalidOrderMaxTs": "its last second has passed, or lies too far away; propose it again",
    "InvalidOrderSizeTooSmall": "its size is below what the market takes; take a larger one",
    "OrderAmountTooSmall": "its size is below what the market takes; take a larger one",
    "InvalidOrderNotRiskReducing": "only orders that reduce risk are taken now; make it reduce-only",
    "ReduceOnlyOrderIncreasedRisk": "it is reduce-only and there is nothing it could reduce; check the position",
    "InvalidOrderIOC": "the venue does not take an immediate order this way; report this",
    "InvalidOrderMinOrderSize": "its size is below what the market takes; take a larger one",
    "InvalidOrderNotStepSizeMultiple": "its size is not a multiple of the market's step; round it",
    "OrderBreachesOraclePriceLimits": "its price is too far from the oracle's; move it closer",
    "OracleTooVolatile": "the venue does not believe the price of the oracle now; wait for a fresh one",
    "OracleTooUncertain": "the venue does not believe the price of the oracle now; wait for a fresh one",
    "OracleStaleForMargin": "the venue's oracle is stale; wait for a fresh price",
    "InvalidOrderPostOnly": "it may only rest, and at that price it would trade at once; move the price",
    "PlacePostOnlyLimitFailure": "it may only rest, and at that price it would trade at once; move the price",
    "OrderDoesNotExist": "an order to be cancelled is no longer there; look at the open orders",
    "MaxNumberOfOrders": "the account holds as many orders as it can; cancel some",
    "MaxNumberOfPositions": "the account is in as many markets as it can be; close a position",
    "InvalidOracle": "the venue does not believe the price of the oracle now; wait for a fresh one",
    "UserIsBeingLiquidated": "the account is being liquidated; deposit, or wait until that ends",
    "UserBankrupt": "the account is bankrupt; the venue has to settle it first",
    "UserReduceOnly": "the account may only reduce; make the order reduce-only",
}


def sentence(error: object, names: ErrorNames = NO_NAMES) -> str:
    """An error of a transaction, as RPC states it, in words that say what to do.

    >>> sentence({"InstructionError": [2, {"Custom": 6003}]}, {6003: ("InsufficientCollateral", "")})
    'the account has too little free collateral for it; reduce the size or deposit (InsufficientCollateral)'
    """
    if isinstance(error, str):
        return _CHAIN.get(error, f"the chain refuses it: {_printable(error)}")
    detail = error.get("InstructionError") if isinstance(error, dict) else None
    if not (isinstance(detail, list) and len(detail) == 2):
        return f"the chain refuses it: {_printable(str(error))}"
    code = detail[1].get("Custom") if isinstance(detail[1], dict) else None
    if type(code) is not int:
        return f"the venue's program refuses it: {_printable(str(detail[1]))}"
    if code not in names:
        return f"the venue's program refuses it with error {code}"
    name, message = names[code]
    if name in _PROGRAM:
        return f"{_PROGRAM[name]} ({name})"
    return f"the venue's program refuses it: {_printable(message or name)} ({name})"


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:_LONGEST]
