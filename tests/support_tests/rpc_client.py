"""A bare JSON-RPC client for the tests of the fake node itself."""

from types import TracebackType
from typing import Any, Self

import aiohttp


class RawClient:
    """Posts one call and gives back the whole answer; ``async with RawClient(url) as client``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()

    async def answer(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
        async with self.http.post(self.url, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def result(self, method: str, *params: Any) -> Any:
        answer = await self.answer(method, *params)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    async def error_code(self, method: str, *params: Any) -> int:
        answer = await self.answer(method, *params)
        return int(answer["error"]["code"])
