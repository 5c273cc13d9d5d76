"""From what people write and press to what they get back: who they are, what they mean, what they may do there."""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from bot.answering import PATIENCE_S, Patience
from bot.commands.registry import all_commands, all_presses
from bot.commands.spec import Command, Denied, Pressable, PressReply, PressRequest, Request, Run, Services, Usage, Where
from bot.door import TOO_FAST, USUAL, Admission, Allowance, Door
from bot.guests import Guests
from bot.last_answers import LastAnswers
from bot.messages import (
    Address,
    DeliveryError,
    Incoming,
    Membership,
    Message,
    MessageRef,
    Person,
    Press,
    Refused,
    Transport,
    lines,
)
from bot.messages import Command as Written
from bot.platform_roles import PlatformRoles
from bot.reading import Styles
from bot.roster import NotHere
from bot.scope import OWN, Place, Scopes
from bot.text.reader import reading_as
from bot.words import nearest, too_long, words
from risk.errors import CannotAssess, ReadFailed
from storage import LinkedPerson, Role, Seen, StorageError

log = structlog.get_logger()

LONGEST_NOTICE = 200
PRESS_VALID_FOR = timedelta(minutes=10)
_WENT_WRONG = "Something went wrong inside Keel; its log has it as request.failed. Look before you try again."
_STRANGER = "This is a private bot. If it is yours, send /start with the code from its console."
_NOT_LINKED = "Nobody has linked this group. Ask me in private, or have an admin link it with /here."
_IN_PRIVATE = "Ask me this in private: others read along here."


