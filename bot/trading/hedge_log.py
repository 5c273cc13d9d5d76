"""What was hedged so far, from the proposals that were filled."""

from collections.abc import Sequence

from risk.hedging.prediction import predicted_of, ratio_of
from risk.model.hedge import FilledHedge
from risk.model.proposal import Leg, Proposal, Purpose
from risk.model.trading import BASE_UNITS, PRICE_UNITS
from storage import Proposals

_MOST = 500


class ProposalHedges:
    """Implements risk.trade_ports.HedgeLog."""

    def __init__(self, proposals: Proposals) -> None:
        self._proposals = proposals

    async def hedges(self, account_id: str) -> Sequence[FilledHedge]:
        """See HedgeLog.hedges."""
        recent = await self._proposals.recent([account_id], _MOST)
        hedges = [one for one in recent if one.purpose is Purpose.HEDGE]
        found = [hedge for one in hedges for leg in one.legs if (hedge := _filled(one, leg)) is not None]
        return sorted(found, key=lambda hedge: hedge.filled_at)


def _filled(proposal: Proposal, leg: Leg) -> FilledHedge | None:
    if leg.terms is None or not leg.filled_raw_1e9 or leg.quote_raw_1e6 is None:
        return None
    size = leg.filled_raw_1e9 / BASE_UNITS
    return FilledHedge(
        market=leg.terms.market,
        side=leg.terms.side,
        size_base=size,
        price_usd=leg.quote_raw_1e6 / PRICE_UNITS / size,
        fee_usd=(leg.fee_raw_1e6 or 0) / PRICE_UNITS,
        filled_at=proposal.finished_at or proposal.created_at,
        predicted_reduction=predicted_of(proposal.notes),
        hedge_ratio=ratio_of(leg.reasoning),
        oracle_usd=None if leg.quote is None else leg.quote.oracle_usd,
        proposal_id=proposal.proposal_id,
    )
