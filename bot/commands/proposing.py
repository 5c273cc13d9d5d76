"""What the commands that make plans share: who asks for which account, and what is answered to what came of asking."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.commands.common import account_of, cannot, reply, require_named, require_role
from bot.commands.estimates import without_history
from bot.commands.plan_words import as_sentence, trades_of
from bot.commands.spec import Request, Services, Usage
from bot.messages import Address, Block, Line, Message
from bot.roster import NotHere, UnknownNickname, Watched
from bot.text import numbers
from bot.text.clean import name
from bot.text.numbers import Rounding
from bot.trading.cards import words as card_words
from bot.trading.desk import Desk
from risk.closing import NothingToClose
from risk.errors import BadParameter, BadSeries, CannotAssess, NotEnoughData
from risk.fleet import FleetView
from risk.margin.book import FleetBook
from risk.margin.snapshot import snapshot_of
from risk.model.account import PerpPosition
from risk.model.hedge import HedgeResult
from risk.model.proposal import Proposal, Proposed, Refusal, TradePlan
from risk.model.trading import MarketDepth
from storage import Role

OFF = (
    "Trading is switched off, so this is only shown.",
    "To be asked for a Confirm instead, set TRADING_ENABLED=true and start Keel again.",
)
_NOTHING_WENT_OUT = "Nothing was proposed, and nothing went out."


class AskedHere:
    """The trade desk as one person asks it in one chat: its proposals are theirs, and the card is shown there."""

    def __init__(self, desk: Desk, place: Address, person_id: str) -> None:
        self._desk, self._place, self._person_id = desk, place, person_id

    async def propose(self, plan: TradePlan) -> Proposed:
        """See risk.trade_ports.TradeDesk."""
        return await self._desk.propose(replace(plan, requested_by=self._person_id), place=self._place)

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """As it stands now."""
        return await self._desk.proposal(proposal_id)


@dataclass(slots=True)
class OnlyNoted:
    """The trade desk while trading is switched off: it keeps what it is asked for, so that it can be shown."""

    plan: TradePlan | None = None

    async def propose(self, plan: TradePlan) -> Proposed:
        """See risk.trade_ports.TradeDesk."""
        self.plan = plan
        return Proposed(proposal=None, refusal=Refusal(reason="trading is switched off"))

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """None was made."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Somebody who may trade for an account asks for a plan.

    Attributes:
        words: What stood behind the account's name.
        desk: None while trading is switched off; a plan is then only shown.
    """

    services: Services
    request: Request
    watched: Watched
    words: tuple[str, ...]
    desk: AskedHere | None

    @property
    def account_id(self) -> str:
        return self.watched.account_id

    async def view(self) -> FleetView:
        """The latest evaluation. Raises: CannotAssess where nothing can be planned on it, ReadFailed."""
        view = await self.services.view()
        self.services.fleet.require_assessable(self.account_id)
        return view

    async def book(self) -> FleetBook:
        """The account alone. Raises: as view()."""
        return (await self.view()).single(self.account_id).book

    async def positions(self) -> Mapping[str, PerpPosition]:
        """What is held, by market, as the account lists it. Raises: as view()."""
        account = snapshot_of(await self.book(), self.account_id)
        return {account.perp_markets[one.market_index].name: one for one in account.perp_positions if one.size_base}

    async def price(self, market: str) -> float:
        """The oracle's, of a market that is held. Raises: as view()."""
        account = snapshot_of(await self.book(), self.account_id)
        feed = next(one.oracle_id for one in account.perp_markets.values() if one.name == market)
        return account.oracles[feed].price_usd

    async def depths(self, markets: Sequence[str]) -> Mapping[str, MarketDepth]:
        """What markets offer now; empty where nobody knows. Raises: VenueUnavailable, VenueRejected."""
        source = self.services.desks.depth
        return await source.depth(self.account_id, markets) if source is not None and markets else {}


async def asked(services: Services, request: Request, answer: Callable[[Ask], Awaitable[Message]]) -> Message:
    """An answer to somebody who may trade for the account they named; what cannot be done says what could.

    Raises: Usage, Denied.
    """
    watched, rest = account_of(services, request.args)
    require_named(services, request.args, rest)
    require_role(request.person, Role.TRADER, watched)
    person_id = request.person.person_id if request.person is not None else ""
    trading = services.trading
    desk: AskedHere | None = None
    if trading is not None and trading.rules.enabled:
        desk = AskedHere(trading.desk, request.address, person_id)
    ask = Ask(services=services, request=request, watched=watched, words=rest, desk=desk)
    try:
        return await _name_first(ask, answer)
    except NothingToClose as exc:
        return refused(ask, exc.refusal)
    except BadParameter as exc:
        raise Usage(as_sentence(str(exc))) from exc
    except CannotAssess as exc:
        nothing = cannot(services, watched, exc)
        if services.desks.depth is not None:
            return nothing
        return replace(nothing, blocks=(*nothing.blocks, Line(OFF[1])))
    except (NotEnoughData, BadSeries) as exc:
        return await without_history(services, watched, exc)


