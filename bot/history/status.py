"""keel history status: what is known of the past, line by line."""

from pathlib import Path

from bot.market_data import MarketDataManager
from bot.text.ages import age
from bot.text.numbers import count
from risk.model.candles import Interval
from risk.ports import Clock
from storage import Accounts, CandleLog, FillLog, FundingLog, Store


async def status_lines(database: Path, clock: Clock) -> list[str]:
    """Bars by asset, funding by market, fills by account. Raises: StorageError."""
    async with await Store.open(database) as store:
        candles, rates, fills = CandleLog(store), FundingLog(store), FillLog(store)
        history = MarketDataManager(candles, clock, funding=rates)
        daily, hourly = await candles.assets(Interval.DAY), await candles.assets(Interval.HOUR)
        lines = [
            await _bars(history, asset, interval)
            for interval, assets in ((Interval.DAY, sorted({*daily, *hourly})), (Interval.HOUR, hourly))
            for asset in assets
        ]
        lines += [await _funding(history, market) for market in await rates.markets()]
        names = {one.account_id: one.nickname for one in await Accounts(store).watched()}
        lines += [f"fills of {names.get(one, one)}: {count(n)}" for one, n in (await fills.counts()).items()]
    return lines or ["Nothing is known yet: keel history import SOL.csv takes in bars, keel run asks for them."]


async def _bars(history: MarketDataManager, asset: str, interval: Interval) -> str:
    progress = await history.progress(asset, interval)
    found = await history.candles(asset, interval)
    if progress.last_close is None or progress.age_s is None:
        return progress.sentence
    newest = "" if progress.stale else f", the newest {age(progress.age_s)} old"
    return f"{progress.sentence}{newest}, since {str(found.at[0])[:10]}; from {', '.join(progress.sources)}"


async def _funding(history: MarketDataManager, market: str) -> str:
    found = await history.funding(market)
    since = found.rates[0].at.date().isoformat()
    return f"funding of {market}: {count(len(found.rates))} hours since {since}; from {', '.join(found.sources)}"
