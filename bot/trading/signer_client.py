"""The bot's way to the process that holds the key. What it refuses is told in its own words.

A question is asked again, word for word, when its answer got lost: the signer gives the same signature for it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from bot.signer.intent import (
    Anchor,
    Answer,
    Ask,
    AskIdentity,
    Enter,
    Given,
    Identity,
    Intent,
    Refusal,
    RefusalCode,
    Sign,
    SigningVenue,
)
from bot.trading.signer_intents import beyond, intent_of
from bot.trading.signer_socket import Lost, SignerSocket
from bot.trading.signer_trouble import Plight, Trouble, plainly
from storage import SeenJournal
from venues import ed25519
from venues.errors import VenueRejected, VenueUnavailable
from venues.signing import SignedMessage, SigningRequest

log = structlog.get_logger()


class SignerRefused(VenueRejected):
    """The signer's no to exactly this, or its no to everything until a person does something."""


class SignerUnavailable(VenueUnavailable):
    """No answer, or one that asks for patience: the same may be signed later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerTempo:
    """How patient the client is, in seconds.

    Attributes:
        answer_s: For one answer, behind which the signer's disk is.
        patience_s: For a signature in all, while a signer that was restarted comes back.
        pause_s: Between two tries meanwhile.
        told_s: Before people are told that nobody answers; a restart is over by then.
        twice_s: Before it is asked again for what may still land otherwise.
    """

    answer_s: float = 10.0
    patience_s: float = 15.0
    pause_s: float = 0.2
    told_s: float = 2.0
    twice_s: float = 5.0


_PLIGHTS = {
    RefusalCode.LOCKED: Plight.LOCKED, RefusalCode.BROKEN: Plight.BROKEN, RefusalCode.FENCED: Plight.FENCED,
    RefusalCode.STRANGER: Plight.REFUSED,
}  # fmt: skip
# It still says who it is, and what is left of its caps.
_SHOWN = frozenset({RefusalCode.LOCKED, RefusalCode.BROKEN})
# It hangs up after these.
_LAST_WORDS = frozenset({RefusalCode.MALFORMED, RefusalCode.STRANGER})
# An earlier signature may still land, or a disk is full: neither says no to the order.
_LATER = frozenset({RefusalCode.TWICE, RefusalCode.BROKEN})


class JournalMemory(Protocol):
    """How far the signer's journal was seen to reach; storage.SignerMemory."""

    async def see(self, found: SeenJournal) -> str: ...

    async def accept(self, found: SeenJournal) -> None: ...