class Dispatcher:
    """Serves transports. Requests run side by side, at most a few at once; none can stop another.

    Args:
        local_owner: Who sits at the terminal, where there is one: whoever can read the process's files is its owner.
        platform_roles: What a platform's own roles add and take; None for a bot to which they mean nothing.
        patience_s: How long a calculation may take before something is said; see bot.answering.
        allowance: What one person may ask for; see bot.door. Whoever sits at the terminal floods only themselves.
    """

    def __init__(
        self,
        services: Services,
        seen: Seen,
        *,
        local_owner: LinkedPerson | None = None,
        platform_roles: PlatformRoles | None = None,
        patience_s: float = PATIENCE_S,
        allowance: Allowance = USUAL,
    ) -> None:
        self._services, self._seen, self._local_owner = services, seen, local_owner
        self._platform_roles = platform_roles or PlatformRoles(platform="")
        self._scopes, self._styles = Scopes(services), Styles(services.personal, services.people)
        self._patience = Patience(patience_s, accepted=self._accepted)
        self._last = LastAnswers(services.clock)
        self.guests = Guests(services)
        self.commands: Mapping[str, Command] = all_commands()
        self._presses = all_presses(self.commands)
        self._door = Door(services.clock, allowance, home=local_owner.transport if local_owner else "")

    async def serve(self, transport: Transport) -> None:
        """Answer everything a transport brings until it is left."""
        async with asyncio.TaskGroup() as tasks:
            async for incoming in transport.incoming():
                if isinstance(incoming, Written) and not _is_meant(incoming):
                    continue
                admitted = self._door.enters(incoming)
                if admitted is not Admission.LEFT_OUT:
                    tasks.create_task(self._in_turn(transport, incoming, admitted))

    async def _in_turn(self, transport: Transport, incoming: Incoming, admitted: Admission) -> None:
        async with self._door.turn(incoming, admitted):
            await self._guarded(transport, incoming, turned_away=admitted is Admission.TOLD)

    async def _guarded(self, transport: Transport, incoming: Incoming, *, turned_away: bool) -> None:
        try:
            match incoming:
                case Press() | Written() if turned_away:
                    await self._turn_away(transport, incoming)
                case Membership():
                    await self.guests.heard(transport, incoming)
                case Press():
                    await self.pressed(transport, incoming)
                case Written():
                    await self.obey(transport, incoming)
        except DeliveryError as exc:
            log.warning("reply.failed", transport=transport.name, error=str(exc))
        except Exception:
            # The one place where anything may arrive: it is logged, and the person is told that nothing came of it.
            log.exception("request.failed", transport=transport.name)
            await self._apologise(transport, incoming)

    async def _turn_away(self, transport: Transport, incoming: Press | Written) -> None:
        """Somebody known hears why there is no answer, once; nobody else does, nor whoever reads along in a group."""
        log.warning("request.flood", transport=transport.name)
        if await self._person(transport.name, incoming.sender) is None:
            return
        if isinstance(incoming, Press):
            await transport.answer(incoming, TOO_FAST)
        elif incoming.private or incoming.address.reply_to:
            await transport.send(incoming.address, Message(blocks=lines(TOO_FAST)))

    async def _apologise(self, transport: Transport, incoming: Incoming) -> None:
        try:
            if isinstance(incoming, Press):
                await transport.answer(incoming, _WENT_WRONG)
            elif isinstance(incoming, Written):
                await transport.send(incoming.address, Message(blocks=lines(_WENT_WRONG)))
        except DeliveryError as exc:
            log.warning("reply.failed", transport=transport.name, error=str(exc))

    async def _person(self, transport: str, sender: Person) -> LinkedPerson | None:
        """Who it is, and what they may do where they are at this moment."""
        if self._local_owner is not None and self._local_owner.transport == transport:
            return self._local_owner
        known = await self._services.people.person(sender.transport, sender.user_id)
        return None if known is None else self._platform_roles.applied(known, sender)

    async def obey(self, transport: Transport, written: Written) -> None:
        """Answer one text; who may is decided here."""
        person = await self._person(transport.name, written.sender)
        word, args = words(written.text)
        command = self.commands.get(word)
        if person is None and not (command and command.open_to_strangers and args):
            await self._refuse(transport, written)
            return
        # What takes no calculation answers in one message; in a group, what is not for the bot is not calculated.
        if command is not None and command.meanwhile is not None and _is_meant(written):
            await self._calculate(transport, written, person, command)
            return
        answer = await self.answer(written, person)
        if answer is not None:
            await self._say(transport, written.address, answer)

    async def _say(self, transport: Transport, address: Address, message: Message) -> None:
        await self._accepted(message, await transport.send(address, message))

    async def _accepted(self, message: Message, ref: MessageRef) -> None:
        """A card that went out is kept up to date from now on, under the number its platform gave it."""
        if message.card and self._services.trading is not None:
            await self._services.trading.cards.bind(message.card, ref)

    async def _calculate(
        self, transport: Transport, written: Written, person: LinkedPerson | None, command: Command
    ) -> None:
        """Answer within a second, and again in its place when a calculation takes longer."""
        if (refusal := too_long(written.text)) is not None:
            await transport.send(written.address, refusal)
            return
        request = _request(written, person)

        def asked(run: Run) -> Coroutine[Any, Any, Message]:
            return self._sentences(command, request, run)

        await self._patience.answer(
            transport, request.address, asked(self._last.remembering(command)),
            meanwhile=lambda: asked(self._last.instead_of(command)), failed=partial(_failed, transport),
        )  # fmt: skip

    async def answer(self, written: Written, person: LinkedPerson | None) -> Message | None:
        """What somebody hears to what they wrote; None for a text in a group that is not meant for the bot."""
        if not _is_meant(written):
            return None
        word, _ = words(written.text)
        command = self.commands.get(word)
        if (refusal := too_long(written.text)) is not None:
            return refusal
        if command is None:
            return nearest(word, self.commands)
        return await self._sentences(command, _request(written, person), command.run)

    async def _sentences(self, command: Command, request: Request, run: Run) -> Message:
        """What people hear, also where it is only why there is no answer."""
        try:
            return await self._run(command, request, run)
        except Usage as exc:
            return Message(blocks=lines(f"{exc}", f"Usage: {command.usage}"))
        except Denied as exc:
            return Message(blocks=lines(str(exc)))
        except NotHere as exc:
            return Message(blocks=lines(_not_here(exc)))
        except (ReadFailed, CannotAssess) as exc:
            return Message(blocks=lines(f"No data: {exc}", "Nothing can be said of the account now; see /status."))
        except StorageError as exc:
            return Message(blocks=lines("Keel's memory does not work now.", str(exc)))

    async def _run(self, command: Command, request: Request, run: Run) -> Message:
        person = request.person
        place = await self._scopes.place(request.address, private=request.private)
        try:
            _require_place(command.where, place)
        except Denied as exc:
            if command.typed_aloud and request.args:
                raise Denied(f"{command.typed_aloud} {_IN_PRIVATE}") from exc
            raise
        if person is None:
            return await run(self._services, request)
        if not _holds(person, command.role, per_account=command.per_account):
            held = _shown_role(person, per_account=command.per_account)
            hint = self._platform_roles.hint(request.sender)
            raise Denied(f"/{command.name} needs the role {command.role.value}; yours is {held}.{hint}")
        # What is asked anywhere says by itself what others may read.
        services = await self._scopes.services(person, OWN if command.where is Where.ANYWHERE else place)
        with reading_as(await self._styles.of_person(person.person_id)):
            return await run(services, request)

    async def _refuse(self, transport: Transport, written: Written) -> None:
        """One polite sentence in private, once; after that, and in groups, strangers are not answered.

        Where the platform shows that it waits for an answer, and to nobody else, it gets one each time.
        """
        if written.address.reply_to:
            await transport.send(written.address, Message(blocks=lines(_STRANGER, first_strong=False)))
            return
        if not written.private:
            return
        first = await self._services.people.refused_once(
            written.sender.transport, written.sender.user_id, self._services.clock.now()
        )
        log.info("stranger.refused", transport=transport.name, first=first)
        if first:
            await transport.send(written.address, Message(blocks=lines(_STRANGER, first_strong=False)))

    async def pressed(self, transport: Transport, press: Press) -> None:
        """Take one press; who may is decided here."""
        person = await self._person(transport.name, press.sender)
        prefix, *args = press.data.split(":")
        known = self._presses.get(prefix)
        if person is None or known is None:
            await transport.answer(press, "This button is not for you." if person is None else "This button is old.")
            return
        if not _holds(person, known.role, per_account=known.per_account):
            held = _shown_role(person, per_account=known.per_account)
            hint = self._platform_roles.hint(press.sender)
            await transport.answer(press, f"This needs the role {known.role.value}; yours is {held}.{hint}")
            return
        now = self._services.clock.now()
        if now - press.pressed_at > PRESS_VALID_FOR:
            await transport.answer(press, "This was pressed while I was down; press it again.")
            return
        if press.press_id and not await self._seen.first_time(f"{transport.name}:press:{press.press_id}", now):
            await transport.answer(press)
            return
        reply = await self._react(known, press, PressRequest(
            args=tuple(args), person=person, address=press.message.address, private=press.private,
            message_id=press.message.message_id,
        ))  # fmt: skip
        await transport.answer(press, reply.notice[:LONGEST_NOTICE])
        if reply.replace is not None:
            await self._replace(transport, press, reply.replace)
        if reply.message is not None:
            await self._say(transport, press.message.address, reply.message)

    async def _replace(self, transport: Transport, press: Press, message: Message) -> None:
        try:
            await transport.edit(press.message, message)
        except Refused:  # the card is gone; what became of the press is said all the same
            await transport.send(press.message.address, message)

    async def _react(self, known: Pressable, press: Press, request: PressRequest) -> PressReply:
        person = request.person
        try:
            place = await self._scopes.place(press.message.address, private=press.private)
            _require_place(known.where, place)
            services = await self._scopes.services(person, place)
            with reading_as(await self._styles.of_person(person.person_id)):
                return await known.on_press(services, request)
        except (Usage, Denied) as exc:
            return PressReply(notice=str(exc)[:LONGEST_NOTICE])
        except NotHere as exc:
            return PressReply(notice=_not_here(exc)[:LONGEST_NOTICE])
        except (ReadFailed, CannotAssess) as exc:
            return PressReply(notice=f"No data: {exc}"[:LONGEST_NOTICE])
        except StorageError as exc:
            return PressReply(notice=f"Keel's memory does not work now. {exc}"[:LONGEST_NOTICE])
        except (ValueError, IndexError, KeyError):
            # The data of a button of an older version, or a forged one.
            log.info("press.malformed")
            return PressReply(notice="This button is too old to be understood.")


