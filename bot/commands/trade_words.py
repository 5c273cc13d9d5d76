"""What people type to trade: markets, shares of a position, prices, in any order. What does not fit says what would."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.commands.spec import Usage
from bot.text.clean import name
from bot.text.reader import figure

_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)%", re.ASCII)
_EVERYTHING: Final = ("all", "everything")
_SHARES: Final = {"all": 1.0, "whole": 1.0, "half": 0.5, "quarter": 0.25}
_NUMBER: Final = re.compile(r"\$?(\d{1,12}(?:,\d{3})*(?:\.\d{1,9})?)([km]?)", re.ASCII)
_UNITS: Final = {"": 1.0, "k": 1e3, "m": 1e6}
_MOVE: Final = re.compile("([+\N{MINUS SIGN}-])(\\d{1,3}(?:\\.\\d{1,4})?)%", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceWord:
    """A price as somebody wrote it: one in USD, or a move from where the market is now. One of both is None."""

    usd: float | None = None
    move_frac: float | None = None

    def from_now(self, now_usd: float) -> float:
        """The price that is meant while the market stands at another."""
        return self.usd if self.usd is not None else now_usd * (1 + (self.move_frac or 0.0))


def number_in(word: str) -> float | None:
    """A number of USD as people write it; None for a word that is none. Signs are whoever's who takes them.

    >>> number_in("$1,500.50"), number_in("105k"), number_in("1.2M"), number_in("-5"), number_in("5%")
    (1500.5, 105000.0, 1200000.0, None, None)
    """
    match = _NUMBER.fullmatch(word.lower())
    return float(match[1].replace(",", "")) * _UNITS[match[2]] if match else None


def market_among(word: str, markets: Sequence[str]) -> str | None:
    """The market that is meant by its name, with or without -PERP; None for none of them."""
    wanted = word.upper().removesuffix("-PERP")
    return next((market for market in markets if market.upper().removesuffix("-PERP") == wanted), None)


def share_in(word: str) -> float | None:
    """A share of a position; None for a word that is none. Raises: Usage for one that nobody can close.

    >>> share_in("half"), share_in("25%"), share_in("SOL")
    (0.5, 0.25, None)
    """
    if (known := _SHARES.get(word.lower())) is not None:
        return known
    match = _PERCENT.fullmatch(word)
    if match is None:
        return None
    if not 0 < float(match[1]) <= 100:
        raise Usage(f"{name(word)} of a position cannot be closed; write a share up to 100%, such as half or 25%.")
    return float(match[1]) / 100


def price_in(word: str) -> PriceWord | None:
    """A price, or a move with its sign; None for a word that is neither. Raises: Usage for a price of nothing.

    >>> price_in("$95.50").usd, price_in("-5%").move_frac, price_in("5%")
    (95.5, -0.05, None)
    """
    if match := _MOVE.fullmatch(word):
        move = float(match[2]) / 100 * (1 if match[1] == "+" else -1)
        if move <= -1 or move == 0:
            raise Usage(f"{name(word)} from here is no price above zero; write a move such as -5% or a price.")
        return PriceWord(move_frac=move)
    if (usd := number_in(word)) is not None:
        if usd == 0:
            raise Usage("A price of zero is none; write one above it, or a move such as -5%.")
        return PriceWord(usd=usd)
    return None


def only_market(
    words: Sequence[str], markets: Sequence[str], *, command: str, what: str
) -> tuple[str, tuple[str, ...]]:
    """The one word that names a market, wherever it stands, and the others as they came.

    Args:
        command: For an example: "/close".
        what: The words behind it, for the same.

    Raises: Usage, naming the markets there are.
    """
    found = [(at, market) for at, word in enumerate(words) if (market := market_among(word, markets)) is not None]
    held = ", ".join(markets) or "none"
    if not found:
        if any(word.lower() in _EVERYTHING for word in words):
            raise Usage(f"One market at a time. Positions: {held}. To close every position use /flatten.")
        strange = next((one for one in words if share_in(one) is None and price_in(one) is None), None)
        if strange is not None:
            raise Usage(f"{name(strange)} is no account and no position here. Positions: {held}.")
        example = f", such as {command} {markets[0].removesuffix('-PERP')}{what}" if markets else ""
        raise Usage(f"Say which market{example}. Positions: {held}.")
    if len(found) > 1:
        raise Usage(f"One market at a time: {found[0][1]} or {found[1][1]}.")
    return found[0][1], (*words[: found[0][0]], *words[found[0][0] + 1 :])


def percent(share_frac: float) -> str:
    """A share as it is said back, with every digit that was written.

    >>> percent(0.25), percent(0.125), percent(0.00001)
    ('25%', '12.5%', '0.001%')
    """
    return f"{figure(f'{round(share_frac * 100, 4):.4f}'.rstrip('0').rstrip('.'))}%"
