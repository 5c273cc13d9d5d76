"""Everything a signer does with an ask: decide, write down, sign, answer. One ask at a time."""

import time
from collections.abc import Callable
from pathlib import Path

from bot.signer import decide
from bot.signer.config import Config
from bot.signer.errors import Broken, Unfit
from bot.signer.intent import (
    Answer,
    Ask,
    AskIdentity,
    Enter,
    Given,
    Identity,
    Intent,
    MarketCap,
    Refusal,
    RefusalCode,
)
from bot.signer.journal import Journal
from bot.signer.key import SigningKey
from bot.signer.logs import Seldom, log
from bot.signer.state import Entered, Leg, Locked, Refused, Signed, Started, Unlocked
from bot.signer.unlocking import taken_marker

_MOST_WHY = 200
_MOST_PROPOSAL = 100


class Desk:
    """Holds the key, the rules and the journal."""

    def __init__(
        self, config: Config, key: SigningKey, journal: Journal, *, now_s: Callable[[], float] = time.time
    ) -> None:
        """Raises: Unfit for a key that may not sign here, no journal, or one of another venue; Broken."""
        self._config, self._rules, self._key, self._journal = config, config.rules, key, journal
        self._now_s, self._seldom = now_s, Seldom()
        journal.require_begun()
        owners = {one.authority for one in self._rules.accounts}
        if str(key.public_key) in owners and not self._rules.allow_owner_key:
            raise Unfit(
                "the key is the owner of an account, who can also withdraw; name a delegate at the venue and use its "
                "key, or write allow_owner_key = true on purpose"
            )
        known = journal.state.venue
        if known not in (None, self._rules.venue):
            raise Unfit(f"the state folder is of a signer for {known}; give this one a folder of its own")
        started = Started(public_key=str(key.public_key), venue=self._rules.venue, rules=config.digest)
        journal.write(started, self._now())
        log("signer.started", public_key=started.public_key, venue=started.venue, rules=started.rules)
        if journal.torn is not None:
            log("signer.cut_line", bytes=journal.torn.cut_bytes)
            journal.write(journal.torn, self._now())
        self._look_for_unlock()

    def answer(self, ask: Ask) -> Answer:
        """What to say to an ask. Whatever is signed is on disk before this returns."""
        self._look_for_unlock()
        match ask:
            case AskIdentity():
                return self._identity()
            case Enter():
                return self._guarded(lambda: self._enter(ask.epoch))
            case _:
                return self._guarded(lambda: self._sign(ask.intent), ask.intent)

    def refuse(self, code: RefusalCode, why: str) -> Refusal:
        """For what never was an ask: bytes that are none, or somebody who may not ask."""
        self._look_for_unlock()
        answer = self._guarded(lambda: Refusal(code=code, why=why))
        return answer if isinstance(answer, Refusal) else Refusal(code=code, why=why)

    @property
    def is_broken(self) -> bool:
        """Whether nothing is signed any more until the journal is read again, by the next process."""
        return self._journal.is_broken

    def require_whole(self) -> None:
        """Raises: Broken."""
        self._journal.require_whole()

    def _guarded(self, decided: Callable[[], Answer], intent: Intent | None = None) -> Answer:
        try:
            self._journal.require_whole()
            answer = decide.locked(self._journal.state) or _decided(decided)
            if isinstance(answer, Refusal):
                self._note(answer, intent)
        except Broken as exc:
            answer = Refusal(code=RefusalCode.BROKEN, why=str(exc))
        if isinstance(answer, Refusal):
            proposal, leg = _reference(intent)
            self._seldom.log(
                "signer.refused", answer.code, now_s=self._now(), code=answer.code, why=answer.why, proposal=proposal,
                leg=leg,
            )  # fmt: skip
        return answer

    def _note(self, refusal: Refusal, intent: Intent | None) -> None:
        """Raises: Broken."""
        counted = decide.counts(refusal.code, intent)
        if not decide.worth_a_row(self._journal.state, refusal.code, counted=counted, now_s=self._now()):
            return
        proposal, leg = _reference(intent)
        why = refusal.why[:_MOST_WHY]
        event = Refused(code=refusal.code, why=why, proposal=proposal, leg=leg, counts=counted)
        self._journal.write(event, self._now())
        why = decide.why_lock(self._journal.state, self._rules)
        if why:
            self._journal.write(Locked(why=why), self._now())
            log("signer.locked", why=why)

    def _enter(self, epoch: int) -> Answer:
        decision = decide.enter(self._journal.state, epoch, now_s=self._now())
        if isinstance(decision, Refusal):
            return decision
        if not decision.known:
            self._journal.write(Entered(epoch=decision.epoch), self._now())
            log("signer.entered", epoch=decision.epoch)
        return self._identity()

    def _sign(self, intent: Intent) -> Answer:
        now_s = self._now()
        decision = decide.sign(self._journal.state, intent, self._rules, self._key.public_key, now_s=now_s)
        if not isinstance(decision, decide.Fresh):
            if isinstance(decision, Given):
                self._seldom.log(
                    "signer.given_again", "again", now_s=now_s, proposal=intent.proposal, leg=intent.leg,
                    revision=intent.revision,
                )  # fmt: skip
            return decision
        signature = self._key.sign(intent.message)
        leg = Leg(
            proposal=intent.proposal, leg=intent.leg, revision=intent.revision, digest=decision.digest,
            signature=signature, valid_until=intent.valid_until, signed_at_s=now_s,
        )  # fmt: skip
        event = Signed(
            epoch=intent.epoch, account=intent.account, leg=leg, cost=decision.cost, height=intent.height,
            orders=intent.orders, cancels=intent.cancels, modifies=intent.modifies, anchor=intent.anchor,
        )  # fmt: skip
        self._journal.write(event, now_s)
        log(
            "signer.signed", account=intent.account, proposal=intent.proposal, revision=intent.revision, leg=intent.leg,
            orders=len(intent.orders), cancels=len(intent.cancels), modifies=len(intent.modifies),
            usd_raw_1e6=decision.cost.usd_raw_1e6, digest=decision.digest,
        )  # fmt: skip
        return Given(signature=signature, again=False)

    def _identity(self) -> Identity:
        state, rules = self._journal.state, self._rules
        today = state.on(self._now())
        return Identity(
            public_key=str(self._key.public_key), venue=rules.venue,
            accounts=tuple(one.address for one in rules.accounts),
            markets=tuple(
                MarketCap(
                    index=one.index, name=one.name, max_order_raw_1e9=one.max_order_raw_1e9,
                    daily_raw_1e9=one.daily_raw_1e9, used_raw_1e9=today.used_raw_1e9(one.index),
                    price_from_raw_1e6=one.price_from_raw_1e6, price_to_raw_1e6=one.price_to_raw_1e6,
                )
                for one in rules.markets.values()
            ),
            reduce_only=rules.reduce_only, stops_without_limit=rules.stops_without_limit,
            max_order_raw_1e6=rules.max_order_raw_1e6, daily_raw_1e6=rules.daily_raw_1e6,
            used_raw_1e6=today.usd_raw_1e6, order_lasts_at_most_s=rules.order_lasts_at_most_s,
            cancels_left=max(0, rules.daily_cancels - today.cancels),
            signatures_left=max(0, rules.daily_signatures - today.signatures), epoch=state.epoch, locked=state.locked,
            journal_id=state.journal_id, journal_rows=self._journal.number, journal_head=self._journal.head,
        )  # fmt: skip

    def _look_for_unlock(self) -> None:
        state = self._journal.state
        if not state.locked:
            return
        by_uid = taken_marker(self._folder, state.lock)
        if by_uid is None:
            return
        try:
            self._journal.write(Unlocked(lock=state.lock, by_uid=by_uid), self._now())
        except Broken:
            return  # stays locked, and every ask says that the journal cannot be kept
        log("signer.unlocked", by_uid=by_uid)

    @property
    def _folder(self) -> Path:
        return self._config.state

    def _now(self) -> int:
        return int(self._now_s())


def _decided(decided: Callable[[], Answer]) -> Answer:
    """Raises: Broken."""
    try:
        return decided()
    except Broken:
        raise
    except Exception as exc:  # noqa: BLE001  # a mistake in here is a no, written down like every other, and no way around
        return Refusal(code=RefusalCode.GRAMMAR, why=f"it could not be decided on ({type(exc).__name__}); not signed")


def _reference(intent: Intent | None) -> tuple[str, int]:
    return ("", 0) if intent is None else (intent.proposal[:_MOST_PROPOSAL], intent.leg)
