"""What records of the program call markets by number, as people know them."""

from collections.abc import Mapping
from dataclasses import dataclass

from risk.model.account import MarketKind
from venues.solana.borsh import Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """A spot market's name and the decimals of its token."""

    name: str
    decimals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketNames:
    """Markets by index: those that could be read."""

    perps: Mapping[int, str]
    spots: Mapping[int, TokenFacts]

    def perp(self, index: int) -> str:
        """A perp market's name; its number where there is none."""
        return self.perps.get(index) or f"perp market {index}"

    def token(self, index: int) -> TokenFacts:
        """A spot market. Raises: Unreadable where nothing is known of it, for then no amount means anything."""
        try:
            return self.spots[index]
        except KeyError:
            raise Unreadable(f"spot market {index} could not be read") from None

    def named(self, kind: MarketKind, index: int) -> str:
        return self.perp(index) if kind is MarketKind.PERP else self.token(index).name

    def unit(self, kind: MarketKind, index: int) -> int:
        """How many of the program's units one base unit or token has. Raises: Unreadable."""
        return 10**9 if kind is MarketKind.PERP else 10 ** self.token(index).decimals
