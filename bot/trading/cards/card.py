"""Cards as each chat sees them: in its words, with its buttons. Draws; whoever keeps them up to date is keeper."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.messages import Address, Button, Message, MessageRef
from bot.text.reader import ReadingStyle, reading_as
from bot.trading.aftermath import Aftermath
from bot.trading.cards.words import Drawn, Place, drawn, moved, pressable, superseded
from risk.model.proposal import LegState, Proposal, Purpose
from risk.ports import Clock
from storage import CardAction, CardCopy, CardPlace, Handles, ProposalCards, Receiver, RestingOrder

PREFIX = "c"
_LABELS = {
    CardAction.CONFIRM: "Confirm",
    CardAction.CANCEL: "Cancel",
    CardAction.HALF: "Half",
    CardAction.DETAILS: "Details",
}
_WHOLE_ONLY = (Purpose.ARM, Purpose.CANCEL, Purpose.SLEEP)
# Whoever was asked for a proposal returns its card as their answer: so long it is theirs to send.
_ANSWERED_WITHIN = timedelta(seconds=2)
_CLAIMED_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A card that goes out as an answer.

    Attributes:
        fingerprint: Of what it says.
        before: The message it stands in so far, and what that is to say then; None for none.
    """

    until_s: float
    fingerprint: str
    revision: int
    before: tuple[MessageRef, Message] | None


class ChatCards:
    """Draws cards, and lets commands answer with one.

    Args:
        names_in: What a private chat calls accounts, by id.
        label: What everybody calls an account.
        style_of: How a chat reads.
        gateway: Where orders go: "paper".
        resting: Orders of a proposal that rest, or did, by its id; None where nobody knows.
        changed: Called when a card went out.
        trouble: Why nothing can be signed now; empty while everything can.
        waits: Why the next order of a proposal, by its id, does not go out; empty where it does.
    """

    def __init__(
        self,
        *,
        copies: ProposalCards,
        handles: Handles,
        clock: Clock,
        names_in: Callable[[Receiver], Awaitable[Mapping[str, str]]],
        label: Callable[[str], str],
        style_of: Callable[[Receiver], Awaitable[ReadingStyle]],
        gateway: str,
        aftermath: Aftermath,
        resting: Callable[[str], Awaitable[Sequence[RestingOrder]]] | None = None,
        changed: Callable[[], None] = lambda: None,
        trouble: Callable[[], str] = lambda: "",
        waits: Callable[[str], str] = lambda proposal_id: "",
    ) -> None:
        self._copies, self._handles, self._clock = copies, handles, clock
        self._names_in, self._label, self._style_of = names_in, label, style_of
        self._gateway, self._aftermath, self._changed = gateway, aftermath, changed
        self._resting, self._trouble, self._waits = resting, trouble, waits
        self._claims: dict[str, _Claim] = {}
        self._hidden: dict[str, Address] = {}
        self._left: list[tuple[MessageRef, Message]] = []

    def when_sent(self, call: Callable[[], None]) -> None:
        """Call whenever a card went out."""
        self._changed = call

    async def draw(self, proposal: Proposal, where: CardPlace) -> Drawn:
        """A card as a chat is to see it now."""
        receiver, now = _receiver(where), self._clock.now()
        label = await self._called(receiver, proposal.account_id)
        rested = any(leg.state is LegState.RESTING for leg in proposal.legs)
        place = Place(
            label=label,
            gateway=self._gateway,
            buttons=buttons(proposal, where, self._handles) if pressable(proposal, now) else (),
            after=self._aftermath(proposal),
            resting=tuple(await self._resting(proposal.proposal_id)) if rested and self._resting is not None else (),
            trouble=self._trouble(),
            waits=self._waits(proposal.proposal_id),
        )
        with reading_as(await self._style_of(receiver)):
            return drawn(_called_there(proposal, label), place, now)

    async def superseded(self, proposal: Proposal, where: CardPlace) -> Message:
        """What stands in place of the card of an older revision."""
        return await self._elsewhere(proposal, where, superseded)

    async def here(self, proposal: Proposal, address: Address) -> Message:
        """The card of a proposal as the answer to whoever asked; it is kept up to date from then on.

        Where it stands in that chat already, it moves: the message from before loses its buttons.
        """
        where = place_of(address)
        copy = await self._copies.add(proposal.proposal_id, where, self._handles)
        card = await self.draw(proposal, where)
        before = None
        if copy.message_id is not None:
            message = await self._elsewhere(proposal, where, moved)
            before = MessageRef(address=self.address(copy), message_id=copy.message_id), message
        self._forget_old_claims()
        self._claims[copy.card_key] = _Claim(
            until_s=self._clock.monotonic_s() + _CLAIMED_S, fingerprint=card.fingerprint, revision=proposal.revision,
            before=before,
        )  # fmt: skip
        return replace(card.message, card=copy.card_key)

    async def bind(self, key: str, ref: MessageRef) -> None:
        """The card went out as this message. Raises: StorageError."""
        address, now = ref.address, self._clock.now()
        await self._copies.bind(key, place_of(address), ref.message_id, now)
        if (claim := self._claims.pop(key, None)) is not None:
            await self._copies.shown(
                key, message_id=ref.message_id, fingerprint=claim.fingerprint, revision=claim.revision, now=now
            )
            if claim.before is not None and claim.before[0].message_id != ref.message_id:
                self._left.append(claim.before)
        self._hidden.pop(key, None)
        if address.reply_to and not address.shared:
            # Only whoever asked sees it, and for minutes it can be edited by what they asked alone.
            self._hidden[key] = address
        self._changed()

    def left(self) -> tuple[tuple[MessageRef, Message], ...]:
        """Messages that are no card any more, with what they are to say instead; each once."""
        found, self._left = tuple(self._left), []
        return found

    def is_answered(self, copy: CardCopy, proposal: Proposal) -> bool:
        """Whether a card that was not sent yet is about to be, as the answer to a command."""
        claim = self._claims.get(copy.card_key)
        if claim is not None:
            return self._clock.monotonic_s() < claim.until_s
        asked = bool(proposal.requested_by)
        return asked and self._clock.now() - proposal.created_at < _ANSWERED_WITHIN

    def address(self, copy: CardCopy) -> Address:
        """Where a copy is."""
        place = copy.place
        return self._hidden.get(copy.card_key) or Address(
            transport=place.transport, chat=place.chat, thread=place.thread
        )

    def has_aftermath(self, proposal: Proposal) -> bool:
        """Whether its account was read again since it ended."""
        return self._aftermath(proposal) is not None

    def forget(self, key: str) -> None:
        """A copy is over."""
        self._hidden.pop(key, None)
        self._claims.pop(key, None)

    async def _elsewhere(
        self, proposal: Proposal, where: CardPlace, words: Callable[[Proposal, str], Message]
    ) -> Message:
        receiver = _receiver(where)
        label = await self._called(receiver, proposal.account_id)
        with reading_as(await self._style_of(receiver)):
            return words(proposal, label)

    async def _called(self, receiver: Receiver, account_id: str) -> str:
        return (await self._names_in(receiver)).get(account_id) or self._label(account_id)

    def _forget_old_claims(self) -> None:
        now_s = self._clock.monotonic_s()
        self._claims = {key: claim for key, claim in self._claims.items() if claim.until_s > now_s}


