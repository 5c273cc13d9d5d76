"""The signer as people run it: its own process on a socket in a temporary folder, and a caller of it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from solders.keypair import Keypair

from bot.signer import wire
from bot.signer.intent import Answer, Ask, AskIdentity, Identity
from bot.signer.journal import Journal
from tests.support import addresses

WAIT_S = 30.0  # for things that are expected to happen, on a busy machine
# Where the chain's clock is moved by hand: a leg may be signed again as soon as its height is over.
SIGNS_AGAIN_AT_ONCE = (
    "-c",
    "from bot.signer import rules; rules.LEAST_RESIGN_S = 0; from bot.signer.__main__ import main; "
    "raise SystemExit(main())",
)
_LONGEST_SOCKET_PATH = 100
_KEY_NAME = "signer"

SAFE: Mapping[str, object] = {
    "reduce_only": True, "stops_without_limit": True, "max_order_usd": 1_000_000, "daily_usd": 100_000_000,
    "daily_cancels": 100_000, "daily_signatures": 100_000, "order_lasts_at_most_s": 10_000_000_000,
    "resign_after_s": 120,
}  # fmt: skip
ON_CHAIN: Mapping[str, object] = {
    "max_compute_units": 1_400_000, "max_unit_price_micro": 1_000_000, "daily_fee_lamports": 10**9,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketLines:
    """One [[market]] of the signer's file. Prices and sizes as they are written there."""

    index: int
    name: str
    price_from_usd: str
    price_to_usd: str
    max_order_base: str = "1000"
    daily_base: str = "100000"


SOL_LINES = MarketLines(index=0, name="SOL-PERP", price_from_usd="50", price_to_usd="500")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLines:
    """One [[account]] of the signer's file; without an authority one of the paper venue."""

    address: str
    authority: str = ""
    sub_account: int = 0

    @classmethod
    def of(cls, owner: str, sub_account: int = 0) -> Self:
        """That of a named test wallet."""
        authority = addresses.address(owner)
        return cls(address=addresses.user_address(authority, sub_account), authority=authority, sub_account=sub_account)


@dataclass(slots=True, kw_only=True)
class SignerProcess:
    """One running signer. Paths are there before it starts and after it ends."""

    config: Path
    socket: Path
    key_file: Path
    state: Path
    public_key: str
    process: "subprocess.Popen[str]"
    stderr: Path
    arguments: tuple[str, ...] = field(default=(), repr=False)
    listened: int = field(default=0, repr=False)

    def logged(self, event: str) -> list[dict[str, Any]]:
        text = self.stderr.read_text(encoding="utf-8")
        lines = text[: text.rfind("\n") + 1].splitlines()  # the last one may be half written
        return [line for one in lines if one.startswith("{") and (line := json.loads(one)).get("event") == event]

    def connect(self) -> "Caller":
        return Caller(self.socket)

    def ask(self, ask: Ask) -> Answer:
        with self.connect() as caller:
            return caller.ask(ask)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(WAIT_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WAIT_S)

    def restart(self) -> None:
        """After ``stop`` or ``kill``: the same file, key and state."""
        self.process = _started(self.config, self.stderr, self.arguments)
        _until_it_answers(self)


class Caller:
    """One connection to a signer."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(WAIT_S)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, raw: bytes) -> None:
        """Any bytes at all."""
        with suppress(BrokenPipeError, ConnectionResetError):  # an answer may be there to read all the same
            self._socket.sendall(raw)

    def end(self) -> None:
        """Nothing more will be sent. The other side may have hung up already."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def send_until_stuck(self, raw: bytes) -> None:
        """Over and over, until nobody takes it any more."""
        self._socket.setblocking(False)
        with suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            for _ in range(100_000):
                self._socket.send(raw)

    def receive(self) -> Answer | None:
        """The next answer; None where the signer has hung up."""
        header = self._exactly(wire.HEADER.size)
        body = None if header is None else self._exactly(wire.length(header))
        return None if body is None else wire.read_answer(body)

    def ask(self, ask: Ask) -> Answer:
        self.send(wire.framed(ask))
        answer = self.receive()
        assert answer is not None, "the signer hung up"
        return answer

    def _exactly(self, count: int) -> bytes | None:
        found = b""
        while len(found) < count:
            try:
                piece = self._socket.recv(count - len(found))
            except ConnectionResetError:
                return None
            if not piece:
                return None
            found += piece
        return found


