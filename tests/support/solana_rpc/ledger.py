"""Transactions a fake node was sent: which landed, how, and when their blockhash dies. Nothing is executed."""

import hashlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from tests.support import addresses
from tests.support.solana_rpc.chain import Chain
from tests.support.solana_rpc.protocol import PREFLIGHT_FAILED, SIGNATURE_INVALID, Json, RpcError
from tests.support.world import ChainAccount

_KEEPER = addresses.keypair("keeper")
HASH_LIFETIME_BLOCKS = 150
FINAL_DEPTH = 32
SIMULATION: Mapping[str, Json] = {"accounts": None, "err": None, "logs": [], "returnData": None, "unitsConsumed": 0}


class LandingMode(Enum):
    """What becomes of a transaction."""

    LAND = "land"
    LAND_FAILED = "lands with a program error"
    LAND_TIMEOUT = "lands, but the connection breaks before the answer"
    DROP = "accepted, never lands"
    EXPIRE = "accepted, never lands, and its blockhash dies at once"
    REJECT = "refused by the node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What a program makes of a transaction: accounts it replaces and lines it logs, or the error it ends with."""

    effects: Mapping[str, ChainAccount] = field(default_factory=dict)
    logs: tuple[str, ...] = ()
    error: Json = None
    units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """How sends end.

    Attributes:
        effects: Accounts replaced once, when the transaction lands without error.
        program: Says what becomes of the transaction's bytes, in place of ``effects`` and ``logs``, and what a
            simulation of it says; it must change nothing itself. None executes nothing.
        custom_error: The program error of LAND_FAILED and REJECT.
        answer_after_s: How long LAND_TIMEOUT keeps the sender waiting.
    """

    mode: LandingMode = LandingMode.LAND
    effects: Mapping[str, ChainAccount] = field(default_factory=dict)
    custom_error: int = 6_003
    answer_after_s: float = 5.0
    logs: tuple[str, ...] = ()
    program: Callable[[bytes], Executed] | None = None

    @property
    def error(self) -> Json:
        return {"InstructionError": [0, {"Custom": self.custom_error}]}


@dataclass(slots=True, kw_only=True)
class Sent:
    """One transaction, however often it was sent; ``landed_slot`` none while it has not landed.

    Attributes:
        logs: None where the node kept none.
        listed: Whether the node has come to listing it under its accounts.
    """

    signature: str
    raw: bytes
    blockhash: str
    accounts: tuple[str, ...]
    signers: tuple[str, ...]
    program_ids: tuple[str, ...]
    mode: LandingMode
    logs: tuple[str, ...] | None
    listed: bool = True
    sends: int = 1
    landed_slot: int | None = None
    landed_at_s: int = 0
    error: Json = None


class ConnectionCut(Exception):
    """The answer is never given; the connection breaks after ``after_s``."""

    def __init__(self, after_s: float) -> None:
        super().__init__("the fake node cuts the connection")
        self.after_s = after_s


def preflight_error(err: Json, text: str) -> RpcError:
    return RpcError(PREFLIGHT_FAILED, f"Transaction simulation failed: {text}", {**SIMULATION, "err": err})


