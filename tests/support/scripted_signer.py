"""Something on a Unix socket that speaks as a signer does, and says what a test wants it to."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.signer import wire
from bot.signer.intent import Answer, Ask, Enter, Given, Identity, MarketCap, Sign, SigningVenue
from tests.support import addresses

KEY = addresses.keypair("scripted signer")

WELL = Identity(
    public_key=str(KEY.pubkey()), venue=SigningVenue.PAPER, accounts=("ann-0", "demo-0"),
    markets=(
        MarketCap(
            index=0, name="SOL-PERP", max_order_raw_1e9=1_000 * 10**9, daily_raw_1e9=10_000 * 10**9, used_raw_1e9=0,
            price_from_raw_1e6=50 * 10**6, price_to_raw_1e6=500 * 10**6,
        ),
    ),
    reduce_only=True, stops_without_limit=True, max_order_raw_1e6=100_000 * 10**6, daily_raw_1e6=1_000_000 * 10**6,
    used_raw_1e6=0, order_lasts_at_most_s=100_000, cancels_left=500, signatures_left=500, epoch=0, locked="",
    journal_id="1" * 32, journal_rows=1, journal_head="0" * 64,
)  # fmt: skip

Reply = Callable[[Ask], Answer | None]


def honest(ask: Ask) -> Answer:
    """What a signer without rules says."""
    if isinstance(ask, Sign):
        return Given(signature=bytes(KEY.sign_message(ask.intent.message)), again=False)
    return replace(WELL, epoch=ask.epoch) if isinstance(ask, Enter) else WELL


@dataclass(slots=True)
class ScriptedSigner:
    """Answers each ask with the first of the replies that are left, and honestly once none is.

    Attributes:
        replies: To asks for a signature. None of them hangs up without a word.
        always: To all others.
        silent: Nothing is answered at all.
        asked: Frames as they came, without their length.
    """

    path: Path
    replies: list[Reply] = field(default_factory=list)
    always: Reply = honest
    silent: bool = False
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0
    _heard: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def heard(self, count: int) -> None:
        """Until so many asks have come."""
        async with self._heard:
            await self._heard.wait_for(lambda: len(self.asked) >= count)

    @property
    def signings(self) -> list[bytes]:
        return [one for one in self.asked if isinstance(wire.read_ask(one), Sign)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while header := await reader.read(wire.HEADER.size):
                body = await reader.readexactly(wire.length(header))
                self.asked.append(body)
                async with self._heard:
                    self._heard.notify_all()
                if self.silent:
                    continue
                ask = wire.read_ask(body)
                reply = self.replies.pop(0) if isinstance(ask, Sign) and self.replies else None
                answer = (reply or (honest if isinstance(ask, Sign) else self.always))(ask)
                if answer is None:
                    return
                writer.write(wire.framed(answer))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def scripted_signer() -> AsyncIterator[ScriptedSigner]:
    folder = Path(tempfile.mkdtemp(prefix="keel-"))
    signer = ScriptedSigner(folder / "signer.sock")
    server = await asyncio.start_unix_server(signer.serve, signer.path)
    try:
        yield signer
    finally:
        server.close()
        shutil.rmtree(folder)
