"""Whatever is pressed in whatever order: a model of a few lines and the database agree, and nothing forged counts."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from risk.decisions.proposals import ProposalEvent
from risk.model.proposal import Proposal, ProposalState
from storage import NO_ACCESS, Audit, CardAction, CardPlace, PressKind, ProposalOutdated, Store
from tests.storage.builders import NOW
from tests.storage.trading_builders import (
    GROUP,
    PHONE,
    TRADER,
    Desk,
    make_draft,
    make_legs,
    make_press,
    make_terms,
)

T = TypeVar("T")

PEOPLE = ("ann", "bob", "cem", "dan")
_S, _K = ProposalState, PressKind
places = st.sampled_from([PHONE, GROUP])
decisive = st.sampled_from([CardAction.CONFIRM, CardAction.CANCEL])


class Presses(RuleBasedStateMachine):
    """One proposal in two chats that takes two of four traders, revised and cancelled meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = Store.forgetful()
        self.now: datetime = NOW
        self.votes: set[str] = set()
        self.state, self.revision = _S.OPEN, 1
        self.expires_at = NOW + timedelta(seconds=120)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def ask(self) -> None:
        self.desk: Desk = self.do(Desk.over(self.store))
        self.do(self.desk.put(make_draft(approvals_needed=2), places=[PHONE, GROUP]))
        for card in self.do(self.desk.cards.of("P1")):
            self.do(self.desk.cards.bind(card.card_key, card.place, "77", NOW))

    @property
    def stored(self) -> Proposal:
        found = self.do(self.desk.proposals.get("P1"))
        assert found is not None
        return found

    @rule(person=st.sampled_from(PEOPLE), place=places, action=decisive)
    def press(self, person: str, place: CardPlace, action: CardAction) -> None:
        pressed = self.do(self.desk.press(self.stored, action, person=person, access=TRADER, place=place, now=self.now))
        assert pressed.kind is self.expected(person, action)
        if pressed.kind is _K.CANCELLED:
            self.state = _S.CANCELLED
        if pressed.kind in (_K.VOTED, _K.APPROVED):
            self.votes.add(person)
            self.state = _S.APPROVED if len(self.votes) == 2 else _S.OPEN

    def expected(self, person: str, action: CardAction) -> PressKind:
        confirms = action is CardAction.CONFIRM
        if confirms and person in self.votes and self.state is not _S.EXPIRED:
            return _K.ALREADY_VOTED
        if self.state is _S.EXPIRED or (self.state is _S.OPEN and self.now >= self.expires_at):
            return _K.EXPIRED
        if self.state is not _S.OPEN:
            return _K.USED
        if not confirms:
            return _K.CANCELLED
        return _K.APPROVED if len(self.votes) == 1 else _K.VOTED

    @rule(
        place=places, action=st.sampled_from(CardAction), noise=st.text(max_size=24),
        how=st.sampled_from(["message", "chat", "handle", "role", "never"]),
    )  # fmt: skip
    def forge(self, place: CardPlace, action: CardAction, how: str, noise: str) -> None:
        other = GROUP if place == PHONE else PHONE
        handle = self.desk.handles.of("P1", self.revision, action, place)
        press = make_press(handle, place=place, access=TRADER)
        match how:
            case "message":
                press = make_press(handle, place=place, message_id=noise + "x")
            case "chat":
                press = make_press(handle, place=other)
            case "handle":
                press = make_press(noise, place=place)
            case "role":
                press = make_press(handle, place=place, access=NO_ACCESS)
            case _:
                handle = self.desk.handles.of("P1", self.revision + 1, action, place)
                press = make_press(handle, place=place)
        before = self.stored
        assert self.do(self.desk.proposals.press(press, self.now)).kind in (_K.FOREIGN, _K.NOT_ALLOWED)
        assert self.stored == before

    @rule(person=st.sampled_from(PEOPLE), back=st.integers(1, 3))
    def press_an_old_revision(self, person: str, back: int) -> None:
        old = max(1, self.revision - back)
        if old == self.revision:
            return
        handle = self.desk.handles.of("P1", old, CardAction.CONFIRM, PHONE)
        before = self.stored
        press = make_press(handle, person=person, access=TRADER)
        assert self.do(self.desk.proposals.press(press, self.now)).kind is _K.SUPERSEDED
        assert self.stored == before

    @rule(stale=st.booleans())
    def revise(self, *, stale: bool) -> None:
        if self.state not in (_S.OPEN, _S.APPROVED):
            return
        expires_at = self.now + timedelta(seconds=60)
        work = self.desk.proposals.revise(
            "P1", expected_revision=self.revision - stale, legs=make_legs(make_terms(size=self.revision)), effect=None,
            changed=("x",), notes=(), expires_at=expires_at, now=self.now, by="keel", handles=self.desk.handles,
        )  # fmt: skip
        try:
            self.do(work)
        except ProposalOutdated:
            assert stale
            return
        assert not stale
        self.revision, self.state, self.votes, self.expires_at = self.revision + 1, _S.OPEN, set(), expires_at

    @rule(seconds=st.integers(1, 70))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def expire(self) -> None:
        if self.state is _S.OPEN and self.now >= self.expires_at:
            self.do(self.desk.proposals.happened("P1", ProposalEvent.EXPIRED, now=self.now, by="keel"))
            self.state = _S.EXPIRED

    @invariant()
    def agrees(self) -> None:
        stored = self.stored
        assert (stored.state, stored.revision) == (self.state, self.revision)
        assert {vote.person_id for vote in stored.votes} == self.votes

    @invariant()
    def consent_is_there_exactly_when_two_agreed(self) -> None:
        consent = self.do(self.desk.proposals.consent("P1"))
        assert (consent is not None) is (self.state is _S.APPROVED)
        assert consent is None or set(consent.given_by) == self.votes

    def teardown(self) -> None:
        assert self.do(Audit(self.store).verify()).ok
        self.do(self.store.close())
        self.loop.close()


TestPresses = Presses.TestCase
TestPresses.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