async def _name_first(ask: Ask, answer: Callable[[Ask], Awaitable[Message]]) -> Message:
    """Where words make no sense and one of them names an account, it stands in the wrong place. Raises: Usage."""
    try:
        return await answer(ask)
    except Usage as exc:
        for at, word in enumerate(ask.words):
            try:
                watched = ask.services.roster.find(word)
            except (UnknownNickname, NotHere):
                continue
            others = " ".join((*ask.words[:at], *ask.words[at + 1 :]))
            raise Usage(f"Name the account first: {name(watched.nickname)} {name(others)}.".replace(" .", ".")) from exc
        raise


async def propose(ask: Ask, plan: TradePlan) -> Message:
    """Ask people for a plan: its card, why there is none, or, with trading off, what would be asked."""
    if ask.desk is None:
        return await only_shown(ask, plan)
    return await came_of(ask, await ask.desk.propose(plan))


async def of_result(ask: Ask, result: HedgeResult, *, nothing: str, why: Sequence[Block] = ()) -> Message:
    """As propose(), for what a desk of risk proposed itself.

    Args:
        nothing: What is said where there was nothing to propose.
        why: Behind that.
    """
    if result.refusal is not None:
        return refused(ask, result.refusal)
    proposal = await ask.desk.proposal(result.proposal_id) if ask.desk is not None and result.proposal_id else None
    if proposal is None:
        return said(ask, nothing, *why)
    return await came_of(ask, Proposed(proposal=proposal, order_ids=result.order_ids))


async def came_of(ask: Ask, proposed: Proposed) -> Message:
    """The card of a proposal, which under a standing approval shows what went out; or why there is none."""
    trading = ask.services.trading
    if proposed.refusal is not None or proposed.proposal is None or trading is None:
        return refused(ask, proposed.refusal or Refusal(reason="the trade desk made nothing of it"))
    return await trading.cards.here(proposed.proposal, ask.request.address)


def refused(ask: Ask, refusal: Refusal, *more: Block) -> Message:
    """Why nothing is proposed, and the nearest thing that would be."""
    blocks: list[Block] = [Line(f"! {as_sentence(refusal.reason)}")]
    if refusal.nearest:
        blocks.append(Line(f"What would work: {as_sentence(refusal.nearest, capital=False)}"))
    return said(ask, "nothing proposed", *blocks, *more, Line(_NOTHING_WENT_OUT))


async def only_shown(ask: Ask, plan: TradePlan) -> Message:
    """A plan without a card, while trading is switched off: its quotes, cost and effect, as far as anybody knows them.

    Raises: as asked().
    """
    off, how = map(Line, OFF)
    trading = ask.services.trading
    if trading is None:
        return said(ask, _answer(plan), off, *_by_hand(plan), how)
    made = await trading.desk.preview(plan)
    if isinstance(made, Refusal):
        return refused(ask, made, off, *_by_hand(plan), how)
    first, *figures = card_words.only_shown(plan, made, ask.watched.nickname, ask.services.clock.now())
    return reply(ask.services, ask.watched, first, off, *figures, how)


def _answer(plan: TradePlan) -> str:
    """What would be done, for a first line."""
    if not plan.trades:
        return plan.title
    first, *others = sorted(plan.trades, key=lambda one: one.priority)
    at = f" at {numbers.price(first.trigger_usd)}" if first.trigger_usd is not None else ""
    rest = f" +{len(others)} more" if others else ""
    return f"{first.side.value} {numbers.size(first.size_base)} {name(first.market)}{at}{rest}"


def _by_hand(plan: TradePlan) -> list[Block]:
    """A plan that nobody quoted."""
    blocks: list[Block] = [Line(as_sentence(plan.title)), *trades_of(plan.trades)]
    if plan.cancels:
        count = len(plan.cancels)
        when = "Before that, " if plan.trades else ""
        blocks.append(Line(f"{when}{count} resting order{'' if count == 1 else 's'} would be cancelled."))
    if plan.deposit_usd:
        blocks.append(Line(f"Advised beside it: deposit {numbers.usd(plan.deposit_usd, rounding=Rounding.UP)}."))
    return [*blocks, *(Line(as_sentence(note)) for note in plan.notes)]


def said(ask: Ask, answer: str, *blocks: Block) -> Message:
    """An answer about the account, with where its figures come from."""
    return reply(ask.services, ask.watched, Line(f"{ask.watched.nickname}: {answer}", strong=True), *blocks)
