"""A made-up successor of Drift: same discriminators, everything else moved. It proves that the reading code holds no
offset, code or seed of its own."""

from types import MappingProxyType

import numpy as np

from risk.model.market import MarketStatus
from tests.support import addresses
from venues.solana.profiles import Layout, Profile, RecordType, Seeds, drift, record

PROGRAM = addresses.address("successor program")
SHIFT = 16  # every account is longer by this much at its front, and by LONGER at its end
LONGER = 40
STATUSES = (
    MarketStatus.INITIALIZED,
    MarketStatus.ACTIVE,
    MarketStatus.REDUCE_ONLY,
    MarketStatus.SETTLEMENT,
    MarketStatus.DELISTED,
)
GONE = frozenset(
    {
        "margin_mode",
        "high_leverage_margin_ratio_initial",
        "high_leverage_margin_ratio_maintenance",
        "base_asset_amount_with_unsettled_lp",
        "quote_asset_amount_with_unsettled_lp",
    }
)


def moved(original: RecordType, longer: int = 0) -> RecordType:
    """The same fields, further back; those of high leverage and of shared liquidity are gone."""
    fields = {
        name: (offset if name == "discriminator" else offset + SHIFT, kind)
        for name, (kind, offset, *_) in (original.fields or {}).items()
        if name not in GONE
    }
    return record(original.itemsize + SHIFT + longer, fields)


def _layout(layout: Layout, *, may_be_longer: bool = True) -> Layout:
    (original,) = layout.revisions.values()
    new = moved(original)
    return Layout(discriminator=layout.discriminator, revisions={new.itemsize: new}, may_be_longer=may_be_longer)


def _profile() -> Profile:
    old, first, second = drift.PROFILE, moved(drift.USER), moved(drift.USER, LONGER)
    return Profile(
        name="successor",
        program_id=PROGRAM,
        seeds=Seeds(
            state=b"successor_state",
            user=b"user",
            user_stats=b"user_stats",
            perp_market=b"perp_market",
            spot_market=b"spot_market",
        ),
        state=_layout(old.state),
        user=Layout(
            discriminator=old.user.discriminator,
            revisions={first.itemsize: first, second.itemsize: second},
        ),
        user_stats=_layout(old.user_stats),
        perp_market=_layout(old.perp_market),
        spot_market=_layout(old.spot_market),
        oracle_sources=old.oracle_sources,
        oracle_layouts=old.oracle_layouts,
        oracle_owners=MappingProxyType(
            {kind: PROGRAM if owner == drift.PROGRAM_ID else owner for kind, owner in old.oracle_owners.items()}
        ),
        market_statuses=MappingProxyType(dict(enumerate(STATUSES))),
        contract_types=old.contract_types,
        contract_tiers=old.contract_tiers,
        asset_tiers=old.asset_tiers,
        margin_modes=MappingProxyType({0: old.margin_modes[0]}),
        order_kinds=old.order_kinds,
        status_bits=(1, 2, 63),
        position_bits=(1, 2, 15),
        exchange_pauses=old.exchange_pauses,
        perp_pauses=old.perp_pauses,
        spot_pauses=old.spot_pauses,
        open_order_status=old.open_order_status,
        quoteless_pool=old.quoteless_pool,
    )


SUCCESSOR = _profile()


def translated(raw: bytes, original: RecordType, new: RecordType, **codes: int) -> bytes:
    """An account of Drift laid out as the successor has it."""
    source, target = np.frombuffer(raw, original, 1), np.zeros(1, new)
    for name in new.names or ():
        target[name] = source[name]
    for name, value in codes.items():
        target[name] = value
    return raw[:8] + target.tobytes()[8:]
