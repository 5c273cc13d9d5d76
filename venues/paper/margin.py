"""The exchange asks the margin engine before it lets an account do something. No margin rule lives here."""

from risk.margin.evaluate import Evaluation, Totals, evaluate
from risk.model.market import OracleValidity
from venues.errors import VenueRejected, VenueUnavailable
from venues.paper.ledger import PaperAccount
from venues.paper.world import World


def require_initial(world: World, after: PaperAccount, act: str) -> None:
    """Lets an act pass that adds risk or takes collateral away.

    Args:
        after: The account as it would be.
        act: What is being asked for, as the subject of a sentence.

    Raises: VenueRejected without enough initial margin at strict prices; VenueUnavailable while a price it depends on
        cannot be used.
    """
    _require_usable_prices(world, after, act)
    _require(evaluate(world.book([after]), strict=True).full.initial, "initial", act)


def require_maintenance_strict(world: World, after: PaperAccount, act: str) -> None:
    """Lets an act pass that adds no risk. Raises: VenueRejected without enough maintenance margin at strict prices."""
    _require(evaluate(world.book([after]), strict=True, maintenance_only=True).maintenance, "maintenance", act)


def keeps_maintenance(world: World, after: PaperAccount) -> bool:
    """Whether an account would be above liquidation at plain prices."""
    totals = evaluate(world.book([after]), maintenance_only=True).maintenance
    return bool(totals.collateral_usd[0] >= totals.requirement_usd[0])


def assess(world: World, account: PaperAccount) -> Evaluation:
    """An account as liquidation sees it, with detail."""
    return evaluate(world.book([account]))


def _require(totals: Totals, kind: str, act: str) -> None:
    collateral_usd, requirement_usd = float(totals.collateral_usd[0]), float(totals.requirement_usd[0])
    if not collateral_usd >= requirement_usd:
        raise VenueRejected(
            f"{act} needs {kind} margin of ${requirement_usd:,.2f} but would leave ${collateral_usd:,.2f} for it; "
            f"deposit ${requirement_usd - collateral_usd:,.2f} more, or ask for less"
        )


def _require_usable_prices(world: World, after: PaperAccount, act: str) -> None:
    snapshot = world.snapshot(after)
    validity = {market.oracle_id: market.oracle_validity for market in snapshot.spot_markets.values()}
    validity |= {market.oracle_id: market.oracle_validity for market in snapshot.perp_markets.values()}
    for oracle_id, state in validity.items():
        if state is not OracleValidity.VALID:
            cause = state.name.lower().replace("_", " ")
            raise VenueUnavailable(f"{act} must wait: the price of {oracle_id} is {cause}; try again later")
