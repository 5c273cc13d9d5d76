"""What a check finds of trading: what is allowed, where orders go, who signs, who has to agree, what is in force."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import venues
from bot.accounts import nickname_of
from bot.alerts.chat_names import ChatNames
from bot.checking import signing
from bot.checking.facts import Fact, advice, ok, wrong
from bot.config import AccountSpec, Settings, VenueName
from bot.run import venue_settings
from bot.signer.intent import Identity
from bot.text import numbers
from bot.text.ages import day_and_moment
from bot.text.clean import name
from bot.trading.rules import Quorum, TradingRules
from risk.model.trading import TradingState
from storage import (
    Accounts,
    Audience,
    Audit,
    Epochs,
    EquityLog,
    People,
    Pins,
    Resting,
    Role,
    SeenJournal,
    SignerMemory,
    StandingApproval,
    StandingApprovals,
    StorageError,
    Store,
    TradingStates,
    TradingStatus,
)
from venues.errors import VenueError, VenueRejected

if TYPE_CHECKING:
    from venues.solana import SolanaSettings

_SUBJECT = "trading"
_PAPER_ACCOUNT = AccountSpec(reference="demo:0", nickname="main")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database says of trading, as far as there is one.

    Attributes:
        nicknames: By account id, of those that are watched.
        with_pin: Ids of people who have one.
        halted_by: In words.
        resting: How many orders of Keel's rest at the venue.
        equity_usd: By account id, as last recorded.
        journal: The signer's, as it was last seen.
        epoch: Of the latest process that asked the signer; 0 for none.
    """

    nicknames: Mapping[str, str] = field(default_factory=dict)
    audience: Audience | None = None
    with_pin: frozenset[str] = frozenset()
    status: TradingStatus = field(default_factory=TradingStatus)
    halted_by: str = ""
    standing: tuple[StandingApproval, ...] = ()
    resting: int = 0
    equity_usd: Mapping[str, float] = field(default_factory=dict)
    journal: SeenJournal | None = None
    epoch: int = 0


async def look(settings: Settings, now: datetime, patience_s: float) -> list[Fact]:
    """Everything there is to find of trading."""
    known = await _known(settings, now)
    if not settings.trading_enabled:
        return _off(settings, known)
    accounts = {**_in_settings(settings), **known.nicknames}
    rules = _rules(settings, accounts)
    if isinstance(rules, Fact):
        return [rules]
    identity, signed = None, list[Fact]()
    if (path := settings.signer_path) is not None:
        identity, signed = await signing.ask(path, patience_s)
    ways_out = await _ways_out(settings, known, accounts, patience_s, identity, signed)
    facts = [_switched_on(rules), _caps(rules), *ways_out]
    facts += [
        *_state(known, identity),
        *_agreement(rules, accounts, known),
        *(_standing(one, accounts) for one in known.standing),
    ]
    if known.resting:
        facts.append(
            ok(
                "resting orders",
                f"{_orders(known.resting)} at the venue and {'is' if known.resting == 1 else 'are'} watched",
            )
        )
    return facts


async def _known(settings: Settings, now: datetime) -> Known:
    """What cannot be read was said of the database."""
    if not await asyncio.to_thread(settings.database_path.is_file):
        return Known()
    try:
        async with Store.looking(settings.database_path) as store:
            if not await Audit(store).exists():
                return Known()  # of a version that did not trade
            people, status = People(store), await TradingStates(store).get()
            audience = await people.audience()
            pins = Pins(store)
            nicknames = {one.account_id: one.nickname for one in await Accounts(store).watched()}
            recorded = {one: await EquityLog(store).latest(one) for one in nicknames}
            return Known(
                nicknames=nicknames,
                audience=audience,
                with_pin=frozenset([one for one in audience.access if await pins.has(one)]),
                status=status,
                halted_by="Keel itself" if status.by == "keel" else await ChatNames(people).of_person(status.by),
                standing=await StandingApprovals(store).active(now),
                resting=len(await Resting(store).standing()),
                equity_usd={one: sample.equity_usd for one, sample in recorded.items() if sample is not None},
                journal=await SignerMemory(store).latest(),
                epoch=await Epochs(store).latest(),
            )
    except StorageError:
        return Known()


