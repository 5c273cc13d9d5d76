"""Nights: they begin when the orders of a /sleep rest, and end with a report of what happened meanwhile."""

from collections.abc import Sequence
from datetime import UTC, timedelta

import numpy as np
import structlog

from bot.alerts.event_codec import event_from
from bot.alerts.event_words import told
from bot.commands.spec import Services
from bot.messages import Address, Block, DeliveryError, Line, Message, Refused, RetryAfter, Unreachable
from bot.reading import Styles
from bot.text import numbers
from bot.text.ages import moment
from bot.text.clean import name
from bot.text.durations import BadDuration, duration
from bot.text.reader import reading_as
from bot.trading.cards.resting import became
from bot.trading.parts import Trading
from risk.decisions.event_tiers import ON_REQUEST
from risk.fleet import FleetView
from risk.margin.snapshot import snapshot_of
from risk.model.events import LiquidationEvent
from risk.model.proposal import LegState, Proposal, ProposalState, Purpose
from risk.stats.series import TimeArray
from storage import CardPlace, ProposalCards, RestingEnd, RestingOrder, Sleep, Sleeps

log = structlog.get_logger()

NIGHTS_EVERY_S = 30.0
_BEGUN = (ProposalState.EXECUTING, ProposalState.DONE, ProposalState.PARTIAL)
_LOOKED_BACK = 20  # proposals
_USUAL = timedelta(hours=8)
_MOST_EVENTS = 12
_MOST_ORDERS = 200
_AGAIN_AFTER_S = 60.0


