"""From what people write and press to what they get back: who they are, what they mean, what they may do."""

import asyncio
import difflib
import shlex
from collections.abc import Mapping
from datetime import timedelta

import structlog

from bot.commands.registry import all_commands, all_presses
from bot.commands.spec import Command, OnPress, PressReply, PressRequest, Request, Services, Usage
from bot.messages import Command as Written
from bot.messages import DeliveryError, Incoming, Line, Message, Press, Refused, Transport, lines
from bot.text.clean import name
from risk.errors import CannotAssess, ReadFailed
from storage import LinkedPerson, Seen, StorageError

log = structlog.get_logger()

LONGEST_TEXT = 500
LONGEST_NOTICE = 200
PRESS_VALID_FOR = timedelta(minutes=10)
_AT_ONCE = 16
_STRANGER = "This is a private bot. If it is yours, send /start with the code from its console."


class Dispatcher:
    """Serves transports. Requests run side by side, at most a few at once; none can stop another.

    Args:
        local_owner: Who sits at the terminal, where there is one: whoever can read the process's files is its owner.
    """

    def __init__(self, services: Services, seen: Seen, *, local_owner: LinkedPerson | None = None) -> None:
        self._services, self._seen, self._local_owner = services, seen, local_owner
        self.commands: Mapping[str, Command] = all_commands()
        self._presses = all_presses(self.commands)
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def serve(self, transport: Transport) -> None:
        """Answer everything a transport brings until it is left."""
        async with asyncio.TaskGroup() as tasks:
            async for incoming in transport.incoming():
                await self._slots.acquire()
                tasks.create_task(self._guarded(transport, incoming))

    async def _guarded(self, transport: Transport, incoming: Incoming) -> None:
        try:
            if isinstance(incoming, Press):
                await self._press(transport, incoming)
            else:
                await self.obey(transport, incoming)
        except DeliveryError as exc:
            log.warning("reply.failed", transport=transport.name, error=str(exc))
        except Exception:
            # The one place where anything may arrive: it is logged, and the person is told that nothing came of it.
            log.exception("request.failed", transport=transport.name)
            await self._apologise(transport, incoming)
        finally:
            self._slots.release()

    async def _apologise(self, transport: Transport, incoming: Incoming) -> None:
        text = "Something went wrong inside Keel; its log has it as request.failed. Look before you try again."
        try:
            if isinstance(incoming, Press):
                await transport.answer(incoming, text)
            else:
                await transport.send(incoming.address, Message(blocks=lines(text)))
        except DeliveryError as exc:
            log.warning("reply.failed", transport=transport.name, error=str(exc))

    async def _person(self, transport: str, user_id: str) -> LinkedPerson | None:
        if self._local_owner is not None and self._local_owner.transport == transport:
            return self._local_owner
        return await self._services.people.person(transport, user_id)

    async def obey(self, transport: Transport, written: Written) -> None:
        """Answer one text; who may is decided here."""
        person = await self._person(transport.name, written.sender.user_id)
        word, args = _words(written.text)
        command = self.commands.get(word)
        if person is None and not (command and command.open_to_strangers and args):
            await self._refuse(transport, written)
            return
        answer = await self.answer(written, person)
        if answer is not None:
            await transport.send(written.address, answer)

    async def answer(self, written: Written, person: LinkedPerson | None) -> Message | None:
        """What somebody hears to what they wrote; None for a text in a group that is not meant for the bot."""
        if not written.private and not written.text.startswith("/"):
            return None
        word, args = _words(written.text)
        command = self.commands.get(word)
        if command is None:
            return self._nearest(word)
        if person is not None and not person.role.includes(command.role):
            return Message(
                blocks=lines(f"/{command.name} needs the role {command.role.value}; yours is {person.role}.")
            )
        request = Request(
            args=args, sender=written.sender, person=person, address=written.address, private=written.private
        )
        try:
            return await command.run(self._services, request)
        except Usage as exc:
            return Message(blocks=lines(f"{exc}", f"Usage: {command.usage}"))
        except (ReadFailed, CannotAssess) as exc:
            return Message(blocks=lines(f"No data: {exc}", "Nothing can be said of the account now; see /status."))
        except StorageError as exc:
            return Message(blocks=lines("Keel's memory does not work now.", str(exc)))

    def _nearest(self, word: str) -> Message:
        starts = [known for known in self.commands if word and (known.startswith(word) or word.startswith(known))]
        close = starts or difflib.get_close_matches(word, self.commands, n=1, cutoff=0.5) or ["help"]
        nearest = self.commands[close[0]]
        return Message(
            blocks=(
                Line(f"/{name(word)} is not a command. Did you mean /{nearest.name}?", strong=True),
                Line(f"Usage: {nearest.usage}"),
                Line("/help lists everything."),
            )
        )

    async def _refuse(self, transport: Transport, written: Written) -> None:
        """One polite sentence in private, once; after that, and in groups, strangers are not answered."""
        if not written.private:
            return
        first = await self._services.people.refused_once(
            transport.name, written.sender.user_id, self._services.clock.now()
        )
        log.info("stranger.refused", transport=transport.name, first=first)
        if first:
            await transport.send(written.address, Message(blocks=lines(_STRANGER, first_strong=False)))

    async def _press(self, transport: Transport, press: Press) -> None:
        person = await self._person(transport.name, press.sender.user_id)
        prefix, *args = press.data.split(":")
        known = self._presses.get(prefix)
        if person is None or known is None:
            await transport.answer(press, "This button is not for you." if person is None else "This button is old.")
            return
        on_press, role = known
        if not person.role.includes(role):
            await transport.answer(press, f"This needs the role {role.value}; yours is {person.role.value}.")
            return
        now = self._services.clock.now()
        if now - press.pressed_at > PRESS_VALID_FOR:
            await transport.answer(press, "This was pressed while I was down; press it again.")
            return
        if press.press_id and not await self._seen.first_time(f"{transport.name}:press:{press.press_id}", now):
            await transport.answer(press)
            return
        reply = await self._react(
            on_press, PressRequest(args=tuple(args), person=person, address=press.message.address)
        )
        await transport.answer(press, reply.notice)
        if reply.replace is not None:
            await self._replace(transport, press, reply.replace)
        if reply.message is not None:
            await transport.send(press.message.address, reply.message)

    async def _replace(self, transport: Transport, press: Press, message: Message) -> None:
        try:
            await transport.edit(press.message, message)
        except Refused:  # the card is gone; what became of the press is said all the same
            await transport.send(press.message.address, message)

    async def _react(self, on_press: OnPress, request: PressRequest) -> PressReply:
        try:
            return await on_press(self._services, request)
        except Usage as exc:
            return PressReply(notice=str(exc)[:LONGEST_NOTICE])
        except (ReadFailed, CannotAssess) as exc:
            return PressReply(notice=f"No data: {exc}"[:LONGEST_NOTICE])
        except StorageError as exc:
            return PressReply(notice=f"Keel's memory does not work now. {exc}"[:LONGEST_NOTICE])
        except (ValueError, IndexError, KeyError):
            # The data of a button of an older version, or a forged one.
            log.info("press.malformed")
            return PressReply(notice="This button is too old to be understood.")


def _words(text: str) -> tuple[str, tuple[str, ...]]:
    """The command's name in lower case and its arguments; quotes keep words together."""
    cut = text[:LONGEST_TEXT].strip().removeprefix("/")
    try:
        parts = shlex.split(cut)
    except ValueError:
        parts = cut.split()
    return (parts[0].lower(), tuple(parts[1:])) if parts else ("", ())