def _in_settings(settings: Settings) -> dict[str, str]:
    """Nicknames by id of the accounts that the file names, as far as the file alone says which they are."""
    specs = settings.accounts or ((_PAPER_ACCOUNT,) if settings.venue is VenueName.PAPER else ())
    found: dict[str, str] = {}
    for spec in specs:
        try:
            account_id = venues.account_id(settings.venue.value, spec.reference)
        except VenueRejected:
            continue  # said of the venue
        found[account_id] = nickname_of(spec, account_id)
    return found


def _rules(settings: Settings, accounts: Mapping[str, str]) -> TradingRules | Fact:
    try:
        return settings.trading_rules({nickname.lower(): account_id for account_id, nickname in accounts.items()})
    except ValueError as exc:
        watched = ", ".join(map(name, accounts.values())) or "none"
        return wrong("approvals", str(exc), f"name one that is watched ({watched}), or take the rule out")


def _off(settings: Settings, known: Known) -> list[Fact]:
    facts = [ok(_SUBJECT, "switched off: nothing is proposed and nothing goes out")]
    if settings.signer_path is not None:
        facts.append(ok(signing.SUBJECT, "SIGNER_SOCKET names one, which nobody asks while trading is switched off"))
    if known.resting:
        text = f"{_orders(known.resting)} at the venue although trading is off"
        facts.append(advice("resting orders", text, "cancel at the venue what is not wanted, or switch trading on"))
    return facts


def _switched_on(rules: TradingRules) -> Fact:
    if rules.reduce_only:
        return ok(_SUBJECT, "switched on, for orders that only reduce")
    text = "switched on, also for orders that open or enlarge a position"
    return advice(_SUBJECT, text, "set TRADING_REDUCE_ONLY=true where no hedge is to be opened")


def _caps(rules: TradingRules) -> Fact:
    text = (
        f"{numbers.usd(rules.max_order_usd)} an order, {numbers.usd(rules.daily_usd)} a day and account,"
        f" {numbers.usd(rules.standing_cap_usd)} under a standing approval; at most"
        f" {numbers.percent_of_fraction(rules.slippage_frac)} worse than quoted; a card is good for {rules.valid_s:g} s"
    )
    if rules.daily_usd < rules.max_order_usd:
        return advice("caps", text, "TRADING_DAILY_USD below TRADING_MAX_ORDER_USD makes the second one idle")
    return ok("caps", text)


async def _ways_out(
    settings: Settings, known: Known, accounts: Mapping[str, str], patience_s: float,
    identity: Identity | None, signed: list[Fact],
) -> list[Fact]:  # fmt: skip
    path, facts = settings.signer_path, signed
    if identity is not None:
        facts += signing.judge(
            identity, settings.venue, accounts, valid_s=settings.trading_valid_s, equity_usd=known.equity_usd,
            seen=known.journal,
        )  # fmt: skip
    if settings.venue is VenueName.PAPER:
        how = "" if path is None else ", signed by the signer"
        return [ok("orders", f"go to paper money, which lives inside Keel{how}"), *facts]
    try:
        from venues.solana import profiles
        from venues.solana.settings import host_of
    except ModuleNotFoundError:
        return facts  # said of the venue
    try:
        found: SolanaSettings = venue_settings(settings)
        if profiles.load(found.profile).trading is None:
            raise VenueRejected(f"orders on {found.profile} are not known to this program")
    except VenueError as exc:
        return [wrong("orders", str(exc), "set TRADING_ENABLED=false, or name a venue that can be traded on"), *facts]
    hosts = ", ".join(dict.fromkeys(map(host_of, found.rpc_urls)))
    if path is None:
        remedy = "start keel signer with the delegate's key, and name its socket in SIGNER_SOCKET"
        return [wrong("orders", f"go to {found.profile} through {hosts}, and nobody signs any", remedy)]
    facts.insert(0, ok("orders", f"go to {found.profile} through {hosts}"))
    if identity is not None:
        facts += await signing.role(found, identity.public_key, accounts, patience_s)
    return facts


