"""DriftGateway: orders on Drift, from what was agreed on to what the chain says became of it."""

import asyncio
import importlib.util
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from risk.margin.snapshot import snapshot_of
from risk.model.account import OpenOrder
from risk.model.trading import Fate, FateKind, MarketDepth, OrderBatch, PlacedOrder, Signed
from risk.ports import Clock
from venues.errors import VenueRejected, VenueUnavailable
from venues.signing import OrderSigner, SigningRequest
from venues.solana import profiles
from venues.solana.account_state import AccountState
from venues.solana.accounts import Fetched
from venues.solana.adapter import DriftAdapter
from venues.solana.addresses import parse_key, perp_market_address, user_stats_address
from venues.solana.budget import unit_limit, unit_price_micro
from venues.solana.client import ClientManager
from venues.solana.decode_users import Users, gather, read_users
from venues.solana.depth import DepthReader
from venues.solana.drafts import Draft, check_fits, unsigned
from venues.solana.fates import Fates
from venues.solana.mark import Mark
from venues.solana.order_reports import OrderReports
from venues.solana.orders import (
    Call,
    CallAccounts,
    TakeOrder,
    calls_of,
    check_against_market,
    remaining_accounts,
    writable_markets,
)
from venues.solana.orders_read import BudgetCaps, require_exactly
from venues.solana.profiles import Profile
from venues.solana.reading import Reader, Reading
from venues.solana.refusals import ErrorNames, sentence
from venues.solana.sender import Sender
from venues.solana.settings import SolanaSettings
from venues.solana.tasks import end

_TOO_OLD = "BlockhashNotFound"


class InstructionBuilder(Protocol):
    """Who builds calls of the venue's program; drift_sdk has the one there is."""

    errors: ErrorNames

    def build(self, call: Call, accounts: CallAccounts, remaining: Sequence[AccountMeta]) -> Instruction: ...


@dataclass(frozen=True, slots=True, eq=False)
class _Trading:
    """An account that is read as if it were in the markets it is about to trade in."""

    users: Users
    more: frozenset[int]

    @property
    def perp_indexes(self) -> AbstractSet[int]:
        return self.users.perp_indexes | self.more

    @property
    def spot_indexes(self) -> AbstractSet[int]:
        return self.users.spot_indexes


def connect_orders(settings: SolanaSettings, *, clock: Clock, signer: OrderSigner | None = None) -> "DriftGateway":
    """The gateway the settings describe. Without a signer it reads and quotes, and nothing is sent.

    Raises: VenueRejected for a venue that cannot be traded on, or no driftpy.
    """
    return DriftGateway(profiles.load(settings.profile), settings, signer, clock=clock)


