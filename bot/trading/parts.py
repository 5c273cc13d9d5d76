"""What the rest of the bot may use of trading. Made once, by the composition root; None where trading is not set up."""

from dataclasses import dataclass

from bot.trading.cards.card import ChatCards
from bot.trading.cards.keeper import CardKeeper
from bot.trading.desk import Desk
from bot.trading.halt import Halting
from bot.trading.rules import TradingRules
from bot.trading.signer_watch import SignerWatch
from storage import Audit, Pins, Proposals, Resting, StandingApprovals, TradeHistory, TradingStates


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """The parts of trading.

    Attributes:
        gateway_name: Where orders go, as it is shown to people: "paper".
        signer: None where nobody signs.
    """

    desk: Desk
    halting: Halting
    proposals: Proposals
    cards: ChatCards
    keeper: CardKeeper
    standing: StandingApprovals
    states: TradingStates
    pins: Pins
    audit: Audit
    resting: Resting
    history: TradeHistory
    rules: TradingRules
    gateway_name: str
    signer: SignerWatch | None = None