def _state(known: Known, identity: Identity | None) -> list[Fact]:
    status = known.status
    if identity is not None and known.epoch and identity.epoch > known.epoch:
        text = "another Keel process, with another database, began after the one of this: this one sends nothing"
        return [wrong("trading state", text, "stop one of the two, and restart the one that is to trade")]
    since = f"since {day_and_moment(status.since)}"
    if status.state is TradingState.HALTED and status.by == "keel":
        text = f"HALTED {since} by Keel itself: {status.reason}"
        return [wrong("trading state", text, "look at /orders and /audit; an admin sends /resume when it is explained")]
    if status.state is TradingState.HALTED:
        return [advice("trading state", f"HALTED {since} by {known.halted_by}: {status.reason}", "/resume goes on")]
    if status.state is TradingState.REDUCING:
        text = f"REDUCING {since} by {known.halted_by}: only orders that reduce go out"
        return [advice("trading state", text, "/resume goes on")]
    return [ok("trading state", "active")]


def _agreement(rules: TradingRules, accounts: Mapping[str, str], known: Known) -> list[Fact]:
    """Whether those whose yes it takes exist, and can give it."""
    if known.audience is None or not known.audience.access:
        return []  # that nobody is linked was said of the people
    facts: list[Fact] = []
    everybody: set[str] = set()
    for account_id, nickname in accounts.items():
        traders = {one for one, access in known.audience.access.items() if access.may(Role.TRADER, account_id)}
        everybody |= traders
        quorum = rules.quorums.get(account_id) or rules.quorums.get("")
        if (short := _too_few(name(nickname), len(traders), quorum)) is not None:
            facts.append(short)
    if not facts:
        text = "as many as TRADING_APPROVALS asks for may trade" if rules.quorums else "one trader's yes is enough"
        facts.append(ok("approvals", text))
    if math.isinf(rules.pin_above_usd):
        return facts
    above = f"a Confirm from {numbers.usd(rules.pin_above_usd)} on takes a PIN"
    missing = len(everybody - known.with_pin)
    if everybody and missing == len(everybody):
        facts.append(wrong("PIN", f"{above}, and nobody who may trade has one", "keel pin set NAME, at this machine"))
    elif missing:
        text = f"{above}, and {missing} of {len(everybody)} who may trade have none"
        facts.append(advice("PIN", text, "keel pin set NAME, at this machine"))
    elif everybody:
        facts.append(ok("PIN", f"{above}, and everybody who may trade has one"))
    return facts


def _too_few(nickname: str, traders: int, quorum: Quorum | None) -> Fact | None:
    if not traders:
        return wrong("approvals", f"nobody may trade {nickname}", "give somebody the role: /invite trader")
    if quorum is None or traders >= quorum.approvals:
        return None
    text = (
        f"more than {numbers.usd(quorum.above_usd)} of {nickname} takes {quorum.approvals} approvals,"
        f" and {traders} may trade it"
    )
    return wrong("approvals", text, "give more people the role (/invite trader), or lower TRADING_APPROVALS")


def _standing(one: StandingApproval, accounts: Mapping[str, str]) -> Fact:
    terms = one.terms
    account = name(accounts.get(terms.account_id, "an account that is not watched"))
    text = (
        f"in force for {account} in {', '.join(sorted(terms.markets))}:"
        f" {numbers.usd(one.left_usd)} of {numbers.usd(terms.cap_usd)} left"
        f" until {day_and_moment(terms.expires_at)}; /disarm ends it"
    )
    return ok(f"standing approval {one.standing_id}", text)


def _orders(number: int) -> str:
    return "1 order of Keel's rests" if number == 1 else f"{number} orders of Keel's rest"
