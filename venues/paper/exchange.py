"""The paper exchange: an in-memory perp venue without a clock. It stands at one second until it is advanced."""

from collections.abc import Sequence

from risk.model.account import Side
from venues.errors import VenueRejected
from venues.paper import money, progress, trading
from venues.paper.conditions import KEEPER_DELAY_S, Conditions
from venues.paper.ledger import Fill, PaperAccount
from venues.paper.markets import DEFAULT_UNIVERSE, Universe
from venues.paper.oracles import OracleBoard
from venues.paper.prices import PricePath
from venues.paper.trading import OrderReport
from venues.paper.world import World

FIRST_SLOT = 300_000_000


class PaperExchange:
    """Accounts, money, orders, funding and liquidation, with the margin rules of the real venue.

    Amounts are floats and are rounded down to the venue's units. Every method raises VenueRejected, with the reason,
    for what the venue would refuse, and VenueUnavailable for what may work later.

    Args:
        path: Prices of every oracle of the universe.
        liquidates: False only flags accounts below maintenance and leaves their positions alone.
        first_slot: Ledger slot at second 0.
        keeper_delay_s: From the second a trigger's price is crossed to the second a keeper executes the order.
    """

    def __init__(
        self,
        path: PricePath,
        *,
        universe: Universe = DEFAULT_UNIVERSE,
        liquidates: bool = True,
        first_slot: int = FIRST_SLOT,
        keeper_delay_s: int = KEEPER_DELAY_S,
    ) -> None:
        board = OracleBoard(universe.oracles, path)
        self.world = World(
            universe=universe,
            board=board,
            first_slot=first_slot,
            liquidates=liquidates,
            conditions=Conditions(keeper_delay_s=keeper_delay_s),
        )

    @property
    def now_s(self) -> int:
        """Seconds since the start."""
        return self.world.now_s

    @property
    def fills(self) -> Sequence[Fill]:
        """Every change of a position since the start, oldest first."""
        return tuple(self.world.fills)

    def advance(self, to_s: int) -> None:
        """Lets time pass until second ``to_s``; a second that has passed changes nothing."""
        progress.advance(self.world, to_s)

    def open_account(self, authority: str, sub_account: int = 0, *, name: str = "") -> str:
        """A new, empty account; returns its id."""
        if not authority or ":" in authority:
            raise VenueRejected("an authority is a name without a colon; choose another")
        account_id = f"{authority}-{sub_account}"
        if account_id in self.world.accounts:
            raise VenueRejected(f"account {account_id} is open already; choose another sub-account")
        self.world.accounts[account_id] = PaperAccount(
            account_id=account_id, authority=authority, sub_account=sub_account, name=name or authority
        )
        return account_id

    def deposit(self, account_id: str, token: str, amount_tokens: float) -> None:
        """Adds tokens. A deposit that restores the margin of an account in liquidation frees it at once."""
        money.deposit(self.world, account_id, token, amount_tokens)

    def withdraw(self, account_id: str, token: str, amount_tokens: float) -> None:
        """Takes tokens out, borrowing what is not there, as long as strict initial margin remains."""
        money.withdraw(self.world, account_id, token, amount_tokens)

    def settle_pnl(self, account_id: str, market: str) -> float:
        """Moves the unsettled PnL of a position, open or closed, into USDC; returns it in USD.

        The venue's pool of other traders' losses never runs dry here, so a gain is always settled in full.
        """
        return money.settle_pnl(self.world, account_id, market)

    def market_order(
        self, account_id: str, market: str, side: Side, size_base: float, *, reduce_only: bool = False
    ) -> OrderReport:
        """Trades at once, at a price that worsens with size, as much as is available this second; the rest is gone."""
        return trading.market_order(self.world, account_id, market, side, size_base, reduce_only=reduce_only)

    def limit_order(
        self, account_id: str, market: str, side: Side, size_base: float, price_usd: float, *, reduce_only: bool = False
    ) -> int:
        """Rests a post-only order and returns its id. From the next second on it fills at its price when crossed."""
        return trading.limit_order(self.world, account_id, market, side, size_base, price_usd, reduce_only=reduce_only)

    def cancel(self, account_id: str, order_id: int) -> None:
        """Takes a resting order out of the book."""
        trading.cancel(self.world, account_id, order_id)

    def set_funding(self, market: str, hourly_frac: float | None) -> None:
        """Fixes a market's funding as a fraction of the price an hour, > 0 when longs pay; None derives it again."""
        index = self.world.universe.perp(market).terms.market_index
        self.world.funding[index].fixed_hourly_frac = hourly_frac