def buttons(proposal: Proposal, where: CardPlace, handles: Handles) -> tuple[tuple[Button, ...], ...]:
    """Rows of buttons for one chat; each carries a handle that means nothing anywhere else."""
    rows = [[CardAction.CONFIRM, CardAction.CANCEL], [CardAction.HALF, CardAction.DETAILS]]
    if proposal.purpose in _WHOLE_ONLY or not any(leg.terms is not None for leg in proposal.legs):
        rows[1].remove(CardAction.HALF)
    return tuple(
        tuple(
            Button(_LABELS[action], f"{PREFIX}:{handles.of(proposal.proposal_id, proposal.revision, action, where)}")
            for action in row
        )
        for row in rows
    )


def _called_there(proposal: Proposal, label: str) -> Proposal:
    """With the account's name where a venue's reason has its id."""
    if not any(proposal.account_id in leg.reason for leg in proposal.legs):
        return proposal
    legs = [replace(leg, reason=leg.reason.replace(proposal.account_id, label)) for leg in proposal.legs]
    return replace(proposal, legs=tuple(legs))


def place_of(address: Address) -> CardPlace:
    """The chat of an address, as cards are bound to it."""
    return CardPlace(transport=address.transport, chat=address.chat, thread=address.thread)


def _receiver(where: CardPlace) -> Receiver:
    return Receiver(transport=where.transport, chat=where.chat, thread=where.thread)