@contextmanager
def signer_process(
    folder: Path,
    *,
    venue: str = "paper",
    accounts: Sequence[AccountLines | str],
    markets: Sequence[MarketLines] = (SOL_LINES,),
    key: Keypair | str = _KEY_NAME,
    start: bool = True,
    answers: bool = True,
    begun: bool = True,
    arguments: Sequence[str] = (),
    **caps: object,
) -> Iterator[SignerProcess]:
    """A signer whose file, key and state are in ``folder``; it answers when this begins and has ended when it ends.

    Args:
        accounts: Lines of the file; a text is a paper account's name.
        key: Its key, or the name of the test wallet it is of; see tests.support.addresses.
        begun: False for a state folder that is still empty.
        answers: False for one that is to answer nobody.
        start: False to write everything and start nothing.
        arguments: Of the interpreter, in place of ``-m bot.signer``.
        caps: Top-level keys of the file, in place of those of SAFE.
    """
    folder.chmod(0o700)
    near, short = folder / "run" / "signer.sock", None
    if len(str(near)) > _LONGEST_SOCKET_PATH:
        short = Path(tempfile.mkdtemp(prefix="keel-"))
        near = short / "run" / "signer.sock"
    state, key_file, config = folder / "state", folder / "signer.key", folder / "signer.toml"
    state.mkdir(mode=0o700)
    if begun:
        journal = Journal(state)
        journal.begin(0, by_uid=os.getuid())  # before every clock a signer under test may be given
        journal.close()
    pair = addresses.keypair(key) if isinstance(key, str) else key
    write_key(key_file, pair)
    lines = [one if isinstance(one, AccountLines) else AccountLines(address=one) for one in accounts]
    config.write_text(config_text(venue, near, state, key_file, lines, markets, caps), encoding="utf-8")
    config.chmod(0o600)
    stderr = folder / "signer.log"
    stderr.touch()
    chosen = tuple(arguments) or ("-m", "bot.signer")
    running = SignerProcess(
        config=config, socket=near, key_file=key_file, state=state, public_key=str(pair.pubkey()),
        process=_started(config, stderr, chosen) if start else _never_started(), stderr=stderr, arguments=chosen,
    )  # fmt: skip
    try:
        if start:
            (_until_it_answers if answers else _until_it_listens)(running)
        yield running
    finally:
        running.kill()
        if short is not None:
            shutil.rmtree(short)


def write_key(path: Path, pair: Keypair) -> None:
    """A key as solana-keygen writes it."""
    path.write_text(json.dumps(list(bytes(pair))))
    path.chmod(0o400)


def config_text(
    venue: str,
    where: Path,
    state: Path,
    key_file: Path,
    accounts: Sequence[AccountLines],
    markets: Sequence[MarketLines],
    caps: Mapping[str, object],
) -> str:
    """A signer's file."""
    top: dict[str, object] = {
        "venue": venue, "socket": str(where), "state": str(state), "key_file": str(key_file),
        "allowed_uids": [os.geteuid()], **SAFE, **(ON_CHAIN if venue == "drift" else {}), **caps,
    }  # fmt: skip
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in top.items())
    for account in accounts:
        text += f"[[account]]\naddress = {json.dumps(account.address)}\n"
        if account.authority:
            text += f'authority = "{account.authority}"\nsub_account = {account.sub_account}\n'
    for one in markets:
        text += (
            f'[[market]]\nindex = {one.index}\nname = "{one.name}"\nmax_order_base = {one.max_order_base}\n'
            f"daily_base = {one.daily_base}\nprice_from_usd = {one.price_from_usd}\nprice_to_usd = {one.price_to_usd}\n"
        )
    return text


def _started(config: Path, stderr: Path, arguments: Sequence[str]) -> "subprocess.Popen[str]":
    with stderr.open("a", encoding="utf-8") as log:
        return subprocess.Popen(
            [sys.executable, *arguments, "run", "--config", str(config)], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, text=True, start_new_session=True,
        )  # fmt: skip


def _never_started() -> "subprocess.Popen[str]":
    done = subprocess.Popen([sys.executable, "-c", ""], text=True)
    done.wait(WAIT_S)
    return done


def _until_it_answers(running: SignerProcess) -> None:
    _until_it_listens(running)
    assert isinstance(running.ask(AskIdentity()), Identity)


def _until_it_listens(running: SignerProcess) -> None:
    """Not by connecting: from a stranger that would count as a refusal."""
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends and running.process.poll() is None:
        if len(running.logged("signer.listening")) > running.listened:
            running.listened = len(running.logged("signer.listening"))
            return
        time.sleep(0.01)
    raise AssertionError(f"the signer does not answer\n{running.stderr.read_text(encoding='utf-8')}")
