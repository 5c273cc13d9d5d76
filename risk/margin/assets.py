"""Which asset a market is about, by its name: a perp, its wrapped or staked token and a 1,000-fold multiple are one."""

import re

import numpy as np

from risk.margin.book import BoolArray, FleetBook

_MULTIPLE = re.compile(r"^1[KM](?=[A-Z])")
_WRAPPED = re.compile(r"^(?:w|cb|z|x|f)(?=BTC$|ETH$)")
_STAKED_SOL = frozenset({"MSOL", "JITOSOL", "BSOL", "DSOL", "BNSOL", "JUPSOL", "INF", "HSOL", "LAINESOL", "BONKSOL"})


def asset_of(market: str) -> str:
    """The asset behind a market's name.

    >>> [asset_of(name) for name in ("SOL-PERP", "wBTC", "1MBONK-PERP", "jitoSOL", "USDC")]
    ['SOL', 'BTC', 'BONK', 'SOL', 'USDC']
    """
    name = market.strip().removesuffix("-PERP")
    name = _WRAPPED.sub("", _MULTIPLE.sub("", name))
    return "SOL" if name.upper() in _STAKED_SOL else name


def is_dollar(market: str) -> bool:
    """Whether a token is meant to be worth one dollar.

    >>> [is_dollar(name) for name in ("USDC", "PYUSD", "USDS-1", "SOL")]
    [True, True, True, False]
    """
    return "USD" in market.upper() and not market.endswith("-PERP")


def columns_of(book: FleetBook) -> dict[str, BoolArray]:
    """Oracle columns of every asset in a book, by asset; dollar tokens included under their own names."""
    columns: dict[str, BoolArray] = {}
    for names, oracles in (
        (book.perp_markets.names, book.perp_markets.oracle),
        (book.spot_markets.names, book.spot_markets.oracle),
    ):
        for name, oracle in zip(names, oracles, strict=True):
            mask = columns.setdefault(asset_of(name), np.zeros(len(book.oracles.ids), np.bool_))
            # One feed under several multiples is one price.
            mask |= book.oracles.feeds == book.oracles.feeds[oracle]
    return columns


def dollar_columns(book: FleetBook) -> BoolArray:
    """Oracle columns of dollar tokens, shape (n_oracles,)."""
    mask = np.zeros(len(book.oracles.ids), np.bool_)
    for name, oracle in zip(book.spot_markets.names, book.spot_markets.oracle, strict=True):
        if is_dollar(name):
            mask |= book.oracles.feeds == book.oracles.feeds[oracle]
    return mask
