"""RPC methods about transactions."""

import base64
from collections.abc import Mapping

from solders.transaction import VersionedTransaction

from tests.support.solana_rpc import base58
from tests.support.solana_rpc.chain import Chain
from tests.support.solana_rpc.ledger import SIMULATION, Executed, LandingMode, Ledger, Sent
from tests.support.solana_rpc.protocol import INVALID_PARAMS, VERSION_UNSUPPORTED, Call, Json, RpcError
from tests.support.solana_rpc.reads import Handler, Reads

MOST_SIGNATURES, MOST_STATUSES, MOST_FEE_ACCOUNTS = 1_000, 256, 128
FEE_SLOTS = 20
FEES_MICRO_LAMPORTS = (0, 1, 2_500, 10_000, 0, 25_000, 1_000, 50_000)  # a compute unit's price, by slot


class Sends:
    """Answers from the ledger."""

    def __init__(self, chain: Chain, ledger: Ledger, reads: Reads) -> None:
        self._chain = chain
        self._ledger = ledger
        self._reads = reads

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "getLatestBlockhash": self._latest_blockhash,
            "isBlockhashValid": lambda call: self._reads.with_context(call, self._ledger.is_alive(call.argument())),
            "getRecentPrioritizationFees": self._priority_fees,
            "getSignatureStatuses": self._statuses,
            "getSignaturesForAddress": self._signatures,
            "getTransaction": self._transaction,
            "getFirstAvailableBlock": lambda call: self._ledger.first_slot,
            "simulateTransaction": self._simulate,
            "sendTransaction": self._send,
        }

    def _latest_blockhash(self, call: Call) -> Json:
        blockhash, last = self._ledger.new_blockhash()
        return self._reads.with_context(call, {"blockhash": blockhash, "lastValidBlockHeight": last})

    def _priority_fees(self, call: Call) -> Json:
        if call.params:
            call.addresses(MOST_FEE_ACCOUNTS)
        newest = self._chain.slot
        return [
            {"slot": slot, "prioritizationFee": FEES_MICRO_LAMPORTS[slot % len(FEES_MICRO_LAMPORTS)]}
            for slot in range(newest - FEE_SLOTS + 1, newest + 1)
        ]

    def _statuses(self, call: Call) -> Json:
        keys = call.items(MOST_STATUSES)
        return self._reads.with_context(call, [self._ledger.status(self._ledger.sent.get(key)) for key in keys])

    def _signatures(self, call: Call) -> Json:
        """Newest first; knows the keys in the message, not those of lookup tables."""
        address, config = call.address(), call.config
        limit = int(config.get("limit") or MOST_SIGNATURES)
        if not 1 <= limit <= MOST_SIGNATURES:
            raise RpcError(INVALID_PARAMS, f"Invalid limit; max {MOST_SIGNATURES}")
        rows = [sent for sent in self._ledger.landed[::-1] if sent.listed]
        order = [sent.signature for sent in rows]
        if config.get("until") in order:
            rows = rows[: order.index(config["until"])]
        if config.get("before"):
            rows = rows[order.index(config["before"]) + 1 :] if config["before"] in order else []
        return [
            {
                "signature": sent.signature,
                "slot": sent.landed_slot,
                "err": sent.error,
                "memo": None,
                "blockTime": sent.landed_at_s,
                "confirmationStatus": self._ledger.status(sent)["confirmationStatus"],
            }
            for sent in rows
            if address in sent.accounts
        ][:limit]

    def _transaction(self, call: Call) -> Json:
        sent = self._ledger.sent.get(call.argument())
        if sent is None or sent.landed_slot is None:
            return None
        option = call.params[1] if len(call.params) > 1 else None
        encoding = option if isinstance(option, str) else call.config.get("encoding")
        if encoding not in ("base64", "base58", "json"):
            raise RpcError(INVALID_PARAMS, f"the fake node has no transaction encoding {encoding}; use base64 or json")
        message = VersionedTransaction.from_bytes(sent.raw).message
        legacy = not hasattr(message, "address_table_lookups")
        if not legacy and call.config.get("maxSupportedTransactionVersion") is None:
            text = "Transaction version (0) is not supported by the requesting client."
            raise RpcError(VERSION_UNSUPPORTED, text)
        meta = {
            "err": sent.error,
            "status": {"Ok": None} if sent.error is None else {"Err": sent.error},
            "fee": 5_000 * len(sent.signers),
            "logMessages": None if sent.logs is None else list(sent.logs),
            "preBalances": [0] * len(sent.accounts),
            "postBalances": [0] * len(sent.accounts),
            "innerInstructions": [],
            "preTokenBalances": [],
            "postTokenBalances": [],
            "rewards": [],
            "computeUnitsConsumed": 0,
            "loadedAddresses": {"readonly": [], "writable": []},
        }
        return {
            "slot": sent.landed_slot,
            "blockTime": sent.landed_at_s,
            "meta": meta,
            "transaction": _shown(sent, encoding),
            "version": "legacy" if legacy else 0,
        }

    def _simulate(self, call: Call) -> Json:
        raw, transaction = _parsed(call)
        coming = self._ledger.coming
        if not self._ledger.is_alive(str(transaction.message.recent_blockhash)):
            return self._reads.with_context(call, {**SIMULATION, "err": "BlockhashNotFound"})
        fails = coming.mode in (LandingMode.REJECT, LandingMode.LAND_FAILED)
        executed = Executed() if coming.program is None else coming.program(raw)
        outcome = {
            "err": coming.error if fails else executed.error,
            "logs": list(executed.logs),
            "unitsConsumed": executed.units,
        }
        return self._reads.with_context(call, {**SIMULATION, **outcome})

    def _send(self, call: Call) -> Json:
        raw, transaction = _parsed(call)
        return self._ledger.send(raw, transaction, preflight=not call.config.get("skipPreflight"))


def _shown(sent: Sent, encoding: str) -> Json:
    if encoding == "json":
        return {
            "signatures": [sent.signature],
            "message": {"accountKeys": list(sent.accounts), "recentBlockhash": sent.blockhash, "instructions": []},
        }
    return [base64.b64encode(sent.raw).decode() if encoding == "base64" else base58.encode(sent.raw), encoding]


def _parsed(call: Call) -> tuple[bytes, VersionedTransaction]:
    text = call.argument()
    try:
        raw = base64.b64decode(text, validate=True) if call.config.get("encoding") == "base64" else base58.decode(text)
        return raw, VersionedTransaction.from_bytes(raw)
    except (TypeError, ValueError) as exc:
        raise RpcError(INVALID_PARAMS, f"failed to deserialize transaction: {exc}") from exc