class NightReports:
    """Runs on the schedule. What was begun and told is remembered, so a restart loses no report; late is better than
    never. A report may come twice where the process dies while it is told."""

    def __init__(self, services: Services, trading: Trading, *, sleeps: Sleeps, copies: ProposalCards) -> None:
        self._services, self._trading, self._sleeps, self._copies = services, trading, sleeps, copies
        self._styles = Styles(services.personal, services.people)
        self._begun: set[str] = set()
        self._not_before_s: dict[int, float] = {}

    async def look(self) -> None:
        """Begin what has come to rest, report what is over. Raises: StorageError."""
        proposals = await self._trading.proposals.recent(self._services.roster.account_ids, _LOOKED_BACK)
        for proposal in proposals:
            if proposal.purpose is Purpose.SLEEP and proposal.state in _BEGUN:
                await self._begin(proposal)
        for sleep in await self._sleeps.due(self._services.clock.now()):
            if self._services.clock.monotonic_s() < self._not_before_s.get(sleep.sleep_id, 0.0):
                continue
            try:
                await self._report(sleep)
            except DeliveryError as exc:
                wait_s = exc.seconds if isinstance(exc, RetryAfter) else _AGAIN_AFTER_S
                self._not_before_s[sleep.sleep_id] = self._services.clock.monotonic_s() + wait_s
                log.info("night.later", sleep_id=sleep.sleep_id, error=str(exc))

    async def _begin(self, proposal: Proposal) -> None:
        if proposal.proposal_id in self._begun or not any(leg.state is LegState.RESTING for leg in proposal.legs):
            return
        places = [one.place for one in await self._copies.of(proposal.proposal_id)]
        voted = proposal.votes[0].person_id if proposal.votes else ""
        person = proposal.requested_by or voted
        if not places:
            return  # nobody was asked in any chat, so nobody can be told
        begun = proposal.finished_at or self._services.clock.now()
        await self._sleeps.begin(
            proposal.proposal_id, person_id=person, place=places[0], ends_at=begun + length_of(proposal.title),
            body_json="{}", now=begun,
        )  # fmt: skip
        self._begun.add(proposal.proposal_id)

    async def _report(self, sleep: Sleep) -> None:
        """Raises: DeliveryError where it may be tried again."""
        orders = [
            one
            for one in await self._trading.resting.recent(sleep.account_id, _MOST_ORDERS)
            if one.proposal_id == sleep.proposal_id
        ]
        style = await self._styles.of_person(sleep.person_id)
        with reading_as(style):
            message = await self._message(sleep, orders[::-1])
        for place in await self._places(sleep):
            transport = self._services.process.transports.get(place.transport)
            if transport is None:
                continue
            try:
                await transport.send(Address(transport=place.transport, chat=place.chat, thread=place.thread), message)
            except (Unreachable, Refused) as exc:
                log.warning("night.refused", sleep_id=sleep.sleep_id, transport=place.transport, error=str(exc))
                continue
            log.info("night.told", sleep_id=sleep.sleep_id, proposal_id=sleep.proposal_id)
            break
        else:
            log.warning("night.unreachable", sleep_id=sleep.sleep_id)
        await self._sleeps.reported(sleep.sleep_id, self._services.clock.now())

    async def _places(self, sleep: Sleep) -> list[CardPlace]:
        """Where it was asked for, then the person's private chats."""
        chats = [one for one in await self._services.people.chats() if one.person_id == sleep.person_id and one.private]
        own = [CardPlace(transport=one.transport, chat=one.chat, thread=one.thread) for one in reversed(chats)]
        return [sleep.place, *(one for one in own if one != sleep.place)]

    async def _message(self, sleep: Sleep, orders: Sequence[RestingOrder]) -> Message:
        who = name(self._services.roster.label(sleep.account_id))
        events = [
            event_from(one.body_json)
            for one in await self._services.events.events_between(
                sleep.account_id, sleep.began_at, self._services.clock.now()
            )
        ]
        fired = [one for one in orders if one.ended_how is RestingEnd.FILLED]
        liquidated = any(isinstance(one, LiquidationEvent) for one in events)
        outcome = "LIQUIDATION" if liquidated else f"{len(fired)} of {len(orders)} orders fired"
        blocks: list[Block] = [Line(f"Night over, {who}: {outcome}", strong=True)]
        blocks.append(Line(f"{moment(sleep.began_at)} to {moment(sleep.ends_at)}, {sleep.proposal_id}."))
        blocks += [Line(became(one)) for one in orders]
        blocks += [Line(text) for text in await self._figures(sleep)]
        told_of = [told(one) for one in events if one.kind not in ON_REQUEST]
        blocks += [Line(f"- {text}") for text in told_of[-_MOST_EVENTS:]]
        if len(told_of) > _MOST_EVENTS:
            blocks.append(Line(f"And {len(told_of) - _MOST_EVENTS} before; /events has them."))
        view = self._services.fleet.latest
        if view is not None and sleep.account_id in view:
            blocks.append(Line(_now(view, sleep.account_id)))
        resting = [one for one in orders if one.ended_at is None]
        if resting:
            numbered = ", ".join(f"#{one.order_id}" for one in resting if one.order_id is not None)
            blocks.append(Line(f"Still resting: {numbered or len(resting)}. They stay until /cancel takes them back."))
        return Message(blocks=tuple(blocks))

    async def _figures(self, sleep: Sleep) -> list[str]:
        """Equity and the least health, as far as Keel was there to see them."""
        series = await self._services.equity.series(
            sleep.account_id, sleep.began_at - timedelta(minutes=2), self._services.clock.now()
        )
        if not series.equity_usd.size:
            return ["Keel recorded nothing meanwhile."]
        change = float(series.equity_usd[-1] - series.equity_usd[0])
        flows = float(series.net_flow_usd[-1] - series.net_flow_usd[0])
        moved = f" ({numbers.signed_usd(flows)} of it deposits and withdrawals)" if flows else ""
        texts = [f"Equity {numbers.usd(float(series.equity_usd[-1]))}, {numbers.signed_usd(change)}{moved}."]
        known = series.health_ratio_percent[np.isfinite(series.health_ratio_percent)]
        if known.size:
            texts.append(f"Least health ratio on record: {numbers.health_ratio(float(known.min()))}.")
        asleep = _unseen(series.sampled_at, sleep)
        if asleep > timedelta(minutes=10):
            texts.append(f"Keel itself saw nothing for {int(asleep.total_seconds() // 60):,} minutes of it.")
        return texts


def length_of(title: str) -> timedelta:
    """How long a night lasts, which a proposal says in its title alone.

    >>> length_of("Sleep 7 h 30 min, NOT promised"), length_of("Sleep")
    (datetime.timedelta(seconds=27000), datetime.timedelta(seconds=28800))
    """
    try:
        return duration(title.removeprefix("Sleep").partition(",")[0])
    except BadDuration:
        return _USUAL


def _now(view: FleetView, account_id: str) -> str:
    """What is held."""
    account = snapshot_of(view.book, account_id)
    held = [
        f"{name(account.perp_markets[one.market_index].name)} {numbers.size(one.size_base)}"
        for one in account.perp_positions
        if one.size_base
    ]
    ratio = float(view.worst_ratio_percent[view.position_of(account_id)])
    return f"Now: {', '.join(held) or 'no position'}; health ratio {numbers.health_ratio(ratio)}."


def _unseen(sampled_at: TimeArray, sleep: Sleep) -> timedelta:
    """The longest time without a sample."""
    begin, end = (
        np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us") for at in (sleep.began_at, sleep.ends_at)
    )
    inside = sampled_at[(sampled_at >= begin) & (sampled_at <= end)]
    longest = np.diff(np.concatenate([[begin], inside, [end]])).max()
    return timedelta(microseconds=int(longest.astype("timedelta64[us]").astype(np.int64)))
