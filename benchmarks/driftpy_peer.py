"""driftpy doing the same job on the same accounts. The only module here that imports it.

Twice: through its own client, as anybody who uses it would; and with that client replaced by dictionaries, which is the
least any caller could pay, and less than driftpy's own subscribers cost. Either way it computes less than the program:
it leaves out high-leverage mode, isolated positions and ratios per position, among others.
"""

import asyncio
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, Protocol, Self

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from benchmarks.sample import Sample
from risk.margin.book import IntArray
from tests.support.drift_market_layout import PERP_MARKET, SPOT_MARKET

CLIENT = "driftpy"
STUBBED = "driftpy, its client stubbed"


def installed() -> bool:
    """Whether there is a peer; it comes with the extra ``drift``."""
    return find_spec("driftpy") is not None


class User(Protocol):
    """What is used of DriftUser."""

    def get_health(self) -> int: ...

    def get_perp_liq_price(self, perp_market_index: int) -> int | None: ...


class Price(Protocol):
    """An oracle reading of driftpy, whose price may be changed."""

    price: int


def decoder() -> Callable[[bytes], object]:
    """driftpy's fast decode of one user account."""
    from driftpy.decode.user import decode_user

    return decode_user


class Stub:
    """Markets and prices of a sample behind the names DriftUser asks for."""

    def __init__(self, sample: Sample) -> None:
        from driftpy.accounts.oracle import DRIFT_CODER

        perps = [DRIFT_CODER.accounts.decode(raw) for raw in sample.world.of_layout(PERP_MARKET).values()]
        spots = [DRIFT_CODER.accounts.decode(raw) for raw in sample.world.of_layout(SPOT_MARKET).values()]
        book = sample.book
        self.program = SimpleNamespace(provider=SimpleNamespace(connection=None))  # looked up, never used
        self.perp_prices = _prices(sample, book.perp_markets.market_index, book.perp_markets.oracle)
        self.spot_prices = _prices(sample, book.spot_markets.market_index, book.spot_markets.oracle)
        self.get_perp_market_account = {market.market_index: market for market in perps}.__getitem__
        self.get_spot_market_account = {market.market_index: market for market in spots}.__getitem__
        self.get_oracle_price_data_for_perp_market = self.perp_prices.__getitem__
        self.get_oracle_price_data_for_spot_market = self.spot_prices.__getitem__
        self.get_spot_market_accounts = lambda: spots

    def user(self, raw: bytes) -> User:
        """A DriftUser that has the account's used slots already."""
        from driftpy.accounts.types import DataAndSlot
        from driftpy.decode.user import decode_user
        from driftpy.drift_user import DriftUser

        subscription: Any = _InMemory(DataAndSlot(0, decode_user(raw)))
        return DriftUser(self, Pubkey.default(), subscription)

    def columns(self, sample: Sample) -> list[tuple[Price, int]]:
        """Every reading with the oracle column that prices it."""
        perps, spots = sample.book.perp_markets, sample.book.spot_markets
        return [
            (prices[index], column)
            for prices, table in ((self.perp_prices, perps), (self.spot_prices, spots))
            for index, column in zip(table.market_index.tolist(), table.oracle.tolist(), strict=True)
        ]


def _prices(sample: Sample, market_index: IntArray, oracle: IntArray) -> dict[int, Price]:
    from driftpy.types import OraclePriceData

    return {
        index: OraclePriceData(int(sample.book.oracles.price_1e6[column]), sample.world.slot, 0, 0, 0, True)
        for index, column in zip(market_index.tolist(), oracle.tolist(), strict=True)
    }


class _InMemory:
    """A subscription that has its answer: both the configuration and the subscriber it makes."""

    def __init__(self, read: object) -> None:
        self._read = read

    def get_user_client_subscriber(self, *_: object) -> "_InMemory":
        return self

    def get_user_account_and_slot(self) -> object:
        return self._read


class Client:
    """DriftClient and a DriftUser per account in driftpy's own cached mode, filled from a node."""

    def __init__(self, sample: Sample, url: str) -> None:
        from driftpy.account_subscription_config import AccountSubscriptionConfig
        from driftpy.drift_client import DriftClient
        from driftpy.drift_user import DriftUser
        from solana.rpc.async_api import AsyncClient

        stub, book = Stub(sample), sample.book
        perps, spots = book.perp_markets.market_index.tolist(), book.spot_markets.market_index.tolist()
        self._connection = AsyncClient(url)
        self._client = DriftClient(
            self._connection,
            Keypair(),
            account_subscription=AccountSubscriptionConfig("cached"),
            perp_market_indexes=perps,
            spot_market_indexes=spots,
            oracle_infos=_oracles(stub, perps, spots),
        )
        users = [DriftUser(self._client, key, AccountSubscriptionConfig("cached")) for key in sample.keys]
        self.users: Sequence[User] = users
        self._subscribers = [user.account_subscriber for user in users]

    async def refresh(self) -> None:
        """Read everything again."""
        subscriber: Any = self._client.account_subscriber
        await subscriber.fetch()
        await asyncio.gather(*(own.fetch() for own in self._subscribers))

    async def __aenter__(self) -> Self:
        await self.refresh()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


def _oracles(stub: Stub, perps: list[int], spots: list[int]) -> list[Any]:
    from driftpy.types import OracleInfo

    feeds = [stub.get_perp_market_account(index).amm for index in perps]
    markets = [stub.get_spot_market_account(index) for index in spots]
    infos = [OracleInfo(feed.oracle, feed.oracle_source) for feed in feeds]
    return infos + [OracleInfo(market.oracle, market.oracle_source) for market in markets]


def loaded(sample: Sample, url: str) -> Sequence[User]:
    """Users of a sample as driftpy reads them, with nothing left to fetch."""

    async def read() -> Sequence[User]:
        async with Client(sample, url) as client:
            return client.users

    return asyncio.run(read())