class DriftGateway:
    """Implements risk.trade_ports.OrderGateway."""

    def __init__(self, profile: Profile, settings: SolanaSettings, signer: OrderSigner | None, *, clock: Clock) -> None:
        """Raises: VenueRejected, as connect_orders."""
        if profile.trading is None:
            raise VenueRejected(f"orders on {profile.name} are not known to this program; set TRADING to off")
        self._profile, self._facts, self._settings = profile, profile.trading, settings
        self._signer, self._clock = signer, clock
        self._client = ClientManager(settings, clock=clock)
        self._sender, self._fates = Sender(self._client), Fates(profile, self._client)
        self._reader = Reader(profile, self._client)
        self._adapter = DriftAdapter(profile, self._client, settings, clock=clock)
        self._depths = DepthReader(profile, profile.trading, self._client, clock=clock)
        self._reports = OrderReports(profile, self._client)
        self._extra: dict[str, frozenset[Pubkey]] = {}
        self._builder: Future[InstructionBuilder] | None = None if signer is None else self._start_loading()

    @property
    def name(self) -> str:
        where = " on loopback" if self._settings.on_this_machine else ""
        return f"{self._profile.name.capitalize()}{where}"

    def _start_loading(self) -> "Future[InstructionBuilder]":
        """Importing driftpy takes seconds: it begins now, in a thread, so that the first order need not wait."""
        if importlib.util.find_spec("driftpy") is None:
            raise VenueRejected("trading on Drift needs driftpy, which is not installed: run make drift")
        executor = ThreadPoolExecutor(1, thread_name_prefix="driftpy")
        loading = executor.submit(_load_builder)
        loading.add_done_callback(self._loaded)
        executor.shutdown(wait=False)
        return loading

    def _loaded(self, loading: "Future[InstructionBuilder]") -> None:
        if not loading.cancelled() and loading.exception() is None:
            self._sender.errors = self._fates.errors = loading.result().errors

    async def warm(self) -> None:
        """Wait until orders can be built. Raises: VenueRejected without a signer."""
        await self._ready()

    async def _ready(self) -> tuple[OrderSigner, InstructionBuilder]:
        if self._signer is None or self._builder is None:
            raise VenueRejected(
                "nobody signs orders here; start keel signer with the delegate's key, and name its socket in "
                "SIGNER_SOCKET"
            )
        return self._signer, await asyncio.shield(asyncio.wrap_future(self._builder))

    async def depth(self, account_id: str, markets: Sequence[str]) -> Mapping[str, MarketDepth]:
        """See risk.trade_ports.DepthSource."""
        return await self._depths.depth(account_id, markets)

    async def prepare(self, batch: OrderBatch) -> Signed:
        """See risk.trade_ports.OrderGateway."""
        if self._clock.now() > batch.consent.holds_until:
            raise VenueRejected("the approval for this is over; propose it again")
        signer, builder = await self._ready()
        public_key = await signer.public_key()
        calls = calls_of(self._facts, batch)
        key = parse_key(batch.account_id)
        writable = [key, *(perp_market_address(self._profile, index) for index in writable_markets(batch))]
        asked = (
            asyncio.create_task(self._read(key, batch)),
            asyncio.create_task(self._sender.blockhash()),
            asyncio.create_task(self._sender.recent_fees(writable)),
        )
        try:
            reading, recent, fees = await asyncio.gather(*asked)
        finally:
            await end(asked)
        state = AccountState.of(self._profile, key, reading.fetched)
        self._check_key(state, public_key)
        check_against_market(self._profile, reading.fetched, batch)
        remaining = remaining_accounts(self._profile, reading.users.users, reading.fetched, batch)
        accounts = CallAccounts(
            authority=state.authority, sub_account=state.sub_account, signer=Pubkey.from_string(public_key)
        )
        instructions = [builder.build(call, accounts, remaining[_changed(call)]) for call in calls]
        price = unit_price_micro(
            fees, floor=self._settings.priority_fee_floor_micro, cap=self._settings.priority_fee_cap_micro
        )
        draft = Draft(instructions=instructions, payer=accounts.signer, blockhash=recent.blockhash, price_micro=price)
        widest = draft.message(self._settings.compute_cap_units)
        check_fits(widest, batch)
        # Asked only now that the blockhash is there, so that no height can be of a time before it.
        following = (
            asyncio.create_task(self._simulated(widest)),
            asyncio.create_task(self._sender.horizon(recent)),
        )
        try:
            units, horizon = await asyncio.gather(*following)
        finally:
            await end(following)
        message = draft.message(units)
        # Before the signer is asked: it looks for itself, and must never have to refuse what comes from here.
        require_exactly(self._profile, bytes(message), batch, signer=public_key, caps=BudgetCaps.of(self._settings))
        self._check_statistics(message, batch, state)
        request = SigningRequest(
            batch=batch, message=bytes(message), height=horizon.height, valid_until=horizon.last_valid_height,
            authority=str(state.authority), sub_account=state.sub_account, blockhash=str(recent.blockhash),
            unit_limit=units, unit_price_micro=price,
            remaining=tuple(str(one.pubkey) for one in remaining[frozenset()]),
        )  # fmt: skip
        signature = Signature.from_bytes((await signer.sign(request)).signature)
        transaction = VersionedTransaction.populate(message, [signature])
        if not all(transaction.verify_with_results()):
            raise VenueRejected("the signer gave a signature that does not fit; check which key it holds")
        mark = Mark(
            slot=state.slot,
            next_order_id=state.next_order_id,
            bases_raw_1e9={one.market_index: state.base_raw_1e9(one.market_index) for one in batch.terms},
            resting=tuple(sorted(state.orders)),
        )
        return Signed(
            signature=str(signature),
            raw=bytes(transaction),
            last_valid_height=horizon.last_valid_height,
            mark=mark.text(),
        )

    async def _read(self, key: Pubkey, batch: OrderBatch) -> Reading[_Trading]:
        more = frozenset(one.market_index for one in batch.terms)

        def decode(fetched: Fetched) -> _Trading:
            users = read_users(
                self._profile, gather(self._profile, [key], [fetched.accounts.get(key)]), with_orders=True
            )
            if users.refused:
                raise users.refused[0]
            return _Trading(users, more)

        reading = await self._reader.read([key], self._extra.get(batch.account_id, ()), decode)
        self._extra[batch.account_id] = reading.extra
        return reading

    def _check_key(self, state: AccountState, key: str) -> None:
        """Raises: VenueRejected for a key that may not, or should not, trade for the account."""
        if str(state.delegate) == key:
            return
        if str(state.authority) != key:
            raise VenueRejected(
                "the signer's key is not the account's delegate; name it as delegate at the venue, or give the signer "
                "another"
            )
        if not self._settings.allow_owner_key:
            raise VenueRejected(
                "the signer's key is the account's owner, which can also withdraw; name a delegate at the venue and "
                "give the signer its key, or allow the owner's on purpose with ALLOW_OWNER_KEY"
            )

    def _check_statistics(self, message: Message, batch: OrderBatch, state: AccountState) -> None:
        """Beside the account and its market, only the owner's own statistics may change."""
        own = user_stats_address(self._profile, bytes(state.authority))
        signers, header = message.header.num_required_signatures, message.header
        writable = message.account_keys[signers : len(message.account_keys) - header.num_readonly_unsigned_accounts]
        allowed = {own, parse_key(batch.account_id)}
        allowed |= {perp_market_address(self._profile, index) for index in writable_markets(batch)}
        if not set(writable) <= allowed:
            raise VenueRejected("the transaction could change accounts that orders have nothing to do with")

    async def _simulated(self, message: Message) -> int:
        """As many compute units as a simulation says it takes. Raises: VenueRejected, VenueUnavailable."""
        outcome = await self._sender.simulate(unsigned(message))
        if outcome.error == _TOO_OLD:
            raise VenueUnavailable("the node that simulates does not know the newest block yet; ask again")
        if outcome.error is not None:
            raise VenueRejected(sentence(outcome.error, self._sender.errors))
        return unit_limit(outcome.units, cap=self._settings.compute_cap_units)

    async def send(self, signed: Signed) -> None:
        """See risk.trade_ports.OrderGateway."""
        await self._sender.send(signed)

    async def fate(self, signed: Signed) -> Fate:
        """See risk.trade_ports.OrderGateway."""
        return await self._fates.of(signed)

    async def placed(self, signed: Signed, batch: OrderBatch) -> tuple[PlacedOrder, ...]:
        """See risk.trade_ports.OrderGateway."""
        fate = (await self._fates.by_signature(signed)).fate
        if fate.kind is not FateKind.LANDED:
            raise VenueUnavailable(f"it has not landed as far as can be told now ({fate.kind.value}); ask again")
        return await self._reports.placed(signed, batch, landed_slot=fate.slot)

    async def open_orders(self, account_id: str) -> tuple[OpenOrder, ...]:
        """See risk.trade_ports.OrderGateway."""
        book = await self._adapter.read([account_id])
        return snapshot_of(book, account_id).open_orders

    async def position_raw_1e9(self, account_id: str, market: str) -> int:
        """See risk.trade_ports.OrderGateway."""
        index = (await self._depths.indexes([market]))[market]
        key = parse_key(account_id)
        return AccountState.of(self._profile, key, await self._client.accounts([key])).base_raw_1e9(index)

    async def close(self) -> None:
        await self._sender.close()
        await self._client.close()


def _changed(call: Call) -> frozenset[int]:
    return frozenset({call.order.market_index}) if isinstance(call, TakeOrder) else frozenset()


def _load_builder() -> InstructionBuilder:
    from venues.solana.drift_sdk import DriftInstructions  # seconds, so only here, in a thread

    return DriftInstructions()
