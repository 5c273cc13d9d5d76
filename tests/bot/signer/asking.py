"""Intents, rules and desks, built from defaults: sell 2 SOL-PERP at once for at least 140, reduce-only."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from solders.hash import Hash
from solders.pubkey import Pubkey

from bot.signer.config import Config
from bot.signer.desk import Desk
from bot.signer.encoding import Calls
from bot.signer.intent import (
    Chain,
    Intent,
    IntentSide,
    IntentStyle,
    ModifyIntent,
    OrderIntent,
    SigningVenue,
)
from bot.signer.journal import Journal
from bot.signer.key import SigningKey
from bot.signer.rules import Account, Market, Rules
from bot.signer.wire import paper_message
from tests.support import addresses

NOW_S = 1_795_500_000
OWNER = addresses.address("ann")
ACCOUNT = addresses.user_address(OWNER)
SIGNER = addresses.keypair("ann's bot")
SIGNER_KEY = Pubkey.from_string(str(SIGNER.pubkey()))
BLOCKHASH = str(Hash.hash(b"recent"))
ORACLE = addresses.address("oracle of SOL")
REMAINING = (ORACLE, addresses.spot_market_address(0), addresses.perp_market_address(0))
PAPER_ACCOUNT = "demo-0"
SOL, BTC = 0, 1


class HandTime:
    """The signer's clock, moved by hand."""

    def __init__(self, now_s: float = NOW_S) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def make_rules(venue: SigningVenue = SigningVenue.DRIFT, **changes: object) -> Rules:
    account = Account(address=ACCOUNT, authority=OWNER, sub_account=0)
    if venue is SigningVenue.PAPER:
        account = Account(address=PAPER_ACCOUNT, authority="", sub_account=0)
    rules = Rules(
        venue=venue, accounts=(account,), markets={SOL: make_market(), BTC: make_market(index=BTC, name="BTC-PERP")},
        reduce_only=True, stops_without_limit=True, allow_owner_key=False, max_order_raw_1e6=1_000 * 10**6,
        daily_raw_1e6=3_000 * 10**6,
        daily_cancels=10, daily_signatures=20, max_compute_units=1_000_000, max_unit_price_micro=200_000,
        daily_fee_lamports=1_000_000, order_lasts_at_most_s=600, resign_after_s=120, lock_after_refusals=10,
    )  # fmt: skip
    return replace(rules, **changes)  # type: ignore[arg-type]  # names and values are the test's


def make_market(**changes: object) -> Market:
    market = Market(
        index=SOL, name="SOL-PERP", max_order_raw_1e9=5 * 10**9, daily_raw_1e9=15 * 10**9,
        price_from_raw_1e6=100 * 10**6, price_to_raw_1e6=200 * 10**6,
    )  # fmt: skip
    return replace(market, **changes)  # type: ignore[arg-type]  # likewise


def make_order(**changes: object) -> OrderIntent:
    order = OrderIntent(
        market_index=SOL, side=IntentSide.SELL, style=IntentStyle.IOC, size_raw_1e9=2 * 10**9,
        limit_raw_1e6=140 * 10**6, reduce_only=True, expires_at_s=NOW_S + 60,
    )  # fmt: skip
    return replace(order, **changes)  # type: ignore[arg-type]  # likewise


def make_stop(**changes: object) -> OrderIntent:
    """Sell 2 SOL-PERP at whatever price once it is below 120."""
    stop = make_order(
        style=IntentStyle.TRIGGER_MARKET, limit_raw_1e6=0, trigger_raw_1e6=120 * 10**6, triggers_above=False,
        expires_at_s=0,
    )  # fmt: skip
    return replace(stop, **changes)  # type: ignore[arg-type]  # likewise


def make_intent(
    *orders: OrderIntent,
    venue: SigningVenue = SigningVenue.DRIFT,
    cancels: Sequence[int] = (),
    modifies: Sequence[ModifyIntent] = (),
    remaining: Sequence[str] = REMAINING,
    unit_limit: int = 300_000,
    unit_price_micro: int = 1_000,
    blockhash: str = BLOCKHASH,
    **changes: object,
) -> Intent:
    """An intent whose message is what it says, after all changes."""
    paper = venue is SigningVenue.PAPER
    wanted = orders or (() if cancels or modifies else (make_order(),))
    chain = Chain(
        blockhash=blockhash, unit_limit=unit_limit, unit_price_micro=unit_price_micro, remaining=tuple(remaining)
    )
    intent = Intent(
        venue=venue, account=PAPER_ACCOUNT if paper else ACCOUNT, authority="" if paper else OWNER, sub_account=0,
        epoch=NOW_S, proposal="P1", revision=1, leg=1, orders=wanted,
        cancels=tuple(cancels), modifies=tuple(modifies), chain=None if paper else chain, height=1_000,
        valid_until=1_150, anchor=None, message=b"",
    )  # fmt: skip
    return with_message(replace(intent, **changes))  # type: ignore[arg-type]  # likewise


def on_chain(**changes: object) -> Intent:
    """The default intent with another chain, and the message it had."""
    intent = make_intent()
    assert intent.chain is not None
    return replace(intent, chain=replace(intent.chain, **changes))  # type: ignore[arg-type]  # likewise


def changing(order_id: int = 7, **changes: object) -> tuple[ModifyIntent, ...]:
    """One order that becomes the default one, but resting."""
    return (ModifyIntent(order_id=order_id, order=make_order(**{"style": IntentStyle.LIMIT, **changes})),)


def with_message(intent: Intent) -> Intent:
    return replace(intent, message=message_of(intent))


def message_of(intent: Intent) -> bytes:
    if intent.chain is None:
        return paper_message(intent)
    calls = Calls(
        Pubkey.from_string(intent.authority), intent.sub_account, SIGNER_KEY,
        [Pubkey.from_string(one) for one in intent.chain.remaining],
    )  # fmt: skip
    return calls.message(
        intent.cancels, intent.orders, intent.modifies, unit_limit=intent.chain.unit_limit,
        unit_price_micro=intent.chain.unit_price_micro, blockhash=Hash.from_string(intent.chain.blockhash),
    )  # fmt: skip


def make_config(folder: Path, rules: Rules | None = None) -> Config:
    return Config(
        socket=folder / "run" / "s", socket_group="", state=folder, key_file=None, credential="none",
        allowed_uids=frozenset({1}), rules=rules or make_rules(), digest="0" * 64,
    )  # fmt: skip


def make_desk(folder: Path, now_s: HandTime, rules: Rules | None = None) -> Desk:
    """A desk on a state folder; the journal is closed when it is given back (Desk holds it alone)."""
    return Desk(make_config(folder, rules), SigningKey(SIGNER), begun(folder), now_s=now_s)


def begun(folder: Path) -> Journal:
    """The journal of a folder, begun where it was empty."""
    journal = Journal(folder)
    if not journal.number:
        journal.begin(0, by_uid=17)
    return journal