class SignerClient:
    """Implements venues.signing.OrderSigner.

    Args:
        venue: That it must sign for.
        epoch: Of this process; stored before it comes here.
        anchor: Where the audit stands now.
        memory: Of its journal; None for nobody who would notice.
        now_s: Unix seconds, by the clock that orders are made with.
        memory_name: Goes before the name of whatever is to be signed: another database has a P1 as well.
        noticed: Called when it turns out that it does not answer, while it is still being asked.
    """

    def __init__(
        self,
        path: Path,
        *,
        venue: SigningVenue,
        epoch: int,
        anchor: Callable[[], Awaitable[Anchor | None]],
        memory: JournalMemory | None = None,
        now_s: Callable[[], float] = time.time,
        memory_name: str = "",
        noticed: Callable[[], None] = lambda: None,
        tempo: SignerTempo | None = None,
    ) -> None:
        self.path, self._venue, self._epoch, self._anchor = path, venue, epoch, anchor
        self._memory, self.now_s = memory, now_s
        self._memory_name, self.noticed = memory_name, noticed
        self._tempo = tempo or SignerTempo()
        self._socket = SignerSocket(path, answer_s=self._tempo.answer_s)
        self._turn = asyncio.Lock()
        self._not_before_s: dict[tuple[str, int], tuple[float, str]] = {}
        self.identity: Identity | None = None
        """As it was when last asked; None before the first answer."""
        self.trouble: Trouble | None = None
        """Why nothing is signed at present, as far as is known; None where all is well."""

    def __repr__(self) -> str:
        return f"SignerClient({self.path.name})"

    async def look(self) -> Identity:
        """Ask who it is and what is left of its caps. Raises: SignerRefused, SignerUnavailable."""
        async with self._turn:
            return await self._identified(patience_s=0.0)

    async def public_key(self) -> str:
        """See OrderSigner. Raises: SignerRefused, SignerUnavailable."""
        return (self.identity or await self.look()).public_key

    async def sign(self, request: SigningRequest) -> SignedMessage:
        """See OrderSigner. Raises: SignerRefused, SignerUnavailable, StorageError."""
        name = request.batch.consent.reference, request.batch.leg
        self._have_patience(name)
        anchor = await self._anchor()
        intent = intent_of(request, venue=self._venue, epoch=self._epoch, anchor=anchor, memory_name=self._memory_name)
        async with self._turn:
            identity = await self._identified(patience_s=self._tempo.patience_s)
            batch = request.batch
            if why := beyond(identity, intent.account, batch.terms, now_s=self.now_s(), cancels=len(batch.cancels)):
                raise SignerRefused(f"the signer would not sign it: {why}")
            answer = await self._answer(Sign(intent=intent), patience_s=self._tempo.patience_s)
        return self._signed(answer, intent, identity, name)

    def _signed(self, answer: Answer, intent: Intent, identity: Identity, name: tuple[str, int]) -> SignedMessage:
        if isinstance(answer, Refusal):
            problem = self._refused(answer)
            if answer.code is RefusalCode.TWICE:
                wait_until_s = asyncio.get_running_loop().time() + self._tempo.twice_s
                self._not_before_s[name] = wait_until_s, str(problem)
            raise problem
        if not isinstance(answer, Given) or not ed25519.fits(answer.signature, intent.message, identity.public_key):
            raise SignerRefused("the signer gave a signature that does not fit its own key; look at which one runs")
        self._not_before_s.pop(name, None)
        self.trouble = None
        return SignedMessage(message=intent.message, signature=answer.signature)

    def _have_patience(self, name: tuple[str, int]) -> None:
        """Asked over and over for what it has refused, a signer locks itself."""
        not_before_s, why = self._not_before_s.get(name, (0.0, ""))
        if asyncio.get_running_loop().time() < not_before_s:
            raise SignerUnavailable(why)

    async def _identified(self, *, patience_s: float) -> Identity:
        """Every time with the epoch: that is how a process learns that another one began after it. Only the right
        signer is told: to another bot's it would be the epoch that shuts that bot out.
        """
        if not self._socket.is_open or self.identity is None:
            shown = await self._answer(AskIdentity(), patience_s=patience_s)
            if isinstance(shown, Identity):
                self._is_the_one(shown)
        answer = await self._answer(Enter(epoch=self._epoch), patience_s=patience_s)
        if isinstance(answer, Refusal):
            problem = self._refused(answer)
            if answer.code in _SHOWN:
                shown = await self._answer(AskIdentity(), patience_s=patience_s)
                if isinstance(shown, Identity):
                    self._is_the_one(shown)
                    self.identity = shown
            raise problem
        if not isinstance(answer, Identity):
            self._socket.drop()
            raise self._in_trouble(Plight.SILENT, "what answers at its socket is no signer")
        self._is_the_one(answer)
        self.identity = answer
        await self._remembers(answer)
        if self.trouble is None or self.trouble.plight is not Plight.BROKEN:
            self.trouble = None
        return answer

    def _is_the_one(self, found: Identity) -> None:
        """Raises: SignerRefused for a signer that is another than the one this process began with, or for another
        venue."""
        if found.venue is not self._venue:
            self._socket.drop()
            raise self._refusing(
                f"the signer signs for {found.venue.value} and orders go to {self._venue.value}; name the other one's "
                "socket in SIGNER_SOCKET"
            )
        if self.identity is not None and found.public_key != self.identity.public_key:
            self._socket.drop()
            raise self._refusing("the signer holds another key than when Keel started; restart Keel if that is right")

    async def _remembers(self, found: Identity) -> None:
        """Raises: SignerUnavailable for one that has forgotten something, until somebody accepts it; StorageError."""
        why = "" if self._memory is None else await self._memory.see(_journal(found))
        if why:
            raise self._in_trouble(
                Plight.FORGETFUL,
                f"{why}, so what it has signed today, and which legs, it may not know any more; find out who did that",
            )

    async def accept_journal(self) -> None:
        """Somebody has looked at why its journal is another one. Raises: StorageError."""
        if self._memory is not None and self.identity is not None:
            await self._memory.accept(_journal(self.identity))

    async def _answer(self, asked: Ask, *, patience_s: float) -> Answer:
        """The answer; asked again over another connection where the one there is breaks."""
        if self.trouble is not None and self.trouble.plight is Plight.FENCED:
            raise SignerRefused(self.trouble.why)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + patience_s
        while True:
            try:
                if not self._socket.is_open:
                    await self._socket.open()
                    self.trouble = None  # it was started again, or is heard again: it says itself what is wrong
                return await self._socket.ask(asked)
            except Lost as exc:
                self._socket.drop()
                if loop.time() >= until_s - patience_s + self._tempo.told_s and self.trouble is None:
                    self.trouble = Trouble(plight=Plight.SILENT, why=f"the signer does not answer: {plainly(exc)}")
                    self.noticed()
                if loop.time() >= until_s:
                    raise self._in_trouble(Plight.SILENT, f"the signer does not answer: {plainly(exc)}") from exc
            except BaseException:
                self._socket.drop()  # cancelled in the middle: an answer may still be on its way
                raise
            await asyncio.sleep(self._tempo.pause_s)

    def _refused(self, refusal: Refusal) -> SignerRefused | SignerUnavailable:
        why = f"the signer refused: {refusal.why}"
        plight = _PLIGHTS.get(refusal.code)
        if plight is Plight.FENCED:
            why = (
                "another Keel process began after this one and has taken over, so this one sends nothing any more; "
                "stop one of them, and restart this one if it is to trade"
            )
            log.critical("signer.fenced", epoch=self._epoch, why=refusal.why)
        if plight is not None:
            self.trouble = Trouble(plight=plight, why=why)
        if refusal.code in _LAST_WORDS:
            self._socket.drop()
        log.warning("signer.refused", code=refusal.code.value, why=refusal.why)
        return SignerUnavailable(why) if refusal.code in _LATER else SignerRefused(why)

    def _refusing(self, why: str) -> SignerRefused:
        self.trouble = Trouble(plight=Plight.REFUSED, why=why)
        return SignerRefused(why)

    def _in_trouble(self, plight: Plight, why: str) -> SignerUnavailable:
        self.trouble = Trouble(plight=plight, why=why)
        return SignerUnavailable(why)

    async def close(self) -> None:
        """A second time is fine."""
        self._socket.drop()


def _journal(found: Identity) -> SeenJournal:
    return SeenJournal(journal=found.journal_id, rows=found.journal_rows, head=found.journal_head)