class Ledger:
    """Everything sent, in order, with blockhashes and landings to come."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self.chain_name = ""
        """Of whose blocks these are: two nodes of one chain have the same, two chains with one signer must not."""
        self._hashes: dict[str, int] = {}
        self._next: deque[Landing] = deque()
        self.default_landing = Landing()
        self.draw: Callable[[], Landing] = lambda: self.default_landing
        """The outcome of a send without one of its own. A simulation sees ``default_landing`` coming all the same."""
        self.on_landed: Callable[[Sent], None] = lambda sent: None
        self.sent: dict[str, Sent] = {}
        self.landed: list[Sent] = []
        self.first_slot = 0

    def set_landing(self, landing: Landing, *, count: int | None = None) -> None:
        """The outcome of the next ``count`` sends, or of all without one of their own."""
        if count is None:
            self.default_landing = landing
        else:
            self._next.extend([landing] * count)

    @property
    def coming(self) -> Landing:
        return self._next[0] if self._next else self.default_landing

    def new_blockhash(self) -> tuple[str, int]:
        """The blockhash of the slot and the last block height it is good for."""
        blockhash = str(Hash(hashlib.sha256(f"block {self._chain.slot} {self.chain_name}".encode()).digest()))
        last = self._hashes.setdefault(blockhash, self._chain.block_height + HASH_LIFETIME_BLOCKS)
        return blockhash, last

    def is_alive(self, blockhash: str) -> bool:
        return self._hashes.get(blockhash, -1) >= self._chain.block_height

    def send(self, raw: bytes, transaction: VersionedTransaction, *, preflight: bool) -> str:
        """The signature. Raises: RpcError when refused, ConnectionCut when the answer gets lost."""
        if not all(transaction.verify_with_results()):
            raise RpcError(SIGNATURE_INVALID, "Transaction signature verification failure")
        signature, blockhash = str(transaction.signatures[0]), str(transaction.message.recent_blockhash)
        known = self.sent.get(signature)
        if known is not None:
            known.sends += 1
            if known.landed_slot is not None:
                if preflight:
                    raise preflight_error("AlreadyProcessed", "This transaction has already been processed")
                return signature
        alive = self.is_alive(blockhash)
        if not alive and preflight:
            raise preflight_error("BlockhashNotFound", "Blockhash not found")
        landing = self._next.popleft() if self._next else self.draw()
        if landing.mode is LandingMode.LAND and landing.program is not None and preflight:
            refused = landing.program(raw).error
            if refused is not None:
                raise preflight_error(refused, f"the program refuses it: {refused}")
        if landing.mode is LandingMode.REJECT:
            text = f"Error processing Instruction 0: custom program error: {landing.custom_error:#x}"
            raise preflight_error(landing.error, text)
        sent = known or self._remember(raw, transaction)
        sent.mode, sent.logs = landing.mode if alive else LandingMode.EXPIRE, landing.logs
        if sent.mode in (LandingMode.LAND, LandingMode.LAND_FAILED, LandingMode.LAND_TIMEOUT):
            self._land(sent, landing)
        elif sent.mode is LandingMode.EXPIRE and alive:
            self._chain.advance(HASH_LIFETIME_BLOCKS + 10)
        if sent.mode is LandingMode.LAND_TIMEOUT:
            raise ConnectionCut(landing.answer_after_s)
        return signature

    def _remember(self, raw: bytes, transaction: VersionedTransaction) -> Sent:
        message = transaction.message
        keys = tuple(str(key) for key in message.account_keys)
        sent = Sent(
            signature=str(transaction.signatures[0]),
            raw=raw,
            blockhash=str(message.recent_blockhash),
            accounts=keys,
            signers=keys[: message.header.num_required_signatures],
            program_ids=tuple(sorted({keys[part.program_id_index] for part in message.instructions})),
            mode=LandingMode.DROP,
            logs=(),
        )
        self.sent[sent.signature] = sent
        return sent

    def _land(self, sent: Sent, landing: Landing) -> None:
        sent.landed_slot, sent.landed_at_s = self._chain.slot, int(self._chain.now_s)
        self.landed.append(sent)
        executed = Executed(effects=landing.effects, logs=landing.logs)
        if landing.program is not None:
            executed = landing.program(sent.raw)
            sent.logs = executed.logs
        if sent.mode is LandingMode.LAND_FAILED or executed.error is not None:
            sent.error = executed.error or landing.error
        else:
            for key, account in executed.effects.items():
                self._chain.put_account(key, data=account.data, owner=account.owner, lamports=account.lamports)
        self.on_landed(sent)

    def post(
        self,
        *,
        accounts: Sequence[str],
        logs: Sequence[str] | None,
        program: str,
        effects: Mapping[str, ChainAccount],
        error: Json,
        listed: bool,
    ) -> Sent:
        """A transaction of somebody else that mentions these accounts and lands in the slot of now."""
        instruction = Instruction(
            Pubkey.from_string(program),
            len(self.sent).to_bytes(8, "little"),
            [AccountMeta(Pubkey.from_string(key), False, True) for key in accounts],
        )
        blockhash = Hash.from_string(self.new_blockhash()[0])
        message = Message.new_with_blockhash([instruction], _KEEPER.pubkey(), blockhash)
        transaction = VersionedTransaction(message, [_KEEPER])
        sent = self._remember(bytes(transaction), transaction)
        sent.mode = LandingMode.LAND if error is None else LandingMode.LAND_FAILED
        sent.logs, sent.listed = None if logs is None else tuple(logs), listed
        landing = Landing(mode=sent.mode, effects=effects)
        self._land(sent, landing)
        sent.error = error
        return sent

    def status(self, sent: Sent | None) -> Json:
        """As getSignatureStatuses shows it; none while it has not landed."""
        if sent is None or sent.landed_slot is None:
            return None
        depth = max(0, self._chain.slot - sent.landed_slot)
        return {
            "slot": sent.landed_slot,
            "confirmations": None if depth >= FINAL_DEPTH else depth,
            "confirmationStatus": "finalized" if depth >= FINAL_DEPTH else "confirmed",
            "err": sent.error,
            "status": {"Ok": None} if sent.error is None else {"Err": sent.error},
        }
