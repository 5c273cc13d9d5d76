"""RPC methods that read accounts and the state of the chain."""

import base64
from collections.abc import Callable, Mapping, Sequence

from tests.support.solana_rpc import base58
from tests.support.solana_rpc.chain import BLOCK_HEIGHT_LAG, Chain
from tests.support.solana_rpc.faults import ACCOUNT_FAULTS, BitFlip, FaultPlan, StaleSlot, Truncate, WrongOwner
from tests.support.solana_rpc.protocol import (
    BLOCK_NOT_AVAILABLE,
    INVALID_PARAMS,
    INVALID_REQUEST,
    Call,
    Json,
    RpcError,
)
from tests.support.world import ChainAccount, rent_exempt_lamports

API_VERSION = "2.2.0"
EPOCH_SLOTS = 432_000
MOST_ACCOUNTS, MOST_FILTERS, MOST_BASE58_BYTES = 100, 4, 128
Handler = Callable[[Call], Json]


class Reads:
    """Answers from the chain, as distorted by the faults that strike."""

    def __init__(self, chain: Chain, faults: FaultPlan) -> None:
        self._chain = chain
        self._faults = faults

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "getAccountInfo": lambda call: self.with_context(call, self.account(call, call.address(), call.config)),
            "getMultipleAccounts": self._multiple_accounts,
            "getProgramAccounts": self._program_accounts,
            "getBalance": self._balance,
            "getSlot": lambda call: self.seen_slot(call.method),
            "getBlockHeight": lambda call: max(0, self.seen_slot(call.method) - BLOCK_HEIGHT_LAG),
            "getBlockTime": self._block_time,
            "getEpochInfo": self._epoch_info,
            "getHealth": lambda call: "ok",
            "getVersion": lambda call: {"solana-core": API_VERSION, "feature-set": 3_073_396_398},
            "getGenesisHash": lambda call: self._chain.world.genesis_hash,
            "getMinimumBalanceForRentExemption": lambda call: rent_exempt_lamports(int(call.argument())),
        }

    def seen_slot(self, method: str) -> int:
        """The slot the node says it stands at."""
        return self._chain.slot - sum(fault.slots for fault in self._faults.take((StaleSlot,), [method]))

    def with_context(self, call: Call, value: Json) -> Json:
        return {"context": {"apiVersion": API_VERSION, "slot": self.seen_slot(call.method)}, "value": value}

    def account(self, call: Call, key: str, config: Mapping[str, Json]) -> Json:
        """An account as the node shows it, none when it does not exist."""
        account = self._chain.account(key)
        return None if account is None else self.shown(call.method, key, account, config)

    def shown(self, method: str, key: str, account: ChainAccount, config: Mapping[str, Json]) -> Json:
        owner, data = account.owner, bytearray(account.data)
        for fault in self._faults.take(ACCOUNT_FAULTS, [method], key):
            match fault:
                case BitFlip(offset=offset, bit=bit):
                    data[offset] ^= 1 << bit
                case Truncate(length=length):
                    del data[length:]
                case WrongOwner(owner=stranger):
                    owner = stranger
        return {
            "data": _encoded(bytes(data), config),
            "executable": False,
            "lamports": account.lamports,
            "owner": owner,
            "rentEpoch": 2**64 - 1,
            "space": len(data),
        }

    def _multiple_accounts(self, call: Call) -> Json:
        keys = call.addresses(MOST_ACCOUNTS)
        config = {"encoding": "base64", **call.config}
        return self.with_context(call, [self.account(call, key, config) for key in keys])

    def _program_accounts(self, call: Call) -> Json:
        program, filters = call.address(), call.config.get("filters") or []
        if len(filters) > MOST_FILTERS:
            raise RpcError(INVALID_PARAMS, f"Too many filters provided; max {MOST_FILTERS}")
        selects = selection(filters)
        rows = [
            {"pubkey": key, "account": self.shown(call.method, key, account, call.config)}
            for key, account in self._chain.accounts_of(program)
            if selects(account.data)
        ]
        return self.with_context(call, rows) if call.config.get("withContext") else rows

    def _balance(self, call: Call) -> Json:
        account = self._chain.account(call.address())
        return self.with_context(call, account.lamports if account else 0)

    def _block_time(self, call: Call) -> Json:
        slot = int(call.argument())
        if slot > self._chain.slot:
            raise RpcError(BLOCK_NOT_AVAILABLE, f"Block not available for slot {slot}")
        return int(self._chain.slot_time_s(slot))

    def _epoch_info(self, call: Call) -> Json:
        slot = self.seen_slot(call.method)
        return {
            "absoluteSlot": slot,
            "blockHeight": max(0, slot - BLOCK_HEIGHT_LAG),
            "epoch": slot // EPOCH_SLOTS,
            "slotIndex": slot % EPOCH_SLOTS,
            "slotsInEpoch": EPOCH_SLOTS,
            "transactionCount": None,
        }


def _encoded(data: bytes, config: Mapping[str, Json]) -> Json:
    cut = config.get("dataSlice")
    if cut:
        data = data[cut["offset"] : cut["offset"] + cut["length"]]
    encoding = config.get("encoding") or "base58"
    if encoding in ("base64", "jsonParsed"):  # nothing here has a parsed form, and nodes answer base64 then
        return [base64.b64encode(data).decode(), "base64"]
    if encoding != "base58":
        raise RpcError(INVALID_PARAMS, f"the fake node has no encoding {encoding}")
    if len(data) > MOST_BASE58_BYTES:
        text = "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding."
        raise RpcError(INVALID_REQUEST, text)
    return [base58.encode(data), "base58"]


def selection(filters: Sequence[Json]) -> Callable[[bytes], bool]:
    """Whether account data passes every ``dataSize`` and ``memcmp`` filter. Raises: RpcError for another kind."""
    sizes, parts = [], []
    for rule in filters:
        if "dataSize" in rule:
            sizes.append(int(rule["dataSize"]))
        elif "memcmp" in rule:
            parts.append((int(rule["memcmp"]["offset"]), _wanted_bytes(rule["memcmp"])))
        else:
            raise RpcError(INVALID_PARAMS, f"Invalid params: unknown filter {sorted(rule)}")

    def selects(data: bytes) -> bool:
        return all(len(data) == size for size in sizes) and all(data.startswith(want, at) for at, want in parts)

    return selects


def _wanted_bytes(rule: Mapping[str, Json]) -> bytes:
    wanted = rule["bytes"]
    if isinstance(wanted, list):
        return bytes(wanted)
    return base64.b64decode(wanted) if rule.get("encoding") == "base64" else base58.decode(wanted)
