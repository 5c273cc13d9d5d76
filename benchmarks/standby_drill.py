"""python -m benchmarks.standby_drill

Two machines on this one: a primary that watches an account, a standby beside it with another node, both with the real
30 s. The primary is killed, and in a second round its cable is cut. Printed is how long after that the page arrived.
It takes about two minutes.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.support.cut_proxy import CutProxy, free_port
from tests.support.keel_process import KeelProcess, keel
from tests.support.phone import Phone
from tests.support.scenarios import sol_long
from tests.support.solana_rpc import running_rpc
from tests.support.telegram import TelegramServer

TARGET_S = 45.0
_PATIENCE_S = 90.0
_SETTLE_S = 12.0  # for a beat or two that know the chat
_SECRET = "a secret of the drill alone"  # noqa: S105 - for loopback

Harm = Callable[[KeelProcess, CutProxy], Awaitable[None]]


async def _kill(primary: KeelProcess, proxy: CutProxy) -> None:
    await primary.kill()


async def _cut(primary: KeelProcess, proxy: CutProxy) -> None:
    proxy.cut()


async def drill(harm: Harm, folder: Path) -> float:
    """Seconds from the harm to the page on the phone."""
    scene, port = sol_long(leverage=5), free_port()
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(TelegramServer())
        proxy = await stack.enter_async_context(CutProxy(port))
        nodes = [stack.enter_context(running_rpc(scene.world, slots_per_s=10.0)) for _ in range(2)]
        phone = Phone(telegram)
        shared = {
            "DATA_URL": "off", "VENUE": "drift", "ACCOUNTS": f"{scene.user}=main", "TELEGRAM_TOKEN": telegram.token,
            "TELEGRAM_BASE_URL": telegram.url, "ALLOW_LOOPBACK_PLATFORMS": "true", "HEARTBEAT_SECRET": _SECRET,
        }  # fmt: skip
        standby_env = {
            **shared, "RPC_URLS": nodes[1].url, "DATABASE_PATH": str(folder / "standby.sqlite3"),
            "STANDBY_LISTEN": f"127.0.0.1:{port}",
        }  # fmt: skip
        primary_env = {
            **shared, "RPC_URLS": nodes[0].url, "DATABASE_PATH": str(folder / "primary.sqlite3"),
            "HEARTBEAT_URLS": f"http://127.0.0.1:{proxy.port}/keel/beat",
        }  # fmt: skip
        standby = await stack.enter_async_context(keel("standby", env=standby_env, folder=folder))
        await standby.until(lambda: standby.logged("standby.listening"), "the standby", _PATIENCE_S)
        primary = await stack.enter_async_context(keel("run", env=primary_env, folder=folder))
        await phone.link(await primary.link_code())
        await standby.until(lambda: standby.logged("primary.heard"), "a beat", _PATIENCE_S)
        await asyncio.sleep(_SETTLE_S)
        began_s = time.monotonic()
        await harm(primary, proxy)
        await phone.until(
            lambda: any("primary silent since" in message.text for message in phone.messages), "page", _PATIENCE_S
        )
        return time.monotonic() - began_s


async def main() -> int:
    missed = 0
    for name, harm in (("killed", _kill), ("cut off", _cut)):
        with tempfile.TemporaryDirectory() as folder:
            took_s = await drill(harm, Path(folder))
        missed += took_s > TARGET_S
        print(f"primary {name}: paged after {took_s:.1f} s (target {TARGET_S:g} s)", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