def _is_meant(written: Written) -> bool:
    """Whether a text is for the bot: in a group, only what begins like a command is."""
    return written.private or written.text.startswith("/")


def _request(written: Written, person: LinkedPerson | None) -> Request:
    _, args = words(written.text)
    return Request(args=args, sender=written.sender, person=person, address=written.address, private=written.private)


def _failed(transport: Transport, error: BaseException) -> Message:
    log.error("request.failed", transport=transport.name, exc_info=error)
    return Message(blocks=lines(_WENT_WRONG))


def _require_place(where: Where, place: Place) -> None:
    """Raises: Denied."""
    if place.own or where is Where.ANYWHERE:
        return
    if not place.linked:
        raise Denied(_NOT_LINKED)
    if where is Where.PRIVATE:
        raise Denied(_IN_PRIVATE)


def _holds(person: LinkedPerson, needed: Role, *, per_account: bool) -> bool:
    """Whether somebody may use a command at all; for which accounts, one that is per account looks itself."""
    if needed is Role.VIEWER:
        return True  # somebody with no role sees no account, and may still ask
    held = person.access.strongest if per_account else person.access.everywhere
    return held is not None and held.includes(needed)


def _shown_role(person: LinkedPerson, *, per_account: bool) -> str:
    held = person.access.strongest if per_account else person.access.everywhere
    if held is None:
        return "none" if per_account or person.access.strongest is None else "for some accounts only"
    return held.value


def _not_here(error: NotHere) -> str:
    return f"{error.nickname} is not spoken of here. Ask me in private."
