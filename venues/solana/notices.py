"""What the venue says of itself, in words a trader knows: pauses, reduce-only and settling markets. No errors."""

from collections.abc import Mapping, Set

from risk.margin.book import Pause
from risk.model.market import MarketStatus
from venues.solana.decode_markets import Markets
from venues.solana.profiles import Profile

_STATUS_WORDS = {
    MarketStatus.INITIALIZED: "not open yet",
    MarketStatus.FUNDING_PAUSED: "paused: funding",
    MarketStatus.AMM_PAUSED: "paused: AMM",
    MarketStatus.FILL_PAUSED: "paused: fill",
    MarketStatus.WITHDRAW_PAUSED: "paused: withdraw",
    MarketStatus.REDUCE_ONLY: "reduce only",
    MarketStatus.SETTLEMENT: "in settlement",
    MarketStatus.DELISTED: "delisted",
}


def notices(profile: Profile, markets: Markets, perps: Set[int], spots: Set[int]) -> tuple[str, ...]:
    """The exchange's pauses, and the state of the markets at these rows of their tables."""
    lines = []
    if markets.state.exchange_status:
        lines.append(f"exchange paused: {_paused(markets.state.exchange_status, profile.exchange_pauses)}")
    for rows, table, paused, words in (
        (perps, markets.perps, markets.perp_rows.paused, profile.perp_pauses),
        (spots, markets.spots, markets.spot_rows.paused, profile.spot_pauses),
    ):
        for row in sorted(rows):
            status = MarketStatus(int(table.status[row]))
            if status in _STATUS_WORDS:
                lines.append(f"{table.names[row]} {_STATUS_WORDS[status]}")
            if paused[row]:
                lines.append(f"{table.names[row]} paused: {_paused(int(paused[row]), words)}")
    return tuple(lines)


def pauses(profile: Profile, markets: Markets, perps: Set[int], spots: Set[int]) -> tuple[Pause, ...]:
    """The same pauses one by one; what the status of a market says is not among them."""
    everywhere = _named(markets.state.exchange_status, profile.exchange_pauses)
    found = [Pause(market="", what=word) for word in everywhere]
    for rows, table, paused, words in (
        (perps, markets.perps, markets.perp_rows.paused, profile.perp_pauses),
        (spots, markets.spots, markets.spot_rows.paused, profile.spot_pauses),
    ):
        for row in sorted(rows):
            found += [Pause(market=table.names[row], what=word) for word in _named(int(paused[row]), words)]
    return tuple(found)


def _paused(bits: int, words: Mapping[int, str]) -> str:
    known = sum(words)
    return "everything" if bits & known == known else ", ".join(_named(bits, words))


def _named(bits: int, words: Mapping[int, str]) -> list[str]:
    named = [word for bit, word in words.items() if bits & bit]
    return [*named, "something unknown"] if bits & ~sum(words) else named
