"""Markets and oracles as a person would describe them: floats, fractions, USD."""

from dataclasses import dataclass
from enum import Enum


class OracleValidity(Enum):
    """Whether a price may be used to state margin. The order is the order in which the venue checks."""

    VALID = 0
    MISSING = 1
    NON_POSITIVE = 2
    TOO_VOLATILE = 3
    TOO_UNCERTAIN = 4
    STALE = 5


class MarketStatus(Enum):
    """What a market allows. Venue codes are translated by the venue's profile."""

    INITIALIZED = 0
    ACTIVE = 1
    FUNDING_PAUSED = 2
    AMM_PAUSED = 3
    FILL_PAUSED = 4
    WITHDRAW_PAUSED = 5
    REDUCE_ONLY = 6
    SETTLEMENT = 7
    DELISTED = 8


class ContractType(Enum):
    """Kind of perp contract. A prediction contract settles between 0 and 1 USD."""

    PERPETUAL = 0
    FUTURE = 1
    PREDICTION = 2


class ContractTier(Enum):
    """Riskiness of a perp market as the venue ranks it, best first."""

    A = 0
    B = 1
    C = 2
    SPECULATIVE = 3
    HIGHLY_SPECULATIVE = 4
    ISOLATED = 5


class AssetTier(Enum):
    """Riskiness of a spot market as the venue ranks it, best first."""

    COLLATERAL = 0
    PROTECTED = 1
    CROSS = 2
    ISOLATED = 3
    UNLISTED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleReading:
    """One price feed at one slot.

    Attributes:
        oracle_id: Address or name of the feed; markets that share it move together.
        price_usd: Price; NaN when the feed could not be read.
        confidence_usd: Half width of the feed's own confidence interval.
        slots_behind: Slots between the reading and the feed's last update; 0 for the quote asset.
    """

    oracle_id: str
    price_usd: float
    confidence_usd: float = 0.0
    slots_behind: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpMarket:
    """A perp market and every parameter its margin depends on.

    Ratios and weights are fractions (0.05 is 5 %). ``imf_factor`` and ``pnl_imf_factor`` scale the size premium and
    discount, 0 for none.

    Attributes:
        oracle_id: The feed that prices it; see OracleReading.
        quote_market_index: Spot market whose price converts its quote amounts to USD.
        high_leverage_initial_ratio: 0 when the market has no high-leverage mode.
        pnl_max_imbalance_usd: Above this net PnL of all users the initial PnL weight shrinks; 0 for off.
        net_user_pnl_usd: Net PnL of all users in the market as the venue last computed it.
        funding_long_usd: Last hourly funding of a long, USD per base unit, > 0 when longs pay.
        funding_short_usd: The same for a short; > 0 when longs pay, so shorts receive it.
        expiry_price_usd: Price at which a market in settlement values positions.
        oracle_twap_usd: The venue's stored 5-minute average, used by strict prices.
    """

    name: str
    market_index: int
    oracle_id: str
    initial_ratio: float
    maintenance_ratio: float
    quote_market_index: int = 0
    high_leverage_initial_ratio: float = 0.0
    high_leverage_maintenance_ratio: float = 0.0
    imf_factor: float = 0.0
    pnl_initial_weight: float = 1.0
    pnl_maintenance_weight: float = 1.0
    pnl_imf_factor: float = 0.0
    pnl_max_imbalance_usd: float = 0.0
    net_user_pnl_usd: float = 0.0
    funding_long_usd: float = 0.0
    funding_short_usd: float = 0.0
    expiry_price_usd: float = 0.0
    oracle_twap_usd: float = float("nan")
    pool_id: int = 0
    status: MarketStatus = MarketStatus.ACTIVE
    contract_type: ContractType = ContractType.PERPETUAL
    contract_tier: ContractTier = ContractTier.A
    oracle_validity: OracleValidity = OracleValidity.VALID


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotMarket:
    """A collateral and borrow market. Weights are fractions; a liability weight of 1.1 asks 10 % on top.

    Attributes:
        decimals: Decimals of the token; amounts are rounded to them.
        scale_initial_weight_start_usd: Deposits of the whole market above which the initial weight shrinks; 0 for off.
        deposits_tokens: Deposits of the whole market, in tokens.
        deposit_rate_annual_frac: What a deposit earns now, as a fraction a year; None where the venue does not say.
        borrow_rate_annual_frac: What a borrow costs now, likewise.
        oracle_twap_usd: The venue's stored 5-minute average, used by strict prices.
    """

    name: str
    market_index: int
    oracle_id: str
    decimals: int
    initial_asset_weight: float
    maintenance_asset_weight: float
    initial_liability_weight: float
    maintenance_liability_weight: float
    imf_factor: float = 0.0
    scale_initial_weight_start_usd: float = 0.0
    deposits_tokens: float = 0.0
    deposit_rate_annual_frac: float | None = None
    borrow_rate_annual_frac: float | None = None
    oracle_twap_usd: float = float("nan")
    pool_id: int = 0
    status: MarketStatus = MarketStatus.ACTIVE
    asset_tier: AssetTier = AssetTier.COLLATERAL
    oracle_validity: OracleValidity = OracleValidity.VALID
