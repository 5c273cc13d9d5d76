"""A data service on loopback: candles, funding and trades as the documentation has them, and what goes wrong."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

HOUR, DAY = 3_600, 86_400
_STEPS = {"60": HOUR, "D": DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: its path, and the first value of each parameter."""

    path: str
    params: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Failure:
    """Answered instead of the truth, ``times`` times."""

    status: int
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1_000_000


def candle(at: int, price: float = 100.0, **changed: object) -> dict[str, object]:
    """A candle as the service tells it."""
    return {
        "ts": at, "fillOpen": price, "fillHigh": price * 1.1, "fillClose": price * 1.01, "fillLow": price * 0.9,
        "oracleOpen": price, "oracleHigh": price * 1.02, "oracleClose": price * 1.01, "oracleLow": price * 0.99,
        "quoteVolume": 1_000.0, "baseVolume": 10.0,
    } | changed  # fmt: skip


class DataServer:
    """Used as ``async with DataServer() as server``.

    Attributes:
        candles: Records by market and resolution ("60", "D"), in any order; they are told newest first, not later than
            ``startTs``, at most ``page`` at a time.
        funding: Records by market, told as ``fundingRates``.
        plain_funding: The same under the newer address, told as ``records``.
        trades: Pages of records by account.
        failure: What is answered instead.
        asked: Every request so far.
    """

    def __init__(self) -> None:
        self.candles: dict[tuple[str, str], list[dict[str, object]]] = {}
        self.funding: dict[str, list[object]] = {}
        self.plain_funding: dict[str, list[object]] = {}
        self.trades: dict[str, list[list[object]]] = {}
        self.failure: Failure | None = None
        self.page = 1_000
        self.asked: list[Asked] = []
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def fill(self, market: str, resolution: str, first: int, count: int, *, price: float = 100.0) -> None:
        """``count`` candles from ``first`` on, each a little dearer."""
        step = _STEPS[resolution]
        records = self.candles.setdefault((market, resolution), [])
        records += [candle(first + at * step, price + at * 0.01) for at in range(count)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            parts = urlsplit(head.split(" ", 2)[1])
            params = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked = Asked(path=unquote(parts.path), params=params)
            self.asked.append(asked)
            status, body, headers = self._answer(asked)
            lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Length: {len(body)}"]
            lines += ["Connection: close", *(f"{name}: {value}" for name, value in headers.items())]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # a client that hangs up is its own affair
        finally:
            writer.close()

    def _answer(self, asked: Asked) -> tuple[int, bytes, Mapping[str, str]]:
        if self.failure is not None and self.failure.times > 0:
            self.failure.times -= 1
            return self.failure.status, self.failure.body, self.failure.headers
        body = self._body(asked)
        return (404, b"{}", {}) if body is None else (200, json.dumps(body).encode(), {})

    def _body(self, asked: Asked) -> object:
        match asked.path.strip("/").split("/"):
            case ["market", symbol, "candles", resolution] if (symbol, resolution) in self.candles:
                return {"success": True, "records": self._page(self.candles[symbol, resolution], asked.params)}
            case ["market", symbol, "fundingRates"] if symbol in self.plain_funding:
                return {"success": True, "records": self.plain_funding[symbol], "meta": {"nextPage": None}}
            case ["fundingRates"] if asked.params.get("marketName") in self.funding:
                return {"fundingRates": self.funding[asked.params["marketName"]]}
            case ["user", account, "trades"] if account in self.trades:
                number, pages = int(asked.params.get("page", "0")), self.trades[account]
                following = str(number + 1) if number + 1 < len(pages) else None
                return {"success": True, "records": pages[number], "meta": {"nextPage": following}}
            case _:
                return None

    def _page(self, records: list[dict[str, object]], params: Mapping[str, str]) -> list[dict[str, object]]:
        until, limit = int(params["startTs"]), min(int(params["limit"]), self.page)
        newest_first = sorted(records, key=lambda one: -float(str(one["ts"])))
        return [one for one in newest_first if float(str(one["ts"])) <= until][:limit]
