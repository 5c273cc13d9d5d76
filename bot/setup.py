"""keel setup: from a wallet address to an alarm that was acknowledged on a phone."""

import asyncio
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.accounts import free
from bot.clock import SystemClock
from bot.config import VenueName, load_settings
from bot.env_file import write_env
from bot.logs import setup_logging
from bot.roster import Watched
from bot.run import ledger_reader
from bot.secret_settings import secrets_of
from bot.setup_chats import ChatSetup
from bot.text.clean import name
from bot.text.numbers import health_ratio
from risk.decisions.tiers import TierThresholds
from risk.fleet import FleetView
from risk.ports import AccountReader, Clock
from venues.errors import VenueError, VenueRejected

PUBLIC_RPC = "https://api.mainnet-beta.solana.com"
_PROBES = 5
_UNFIT = re.compile(r"[=,:;#$'\"`\\\s]+")  # has a meaning in the env file or when a command is typed
_LOOK_EVERY_S = 0.2
_LAST_WORDS_S = 10.0  # for the notice that the test is over; it does not keep anybody waiting
_TOKEN = re.compile(r"\d{5,15}:[A-Za-z0-9_-]{30,60}")


class Ask(Protocol):
    """Asks a person one question; an empty answer takes the default that the question names."""

    def __call__(self, question: str, *, hidden: bool = False) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """How an RPC endpoint did."""

    median_s: float
    slowest_s: float
    failures: int
    slots_moved: int


class Wizard:
    """One walk through the setup.

    Args:
        ask: Blocking; called in a thread.
        say: Shows a line.
        connect: A reader of the venue at an RPC URL; None for the real one.
        clock: None for the system's.
    """

    def __init__(
        self,
        *,
        env_file: str,
        venue: str,
        ask: Ask,
        say: Callable[[str], object],
        connect: Callable[[str], AccountReader] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._env_file, self._venue = Path(env_file), venue
        self._ask, self._say = ask, say
        self._clock: Clock = clock or SystemClock()
        self._connect = connect or self._solana

    async def run(self, wallet: str, rpc_url: str) -> None:
        """Ends with everything written. Raises: VenueError, BadSettings, StorageError; nothing is written then."""
        settings = load_settings(self._env_file, venue=VenueName.PAPER)
        setup_logging("ERROR", secrets=secrets_of(settings))
        self._say("Keel setup: an account, an RPC, your phone. Nothing here can trade, and no key is needed.\n")
        wallet = wallet or await self._question("Wallet address")
        rpc_url = rpc_url or await self._question(f"Solana RPC URL [{PUBLIC_RPC}]") or PUBLIC_RPC
        reader = self._connect(rpc_url)
        try:
            accounts = await self._find(reader, wallet)
            rating = await rate(reader, accounts[0], self._clock)
            self._say(verdict(rating, settings.check_interval_s))
            watched = await self._name(reader, accounts)
            values = {
                "VENUE": self._venue,
                "RPC_URLS": rpc_url,
                "ACCOUNTS": ",".join(f"{one.account_id}={one.nickname}" for one in watched),
            }
            write_env(self._env_file, values)
            self._say(f"Written to {self._env_file} (readable by you alone).\n")
            chats = ChatSetup(
                settings=settings, env_file=self._env_file, venue=self._venue, reader=reader, watched=watched,
                question=self._question, say=self._say, clock=self._clock,
            )  # fmt: skip
            await chats.run()
        finally:
            await reader.close()
        self._say("Setup is done. Start the bot with: keel run")

    def _solana(self, rpc_url: str) -> AccountReader:
        return ledger_reader([rpc_url], self._venue, self._clock)

    async def _question(self, text: str, *, hidden: bool = False) -> str:
        return await asyncio.to_thread(self._ask, text, hidden=hidden)

    async def _find(self, reader: AccountReader, wallet: str) -> Sequence[str]:
        """Accounts of a wallet, or the one account that was given."""
        if ":" in wallet:
            return [await reader.resolve(wallet)]
        found = await reader.sub_accounts(wallet)
        if found:
            self._say(f"{len(found)} account{'s' if len(found) != 1 else ''} found.")
            return found
        return [await reader.resolve(wallet)]

    async def _name(self, reader: AccountReader, account_ids: Sequence[str]) -> list[Watched]:
        view = FleetView.of(await reader.read(account_ids))
        taken: set[str] = set()
        watched = []
        for at, account_id in enumerate(account_ids):
            number = int(view.book.accounts.sub_account[at])
            proposal = free(suggested(view.book.accounts.names[at], number), taken)
            ratio = health_ratio(float(view.worst_ratio_percent[at]))
            while True:
                answer = await self._question(f"Name of sub-account {number}, health ratio {ratio} [{proposal}]")
                nickname = _UNFIT.sub("-", name(answer or proposal, fallback=proposal)).strip("-") or proposal
                if nickname.lower() not in taken:
                    break
                self._say(f"{nickname} is taken already; names must differ.")
            taken.add(nickname.lower())
            watched.append(Watched(account_id=account_id, nickname=nickname, thresholds=TierThresholds()))
        return watched


async def rate(reader: AccountReader, account_id: str, clock: Clock, probes: int = _PROBES) -> Rating:
    """Read an account a few times, as a check does. Raises: VenueError when not one reading succeeds."""
    times: list[float] = []
    slots: list[int] = []
    last: VenueError | None = None
    for _ in range(probes):
        started = clock.monotonic_s()
        try:
            slots.append((await reader.read([account_id])).slot)
        except VenueRejected:
            raise
        except VenueError as exc:
            last = exc
            continue
        times.append(clock.monotonic_s() - started)
        await clock.sleep(_LOOK_EVERY_S)
    if last is not None and not times:
        raise last
    return Rating(
        median_s=statistics.median(times), slowest_s=max(times), failures=probes - len(times),
        slots_moved=slots[-1] - slots[0],
    )  # fmt: skip


def verdict(rating: Rating, check_interval_s: float) -> str:
    """The rating in words, against how often a check is to run."""
    figures = (
        f"RPC: a reading takes {rating.median_s * 1000:.0f} ms (slowest {rating.slowest_s * 1000:.0f} ms),"
        f" {rating.failures} of {_PROBES} failed."
    )
    if rating.slots_moved <= 0:
        return f"{figures} Its slot did not move: Keel will show UNKNOWN. Use another endpoint."
    if rating.failures or rating.slowest_s > check_interval_s:
        return f"{figures} Too slow or unsteady for a check every {check_interval_s:g} s. Use another, or a second one."
    if rating.slowest_s > check_interval_s / 4:
        return f"{figures} Usable for a check every {check_interval_s:g} s, with little to spare."
    return f"{figures} Good for a check every {check_interval_s:g} s."


def suggested(on_chain: str, sub_account: int) -> str:
    """A nickname to type: the account's own name where it has one, else its number."""
    own = re.sub(r"[^a-z0-9]+", "-", name(on_chain, fallback="").lower()).strip("-").removesuffix("-account")
    return own or ("main" if sub_account == 0 else f"sub-{sub_account}")
