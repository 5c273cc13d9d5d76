"""Proposals with defaults, for tests that care about one thing of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from risk.decisions.proposals import LegEvent, ProposalEvent
from risk.model.account import Side
from risk.model.proposal import Effect, Leg, LegQuote, Proposal, ProposalState, Purpose, StandingTerms
from risk.model.trading import OrderStyle, OrderTerms, Signed
from storage import (
    EVERYTHING,
    Access,
    Audit,
    AuditAction,
    CardAction,
    CardPlace,
    CardPress,
    Handles,
    Pressed,
    ProposalCards,
    Proposals,
    Role,
    Store,
)
from tests.storage.builders import NOW

PHONE = CardPlace(transport="telegram", chat="1001")
GROUP = CardPlace(transport="telegram", chat="-55", thread="7")
ACCOUNT = "main"
TRADER = Access(roles={ACCOUNT: Role.TRADER})


def make_terms(market: str = "SOL-PERP", *, reduce_only: bool = True, size: int = 2_000_000_000) -> OrderTerms:
    return OrderTerms(
        account_id=ACCOUNT, market=market, market_index=0, side=Side.SELL, style=OrderStyle.IOC, size_raw_1e9=size,
        limit_raw_1e6=150_000_000, reduce_only=reduce_only, expires_at_s=1_767_614_520,
    )  # fmt: skip


def make_stop(market: str = "SOL-PERP") -> OrderTerms:
    return replace(
        make_terms(market), style=OrderStyle.TRIGGER_MARKET, limit_raw_1e6=0, expires_at_s=0,
        trigger_raw_1e6=120_000_000, triggers_above=False,
    )  # fmt: skip


def make_legs(*terms: OrderTerms, cancels: tuple[int, ...] = ()) -> tuple[Leg, ...]:
    quote = LegQuote(
        oracle_usd=150.5, average_usd=150.2, fee_usd=0.1, impact_frac=0.001, source="order book", slot=9,
        observed_at=NOW,
    )  # fmt: skip
    return tuple(
        Leg(number=number, terms=one, cancels=cancels if number == 1 else (), quote=quote, reasoning="Because.")
        for number, one in enumerate(terms or (make_terms(),), start=1)
    )


EFFECT = Effect(
    health_percent_before=20.0, health_percent_after=55.5, health_ratio_before=120.0, health_ratio_after=float("inf"),
    probability_before=0.2, probability_after=None, leverage_before=4.0, leverage_after=0.0, fee_usd=0.1,
    slippage_usd=-0.2, free_collateral_after_usd=100.0, least_free_usd=50.0, probability_unknown="no history",
)  # fmt: skip


def make_draft(
    *,
    legs: Sequence[Leg] | None = None,
    purpose: Purpose = Purpose.HEDGE,
    approvals_needed: int = 1,
    pin_needed: bool = False,
    standing: StandingTerms | None = None,
    expires_in_s: float = 120,
    now: datetime = NOW,
) -> Proposal:
    return Proposal(
        proposal_id="", revision=1, account_id=ACCOUNT, purpose=purpose, title="Hedge main to delta 0",
        state=ProposalState.OPEN, legs=make_legs() if legs is None else tuple(legs), effect=EFFECT,
        notes=("0.5 SOL stays unhedged.",), deposit_usd=0.0, requested_by="ann", created_at=now,
        expires_at=now + timedelta(seconds=expires_in_s), approvals_needed=approvals_needed, pin_needed=pin_needed,
        standing=standing,
    )  # fmt: skip


def make_standing(
    *, cap_usd: float = 1_000.0, hours: float = 8, markets: Sequence[str] = ("SOL-PERP",)
) -> StandingTerms:
    return StandingTerms(
        account_id=ACCOUNT, markets=frozenset(markets), cap_usd=cap_usd, expires_at=NOW + timedelta(hours=hours)
    )


def make_signed(name: str = "sig-1", *, height: int = 500) -> Signed:
    return Signed(signature=name, raw=f"bytes of {name}".encode(), last_valid_height=height, mark="before: 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A store with what a trade desk uses of it."""

    store: Store
    proposals: Proposals
    cards: ProposalCards
    handles: Handles

    @classmethod
    async def over(cls, store: Store) -> Self:
        cards = ProposalCards(store)
        return cls(store=store, proposals=Proposals(store), cards=cards, handles=await cards.handles())

    async def put(self, draft: Proposal | None = None, *, places: Sequence[CardPlace] = (PHONE,)) -> Proposal:
        return await self.proposals.put(draft or make_draft(), places=places, now=NOW, by="ann", handles=self.handles)

    async def press(
        self,
        proposal: Proposal,
        action: CardAction = CardAction.CONFIRM,
        *,
        person: str = "ann",
        access: Access = EVERYTHING,
        place: CardPlace = PHONE,
        message_id: str = "77",
        now: datetime = NOW,
    ) -> Pressed:
        handle = self.handles.of(proposal.proposal_id, proposal.revision, action, place)
        press = make_press(handle, person=person, access=access, place=place, message_id=message_id)
        return await self.proposals.press(press, now)

    async def approved(self, draft: Proposal | None = None) -> Proposal:
        proposal = await self.put(draft)
        pressed = await self.press(proposal)
        assert pressed.proposal is not None
        return pressed.proposal

    async def executing(self, draft: Proposal | None = None) -> Proposal:
        proposal = await self.approved(draft)
        return await self.proposals.happened(proposal.proposal_id, ProposalEvent.STARTED, now=NOW, by="keel")

    async def leg(self, proposal: Proposal, *events: LegEvent, number: int = 1, signature: str = "sig-1") -> Proposal:
        for event in events:
            signed = make_signed(signature) if event is LegEvent.SIGNED else None
            proposal = await self.proposals.leg_happened(proposal.proposal_id, number, event, now=NOW, signed=signed)
        return proposal

    async def audited(self) -> list[AuditAction]:
        return [entry.action async for entry in Audit(self.store).all()]


def make_press(
    handle: str,
    *,
    person: str = "ann",
    access: Access = EVERYTHING,
    place: CardPlace = PHONE,
    message_id: str = "77",
) -> CardPress:
    return CardPress(
        handle=handle, transport=place.transport, chat=place.chat, thread=place.thread, message_id=message_id,
        person_id=person, display_name=person.title(), access=access,
    )  # fmt: skip
